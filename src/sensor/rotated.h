/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Rotated - the files that a growing file became, beside it
 *
 * "x.log" becomes "x.log.1", "x.log-20261121" or "x-20261121.log", by a new name or by a copy. What was packed
 * (x.log.2.gz) does not count, nor do neighbours that are only numbered alike (x-2.log): a short number counts in one
 * place, behind the whole name and a dot. Their order is that of their times; where those are the same, which happens
 * within one step of the kernel's clock, the greater number is the older file, and the earlier date.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/macro.h"

typedef struct Rotated {
        char *path;
        uint64_t inode, size, mtime;
        uint64_t birth; /* 0: the file system does not tell */
} Rotated;

/* Is this the name of a rotated file of that name? Both without their folder. */
bool rotated_is_name(const char *name, const char *of);

/* One file; ret borrows its path. 0 or a negative errno, -ESPIPE: it is no file of bytes. */
int rotated_look(char *path, Rotated *ret);
/* Those beside path, the oldest first. 0 or a negative errno. */
int rotated_list(const char *path, Rotated **ret, size_t *ret_n);
void rotated_free(Rotated *rotated, size_t n);

/* The place of the first one that came after this file; where that is not among them any more, its time must do. n:
 * there is none. */
size_t rotated_after(const Rotated *rotated, size_t n, uint64_t file, uint64_t mtime);

/* In nanoseconds. */
uint64_t rotated_mtime(const struct stat *st);
