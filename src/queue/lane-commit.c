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

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "queue/lane.h"

#define CHECKPOINT_AGE_USEC  (10 * USEC_PER_SEC) /* then it may cost a page of its own in a commit */
#define CHECKPOINT_IDLE_USEC (30 * USEC_PER_SEC) /* then it may cost a commit of its own */
#define RESERVED_PAGES       2 /* of a slot, for checkpoints alone when no free slot is there */

/* ---- what a checkpoint says ---- */

static void fill_checkpoint(Lane *l, Checkpoint *c)
{
        memset(c, 0, sizeof(*c));
        c->epoch = l->host->epoch;
        c->previous_epoch = l->host->previous_epoch;
        memcpy(c->boot, l->host->boot, sizeof(c->boot));
        c->sequence = l->host->sequence + 1;
        for (unsigned id = 0; id < RECORD_STREAMS; id++) {
                const Stream *s = l->host->streams[id];

                if (!s)
                        continue;
                memcpy(c->streams[id].name, s->name, sizeof(s->name));
                c->streams[id].next = s->durable;
                c->streams[id].low = s->low;
                memcpy(c->streams[id].counts, s->counts, sizeof(s->counts));
                for (size_t i = 0; i < s->settled.n && c->n_ranges < CHECKPOINT_RANGES; i++) {
                        const Range *r = &s->settled.items[i];

                        c->ranges[c->n_ranges++] = (CheckpointRange){(uint8_t)id, r->tag, r->first, r->last};
                }
        }
}

static size_t count_ranges(const Lane *l)
{
        size_t n = 0;

        for (unsigned id = 0; id < RECORD_STREAMS; id++)
                n += l->host->streams[id] ? l->host->streams[id]->settled.n : 0;
        return n;
}

static bool ends_below_low(const Lane *l, const Slot *slot)
{
        for (unsigned id = 0; id < RECORD_STREAMS; id++)
                if (slot->first[id] != 0 && slot->end[id] > slot->first[id] &&
                    slot->end[id] > l->host->streams[id]->low)
                        return false;
        return true;
}

/* Would a checkpoint free it? Ranges that find no room there settle nothing. */
bool lane_could_release(const Lane *l, const Slot *slot)
{
        return slot != l->current && slot_holds(slot) &&
               (count_ranges(l) <= CHECKPOINT_RANGES ? slot_is_settled(slot, l->host->streams) :
                                                       ends_below_low(l, slot));
}

/* Which slots are free once this checkpoint is durable. */
static void mark_releasing(Lane *l, size_t n_ranges)
{
        bool whole = n_ranges == count_ranges(l);

        for (size_t i = 0; i < l->n_slots; i++)
                l->slots[i]->releasing =
                        lane_could_release(l, l->slots[i]) && (whole || ends_below_low(l, l->slots[i]));
}

static bool put_record(uint8_t *page, uint8_t type, const uint8_t *payload, size_t size, usec_t now)
{
        RecordContext context = {};
        size_t used = page_used(page);

        if (!record_put(page, &used, &context,
                        &(Record){.type = type, .stream = RECORD_NO_STREAM, .boot_usec = now, .payload = payload,
                                  .size = size}))
                return false;
        page_set_used(page, used);
        return true;
}

/* Where the numbers of each stream begin in the slot that this commit begins. */
static void fill_slot_table(Lane *l, Slot *slot, Checkpoint *c)
{
        for (unsigned id = 0; id < RECORD_STREAMS; id++) {
                uint64_t end = l->end[id] ?: 1, first = l->flying.first[id] ?: l->end[id];

                if (first == 0)
                        continue;
                c->streams[id].first = slot->first[id] = slot->end[id] = first;
                c->streams[id].gap = first - MIN(first, end);
        }
}

