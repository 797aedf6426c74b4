/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The record of a dead letter, version 1:
 *
 *   version u8 | kind u8 | reason u8 | flags u8 (of the time of appending, 1: it is good, 2: it lies within bounds)
 *   length of the stream's name u8 | length of the detail u8 | 2 zeros
 *   epoch u64 | n u64 | set aside u64 | appended u64 | stream | detail | payload, to the end
 */

#include "flow/dead-record.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"
#include "base/utf8.h"
#include "flow/dead-letters.h"

#define VERSION 1
#define FIXED   40

enum {
        FLAG_TIME_GOOD = 1,
        FLAG_TIME_BOUNDED = 2,
};

_Static_assert(FIXED + NAME_LENGTH_MAX + DEAD_DETAIL_MAX + DEAD_LETTERS_PAYLOAD_MAX <= QUEUE_PAYLOAD_MAX,
               "the largest record must fit, with all that is said of it");

void dead_record_detail(DeadRecord *r, const char *detail)
{
        size_t n = detail ? strnlen(detail, DEAD_DETAIL_MAX) : 0;

        if (n > 0)
                memcpy(r->detail, detail, n);
        while (n > 0 && !utf8_is_valid(r->detail, n))
                n--;
        r->detail[n] = 0;
}

static uint8_t flags_of(QueueTime time)
{
        return time == QUEUE_TIME_GOOD ? FLAG_TIME_GOOD : time == QUEUE_TIME_BOUNDED ? FLAG_TIME_BOUNDED : 0;
}

static QueueTime time_of(uint8_t flags)
{
        return flags & FLAG_TIME_GOOD      ? QUEUE_TIME_GOOD
               : flags & FLAG_TIME_BOUNDED ? QUEUE_TIME_BOUNDED
                                           : QUEUE_TIME_UNKNOWN;
}

void dead_record_encode(const DeadRecord *r, Buffer *b)
{
        size_t n_stream = strlen(r->stream), n_detail = strlen(r->detail);
        uint8_t head[FIXED] = {
                VERSION, (uint8_t)r->kind, (uint8_t)r->reason, flags_of(r->time),
                (uint8_t)n_stream, (uint8_t)n_detail,
        };

        bytes_put64(head + 8, r->epoch);
        bytes_put64(head + 16, r->n);
        bytes_put64(head + 24, r->aside_usec);
        bytes_put64(head + 32, r->appended_usec);
        buffer_append(b, head, sizeof(head));
        buffer_append(b, r->stream, n_stream);
        buffer_append(b, r->detail, n_detail);
        buffer_append(b, r->payload, r->size);
}

int dead_record_decode(const void *data, size_t size, DeadRecord *ret)
{
        const uint8_t *p = data;
        size_t n_stream, n_detail;

        if (size < FIXED || p[0] != VERSION || !outcome_is_dead_letter((Outcome)p[2]))
                return -EBADMSG;
        n_stream = p[4];
        n_detail = p[5];
        if (n_stream > NAME_LENGTH_MAX || size - FIXED < n_stream + n_detail)
                return -EBADMSG;
        *ret = (DeadRecord){
                .epoch = bytes_get64(p + 8),
                .n = bytes_get64(p + 16),
                .kind = (QueueKind)p[1],
                .reason = (Outcome)p[2],
                .aside_usec = bytes_get64(p + 24),
                .appended_usec = bytes_get64(p + 32),
                .time = time_of(p[3]),
                .payload = p + FIXED + n_stream + n_detail,
                .size = size - FIXED - n_stream - n_detail,
        };
        memcpy(ret->stream, p + FIXED, n_stream);
        memcpy(ret->detail, p + FIXED + n_stream, n_detail);
        if (!name_is_valid(ret->stream) || !utf8_is_valid(ret->detail, n_detail) || memchr(ret->detail, 0, n_detail))
                return -EBADMSG;
        return 0;
}
