/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * State directory - where a devhub lives
 *
 *   devhub.db         all that the hub remembers (store)
 *   ca.pem ...        certificates (base/tls-authority)
 *   endpoints.json    where it listens; there only while it serves
 *   control           socket to the running server
 *   lock              held by the one server; the file's text is its process id
 *
 * Owns:   the directory's descriptor, and the lock when it has it.
 */

#include "base/macro.h"

typedef struct StateDir {
        char *path; /* absolute */
        int fd;
        int lock_fd;
        unsigned n_made; /* folders at the end of the path that were not there before: no hub has begun in it yet */
} StateDir;

#define STATE_DIR_NULL ((StateDir){.fd = -1, .lock_fd = -1})

/* create: makes it with mode 0700, parents as well; else -ENOENT. */
int state_dir_open(StateDir *dir, const char *path, bool create);
void state_dir_done(StateDir *dir);
/* Without what the hub put there: the folders that were made are gone, as far as they are empty. */
void state_dir_unmake(StateDir *dir);
bool state_dir_has_hub(const StateDir *dir); /* one has been served in it */

enum {
        _STATE_DIR_E_SUCCESS,
        STATE_DIR_E_LOCKED, /* another server has it; its process id is in *ret_pid, 0 if unknown */
};
int state_dir_lock(StateDir *dir, int *ret_pid);

/* A file that was made in the directory is its owner's: what root makes in that of a service the service can open.
 * Nothing for one whose own it is. */
int state_dir_give(int dir_fd, int fd);

/* Writes beside and renames. */
int state_dir_write(StateDir *dir, const char *name, const char *text, size_t size);
