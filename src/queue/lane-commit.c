/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A commit: one write, one sync, one slot.
 *
 * Three ways to place it. Carried: the records of the last page and the new ones fit one page, which is written
 * to the other of two positions, so that the durable copy stays whole until the new one is. Appended: behind
 * the highest page. Fresh: from the front of the next slot, with its page 0.
 *
 * A sync that failed is never tried again on that file: the system may have thrown the pages away and call the
 * next sync a success. The slot is closed to writing, and the same records go to a fresh one under a new
 * commit number. If that fails too, the lane has failed; from then on the batch is a ring in memory.
 */

#include <string.h>

#include "queue/lane.h"

#define CHECKPOINT_AGE_USEC  (10 * USEC_PER_SEC) /* then it may cost a page of its own in a commit */
#define MEMORY_USEC          (USEC_PER_SEC / 10) /* between two tries to get some */

/* ---- sealing ---- */

static void seal_page(Lane *l, uint8_t *page, unsigned i, unsigned n)
{
        page_seal(page, &(Page){
                                .kind = page_kind(page),
                                .used = page_used(page),
                                .lane = l->identity,
                                .epoch = l->host->epoch,
                                .segno = l->segno,
                                .commit = l->commit,
                                .page_in_commit = i,
                                .pages_in_commit = n,
                        });
}

/* A number that does not follow those in the slot, because the stream was in another lane meanwhile or memory ran
 * over: the table of a new slot has to say so. */
static bool numbers_jump(const Lane *l)
{
        for (unsigned id = 0; id < RECORD_STREAMS; id++)
                if (l->filling.first[id] != 0 && l->filling.first[id] != (l->end[id] ?: 1))
                        return true;
        return false;
}

static void commit_work(DiskJob *job, Disk *disk)
{
        Lane *l = container_of(job, Lane, flight.job);

        l->flight.what = "write to";
        l->flight.error = meter_write(&l->flight.use, disk, l->flight.slot->fd, l->flight.iov, l->flight.n_iov,
                                      l->flight.offset);
        if (l->flight.error < 0)
                return;
        l->flight.what = "sync";
        l->flight.error = meter_sync(&l->flight.use, disk, l->flight.slot->fd);
}

static void commit_done(DiskJob *job);

static void commit_dropped(DiskJob *job)
{
        lane_orphan_ended(container_of(job, Lane, flight.job));
}

/* The other batch, empty by now, fills meanwhile. */
static void take_off(Lane *l)
{
        Batch empty = l->flight.batch;

        l->flight.batch = l->filling;
        l->filling = empty;
}

static void submit(Lane *l, Slot *slot, size_t at, size_t n, usec_t now)
{
        l->flight.job = (DiskJob){commit_work, commit_done, commit_dropped};
        l->flight.slot = slot;
        l->flight.offset = (uint64_t)at * PAGE_BYTES;
        l->flight.at = at;
        l->flight.n = n;
        l->flight.under_way = true;
        l->urgent = false;
        l->starved = false;
        l->commit_usec = now;
        l->n_commits++;
        l->n_commit_pages += n;
        slot->n_used = MAX(slot->n_used, at + n);
        disk_submit(l->disk, &l->flight.job);
}

/* What flew and did not arrive goes first. False for want of memory: then both wait for another time. */
static bool put_back(Lane *l)
{
        l->memory_usec = 0;
        if (l->flight.batch.n_pages == 0)
                return true;
        if (batch_join(&l->flight.batch, &l->filling) < 0) {
                l->memory_usec = usec_add(clock_boot(l->host->clock), MEMORY_USEC);
                return false;
        }
        batch_done(&l->filling);
        l->filling = l->flight.batch;
        l->filling.open = false; /* its last page may end with a checkpoint, which tells another time */
        l->flight.batch = (Batch){};
        return true;
}

/* A slot for the next commit. If none is ready one is being made, or freed by a checkpoint, or asked for; if the
 * disk gave none a moment ago and nothing else can be done, the lane has failed. */
static Slot *find_slot(Lane *l, size_t pages)
{
        Slot *slot = lane_take_slot(l, pages);
        bool hope;

        if (slot)
                return slot;
        l->starved = !l->failed;
        lane_prepare(l);
        hope = l->making.under_way || (l->current && l->release);
        if (!l->current && !hope)
                slot = lane_take_slot(l, pages); /* making room may have made one */
        else if (l->current && l->release && l->filling.n_pages > 0)
                lane_seal_checkpoint_only(l);
        if (!slot && !hope && !l->failed && l->making.retry_usec != USEC_INFINITY)
                lane_fail_making(l);
        return slot;
}

