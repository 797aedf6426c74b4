/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Ledger - what became of every record
 *
 * accepted = acknowledged + waiting + dropped + dead_lettered, in records, at every quiet point and across
 * restarts. What never became a record is counted apart as refused, since the daemon's start.
 */

#include <stdbool.h>
#include <stdint.h>

/* How a record left the queue. The first outcome wins. Values are on disk: add at the end, never renumber. */
typedef enum Outcome {
        OUTCOME_ACKNOWLEDGED, /* the hub's PUBACK came */

        OUTCOME_QUEUE_FULL, /* dropped: the byte limit, oldest first */
        OUTCOME_AGE,        /* dropped: older than max_age */
        OUTCOME_FREE_SPACE, /* dropped: the floor of free disk space */
        OUTCOME_EXPIRED,    /* dropped: the stream's expire_after */
        OUTCOME_DAMAGED,    /* dropped: its page could not be read */
        OUTCOME_DISK,       /* dropped: the disk failed and the ring in memory ran over */

        OUTCOME_TOO_LARGE,    /* dead letter: over the hub's limit, alone in its message */
        OUTCOME_BAD_PROPERTY, /* dead letter: the hub can take no such property */
        OUTCOME_BREAKS_LINK,  /* dead letter: proved to break the link */

        _OUTCOME_MAX,
        _OUTCOME_INVALID = -22,
} Outcome;

/* Why something never became a record. */
typedef enum Refusal {
        REFUSAL_MALFORMED,  /* not JSON, not a number, not a name */
        REFUSAL_TOO_LONG,   /* a line, a datagram or a text over its limit */
        REFUSAL_RATE,       /* over max_rate */
        REFUSAL_OVERLOAD,   /* the queue's buffers are full */
        REFUSAL_UNREADABLE, /* the sensor could not be read */
        REFUSAL_RANGE,      /* a number outside what can be told */
        REFUSAL_NAN,        /* NaN or infinity */
        _REFUSAL_MAX,
        _REFUSAL_INVALID = -22,
} Refusal;

const char *outcome_to_string(Outcome outcome); /* "acknowledged" "queue-full" ... */
const char *refusal_to_string(Refusal refusal); /* "malformed" "too-long" ... */

static inline bool outcome_is_drop(Outcome o)
{
        return o >= OUTCOME_QUEUE_FULL && o <= OUTCOME_DISK;
}

static inline bool outcome_is_dead_letter(Outcome o)
{
        return o >= OUTCOME_TOO_LARGE && o <= OUTCOME_BREAKS_LINK;
}

typedef struct Ledger {
        uint64_t accepted;              /* its commit returned */
        uint64_t settled[_OUTCOME_MAX]; /* by outcome */
} Ledger;

uint64_t ledger_dropped(const Ledger *l);
uint64_t ledger_dead_lettered(const Ledger *l);
uint64_t ledger_waiting(const Ledger *l); /* derived, so that the sum cannot fail to balance */
void ledger_add(Ledger *sum, const Ledger *l);
