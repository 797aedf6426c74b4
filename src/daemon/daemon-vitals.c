/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/daemon-core.h"

/* How many times the watchdog is fed before a part that is stuck counts. With WatchdogSec=30s, which is fed each 15 s:
 * five minutes for a flush or a device; for a lookup after its try was given up, more than a resolver takes that asks
 * each of its servers for each of its domains. */
#define LOOKS 20

_Static_assert(SENSORS_MAX + 2 <= VITALS_CASES_MAX, "each device, disk and link can be watched");

/* Of what is one thing at most. */
static bool is_stuck(size_t *at, const Stuck *stuck)
{
        return (*at)++ == 0 && stuck->since != USEC_INFINITY;
}

static bool disk_stuck(void *userdata, size_t *at, Stuck *ret)
{
        const Daemon *d = userdata;

        ret->what = d->queue_directory;
        ret->since = disk_busy_since(d->disk, &ret->threads);
        return is_stuck(at, ret);
}

static bool sensors_stuck(void *userdata, size_t *at, Stuck *ret)
{
        return sensors_next_stuck(((Daemon *)userdata)->sensors, at, ret);
}

static bool link_stuck(void *userdata, size_t *at, Stuck *ret)
{
        ret->what = "(the lookup of the hub's name)";
        ret->since = hub_hindered_since(((Daemon *)userdata)->hub, &ret->threads);
        return is_stuck(at, ret);
}

void daemon_build_vitals(Daemon *d, usec_t look_usec)
{
        vitals_init(&d->vitals, look_usec, vitals_waits_in_kernel);
        vitals_add(&d->vitals, (Vital){"disk", disk_stuck, d, LOOKS * look_usec});
        vitals_add(&d->vitals, (Vital){"sensors on", sensors_stuck, d, LOOKS * look_usec});
        vitals_add(&d->vitals, (Vital){"link", link_stuck, d, LOOKS * look_usec});
}

bool daemon_is_well(Daemon *d, usec_t now)
{
        return vitals_are_good(&d->vitals, now);
}
