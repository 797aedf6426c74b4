/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Clock - what time it is, and whether to believe it
 *
 * One of the four seams: given at birth, so that tests run days of outage in milliseconds. Boot time
 * (CLOCK_BOOTTIME, counts suspend) is for waiting and for ordering; wall time is for readings and tokens.
 *
 * Time: microseconds throughout, in names that end in _usec.
 */

#include "base/macro.h"

typedef uint64_t usec_t;

#define USEC_PER_MSEC  ((usec_t)1000)
#define USEC_PER_SEC   ((usec_t)1000000)
#define USEC_PER_MIN   (60 * USEC_PER_SEC)
#define USEC_PER_HOUR  (60 * USEC_PER_MIN)
#define USEC_PER_DAY   (24 * USEC_PER_HOUR)
#define USEC_INFINITY  UINT64_MAX

typedef struct Clock Clock;
struct Clock {
        usec_t (*boot)(const Clock *clock);       /* since boot, never steps back */
        usec_t (*wall)(const Clock *clock);       /* since 1970-01-01 UTC, may be wrong */
        bool (*synchronised)(const Clock *clock); /* is the wall time to be believed? */
};

/* The kernel's clocks. The wall clock counts as synchronised when adjtimex says so, or systemd-timesyncd left its
 * mark. */
extern const Clock clock_system;
/* The same, believing the wall clock without NTP (setting clock.trust). */
extern const Clock clock_system_trusted;

static inline usec_t clock_boot(const Clock *clock)
{
        return clock->boot(clock);
}

static inline usec_t clock_wall(const Clock *clock)
{
        return clock->wall(clock);
}

static inline bool clock_synchronised(const Clock *clock)
{
        return clock->synchronised(clock);
}

/* Saturating: USEC_INFINITY stays infinite, never wraps. */
static inline usec_t usec_add(usec_t a, usec_t b)
{
        return a > USEC_INFINITY - b ? USEC_INFINITY : a + b;
}

/* Saturating at 0. */
static inline usec_t usec_sub(usec_t a, usec_t b)
{
        return a > b ? a - b : 0;
}
