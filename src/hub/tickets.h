/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Tickets - what was sent and is not acknowledged
 *
 * The uplink knows a message by its ticket, the wire by its packet identifier (mid), which means something only
 * within one connection: when that ends, the book is closed and every ticket in it is void. In order of
 * sending; a window is a handful, so that a walk finds what it needs.
 */

#include "base/clock.h"

typedef struct Ticket {
        uint64_t ticket;
        int mid;
        usec_t sent_usec; /* boot clock */
} Ticket;

typedef struct Tickets {
        Ticket *entries;
        size_t n_entries, n_allocated;
} Tickets;

void tickets_done(Tickets *t);
/* Room for one more, so that tickets_add() cannot fail. -ENOMEM. */
int tickets_reserve(Tickets *t);
void tickets_add(Tickets *t, uint64_t ticket, int mid, usec_t now);
/* False: nothing of that mid waits; a hub may acknowledge twice. */
bool tickets_take(Tickets *t, int mid, uint64_t *ret_ticket);
void tickets_clear(Tickets *t);
usec_t tickets_oldest(const Tickets *t); /* USEC_INFINITY: none waits */
