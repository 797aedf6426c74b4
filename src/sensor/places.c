/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/places.h"

static Place *last_of(const Places *p, uint64_t peer)
{
        Place *last = NULL;

        for (Place *place = p->first; place; place = place->next)
                if (place->peer == peer && (!last || place->nth > last->nth))
                        last = place;
        return last;
}

unsigned places_share(const Places *p, uint64_t peer)
{
        const Place *last = last_of(p, peer);

        return last ? last->nth : 0;
}

void places_enter(Places *p, Place *place, uint64_t peer, usec_t now)
{
        *place = (Place){
                .peer = peer,
                .nth = places_share(p, peer) + 1,
                .good_at = now,
                .next = p->first,
        };
        if (place->next)
                place->next->previous = place;
        p->first = place;
        p->n++;
}

void places_leave(Places *p, Place *place)
{
        last_of(p, place->peer)->nth = place->nth; /* so that they are counted without a gap */
        if (place->next)
                place->next->previous = place->previous;
        if (place->previous)
                place->previous->next = place->next;
        else
                p->first = place->next;
        p->n--;
}

/* One that never sent a good line goes before those that did. */
static bool is_quieter(const Place *a, const Place *b)
{
        return a->proved != b->proved ? !a->proved : a->good_at < b->good_at;
}

static bool is_quiet(const Place *place, usec_t now)
{
        return !place->held &&
               usec_sub(now, place->good_at) >= (place->proved ? PLACES_QUIET_USEC : PLACES_FIRST_USEC);
}

/* NULL: nobody has that many. */
static const Place *greediest(const Places *p, unsigned at_least)
{
        const Place *most = NULL;

        for (const Place *place = p->first; place; place = place->next)
                if (place->nth >= at_least && (!most || place->nth > most->nth))
                        most = place;
        return most;
}

static Place *quietest_of(const Places *p, uint64_t peer)
{
        Place *found = NULL;

        for (Place *place = p->first; place; place = place->next)
                if (place->peer == peer && (!found || is_quieter(place, found)))
                        found = place;
        return found;
}

static Place *long_quiet(const Places *p, uint64_t peer, bool of_any, usec_t now)
{
        Place *found = NULL;

        for (Place *place = p->first; place; place = place->next)
                if ((of_any || place->peer == peer) && is_quiet(place, now) && (!found || is_quieter(place, found)))
                        found = place;
        return found;
}

bool places_find(const Places *p, uint64_t peer, usec_t now, Place **ret_leaver)
{
        unsigned share = places_share(p, peer);
        const Place *most;

        *ret_leaver = NULL;
        if (p->n < p->max)
                return true;
        most = greediest(p, share + 2);
        *ret_leaver = most ? quietest_of(p, most->peer) : long_quiet(p, peer, share == 0, now);
        return *ret_leaver;
}
