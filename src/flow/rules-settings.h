/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Rule settings - what is asked of one channel before its values go up
 *
 * A rule names a channel, and any of the parts below. A channel may have several rules, each part once among them,
 * alarms as often as one likes. In whatever order they are written, a value meets the parts in this one:
 *
 *   range     outside of it a value is marked, and no other part believes it
 *   watch     too long without a value, or without another one: stale
 *   alarm     beyond a limit
 *   window    many values become a few: their mean, lowest, highest, count
 *   deadband  what says nothing new stays here
 *   decimals  what goes is rounded; none of the others looks at that
 *
 * Owns:   its text.
 */

#include "base/clock.h"
#include "base/number.h"
#include "model/name.h"

typedef struct NumberLimit {
        bool is_set;
        double value;
} NumberLimit;

typedef struct DecimalsSettings {
        bool is_set; /* else as many as there are */
        unsigned n;  /* at most NUMBER_DECIMALS_MAX */
} DecimalsSettings;

/* "sensor.channel" */
typedef char RuleChannelName[2 * NAME_LENGTH_MAX + 2];

/* Which values are worth sending. */
typedef struct DeadbandSettings {
        NumberLimit width;        /* one that differs by more from what was sent last; unset: every one */
        usec_t max_silence_usec;  /* after that one that does not differ goes too; 0: never */
        usec_t min_interval_usec; /* not more often than that; 0: as they come */
} DeadbandSettings;

typedef enum WindowValue {
        WINDOW_MEAN,
        WINDOW_MIN,
        WINDOW_MAX,
        WINDOW_COUNT,
        _WINDOW_VALUE_MAX,
} WindowValue;

typedef struct WindowSettings {
        usec_t length_usec; /* 0: there is none */
        unsigned send;      /* 1 << WindowValue */
} WindowSettings;

typedef struct WatchSettings {
        usec_t stale_after_usec;  /* without a value; 0: never */
        usec_t frozen_after_usec; /* with the same one over and over; 0: never */
} WatchSettings;

typedef struct AlarmSettings {
        NumberLimit above, below; /* one of the two */
        NumberLimit clear;        /* where it ends; unset: at the limit */
        usec_t hold_usec;         /* beyond the limit for so long first */
        Name stream;              /* an urgent one */
} AlarmSettings;

typedef struct RuleSettings {
        char *channel; /* "sensor.channel" */
        NumberRange range;
        WatchSettings watch;
        AlarmSettings alarm;
        WindowSettings window;
        DeadbandSettings deadband;
        DecimalsSettings decimals;
} RuleSettings;

static inline bool alarm_is_set(const AlarmSettings *a)
{
        return a->above.is_set || a->below.is_set;
}

/* Where it ends. */
static inline double alarm_end(const AlarmSettings *a)
{
        return a->clear.is_set ? a->clear.value : a->above.is_set ? a->above.value : a->below.value;
}

bool alarm_settings_equal(const AlarmSettings *a, const AlarmSettings *b);

static inline bool number_limits_equal(const NumberLimit *a, const NumberLimit *b)
{
        return a->is_set == b->is_set && a->value == b->value;
}

static inline bool deadband_is_set(const DeadbandSettings *d)
{
        return d->width.is_set || d->min_interval_usec > 0;
}

/* The two names. False: it is none of a channel. */
bool rule_channel_split(const char *text, Name ret_sensor, Name ret_channel);
/* What a window sends as a channel of its own: "temperature_mean". False: too long for a name. */
bool rule_window_name(const char *channel, WindowValue value, Name ret);
const char *window_value_to_string(WindowValue value);
