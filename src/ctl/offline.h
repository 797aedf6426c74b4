/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Offline - a queue's directory in the operator's hand, while the daemon is stopped
 *
 * Read only, by way of queue/archive.h: the daemon's own code tells what is there, so that there is one opinion only.
 */

#include <limits.h>

#include "base/disk.h"
#include "ctl/ctl.h"
#include "queue/archive.h"

int queue_inspect(const Options *options, int argc, char **argv);
int queue_verify(const Options *options, int argc, char **argv);
int queue_export(const Options *options, int argc, char **argv);

/* Beside us, as check looks for it. */
bool find_daemon(char path[static PATH_MAX]);

/* The one of the settings, when none is given. CTL_OK, or CTL_FAILED and it is said why. */
int offline_directory(const Options *options, const char *given, char **ret);
/* CTL_OK, or CTL_FAILED and it is said why. */
int offline_open(Disk *disk, const char *directory, Archive **ret);
/* A store in a queue's directory; NULL when there is none. The caller's to free. */
char *offline_store(const char *directory, const char *name);
#define STORE_DEAD_LETTERS "dead-letters"
#define STORE_INBOX        "inbox"

/* A percentage on standard error, for a person who waits; nobody else is bothered. */
typedef struct Progress {
        bool wanted, shown;
        usec_t next_usec;
        unsigned percent;
} Progress;

Progress progress_begin(bool quiet);
void progress_tell(Progress *p, uint64_t done, uint64_t of);
void progress_end(Progress *p); /* away with it, before anything else is printed too */
