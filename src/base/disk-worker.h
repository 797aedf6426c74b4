/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Disk worker - the thread that does a disk's jobs
 *
 * One after another, in the order of their submission. That a job has ended is told through a descriptor, and on
 * the thread of whoever dispatches.
 *
 * Owns:   the thread, which leaves last: it may hang in the kernel, in the midst of a job, long after its maker
 *         has gone.
 * Knows:  nothing of what a job does.
 */

#include "base/disk.h"

typedef struct DiskWorker DiskWorker;

/* The disk is handed to the jobs. left: the thread's last deed; nothing uses the disk any more. */
int disk_worker_new(DiskWorker **ret, Disk *disk, void (*left)(Disk *disk));
/* Waits until it has left, unless a job is under way: then it leaves when that has ended. */
void disk_worker_end(DiskWorker *worker);

/* As the functions of the disk that are named so. */
void disk_worker_submit(DiskWorker *worker, DiskJob *job);
void disk_worker_abandon(DiskWorker *worker, DiskJob *job);
bool disk_worker_wait(DiskWorker *worker, usec_t timeout_usec);
void disk_worker_dispatch(DiskWorker *worker);
usec_t disk_worker_busy_since(DiskWorker *worker, ThreadIds *ret);
int disk_worker_fd(const DiskWorker *worker);
