/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Rule channel - one channel of one sensor, with all that its rules ask for
 *
 * A value goes through the parts in the order of rules-settings.h; what passes falls into the outbox. Texts are no
 * numbers: they pass, and only the dead man's switch looks at them.
 *
 * Owns:   its alarms.
 * Time:   that of its sensor; silence and what is owed, the boot clock.
 */

#include "flow/rules-alarm.h"
#include "flow/rules-outbox.h"
#include "flow/rules-summary.h"
#include "flow/rules-time.h"
#include "flow/rules-watch.h"

typedef struct RuleAlarm {
        AlarmSettings settings;
        Alarm alarm;
        AlarmChange news; /* that nobody has been told of yet */
        usec_t since_usec; /* wall clock; 0: before the start */
        usec_t wall_usec; /* of the last change, as a line said; 0: of the present */
        bool is_in_book;  /* of the alarms that outlive us */
        bool is_removed;  /* the settings do not ask for it any more: it ends, whatever the value is */
        bool is_noted;    /* there, as beyond its limit */
        bool waits;       /* for the book, before it goes into the queue */
        bool is_missed;   /* it was over while it waited: its beginning is still to be told */
        double raised_value;
        usec_t raised_wall_usec;
} RuleAlarm;

/* Where a growing file is to be read on from, if what was made of it is not to be lost. */
typedef struct RuleHold {
        Name source;
        SourcePosition before; /* the line; serial 0: it is of no file */
} RuleHold;

typedef enum RuleTrouble {
        RULE_WELL,
        RULE_STALE,
        RULE_FROZEN,
        RULE_OUTSIDE,
} RuleTrouble;

typedef struct RuleChannel {
        Name name;
        Name summary_names[_WINDOW_VALUE_MAX];

        NumberRange range;
        WatchSettings watch_settings;
        WindowSettings window;
        DeadbandSettings deadband;
        DecimalsSettings decimals;
        RuleAlarm *alarms;
        size_t n_alarms;
        RuleOrder order; /* of the values that the alarms looked at */

        Watch watch;
        Summary summary;
        Deadband band; /* of the values themselves */
        Deadband summary_bands[_WINDOW_VALUE_MAX];
        bool is_outside; /* the range */
        bool is_doubted; /* it was, and has not been within it for long enough since */
        usec_t doubted_until;
        OutboxItem last; /* without a name: none that could be told again */
        RuleHold window_from; /* the first line of what the window has so far */
        RuleHold last_from;   /* the line of the last value */
} RuleChannel;

/* One more rule of this channel. -ENOMEM. */
int rule_channel_add(RuleChannel *c, const RuleSettings *settings);
void rule_channel_begin(RuleChannel *c, const RuleTime *now);
/* The parts whose settings are the same go on where the old ones are. */
void rule_channel_inherit(RuleChannel *c, const RuleChannel *old);
bool rule_channel_has_alarm(const RuleChannel *c, const AlarmSettings *settings);
void rule_channel_done(RuleChannel *c);
/* The sensor's clock is another one from now on: what was measured begins anew, and what is left of a hold goes on.
 * What waits is to be released first. */
void rule_channel_turn(RuleChannel *c, const RuleTime *was, const RuleTime *now);

/* What is due is to be taken first. */
void rule_channel_take(RuleChannel *c, const OutboxItem *item, const RuleHold *from, const RuleTime *now, Outbox *out);
/* In the sensor's time. */
usec_t rule_channel_deadline(const RuleChannel *c);
/* Of what goes by the boot clock. */
usec_t rule_channel_boot_deadline(const RuleChannel *c);
/* At most RULE_CHANNEL_TICK_MAX items. */
#define RULE_CHANNEL_TICK_MAX (_WINDOW_VALUE_MAX + 2)
void rule_channel_tick(RuleChannel *c, const RuleTime *now, Outbox *out);

/* What waits for its time does not wait any longer: a window so far, a value that came too soon. As many items. next:
 * what goes on with it, inheriting, is left alone; NULL: nobody does. */
void rule_channel_release(RuleChannel *c, const RuleChannel *next, const RuleTime *now, Outbox *out);
/* Lowers *at to where this source is to be read on from, if anything of it is held that lies before. */
void rule_channel_limit(const RuleChannel *c, const char *source, SourcePosition *at);

RuleTrouble rule_channel_trouble(const RuleChannel *c);
