/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/cursor.h"

#include <errno.h>
#include <string.h>

#include "base/buffer.h"
#include "base/crc32c.h"
#include "queue/lane.h"

#define LOST_TEXT 240 /* of a line in the log, which ones are lost */

void cursor_init(Cursor *c, Lane *lane)
{
        *c = (Cursor){.lane = lane};
        reader_init(&c->reader, lane);
}

void cursor_done(Cursor *c)
{
        reader_done(&c->reader);
        *c = (Cursor){};
}

/* ---- what is for it ---- */

/* Of the slot's numbers of that stream, those within the bounds: [first, end). */
static bool within(const Cursor *c, const Slot *slot, unsigned id, uint64_t *ret_first, uint64_t *ret_end)
{
        *ret_first = MAX(slot->first[id], c->bounds.from[id]);
        *ret_end = MIN(slot->end[id], c->bounds.end[id]);
        if (c->browses)
                *ret_first = MAX(*ret_first, c->seen[id] + 1);
        return c->lane->host->streams[id] && slot->first[id] != 0 && *ret_first < *ret_end;
}

static bool has_work_in(const Cursor *c, const Slot *slot)
{
        uint64_t first, end, a, b;

        for (unsigned id = 0; id < RECORD_STREAMS; id++) {
                const Stream *s = c->lane->host->streams[id];

                if (within(c, slot, id, &first, &end) &&
                    (c->browses ? !stream_all_settled(s, first, end) : stream_missing(s, first, end, &a, &b)))
                        return true;
        }
        return false;
}

bool cursor_has_work(const Cursor *c)
{
        for (size_t i = 0; i < c->lane->n_slots; i++) {
                const Slot *slot = c->lane->slots[i];

                if (slot_holds(slot) && (!c->slot || slot->segno >= c->slot->segno) && has_work_in(c, slot))
                        return true;
        }
        return false;
}

static Slot *next_with_work(const Cursor *c)
{
        Slot *slot = c->slot;

        do
                slot = lane_next_slot(c->lane, slot);
        while (slot && !has_work_in(c, slot));
        return slot;
}

static void forget_bad(Cursor *c)
{
        c->bad.n = c->bad.n_more = 0;
}

static void count_missing_in(Cursor *c, const Slot *slot)
{
        Lane *l = c->lane;
        Buffer which = BUFFER_NULL;
        uint64_t lost = 0;
        bool more = false;

        for (unsigned id = 0; id < RECORD_STREAMS; id++) {
                Stream *s = l->host->streams[id];
                uint64_t begin, end, first, last;

                if (!within(c, slot, id, &begin, &end))
                        continue;
                while (stream_missing(s, begin, end, &first, &last)) {
                        if (stream_settle(s, first, last, OUTCOME_DAMAGED, l->host->settled, l->host->userdata) < 0)
                                break;
                        lost += last - first + 1;
                        more = which.size > LOST_TEXT;
                        if (!more)
                                buffer_printf(&which, "%s%s %llu-%llu", which.size > 0 ? ", " : "", s->name,
                                              (unsigned long long)first, (unsigned long long)last);
                }
        }
        if (lost > 0) {
                lane_dirty(l);
                if (more)
                        buffer_append_string(&which, ", ...");
                quarantine_take(l, slot, &c->bad, lost, which.data ?: "...");
        }
        buffer_done(&which);
}

/* All of the slot that is for this cursor was met, as far as it can be read; and of those before it whose numbers it
 * might have had. */
static void count_missing(Cursor *c, const Slot *slot)
{
        c->doubtful = false;
        if (c->browses)
                return;
        do {
                count_missing_in(c, slot);
                slot = lane_previous_slot(c->lane, slot);
        } while (slot && slot->joined);
        forget_bad(c);
}

/* ---- the place ---- */

static void enter(Cursor *c, Slot *slot)
{
        if (!c->slot || !c->slot->joined) /* else the next one is counted with it */
                forget_bad(c);
        c->slot = slot;
        c->page = 1;
        c->tail_commit = 0;
        c->open = NULL;
        if (slot)
                boots_learn_epoch(c->lane->host->boots, slot->epoch, slot->begun.boot);
}

/* Behind all that came to rest in it. */
static void go_behind(Cursor *c, Slot *slot)
{
        enter(c, slot);
        if (!slot)
                return;
        c->page = slot->n_walk;
        c->tail_commit = slot->tail_commit;
}

/* The page that is open will be read again, from its beginning. */
static void step_back(Cursor *c)
{
        if (!c->open)
                return;
        if (c->open_page != 0)
                c->page = c->open_page;
        else
                c->tail_commit = 0;
        c->open = NULL;
}

void cursor_rest(Cursor *c)
{
        step_back(c);
        c->peeked = false;
        c->big_pending = false;
        reader_rest(&c->reader);
}

