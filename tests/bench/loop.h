/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Loop - the daemon's queue on an event loop, and whatever else wants to be ticked
 *
 * Turns as the daemon's loop does: what is due is ticked, then it sleeps until the least deadline or a descriptor.
 */

#include <systemd/sd-event.h>

#include "base/ticker.h"
#include "queue/queue.h"

#define LOOP_STREAM "telemetry"

typedef struct Loop {
        sd_event *event;
        Disk *disk;
        Queue *queue;
        unsigned stream; /* LOOP_STREAM */
        Ticker tickers[4];
        size_t n_tickers;
} Loop;

/* The queue is there, and ticked. segment_bytes and max_bytes are those of every contender's room. */
int loop_open(Loop *l, const char *directory, usec_t commit_interval_usec, const QueueSink *sink);
void loop_add(Loop *l, Ticker ticker);
void loop_turn(Loop *l);
void loop_close(Loop *l);
