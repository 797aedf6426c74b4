/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The cursor: every durable record once, in order, without waiting for the disk.
 *
 * It walks the slots by generation and each slot page by page. A record is served only if its number is above
 * what was met of its stream, and it has no outcome yet: so carried and rewritten copies need no flags. The last
 * page of the slot that is being written changes place and content; it is read again whenever it has.
 *
 * What a slot's table promises and its pages do not show is lost: settled as damaged when the cursor leaves.
 */

#include <errno.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/log.h"
#include "base/log-id.h"
#include "queue/lane.h"

#define READ_TRIES 5 /* 1, 2, 4, 8, 16 s apart */

void lane_cursor_done(Lane *l)
{
        LaneCursor *c = &l->cursor;

        free(c->cache);
        free(c->big);
        free(c->job_data);
        *c = (LaneCursor){};
}

static void enter(Lane *l, Slot *slot)
{
        LaneCursor *c = &l->cursor;

        c->slot = slot;
        c->page = 1;
        c->tail_commit = 0;
        c->open = NULL;
        c->boot_epoch = slot ? slot->epoch : 0;
        c->boot_is_this = slot && slot->this_boot;
}

void lane_cursor_leave(Lane *l, const Slot *slot)
{
        LaneCursor *c = &l->cursor;

        if (c->slot != slot)
                return;
        /* The next one by generation; there always is one, for the newest slot is never given away. */
        enter(l, lane_next_slot(l, slot));
        c->peeked = false;
        c->big_pending = false;
}

/* ---- what is gone ---- */

static void count_missing(Lane *l, const Slot *slot)
{
        uint64_t lost = 0;

        for (unsigned id = 0; id < RECORD_STREAMS; id++) {
                Stream *s = l->host->streams[id];
                uint64_t first, last;

                if (!s || slot->first[id] == 0)
                        continue;
                while (stream_missing(s, slot->first[id], slot->end[id], &first, &last)) {
                        if (stream_settle(s, first, last, OUTCOME_DAMAGED, l->host->settled, l->host->userdata) < 0)
                                break;
                        lost += last - first + 1;
                }
        }
        l->cursor.doubtful = false;
        if (lost == 0)
                return;
        lane_dirty(l);
        log_line(LOG_ERR, LOG_ID_RECORD_DAMAGED, NULL,
                 "%s/seg-%04u: %llu records cannot be read any more; counted as dropped (damaged). Check the disk.",
                 l->path, slot->index, (unsigned long long)lost);
}

/* ---- pages ---- */

static void read_work(DiskJob *job, Disk *disk)
{
        LaneCursor *c = container_of(job, LaneCursor, job);

        c->job_result = disk_read(disk, c->job_fd, c->job_data, c->job_n * PAGE_BYTES, c->job_first * PAGE_BYTES);
}

/* An error may pass: is it worth another look, later? */
static bool try_later(Lane *l)
{
        LaneCursor *c = &l->cursor;

        if (c->weary || c->tries == READ_TRIES) {
                c->weary = true;
                c->tries = 0;
                return false;
        }
        c->retry_usec = usec_add(clock_boot(l->host->clock), USEC_PER_SEC << c->tries++);
        return true;
}

static void read_well(LaneCursor *c)
{
        c->tries = 0;
        c->weary = false;
}

void lane_read_again(Lane *l, usec_t now)
{
        LaneCursor *c = &l->cursor;

        if (now < c->retry_usec)
                return;
        c->retry_usec = USEC_INFINITY;
        l->host->readable(l->host->userdata, l);
}