static void build_head(Lane *l, Slot *slot, usec_t now)
{
        uint8_t bytes[CHECKPOINT_BYTES_MAX];
        size_t size, n_ranges, room;

        page_begin(l->head, PAGE_HEAD);
        fill_checkpoint(l, l->scratch);
        fill_slot_table(l, slot, l->scratch);
        size = checkpoint_encode(l->scratch, CHECKPOINT_OPENING | CHECKPOINT_STREAMS | CHECKPOINT_SLOT, bytes,
                                 sizeof(bytes), NULL);
        (void)put_record(l->head, RECORD_EPOCH, bytes, size, now);
        room = PAGE_BYTES - page_used(l->head) - RECORD_FULL;
        size = checkpoint_encode(l->scratch, CHECKPOINT_SETTLED | CHECKPOINT_SETTLED_RANGES, bytes, room, &n_ranges);
        if (size == 0)
                return; /* served again after a crash, no more */
        (void)put_record(l->head, RECORD_CHECKPOINT, bytes, size, now);
        l->host->sequence = l->scratch->sequence;
        l->job_checkpoint = true;
        mark_releasing(l, n_ranges);
}

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
        Lane *l = container_of(job, Lane, job);

        l->job_what = "write to";
        l->job_error = disk_write(disk, l->job_slot->fd, l->job_iov, l->job_n_iov, l->job_offset);
        if (l->job_error < 0)
                return;
        l->job_what = "sync";
        l->job_error = disk_sync(disk, l->job_slot->fd);
}

static void commit_done(DiskJob *job);

static void commit_dropped(DiskJob *job)
{
        lane_orphan_ended(container_of(job, Lane, job));
}

/* The other batch, empty by now, fills meanwhile. */
static void take_off(Lane *l)
{
        Batch empty = l->flying;

        l->flying = l->filling;
        l->filling = empty;
}

static void submit(Lane *l, Slot *slot, size_t at, size_t n, usec_t now)
{
        l->job = (DiskJob){commit_work, commit_done, commit_dropped};
        l->job_slot = slot;
        l->job_offset = at * PAGE_BYTES;
        l->job_at = at;
        l->job_n = n;
        l->in_flight = true;
        l->urgent = false;
        l->starved = false;
        l->commit_usec = now;
        l->n_commits++;
        l->n_commit_pages += n;
        slot->n_used = MAX(slot->n_used, at + n);
        disk_submit(l->disk, &l->job);
}

/* The records of the last page and the new ones in one page, beside the last one. */
static bool seal_carried(Lane *l, const uint8_t *checkpoint, size_t size, bool must, usec_t now)
{
        Slot *slot = l->current;
        size_t used = l->tail_used, at;

        must |= l->tail_checkpoint; /* it may be the newest there is: never left behind */
        if (l->tail_first == 0 || l->filling.n_pages > 1 || l->tail_first + 1 >= slot->n_pages)
                return false;
        if (l->filling.n_pages == 1)
                used += page_used(l->filling.pages) - PAGE_HEADER;
        if (used + (must ? RECORD_FULL + size : 0) > PAGE_BYTES || (must && size == 0))
                return false;

        memcpy(l->carry, l->tail, l->tail_used);
        page_begin(l->carry, PAGE_DATA);
        if (l->filling.n_pages == 1)
                memcpy(l->carry + l->tail_used, l->filling.pages + PAGE_HEADER, used - l->tail_used);
        page_set_used(l->carry, used);
        l->tail_used = used;
        l->job_checkpoint = size > 0 && put_record(l->carry, RECORD_CHECKPOINT, checkpoint, size, now);

        l->commit++;
        seal_page(l, l->carry, 0, 1);
        l->job_iov[0] = (struct iovec){l->carry, PAGE_BYTES};
        l->job_n_iov = 1;
        l->job_carries = true;
        l->job_fresh = false;
        at = slot->tail == l->tail_first ? l->tail_first + 1 : l->tail_first;
        take_off(l);
        submit(l, slot, at, 1, now);
        return true;
}

/* A checkpoint into the last page's padding, or in a page of its own if it must be. */
static void add_checkpoint(Lane *l, const uint8_t *checkpoint, size_t size, bool must, usec_t now)
{
        Batch *b = &l->filling;
        bool fits = b->open && page_used(batch_page(b, b->n_pages - 1)) + RECORD_FULL + size <= PAGE_BYTES;

        if (size == 0 || !(fits || must))
                return;
        l->job_checkpoint = batch_put(b, &(Record){.type = RECORD_CHECKPOINT, .stream = RECORD_NO_STREAM,
                                                   .boot_usec = now, .payload = checkpoint, .size = size},
                                      NULL) == 0;
}

