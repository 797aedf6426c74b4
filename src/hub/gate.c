/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/gate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void gate_done(Gate *g)
{
        free(g->tickets);
        *g = (Gate){};
}

int gate_admit(Gate *g, uint64_t *ret_ticket)
{
        if (g->n_tickets == g->n_allocated) {
                size_t n = MAX(g->n_allocated * 2, (size_t)16);
                uint64_t *more = reallocarray(g->tickets, n, sizeof(*more));

                if (!more)
                        return -ENOMEM;
                g->tickets = more;
                g->n_allocated = n;
        }
        *ret_ticket = g->tickets[g->n_tickets++] = ++g->last;
        return 0;
}

bool gate_settle(Gate *g, uint64_t ticket)
{
        for (size_t i = 0; i < g->n_tickets; i++) {
                if (g->tickets[i] != ticket)
                        continue;
                g->n_tickets--;
                memmove(g->tickets + i, g->tickets + i + 1, (g->n_tickets - i) * sizeof(*g->tickets));
                return true;
        }
        return false;
}

void gate_forget(Gate *g)
{
        g->n_tickets = 0;
}
