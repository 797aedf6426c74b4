/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/schedule.h"

/* Each is a whole number of the next: slow sensors fall together with quick ones. */
static usec_t grid_of(usec_t interval)
{
        static const usec_t grids[] = {250 * USEC_PER_MSEC, 50 * USEC_PER_MSEC, 10 * USEC_PER_MSEC, USEC_PER_MSEC};

        for (size_t i = 0; i < ARRAY_SIZE(grids); i++)
                if (grids[i] * 100 <= interval)
                        return grids[i];
        return 1;
}

static usec_t multiple_after(usec_t now, usec_t interval)
{
        return (now / interval + 1) * interval;
}

static usec_t turn_after(usec_t now, usec_t interval)
{
        usec_t grid = grid_of(interval);

        return (multiple_after(now, interval) + grid - 1) / grid * grid;
}

void schedule_start(Schedule *s, usec_t interval, usec_t now)
{
        *s = (Schedule){
                .interval_usec = interval,
                .due_usec = MIN(multiple_after(now, USEC_PER_SEC), turn_after(now, interval)),
        };
}

void schedule_begin(Schedule *s)
{
        s->due_usec = USEC_INFINITY;
}

void schedule_good(Schedule *s, usec_t now)
{
        s->failures = 0;
        s->due_usec = turn_after(now, s->interval_usec);
}

void schedule_failed(Schedule *s, usec_t now)
{
        usec_t wait = s->interval_usec, cap = MAX(s->interval_usec, SCHEDULE_CAP_USEC);

        for (unsigned i = 0; i < s->failures && wait < cap; i++)
                wait = MIN(wait * 2, cap);
        if (s->failures < UINT32_MAX)
                s->failures++;
        /* Still a multiple: the last step down to one keeps the sensor in step with its neighbours. */
        s->due_usec = turn_after(now + wait - s->interval_usec, s->interval_usec);
}
