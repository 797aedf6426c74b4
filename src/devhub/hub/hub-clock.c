/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/hub-clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

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

int hub_clock_load(HubClock *c, Store *store)
{
        _cleanup_free_ char *text = NULL;
        int r = store_get(store, HUB_CLOCK_FACT, &text);
        char *end;

        if (r <= 0)
                return r;
        errno = 0;
        c->moved_usec = strtoll(text, &end, 10);
        if (errno == 0 && end != text && *end == 0)
                return 0;
        c->moved_usec = 0;
        return -EBADMSG;
}

int hub_clock_move(HubClock *c, Store *store, int64_t by_usec)
{
        char text[32];
        int64_t moved;
        int r;

        if (__builtin_add_overflow(c->moved_usec, by_usec, &moved))
                return -ERANGE;
        (void)snprintf(text, sizeof(text), "%" PRId64, moved);
        r = store_begin(store);
        if (r >= 0)
                r = store_set(store, HUB_CLOCK_FACT, text);
        if (r >= 0)
                c->moved_usec = moved;
        return r;
}

usec_t hub_clock_wall(Store *store)
{
        HubClock c;

        hub_clock_init(&c);
        (void)hub_clock_load(&c, store);
        return clock_wall(&c.clock);
}