static void took(Lane *l, uint64_t segno, size_t first, size_t n, ssize_t result)
{
        LaneCursor *c = &l->cursor;

        if (result >= 0)
                read_well(c);
        c->cache_segno = segno;
        c->cache_first = first;
        /* A page that cannot be read is a bad one, once its neighbours had their chance. */
        if (result < 0 && n == 1 && !try_later(l)) {
                memset(c->cache, 0, PAGE_BYTES);
                c->cache_n = 1;
        } else
                c->cache_n = result < 0 ? 0 : (size_t)result / PAGE_BYTES;
        if (result >= 0 && c->cache_n < n) { /* the file is shorter than it was */
                memset(c->cache + c->cache_n * PAGE_BYTES, 0, (n - c->cache_n) * PAGE_BYTES);
                c->cache_n = n;
        }
        c->chunk = result < 0 ? 1 : LANE_CACHE_PAGES;
}

static void read_done(DiskJob *job)
{
        LaneCursor *c = container_of(job, LaneCursor, job);
        Lane *l = container_of(c, Lane, cursor);

        c->reading = false;
        if (c->job_is_big) {
                free(c->big);
                c->big = c->job_result == (ssize_t)(c->job_n * PAGE_BYTES) ? c->job_data : NULL;
                if (c->big)
                        read_well(c);
                else
                        free(c->job_data);
                c->big_first = c->job_first;
                c->big_n = c->big || !try_later(l) ? c->job_n : 0;
        } else {
                free(c->cache);
                c->cache = c->job_data;
                took(l, c->job_segno, c->job_first, c->job_n, c->job_result);
        }
        c->job_data = NULL;
        l->host->readable(l->host->userdata, l);
}

static void read_dropped(DiskJob *job)
{
        lane_orphan_ended(container_of(container_of(job, LaneCursor, job), Lane, cursor));
}

static int read_later(Lane *l, const Slot *slot, size_t first, size_t n, bool big)
{
        LaneCursor *c = &l->cursor;

        c->job_data = malloc((big ? n : LANE_CACHE_PAGES) * PAGE_BYTES);
        if (!c->job_data)
                return QUEUE_E_EMPTY; /* until something else makes us look again */
        c->job = (DiskJob){read_work, read_done, read_dropped};
        c->job_segno = slot->segno;
        c->job_fd = slot->fd;
        c->job_first = first;
        c->job_n = n;
        c->job_is_big = big;
        c->reading = true;
        disk_submit(l->disk, &c->job);
        return QUEUE_E_WAIT;
}

/* Page `first` of the slot, and those behind it up to `end` as far as the cache goes. */
static int fetch(Lane *l, const Slot *slot, size_t first, size_t end, const uint8_t **ret)
{
        LaneCursor *c = &l->cursor;
        size_t n = MIN(end - first, c->chunk);
        ssize_t r;

        if (c->cache_segno == slot->segno && first >= c->cache_first && first < c->cache_first + c->cache_n) {
                *ret = c->cache + (first - c->cache_first) * PAGE_BYTES;
                return 0;
        }
        if (!c->cache) {
                c->cache = malloc(LANE_CACHE_PAGES * PAGE_BYTES);
                if (!c->cache)
                        return QUEUE_E_EMPTY;
        }
        c->cache_n = 0;
        r = disk_read_now(l->disk, slot->fd, c->cache, n * PAGE_BYTES, first * PAGE_BYTES);
        if (r < 0)
                return read_later(l, slot, first, n, false);
        took(l, slot->segno, first, n, r);
        *ret = c->cache;
        return 0;
}

static void open_page(Lane *l, const Slot *slot, const uint8_t *bytes)
{
        LaneCursor *c = &l->cursor;
        Page page;

        if (page_open(bytes, &page) != 0 || page.lane != l->identity || page.segno != slot->segno) {
                c->doubtful = true;
                return;
        }
        if (page.kind != PAGE_DATA)
                return;
        c->open = bytes;
        c->used = page.used;
        c->at = PAGE_HEADER;
        c->context = (RecordContext){};
        c->epoch = page.epoch;
}

