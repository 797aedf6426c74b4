/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/hub-clock.h"

static usec_t boot(const Clock *clock)
{
        return clock_boot(&clock_system);
}

static usec_t wall(const Clock *clock)
{
        const HubClock *c = (const HubClock *)clock;
        int64_t offset = c->moved_usec + c->wrong_usec;
        usec_t now = clock_wall(&clock_system);

        return offset < 0 ? usec_sub(now, (usec_t)-offset) : usec_add(now, (usec_t)offset);
}

static bool synchronised(const Clock *clock)
{
        return clock_synchronised(&clock_system);
}

void hub_clock_init(HubClock *c)
{
        *c = (HubClock){.clock = {boot, wall, synchronised}};
}