void cursor_go_to_start(Cursor *c)
{
        cursor_rest(c);
        enter(c, NULL);
        c->bounds = (CursorBounds){};
        memset(c->seen, 0, sizeof(c->seen));
        c->doubtful = false;
}

void cursor_go_to_end(Cursor *c)
{
        const Lane *l = c->lane;

        cursor_rest(c);
        go_behind(c, lane_previous_slot(l, NULL));
        c->doubtful = false;
        for (unsigned id = 0; id < RECORD_STREAMS; id++)
                if (l->end[id] != 0)
                        c->seen[id] = MAX(c->seen[id], l->end[id] - 1);
}

void cursor_go_to(Cursor *c, const Cursor *other)
{
        cursor_rest(c);
        c->slot = other->slot;
        c->page = other->page;
        c->tail_commit = other->tail_commit;
        c->doubtful = other->doubtful;
        c->bad = other->bad;
        memcpy(c->seen, other->seen, sizeof(c->seen));
}

void cursor_leave(Cursor *c, const Slot *slot)
{
        Slot *next;

        if (c->slot != slot)
                return;
        cursor_rest(c);
        next = lane_next_slot(c->lane, slot);
        if (next)
                enter(c, next);
        else /* it was begun, and nothing came to rest in it */
                go_behind(c, lane_previous_slot(c->lane, slot));
}

/* ---- pages ---- */

static void note_bad(Cursor *c, size_t page, BadKind kind)
{
        c->doubtful = true;
        bad_pages_add(&c->bad, c->slot->segno, page, kind);
}

/* `at` is 0 for the last page, which has no place of its own. */
static void open_page(Cursor *c, const uint8_t *bytes, size_t at)
{
        size_t place = at ?: c->slot->tail;
        Page page;

        if (page_open(bytes, &page) != 0) {
                note_bad(c, place, reader_gave_up(&c->reader) ? BAD_UNREADABLE :
                                   page_is_blank(bytes)       ? BAD_UNWRITTEN :
                                                                BAD_BYTES);
                return;
        }
        if (page.lane != c->lane->identity || !slot_owns(c->slot, &page)) {
                note_bad(c, place, page.lane == c->lane->identity ? BAD_UNWRITTEN : BAD_BYTES);
                return;
        }
        bad_pages_passed(&c->bad, page.segno);
        if (page.kind != PAGE_DATA)
                return;
        c->open = bytes;
        c->open_page = at;
        c->used = page.used;
        c->at = PAGE_HEADER;
        c->context = (RecordContext){};
        c->epoch = page.epoch;
}

/* Reads the slot's next page, if there is one. 0, QUEUE_E_EMPTY, QUEUE_E_WAIT */
static int next_page_in(Cursor *c, const Slot *slot)
{
        const uint8_t *bytes;
        int r;

        if (c->page < slot->n_walk) {
                r = reader_page(&c->reader, slot, c->page, slot->n_walk, 0, &bytes);
                if (r != 0)
                        return r;
                open_page(c, bytes, c->page++);
                return 0;
        }
        if (slot->tail != 0 && c->tail_commit != slot->tail_commit) {
                r = reader_page(&c->reader, slot, slot->tail, slot->tail + 1, slot->tail_commit, &bytes);
                if (r != 0)
                        return r;
                c->tail_commit = slot->tail_commit;
                open_page(c, bytes, 0);
                return 0;
        }
        return QUEUE_E_EMPTY;
}

/* The next page that there is. 0, QUEUE_E_EMPTY, QUEUE_E_WAIT */
static int next_page(Cursor *c)
{
        for (;;) {
                bool work = c->slot && has_work_in(c, c->slot);
                Slot *next;
                int r;

                if (work) {
                        r = next_page_in(c, c->slot);
                        if (r != QUEUE_E_EMPTY)
                                return r;
                }
                next = next_with_work(c);
                if (work && (next ? !c->slot->joined : c->doubtful || c->slot != c->lane->current))
                        count_missing(c, c->slot);
                if (!next)
                        return QUEUE_E_EMPTY;
                enter(c, next);
        }
}

/* ---- records ---- */

/* The body of a big record, from the pages behind its own. 0, QUEUE_E_WAIT, or -EBADMSG */
static int assemble(Cursor *c, Record *record)
{
        const Slot *slot = c->slot;
        size_t n, done = 0;
        uint8_t *body;
        RecordBig big;
        int r;

        if (record_get_big(record, &big) != 0 || big.size > QUEUE_PAYLOAD_MAX || big.size == 0)
                return -EBADMSG;
        n = record_cont_pages(big.size);
        if (c->page + n > slot->n_walk)
                return -EBADMSG;
        r = reader_body(&c->reader, slot, c->page, n, &body);
        if (r != 0)
                return r < 0 ? -EBADMSG : r;
        for (size_t i = 0; i < n; i++) {
                const uint8_t *bytes = body + i * PAGE_BYTES;
                Page page;

                if (page_open(bytes, &page) != 0 || page.kind != PAGE_CONT || page.lane != c->lane->identity ||
                    !slot_owns(slot, &page) || page.used - PAGE_HEADER > big.size - done)
                        return -EBADMSG;
                memmove(body + done, bytes + PAGE_HEADER, page.used - PAGE_HEADER);
                done += page.used - PAGE_HEADER;
        }
        if (done != big.size || crc32c(0, body, done) != big.crc)
                return -EBADMSG;
        c->page += n;
        record->type = big.type;
        record->payload = body;
        record->size = big.size;
        return 0;
}

