/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log-id.h"
#include "base/log.h"
#include "base/quantity.h"
#include "flow/rules-core.h"

#define WHY_MAX 160

/* ---- alarms ---- */

static int send_alarm(const Rules *r, const char *sensor, const char *channel, const RuleAlarm *a)
{
        const Channel channels[] = {
                {channel, {.kind = VALUE_NUMBER, .number = a->alarm.value}},
                {"alarm", {.kind = VALUE_TEXT, .text = alarm_state(&a->alarm, &a->settings)}},
                {"limit", {.kind = VALUE_NUMBER, .number = alarm_limit(&a->settings)}},
        };

        return r->sink.down.reading(r->sink.down.userdata, rule_streams_pick(&r->streams, a->settings.stream),
                                    &(Reading){
                                            .sensor = sensor,
                                            .wall_usec = a->wall_usec,
                                            .wall_trusted = a->wall_usec > 0,
                                            .channels = channels,
                                            .n_channels = ARRAY_SIZE(channels),
                                    });
}

static void log_alarm(const char *channel, const RuleAlarm *a)
{
        char value[NUMBER_TEXT_MAX], limit[NUMBER_TEXT_MAX], field[32 + sizeof(RuleChannelName)];

        (void)number_format(a->alarm.value, value);
        (void)number_format(alarm_limit(&a->settings), limit);
        (void)snprintf(field, sizeof(field), "HUBLINK_CHANNEL=%s", channel);
        if (a->alarm.is_raised)
                log_line(LOG_ERR, LOG_ID_ALARM_RAISED, LOG_FIELDS(field), "Alarm: %s is %s, %s %s.", channel, value,
                         a->settings.above.is_set ? "above" : "below", limit);
        else if (a->is_removed)
                log_line(LOG_NOTICE, LOG_ID_ALARM_CLEARED, LOG_FIELDS(field),
                         "Alarm of %s, %s %s, ends: its rule was removed or changed. The last value was %s.", channel,
                         a->settings.above.is_set ? "above" : "below", limit, value);
        else
                log_line(LOG_NOTICE, LOG_ID_ALARM_CLEARED, LOG_FIELDS(field), "Alarm cleared: %s is %s.", channel,
                         value);
}

static void tell_change(const Rules *r, const char *channel, RuleAlarm *a)
{
        a->news = ALARM_NOTHING;
        if (a->alarm.is_raised && !a->alarm.is_told)
                a->since_usec = a->wall_usec ?: clock_wall(r->clock);
        if (a->alarm.is_raised && !a->is_missed) {
                a->raised_value = a->alarm.value;
                a->raised_wall_usec = a->wall_usec;
        }
        if (a->alarm.is_raised && r->book) {
                alarm_book_enter(r->book, channel, &a->settings, a->alarm.value);
                a->is_in_book = true;
        }
        log_alarm(channel, a);
        r->sink.alarm(r->sink.userdata, channel, alarm_state(&a->alarm, &a->settings), a->alarm.value);
}

/* It is in the book before it is in the queue. A disk that takes its time for the one does so for the other. */
static bool waits_for_book(const Rules *r, const char *channel, RuleAlarm *a)
{
        a->waits = a->is_in_book && (a->alarm.is_raised || a->is_missed) &&
                   !alarm_book_has_tried(r->book, channel, &a->settings);
        return a->waits;
}

/* Over before the book had it: a night's lines come at once. */
static void note_missed(RuleAlarm *a)
{
        a->is_missed = true;
        a->alarm.is_owed = true;
}

static bool send_missed(const Rules *r, const char *sensor, const char *channel, RuleAlarm *a)
{
        RuleAlarm was = *a;

        was.alarm.is_raised = true;
        was.alarm.value = a->raised_value;
        was.wall_usec = a->raised_wall_usec;
        if (send_alarm(r, sensor, channel, &was) != 0)
                return false;
        a->alarm.is_told = true;
        a->is_missed = false;
        return true;
}

