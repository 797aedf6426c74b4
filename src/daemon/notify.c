/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/notify.h"

#include <inttypes.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "base/clock.h"

void notify_ready(void)
{
        (void)sd_notify(0, "READY=1");
}

/* The time tells the manager which of several reloads this is; it wants CLOCK_MONOTONIC. */
void notify_reloading(void)
{
        struct timespec ts;

        if (clock_gettime(CLOCK_MONOTONIC, &ts) < 0)
                return;
        (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
                         (usec_t)ts.tv_sec * USEC_PER_SEC + (usec_t)ts.tv_nsec / 1000);
}

void notify_stopping(void)
{
        (void)sd_notify(0, "STOPPING=1\nSTATUS=Stopping: what waits is being committed.");
}

void notify_status(const char *line)
{
        (void)sd_notifyf(0, "STATUS=%s", line);
}