/* The records of the last page and the new ones in one page, beside the last one. */
static bool seal_carried(Lane *l, const LaneCheckpoint *c, usec_t now)
{
        bool must = c->must || l->tail.checkpoint; /* the one in the tail may be the newest: never left behind */
        size_t used = l->tail.used;
        Slot *slot = l->current;

        if (l->tail.first == 0 || l->filling.n_pages > 1 || l->tail.first + 1 >= slot->n_pages)
                return false;
        if (l->filling.n_pages == 1)
                used += page_used(l->filling.pages) - PAGE_HEADER;
        if (used + (must ? RECORD_FULL + c->size : 0) > PAGE_BYTES || (must && c->size == 0))
                return false;

        memcpy(l->flight.carry, l->tail.page, l->tail.used);
        page_begin(l->flight.carry, PAGE_DATA);
        if (l->filling.n_pages == 1)
                memcpy(l->flight.carry + l->tail.used, l->filling.pages + PAGE_HEADER, used - l->tail.used);
        page_set_used(l->flight.carry, used);
        l->tail.used = used;
        l->flight.checkpoint = lane_checkpoint_put(c, l->flight.carry, now);

        l->commit++;
        seal_page(l, l->flight.carry, 0, 1);
        l->flight.iov[0] = (struct iovec){l->flight.carry, PAGE_BYTES};
        l->flight.n_iov = 1;
        l->flight.carries = true;
        l->flight.fresh = false;
        take_off(l);
        submit(l, slot, slot->tail == l->tail.first ? l->tail.first + 1 : l->tail.first, 1, now);
        return true;
}

/* Behind the highest page. A checkpoint goes into the last page's padding, or has a page of its own if it must. */
static bool seal_appended(Lane *l, const LaneCheckpoint *c, usec_t now)
{
        Batch *b = &l->filling;

        l->flight.checkpoint = batch_last(b) && lane_checkpoint_put(c, batch_last(b), now);
        if (!l->flight.checkpoint && c->must && batch_put_page(b) == 0)
                l->flight.checkpoint = lane_checkpoint_put(c, batch_last(b), now);
        if (b->n_pages == 0) { /* no memory for as much as a page */
                l->dirty_usec = usec_add(now, USEC_PER_SEC);
                return false;
        }
        take_off(l);
        b = &l->flight.batch;
        l->commit++;
        for (size_t i = 0; i < b->n_pages; i++)
                seal_page(l, batch_page(b, i), (unsigned)i, (unsigned)b->n_pages);
        l->flight.iov[0] = (struct iovec){b->pages, b->n_pages * PAGE_BYTES};
        l->flight.n_iov = 1;
        l->flight.carries = false;
        l->flight.fresh = false;
        submit(l, l->current, l->current->n_used, b->n_pages, now);
        return true;
}

/* From the front of the next slot, with its page 0 and a checkpoint in it. */
static bool seal_fresh(Lane *l, size_t pages, usec_t now)
{
        Slot *slot = find_slot(l, pages + 1), *before = l->current;
        Batch *b = &l->flight.batch;

        if (!slot)
                return false;
        if (before) { /* nothing of it changes any more */
                before->n_walk = before->n_used;
                before->tail = 0;
        }
        take_off(l);
        l->commit++;
        slot_begin(slot, ++l->segno);
        slot->epoch = l->host->epoch;
        slot->begun_commit = l->commit;
        slot->begun = (Moment){boots_present(l->host->boots), batch_since(b, now)};
        l->current = slot;
        l->tail.first = 0;
        l->flight.checkpoint = lane_head_build(l, slot, now);
        seal_page(l, l->flight.head, 0, (unsigned)b->n_pages + 1);
        for (size_t i = 0; i < b->n_pages; i++)
                seal_page(l, batch_page(b, i), (unsigned)i + 1, (unsigned)b->n_pages + 1);
        l->flight.iov[0] = (struct iovec){l->flight.head, PAGE_BYTES};
        l->flight.iov[1] = (struct iovec){b->pages, b->n_pages * PAGE_BYTES};
        l->flight.n_iov = b->n_pages > 0 ? 2 : 1;
        l->flight.carries = false;
        l->flight.fresh = true;
        submit(l, slot, 0, b->n_pages + 1, now);
        return true;
}

/* Does it fit behind the highest page? The last pages of a slot are for checkpoints when no free slot is there. */
static bool fits_behind(const Lane *l, size_t pages)
{
        size_t reserved = l->filling.n_pages == 0 || lane_has_free(l) ? 0 : LANE_RESERVED_PAGES;

        return l->current->n_used + pages + reserved <= l->current->n_pages;
}

bool lane_seal(Lane *l, bool checkpoint)
{
        usec_t now = clock_boot(l->host->clock);
        bool dirty = l->dirty_usec != USEC_INFINITY, sealed;
        LaneCheckpoint c = {};
        size_t pages;

        if (l->flight.under_way || !put_back(l) || (l->filling.n_pages == 0 && !checkpoint))
                return false;
        c.must = checkpoint || (dirty && (l->release || now >= usec_add(l->checkpoint_usec, CHECKPOINT_AGE_USEC)));
        pages = MAX(l->filling.n_pages, (size_t)1) + c.must;

        if (!l->current || numbers_jump(l)) {
                sealed = seal_fresh(l, pages, now);
        } else {
                if (dirty || c.must || l->tail.checkpoint)
                        lane_checkpoint_build(l, &c);
                sealed = seal_carried(l, &c, now) ||
                         (fits_behind(l, pages) ? seal_appended(l, &c, now) : seal_fresh(l, pages, now));
        }
        if (sealed && l->flight.checkpoint) {
                if (!l->flight.fresh)
                        lane_checkpoint_took_off(l, &c);
                l->dirty_usec = USEC_INFINITY;
        }
        return sealed;
}