/* One that was raised once more meanwhile is told by the beginning of the first. */
static bool send_owed(const Rules *r, const char *sensor, const char *channel, RuleAlarm *a)
{
        bool was_missed = a->is_missed;

        if (was_missed && !send_missed(r, sensor, channel, a))
                return false;
        return (was_missed && a->alarm.is_raised) || send_alarm(r, sensor, channel, a) == 0;
}

static void tell_alarm(const Rules *r, const char *sensor, const char *channel, RuleAlarm *a, usec_t now)
{
        RuleChannelName name;

        (void)snprintf(name, sizeof(name), "%s.%s", sensor, channel);
        if (a->news == ALARM_CLEARED && a->waits)
                note_missed(a);
        if (a->news != ALARM_NOTHING)
                tell_change(r, name, a);
        if (alarm_owes(&a->alarm, now))
                alarm_told(&a->alarm, !waits_for_book(r, name, a) && send_owed(r, sensor, channel, a), now);
        if (a->is_in_book && !a->alarm.is_raised && !a->alarm.is_told && !a->is_missed) {
                alarm_book_leave(r->book, name, &a->settings, rule_streams_pick(&r->streams, a->settings.stream));
                a->is_in_book = false;
        }
}

/* A source that speaks only when something changes would not say again that it is beyond. */
static void note_beyond(const Rules *r, const RuleSensor *s, const RuleChannel *c, RuleAlarm *a)
{
        RuleChannelName name;

        if (!r->book || a->alarm.is_beyond == a->is_noted)
                return;
        (void)snprintf(name, sizeof(name), "%s.%s", s->name, c->name);
        a->is_noted = a->alarm.is_beyond;
        if (a->is_noted)
                alarm_book_note(r->book, name, &a->settings, a->alarm.value);
        else
                alarm_book_strike(r->book, name, &a->settings);
}

static bool has_to_be_told(const RuleAlarm *a, usec_t now)
{
        return a->news != ALARM_NOTHING || alarm_owes(&a->alarm, now);
}

void rules_tell_alarms(const Rules *r, const RuleSensor *s, RuleChannel *c, usec_t now)
{
        for (size_t i = 0; i < c->n_alarms; i++) {
                if (has_to_be_told(&c->alarms[i], now))
                        tell_alarm(r, s->name, c->name, &c->alarms[i], now);
                note_beyond(r, s, c, &c->alarms[i]);
        }
}

static void hurry(RuleChannel *c)
{
        for (size_t i = 0; i < c->n_alarms; i++)
                if (c->alarms[i].waits)
                        c->alarms[i].alarm.retry_usec = 0;
}

void rules_alarms_stored(Rules *r)
{
        for (size_t i = 0; i < r->n_sensors; i++) {
                RuleSensor *s = &r->sensors[i];

                for (size_t k = 0; k < s->n_channels; k++)
                        hurry(&s->channels[k]);
                rules_set_deadline(s);
        }
}

/* ---- those that are raised ---- */

static size_t list_raised(const RuleSensor *s, const RuleChannel *c, RaisedAlarm *list, size_t n, size_t size)
{
        for (size_t i = 0; i < c->n_alarms; i++) {
                const RuleAlarm *a = &c->alarms[i];

                if (!a->alarm.is_raised)
                        continue;
                if (n < size)
                        list[n] = (RaisedAlarm){
                                .sensor = s->name,
                                .channel = c->name,
                                .state = alarm_state(&a->alarm, &a->settings),
                                .limit = alarm_limit(&a->settings),
                                .since_usec = a->since_usec,
                        };
                n++;
        }
        return n;
}

size_t rules_raised(const Rules *r, RaisedAlarm *list, size_t size)
{
        size_t n = 0;

        for (size_t i = 0; i < r->n_sensors; i++)
                for (size_t k = 0; k < r->sensors[i].n_channels; k++)
                        n = list_raised(&r->sensors[i], &r->sensors[i].channels[k], list, n, size);
        return n;
}

/* ---- alarms of an earlier life ---- */

static void recall_beyond(const Rules *r, const char *name, RuleAlarm *a, usec_t now)
{
        usec_t left;
        double value;

        if (a->is_noted || a->alarm.is_beyond ||
            !alarm_book_find_beyond(r->book, name, &a->settings, &value, &left))
                return;
        a->is_noted = true;
        alarm_recall_beyond(&a->alarm, value, usec_add(now, left));
}

