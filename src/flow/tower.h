/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Tower - which message may fly now
 *
 * Joins what is to be asked: the window has places, the pace gives the backlog its share of them, and while a
 * message is suspected of breaking the link, one flies at a time, the suspects choose which.
 *
 * Owns:   window, pace and suspects, and so the messages.
 * Knows:  nothing of hub or queue beyond the names of the lanes. Pure.
 * Time:   boot clock.
 */

#include "flow/pace.h"
#include "flow/suspect.h"
#include "flow/window.h"

typedef struct Tower {
        Window window;
        Pace pace;
        Suspects suspects;
} Tower;

int tower_configure(Tower *t, size_t window);
void tower_done(Tower *t);

/* For a message that was never sent. It does not overtake one that is on the ground, unless a witness is wanted. */
bool tower_has_room(const Tower *t, QueueLane lane, QueueSource source, size_t size, usec_t now);
bool tower_has_room_for_remains(const Tower *t, size_t size); /* one of them at a time */
Flight *tower_add(Tower *t, const Flight *flight);            /* takes the message */
void tower_remove(Tower *t, Flight *flight);

bool tower_stands_alone(const Tower *t); /* one flies at a time: those never sent go before the others */
bool tower_may_fly(const Tower *t, const Flight *flight);
Flight *tower_next(Tower *t);      /* the first on the ground that may fly; NULL */
Flight *tower_condemned(Tower *t); /* it broke the link, with proof; NULL */
void tower_convict(Tower *t, const Flight *flight, usec_t now); /* a record alone: it tells on its stream */
bool tower_holds(const Tower *t, unsigned stream); /* what comes of it flies one by one, as remains do */
/* There is no place for a witness of any size: one that is of no use to the case, the last first; NULL. */
Flight *tower_in_the_way(Tower *t);
void tower_acquit(Tower *t, Flight *flight);
/* It never flies again, and waits for its place among the dead letters. */
void tower_set_unfit(Tower *t, Flight *flight, Outcome why);

void tower_ready(Tower *t, usec_t now);
void tower_sent(Tower *t, Flight *flight, usec_t now);
void tower_acknowledged(Tower *t, const Flight *flight, usec_t now);
void tower_lost(Tower *t, usec_t now);
void tower_tick(Tower *t, usec_t now);
usec_t tower_deadline(const Tower *t, usec_t now); /* when waiting for time alone is over */
