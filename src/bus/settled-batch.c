/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/settled-batch.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static bool same_fate(const SettledRange *a, const SettledRange *b)
{
        return a->outcome == b->outcome && a->epoch == b->epoch && strcmp(a->stream, b->stream) == 0;
}

static bool neighbours(const SettledRange *a, const SettledRange *b)
{
        return a->last + 1 == b->first || b->last + 1 == a->first;
}

void settled_batch_add(SettledBatch *b, const Settled *settled)
{
        SettledRange x = {.epoch = settled->epoch,
                          .first = settled->first,
                          .last = settled->last,
                          .outcome = settled->outcome};

        assert(!settled_batch_is_full(b));
        (void)snprintf(x.stream, sizeof(x.stream), "%s", settled->stream);

        /* From the newest back: confirmations mostly come in order. One that closes a gap joins both sides.
         */
        for (size_t i = b->n_ranges; i-- > 0;) {
                SettledRange *r = &b->ranges[i];

                if (!same_fate(r, &x) || !neighbours(r, &x))
                        continue;
                x.first = MIN(x.first, r->first);
                x.last = MAX(x.last, r->last);
                memmove(r, r + 1, (--b->n_ranges - i) * sizeof(*r));
        }
        b->ranges[b->n_ranges++] = x;
}

usec_t settled_batch_deadline(const SettledBatch *b)
{
        if (b->n_ranges == 0)
                return USEC_INFINITY;
        return b->told_usec == 0 ? 0 : usec_add(b->told_usec, SETTLED_BATCH_INTERVAL);
}

void settled_batch_told(SettledBatch *b, usec_t now)
{
        b->n_ranges = 0;
        b->told_usec = now;
}
