/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Every page of every slot, in the order of their generations; the records in the order of their numbers, each once,
 * however often it was carried along.
 *
 * A bad page is damage, or the end of a crash. It was the end of a crash if its commit was the last one of its
 * epoch: after an opening the lane goes on behind it, under another. So the pages of a slot are remembered, in a few
 * bytes each, until all have been seen; then each bad one is judged by its neighbours. Whether a record is missing
 * is asked of the numbers alone, not of the pages.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/crc32c.h"
#include "queue/archive-core.h"

#define CHUNK_PAGES 64 /* read at once */

typedef enum PageState {
        PAGE_IS_GOOD,
        PAGE_IS_BLANK,
        PAGE_IS_OLD, /* of an earlier use of the slot */
        PAGE_IS_BAD,
        PAGE_IS_UNREAD,
        PAGE_IS_FOREIGN,
} PageState;

typedef struct Seen {
        uint64_t epoch, commit;
        uint16_t page_in_commit, pages_in_commit;
        uint8_t state;
} Seen;

typedef struct Walk {
        Archive *archive;
        const ArchiveVisitor *visitor;
        ArchiveTotals totals;
        uint64_t n_pages; /* of all slots */
        int result;       /* of the visitor; below 0: enough */

        /* the slot */
        const Slot *slot;
        const Slot *next; /* of the same lane; NULL: the newest */
        char *path;
        uint8_t *chunk;
        Seen *pages;
        size_t pages_allocated;

        /* the records */
        Name names[RECORD_STREAMS];
        uint64_t met[RECORD_STREAMS];  /* the greatest number served, in this lane */
        uint64_t next_n[RECORD_STREAMS]; /* that this slot is to show; 0: none yet */

        /* a big one whose body is being read */
        Record big;
        RecordBig big_is;
        uint64_t big_epoch;
        size_t big_at; /* the page of its head */
        uint8_t *body;
        size_t n_body;
        bool big_open;
} Walk;

const char *archive_fault_to_string(ArchiveFault fault)
{
        static const char *const words[_ARCHIVE_FAULT_MAX] = {
                [ARCHIVE_UNREADABLE] = "the disk does not give this page",
                [ARCHIVE_BAD_PAGE] = "the checksum of this page is wrong",
                [ARCHIVE_LOST_WRITE] = "a page that was written is not there",
                [ARCHIVE_FOREIGN] = "a page of another queue, or of a newer hublink",
                [ARCHIVE_BAD_HEAD] = "the first page of this file does not tell what numbers it holds",
                [ARCHIVE_BAD_RECORD] = "a record that is not understood, in a page that is whole",
                [ARCHIVE_BAD_BODY] = "the body of a large record is not whole",
                [ARCHIVE_BAD_ORDER] = "commits that do not follow one another",
                [ARCHIVE_MISSING] = "records that wait are in no page",
                [ARCHIVE_BAD_IDENTITY] = "the identity of the lane cannot be read here",
        };

        return fault < _ARCHIVE_FAULT_MAX ? words[fault] : "";
}

/* ---- findings ---- */

static void tell(Walk *w, const ArchiveFinding *finding)
{
        if (finding->harmless)
                w->totals.harmless++;
        else
                w->totals.damaged++;
        if (w->visitor->finding)
                w->visitor->finding(w->visitor->userdata, finding);
}

static void tell_page(Walk *w, ArchiveFault fault, size_t page, size_t at, bool harmless)
{
        tell(w, &(ArchiveFinding){
                        .fault = fault,
                        .harmless = harmless,
                        .path = w->path,
                        .offset = (uint64_t)page * PAGE_BYTES + at,
                });
}

