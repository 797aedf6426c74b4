/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/daemon-core.h"

/* How many times the watchdog is fed before a part that is stuck counts. With WatchdogSec=30s, which is fed each 15 s:
 * five minutes for a flush or a device; for a lookup after its try was given up, more than a resolver takes that asks
 * each of its servers for each of its domains. */
#define LOOKS 20

static usec_t disk_stuck(void *userdata, const char **ret_what, ThreadIds *ret_threads)
{
        const Daemon *d = userdata;

        *ret_what = d->queue_directory;
        return disk_busy_since(d->disk, ret_threads);
}

static usec_t sensors_stuck(void *userdata, const char **ret_what, ThreadIds *ret_threads)
{
        return sensors_stuck_since(((Daemon *)userdata)->sensors, ret_what, ret_threads);
}

static usec_t link_stuck(void *userdata, const char **ret_what, ThreadIds *ret_threads)
{
        *ret_what = "(the lookup of the hub's name)";
        return hub_hindered_since(((Daemon *)userdata)->hub, ret_threads);
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
