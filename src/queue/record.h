/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Record - what lies in a page, one after another
 *
 * The first record of a stream in a page tells its number and time in full. Those that follow are contiguous
 * with it and tell only the time since the record before them: eight bytes instead of twenty, and a page still
 * stands for itself.
 *
 *     full      len u16 | type u8        | stream u8 | n u64 | boottime u64 | payload
 *     compact   len u16 | type u8 | 0x80 | stream u8 | microseconds u32     | payload
 *
 * A record crosses no page, save for a big one: type, length and checksum in a page of records, of which it is
 * the last, and its body in the PAGE_CONT pages that follow.
 *
 *     BIG       payload: type u8 | 3 zeros | length u32 | crc32c u32
 *
 * Records of the queue's own carry RECORD_NO_STREAM. Pure: bytes in, bytes out.
 */

#include <sys/uio.h>

#include "base/clock.h"
#include "queue/page.h"

#define RECORD_STREAMS   32 /* identities of streams: 0 .. 31 */
#define RECORD_NO_STREAM 0xff

#define RECORD_FULL        20
#define RECORD_COMPACT     8
#define RECORD_PAYLOAD_MAX (PAGE_ROOM - RECORD_FULL)
#define RECORD_BIG_BYTES   12

/* Values are on disk. */
typedef enum RecordType {
        RECORD_READING = 1,
        RECORD_MESSAGE = 2,
        RECORD_NOTICE = 3,
        RECORD_BIG = 4,
        RECORD_EPOCH = 5,      /* an opening, or a new stream: checkpoint.h */
        RECORD_CHECKPOINT = 6, /* what is settled: checkpoint.h */
        RECORD_TAKEN = 7,      /* the inbox's */
        RECORD_DONE = 8,
        RECORD_DEAD_LETTER = 9, /* of the store of dead letters: flow/dead-record.h */
} RecordType;

typedef struct Record {
        uint8_t type, stream;
        uint64_t n;
        usec_t boot_usec;
        const void *payload; /* in the page */
        size_t size;
} Record;

typedef struct RecordBig {
        uint8_t type;
        size_t size;
        uint32_t crc;
} RecordBig;

/* What the records of a page so far say to the next one. */
typedef struct RecordContext {
        uint64_t n[RECORD_STREAMS]; /* the last number, 0: none */
        usec_t boot_usec;
} RecordContext;

/* Appends to the page at *used. False when there is no room; then nothing has changed. */
bool record_put(uint8_t *page, size_t *used, RecordContext *context, const Record *record);

enum {
        _RECORD_E_SUCCESS,

        RECORD_E_END, /* no more in this page */
        RECORD_E_BAD, /* the page's checksum is right, what it says is not */
};

/* The record at *at, which moves on. Begin at PAGE_HEADER with an empty context. */
int record_get(const uint8_t *page, size_t used, size_t *at, RecordContext *context, Record *ret);

void record_put_big(uint8_t payload[static RECORD_BIG_BYTES], const RecordBig *big);
int record_get_big(const Record *record, RecordBig *ret);

/* A number and an identity known only later: rewrites the records of a page in place. */
void record_renumber(uint8_t *page, size_t used, const uint8_t id[static RECORD_STREAMS],
                     const uint64_t offset[static RECORD_STREAMS]);

/* Pages of a big record's body. */
static inline size_t record_cont_pages(size_t size)
{
        return (size + PAGE_ROOM - 1) / PAGE_ROOM;
}

/* Pages that a record may add to those that are there. */
static inline size_t record_pages(size_t size)
{
        return size > RECORD_PAYLOAD_MAX ? 1 + record_cont_pages(size) : 1;
}

/* The same for several, one after another. */
size_t record_pages_of(const struct iovec *payloads, size_t n);