/* Opens the next page that there is. 0, QUEUE_E_EMPTY, QUEUE_E_WAIT */
static int next_page(Lane *l)
{
        LaneCursor *c = &l->cursor;
        const uint8_t *bytes;
        Slot *slot, *next;
        int r;

        for (;;) {
                slot = c->slot;
                if (!slot) {
                        enter(l, lane_next_slot(l, NULL));
                        if (!c->slot)
                                return QUEUE_E_EMPTY;
                        continue;
                }
                if (slot != l->current && slot_is_settled(slot, l->host->streams)) {
                        next = lane_next_slot(l, slot);
                        if (!next || (next->n_walk == 1 && next->tail == 0))
                                return QUEUE_E_EMPTY;
                        enter(l, next);
                        continue;
                }
                if (c->page < slot->n_walk) {
                        if (c->tail_read != 0) /* the copy in the cache may be older than what came to rest there */
                                c->cache_n = 0;
                        c->tail_read = 0;
                        r = fetch(l, slot, c->page, slot->n_walk, &bytes);
                        if (r != 0)
                                return r;
                        c->page++;
                        open_page(l, slot, bytes);
                        return 0;
                }
                if (slot->tail != 0 && c->tail_commit != slot->tail_commit) {
                        if (c->tail_read != slot->tail_commit)
                                c->cache_n = 0;
                        c->tail_read = slot->tail_commit;
                        r = fetch(l, slot, slot->tail, slot->tail + 1, &bytes);
                        if (r != 0)
                                return r;
                        c->tail_commit = slot->tail_commit;
                        open_page(l, slot, bytes);
                        return 0;
                }
                next = lane_next_slot(l, slot);
                if (!next || (next->n_walk == 1 && next->tail == 0)) { /* or nothing in it came to rest yet */
                        if (c->doubtful)
                                count_missing(l, slot);
                        return QUEUE_E_EMPTY;
                }
                if (!slot->joined)
                        count_missing(l, slot);
                enter(l, next);
        }
}

/* ---- records ---- */

/* The body of a big record, from the pages behind its own. 0, QUEUE_E_WAIT, or -EBADMSG */
static int assemble(Lane *l, Record *record)
{
        LaneCursor *c = &l->cursor;
        const Slot *slot = c->slot;
        size_t n, done = 0;
        RecordBig big;

        if (record_get_big(record, &big) != 0 || big.size > QUEUE_PAYLOAD_MAX || big.size == 0)
                return -EBADMSG;
        n = record_cont_pages(big.size);
        if (c->page + n > slot->n_walk)
                return -EBADMSG;
        if (c->big_first != c->page || c->big_n != n) {
                uint8_t *data = malloc(n * PAGE_BYTES);

                free(TAKE_PTR(c->big));
                if (!data)
                        return QUEUE_E_EMPTY;
                if (disk_read_now(l->disk, slot->fd, data, n * PAGE_BYTES, c->page * PAGE_BYTES) !=
                    (ssize_t)(n * PAGE_BYTES)) {
                        free(data);
                        return read_later(l, slot, c->page, n, true);
                }
                c->big = data;
                c->big_first = c->page;
                c->big_n = n;
        }
        if (!c->big) /* the worker could not read it either */
                return -EBADMSG;
        for (size_t i = 0; i < n; i++) {
                const uint8_t *bytes = c->big + i * PAGE_BYTES;
                Page page;

                if (page_open(bytes, &page) != 0 || page.kind != PAGE_CONT || page.lane != l->identity ||
                    page.segno != slot->segno || page.used - PAGE_HEADER > big.size - done)
                        return -EBADMSG;
                memmove(c->big + done, bytes + PAGE_HEADER, page.used - PAGE_HEADER);
                done += page.used - PAGE_HEADER;
        }
        c->big_n = 0; /* no longer pages */
        if (done != big.size || crc32c(0, c->big, done) != big.crc)
                return -EBADMSG;
        c->page += n;
        record->type = big.type;
        record->payload = c->big;
        record->size = big.size;
        return 0;
}

