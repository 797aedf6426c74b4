/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Throttle - may this be said again already?
 *
 * For log lines about things that come by the thousand: the first is told at once, the next after the
 * interval, with the count of those that were kept back.
 */

#include "base/clock.h"

typedef struct Throttle {
        usec_t again_usec; /* boot clock */
        uint64_t held_back;
} Throttle;

/* True: say it now; ret_held_back is how many were not said since the last time. */
static inline bool throttle_admits(Throttle *t, usec_t now, usec_t interval_usec, uint64_t *ret_held_back)
{
        if (now < t->again_usec) {
                t->held_back++;
                return false;
        }
        *ret_held_back = t->held_back;
        *t = (Throttle){.again_usec = usec_add(now, interval_usec)};
        return true;
}
