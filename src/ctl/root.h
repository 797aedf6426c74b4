/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Root - the files of a machine: of this one, or of one whose tree lies below a folder
 *
 * Links of that tree, whole paths as well as "..", lead to where they lead once the tree is the machine's: never out of
 * it. In the place of it "" is this machine itself.
 */

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

/* Is that word of a command line the tree of a machine? "" is not: what came out empty in a script is never to mean
 * this machine. */
bool root_is_tree(const char *word);
/* ... and that of this machine, by whatever name? What came out empty before a slash is not to mean it either. */
bool root_is_ours(const char *word);
/* Where a path of that machine really lies here. 0; negative errno: it is not there, and ret is where it would be. */
int root_find(const char *root, const char *path, char ret[static PATH_MAX]);
/* As openat(2) and O_CLOEXEC. The descriptor; negative errno. */
int root_open(const char *root, const char *path, int flags, mode_t mode);
