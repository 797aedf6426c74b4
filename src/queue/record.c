/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/record.h"

#include <string.h>

#include "base/bytes.h"

#define COMPACT 0x80

enum {
        AT_LENGTH = 0,
        AT_TYPE = 2,
        AT_STREAM = 3,
        AT_N = 4,
        AT_BOOT = 12,
        AT_SINCE = 4,
};

static bool follows(const RecordContext *context, const Record *record)
{
        return record->stream < RECORD_STREAMS && context->n[record->stream] != 0 &&
               context->n[record->stream] + 1 == record->n && record->boot_usec >= context->boot_usec &&
               record->boot_usec - context->boot_usec <= UINT32_MAX;
}

bool record_put(uint8_t *page, size_t *used, RecordContext *context, const Record *record)
{
        bool compact = follows(context, record);
        size_t header = compact ? RECORD_COMPACT : RECORD_FULL;
        uint8_t *p = page + *used;

        if (record->size > PAGE_BYTES - *used || header > PAGE_BYTES - *used - record->size)
                return false;
        bytes_put16(p + AT_LENGTH, (uint16_t)record->size);
        p[AT_TYPE] = record->type | (compact ? COMPACT : 0);
        p[AT_STREAM] = record->stream;
        if (compact) {
                bytes_put32(p + AT_SINCE, (uint32_t)(record->boot_usec - context->boot_usec));
        } else {
                bytes_put64(p + AT_N, record->n);
                bytes_put64(p + AT_BOOT, record->boot_usec);
        }
        if (record->size > 0)
                memcpy(p + header, record->payload, record->size);
        *used += header + record->size;
        if (record->stream < RECORD_STREAMS)
                context->n[record->stream] = record->n;
        context->boot_usec = record->boot_usec;
        return true;
}

int record_get(const uint8_t *page, size_t used, size_t *at, RecordContext *context, Record *ret)
{
        const uint8_t *p = page + *at;
        size_t left = used - *at, header, size;
        uint8_t type, stream;
        uint64_t n = 0;
        usec_t boot_usec;
        bool compact;

        if (left == 0)
                return RECORD_E_END;
        if (left < RECORD_COMPACT)
                return RECORD_E_BAD;
        size = bytes_get16(p + AT_LENGTH);
        compact = p[AT_TYPE] & COMPACT;
        type = p[AT_TYPE] & ~COMPACT;
        stream = p[AT_STREAM];
        header = compact ? RECORD_COMPACT : RECORD_FULL;
        if (header > left || size > left - header || type == 0)
                return RECORD_E_BAD;
        if (stream >= RECORD_STREAMS && (stream != RECORD_NO_STREAM || compact))
                return RECORD_E_BAD;
        if (compact) {
                if (context->n[stream] == 0 || context->n[stream] == PAGE_NUMBER_MAX)
                        return RECORD_E_BAD;
                n = context->n[stream] + 1;
                boot_usec = usec_add(context->boot_usec, bytes_get32(p + AT_SINCE));
        } else {
                n = bytes_get64(p + AT_N);
                boot_usec = bytes_get64(p + AT_BOOT);
                if (stream != RECORD_NO_STREAM && (n == 0 || n > PAGE_NUMBER_MAX))
                        return RECORD_E_BAD;
        }
        if (stream < RECORD_STREAMS)
                context->n[stream] = n;
        context->boot_usec = boot_usec;
        *ret = (Record){
                .type = type,
                .stream = stream,
                .n = n,
                .boot_usec = boot_usec,
                .payload = p + header,
                .size = size,
        };
        *at += header + size;
        return 0;
}

void record_put_big(uint8_t payload[static RECORD_BIG_BYTES], const RecordBig *big)
{
        memset(payload, 0, RECORD_BIG_BYTES);
        payload[0] = big->type;
        bytes_put32(payload + 4, (uint32_t)big->size);
        bytes_put32(payload + 8, big->crc);
}

int record_get_big(const Record *record, RecordBig *ret)
{
        const uint8_t *p = record->payload;

        if (record->type != RECORD_BIG || record->size != RECORD_BIG_BYTES)
                return RECORD_E_BAD;
        *ret = (RecordBig){.type = p[0], .size = bytes_get32(p + 4), .crc = bytes_get32(p + 8)};
        return 0;
}

void record_renumber(uint8_t *page, size_t used, const uint8_t id[static RECORD_STREAMS],
                     const uint64_t offset[static RECORD_STREAMS])
{
        RecordContext context = {};
        size_t at = PAGE_HEADER, start;
        Record record;

        for (start = at; record_get(page, used, &at, &context, &record) == 0; start = at) {
                if (record.stream >= RECORD_STREAMS)
                        continue;
                page[start + AT_STREAM] = id[record.stream];
                if (!(page[start + AT_TYPE] & COMPACT))
                        bytes_put64(page + start + AT_N, record.n + offset[record.stream]);
        }
}

size_t record_pages_of(const struct iovec *payloads, size_t n)
{
        size_t pages = 0, left = 0;

        for (size_t i = 0; i < n; i++) {
                bool big = payloads[i].iov_len > RECORD_PAYLOAD_MAX;
                size_t need = RECORD_FULL + (big ? RECORD_BIG_BYTES : payloads[i].iov_len);

                if (need > left) {
                        pages++;
                        left = PAGE_ROOM;
                }
                left -= need;
                if (big) {
                        pages += record_cont_pages(payloads[i].iov_len);
                        left = 0; /* it is the last one in its page */
                }
        }
        return pages;
}
