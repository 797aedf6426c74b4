/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Rate - so many a second, and as many at once after a second of rest
 *
 * Pure.
 */

#include "base/clock.h"

typedef struct Rate {
        unsigned per_second; /* 0: no limit */
        uint64_t credit;     /* in millionths */
        usec_t last;
} Rate;

static inline bool rate_take(Rate *r, usec_t now)
{
        uint64_t full = (uint64_t)r->per_second * USEC_PER_SEC;

        if (r->per_second == 0)
                return true;
        if (r->last == 0)
                r->credit = full;
        else
                r->credit = MIN(full, r->credit + MIN(usec_sub(now, r->last), USEC_PER_SEC) * r->per_second);
        r->last = MAX(now, (usec_t)1);
        if (r->credit < USEC_PER_SEC)
                return false;
        r->credit -= USEC_PER_SEC;
        return true;
}