/* What of the last page may be carried on by the next commit. */
static void keep_tail(Lane *l)
{
        Batch *b = &l->flying;
        RecordContext context = {};
        size_t at = PAGE_HEADER, start = at;
        Record record;
        uint8_t *page;

        l->tail_first = 0;
        if (b->n_pages == 0 || !b->open)
                return;
        page = batch_page(b, b->n_pages - 1);
        l->tail_checkpoint = false;
        while (start = at, record_get(page, page_used(page), &at, &context, &record) == 0)
                if (record.type == RECORD_CHECKPOINT && at == page_used(page)) {
                        l->tail_checkpoint = true;
                        at = start;
                        break;
                }
        memcpy(l->tail, page, at);
        l->tail_used = at;
        l->tail_first = l->job_at + l->job_n - 1;
}

/* What flew and did not arrive goes first. False for want of memory: then both wait for another time. */
static bool put_back(Lane *l)
{
        if (l->flying.n_pages == 0)
                return true;
        if (batch_join(&l->flying, &l->filling) < 0)
                return false;
        batch_done(&l->filling);
        l->filling = l->flying;
        l->flying = (Batch){};
        return true;
}

/* The batch has to wait; a checkpoint goes into the room that is reserved for it, and frees a slot. */
static void seal_checkpoint_only(Lane *l)
{
        Batch held = l->filling;

        l->filling = (Batch){};
        if (!lane_seal(l, true))
                l->dirty_usec = usec_add(clock_boot(l->host->clock), USEC_PER_SEC);
        batch_done(&l->filling);
        l->filling = held;
}

/* No slot is ready. One is being made, or freed by a checkpoint, or asked for; if the disk gave none a moment
 * ago and nothing else can be done, the lane has failed. */
static void starve(Lane *l)
{
        l->starved = !l->failed;
        if (l->failed)
                return;
        lane_prepare(l);
        if (l->release && l->current && l->filling.n_pages > 0)
                seal_checkpoint_only(l);
        else if (!l->making && !l->release && l->make_retry_usec != USEC_INFINITY) {
                _cleanup_free_ char *path = lane_slot_path(l, l->make_index);

                lane_fail(l, l->make_error, l->make_what, path);
        }
}

bool lane_seal(Lane *l, bool checkpoint)
{
        usec_t now = clock_boot(l->host->clock);
        bool dirty = l->dirty_usec != USEC_INFINITY, must, fresh;
        uint8_t bytes[CHECKPOINT_BYTES_MAX];
        size_t size = 0, n_ranges = 0, pages;
        Slot *slot = l->current;

        if (l->in_flight || !put_back(l) || (l->filling.n_pages == 0 && !checkpoint))
                return false;
        l->job_checkpoint = false;
        fresh = !slot || numbers_jump(l);
        must = checkpoint || (dirty && (l->release || now >= usec_add(l->checkpoint_usec, CHECKPOINT_AGE_USEC)));

        if (!fresh && (dirty || must || l->tail_checkpoint)) {
                fill_checkpoint(l, l->scratch);
                size = checkpoint_encode(l->scratch,
                                         CHECKPOINT_STREAMS | CHECKPOINT_SETTLED | CHECKPOINT_SETTLED_RANGES, bytes,
                                         sizeof(bytes), &n_ranges);
        }
        if (fresh || !seal_carried(l, bytes, size, must, now)) {
                bool only = l->filling.n_pages == 0;

                pages = MAX(l->filling.n_pages, (size_t)1) + must;
                if (!fresh && slot->n_used + pages + (only || lane_has_free(l) ? 0 : RESERVED_PAGES) > slot->n_pages)
                        fresh = true;
                if (fresh) {
                        Slot *next = lane_take_slot(l, pages + 1);

                        if (!next) {
                                starve(l);
                                if (!l->current && !l->in_flight) /* making room may have made one */
                                        next = lane_take_slot(l, pages + 1);
                        }
                        if (!next)
                                return false;
                        if (slot) {
                                slot->n_walk = slot->n_used;
                                slot->tail = 0;
                        }
                        slot = next;
                } else {
                        add_checkpoint(l, bytes, size, must, now);
                        if (l->filling.n_pages == 0) { /* no memory for as much as a page */
                                l->dirty_usec = usec_add(now, USEC_PER_SEC);
                                return false;
                        }
                }
                take_off(l);
                l->commit++;
                l->job_carries = false;
                l->job_fresh = fresh;
                l->job_n_iov = 0;
                pages = l->flying.n_pages;
                if (fresh) {
                        slot_begin(slot, ++l->segno);
                        slot->epoch = l->host->epoch;
                        slot->this_boot = true;
                        l->current = slot;
                        l->tail_first = 0;
                        build_head(l, slot, now);
                        seal_page(l, l->head, 0, (unsigned)pages + 1);
                        l->job_iov[l->job_n_iov++] = (struct iovec){l->head, PAGE_BYTES};
                }
                for (size_t i = 0; i < pages; i++)
                        seal_page(l, batch_page(&l->flying, i), (unsigned)(i + fresh), (unsigned)(pages + fresh));
                if (pages > 0)
                        l->job_iov[l->job_n_iov++] = (struct iovec){l->flying.pages, pages * PAGE_BYTES};
                submit(l, slot, fresh ? 0 : slot->n_used, pages + fresh, now);
        }
        if (l->job_checkpoint && !l->job_fresh) {
                l->host->sequence = l->scratch->sequence;
                mark_releasing(l, n_ranges);
        }
        if (l->job_checkpoint)
                l->dirty_usec = USEC_INFINITY;
        return true;
}

