/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Disk - the seam to the file system
 *
 * One of the four seams, given at birth. Work is submitted and completes later, so that the loop never waits
 * and tests decide when and how each call ends.
 *
 * (Contract for the skeleton: the queue's builder completes the operations.)
 */

#include "base/clock.h"

typedef struct Disk Disk;

/* The real one: a worker thread, which reports through a descriptor. */
int disk_new(Disk **ret);
Disk *disk_free(Disk *disk);
int disk_fd(const Disk *disk);     /* readable when completions wait */
void disk_dispatch(Disk *disk);    /* calls them, on the caller's thread */