/* The batch has to wait; a checkpoint goes into the room that is reserved for it, and frees a slot. */
void lane_seal_checkpoint_only(Lane *l)
{
        bool urgent = l->urgent;
        Batch held;

        if (!put_back(l))
                return;
        held = l->filling;
        l->filling = (Batch){};
        if (!lane_seal(l, true))
                l->dirty_usec = usec_add(clock_boot(l->host->clock), USEC_PER_SEC);
        batch_done(&l->filling);
        l->filling = held;
        l->urgent = urgent; /* it waits on, and each try costs a token */
}

/* ---- the end of a commit ---- */

/* What of the last page may be carried on by the next commit. */
static void keep_tail(Lane *l)
{
        Batch *b = &l->flight.batch;
        RecordContext context = {};
        size_t at = PAGE_HEADER, start = at;
        Record record;
        uint8_t *page;

        l->tail.first = 0;
        page = batch_last(b);
        if (!page)
                return;
        l->tail.checkpoint = false;
        while (start = at, record_get(page, page_used(page), &at, &context, &record) == 0)
                if (record.type == RECORD_CHECKPOINT && at == page_used(page)) {
                        l->tail.checkpoint = true;
                        at = start;
                        break;
                }
        memcpy(l->tail.page, page, at);
        l->tail.used = at;
        l->tail.first = l->flight.at + l->flight.n - 1;
}

static void came_to_rest(Lane *l)
{
        Slot *slot = l->flight.slot;
        Batch *b = &l->flight.batch;

        if (l->flight.carries) {
                slot->tail = l->flight.at;
                memcpy(l->tail.page, l->flight.carry, l->tail.used);
                l->tail.checkpoint = l->flight.checkpoint;
        } else {
                keep_tail(l);
                slot->n_walk = l->tail.first ? l->tail.first : l->flight.at + l->flight.n;
                slot->tail = l->tail.first;
        }
        slot->tail_commit = l->commit;
        if (l->flight.fresh)
                l->announced |= l->flight.announced;
        l->open_announced = true;
        for (unsigned id = 0; id < RECORD_STREAMS; id++) {
                if (b->first[id] == 0)
                        continue;
                if (slot->first[id] == 0)
                        slot->first[id] = b->first[id];
                slot->end[id] = l->end[id] = b->end[id];
                stream_rest(l->host->streams[id], b->end[id],
                            (Moment){boots_present(l->host->boots), b->since_usec});
        }
}

static void release_slots(Lane *l)
{
        for (size_t i = l->n_slots; i-- > 0;)
                if (l->slots[i]->releasing) {
                        l->slots[i]->releasing = false;
                        lane_release(l, l->slots[i]);
                }
        l->release = false;
}

static void succeeded(Lane *l)
{
        meter_commit(l->host->meter, usec_sub(clock_boot(l->host->clock), l->commit_usec),
                     l->flight.batch.n_records == 0);
        came_to_rest(l);
        l->attempts = 0;
        if (l->flight.checkpoint) {
                l->checkpoint_usec = l->commit_usec;
                release_slots(l);
        }
        lane_answer_batch(l, &l->flight.batch, 0);
        batch_clear(&l->flight.batch);
        l->flight.under_way = false;
        if (l->failed) {
                l->failed = false;
                backoff_reset(&l->backoff);
                l->host->recovered(l->host->userdata, l);
        }
        l->host->committed(l->host->userdata, l);
}

static void did_not(Lane *l)
{
        Slot *slot = l->flight.slot;
        _cleanup_free_ char *path = lane_slot_path(l, slot->index);

        for (size_t i = 0; i < l->n_slots; i++)
                l->slots[i]->releasing = false;
        if (l->flight.checkpoint)
                lane_dirty(l);
        slot->state = SLOT_BROKEN;
        l->current = NULL;
        l->release = false; /* until there is a slot again, no checkpoint can be written */
        l->tail.first = 0;
        l->flight.under_way = false;
        if (l->flight.fresh)
                lane_remove(l, slot);
        if (l->failed || ++l->attempts > 1) {
                (void)put_back(l);
                lane_fail(l, l->flight.error, l->flight.what, path);
        } else
                (void)lane_seal(l, true);
}

static void commit_done(DiskJob *job)
{
        Lane *l = container_of(job, Lane, flight.job);

        meter_add(l->host->meter, &l->flight.use);
        if (l->flight.error < 0)
                did_not(l);
        else
                succeeded(l);
        lane_tick(l, clock_boot(l->host->clock));
        lane_prepare(l);
}