/* Those of [first, end) that have no outcome. */
static bool tell_missing(Walk *w, unsigned id, uint64_t first, uint64_t end, size_t page)
{
        const Stream *s = w->archive->streams[id];
        uint64_t a, b;
        bool any = false;

        if (!s)
                return false;
        for (first = MAX(first, s->low); first < end && ranges_gap(&s->settled, first, end - 1, &a, &b); first = b + 1) {
                tell(w, &(ArchiveFinding){
                                .fault = ARCHIVE_MISSING,
                                .path = w->path,
                                .offset = (uint64_t)page * PAGE_BYTES,
                                .stream = s->name,
                                .first = a,
                                .last = b,
                        });
                any = true;
        }
        return any;
}

/* ---- records ---- */

static void serve(Walk *w, const Record *record, uint64_t epoch)
{
        const Stream *s = w->archive->streams[record->stream];
        bool waiting = s && !stream_is_settled(s, record->n);
        ArchiveRecord told = {
                .stream = record->stream,
                .name = w->names[record->stream][0] ? w->names[record->stream] : s ? s->name : "",
                .kind = (QueueKind)record->type,
                .epoch = epoch,
                .n = record->n,
                .boot_usec = record->boot_usec,
                .waiting = waiting,
                .payload = record->payload,
                .size = record->size,
        };

        w->totals.records++;
        w->totals.waiting += waiting;
        if (w->visitor->record)
                w->result = w->visitor->record(w->visitor->userdata, &told);
}

/* Is it the first time that this number comes by? Tells of those that should have come before it. */
static bool is_next(Walk *w, const Record *record, size_t page)
{
        unsigned id = record->stream;

        if (w->next_n[id] != 0 && record->n > w->next_n[id])
                (void)tell_missing(w, id, w->next_n[id], record->n, page);
        if (record->n >= w->next_n[id])
                w->next_n[id] = record->n + 1;
        if (record->n <= w->met[id])
                return false;
        w->met[id] = record->n;
        return true;
}

static void learn_names(Walk *w, const Record *record, size_t page, size_t at)
{
        Checkpoint said;

        if (record->type != RECORD_EPOCH && record->type != RECORD_CHECKPOINT)
                return;
        if (checkpoint_decode(&said, record->payload, record->size) != 0) {
                tell_page(w, ARCHIVE_BAD_RECORD, page, at, false);
                return;
        }
        for (unsigned id = 0; id < RECORD_STREAMS; id++)
                if (said.streams[id].name[0])
                        memcpy(w->names[id], said.streams[id].name, sizeof(Name));
}

/* ---- big ones ---- */

static void big_begin(Walk *w, const Record *record, uint64_t epoch, size_t page, size_t at)
{
        if (record_get_big(record, &w->big_is) != 0 || w->big_is.size == 0 || w->big_is.size > QUEUE_PAYLOAD_MAX) {
                tell_page(w, ARCHIVE_BAD_RECORD, page, at, false);
                return;
        }
        w->body = malloc(w->big_is.size);
        if (!w->body) {
                w->result = -ENOMEM;
                return;
        }
        w->big = *record;
        w->big_epoch = epoch;
        w->big_at = page;
        w->n_body = 0;
        w->big_open = true;
}

static void big_end(Walk *w)
{
        const Stream *s = w->archive->streams[w->big.stream];

        w->big_open = false;
        if (w->n_body == w->big_is.size && crc32c(0, w->body, w->n_body) == w->big_is.crc) {
                w->big.type = w->big_is.type;
                w->big.payload = w->body;
                w->big.size = w->n_body;
                serve(w, &w->big, w->big_epoch);
        } else if (s && !stream_is_settled(s, w->big.n)) {
                tell(w, &(ArchiveFinding){
                                .fault = ARCHIVE_BAD_BODY,
                                .path = w->path,
                                .offset = (uint64_t)w->big_at * PAGE_BYTES,
                                .stream = s->name,
                                .first = w->big.n,
                                .last = w->big.n,
                        });
        }
        free(TAKE_PTR(w->body));
}

