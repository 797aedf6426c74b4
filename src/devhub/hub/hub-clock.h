/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Hub clock - the hub's own opinion of the time
 *
 * The wall clock of the machine, moved: for good by an operator of a hub with a virtual clock, so that tokens, locks,
 * messages and quotas end within a test; for a while by a fault, so that the hub's clock is wrong. Waiting and
 * ordering (boot time) go on as they are.
 */

#include "base/clock.h"

typedef struct HubClock {
        Clock clock; /* first: what the hub's nouns are given */
        int64_t moved_usec, wrong_usec;
} HubClock;

void hub_clock_init(HubClock *clock);