static void learn_boot(Lane *l, const Record *record)
{
        LaneCursor *c = &l->cursor;
        Checkpoint said;

        if (record->type != RECORD_EPOCH || checkpoint_decode(&said, record->payload, record->size) != 0)
                return;
        c->boot_epoch = said.epoch;
        c->boot_is_this = memcmp(said.boot, l->host->boot, sizeof(said.boot)) == 0;
}

/* Is it to be served? It counts as met either way. */
static bool is_news(Lane *l, const Record *record)
{
        LaneCursor *c = &l->cursor;
        const Stream *s;

        if (record->stream >= RECORD_STREAMS) {
                learn_boot(l, record);
                return false;
        }
        s = l->host->streams[record->stream];
        if (!s || record->n <= c->seen[record->stream])
                return false;
        if (record->n != c->seen[record->stream] + 1)
                c->doubtful = true;
        return !stream_is_settled(s, record->n);
}

static bool is_settled_now(const Lane *l)
{
        const LaneCursor *c = &l->cursor;

        return stream_is_settled(l->host->streams[c->record.stream], c->record.n);
}

/* The body of a big one, if its pages were not read yet, is passed like any page without records. */
static void pass_over(LaneCursor *c)
{
        c->seen[c->record.stream] = c->record.n;
        c->peeked = false;
        c->big_pending = false;
        free(TAKE_PTR(c->big));
        c->big_n = 0;
}

static int next_record(Lane *l)
{
        LaneCursor *c = &l->cursor;
        int r;

        for (;;) {
                if (!c->open) {
                        r = next_page(l);
                        if (r != 0)
                                return r;
                        continue;
                }
                if (c->big_pending && is_settled_now(l)) /* while its body was read */
                        pass_over(c);
                if (!c->big_pending) {
                        r = record_get(c->open, c->used, &c->at, &c->context, &c->record);
                        if (r != 0) {
                                c->doubtful |= r == RECORD_E_BAD;
                                c->open = NULL;
                                continue;
                        }
                        if (!is_news(l, &c->record)) {
                                if (c->record.stream < RECORD_STREAMS)
                                        c->seen[c->record.stream] =
                                                MAX(c->seen[c->record.stream], c->record.n);
                                continue;
                        }
                }
                if (c->record.type != RECORD_BIG)
                        return 0;
                c->big_pending = true;
                r = assemble(l, &c->record);
                if (r > 0)
                        return r;
                c->big_pending = false;
                if (r == 0)
                        return 0;
                c->doubtful = true;
        }
}

int lane_peek(Lane *l, LaneRecord *ret)
{
        LaneCursor *c = &l->cursor;
        Stream *s;
        int r;

        if (c->reading || c->retry_usec != USEC_INFINITY)
                return QUEUE_E_WAIT;
        if (c->peeked && is_settled_now(l)) /* since it was first looked at */
                pass_over(c);
        if (!c->peeked) {
                r = next_record(l);
                if (r != 0)
                        return r;
                /* so that lane_advance() cannot fail */
                if (ranges_reserve(&l->host->streams[c->record.stream]->in_hand, 1) < 0)
                        return QUEUE_E_EMPTY;
                c->peeked = true;
        }
        s = l->host->streams[c->record.stream];
        *ret = (LaneRecord){
                .record = c->record,
                .stream = s,
                .epoch = c->epoch,
                .this_boot = c->epoch == l->host->epoch || (c->epoch == c->boot_epoch && c->boot_is_this),
        };
        return 0;
}

void lane_advance(Lane *l)
{
        LaneCursor *c = &l->cursor;
        Stream *s;

        if (!c->peeked)
                return;
        c->peeked = false;
        free(TAKE_PTR(c->big));
        c->big_n = 0;
        s = l->host->streams[c->record.stream];
        c->seen[s->id] = c->record.n;
        if (c->record.n >= s->low && !ranges_contains(&s->in_hand, c->record.n))
                ranges_put(&s->in_hand, c->record.n, c->record.n, 0);
}
