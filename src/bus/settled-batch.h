/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Settled batch - what was settled since the last signal
 *
 * Confirmations come message by message; local services hear of them at most four times a second, with
 * neighbouring ranges of the same fate made one. Pure, and of fixed size: when it is full the signal goes
 * out early, for a confirmation told too soon is better than one never told.
 *
 * Time: boot clock.
 */

#include "base/clock.h"
#include "model/ledger.h"
#include "model/name.h"
#include "model/sink.h"

#define SETTLED_BATCH_MAX      256
#define SETTLED_BATCH_INTERVAL (250 * USEC_PER_MSEC)

typedef struct SettledRange {
        Name stream;
        uint64_t epoch, first, last;
        Outcome outcome;
} SettledRange;

typedef struct SettledBatch {
        SettledRange ranges[SETTLED_BATCH_MAX];
        size_t n_ranges;
        usec_t told_usec; /* when the last batch went out; 0: never */
} SettledBatch;

static inline bool settled_batch_is_full(const SettledBatch *b)
{
        return b->n_ranges >= SETTLED_BATCH_MAX;
}

void settled_batch_add(SettledBatch *b, const Settled *settled); /* not when it is full */
usec_t settled_batch_deadline(const SettledBatch *b);
void settled_batch_told(SettledBatch *b, usec_t now); /* empties it */
