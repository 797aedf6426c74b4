/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Throttle - may this be said again already?
 *
 * For log lines about things that come by the thousand: the first is told at once, the next after the
 * interval, with the count of those that were kept back. Where each is worth a line, some are told in an interval.
 */

#include <stdio.h>

#include "base/clock.h"

typedef struct Throttle {
        usec_t again_usec; /* boot clock: the interval's end */
        unsigned n_said;   /* in it */
        uint64_t held_back;
} Throttle;

/* True: say it now; ret_held_back is how many were not said since the last time. */
static inline bool throttle_admits_some(Throttle *t, unsigned n_at_most, usec_t now, usec_t interval_usec,
                                        uint64_t *ret_held_back)
{
        if (now >= t->again_usec) {
                t->again_usec = usec_add(now, interval_usec);
                t->n_said = 0;
        }
        if (t->n_said >= n_at_most) {
                t->held_back++;
                return false;
        }
        t->n_said++;
        *ret_held_back = t->held_back;
        t->held_back = 0;
        return true;
}

static inline bool throttle_admits(Throttle *t, usec_t now, usec_t interval_usec, uint64_t *ret_held_back)
{
        return throttle_admits_some(t, 1, now, interval_usec, ret_held_back);
}

typedef struct ThrottleOthers {
        char text[64];
} ThrottleOthers;

/* For the line's end: " (and 3 others since the last such line)", or nothing. */
static inline const char *throttle_others(ThrottleOthers *space, uint64_t held_back)
{
        space->text[0] = 0;
        if (held_back > 0)
                (void)snprintf(space->text, sizeof(space->text), " (and %llu other%s since the last such line)",
                               (unsigned long long)held_back, held_back == 1 ? "" : "s");
        return space->text;
}
