/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/batch.h"

#include <errno.h>
#include <string.h>

#include "base/crc32c.h"

#define KEEP_PAGES    32
#define KEEP_RECEIPTS 64

void batch_done(Batch *b)
{
        free(b->pages);
        free(b->receipts);
        *b = (Batch){};
}

void batch_clear(Batch *b)
{
        Batch kept = {};

        if (b->allocated > KEEP_PAGES)
                free(b->pages);
        else
                kept.pages = b->pages, kept.allocated = b->allocated;
        if (b->receipts_allocated > KEEP_RECEIPTS)
                free(b->receipts);
        else
                kept.receipts = b->receipts, kept.receipts_allocated = b->receipts_allocated;
        *b = kept;
}

static int reserve_pages(Batch *b, size_t more)
{
        size_t room = MAX(b->allocated * 2, MAX(b->n_pages + more, (size_t)4));
        uint8_t *pages;

        if (b->n_pages + more <= b->allocated)
                return 0;
        pages = realloc(b->pages, room * PAGE_BYTES);
        if (!pages)
                return -ENOMEM;
        b->pages = pages;
        b->allocated = room;
        return 0;
}

static int reserve_receipts(Batch *b, size_t more)
{
        size_t room = MAX(b->receipts_allocated * 2, MAX(b->n_receipts + more, (size_t)16));
        BatchReceipt *receipts;

        if (b->n_receipts + more <= b->receipts_allocated)
                return 0;
        receipts = realloc(b->receipts, room * sizeof(*receipts));
        if (!receipts)
                return -ENOMEM;
        b->receipts = receipts;
        b->receipts_allocated = room;
        return 0;
}

static uint8_t *add_page(Batch *b, PageKind kind)
{
        uint8_t *page = batch_page(b, b->n_pages++);

        page_begin(page, kind);
        b->context = (RecordContext){};
        b->open = kind == PAGE_DATA;
        return page;
}

int batch_put_page(Batch *b)
{
        int r = reserve_pages(b, 1);

        if (r == 0)
                (void)add_page(b, PAGE_DATA);
        return r;
}

static bool put_in_last(Batch *b, const Record *record)
{
        uint8_t *page = batch_page(b, b->n_pages - 1);
        size_t used = page_used(page);

        if (!record_put(page, &used, &b->context, record))
                return false;
        page_set_used(page, used);
        return true;
}

static void put_small(Batch *b, const Record *record)
{
        if (b->open && put_in_last(b, record))
                return;
        (void)add_page(b, PAGE_DATA);
        (void)put_in_last(b, record);
}

static void put_big(Batch *b, const Record *record)
{
        const uint8_t *body = record->payload;
        uint8_t payload[RECORD_BIG_BYTES];
        Record head = *record;

        record_put_big(payload, &(RecordBig){record->type, record->size, crc32c(0, body, record->size)});
        head.type = RECORD_BIG;
        head.payload = payload;
        head.size = sizeof(payload);
        put_small(b, &head);
        for (size_t at = 0, n; at < record->size; at += n) {
                uint8_t *page = add_page(b, PAGE_CONT);

                n = MIN(record->size - at, (size_t)PAGE_ROOM);
                memcpy(page + PAGE_HEADER, body + at, n);
                page_set_used(page, PAGE_HEADER + n);
        }
}

int batch_put(Batch *b, const Record *record, const QueueReceipt *receipt)
{
        int r;

        r = reserve_pages(b, record_pages(record->size));
        if (r < 0)
                return r;
        if (receipt) {
                r = reserve_receipts(b, 1);
                if (r < 0)
                        return r;
                b->receipts[b->n_receipts++] = (BatchReceipt){*receipt, record->stream, record->n};
        }
        if (record->size > RECORD_PAYLOAD_MAX)
                put_big(b, record);
        else
                put_small(b, record);
        if (record->stream < RECORD_STREAMS) {
                if (b->n_records++ == 0)
                        b->since_usec = record->boot_usec;
                if (b->first[record->stream] == 0)
                        b->first[record->stream] = record->n;
                b->end[record->stream] = record->n + 1;
        }
        return 0;
}