static void big_goes_on(Walk *w, const uint8_t *bytes, const Page *page)
{
        size_t size = page->used - PAGE_HEADER;

        if (!w->big_open)
                return;
        if (size > w->big_is.size - w->n_body) {
                big_end(w);
                return;
        }
        memcpy(w->body + w->n_body, bytes + PAGE_HEADER, size);
        w->n_body += size;
        if (w->n_body == w->big_is.size)
                big_end(w);
}

/* ---- pages ---- */

static void walk_records(Walk *w, const uint8_t *bytes, const Page *page, size_t i)
{
        RecordContext context = {};
        size_t at = PAGE_HEADER, start = at;
        Record record;
        int r;

        while (start = at, w->result == 0 && (r = record_get(bytes, page->used, &at, &context, &record)) != RECORD_E_END) {
                if (r != 0) {
                        tell_page(w, ARCHIVE_BAD_RECORD, i, start, false);
                        return;
                }
                if (record.stream >= RECORD_STREAMS)
                        learn_names(w, &record, i, start);
                else if (!slot_tells_of(w->slot, record.stream, record.n) || !is_next(w, &record, i))
                        continue;
                else if (record.type == RECORD_BIG)
                        big_begin(w, &record, page->epoch, i, start);
                else
                        serve(w, &record, page->epoch);
        }
}

static PageState look(const Walk *w, const uint8_t *bytes, Page *ret)
{
        int r = page_open(bytes, ret);

        if (r == PAGE_E_NEWER)
                return PAGE_IS_FOREIGN;
        if (r != 0)
                return page_is_blank(bytes) ? PAGE_IS_BLANK : PAGE_IS_BAD;
        if (ret->lane != w->slot->lane->identity)
                return PAGE_IS_FOREIGN;
        return slot_owns(w->slot, ret) ? PAGE_IS_GOOD : PAGE_IS_OLD;
}

static void walk_page(Walk *w, const uint8_t *bytes, size_t i)
{
        Page page = {};
        PageState state = bytes ? look(w, bytes, &page) : PAGE_IS_UNREAD;

        w->pages[i] = (Seen){.state = (uint8_t)state};
        w->totals.pages++;
        if (w->big_open && (state != PAGE_IS_GOOD || page.kind != PAGE_CONT))
                big_end(w);
        if (state != PAGE_IS_GOOD)
                return;
        w->pages[i].epoch = page.epoch;
        w->pages[i].commit = page.commit;
        w->pages[i].page_in_commit = (uint16_t)page.page_in_commit;
        w->pages[i].pages_in_commit = (uint16_t)page.pages_in_commit;
        if (page.kind == PAGE_CONT)
                big_goes_on(w, bytes, &page);
        else if (page.kind == PAGE_DATA || page.kind == PAGE_HEAD)
                walk_records(w, bytes, &page, i);
}

/* ---- verdicts ---- */

/* Does a later commit of that epoch stand behind page i, here or at the head of the next slot? */
static bool epoch_goes_on(const Walk *w, size_t i, uint64_t epoch, uint64_t commit)
{
        for (size_t k = i + 1; k < w->slot->n_pages; k++)
                if (w->pages[k].state == PAGE_IS_GOOD && w->pages[k].epoch == epoch && w->pages[k].commit > commit)
                        return true;
        return w->next && w->next->epoch == epoch;
}

/* A page that is not good, with a good one, j, behind it. */
static bool was_torn(const Walk *w, size_t i, size_t j, const Seen *before)
{
        const Seen *after = &w->pages[j];
        bool same_commit = after->page_in_commit >= j - i;
        bool beside_tail = j == i + 1 && after->pages_in_commit == 1; /* where the last page was to be written again */

        if (same_commit || beside_tail)
                return !epoch_goes_on(w, j, after->epoch, after->commit);
        return before && before->epoch != after->epoch;
}

