/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/rules-channel.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define DOUBT_USEC (5 * USEC_PER_MIN) /* of good values, until one that was outside its range is forgotten */

/* ---- life ---- */

static int add_alarm(RuleChannel *c, const AlarmSettings *settings)
{
        RuleAlarm *more = reallocarray(c->alarms, c->n_alarms + 1, sizeof(*more));

        if (!more)
                return -ENOMEM;
        c->alarms = more;
        c->alarms[c->n_alarms++] = (RuleAlarm){.settings = *settings};
        return 0;
}

static void add_window(RuleChannel *c, const WindowSettings *window)
{
        c->window = *window;
        for (WindowValue v = 0; v < _WINDOW_VALUE_MAX; v++)
                (void)rule_window_name(c->name, v, c->summary_names[v]);
}

int rule_channel_add(RuleChannel *c, const RuleSettings *s)
{
        if (s->range.is_set)
                c->range = s->range;
        if (s->watch.stale_after_usec > 0)
                c->watch_settings.stale_after_usec = s->watch.stale_after_usec;
        if (s->watch.frozen_after_usec > 0)
                c->watch_settings.frozen_after_usec = s->watch.frozen_after_usec;
        if (s->window.length_usec > 0)
                add_window(c, &s->window);
        if (s->deadband.width.is_set) {
                c->deadband.width = s->deadband.width;
                c->deadband.max_silence_usec = s->deadband.max_silence_usec;
        }
        if (s->deadband.min_interval_usec > 0)
                c->deadband.min_interval_usec = s->deadband.min_interval_usec;
        if (s->decimals.is_set)
                c->decimals = s->decimals;
        return alarm_is_set(&s->alarm) ? add_alarm(c, &s->alarm) : 0;
}

void rule_channel_begin(RuleChannel *c, const RuleTime *now)
{
        watch_begin(&c->watch, now->usec, now->boot_usec);
}

void rule_channel_turn(RuleChannel *c, const RuleTime *was, const RuleTime *now)
{
        c->watch.changed_usec = now->usec;
        c->summary = (Summary){};
        c->band.sent_usec = now->usec;
        c->order.newest = MIN(c->order.newest, now->usec);
        for (WindowValue v = 0; v < _WINDOW_VALUE_MAX; v++)
                c->summary_bands[v].sent_usec = now->usec;
        for (size_t i = 0; i < c->n_alarms; i++) {
                Alarm *a = &c->alarms[i].alarm;

                a->due_usec = usec_add(now->usec, usec_sub(a->due_usec, was->usec));
        }
}

void rule_channel_done(RuleChannel *c)
{
        free(c->alarms);
        *c = (RuleChannel){};
}

/* ---- what stays over a reload ---- */

static bool deadbands_equal(const DeadbandSettings *a, const DeadbandSettings *b)
{
        return number_limits_equal(&a->width, &b->width) && a->max_silence_usec == b->max_silence_usec &&
               a->min_interval_usec == b->min_interval_usec;
}

static bool windows_equal(const WindowSettings *a, const WindowSettings *b)
{
        return a->length_usec == b->length_usec && a->send == b->send;
}

static bool watches_equal(const WatchSettings *a, const WatchSettings *b)
{
        return a->stale_after_usec == b->stale_after_usec && a->frozen_after_usec == b->frozen_after_usec;
}

static const RuleAlarm *find_alarm(const RuleChannel *c, const AlarmSettings *settings)
{
        for (size_t i = 0; i < c->n_alarms; i++)
                if (alarm_settings_equal(&c->alarms[i].settings, settings))
                        return &c->alarms[i];
        return NULL;
}

bool rule_channel_has_alarm(const RuleChannel *c, const AlarmSettings *settings)
{
        return find_alarm(c, settings);
}

static bool has_same_window(const RuleChannel *c, const RuleChannel *old)
{
        return windows_equal(&c->window, &old->window);
}

static bool has_same_bands(const RuleChannel *c, const RuleChannel *old)
{
        return has_same_window(c, old) && deadbands_equal(&c->deadband, &old->deadband);
}

/* Its name is that of the new one. */
static void inherit_last(RuleChannel *c, const RuleChannel *old)
{
        if (!old->last.name)
                return;
        c->last = old->last;
        c->last.name = c->name;
        c->last.band = &c->band;
        c->last_from = old->last_from;
}

void rule_channel_inherit(RuleChannel *c, const RuleChannel *old)
{
        inherit_last(c, old);
        c->is_outside = c->range.is_set && old->is_outside;
        c->is_doubted = c->range.is_set && old->is_doubted;
        c->doubted_until = old->doubted_until;
        c->order = old->order;
        if (watches_equal(&c->watch_settings, &old->watch_settings))
                c->watch = old->watch;
        if (has_same_window(c, old)) {
                c->summary = old->summary;
                c->window_from = old->window_from;
        }
        if (has_same_bands(c, old)) {
                c->band = old->band;
                memcpy(c->summary_bands, old->summary_bands, sizeof(c->summary_bands));
        }
        for (size_t i = 0; i < c->n_alarms; i++) {
                const RuleAlarm *same = find_alarm(old, &c->alarms[i].settings);

                if (same)
                        c->alarms[i] = *same;
        }
}

