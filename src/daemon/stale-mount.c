/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/stale-mount.h"

#include <string.h>

#include "base/mount.h"

#define LOOK_USEC (5 * USEC_PER_SEC)

void stale_mount_init(StaleMount *m, const char *path, MountState (*look)(const char *path))
{
        *m = (StaleMount){.look = look, .path = path, .due_usec = USEC_INFINITY};
}

void stale_mount_hear(StaleMount *m, bool read_only, usec_t now)
{
        if (!read_only) {
                m->due_usec = USEC_INFINITY;
                m->was_of_disk = false;
        } else if (m->due_usec == USEC_INFINITY)
                m->due_usec = now;
}

bool stale_mount_check(StaleMount *m, usec_t now)
{
        MountState state = m->look(m->path);

        m->due_usec = usec_add(now, LOOK_USEC);
        m->was_of_disk = m->was_of_disk || state == MOUNT_OF_DISK;
        return m->was_of_disk && state == MOUNT_ALONE;
}

MountState stale_mount_look(const char *path)
{
        char folder[PATH_MAX];
        MountPoint m;

        if (!mount_nearest(path, folder) || !mount_find(folder, &m))
                return MOUNT_UNKNOWN;
        if (strstr(m.super, ",ro,"))
                return MOUNT_OF_DISK;
        return strstr(m.own, ",ro,") ? MOUNT_ALONE : MOUNT_WRITABLE;
}
