/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the daemon knows, as metrics: all parts are asked when somebody wants to know, and never else.
 */

#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "daemon/daemon-core.h"

static usec_t processor_time(void)
{
        struct timespec t;

        if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) < 0)
                return 0;
        return (usec_t)t.tv_sec * USEC_PER_SEC + (usec_t)t.tv_nsec / 1000;
}

static uint64_t resident_bytes(void)
{
        _cleanup_close_ int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
        unsigned long long total, resident;
        long page = sysconf(_SC_PAGESIZE);
        char text[128];
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

        if (n <= 0 || page <= 0)
                return 0;
        text[n] = 0;
        if (sscanf(text, "%llu %llu", &total, &resident) != 2)
                return 0;
        return (uint64_t)resident * (uint64_t)page;
}

static void write_metrics(void *userdata, MetricsForm form, Buffer *b)
{
        Daemon *d = userdata;
        HubStatus link;
        MetricsFacts facts = {
                .status = daemon_status(d),
                .queue = d->queue,
                .link = &link,
                .traffic = uplink_traffic(d->uplink),
                .calls = audit_calls(d->audit),
                .wakeups = pulse_wakeups(d->pulse),
                .cpu_usec = processor_time(),
                .resident_bytes = resident_bytes(),
        };

        hub_status(d->hub, &link);
        metrics_write(&facts, form, b);
}

static void tell_problem(void *userdata, const char *problem)
{
        Daemon *d = userdata;

        monitor_tell_metrics(d->monitor, problem);
        daemon_status_changed(d);
}

int daemon_build_metrics(Daemon *d)
{
        const MetricsSource source = {write_metrics, tell_problem, d};
        int r = metrics_new(&d->metrics, d->event, &d->house.clock, &source);

        return r < 0 ? r : metrics_configure(d->metrics, &d->settings->metrics);
}
