/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/lane-scan.h"

#include <errno.h>
#include <string.h>

/* What the last commit of a slot shows. */
typedef struct LastCommit {
        uint64_t commit;
        unsigned n_pages, n_seen;
        bool unread; /* some page would not be read: whether it was written is unknown */
        uint64_t before[RECORD_STREAMS]; /* the greatest number of earlier commits */
        uint64_t last[RECORD_STREAMS];   /* and of this one; 0: none */
        Ranges seen[RECORD_STREAMS];
        struct {
                Record record;
                uint64_t commit;
                size_t left; /* pages of its body */
        } big;
} LastCommit;

/* ---- what pages say ---- */

ssize_t lane_scan_read(Search *o, int fd, uint8_t *bytes, size_t n_pages, size_t first)
{
        ssize_t n = disk_read(o->disk, fd, bytes, n_pages * PAGE_BYTES, (uint64_t)first * PAGE_BYTES);

        if (n < 0 && o->unread == 0)
                o->unread = (int)n;
        return n;
}

static void learn(LaneFound *found, const Checkpoint *said)
{
        for (size_t id = 0; id < RECORD_STREAMS; id++) {
                const CheckpointStream *s = &said->streams[id];

                if (s->name[0]) {
                        if (s->next >= found->named[id]) {
                                memcpy(found->names[id], s->name, sizeof(s->name));
                                found->named[id] = s->next;
                        }
                        found->next[id] = MAX(found->next[id], s->next);
                }
                found->next[id] = MAX(found->next[id], MAX(s->first, s->low));
        }
        for (size_t i = 0; i < said->n_ranges; i++)
                found->next[said->ranges[i].id] =
                        MAX(found->next[said->ranges[i].id], said->ranges[i].last + 1);
        if ((said->sections & CHECKPOINT_OPENING) && said->n_boots > 0) {
                boots_add(&found->boots, &said->boots[0]);
                boots_learn_epoch(&found->boots, said->epoch, said->boots[0].ordinal);
        }
        if ((said->sections & CHECKPOINT_SETTLED) && said->sequence > found->settled.sequence)
                found->settled = *said;
}

static void learn_record(LaneFound *found, const Record *record, Checkpoint *said)
{
        if ((record->type == RECORD_EPOCH || record->type == RECORD_CHECKPOINT) &&
            checkpoint_decode(said, record->payload, record->size) == 0)
                learn(found, said);
        else
                memset(said, 0, sizeof(*said));
}

void lane_scan_head(Search *o, Head *head, const uint8_t *bytes, const Page *page)
{
        RecordContext context = {};
        Slot *slot = head->slot;
        size_t at = PAGE_HEADER;
        Checkpoint said;
        Record record;

        slot->epoch = page->epoch;
        slot->begun_commit = page->commit;
        while (record_get(bytes, page->used, &at, &context, &record) == 0) {
                learn_record(o->found, &record, &said);
                if ((said.sections & CHECKPOINT_OPENING) && said.n_boots > 0)
                        slot->begun = (Moment){said.boots[0].ordinal, record.boot_usec};
                if (!(said.sections & CHECKPOINT_SLOT))
                        continue;
                head->good = true;
                for (size_t id = 0; id < RECORD_STREAMS; id++) {
                        const CheckpointStream *s = &said.streams[id];

                        slot->first[id] = s->first;
                        head->previous_end[id] = s->first - s->gap;
                }
        }
}

/* ---- the newest slot ---- */

static void see(LastCommit *last, unsigned id, uint64_t n)
{
        Ranges *r = &last->seen[id];

        if (!ranges_contains(r, n) && ranges_reserve(r, 1) == 0)
                ranges_put(r, n, n, 0);
}

static void meet_record(LaneFound *found, LastCommit *last, const Record *record, bool of_last, uint64_t commit)
{
        unsigned id = record->stream;
        Checkpoint said;
        RecordBig big;

        if (id >= RECORD_STREAMS) {
                learn_record(found, record, &said);
                return;
        }
        found->next[id] = MAX(found->next[id], record->n + 1);
        if (!of_last) {
                last->before[id] = MAX(last->before[id], record->n);
                return;
        }
        last->last[id] = MAX(last->last[id], record->n);
        if (record_get_big(record, &big) == 0) {
                last->big.record = *record;
                last->big.commit = commit;
                last->big.left = record_cont_pages(big.size);
        } else
                see(last, id, record->n);
}