static void recall(const Rules *r, const char *name, RuleAlarm *a, usec_t now)
{
        const AlarmEntry *e = a->is_in_book ? NULL : alarm_book_find(r->book, name, &a->settings);

        if (e) {
                a->is_in_book = true;
                alarm_recall(&a->alarm, e->value);
        }
        recall_beyond(r, name, a, now);
}

void rules_recall_alarms(const Rules *r, RuleSensor *s)
{
        usec_t now = rule_clock_now(&s->clock, clock_boot(r->clock)).usec;
        RuleChannelName name;

        for (size_t i = 0; r->book && i < s->n_channels; i++)
                for (size_t k = 0; k < s->channels[i].n_alarms; k++) {
                        (void)snprintf(name, sizeof(name), "%s.%s", s->name, s->channels[i].name);
                        recall(r, name, &s->channels[i].alarms[k], now);
                }
}

/* ---- alarms that nobody asks for any more ---- */

static size_t count_raised(const RuleSensor *s)
{
        size_t n = 0;

        for (size_t i = 0; i < s->n_channels; i++)
                for (size_t k = 0; k < s->channels[i].n_alarms; k++)
                        n += s->channels[i].alarms[k].alarm.is_raised || s->channels[i].alarms[k].alarm.is_told;
        return n;
}

int rules_make_room_for_orphans(Rules *r)
{
        size_t n = r->n_orphans + (r->book ? alarm_book_count(r->book) : 0);
        RuleOrphan *more;

        for (size_t i = 0; i < r->n_sensors; i++)
                n += count_raised(&r->sensors[i]);
        if (n == r->n_orphans)
                return 0;
        more = reallocarray(r->orphans, n, sizeof(*more));
        if (!more)
                return -ENOMEM;
        r->orphans = more;
        return 0;
}

static bool is_asked_for(const Rules *r, const char *sensor, const char *channel, const AlarmSettings *settings)
{
        RuleSensor *s = rules_find_sensor(r, sensor);
        const RuleChannel *c = s ? rules_find_channel(s, channel) : NULL;

        return c && rule_channel_has_alarm(c, settings);
}

/* Its end is news where it was raised; where only the queue did not take it yet, it is owed. */
static void add_orphan(Rules *r, const char *sensor, const char *channel, const RuleAlarm *alarm)
{
        RuleOrphan *o = &r->orphans[r->n_orphans++];

        *o = (RuleOrphan){.alarm = *alarm};
        (void)snprintf(o->sensor, sizeof(o->sensor), "%s", sensor);
        (void)snprintf(o->channel, sizeof(o->channel), "%s", channel);
        if (o->alarm.alarm.is_raised)
                o->alarm.news = ALARM_CLEARED;
        o->alarm.alarm.is_raised = false;
        o->alarm.is_removed = true;
        o->alarm.wall_usec = 0;
        o->alarm.alarm.retry_usec = 0;
}

void rules_orphan_alarms(Rules *r, const RuleSensor *old)
{
        for (size_t i = 0; i < old->n_channels; i++) {
                const RuleChannel *c = &old->channels[i];

                for (size_t k = 0; k < c->n_alarms; k++) {
                        const RuleAlarm *a = &c->alarms[k];

                        if ((a->alarm.is_raised || a->alarm.is_told) &&
                            !is_asked_for(r, old->name, c->name, &a->settings))
                                add_orphan(r, old->name, c->name, a);
                }
        }
}

static bool is_orphan(const Rules *r, const char *sensor, const char *channel, const AlarmSettings *settings)
{
        for (size_t i = 0; i < r->n_orphans; i++)
                if (strcmp(r->orphans[i].sensor, sensor) == 0 && strcmp(r->orphans[i].channel, channel) == 0 &&
                    alarm_settings_equal(&r->orphans[i].alarm.settings, settings))
                        return true;
        return false;
}

