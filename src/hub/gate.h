/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Gate - cloud messages that came and are not stored yet
 *
 * Each gets a ticket, never given twice. The gate is shut while any ticket of the present connection is out; with the
 * connection all of them are void, for the hub delivers again what was not acknowledged. In order; a handful.
 */

#include "base/macro.h"

typedef struct Gate {
        uint64_t *tickets;
        size_t n_tickets, n_allocated;
        uint64_t last; /* that was given */
} Gate;

void gate_done(Gate *g);
int gate_admit(Gate *g, uint64_t *ret_ticket); /* -ENOMEM */
bool gate_settle(Gate *g, uint64_t ticket);    /* false: it is void */
void gate_forget(Gate *g);                     /* the connection is gone */

static inline bool gate_is_shut(const Gate *g)
{
        return g->n_tickets > 0;
}
