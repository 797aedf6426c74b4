/* SPDX-License-Identifier: Apache-2.0 */
#include "reader/interval-set.h"

#include <errno.h>
#include <string.h>

/* The first range that ends at n or later. Numbers mostly come at the end: looked at first. */
static size_t find(const IntervalSet *set, uint64_t n)
{
        size_t low = 0, high = set->n_items;

        if (high == 0 || set->items[high - 1].last < n)
                return high;
        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (set->items[middle].last < n)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

uint64_t interval_set_count(const IntervalSet *set, uint64_t first, uint64_t last)
{
        uint64_t n = 0;

        for (size_t i = find(set, first); i < set->n_items && set->items[i].first <= last; i++)
                n += MIN(set->items[i].last, last) - MAX(set->items[i].first, first) + 1;
        return n;
}

static int insert_at(IntervalSet *set, size_t i, Interval item)
{
        if (set->n_items == set->n_allocated) {
                size_t n = MAX(set->n_allocated * 2, (size_t)8);
                Interval *more = reallocarray(set->items, n, sizeof(*more));

                if (!more)
                        return -ENOMEM;
                set->items = more;
                set->n_allocated = n;
        }
        memmove(set->items + i + 1, set->items + i, (set->n_items - i) * sizeof(*set->items));
        set->items[i] = item;
        set->n_items++;
        return 0;
}

int interval_set_add(IntervalSet *set, uint64_t first, uint64_t last, uint64_t *ret_new)
{
        uint64_t n_new = last - first + 1 - interval_set_count(set, first, last);
        /* a range that ends just before first is melted with as well */
        size_t i = find(set, first > 0 ? first - 1 : 0), end = i;
        int r;

        while (end < set->n_items && (last == UINT64_MAX || set->items[end].first <= last + 1))
                end++;
        if (i == end) {
                r = insert_at(set, i, (Interval){first, last});
                if (r < 0)
                        return r;
        } else {
                set->items[i].first = MIN(set->items[i].first, first);
                set->items[i].last = MAX(set->items[end - 1].last, last);
                memmove(set->items + i + 1, set->items + end, (set->n_items - end) * sizeof(*set->items));
                set->n_items -= end - i - 1;
        }
        *ret_new = n_new;
        return 0;
}

void interval_set_done(IntervalSet *set)
{
        free(set->items);
        *set = (IntervalSet){};
}
