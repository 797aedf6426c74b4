/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Rehearsal - recorded readings through the rules, in a time of their own
 *
 * What would be sent, and in how many messages: with the daemon's own rules, packs and formats, as if the link were up
 * and the disk quick. Time is that of the recording; one that goes back stands still. What is open at its end is sent
 * then; a window that has not ended is not told.
 *
 * Owns:   its clock, rules and open packs. Pure.
 * Knows:  nothing of queue or hub.
 */

#include "flow/rules-settings.h"
#include "flow/stream.h"
#include "model/message.h"
#include "model/reading.h"

typedef struct Rehearsal Rehearsal;

typedef struct RehearsalSettings {
        const RuleSettings *rules;
        size_t n_rules;
        const StreamSettings *streams;
        size_t n_streams;
        usec_t commit_interval_usec; /* a message is made of what is on disk */
        const char *device_id;
} RehearsalSettings;

typedef struct RehearsalMessage {
        const Message *message;
        usec_t wall_usec; /* when it would be sent */
        size_t n_readings;
        size_t size;
        uint64_t units; /* that the hub bills */
} RehearsalMessage;

/* What would happen. Each may be NULL. */
typedef struct RehearsalSink {
        void (*message)(void *userdata, const RehearsalMessage *message);
        void (*alarm)(void *userdata, usec_t wall_usec, const char *channel, const char *state, double value);
        void (*stale)(void *userdata, usec_t wall_usec, const char *sensor, const char *why);
        void *userdata;
} RehearsalSink;

typedef struct RehearsalSums {
        uint64_t taken; /* readings from the recording */
        uint64_t sent;  /* readings in messages */
        uint64_t refused; /* readings that no message can hold: a number that is none, a text that is too long */
        uint64_t messages, units, bytes;
        usec_t first_usec, last_usec; /* wall clock, of the recording */
} RehearsalSums;

/* Borrows the settings for as long as it lives. */
int rehearsal_new(Rehearsal **ret, const RehearsalSettings *settings, const RehearsalSink *sink);
Rehearsal *rehearsal_free(Rehearsal *r);
DEFINE_CLEANUP(Rehearsal *, rehearsal_free);

/* With the time at which it was taken; stream NULL or unknown: the usual one. -ENOMEM. */
int rehearsal_take(Rehearsal *r, const char *stream, const Reading *reading);
int rehearsal_end(Rehearsal *r);
const RehearsalSums *rehearsal_sums(const Rehearsal *r);
