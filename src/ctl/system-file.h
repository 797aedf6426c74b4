/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * System file - a file of this machine's configuration, there as a whole or not at all
 *
 * Paths are those of the machine; root is another tree, such as an image that is being made, or "": ctl/root.h. Folders
 * that are made are for all to pass.
 * What goes wrong is told on standard error, with the file's name; never with what was to be in it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Replaces what is there; folders above it are made. What is there and is the same is left as it is: *ret_changed.
 * CTL_OK or CTL_FAILED. */
int system_file_write(const char *root, const char *path, mode_t mode, const void *data, size_t size,
                      bool *ret_changed);
/* Those above a path. 0; negative errno, of which nothing is told. */
int system_file_make_folders(const char *root, const char *path);
/* That there was none is well. */
int system_file_remove(const char *root, const char *path, bool *ret_changed);
/* One that is empty, and without a word where that cannot be. */
void system_folder_remove(const char *root, const char *path);
bool system_file_exists(const char *root, const char *path);
