/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * System lock - one at a time changes the configuration of a machine
 *
 * Paths and root as in ctl/system-file.h. It is a file for root alone, which is there while somebody has the lock; of
 * one who is killed it stays, and nothing hangs on it. Programs that are started meanwhile do not have it.
 *
 * Owns:   the file and its descriptor.
 */

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

typedef struct SystemLock {
        int fd; /* -1: nobody is kept out */
        const char *root;
        char path[PATH_MAX];
        bool made_folder;
} SystemLock;
#define SYSTEM_LOCK_NULL {.fd = -1}

/* 0; -EBUSY: another has it, *ret_holder is his process, 0 where that is not to be known; another negative errno. Where
 * nothing can be written nobody is kept out: nor can he change anything. root lives as long. */
int system_lock_take(SystemLock *l, const char *root, const char *path, pid_t *ret_holder);
void system_lock_done(SystemLock *l);