static void new_commit(LastCommit *last, const Page *page)
{
        for (size_t id = 0; id < RECORD_STREAMS; id++) {
                last->before[id] = MAX(last->before[id], last->last[id]);
                last->last[id] = 0;
                last->seen[id].n = 0;
        }
        last->commit = page->commit;
        last->n_pages = page->pages_in_commit;
        last->n_seen = 0;
}

static void meet_page(LaneFound *found, LastCommit *last, const uint8_t *bytes, const Page *page)
{
        RecordContext context = {};
        size_t at = PAGE_HEADER;
        Record record;

        if (page->commit > last->commit) {
                new_commit(last, page);
                found->epoch = page->epoch;
        }
        if (page->commit == last->commit)
                last->n_seen++;
        if (page->kind == PAGE_CONT) {
                if (last->big.left > 0 && last->big.commit == page->commit && --last->big.left == 0)
                        see(last, last->big.record.stream, last->big.record.n);
                return;
        }
        last->big.left = 0;
        if (page->kind == PAGE_DATA || page->kind == PAGE_HEAD)
                while (record_get(bytes, page->used, &at, &context, &record) == 0) {
                        meet_record(found, last, &record, page->commit == last->commit, page->commit);
                        boots_saw(&found->boots, page->epoch, record.boot_usec);
                }
}

/* Never stops at a bad page. */
static void scan(Search *o, Slot *slot, LastCommit *last, bool *ret_any)
{
        Page page;

        for (size_t first = 0; first < slot->n_pages; first += LANE_SCAN_PAGES) {
                size_t n = MIN(slot->n_pages - first, (size_t)LANE_SCAN_PAGES);
                ssize_t got = lane_scan_read(o, slot->fd, o->pages, n, first);

                for (size_t i = 0; i < n; i++) {
                        const uint8_t *bytes = o->pages + i * PAGE_BYTES;

                        if (got < 0) { /* some of them may be readable */
                                ssize_t one = lane_scan_read(o, slot->fd, o->pages + i * PAGE_BYTES, 1, first + i);

                                last->unread |= one < 0;
                                if (one != PAGE_BYTES)
                                        continue;
                        }
                        if (got >= 0 && (size_t)got < (i + 1) * PAGE_BYTES)
                                break;
                        if (page_open(bytes, &page) != 0 || page.lane != o->lane->identity ||
                            !slot_owns(slot, &page)) {
                                last->big.left = 0;
                                continue;
                        }
                        meet_page(o->found, last, bytes, &page);
                        slot->n_walk = first + i + 1;
                        *ret_any = true;
                }
        }
        slot->n_used = slot->n_walk;
}

static void find_torn(Search *o, Slot *slot, LastCommit *last)
{
        for (size_t id = 0; id < RECORD_STREAMS; id++) {
                uint64_t greatest = MAX(last->before[id], last->last[id]), first, a, b;
                Ranges *torn = &o->found->torn[id];

                if (greatest > 0 && slot->first[id] == 0)
                        slot->first[id] = 1;
                slot->end[id] = MAX(slot->first[id], greatest + 1);
                if (slot->first[id] == 0)
                        slot->end[id] = 0;
                if (last->unread || last->n_seen >= last->n_pages || last->last[id] == 0)
                        continue;
                first = MAX(last->before[id] + 1, slot->first[id]);
                for (; first <= last->last[id] && ranges_gap(&last->seen[id], first, last->last[id], &a, &b);
                     first = b + 1)
                        if (ranges_reserve(torn, 1) == 0)
                                ranges_put(torn, a, b, CHECKPOINT_TORN);
        }
}

/* The commit that began the newest slot is torn, most likely: the end of the numbers before it is in the slot before
 * it, or in one of those that have a table together with it. */
static void find_end_before(Search *o, Head *heads, size_t n, LastCommit *last)
{
        Slot *newest = heads[n - 1].slot;
        size_t from = n - 2;
        bool any;

        while (from > 0 && !heads[from].good)
                from--;
        for (size_t i = from; i < n - 1; i++) {
                scan(o, heads[i].slot, last, &any);
                heads[i].slot->n_walk = heads[i].slot->n_used = heads[i].slot->n_pages;
        }
        for (size_t id = 0; id < RECORD_STREAMS; id++) {
                uint64_t greatest = MAX(last->before[id], last->last[id]);

                for (size_t i = from; i < n - 1; i++) {
                        Slot *slot = heads[i].slot;

                        if (greatest > 0 && slot->first[id] == 0)
                                slot->first[id] = 1;
                        slot->end[id] = MAX(slot->first[id], greatest > 0 ? greatest + 1 : 0);
                        newest->first[id] = slot->end[id];
                }
        }
        heads[n - 2].slot->joined = false; /* the newest has its own numbers now */
}