/* Their rules are there again, and the book still has them: so they were recalled. */
static void return_orphans(Rules *r)
{
        size_t left = 0;

        for (size_t i = 0; i < r->n_orphans; i++) {
                const RuleOrphan *o = &r->orphans[i];

                if (!o->alarm.is_in_book || !is_asked_for(r, o->sensor, o->channel, &o->alarm.settings))
                        r->orphans[left++] = *o;
        }
        r->n_orphans = left;
}

static bool is_entry_asked_for(void *userdata, const AlarmEntry *e)
{
        Name sensor, channel;

        return rule_channel_split(e->channel, sensor, channel) &&
               is_asked_for(userdata, sensor, channel, &e->settings);
}

void rules_adopt_orphans(Rules *r)
{
        Name sensor, channel;

        return_orphans(r);
        if (r->book)
                alarm_book_strike_all_but(r->book, is_entry_asked_for, r);
        for (size_t i = 0; r->book && i < alarm_book_count(r->book); i++) {
                const AlarmEntry *e = alarm_book_entry(r->book, i);

                if (e && rule_channel_split(e->channel, sensor, channel) &&
                    !is_asked_for(r, sensor, channel, &e->settings) && !is_orphan(r, sensor, channel, &e->settings))
                        add_orphan(r, sensor, channel,
                                   &(RuleAlarm){
                                           .settings = e->settings,
                                           .alarm = {.is_raised = true, .is_told = true, .value = e->value},
                                           .is_in_book = true,
                                   });
        }
}

void rules_tell_orphans(Rules *r, usec_t now)
{
        size_t left = 0;

        for (size_t i = 0; i < r->n_orphans; i++) {
                RuleOrphan *o = &r->orphans[i];

                if (has_to_be_told(&o->alarm, now))
                        tell_alarm(r, o->sensor, o->channel, &o->alarm, now);
                if (o->alarm.alarm.is_told)
                        r->orphans[left++] = *o;
        }
        r->n_orphans = left;
}

usec_t rules_orphans_deadline(const Rules *r)
{
        usec_t next = USEC_INFINITY;

        for (size_t i = 0; i < r->n_orphans; i++)
                next = MIN(next, alarm_owed_at(&r->orphans[i].alarm.alarm));
        return next;
}

/* ---- stale sensors ---- */

static void explain_outside(const RuleChannel *c, char why[static WHY_MAX])
{
        char low[NUMBER_TEXT_MAX], high[NUMBER_TEXT_MAX];

        (void)number_format(c->range.low, low);
        (void)number_format(c->range.high, high);
        (void)snprintf(why, WHY_MAX, "%s is not within %s to %s: look at the sensor and its wire", c->name, low, high);
}

static void explain(const RuleChannel *c, RuleTrouble trouble, char why[static WHY_MAX])
{
        const WatchSettings *watch = &c->watch_settings;
        Buffer span = BUFFER_NULL;

        if (trouble == RULE_OUTSIDE) {
                explain_outside(c, why);
                return;
        }
        quantity_print_time(&span, trouble == RULE_STALE ? watch->stale_after_usec : watch->frozen_after_usec);
        (void)snprintf(why, WHY_MAX, "%s %s for %s", c->name,
                       trouble == RULE_STALE ? "has not come" : "has been the same", span.data ?: "too long");
        buffer_done(&span);
}

/* Its first channel that is in trouble tells for all. */
void rules_look_for_trouble(const Rules *r, RuleSensor *s, bool is_news)
{
        char why[WHY_MAX];

        for (size_t i = 0; i < s->n_channels; i++) {
                RuleTrouble trouble = rule_channel_trouble(&s->channels[i]);

                if (trouble == RULE_WELL)
                        continue;
                if (s->is_told_stale)
                        return;
                s->is_told_stale = true;
                explain(&s->channels[i], trouble, why);
                r->sink.stale(r->sink.userdata, s->name, why, is_news);
                return;
        }
        if (s->is_told_stale)
                r->sink.stale(r->sink.userdata, s->name, NULL, is_news);
        s->is_told_stale = false;
}

void rules_tell_stale(Rules *r)
{
        for (size_t i = 0; i < r->n_sensors; i++) {
                r->sensors[i].is_told_stale = false;
                rules_look_for_trouble(r, &r->sensors[i], false);
        }
}
