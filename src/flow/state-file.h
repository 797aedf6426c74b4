/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * State file - a small text on the disk that is always whole
 *
 * Written anew beside the old one, flushed, and put in its place: whatever happens, one of the two is there. The loop
 * does not wait for it; what comes while the disk is at work takes the place of what waited before.
 *
 * Owns:   the text on its way.
 * Knows:  nothing of what it says.
 */

#include "base/buffer.h"
#include "base/disk.h"

typedef struct StateFile StateFile;

/* stored: told once for each state_file_store() whose text, or a later one, is in place; 0 or a negative errno. May be
 * NULL. */
int state_file_new(StateFile **ret, const char *path, Disk *disk, void (*stored)(void *userdata, int error),
                   void *userdata);
/* What is on its way may arrive yet; nothing is told any more. */
StateFile *state_file_free(StateFile *f);
DEFINE_CLEANUP(StateFile *, state_file_free);

/* What is there could not be read, and is not to be written over: each store is refused with this error. */
void state_file_withhold(StateFile *f, int error);
/* Copied. -ENOMEM, or as withheld, and nothing is told of it. */
int state_file_store(StateFile *f, const char *text, size_t size);
/* Something is on its way. */
bool state_file_is_busy(const StateFile *f);

/* Waits so long for what is on its way; for the end of the day. */
void state_file_finish(StateFile *f, usec_t timeout_usec);

/* Appends what is there, at most so many bytes; for the start alone: it waits for the disk. 0 with nothing appended:
 * there is no such file. -ELOOP, -EISDIR, -ENXIO: it is a link, a folder, or what hangs or never ends, and none of
 * ours. */
int state_file_load(const char *path, size_t most, Buffer *b);
/* Such an error, or another, in words. */
const char *state_file_why(int error);
