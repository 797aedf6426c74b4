/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * File watch - a word when the file of a name may have changed
 *
 * Written to, closed, replaced, removed, made, or one with the name of a rotated file came beside it: the same word
 * for all, and it may come for nothing. So whoever gets it looks. It may also fail to come: on network file systems,
 * where the kernel has no watch left, while the folder does not exist. So whoever waits for it also looks now and then
 * without it, and renews it.
 *
 * However often is written, there is a word at a steady pace at most: meanwhile the kernel keeps what happened, and the
 * loop sleeps.
 *
 * All share one inotify descriptor, for a user may have few of those (fs.inotify.max_user_instances), and each file or
 * folder has one watch there, however many look at it. That the kernel gives no more is logged once.
 *
 * Owns:   the descriptor and its event source.
 * Time:   boot clock.
 */

#include <systemd/sd-event.h>

#include "base/clock.h"

typedef struct FileWatches FileWatches;
typedef struct FileWatch FileWatch;

/* Makes nothing before the first watch; -ENOMEM. */
int file_watches_new(FileWatches **ret, sd_event *event, const Clock *clock);
FileWatches *file_watches_free(FileWatches *all); /* after the last watch */

usec_t file_watches_deadline(const FileWatches *all);
void file_watches_tick(FileWatches *all, usec_t now);

/* Always there, even if nothing can be watched; -ENOMEM. From changed() none may be freed or made. */
int file_watch_new(FileWatch **ret, FileWatches *all, const char *path, void (*changed)(void *userdata, bool closed),
                   void *userdata);
FileWatch *file_watch_free(FileWatch *w);
DEFINE_CLEANUP(FileWatch *, file_watch_free);

/* Watches what has come into being since. */
void file_watch_renew(FileWatch *w);
/* Until then nobody wants to know what is written to the file itself: the kernel does not wake us for it. */
void file_watch_rest(FileWatch *w);

/* Would the kernel give an instance more, and a watch for that path, to who asks? Nothing is left of it. 0; -EMFILE and
 * -ENOSPC: no instance, no watch; another negative errno. */
int file_watch_try(const char *path);
