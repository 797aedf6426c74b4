/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The records in the order of their numbers, each once, however often it was carried along. Whether one is missing is
 * asked of the numbers alone, not of the pages.
 */

#include <errno.h>
#include <string.h>

#include "base/crc32c.h"
#include "queue/archive-walk.h"

/* ---- numbers ---- */

/* Those of [first, end) that have no outcome. */
bool walk_tell_missing(Walk *w, unsigned id, uint64_t first, uint64_t end, size_t page)
{
        const Stream *s = w->archive->streams[id];
        uint64_t a, b;
        bool any = false;

        if (!s)
                return false;
        for (first = MAX(first, s->low); first < end && ranges_gap(&s->settled, first, end - 1, &a, &b);
             first = b + 1) {
                walk_tell(w, &(ArchiveFinding){
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
                (void)walk_tell_missing(w, id, w->next_n[id], record->n, page);
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
                walk_tell_page(w, ARCHIVE_BAD_RECORD, page, at, false);
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
                walk_tell_page(w, ARCHIVE_BAD_RECORD, page, at, false);
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

void walk_body_end(Walk *w)
{
        const Stream *s = w->archive->streams[w->big.stream];

        w->big_open = false;
        if (w->n_body == w->big_is.size && crc32c(0, w->body, w->n_body) == w->big_is.crc) {
                w->big.type = w->big_is.type;
                w->big.payload = w->body;
                w->big.size = w->n_body;
                serve(w, &w->big, w->big_epoch);
        } else if (s && !stream_is_settled(s, w->big.n)) {
                walk_tell(w, &(ArchiveFinding){
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

void walk_body(Walk *w, const uint8_t *bytes, const Page *page)
{
        size_t size = page->used - PAGE_HEADER;

        if (!w->big_open)
                return;
        if (size > w->big_is.size - w->n_body) {
                walk_body_end(w);
                return;
        }
        memcpy(w->body + w->n_body, bytes + PAGE_HEADER, size);
        w->n_body += size;
        if (w->n_body == w->big_is.size)
                walk_body_end(w);
}

/* ---- a page of them ---- */

void walk_records(Walk *w, const uint8_t *bytes, const Page *page, size_t i)
{
        RecordContext context = {};
        size_t at = PAGE_HEADER, start = at;
        Record record;
        int r;

        while (start = at,
               w->result == 0 && (r = record_get(bytes, page->used, &at, &context, &record)) != RECORD_E_END) {
                if (r != 0) {
                        walk_tell_page(w, ARCHIVE_BAD_RECORD, i, start, false);
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
