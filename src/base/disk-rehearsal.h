/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Disk rehearsal - another disk, seen but not touched
 *
 * What only looks goes through to the disk behind it; what would change something is answered as if it was done,
 * and is not. So code that opens, mends and writes can be asked what it would make of a directory, on a read-only
 * mount, or by somebody who may only read. What is not there and would be made is empty; so is what stands again in
 * the place of something that was moved away.
 *
 * A lock is asked for in earnest, where the file is there: whoever rehearses keeps others from playing meanwhile.
 *
 * Owns:   nothing of the disk behind it, which outlives it. There are no jobs: nobody submits any here.
 */

#include "base/disk.h"

int disk_rehearsal_new(Disk **ret, Disk *behind);
/* The first path that could not be looked at for want of rights; NULL: none. What the code under rehearsal made of
 * that says nothing of what it would make of it with its own. */
const char *disk_rehearsal_denied(const Disk *disk);