void lane_scan_newest(Search *o, Head *heads, size_t n)
{
        Lane *l = o->lane;
        Slot *newest = heads[n - 1].slot;
        LastCommit *last = calloc(1, sizeof(*last));
        bool any = false;

        if (!last) {
                o->error = -ENOMEM;
                return;
        }
        if (!heads[n - 1].good && n > 1)
                find_end_before(o, heads, n, last);
        /* What is in the page cache only, after a kill, must not be handed out before it is on the disk. If it does not
         * get there, the medium has the last word. */
        if (meter_sync(&l->host->use, o->disk, newest->fd) < 0) {
                newest->state = SLOT_BROKEN;
                disk_forget(o->disk, newest->fd);
        }
        scan(o, newest, last, &any);
        find_torn(o, newest, last);
        l->commit = last->commit;
        l->segno = newest->segno;
        memcpy(l->end, newest->end, sizeof(l->end));
        for (size_t id = 0; id < RECORD_STREAMS; id++)
                ranges_done(&last->seen[id]);
        free(last);
        if (newest->state != SLOT_BROKEN)
                l->current = newest;
}

/* ---- slots whose tables were guessed ---- */

/* What the table said is more than what lies there, never less: what a failed write left behind is outside of it. */
typedef struct Guess {
        uint32_t streams;
        uint64_t first[RECORD_STREAMS], end[RECORD_STREAMS];
} Guess;

static void meet_numbers(Slot *slot, const uint8_t *bytes, const Page *page, const Guess *guess)
{
        RecordContext context = {};
        size_t at = PAGE_HEADER;
        Record record;

        while (page->kind == PAGE_DATA && record_get(bytes, page->used, &at, &context, &record) == 0) {
                unsigned id = record.stream;

                if (id >= RECORD_STREAMS || !(guess->streams & 1u << id) || record.n < guess->first[id] ||
                    record.n >= guess->end[id])
                        continue;
                slot->first[id] = slot->first[id] ? MIN(slot->first[id], record.n) : record.n;
                slot->end[id] = MAX(slot->end[id], record.n + 1);
        }
}

static int scan_numbers(Lane *l, Slot *slot, uint32_t streams, uint8_t *pages)
{
        Guess guess = {.streams = streams};

        memcpy(guess.first, slot->first, sizeof(guess.first));
        memcpy(guess.end, slot->end, sizeof(guess.end));
        for (unsigned id = 0; id < RECORD_STREAMS; id++)
                if (streams & 1u << id)
                        slot->first[id] = slot->end[id] = 0;
        for (size_t at = 1, n; at < slot->n_used; at += n) {
                ssize_t got;
                Page page;

                n = MIN(slot->n_used - at, (size_t)LANE_SCAN_PAGES);
                got = disk_read(l->disk, slot->fd, pages, n * PAGE_BYTES, at * PAGE_BYTES);
                if (got < 0) { /* some of them may be readable */
                        n = 1;
                        got = disk_read(l->disk, slot->fd, pages, PAGE_BYTES, at * PAGE_BYTES);
                }
                if (got < 0 && lane_scan_is_patient(l))
                        return (int)got;
                if (got < 0)
                        continue;
                for (size_t i = 0; (i + 1) * PAGE_BYTES <= (size_t)got; i++)
                        if (page_open(pages + i * PAGE_BYTES, &page) == 0 && page.lane == l->identity &&
                            slot_owns(slot, &page))
                                meet_numbers(slot, pages + i * PAGE_BYTES, &page, &guess);
        }
        return 0;
}

int lane_scan_guessed(Lane *l, uint32_t streams)
{
        _cleanup_free_ uint8_t *pages = NULL;

        for (size_t i = 0; i < l->n_slots; i++) {
                Slot *slot = l->slots[i];
                int r;

                if (!slot_holds(slot) || !slot->guessed)
                        continue;
                pages = pages ?: malloc(LANE_SCAN_PAGES * PAGE_BYTES);
                r = pages ? scan_numbers(l, slot, streams, pages) : -ENOMEM;
                if (r < 0)
                        return r;
        }
        return 0;
}
