/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A page of any bytes. Its checksum is made right, or nothing behind it would ever be looked at. Every record in it
 * lies within the page; written again they read the same; and numbers can be given anew in place.
 */

#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "fuzz.h"
#include "queue/record.h"

/* Puts what it read into another page, and reads that. */
static void write_again(const uint8_t *page, size_t used)
{
        RecordContext from = {}, to = {}, back = {};
        size_t at = PAGE_HEADER, other_used = PAGE_HEADER, other_at = PAGE_HEADER;
        uint8_t other[PAGE_BYTES] = {};
        Record record, again;

        while (record_get(page, used, &at, &from, &record) == 0) {
                promise((const uint8_t *)record.payload >= page + PAGE_HEADER);
                promise((const uint8_t *)record.payload + record.size <= page + used);
                if (!record_put(other, &other_used, &to, &record))
                        return; /* a compact header may have to become a full one */
                promise(record_get(other, other_used, &other_at, &back, &again) == 0);
                promise(again.type == record.type && again.stream == record.stream && again.size == record.size);
                promise(record.stream == RECORD_NO_STREAM || again.n == record.n);
                promise(again.boot_usec == record.boot_usec);
                promise(memcmp(again.payload, record.payload, record.size) == 0);
        }
}

static void renumber(uint8_t *page, size_t used)
{
        uint8_t id[RECORD_STREAMS];
        uint64_t offset[RECORD_STREAMS] = {};
        RecordContext before = {}, after = {};
        size_t a = PAGE_HEADER, b = PAGE_HEADER;
        uint8_t copy[PAGE_BYTES];
        Record x, y;

        for (unsigned i = 0; i < RECORD_STREAMS; i++) {
                id[i] = (uint8_t)(RECORD_STREAMS - 1 - i);
                offset[i] = i;
        }
        memcpy(copy, page, PAGE_BYTES);
        record_renumber(page, used, id, offset);
        while (record_get(copy, used, &a, &before, &x) == 0) {
                if (x.stream < RECORD_STREAMS && x.n > PAGE_NUMBER_MAX - RECORD_STREAMS)
                        return;
                if (record_get(page, used, &b, &after, &y) != 0)
                        promise(!"a record is gone");
                if (x.stream < RECORD_STREAMS)
                        promise(y.stream == id[x.stream] && y.n == x.n + offset[x.stream]);
                promise(a == b);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        uint8_t page[PAGE_BYTES] = {};
        RecordBig big;
        Record record;
        Page header;

        memcpy(page + 4, data, size < PAGE_BYTES - 4 ? size : PAGE_BYTES - 4);
        (void)page_open(page, &header);
        (void)page_is_blank(page);
        bytes_put32(page, crc32c(0, page + 4, PAGE_BYTES - 4));
        if (page_open(page, &header) != 0)
                return 0;
        promise(header.used >= PAGE_HEADER && header.used <= PAGE_BYTES);
        record = (Record){.type = RECORD_BIG, .payload = page + PAGE_HEADER, .size = RECORD_BIG_BYTES};
        (void)record_get_big(&record, &big);
        write_again(page, header.used);
        renumber(page, header.used);
        return 0;
}
