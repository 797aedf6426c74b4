/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Dead record - a record of the queue as the store of dead letters keeps it
 *
 * The bytes of the original, unchanged, and before them where it comes from and why it is here. Pure.
 */

#include "base/buffer.h"
#include "model/ledger.h"
#include "model/name.h"
#include "queue/queue.h"

#define DEAD_DETAIL_MAX 255 /* bytes of the detail */

typedef struct DeadRecord {
        Name stream;
        uint64_t epoch, n; /* its name there */
        QueueKind kind;
        Outcome reason;
        char detail[DEAD_DETAIL_MAX + 1];
        usec_t aside_usec;    /* wall clock, when it was set aside */
        usec_t appended_usec; /* wall clock, when it was appended; 0: not known */
        QueueTime time;       /* how well that is known */
        const void *payload; /* of the original; borrowed */
        size_t size;
} DeadRecord;

/* A detail that is too long ends at a whole character. */
void dead_record_detail(DeadRecord *r, const char *detail);

void dead_record_encode(const DeadRecord *r, Buffer *b); /* appends */
/* -EBADMSG for anything that dead_record_encode() did not write. */
int dead_record_decode(const void *data, size_t size, DeadRecord *ret);
