/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Tail channels - the channels of a growing file's lines
 *
 * Where a channel has a `pattern`, lines are looked through on the worker's thread before they are given out: an
 * expression takes ever longer over a longer line. What one look through has is bounded, in one line or in many. A
 * line that it does not come back from, twice, is refused.
 *
 * Owns:   the channels, the job, and what it found.
 */

#include "base/worker.h"
#include "sensor/line-window.h"
#include "sensor/text-channels.h"

typedef struct TailChannels TailChannels;

typedef struct TailChannelsPort {
        /* The next lines were looked through. */
        void (*ready)(void *userdata);
        /* They were not: it is to be tried again, after a while. */
        void (*failed)(void *userdata, const char *error);
        void *userdata;
} TailChannelsPort;

enum {
        TAIL_CHANNELS_READY,
        TAIL_CHANNELS_BUSY, /* the port will tell */
};

/* The settings live longer than this. */
int tail_channels_new(TailChannels **ret, const SensorSettings *settings, Worker *worker,
                      const TailChannelsPort *port);
TailChannels *tail_channels_free(TailChannels *c);
DEFINE_CLEANUP(TailChannels *, tail_channels_free);

/* May the window's next line be taken? If not yet, that is begun; the port may be told at once. -ENOMEM. */
int tail_channels_prepare(TailChannels *c, const LineWindow *window);
/* As text_channels_take(): what is next. */
int tail_channels_take(TailChannels *c, const char *text, size_t n, Sample *sample);
/* That was it: the one after it is next. */
void tail_channels_pass(TailChannels *c);
/* The window was emptied. */
void tail_channels_forget(TailChannels *c);
