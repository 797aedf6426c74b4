/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Alarm - a channel beyond a limit
 *
 * Raised when the value has been beyond the limit for the hold time, as far as is known: also when no further value
 * came, since a source may speak only when something changes. Cleared when it has come back to where the alarm ends,
 * which may lie behind the limit, so that a value that trembles there does not raise it again and again.
 *
 * What is to be told of it and could not be is owed, and tried again: an alarm is told once, not with each value.
 *
 * Pure.   Time: that of its sensor (rules-time.h); what is owed, the boot clock.
 */

#include "flow/rules-settings.h"

typedef enum AlarmChange {
        ALARM_NOTHING,
        ALARM_RAISED,
        ALARM_CLEARED,
} AlarmChange;

/* All zero: quiet. */
typedef struct Alarm {
        bool is_beyond;  /* the limit, on the way to being raised */
        bool is_raised;
        bool is_told;    /* what was told last: raised */
        usec_t due_usec;   /* then it is raised, if it is beyond it until then */
        double value;      /* the last one */
        usec_t retry_usec; /* what is owed is not tried before */
        bool is_recalled;  /* from before the start: what the next value makes of it is owed, whichever way it is */
        bool is_owed;      /* though it is as it was told */
} Alarm;

/* It was raised before the start, as far as is known. */
void alarm_recall(Alarm *a, double value);
/* It was beyond its limit then, and what is left of the hold time goes on. */
void alarm_recall_beyond(Alarm *a, double value, usec_t due_usec);

/* The value is finite. */
AlarmChange alarm_take(Alarm *a, const AlarmSettings *s, double value, usec_t now);
AlarmChange alarm_tick(Alarm *a, usec_t now);
/* The end of the hold. */
usec_t alarm_deadline(const Alarm *a);
/* What is owed is to be tried then, on the boot clock. */
usec_t alarm_owed_at(const Alarm *a);

static inline bool alarm_owes(const Alarm *a, usec_t now)
{
        return (a->is_told != a->is_raised || a->is_owed) && now >= a->retry_usec;
}
void alarm_told(Alarm *a, bool arrived, usec_t now);

double alarm_limit(const AlarmSettings *s);
/* As it is: "above", "below", "clear". */
const char *alarm_state(const Alarm *a, const AlarmSettings *s);
