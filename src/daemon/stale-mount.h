/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Stale mount - read-only for us alone, and for good
 *
 * The mounts of a service are copies (ProtectSystem= and its like), made when it is started. Where the disk is mounted
 * read-only then, so is the copy; and when somebody makes the disk writable afterwards, the copy stays what it was. It
 * is not ours to change: only a service that is started anew gets a new one.
 *
 * A mount that was read-only above a writable disk from the first look on is somebody's wish, and stays.
 *
 * Pure. Time: boot clock.
 */

#include "base/clock.h"

typedef enum MountState {
        MOUNT_UNKNOWN,
        MOUNT_WRITABLE,
        MOUNT_OF_DISK, /* read-only as the disk is, whatever the mount says */
        MOUNT_ALONE,   /* the mount is, the disk is not */
} MountState;

typedef struct StaleMount {
        MountState (*look)(const char *path);
        const char *path; /* borrowed */
        bool was_of_disk;
        usec_t due_usec; /* USEC_INFINITY: nothing is wrong */
} StaleMount;

void stale_mount_init(StaleMount *m, const char *path, MountState (*look)(const char *path));
/* Whether what is written there is refused because it is read-only. To be told again and again. */
void stale_mount_hear(StaleMount *m, bool read_only, usec_t now);
/* When due: true if nothing helps but to be started anew. */
bool stale_mount_check(StaleMount *m, usec_t now);

/* As the kernel has it for this process. */
MountState stale_mount_look(const char *path);
