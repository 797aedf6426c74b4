/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Mount - the file system that a path lies on, and how it is mounted there
 *
 * Two sets of options: the mount's own, which each copy of it has for itself (a service's, or a container's), and those
 * of the file system beneath, which all share. It can be written to where neither says "ro".
 */

#include <limits.h>
#include <stdio.h>

#include "base/macro.h"

typedef struct MountPoint {
        char own[256], super[256]; /* ",rw,noatime,": each between commas */
        char kind[64], source[256];
} MountPoint;

/* The nearest folder that is there: what is not yet will lie on its file system. False, with errno: none can be
 * seen. */
bool mount_nearest(const char *path, char ret[static PATH_MAX]);
/* Of a path that is there. */
bool mount_find(const char *path, MountPoint *ret);
/* The same of a path without links, by the lines of mountinfo (proc_pid_mountinfo(5)). */
bool mount_find_in(FILE *mountinfo, const char *path, MountPoint *ret);

/* The file system is not read-only, but this process's own mount of it is: so does the unit of a service with what it
 * does not open (ReadWritePaths=), or a container. Of a path that need not be there yet. */
bool mount_is_walled(const char *path);

bool mount_has(const MountPoint *m, const char *option); /* in either set */
