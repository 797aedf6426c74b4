/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Rules - what of the sensors' readings is worth sending
 *
 * Stands between the sensors and the collector: readings fall into its sink, and what passes the rules of their
 * channels falls into the collector's. Channels without a rule pass as they are. What a rule has to say at a time of
 * its own, it says then: a window's end, a silence that was too long, an alarm that was held.
 *
 * What local services hand in over D-Bus is not ruled: they decide themselves.
 *
 * Owns:   the state of each rule.
 * Knows:  nothing of queue, bus or settings files. Pure.
 * Time:   boot clock; of lines that tell their time, theirs (rules-time.h).
 */

#include "base/ticker.h"
#include "flow/alarm-book.h"
#include "flow/rules-settings.h"
#include "flow/stream.h"
#include "model/sink.h"
#include "model/status.h"

typedef struct RulesSink {
        ReadingSink down; /* the collector's */
        /* "cpu.temperature" is "above", "below" or "clear". */
        void (*alarm)(void *userdata, const char *channel, const char *state, double value);
        /* Why a sensor is to be called stale: nothing comes, or always the same. NULL: it is well again. Without news
         * it was told before (rules_tell_stale). */
        void (*stale)(void *userdata, const char *sensor, const char *why, bool is_news);
        void *userdata;
} RulesSink;

typedef struct Rules Rules;

int rules_new(Rules **ret, const Clock *clock, const RulesSink *sink);
Rules *rules_free(Rules *r);
DEFINE_CLEANUP(Rules *, rules_free);

/* Before they are configured: alarms that stand in the book were raised before the start. Borrowed. */
void rules_keep_alarms(Rules *r, AlarmBook *book);
/* The book has got to the disk, or cannot: what waited for it goes. */
void rules_alarms_stored(Rules *r);

/* Before they are configured: which streams there are from now on. The end of an alarm finds its way though its own is
 * gone. -ENOMEM changes nothing. */
int rules_know_streams(Rules *r, const StreamSettings *streams, size_t n_streams);
/* From now on these; they must have passed the settings' check. What is the same as before goes on undisturbed. An
 * alarm that is asked for no more is cleared; of a window or an interval that is, what was held goes. -ENOMEM changes
 * nothing. */
int rules_configure(Rules *r, const RuleSettings *settings, size_t n_settings);
/* Tells once more which sensors are stale: some were made anew. */
void rules_tell_stale(Rules *r);

/* Lowers the position of a growing file to where it is to be read on from, if anything that was made of it is held. */
void rules_limit_position(const Rules *r, const char *source, SourcePosition *at);
/* The day ends: what is held goes. */
void rules_release(Rules *r);
/* The alarms that are raised, as many as there is room for; returns how many there are. Their names are ours, until
 * the next rules_configure(). */
size_t rules_raised(const Rules *r, RaisedAlarm *list, size_t size);

ReadingSink rules_reading_sink(Rules *r);
Ticker rules_ticker(Rules *r);
