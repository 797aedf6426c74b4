/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Pace - how many messages of the backlog may be in flight
 *
 * A backlog has time; the hub may not have room for it. The pace starts at half the window, grows by one with each
 * round of PUBACKs that come in time, and halves when they come late: later than twice the least that one took, and
 * 50 ms. One that is late among many in time is the network's noise. Where only one message is in flight and it is
 * late all the same, the next waits longer and longer; PUBACKs in time take that back, twice as fast.
 *
 * The least is learned per size, as a slow line takes its time for a large message, and only for some minutes, as
 * routes change. What was learned while messages queued up behind each other would call the queue normal, though:
 * so it is learned anew from a message of the backlog that flies alone. That costs a round trip in five minutes.
 *
 * Knows:  nothing of window, queue and hub. Pure.
 * Time:   boot clock.
 */

#include "base/clock.h"

#define PACE_SIZES 4 /* of message: below 4 KiB, 8, 16, and all above */

typedef struct PaceFloor {
        usec_t least_usec; /* USEC_INFINITY: not known */
        usec_t until_usec; /* then it is too old to be believed */
} PaceFloor;

typedef struct Pace {
        unsigned max, limit; /* messages in flight */
        unsigned n_timely;   /* PUBACKs of this round */
        unsigned n_late;     /* in a row */
        usec_t since_usec;   /* what was sent before tells of an earlier limit */
        usec_t space_usec;   /* from one message to the next; 0: as they fit */
        usec_t next_usec;    /* the next one not before */
        unsigned resume;     /* a floor is being learned: the limit to go back to; 0: none is */
        PaceFloor floors[PACE_SIZES];
} Pace;

void pace_begin(Pace *p, unsigned max, usec_t now); /* a new link: it may lead another way */
void pace_configure(Pace *p, unsigned max);

bool pace_admits(const Pace *p, unsigned n_in_flight, usec_t now);
void pace_sent(Pace *p, usec_t now);
void pace_acknowledged(Pace *p, size_t size, usec_t sent_usec, usec_t now);