static ArchiveFault fault_of(const Seen *page)
{
        switch ((PageState)page->state) {
        case PAGE_IS_BLANK:
        case PAGE_IS_OLD:
                return ARCHIVE_LOST_WRITE;
        case PAGE_IS_UNREAD:
                return ARCHIVE_UNREADABLE;
        case PAGE_IS_FOREIGN:
                return ARCHIVE_FOREIGN;
        case PAGE_IS_GOOD:
        case PAGE_IS_BAD:
                break;
        }
        return ARCHIVE_BAD_PAGE;
}

/* missing: the end of the slot's numbers was not found */
static void judge_pages(Walk *w, bool missing)
{
        size_t n = w->slot->n_pages, high = n, behind = n;
        const Seen *before = NULL;

        while (high > 0 && w->pages[high - 1].state != PAGE_IS_GOOD)
                high--;
        for (size_t i = 0; i < n; i++) {
                const Seen *page = &w->pages[i];

                if (page->state == PAGE_IS_GOOD) {
                        before = page;
                        continue;
                }
                if (i >= high) { /* never written, left over, or the end of a crash: unless something is missed */
                        if (page->state == PAGE_IS_UNREAD)
                                tell_page(w, ARCHIVE_UNREADABLE, i, 0, false);
                        else if (page->state == PAGE_IS_BAD || page->state == PAGE_IS_FOREIGN)
                                tell_page(w, fault_of(page), i, 0, !missing);
                        continue;
                }
                if (behind <= i || behind == n)
                        for (behind = i + 1; w->pages[behind].state != PAGE_IS_GOOD;)
                                behind++;
                tell_page(w, fault_of(page), i, 0,
                          page->state != PAGE_IS_UNREAD && was_torn(w, i, behind, before));
        }
}

/* The last page of a slot may lie beside its newer copy; nothing else goes back. */
static void judge_order(Walk *w)
{
        uint64_t greatest = 0;

        for (size_t i = 0; i < w->slot->n_pages; i++) {
                const Seen *page = &w->pages[i];

                if (page->state != PAGE_IS_GOOD)
                        continue;
                if (page->pages_in_commit == 0 || page->page_in_commit >= page->pages_in_commit ||
                    (page->commit < greatest && (page->pages_in_commit != 1 || page->commit + 1 < greatest)))
                        tell_page(w, ARCHIVE_BAD_ORDER, i, 0, false);
                greatest = MAX(greatest, page->commit);
        }
}

/* ---- slots ---- */

static bool any_numbers(const Slot *slot)
{
        for (unsigned id = 0; id < RECORD_STREAMS; id++)
                if (slot->first[id] != 0)
                        return true;
        return false;
}

static void slot_starts(Walk *w)
{
        for (unsigned id = 0; id < RECORD_STREAMS; id++)
                w->next_n[id] = w->slot->first[id];
}

static bool slot_ends(Walk *w)
{
        bool missing = false;

        if (!w->next || w->slot->joined)
                return false;
        for (unsigned id = 0; id < RECORD_STREAMS; id++)
                if (w->next_n[id] != 0)
                        missing |= tell_missing(w, id, w->next_n[id], w->slot->end[id], w->slot->n_pages - 1);
        return missing;
}

static int walk_chunk(Walk *w, size_t first, size_t n)
{
        ssize_t got = disk_read(w->archive->disk, w->slot->fd, w->chunk, n * PAGE_BYTES, (uint64_t)first * PAGE_BYTES);

        for (size_t i = 0; i < n && w->result == 0; i++) {
                uint8_t *bytes = w->chunk + i * PAGE_BYTES;
                ssize_t one = got < 0 ? disk_read(w->archive->disk, w->slot->fd, bytes, PAGE_BYTES,
                                                  (uint64_t)(first + i) * PAGE_BYTES) :
                                        got - (ssize_t)(i * PAGE_BYTES);

                walk_page(w, one >= PAGE_BYTES ? bytes : NULL, first + i);
        }
        if (w->visitor->progress && w->result == 0)
                w->visitor->progress(w->visitor->userdata, w->totals.pages, w->n_pages);
        return w->result;
}

