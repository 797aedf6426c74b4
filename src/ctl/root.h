/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Root - the files of a machine: of this one, or of one whose tree lies below a folder
 *
 * Links of that tree, whole paths as well as "..", lead to where they lead once the tree is the machine's: never out of
 * it. In the place of it "" is this machine itself.
 */

#include <limits.h>
#include <sys/types.h>

/* Where a path of that machine really lies here. 0; negative errno: it is not there, and ret is where it would be. */
int root_find(const char *root, const char *path, char ret[static PATH_MAX]);
/* As openat(2) and O_CLOEXEC. The descriptor; negative errno. */
int root_open(const char *root, const char *path, int flags, mode_t mode);
