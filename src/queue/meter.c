/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/meter.h"

#include <string.h>

int meter_write(MeterUse *use, Disk *disk, int fd, struct iovec *iov, int n_iov, uint64_t offset)
{
        for (int i = 0; i < n_iov; i++)
                use->bytes += iov[i].iov_len;
        return disk_write(disk, fd, iov, n_iov, offset);
}

/* A flush that fails has cost what any other does. */
int meter_sync(MeterUse *use, Disk *disk, int fd)
{
        use->flushes++;
        return disk_sync(disk, fd);
}

int meter_sync_metadata(MeterUse *use, Disk *disk, int fd)
{
        use->flushes++;
        return disk_sync_metadata(disk, fd);
}

void meter_add(Meter *m, MeterUse *use)
{
        m->counts.bytes_written += use->bytes;
        m->counts.flushes += use->flushes;
        *use = (MeterUse){};
}

void meter_commit(Meter *m, usec_t latency_usec, bool alone)
{
        m->counts.commits++;
        m->counts.checkpoints_alone += alone;
        m->latency[m->n_latencies++ % METER_LATENCIES] = latency_usec;
        m->latency_max = MAX(m->latency_max, latency_usec);
}

static int ascending(const void *a, const void *b)
{
        usec_t x = *(const usec_t *)a, y = *(const usec_t *)b;

        return (x > y) - (x < y);
}

void meter_stats(const Meter *m, QueueStats *ret)
{
        usec_t sorted[METER_LATENCIES];
        size_t n = MIN(m->n_latencies, (uint64_t)METER_LATENCIES);

        *ret = m->counts;
        if (n == 0)
                return;
        memcpy(sorted, m->latency, n * sizeof(*sorted));
        qsort(sorted, n, sizeof(*sorted), ascending);
        ret->latency_usec = m->latency[(m->n_latencies - 1) % METER_LATENCIES];
        ret->latency_p50_usec = sorted[(n - 1) / 2];
        ret->latency_p99_usec = sorted[(n - 1) * 99 / 100];
        ret->latency_max_usec = m->latency_max;
}
