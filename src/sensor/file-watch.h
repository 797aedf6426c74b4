/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * File watch - a word when the file of a name may have changed
 *
 * Written to, closed, replaced, removed, made, or one with the name of a rotated file came beside it: the same word for
 * all, and it may come for nothing. So whoever gets it looks. It may also fail to come: on network file systems, where
 * the kernel has no watch left, while the folder does not exist. So whoever waits for it also looks now and then without
 * it, and renews it.
 *
 * Owns:   an inotify descriptor and its event source.
 */

#include <systemd/sd-event.h>

#include "base/macro.h"

typedef struct FileWatch FileWatch;

/* Always there, even if nothing can be watched; -ENOMEM. */
int file_watch_new(FileWatch **ret, sd_event *event, const char *path, void (*changed)(void *userdata, bool closed),
                   void *userdata);
FileWatch *file_watch_free(FileWatch *w);
DEFINE_CLEANUP(FileWatch *, file_watch_free);

/* Watches what has come into being since. */
void file_watch_renew(FileWatch *w);
