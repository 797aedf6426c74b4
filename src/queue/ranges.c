/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/ranges.h"

#include <errno.h>
#include <string.h>

void ranges_done(Ranges *r)
{
        free(r->items);
        *r = RANGES_NULL;
}

int ranges_reserve(Ranges *r, size_t more)
{
        size_t room;
        Range *items;

        if (r->n + more <= r->allocated)
                return 0;
        room = MAX(r->allocated * 2, MAX(r->n + more, (size_t)8));
        items = realloc(r->items, room * sizeof(*items));
        if (!items)
                return -ENOMEM;
        r->items = items;
        r->allocated = room;
        return 0;
}

/* The first range that ends at n or above. Nearly always n is beyond all of them, or in the last. */
static size_t find(const Ranges *r, uint64_t n)
{
        size_t low = 0, high = r->n;

        if (high == 0 || r->items[high - 1].last < n)
                return high;
        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (r->items[middle].last < n)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

bool ranges_contains(const Ranges *r, uint64_t n)
{
        size_t i = find(r, n);

        return i < r->n && r->items[i].first <= n;
}

bool ranges_gap(const Ranges *r, uint64_t first, uint64_t last, uint64_t *ret_first, uint64_t *ret_last)
{
        size_t i = find(r, first);

        if (first > last)
                return false;
        for (; i < r->n && r->items[i].first <= first; i++) {
                if (r->items[i].last >= last)
                        return false;
                first = r->items[i].last + 1;
        }
        *ret_first = first;
        *ret_last = i < r->n ? MIN(last, r->items[i].first - 1) : last;
        return true;
}

bool ranges_overlap(const Ranges *r, uint64_t first, uint64_t last, uint64_t *ret_first, uint64_t *ret_last)
{
        size_t i = find(r, first);

        if (first > last || i == r->n || r->items[i].first > last)
                return false;
        *ret_first = MAX(first, r->items[i].first);
        *ret_last = MIN(last, r->items[i].last);
        return true;
}

static void remove_at(Ranges *r, size_t i, size_t n)
{
        memmove(r->items + i, r->items + i + n, (r->n - i - n) * sizeof(*r->items));
        r->n -= n;
}

void ranges_put(Ranges *r, uint64_t first, uint64_t last, uint8_t tag)
{
        size_t i = find(r, first);
        bool joins_left = i > 0 && r->items[i - 1].last + 1 == first && r->items[i - 1].tag == tag;
        bool joins_right = i < r->n && last + 1 == r->items[i].first && r->items[i].tag == tag;

        if (joins_left && joins_right) {
                r->items[i - 1].last = r->items[i].last;
                remove_at(r, i, 1);
        } else if (joins_left) {
                r->items[i - 1].last = last;
        } else if (joins_right) {
                r->items[i].first = first;
        } else {
                memmove(r->items + i + 1, r->items + i, (r->n - i) * sizeof(*r->items));
                r->items[i] = (Range){first, last, tag};
                r->n++;
        }
}

void ranges_cut(Ranges *r, uint64_t below)
{
        size_t i = find(r, below);

        if (i > 0)
                remove_at(r, 0, i);
        if (r->n > 0 && r->items[0].first < below)
                r->items[0].first = below;
}
