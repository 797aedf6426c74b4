/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/tickets.h"

#include <errno.h>
#include <string.h>

void tickets_done(Tickets *t)
{
        free(t->entries);
        *t = (Tickets){};
}

int tickets_reserve(Tickets *t)
{
        size_t n = MAX(t->n_allocated * 2, (size_t)16);
        Ticket *more;

        if (t->n_entries < t->n_allocated)
                return 0;
        more = reallocarray(t->entries, n, sizeof(*more));
        if (!more)
                return -ENOMEM;
        t->entries = more;
        t->n_allocated = n;
        return 0;
}

void tickets_add(Tickets *t, uint64_t ticket, int mid, usec_t now)
{
        t->entries[t->n_entries++] = (Ticket){ticket, mid, now};
}

bool tickets_take(Tickets *t, int mid, uint64_t *ret_ticket)
{
        for (size_t i = 0; i < t->n_entries; i++) {
                if (t->entries[i].mid != mid)
                        continue;
                *ret_ticket = t->entries[i].ticket;
                t->n_entries--;
                memmove(t->entries + i, t->entries + i + 1, (t->n_entries - i) * sizeof(*t->entries));
                return true;
        }
        return false;
}

void tickets_clear(Tickets *t)
{
        t->n_entries = 0;
}

usec_t tickets_oldest(const Tickets *t)
{
        return t->n_entries > 0 ? t->entries[0].sent_usec : USEC_INFINITY;
}