static void learn_boot(Cursor *c, const Record *record)
{
        Checkpoint said;

        if (record->type == RECORD_EPOCH && checkpoint_decode(&said, record->payload, record->size) == 0 &&
            said.n_boots > 0)
                boots_learn_epoch(c->lane->host->boots, said.epoch, said.boots[0].ordinal);
}

static bool is_taken(const Cursor *c, const Record *record)
{
        const Stream *s = c->lane->host->streams[record->stream];

        return stream_is_settled(s, record->n) || (!c->browses && ranges_contains(&s->in_hand, record->n));
}

/* Is it to be served? It counts as met if not. */
static bool is_wanted(Cursor *c, const Record *record)
{
        unsigned id = record->stream;

        if (id >= RECORD_STREAMS) {
                learn_boot(c, record);
                return false;
        }
        if (!c->lane->host->streams[id] || record->n <= c->seen[id])
                return false;
        if (record->n != c->seen[id] + 1 && record->n > c->bounds.from[id])
                c->doubtful = true;
        if (record->n >= c->bounds.from[id] && record->n < c->bounds.end[id] && !is_taken(c, record))
                return true;
        c->seen[id] = record->n;
        return false;
}

/* Records lie in the order of their commits, and bounds are drawn between two of them: so nothing behind this one
 * is for this cursor either. */
static bool is_beyond(const Cursor *c, const Record *record)
{
        return record->stream < RECORD_STREAMS && record->n >= c->bounds.end[record->stream];
}

/* The body of a big one, if its pages were not read yet, is passed like any page without records. */
static void pass_over(Cursor *c)
{
        c->seen[c->record.stream] = c->record.n;
        c->peeked = false;
        c->big_pending = false;
        reader_drop_body(&c->reader);
}

static int next_record(Cursor *c)
{
        int r;

        for (;;) {
                if (!c->open) {
                        r = next_page(c);
                        if (r != 0)
                                return r;
                        continue;
                }
                if (c->big_pending && is_taken(c, &c->record)) /* while its body was read */
                        pass_over(c);
                if (!c->big_pending) {
                        r = record_get(c->open, c->used, &c->at, &c->context, &c->record);
                        if (r != 0) {
                                if (r == RECORD_E_BAD)
                                        note_bad(c, c->open_page ?: c->slot->tail, BAD_BYTES);
                                c->open = NULL;
                                continue;
                        }
                        if (c->record.stream < RECORD_STREAMS &&
                            !slot_tells_of(c->slot, c->record.stream, c->record.n))
                                continue;
                        if (!c->browses && is_beyond(c, &c->record)) {
                                step_back(c);
                                count_missing(c, c->slot);
                                return QUEUE_E_EMPTY;
                        }
                        if (!is_wanted(c, &c->record))
                                continue;
                }
                if (c->record.type != RECORD_BIG)
                        return 0;
                c->big_pending = true;
                r = assemble(c, &c->record);
                if (r > 0)
                        return r;
                c->big_pending = false;
                if (r == 0)
                        return 0;
                c->doubtful = true;
        }
}

int cursor_peek(Cursor *c, CursorRecord *ret)
{
        Stream *s;
        int r;

        if (reader_is_waiting(&c->reader))
                return QUEUE_E_WAIT;
        if (c->peeked && is_taken(c, &c->record)) /* since it was first looked at */
                pass_over(c);
        if (!c->peeked) {
                r = next_record(c);
                if (r == QUEUE_E_EMPTY)
                        cursor_rest(c);
                if (r != 0)
                        return r;
                c->peeked = true;
        }
        s = c->lane->host->streams[c->record.stream];
        /* so that cursor_advance() cannot fail, whoever of the two comes first */
        if (ranges_reserve(&s->in_hand, _QUEUE_SOURCE_MAX) < 0)
                return reader_wait(&c->reader);
        *ret = (CursorRecord){
                .record = c->record,
                .stream = s,
                .appended = {boots_of_epoch(c->lane->host->boots, c->epoch), c->record.boot_usec},
                .epoch = c->epoch,
        };
        return 0;
}

void cursor_advance(Cursor *c)
{
        Stream *s;

        if (!c->peeked)
                return;
        s = c->lane->host->streams[c->record.stream];
        pass_over(c);
        if (!c->browses && c->record.n >= s->low && !ranges_contains(&s->in_hand, c->record.n))
                ranges_put(&s->in_hand, c->record.n, c->record.n, 0);
}
