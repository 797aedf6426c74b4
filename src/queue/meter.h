/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Meter - what the queue costs the disk
 *
 * A job counts what it writes and flushes in a MeterUse of its own, which is added up on the loop when the job has
 * ended: so nothing is counted on two threads. Every byte and every flush of the queue goes through the two calls
 * below. Of the latencies the last ones are kept, enough to tell the median and the worst of a hundred.
 *
 * Pure, save for the two calls that it passes on.
 */

#include "queue/queue.h"

#define METER_LATENCIES 128

typedef struct MeterUse {
        uint64_t bytes, flushes;
} MeterUse;

typedef struct Meter {
        QueueStats counts; /* latencies left out */
        usec_t latency[METER_LATENCIES];
        uint64_t n_latencies; /* ever */
        usec_t latency_max;
} Meter;

int meter_write(MeterUse *use, Disk *disk, int fd, struct iovec *iov, int n_iov, uint64_t offset);
int meter_sync(MeterUse *use, Disk *disk, int fd);
int meter_sync_metadata(MeterUse *use, Disk *disk, int fd);

void meter_add(Meter *m, MeterUse *use); /* use begins anew */
void meter_commit(Meter *m, usec_t latency_usec, bool alone);
void meter_stats(const Meter *m, QueueStats *ret);
