/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Remains - the parts of packs that were condemned
 *
 * A pack that breaks the link is taken apart in halves, and those again, until the record that does it stands alone.
 * The parts are only ranges here; their records, which are in the uplink's hand and still on disk, are read again,
 * one part at a time, as a loader reads a lane. The part put in last is the first to be read, so that few wait:
 * one for each halving. After them come messages that were put off: of streams that are held, and suspects for which
 * there is no place.
 *
 * Knows:  the queue, as its one browser.
 */

#include "queue/queue.h"

#define REMAINS_MAX 32

typedef struct Part {
        QueueLane lane;
        QueueSource source;
        unsigned stream;
        uint64_t epoch, first, last;
        usec_t appended_usec; /* boot clock: the pack's first record */
} Part;

typedef struct Remains {
        Queue *queue;
        Part parts[REMAINS_MAX];
        size_t n_parts;
        size_t n_put_off; /* of them, the first ones */
        Part now; /* is being read: first is the next record */
        bool reading;
} Remains;

/* False: there is no room for its halves; it holds more than one record. */
bool remains_take_apart(Remains *r, const Part *pack);

/* A message waits behind all others; neighbours join it. False: there is no room. */
bool remains_put_off(Remains *r, const Part *message);
bool remains_has_room(const Remains *r); /* to put one off */

/* Takes up the next part, which is then peeked at; NULL: there is none. */
const Part *remains_begin(Remains *r);
/* The part's next record: 0, QUEUE_E_WAIT, and QUEUE_E_EMPTY at its end. What cannot be read any more is settled as
 * damaged. */
int remains_peek(Remains *r, QueueRecord *ret);
void remains_advance(Remains *r);

/* Holds nothing that was appended up to then. */
bool remains_is_past(const Remains *r, usec_t appended_usec);
