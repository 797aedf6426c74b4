/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/rules-alarm.h"

#define RETRY_INTERVAL USEC_PER_SEC

double alarm_limit(const AlarmSettings *s)
{
        return s->above.is_set ? s->above.value : s->below.value;
}

const char *alarm_state(const Alarm *a, const AlarmSettings *s)
{
        return !a->is_raised ? "clear" : s->above.is_set ? "above" : "below";
}

static bool is_beyond(const AlarmSettings *s, double value)
{
        return s->above.is_set ? value > s->above.value : value < s->below.value;
}

static bool is_back(const AlarmSettings *s, double value)
{
        return s->above.is_set ? value <= alarm_end(s) : value >= alarm_end(s);
}

static AlarmChange change(Alarm *a, bool raised)
{
        a->is_raised = raised;
        a->is_beyond = false;
        a->retry_usec = 0;
        return raised ? ALARM_RAISED : ALARM_CLEARED;
}

void alarm_recall(Alarm *a, double value)
{
        *a = (Alarm){.is_raised = true, .is_told = true, .is_recalled = true, .value = value};
}

void alarm_recall_beyond(Alarm *a, double value, usec_t due_usec)
{
        a->is_beyond = true;
        a->value = value;
        a->due_usec = due_usec;
}

/* What was told of it before the start may not have arrived: so it is told again, or that it is over. */
static AlarmChange take_recalled(Alarm *a, const AlarmSettings *s, double value)
{
        a->is_recalled = false;
        a->is_owed = true;
        return change(a, !is_back(s, value));
}

AlarmChange alarm_tick(Alarm *a, usec_t now)
{
        if (!a->is_beyond || now < a->due_usec)
                return ALARM_NOTHING;
        /* It was raised before the start too, and cleared in between, which may not have arrived. */
        a->is_owed = a->is_owed || a->is_recalled;
        a->is_recalled = false;
        return change(a, true);
}

AlarmChange alarm_take(Alarm *a, const AlarmSettings *s, double value, usec_t now)
{
        a->value = value;
        if (a->is_recalled)
                return take_recalled(a, s, value);
        if (a->is_raised)
                return is_back(s, value) ? change(a, false) : ALARM_NOTHING;
        if (!is_beyond(s, value)) {
                a->is_beyond = false;
                return ALARM_NOTHING;
        }
        if (!a->is_beyond) {
                a->is_beyond = true;
                a->due_usec = usec_add(now, s->hold_usec);
        }
        return alarm_tick(a, now);
}

usec_t alarm_deadline(const Alarm *a)
{
        return a->is_beyond ? a->due_usec : USEC_INFINITY;
}

usec_t alarm_owed_at(const Alarm *a)
{
        return a->is_told != a->is_raised || a->is_owed ? a->retry_usec : USEC_INFINITY;
}

void alarm_told(Alarm *a, bool arrived, usec_t now)
{
        if (arrived) {
                a->is_told = a->is_raised;
                a->is_owed = false;
        } else
                a->retry_usec = usec_add(now, RETRY_INTERVAL);
}
