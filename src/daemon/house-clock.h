/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * House clock - the kernel's clocks, and whether the settings vouch for them
 *
 * Whether the wall clock is believed without NTP may change with a reload, while the parts keep the clock that
 * they were given at birth.
 */

#include "base/clock.h"

typedef struct HouseClock {
        Clock clock;
        bool trust; /* clock.trust */
} HouseClock;

void house_clock_init(HouseClock *house);
