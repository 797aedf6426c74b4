/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Schedule - when one sensor is read next
 *
 * Due times are whole multiples of the interval on the boot clock. So there is no drift, whatever a read or a
 * wake-up costs; sensors of equal intervals fall on the same instant and cost one wake-up; and after a stall or
 * a suspend the times that passed are skipped, not made up for.
 *
 * Odd intervals are many instants. So a due time goes up to the next one of a grid that all intervals of about its
 * length share: later by at most a hundredth of the interval, and a quarter of a second. Whole seconds are on every
 * grid, and stay where they are.
 *
 * Only the first read does not wait for its multiple, since an operator wants to see something: it is due at
 * the next full second (or multiple of the interval, if that comes sooner), still together with its
 * neighbours.
 *
 * A sensor that fails is given its next turn as usual, since most failures are one glitch; if that fails too, it
 * is read after 2, 4, 8 ... intervals, up to a cap. The first good read brings it back.
 *
 * Pure.
 */

#include "base/clock.h"

/* The longest that a failing sensor waits, if its interval is not longer. This is also how long an operator who
 * plugged it in again has to wait at most. */
#define SCHEDULE_CAP_USEC (10 * USEC_PER_MIN)

typedef struct Schedule {
        usec_t interval_usec;
        usec_t due_usec;   /* USEC_INFINITY: a read is under way */
        unsigned failures; /* in a row */
} Schedule;

void schedule_start(Schedule *s, usec_t interval, usec_t now);
static inline bool schedule_is_due(const Schedule *s, usec_t now)
{
        return s->due_usec <= now;
}
void schedule_begin(Schedule *s); /* a read begins; it ends with one of these two: */
void schedule_good(Schedule *s, usec_t now);
void schedule_failed(Schedule *s, usec_t now);