int batch_put_all(Batch *b, const Record *first, const struct iovec *payloads, size_t n, const QueueReceipt *receipt)
{
        size_t before = b->n_pages;
        int r;

        /* one more: each that is put asks for a page of its own */
        r = reserve_pages(b, record_pages_of(payloads, n) + 1);
        if (r < 0)
                return r;
        r = reserve_receipts(b, 1);
        if (r < 0)
                return r;
        for (size_t i = 0; i < n; i++) {
                Record record = *first;

                record.n += i;
                record.payload = payloads[i].iov_base;
                record.size = payloads[i].iov_len;
                (void)batch_put(b, &record, i == n - 1 ? receipt : NULL);
        }
        if (receipt)
                b->n_asked += b->n_pages - before;
        else if (b->n_pages > before)
                b->n_asked += b->is_shared; /* there would have been room for it in the page before */
        if (receipt || b->n_pages > before)
                b->is_shared = receipt;
        return 0;
}

int batch_join(Batch *b, Batch *more)
{
        int r;

        r = reserve_pages(b, more->n_pages);
        if (r < 0)
                return r;
        r = reserve_receipts(b, more->n_receipts);
        if (r < 0)
                return r;
        if (more->n_pages > 0) {
                memcpy(batch_page(b, b->n_pages), more->pages, more->n_pages * PAGE_BYTES);
                b->n_pages += more->n_pages;
                b->n_asked += more->n_asked;
                b->context = more->context;
                b->open = more->open;
                b->is_shared = more->is_shared;
        }
        if (more->n_receipts > 0) {
                memcpy(b->receipts + b->n_receipts, more->receipts, more->n_receipts * sizeof(*b->receipts));
                b->n_receipts += more->n_receipts;
        }
        if (b->n_records == 0)
                b->since_usec = more->since_usec;
        b->n_records += more->n_records;
        for (size_t id = 0; id < RECORD_STREAMS; id++)
                if (more->first[id] != 0) {
                        if (b->first[id] == 0)
                                b->first[id] = more->first[id];
                        b->end[id] = more->end[id];
                }
        batch_clear(more);
        return 0;
}

/* From the pages: the first record that is still there, if there is one. */
static void find_since(Batch *b)
{
        for (size_t i = 0; i < b->n_pages && b->n_records > 0; i++) {
                RecordContext context = {};
                size_t at = PAGE_HEADER;
                Record record;

                if (page_kind(batch_page(b, i)) != PAGE_DATA)
                        continue;
                while (record_get(batch_page(b, i), page_used(batch_page(b, i)), &at, &context, &record) == 0)
                        if (record.stream < RECORD_STREAMS) {
                                b->since_usec = record.boot_usec;
                                return;
                        }
        }
}

void batch_drop_page(Batch *b, BatchRecordFn fn, void *userdata)
{
        RecordContext context = {};
        size_t at = PAGE_HEADER, n = 1;
        Record record;

        if (b->n_pages == 0)
                return;
        if (page_kind(b->pages) == PAGE_DATA)
                while (record_get(b->pages, page_used(b->pages), &at, &context, &record) == 0) {
                        if (record.stream >= RECORD_STREAMS)
                                continue;
                        b->n_records--;
                        b->first[record.stream] = record.n + 1;
                        if (b->first[record.stream] == b->end[record.stream])
                                b->first[record.stream] = b->end[record.stream] = 0;
                        fn(userdata, &record);
                }
        while (n < b->n_pages && page_kind(batch_page(b, n)) == PAGE_CONT)
                n++;
        b->n_pages -= n;
        memmove(b->pages, batch_page(b, n), b->n_pages * PAGE_BYTES);
        b->n_asked = MIN(b->n_asked, b->n_pages);
        b->open &= b->n_pages > 0;
        find_since(b);
}

void batch_renumber(Batch *b, const uint8_t id[static RECORD_STREAMS], const uint64_t offset[static RECORD_STREAMS])
{
        uint64_t first[RECORD_STREAMS] = {}, end[RECORD_STREAMS] = {};
        RecordContext context = {.boot_usec = b->context.boot_usec};

        for (size_t i = 0; i < b->n_pages; i++)
                if (page_kind(batch_page(b, i)) == PAGE_DATA)
                        record_renumber(batch_page(b, i), page_used(batch_page(b, i)), id, offset);
        for (size_t k = 0; k < RECORD_STREAMS; k++) {
                if (b->context.n[k] != 0)
                        context.n[id[k]] = b->context.n[k] + offset[k];
                if (b->first[k] != 0) {
                        first[id[k]] = b->first[k] + offset[k];
                        end[id[k]] = b->end[k] + offset[k];
                }
        }
        memcpy(b->first, first, sizeof(first));
        memcpy(b->end, end, sizeof(end));
        b->context = context;
}
