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

int deliveries_add(Deliveries *d, uint64_t tag, uint16_t *ret_id, bool *ret_is_duplicate)
{
        for (size_t i = 0; i < d->n; i++)
                if (d->under_way[i].tag == tag) {
                        *ret_id = d->under_way[i].id;
                        *ret_is_duplicate = true;
                        return 0;
                }
        if (d->n >= DELIVERIES_MAX)
                return -ENOBUFS;
        if (d->n == d->n_allocated) {
                size_t n = MAX(d->n_allocated * 2, (size_t)8);
                Delivery *more = reallocarray(d->under_way, n, sizeof(*more));

                if (!more)
                        return -ENOMEM;
                d->under_way = more;
                d->n_allocated = n;
        }
        *ret_id = free_id(d);
        *ret_is_duplicate = false;
        d->under_way[d->n++] = (Delivery){*ret_id, tag};
        return 0;
}

bool deliveries_take(Deliveries *d, uint16_t id, uint64_t *ret_tag)
{
        for (size_t i = 0; i < d->n; i++)
                if (d->under_way[i].id == id) {
                        *ret_tag = d->under_way[i].tag;
                        d->n--;
                        memmove(d->under_way + i, d->under_way + i + 1, (d->n - i) * sizeof(*d->under_way));
                        return true;
                }
        return false;
}

void deliveries_done(Deliveries *d)
{
        free(d->under_way);
        *d = (Deliveries){};
}