static int walk_slot(Walk *w)
{
        const Slot *slot = w->slot;
        bool bad_head;
        int r = 0;

        if (slot->n_pages > w->pages_allocated) {
                Seen *more = reallocarray(w->pages, slot->n_pages, sizeof(*more));

                if (!more)
                        return -ENOMEM;
                w->pages = more;
                w->pages_allocated = slot->n_pages;
        }
        slot_starts(w);
        for (size_t first = 0; first < slot->n_pages && r == 0; first += CHUNK_PAGES)
                r = walk_chunk(w, first, MIN(slot->n_pages - first, (size_t)CHUNK_PAGES));
        if (r < 0)
                return r;
        if (w->big_open)
                big_end(w);
        bad_head = slot->n_pages > 0 && w->pages[0].state == PAGE_IS_GOOD && w->next && !any_numbers(slot) &&
                   any_numbers(w->next);
        judge_pages(w, slot_ends(w));
        judge_order(w);
        if (bad_head)
                tell_page(w, ARCHIVE_BAD_HEAD, 0, 0, false);
        return w->result;
}

/* ---- lanes ---- */

static int walk_identity(Walk *w, const Lane *l)
{
        _cleanup_free_ char *path = NULL;
        bool any = false;
        int fd;

        if (asprintf(&path, "%s/lane", l->path) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        fd = disk_open(w->archive->disk, path, O_RDONLY);
        for (size_t i = 0; i < w->archive->n_slots; i++)
                any |= w->archive->slots[i]->lane == l && slot_holds(w->archive->slots[i]);
        for (unsigned i = 0; i < 2 && (fd >= 0 || any); i++) {
                Page page;

                if (fd >= 0 &&
                    disk_read(w->archive->disk, fd, w->chunk, PAGE_BYTES, (uint64_t)i * PAGE_BYTES) == PAGE_BYTES &&
                    page_open(w->chunk, &page) == 0 && page.kind == PAGE_IDENTITY && page.lane == l->identity)
                        continue;
                tell(w, &(ArchiveFinding){
                                .fault = ARCHIVE_BAD_IDENTITY,
                                .path = path,
                                .offset = i * PAGE_BYTES,
                        });
        }
        disk_close(w->archive->disk, fd);
        return 0;
}

static int walk_lane(Walk *w, const Lane *l)
{
        Slot *const *slots = w->archive->slots;
        size_t n = w->archive->n_slots;
        int r = walk_identity(w, l);

        memset(w->met, 0, sizeof(w->met));
        memset(w->names, 0, sizeof(w->names));
        for (size_t i = 0; i < n && r == 0; i++) {
                if (slots[i]->lane != l || !slot_holds(slots[i]))
                        continue;
                w->slot = slots[i];
                w->next = i + 1 < n && slots[i + 1]->lane == l && slot_holds(slots[i + 1]) ? slots[i + 1] : NULL;
                w->path = lane_slot_path(l, slots[i]->index);
                r = w->path ? walk_slot(w) : -ENOMEM;
                free(TAKE_PTR(w->path));
        }
        return r;
}

int archive_walk(Archive *a, const ArchiveVisitor *visitor, ArchiveTotals *ret)
{
        Walk w = {.archive = a, .visitor = visitor};
        int r = 0;

        w.chunk = malloc(CHUNK_PAGES * PAGE_BYTES);
        if (!w.chunk)
                return -ENOMEM;
        for (size_t i = 0; i < a->n_slots; i++)
                w.n_pages += slot_holds(a->slots[i]) ? a->slots[i]->n_pages : 0;
        for (int i = 0; i < _QUEUE_LANE_MAX && r == 0; i++)
                if (a->opening->lanes[i])
                        r = walk_lane(&w, a->opening->lanes[i]);
        free(w.body);
        free(w.pages);
        free(w.chunk);
        if (ret)
                *ret = w.totals;
        return r;
}
