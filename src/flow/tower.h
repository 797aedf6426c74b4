/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Tower - which message may fly now
 *
 * Joins what is to be asked: the window has places, the pace gives the backlog its share of them.
 *
 * Owns:   window and pace, and so the messages.
 * Knows:  nothing of hub or queue beyond the names of the lanes. Pure.
 * Time:   boot clock.
 */

#include "flow/pace.h"
#include "flow/window.h"

typedef struct Tower {
        Window window;
        Pace pace;
} Tower;

int tower_configure(Tower *t, size_t window);
void tower_done(Tower *t);

/* For a message that was never sent. It does not overtake one that is on the ground. */
bool tower_has_room(const Tower *t, QueueLane lane, QueueSource source, size_t size, usec_t now);
Flight *tower_add(Tower *t, const Flight *flight); /* takes the message */
void tower_remove(Tower *t, Flight *flight);

Flight *tower_next(Tower *t); /* the first on the ground that may fly; NULL */

void tower_ready(Tower *t, usec_t now);
void tower_sent(Tower *t, Flight *flight, usec_t now);
void tower_acknowledged(Tower *t, const Flight *flight, usec_t now);
void tower_lost(Tower *t);
usec_t tower_deadline(const Tower *t, usec_t now); /* when waiting for time alone is over */