/* ---- what goes ---- */

/* Of one outside its range that is what is to be seen: rounded it might lie within. */
static void send(const RuleChannel *c, const OutboxItem *item, Outbox *out)
{
        OutboxItem told = *item;

        if (c->decimals.is_set && told.value.kind == VALUE_NUMBER && told.quality != QUALITY_RANGE &&
            isfinite(told.value.number))
                told.value.number = number_rounded(told.value.number, c->decimals.n);
        outbox_add(out, &told);
}

/* ---- values ---- */

static bool is_number(const Value *v, double *ret)
{
        *ret = v->kind == VALUE_NUMBER    ? v->number
               : v->kind == VALUE_INTEGER ? (double)v->integer
               : v->kind == VALUE_BOOLEAN ? v->boolean
                                          : NAN;
        return isfinite(*ret);
}

static void note_change(RuleAlarm *a, AlarmChange change, const RuleTime *now)
{
        if (change == ALARM_NOTHING)
                return;
        a->news = change;
        a->wall_usec = rule_time_told(now);
}

static void look_for_alarms(RuleChannel *c, double x, const RuleTime *now)
{
        for (size_t i = 0; i < c->n_alarms; i++) {
                RuleAlarm *a = &c->alarms[i];

                note_change(a, alarm_take(&a->alarm, &a->settings, x, now->usec), now);
        }
}

/* A wire that is loose now and then has values of both kinds: its sensor is not well again with each of the good
 * ones. */
static void doubt(RuleChannel *c, usec_t now)
{
        if (c->is_outside) {
                c->is_doubted = true;
                c->doubted_until = usec_add(now, DOUBT_USEC);
        } else if (now >= c->doubted_until) {
                c->is_doubted = false;
        }
}

/* What is outside its range is believed by nobody. */
static Quality judge(RuleChannel *c, double x, const OutboxItem *item, const RuleTime *now)
{
        c->is_outside = !number_range_has(&c->range, x);
        doubt(c, now->boot_usec);
        if (c->is_outside) {
                watch_came(&c->watch, now->boot_usec);
                return QUALITY_RANGE;
        }
        watch_value(&c->watch, &c->watch_settings, x, now->usec, now->boot_usec);
        if (rule_order_admits(&c->order, item->time.wall_trusted ? item->time.wall_usec : 0, now))
                look_for_alarms(c, x, now);
        return c->watch.is_frozen ? QUALITY_STALE : item->quality;
}

/* Of those outside the range the first is told, and one where the silence would be too long. */
static bool is_told_beside_window(RuleChannel *c, double x, Quality quality, usec_t now)
{
        if (quality != QUALITY_RANGE) {
                deadband_forget(&c->band);
                summary_add(&c->summary, &c->window, x, now);
                return false;
        }
        if (c->band.has_sent && !deadband_is_silent(&c->band, &c->deadband, now))
                return false;
        deadband_sent(&c->band, x, quality, now);
        return true;
}

static bool passes(RuleChannel *c, double x, Quality quality, usec_t now)
{
        if (c->window.length_usec > 0)
                return is_told_beside_window(c, x, quality, now);
        return !deadband_is_set(&c->deadband) || deadband_take(&c->band, &c->deadband, x, quality, now);
}

static void keep(RuleChannel *c, const OutboxItem *item, const RuleTime *now)
{
        c->last = *item;
        c->last.name = c->name;
        c->last.time.boot_usec = now->boot_usec;
        c->last.of = 0;
}

void rule_channel_take(RuleChannel *c, const OutboxItem *item, const RuleHold *from, const RuleTime *now, Outbox *out)
{
        bool window_is_empty = c->summary.n == 0;
        OutboxItem mine = *item;
        double x;

        if (!is_number(&item->value, &x)) {
                watch_came(&c->watch, now->boot_usec);
                c->last.name = NULL;
                outbox_add(out, item);
                return;
        }
        mine.quality = judge(c, x, item, now);
        mine.band = &c->band;
        keep(c, &mine, now);
        c->last_from = *from;
        if (passes(c, x, mine.quality, now->usec))
                send(c, &mine, out);
        if (window_is_empty)
                c->window_from = *from;
}

/* ---- what waits ---- */

static bool waits(const RuleChannel *c)
{
        return c->last.name && c->band.held == DEADBAND_WAITS;
}

static void limit(const RuleHold *from, const char *source, SourcePosition *at)
{
        if (from->before.serial > 0 && from->before.serial < at->serial &&
            from->before.place == at->place && strcmp(from->source, source) == 0)
                *at = from->before;
}

