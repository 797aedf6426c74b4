/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Sandbox - what the service's unit keeps from it, and the command that opens it
 *
 * With PrivateDevices= there is no node of a device, with PrivateUsers= there are no other users, with ProtectHome= and
 * PrivateTmp= what lies in some folders is not seen. The error that one gets says nothing of that; but /sys still shows
 * the device, and /proc which users there are and what is mounted in whose place.
 */

#include <stdbool.h>

/* The NAME of `hublinkctl setup --enable NAME` that may help when opening this path gave that errno; NULL: none. sysfs:
 * NULL is /sys. */
const char *sandbox_remedy(const char *sysfs, const char *path, int error);
/* The unit's setting that keeps from us what others have at this path ("ProtectHome", "PrivateTmp"); NULL: none.
 * mounts: as /proc/self/mountinfo; NULL is that file. */
const char *sandbox_hides_path(const char *mounts, const char *path);
/* map: as /proc/self/uid_map; NULL is that file. */
bool sandbox_hides_users(const char *map);
