/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/house-clock.h"

static usec_t house_boot(const Clock *clock)
{
        return clock_boot(&clock_system);
}

static usec_t house_wall(const Clock *clock)
{
        return clock_wall(&clock_system);
}

static bool house_synchronised(const Clock *clock)
{
        return container_of(clock, HouseClock, clock)->trust || clock_synchronised(&clock_system);
}

void house_clock_init(HouseClock *house)
{
        *house = (HouseClock){.clock = {house_boot, house_wall, house_synchronised}};
}
