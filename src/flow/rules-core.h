/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The inside of the rules, for the files that they are made of
 *
 * rules.c         readings and their channels, and time
 * rules-reload.c  which rules there are, and what stays when there are others
 * rules-tell.c    what is told beside the readings: alarms, and sensors that are stale
 */

#include "base/throttle.h"
#include "flow/rules-again.h"
#include "flow/rules-channel.h"
#include "flow/rules-streams.h"
#include "flow/rules.h"

typedef struct RuleSensor {
        Name name;
        Name stream; /* "" is the usual one */
        RuleChannel *channels;
        size_t n_channels;
        size_t next; /* where the next channel of a reading is likely to be found */
        RuleClock clock;
        usec_t deadline_usec; /* boot clock */
        OutboxSource source;
        RuleAgain again;
        bool is_told_stale;
        Throttle outside;
} RuleSensor;

/* An alarm that no rule asks for any more, and whose end is owed. */
typedef struct RuleOrphan {
        Name sensor, channel;
        RuleAlarm alarm;
} RuleOrphan;

struct Rules {
        const Clock *clock;
        RulesSink sink;
        AlarmBook *book;     /* NULL: none is kept */
        RuleStreams streams;
        RuleSensor *sensors; /* by name */
        size_t n_sensors;
        RuleOrphan *orphans;
        size_t n_orphans;
        Outbox outbox; /* empty between two calls */
};

/* rules.c */

RuleSensor *rules_find_sensor(const Rules *r, const char *name);
RuleChannel *rules_find_channel(RuleSensor *s, const char *name);
void rules_set_deadline(RuleSensor *s); /* anew, whatever was changed */
/* What it holds goes, save for what the next one goes on with; NULL: there is none. */
void rules_release_sensor(Rules *r, RuleSensor *s, RuleSensor *next, usec_t now);

/* rules-reload.c */

void rules_sensors_done(RuleSensor *sensors, size_t n);

/* rules-tell.c */

void rules_tell_alarms(const Rules *r, const RuleSensor *s, RuleChannel *c, usec_t now);
void rules_look_for_trouble(const Rules *r, RuleSensor *s, bool is_news);

/* What the book says of this sensor's alarms. */
void rules_recall_alarms(const Rules *r, RuleSensor *s);
/* Room for all that may become orphans now. -ENOMEM. */
int rules_make_room_for_orphans(Rules *r);
/* Of a sensor that was: what is not asked for any more. */
void rules_orphan_alarms(Rules *r, const RuleSensor *old);
/* Those of the book that nobody asked for from the start on; and no others. */
void rules_adopt_orphans(Rules *r);
void rules_tell_orphans(Rules *r, usec_t now);
usec_t rules_orphans_deadline(const Rules *r);
