/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Stream - the numbers of one ordered log, and what became of each
 *
 * The ledger is derived: accepted are the durable numbers, settled the prefix below `low` and the ranges above
 * it, waiting is the rest. So it cannot fail to balance, whatever the disk does.
 *
 * Numbers that were given but never came to rest (the torn end of a crash) are settled as CHECKPOINT_TORN, which
 * is no outcome: they do not count as accepted.
 *
 * Pure: no disk, no clock.
 */

#include "model/ledger.h"
#include "queue/checkpoint.h"
#include "queue/queue.h"
#include "queue/ranges.h"

/* When records were appended, thinned out as they grow older: enough to tell the age of the oldest. */
#define STREAM_MARKS 16

typedef struct StreamMark {
        uint64_t n;
        Moment moment;
} StreamMark;

typedef struct Stream {
        Name name;
        unsigned handle; /* to the queue's callers */
        uint8_t id;      /* in the records */
        QueueLane lane;
        bool asked;   /* for by a caller of this run */
        bool expired; /* a durable checkpoint settles all: nothing can come back under its name */

        uint64_t next;    /* the number of the next record */
        uint64_t durable; /* all below are accepted */
        uint64_t low;     /* all below are settled */
        uint64_t counts[CHECKPOINT_TAGS];
        Ranges settled;   /* at low and above */
        Ranges in_hand;   /* read and advanced in this run, settled or not */

        StreamMark marks[STREAM_MARKS];
        size_t n_marks;
} Stream;

typedef void (*StreamSettledFn)(void *userdata, const Stream *stream, uint64_t first, uint64_t last, unsigned tag);

void stream_init(Stream *s, const char *name, unsigned handle, uint8_t id, QueueLane lane);
void stream_done(Stream *s);
/* Could another name have its identity? */
bool stream_is_spare(const Stream *s);
/* Another name goes on with its numbers and its books. One number is passed over: so whoever reads the pages knows
 * by the numbers which of two names is the newer. -ENOMEM: nothing is changed. */
int stream_hand_on(Stream *s, const char *name);

/* Those of [first, last] that have no outcome yet get this one; told piece by piece. -ENOMEM: nothing is changed. */
int stream_settle(Stream *s, uint64_t first, uint64_t last, unsigned tag, StreamSettledFn fn, void *userdata);
bool stream_is_settled(const Stream *s, uint64_t n);
/* Has every number of [first, end) an outcome? */
bool stream_all_settled(const Stream *s, uint64_t first, uint64_t end);
/* Is one of [first, end) in somebody's hand, without an outcome? */
bool stream_any_in_hand(const Stream *s, uint64_t first, uint64_t end);
/* The first piece of [first, end) that has no outcome and is in nobody's hand. */
bool stream_missing(const Stream *s, uint64_t first, uint64_t end, uint64_t *ret_first, uint64_t *ret_last);

/* The numbers below end have come to rest. */
void stream_rest(Stream *s, uint64_t end, Moment appended);
/* The number was to rest, and went with the memory that it was in: -ENOMEM as stream_settle(). */
int stream_lose(Stream *s, uint64_t n, Moment appended, StreamSettledFn fn, void *userdata);
/* Number n was appended then, as its record says. */
void stream_mark(Stream *s, uint64_t n, Moment appended);
/* When the oldest record that waits was appended, or some time before. False: none waits. */
bool stream_oldest(const Stream *s, Moment *ret);

void stream_ledger(const Stream *s, Ledger *ret);
