/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Verify - did every record arrive, and how often
 *
 * Counts records, not messages. A record's name is (device, stream, epoch, n); a name that was there before is a
 * duplicate. A gap is a number n that is missing in a stream below the highest one seen, whatever the epoch, unless
 * a notice explains it. The same n under two epochs is two records - a torn tail was numbered anew, or a backup
 * restored - and is counted as reused, so that it is not hidden.
 *
 * A message without an id of hublink's is one record of its own.
 *
 * Keeps ranges only: millions of records take the room of the holes between them. Pure.
 */

#include "base/buffer.h"
#include "reader/interval-set.h"
#include "reader/record-id.h"

typedef struct Verify Verify;

typedef struct VerifyTotals {
        uint64_t received; /* records, each time they came */
        uint64_t unique;
        uint64_t duplicates; /* received - unique */
        uint64_t gaps;
        uint64_t explained; /* missing, and a notice says why */
        uint64_t reused; /* numbers that came under more than one epoch */
} VerifyTotals;

/* from_start: the first number of a stream is 1, and must have come. Else what came first counts as the lowest. */
int verify_new(Verify **ret, bool from_start);
Verify *verify_free(Verify *verify);
DEFINE_CLEANUP(Verify *, verify_free);

int verify_record(Verify *verify, const char *device, const RecordId *id);
int verify_other(Verify *verify); /* a message that bears no id */
/* The body of a message marked hl-notice: {"stream","epoch","ranges":[[first,last],...],"reason"}. What does not
 * read so explains nothing. */
int verify_notice(Verify *verify, const char *device, const char *body, size_t size);

void verify_totals(const Verify *verify, VerifyTotals *ret);
/* Appends a line for each stream with a gap, a notice or a reused number: what, and the first few ranges. */
void verify_details(const Verify *verify, Buffer *b);
