/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Tail lookout - when a growing file is looked at, on a worker's thread
 *
 * When it was written to (sensor/file-watch.h), at a steady pace at most; and now and then without that. Once bytes
 * were found nobody looks until they are used up. A file that is away is missed only after a while, for so long it may
 * be between two names; one that was never there, at once. A thread that does not come back keeps the file: it is
 * opened anew where it was.
 *
 * Owns:   the file, its watch, and the job.
 */

#include "base/worker.h"
#include "sensor/file-watch.h"
#include "sensor/tail-file.h"

typedef struct TailLookout TailLookout;

typedef struct TailLookoutPort {
        /* There was a look: result is one of TAIL_*, but not TAIL_FAILED. */
        void (*looked)(void *userdata, const TailLook *look, int result);
        /* It cannot be read. */
        void (*missed)(void *userdata, const char *error);
        /* What was not used up is to be forgotten: it is read again. */
        void (*reopened)(void *userdata);
        void *userdata;
} TailLookoutPort;

/* The path lives longer than this. */
int tail_lookout_new(TailLookout **ret, const char *path, bool from_end, FileWatches *watches, Worker *worker,
                     const Clock *clock, const TailLookoutPort *port);
TailLookout *tail_lookout_free(TailLookout *l);
DEFINE_CLEANUP(TailLookout *, tail_lookout_free);

/* What was found is not used up for a while: what is written meanwhile is no news. */
void tail_lookout_rest(TailLookout *l);
/* What was found is used up. */
void tail_lookout_resume(TailLookout *l);
/* What was found cannot be kept: the file is opened anew, after a while. */
void tail_lookout_give_up(TailLookout *l);
/* Not before so long. */
void tail_lookout_wait(TailLookout *l, usec_t until);

usec_t tail_lookout_deadline(const TailLookout *l);
/* at: where the file is gone on if it is to be opened; serial 0: it was never read. */
void tail_lookout_tick(TailLookout *l, usec_t now, const SourcePosition *at);
