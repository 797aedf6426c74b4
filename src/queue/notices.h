/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Notices - what went for another reason than the hub's acknowledgement, until its consumer has been told
 *
 * A drop, a dead letter and damage each leave a range here. A little later it becomes a record of its own in the same
 * stream, which goes up like any other. The range stays, and goes into every checkpoint, until that record has been
 * acknowledged; if the record is dropped itself, the range has to be told anew. So a crash loses no notice, however
 * it falls; a notice told twice is harmless.
 *
 * What follows on a range joins it, and is told together with it: a queue that drops its oldest records through a
 * long outage has one range a stream. With more ranges apart than there is room for, those go first that are in a
 * record already.
 *
 * The record, little endian: outcome u8 | 3 zeros | ranges u32 | for each: first u64 | last u64
 *
 * Pure: no disk, no clock.
 */

#include "base/clock.h"
#include "model/ledger.h"

#define NOTICES_MAX        64
#define NOTICES_USEC       (5 * USEC_PER_SEC) /* from the first range to the record */
#define NOTICE_HEADER      8
#define NOTICE_RANGE_BYTES 16
#define NOTICE_BYTES_MAX   (NOTICE_HEADER + NOTICES_MAX * NOTICE_RANGE_BYTES)

typedef struct Notice {
        uint8_t id; /* of the stream, as in the records */
        uint8_t outcome;
        uint64_t first, last;
        uint64_t n; /* the record that tells it; 0: none does */
} Notice;

typedef struct Notices {
        Notice items[NOTICES_MAX];
        size_t n_items;
        usec_t due_usec; /* USEC_INFINITY: all is told */
} Notices;

typedef struct NoticeRange {
        uint64_t first, last;
} NoticeRange;

void notices_init(Notices *n);
/* Numbers got an outcome, whatever it is. False: a range found no room, and is not going to be told. */
bool notices_settled(Notices *n, uint8_t id, uint64_t first, uint64_t last, Outcome outcome, usec_t now);
/* Found in a checkpoint. */
bool notices_restore(Notices *n, const Notice *notice, usec_t now);
/* The table runs over soon. */
bool notices_are_many(const Notices *n);
bool notices_has(const Notices *n, uint8_t id);

/* The untold ranges of one stream and outcome; 0: there are none. */
size_t notices_untold(const Notices *n, uint8_t *ret_id, Outcome *ret_outcome, NoticeRange ret[static NOTICES_MAX]);
/* Those are in this record now. One that has grown meanwhile is not. */
void notices_told(Notices *n, uint8_t id, Outcome outcome, const NoticeRange *ranges, size_t n_ranges, uint64_t record);
void notices_wait(Notices *n, usec_t until_usec);

/* ---- the record ---- */

size_t notice_encode(Outcome outcome, const NoticeRange *ranges, size_t n_ranges,
                     uint8_t bytes[static NOTICE_BYTES_MAX]);
/* False when it is none. */
bool notice_decode(const void *bytes, size_t size, Outcome *ret_outcome, NoticeRange ret[static NOTICES_MAX],
                   size_t *ret_n_ranges);
