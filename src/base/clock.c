/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <sys/timex.h>
#include <time.h>

static usec_t now_of(clockid_t id)
{
        struct timespec ts;

        if (clock_gettime(id, &ts) < 0)
                return 0;
        return (usec_t)ts.tv_sec * USEC_PER_SEC + (usec_t)ts.tv_nsec / 1000;
}

static usec_t system_boot(const Clock *clock)
{
        return now_of(CLOCK_BOOTTIME);
}

static usec_t system_wall(const Clock *clock)
{
        return now_of(CLOCK_REALTIME);
}

static bool system_synchronised(const Clock *clock)
{
        struct timex tx = {};

        /* adjtimex() is the kernel's own word; timesyncd's file covers the minutes in which the kernel still
         * reports STA_UNSYNC although the clock was already stepped. */
        if (adjtimex(&tx) >= 0 && !(tx.status & STA_UNSYNC))
                return true;
        return access("/run/systemd/timesync/synchronized", F_OK) == 0;
}

static bool trusted_synchronised(const Clock *clock)
{
        return true;
}

const Clock clock_system = {system_boot, system_wall, system_synchronised};
const Clock clock_system_trusted = {system_boot, system_wall, trusted_synchronised};
