/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/mqtt/delivery.h"

#include <errno.h>
#include <string.h>

static bool is_taken(const Deliveries *d, uint16_t id)
{
        for (size_t i = 0; i < d->n; i++)
                if (d->under_way[i].id == id)
                        return true;
        return false;
}

static uint16_t free_id(Deliveries *d)
{
        do
                d->last_id++;
        while (d->last_id == 0 || is_taken(d, d->last_id));
        return d->last_id;
}

static Delivery *find_tag(Deliveries *d, uint64_t tag)
{
        for (size_t i = 0; i < d->n; i++)
                if (d->under_way[i].tag == tag && !d->under_way[i].acknowledged)
                        return &d->under_way[i];
        return NULL;
}

static void forget(Deliveries *d, size_t i)
{
        d->n--;
        memmove(d->under_way + i, d->under_way + i + 1, (d->n - i) * sizeof(*d->under_way));
}

/* Of those that only wait for copies, which a client may as well leave unanswered. */
static bool forget_one(Deliveries *d)
{
        for (size_t i = 0; i < d->n; i++)
                if (d->under_way[i].acknowledged) {
                        forget(d, i);
                        return true;
                }
        return false;
}

static int make_room(Deliveries *d)
{
        size_t n = MAX(d->n_allocated * 2, (size_t)8);
        Delivery *more;

        if (d->n >= DELIVERIES_MAX && !forget_one(d))
                return -ENOBUFS;
        if (d->n < d->n_allocated)
                return 0;
        more = reallocarray(d->under_way, n, sizeof(*more));
        if (!more)
                return -ENOMEM;
        d->under_way = more;
        d->n_allocated = n;
        return 0;
}

int deliveries_add(Deliveries *d, uint64_t tag, uint16_t *ret_id, bool *ret_is_duplicate)
{
        Delivery *sent = find_tag(d, tag);
        int r;

        *ret_is_duplicate = sent;
        if (sent) {
                *ret_id = sent->id;
                if (sent->n_copies < UINT16_MAX)
                        sent->n_copies++;
                return 0;
        }
        r = make_room(d);
        if (r < 0)
                return r;
        *ret_id = free_id(d);
        d->under_way[d->n++] = (Delivery){.id = *ret_id, .n_copies = 1, .tag = tag};
        return 0;
}

int deliveries_take(Deliveries *d, uint16_t id, uint64_t *ret_tag)
{
        for (size_t i = 0; i < d->n; i++) {
                Delivery *sent = &d->under_way[i];
                bool first = !sent->acknowledged;

                if (sent->id != id)
                        continue;
                *ret_tag = sent->tag;
                sent->acknowledged = true;
                if (--sent->n_copies == 0)
                        forget(d, i);
                return first;
        }
        return -ENOENT;
}

void deliveries_done(Deliveries *d)
{
        free(d->under_way);
        *d = (Deliveries){};
}
