/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Places - who may have one of a socket's connections, when more want one than there are
 *
 * They are shared by peers: by the users of this machine, or by the addresses that connections come from. As long as a
 * place is free, whoever comes has it. When none is:
 *
 * - a peer that has at least two more than the newcomer's own loses one, at once. So whoever takes all of them takes
 *   them until others come, and peers that are equal do not drive each other out in turns;
 * - else one that was quiet for long leaves: any for a peer that has none yet, otherwise only one of its own;
 * - else the newcomer is turned away.
 *
 * The one to leave is that which sent no good line for the longest time.
 *
 * Pure.
 */

#include "base/clock.h"

#define PLACES_QUIET_USEC USEC_PER_MIN       /* without a good line */
#define PLACES_FIRST_USEC (10 * USEC_PER_SEC) /* without the first one */

typedef struct Place {
        uint64_t peer;
        unsigned nth;   /* of its peer's, counted from 1: so the last of them tells how many there are */
        usec_t good_at; /* its last good line, or when it came */
        bool proved;    /* there was a good line */
        bool held;      /* it is we who do not listen: that is no quiet */
        struct Place *next, *previous;
} Place;

typedef struct Places {
        unsigned max, n;
        Place *first;
} Places;

/* True: there is one for this peer, if *ret_leaver (NULL: nobody) leaves first. */
bool places_find(const Places *p, uint64_t peer, usec_t now, Place **ret_leaver);
void places_enter(Places *p, Place *place, uint64_t peer, usec_t now);
void places_leave(Places *p, Place *place);

static inline void place_prove(Place *place, usec_t now)
{
        place->good_at = now;
        place->proved = true;
}

/* How many its peer has. */
unsigned places_share(const Places *p, uint64_t peer);
