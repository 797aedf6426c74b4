/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/tower.h"

int tower_configure(Tower *t, size_t window)
{
        int r = window_configure(&t->window, window);

        if (r >= 0)
                pace_configure(&t->pace, (unsigned)t->window.n_max);
        return r;
}

void tower_done(Tower *t)
{
        window_done(&t->window);
}

/* ---- questions ---- */

bool tower_has_room(const Tower *t, QueueLane lane, QueueSource source, size_t size, usec_t now)
{
        return !window_has_grounded(&t->window) && window_has_room(&t->window, lane, source, size) &&
               (source != QUEUE_BACKLOG || pace_admits(&t->pace, (unsigned)t->window.n_backlog, now));
}

Flight *tower_next(Tower *t)
{
        return window_first_grounded(&t->window);
}

/* ---- what happens ---- */

Flight *tower_add(Tower *t, const Flight *flight)
{
        return window_add(&t->window, flight);
}

void tower_remove(Tower *t, Flight *flight)
{
        window_remove(&t->window, flight);
}

void tower_ready(Tower *t, usec_t now)
{
        pace_begin(&t->pace, (unsigned)t->window.n_max, now);
}

void tower_sent(Tower *t, Flight *flight, usec_t now)
{
        flight->in_air = flight->was_sent = true;
        flight->sent_usec = now;
        if (flight->source == QUEUE_BACKLOG)
                pace_sent(&t->pace, now);
}

void tower_acknowledged(Tower *t, const Flight *flight, usec_t now)
{
        if (flight->source == QUEUE_BACKLOG)
                pace_acknowledged(&t->pace, flight->size, flight->sent_usec, now);
}

void tower_lost(Tower *t)
{
        window_ground(&t->window);
}

usec_t tower_deadline(const Tower *t, usec_t now)
{
        return t->pace.next_usec > now ? t->pace.next_usec : USEC_INFINITY;
}
