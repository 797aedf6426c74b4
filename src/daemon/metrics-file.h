/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Metrics file - the last text, whole, for everybody to read
 *
 * Written beside and put in place, so that nobody reads half of it; not flushed, for it is worth nothing after a crash.
 * A thread of its own does it: a folder that hangs keeps nobody waiting, the queue least of all. At the end it is taken
 * away, so that nobody goes on telling numbers that are none any more; after a crash it stays until the next start.
 *
 * Owns:   the thread, and the text on its way.
 * Time:   boot clock.
 */

#include "base/buffer.h"
#include "base/worker.h"

typedef struct MetricsFile MetricsFile;

/* changed: it can be written again, or cannot, or for another reason. */
int metrics_file_new(MetricsFile **ret, sd_event *event, const Clock *clock, const char *path,
                     void (*changed)(void *userdata), void *userdata);
MetricsFile *metrics_file_free(MetricsFile *f); /* waits a moment for the file to go */

/* Takes the text. While another is on its way nothing is done. One that says what is there already is written all the
 * same: by the file's age readers know whether we live. */
void metrics_file_store(MetricsFile *f, Buffer *text);
const char *metrics_file_path(const MetricsFile *f);
const char *metrics_file_error(const MetricsFile *f); /* of the last try, in words; NULL: none */

usec_t metrics_file_deadline(const MetricsFile *f);
void metrics_file_tick(MetricsFile *f, usec_t now);