/* ---- the end of a commit ---- */

static void answer(Lane *l, Batch *b, int error)
{
        size_t n = b->n_receipts;

        b->n_receipts = 0;
        for (size_t i = 0; i < n; i++) {
                BatchReceipt *r = &b->receipts[i];

                r->receipt.fn(r->receipt.userdata, error, l->host->streams[r->id]->handle, l->host->epoch, r->n);
        }
}

void lane_answer(Lane *l, int error)
{
        answer(l, &l->flying, error);
        answer(l, &l->filling, error);
}

static void came_to_rest(Lane *l)
{
        Slot *slot = l->job_slot;
        Batch *b = &l->flying;

        if (l->job_carries) {
                slot->tail = l->job_at;
                memcpy(l->tail, l->carry, l->tail_used);
                l->tail_checkpoint = l->job_checkpoint;
        } else {
                keep_tail(l);
                slot->n_walk = l->tail_first ? l->tail_first : l->job_at + l->job_n;
                slot->tail = l->tail_first;
        }
        slot->tail_commit = l->commit;
        if (l->job_fresh)
                l->announced = UINT32_MAX;
        l->open_announced = true;
        for (unsigned id = 0; id < RECORD_STREAMS; id++) {
                if (b->first[id] == 0)
                        continue;
                if (slot->first[id] == 0)
                        slot->first[id] = b->first[id];
                slot->end[id] = l->end[id] = b->end[id];
                stream_rest(l->host->streams[id], b->end[id], b->since_usec);
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
        came_to_rest(l);
        l->attempts = 0;
        if (l->job_checkpoint) {
                l->checkpoint_usec = l->commit_usec;
                release_slots(l);
        }
        answer(l, &l->flying, 0);
        batch_clear(&l->flying);
        l->in_flight = false;
        if (l->failed) {
                l->failed = false;
                backoff_reset(&l->backoff);
                l->host->recovered(l->host->userdata, l);
        }
        l->host->committed(l->host->userdata, l);
}

static void did_not(Lane *l)
{
        Slot *slot = l->job_slot;
        _cleanup_free_ char *path = lane_slot_path(l, slot->index);

        for (size_t i = 0; i < l->n_slots; i++)
                l->slots[i]->releasing = false;
        if (l->job_checkpoint)
                lane_dirty(l);
        slot->state = SLOT_BROKEN;
        l->current = NULL;
        l->release = false; /* there is nowhere to write a checkpoint to, for now */
        l->tail_first = 0;
        l->in_flight = false;
        if (l->job_fresh)
                lane_remove(l, slot);
        if (!put_back(l) || l->failed || ++l->attempts > 1)
                lane_fail(l, l->job_error, l->job_what, path);
        else
                (void)lane_seal(l, true);
}

static void commit_done(DiskJob *job)
{
        Lane *l = container_of(job, Lane, job);

        if (l->job_error < 0)
                did_not(l);
        else
                succeeded(l);
        lane_tick(l, clock_boot(l->host->clock));
        lane_prepare(l);
}

/* ---- trouble ---- */

static const char *remedy(int error)
{
        switch (error) {
        case ENOSPC:
        case EDQUOT:
                return "free some space, or lower queue.max_bytes";
        case EROFS:
                return "the file system is read-only: check the disk, then remount it writable";
        case EACCES:
        case EPERM:
                return "give the directory to the user that hublinkd runs as";
        case ENOENT:
        case ENOTDIR:
                return "create the directory above it, or change queue.directory";
        case EWOULDBLOCK:
                return "another process has the queue open: is there a second hublinkd?";
        case EMFILE:
        case ENFILE:
                return "raise the limit of open files";
        default:
                return "check the disk and the kernel's log";
        }
}

void lane_reason(char reason[static LANE_REASON_MAX], int error, const char *what, const char *path)
{
        (void)snprintf(reason, LANE_REASON_MAX, "cannot %s %s: %s; %s", what, path ?: "the queue",
                       strerrordesc_np(-error) ?: "unknown error", remedy(-error));
}

static void lost_from_ring(void *userdata, const Record *record)
{
        Lane *l = userdata;
        Stream *s = l->host->streams[record->stream];

        stream_rest(s, record->n + 1, record->boot_usec);
        if (stream_settle(s, record->n, record->n, OUTCOME_DISK, l->host->settled, l->host->userdata) == 0)
                lane_dirty(l);
}

static void trim_ring(Lane *l, size_t pages)
{
        while (l->filling.n_pages > 0 && l->filling.n_pages + pages > LANE_RING_PAGES)
                batch_drop_page(&l->filling, lost_from_ring, l);
}

void lane_fail(Lane *l, int error, const char *what, const char *path)
{
        bool before = l->failed;

        l->failed = true;
        l->starved = false;
        l->attempts = 0;
        lane_reason(l->reason, error, what, path);
        l->retry_usec = usec_add(clock_boot(l->host->clock), backoff_next(&l->backoff, l->host->random));
        lane_answer(l, error);
        trim_ring(l, 0);
        if (!before)
                l->host->failed(l->host->userdata, l);
}

/* ---- in ---- */

static size_t batch_pages(const Lane *l)
{
        return MIN(l->host->slot_pages - record_cont_pages(QUEUE_PAYLOAD_MAX) - 4, (size_t)LANE_BATCH_PAGES);
}

/* Names for the identities, ahead of the first record of a new stream, and of an opening. */
static int announce(Lane *l, unsigned id, usec_t now)
{
        uint8_t bytes[CHECKPOINT_BYTES_MAX];
        size_t size;
        int r;

        if (l->open_announced && (l->announced & 1u << id))
                return 0;
        fill_checkpoint(l, l->scratch);
        size = checkpoint_encode(l->scratch, CHECKPOINT_OPENING | CHECKPOINT_STREAMS, bytes, sizeof(bytes), NULL);
        r = batch_put(&l->filling, &(Record){.type = RECORD_EPOCH, .stream = RECORD_NO_STREAM, .boot_usec = now,
                                             .payload = bytes, .size = size},
                      NULL);
        if (r < 0)
                return r;
        l->open_announced = true;
        for (unsigned i = 0; i < RECORD_STREAMS; i++)
                if (l->host->streams[i])
                        l->announced |= 1u << i;
        return 0;
}

/* Could the batch be written, now or after what the lane does by itself? */
static bool has_way_out(Lane *l, size_t pages)
{
        size_t room = l->current ? l->current->n_pages - l->current->n_used : 0;

        if (lane_has_free(l) || l->making || l->filling.n_pages + pages + RESERVED_PAGES + 2 <= room)
                return true;
        lane_prepare(l);
        return lane_has_free(l) || l->making || l->release || (l->in_flight && l->job_checkpoint);
}

int lane_append(Lane *l, const Record *record, const QueueReceipt *receipt)
{
        size_t pages = record_pages(record->size);
        int r;

        if (l->failed)
                trim_ring(l, pages);
        else if (!has_way_out(l, pages))
                return QUEUE_E_FULL;
        else if (l->filling.n_pages >= batch_pages(l) && !lane_seal(l, false))
                return QUEUE_E_BUSY;
        if (l->filling.end[record->stream] != 0 && l->filling.end[record->stream] != record->n) {
                l->urgent = true; /* it came back from another lane: a batch has no jumps inside */
                return QUEUE_E_BUSY;
        }
        r = announce(l, record->stream, record->boot_usec);
        if (r < 0)
                return r;
        r = batch_put(&l->filling, record, receipt);
        if (r < 0)
                return r;
        l->urgent |= receipt || l->which == QUEUE_LANE_URGENT;
        if (!l->failed && l->filling.n_pages >= batch_pages(l))
                (void)lane_seal(l, false);
        return 0;
}

bool lane_has_room(const Lane *l)
{
        return l->failed || l->filling.n_pages < batch_pages(l);
}

void lane_dirty(Lane *l)
{
        if (l->dirty_usec == USEC_INFINITY && l->segno != 0) /* a lane that never held anything has nothing to say */
                l->dirty_usec = clock_boot(l->host->clock);
}

/* ---- time ---- */

/* When the batch is due, and when a checkpoint is although there is no batch. */
static usec_t batch_due(const Lane *l, usec_t now)
{
        usec_t due = usec_add(l->filling.since_usec, l->host->commit_interval_usec);

        if (l->filling.n_records == 0)
                return USEC_INFINITY;
        if (l->filling.n_pages >= batch_pages(l))
                return 0;
        return l->urgent ? MIN(due, l->host->token_at(l->host->userdata, now)) : due;
}

static usec_t checkpoint_due(const Lane *l)
{
        if (l->dirty_usec == USEC_INFINITY)
                return USEC_INFINITY;
        return l->release ? usec_add(l->dirty_usec, l->host->commit_interval_usec)
                          : MAX(usec_add(l->commit_usec, CHECKPOINT_IDLE_USEC),
                                usec_add(l->dirty_usec, l->host->commit_interval_usec));
}

usec_t lane_deadline(const Lane *l, usec_t now)
{
        if (l->in_flight)
                return USEC_INFINITY; /* its end will tell */
        if (l->failed)
                return l->making ? USEC_INFINITY : l->retry_usec;
        if (l->starved)
                return MIN(l->release ? checkpoint_due(l) : USEC_INFINITY, l->make_retry_usec);
        return MIN(MIN(batch_due(l, now), checkpoint_due(l)), l->make_retry_usec);
}

/* A fresh slot, or one that holds nothing unsettled; if there is none a new one has to be made, whatever the
 * limit says. */
static void retry(Lane *l, usec_t now)
{
        if (now < l->retry_usec || l->making || lane_seal(l, true))
                return;
        lane_make(l);
}

void lane_tick(Lane *l, usec_t now)
{
        if (l->in_flight)
                return;
        if (l->failed) {
                retry(l, now);
                return;
        }
        if (now >= l->make_retry_usec) {
                l->make_retry_usec = USEC_INFINITY;
                lane_prepare(l);
        }
        if (l->starved) {
                if (l->release && now >= checkpoint_due(l)) {
                        if (l->current)
                                seal_checkpoint_only(l);
                        else
                                (void)lane_seal(l, true);
                }
                return;
        }
        if (now >= batch_due(l, now)) {
                if (now < usec_add(l->filling.since_usec, l->host->commit_interval_usec) &&
                    l->filling.n_pages < batch_pages(l))
                        l->host->take_token(l->host->userdata, now);
                (void)lane_seal(l, false);
        } else if (now >= checkpoint_due(l))
                (void)lane_seal(l, true);
}

bool lane_finish(Lane *l)
{
        l->finishing = true;
        if (l->failed && !l->tried_last) {
                l->tried_last = true;
                if (l->filling.n_records > 0 || l->flying.n_records > 0) {
                        l->retry_usec = 0;
                        retry(l, 0);
                }
        } else if (!l->failed && !l->in_flight && !l->starved &&
                   (l->filling.n_pages > 0 || l->flying.n_pages > 0 || l->dirty_usec != USEC_INFINITY))
                (void)lane_seal(l, true);
        return !l->in_flight && !l->making;
}