/* What the deadband keeps is decided for good; what comes too soon is not, nor is a window before its end. */
void rule_channel_limit(const RuleChannel *c, const char *source, SourcePosition *at)
{
        if (c->summary.n > 0)
                limit(&c->window_from, source, at);
        if (waits(c))
                limit(&c->last_from, source, at);
}

/* ---- time ---- */

/* The values of one window go together or not at all; that they were so many is no news of its own. */
static bool window_passes(const RuleChannel *c, Quality quality, usec_t now)
{
        unsigned asked = c->window.send & ~(1U << WINDOW_COUNT);

        if (!deadband_is_set(&c->deadband))
                return true;
        for (WindowValue v = 0; v < _WINDOW_VALUE_MAX; v++) {
                const Deadband *band = &c->summary_bands[v];

                if (!((asked ?: c->window.send) & (1U << v)))
                        continue;
                if (deadband_differs(band, &c->deadband, summary_get(&c->summary, v), quality) ||
                    deadband_is_silent(band, &c->deadband, usec_add(now, c->window.length_usec)))
                        return true;
        }
        return false;
}

static Value summary_value(const Summary *s, WindowValue v)
{
        if (v == WINDOW_COUNT)
                return (Value){.kind = VALUE_INTEGER, .integer = (int64_t)s->n};
        return (Value){.kind = VALUE_NUMBER, .number = summary_told(s, v)};
}

/* A window over lines ends when the last of them says so, not when they are read. */
static OutboxTime window_time(const RuleChannel *c, const RuleTime *now)
{
        usec_t told = rule_time_told(now);

        return (OutboxTime){.wall_usec = MIN(c->summary.end_usec, told), .wall_trusted = told > 0};
}

static void close_window(RuleChannel *c, const RuleTime *now, Outbox *out)
{
        Quality quality = c->watch.is_frozen ? QUALITY_STALE : QUALITY_GOOD;
        bool pass = window_passes(c, quality, now->usec);

        for (WindowValue v = 0; pass && v < _WINDOW_VALUE_MAX; v++) {
                if (!(c->window.send & (1U << v)))
                        continue;
                deadband_sent(&c->summary_bands[v], summary_get(&c->summary, v), quality, now->usec);
                send(c,
                     &(OutboxItem){
                             .name = c->summary_names[v],
                             .value = summary_value(&c->summary, v),
                             .quality = quality,
                             .time = window_time(c, now),
                             .band = &c->summary_bands[v],
                     },
                     out);
        }
        summary_next(&c->summary);
}

/* The last value once more. */
static void send_last(RuleChannel *c, Quality quality, OutboxTime time, usec_t now, Outbox *out)
{
        OutboxItem item = c->last;
        double x;

        item.quality = quality;
        item.time = time;
        (void)is_number(&item.value, &x);
        deadband_sent(&c->band, x, quality, now);
        send(c, &item, out);
}

static void tick_alarms(RuleChannel *c, const RuleTime *now)
{
        for (size_t i = 0; i < c->n_alarms; i++) {
                RuleAlarm *a = &c->alarms[i];

                note_change(a, alarm_tick(&a->alarm, now->usec), now);
        }
}

/* That it is stale is said now, of a value that is old. */
void rule_channel_tick(RuleChannel *c, const RuleTime *now, Outbox *out)
{
        if (now->usec >= summary_deadline(&c->summary))
                close_window(c, now, out);
        if (c->last.name && now->usec >= deadband_deadline(&c->band, &c->deadband))
                send_last(c, c->last.quality, c->last.time, now->usec, out);
        if (watch_tick(&c->watch, &c->watch_settings, now->boot_usec) && c->last.name)
                send_last(c, QUALITY_STALE, (OutboxTime){}, now->usec, out);
        tick_alarms(c, now);
}

void rule_channel_release(RuleChannel *c, const RuleChannel *next, const RuleTime *now, Outbox *out)
{
        if (c->summary.n > 0 && !(next && has_same_window(next, c)))
                close_window(c, now, out);
        if (waits(c) && !(next && has_same_bands(next, c)))
                send_last(c, c->last.quality, c->last.time, now->usec, out);
}

usec_t rule_channel_deadline(const RuleChannel *c)
{
        usec_t next = summary_deadline(&c->summary);

        if (c->last.name)
                next = MIN(next, deadband_deadline(&c->band, &c->deadband));
        for (size_t i = 0; i < c->n_alarms; i++)
                next = MIN(next, alarm_deadline(&c->alarms[i].alarm));
        return next;
}

usec_t rule_channel_boot_deadline(const RuleChannel *c)
{
        usec_t next = watch_deadline(&c->watch, &c->watch_settings);

        for (size_t i = 0; i < c->n_alarms; i++)
                next = MIN(next, alarm_owed_at(&c->alarms[i].alarm));
        return next;
}

RuleTrouble rule_channel_trouble(const RuleChannel *c)
{
        if (c->watch.is_stale)
                return RULE_STALE;
        return c->is_doubted ? RULE_OUTSIDE : c->watch.is_frozen ? RULE_FROZEN : RULE_WELL;
}
