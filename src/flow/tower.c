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
        if (suspects_stand_alone(&t->suspects))
                return suspects_may_fly(&t->suspects, 0) && window_has_witness_room(&t->window, size);
        return !window_has_grounded(&t->window) && window_has_room(&t->window, lane, source, size) &&
               (source != QUEUE_BACKLOG || pace_admits(&t->pace, (unsigned)t->window.n_backlog, now));
}

bool tower_stands_alone(const Tower *t)
{
        return suspects_stand_alone(&t->suspects);
}

bool tower_has_room_for_remains(const Tower *t, size_t size)
{
        for (size_t i = 0; i < t->window.n_flights; i++)
                if (t->window.flights[i].is_remains)
                        return false;
        return window_has_witness_room(&t->window, size);
}

bool tower_may_fly(const Tower *t, const Flight *flight)
{
        return !flight->is_unfit && suspects_may_fly(&t->suspects, flight->ticket);
}

Flight *tower_condemned(Tower *t)
{
        uint64_t ticket = suspects_condemned(&t->suspects);

        return ticket > 0 ? window_find(&t->window, ticket) : NULL;
}

Flight *tower_in_the_way(Tower *t)
{
        if (!suspects_stand_alone(&t->suspects) || window_has_witness_room(&t->window, MESSAGE_SIZE_MAX))
                return NULL;
        for (size_t i = t->window.n_flights; i-- > 0;) {
                Flight *flight = &t->window.flights[i];

                if (!flight->in_air && suspects_is_bad_witness(&t->suspects, flight->ticket))
                        return flight;
        }
        return NULL;
}

Flight *tower_next(Tower *t)
{
        for (size_t i = 0; i < t->window.n_flights; i++) {
                Flight *flight = &t->window.flights[i];

                if (!flight->in_air && tower_may_fly(t, flight))
                        return flight;
        }
        return NULL;
}

/* ---- what happens ---- */

static unsigned kin_of(const Flight *flight)
{
        return flight->is_notice ? SUSPECTS_NOTICES : flight->stream;
}

Flight *tower_add(Tower *t, const Flight *what)
{
        Flight *flight = window_add(&t->window, what);

        if (flight->is_remains)
                suspects_remains(&t->suspects, flight->ticket, kin_of(flight), flight_is_pack(flight));
        return flight;
}

void tower_acquit(Tower *t, Flight *flight)
{
        suspects_forget(&t->suspects, flight->ticket);
}

void tower_set_unfit(Tower *t, Flight *flight, Outcome why)
{
        suspects_forget(&t->suspects, flight->ticket);
        flight->is_unfit = true;
        flight->is_remains = false;
        flight->why = why;
}

void tower_convict(Tower *t, const Flight *flight, usec_t now)
{
        suspects_convict(&t->suspects, flight->ticket, now);
}

bool tower_holds(const Tower *t, unsigned stream)
{
        return suspects_hold(&t->suspects, stream);
}

void tower_remove(Tower *t, Flight *flight)
{
        suspects_forget(&t->suspects, flight->ticket);
        window_remove(&t->window, flight);
}

void tower_ready(Tower *t, usec_t now)
{
        pace_begin(&t->pace, (unsigned)t->window.n_max, now);
        suspects_ready(&t->suspects, now);
}

void tower_sent(Tower *t, Flight *flight, usec_t now)
{
        flight->in_air = flight->was_sent = true;
        flight->sent_usec = now;
        suspects_sent(&t->suspects, flight->ticket, kin_of(flight), flight_is_pack(flight));
        if (flight->source == QUEUE_BACKLOG)
                pace_sent(&t->pace, now);
}

void tower_acknowledged(Tower *t, const Flight *flight, usec_t now)
{
        suspects_acknowledged(&t->suspects, flight->ticket, now);
        if (flight->source == QUEUE_BACKLOG)
                pace_acknowledged(&t->pace, flight->size, flight->sent_usec, now);
}

void tower_lost(Tower *t, usec_t now)
{
        window_ground(&t->window);
        suspects_lost(&t->suspects, now);
}

void tower_tick(Tower *t, usec_t now)
{
        suspects_tick(&t->suspects, now);
}

usec_t tower_deadline(const Tower *t, usec_t now)
{
        usec_t next = t->pace.next_usec > now ? t->pace.next_usec : USEC_INFINITY;

        return MIN(next, suspects_deadline(&t->suspects));
}
