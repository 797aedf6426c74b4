/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Allowance - so many at once, and then one each so often
 *
 * It is spent by one at a time, and grows back by one in each interval until it is full. Kept as the time at which that
 * will be. Pure.
 */

#include "base/clock.h"
#include "base/macro.h"

typedef struct Allowance {
        unsigned burst;
        usec_t interval_usec;
        usec_t full_usec; /* boot clock */
} Allowance;

/* When there is one to be had; it may be in the past. */
static inline usec_t allowance_next(const Allowance *a)
{
        return usec_sub(a->full_usec, (a->burst - 1) * a->interval_usec);
}

static inline void allowance_spend(Allowance *a, usec_t now)
{
        a->full_usec = usec_add(MAX(a->full_usec, now), a->interval_usec);
}
