/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What rules name across the settings, and what of them does not go together.
 */

#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "base/number.h"
#include "base/quantity.h"
#include "daemon/settings-check-core.h"
#include "sensor/driver.h"

/* A rule that is looked at, and what it is about. */
typedef struct RuleCheck {
        const Check *c;
        const RuleSettings *rule;
        size_t i; /* its place in the list */
        Name sensor_name, channel_name;
        const SensorSettings *sensor; /* NULL: lines name it, the settings do not */
        const ChannelSettings *channel; /* NULL: the settings say nothing of it */
} RuleCheck;

#define PATH_MAX_ 64

static const char *path_of(const RuleCheck *r, const char *member, char path[static PATH_MAX_])
{
        (void)snprintf(path, PATH_MAX_, "rules.%zu%s%s", r->i, *member ? "." : "", member);
        return path;
}

#define COMPLAIN(r, member, ...) check_complain((r)->c, path_of(r, member, (char[PATH_MAX_]){}), __VA_ARGS__)

/* ---- the channel ---- */

static bool may_be_named(const RuleCheck *r)
{
        const Settings *s = r->c->settings;

        for (size_t i = 0; i < s->n_sensors; i++)
                if (sensor_settings_name_others(&s->sensors[i]))
                        return true;
        return false;
}

/* One that no settings know is that of lines, where there are such. */
static bool find_sensor(RuleCheck *r)
{
        const Settings *s = r->c->settings;
        Nearest nearest = nearest_begin(r->sensor_name);

        for (size_t i = 0; i < s->n_sensors; i++) {
                nearest_offer(&nearest, s->sensors[i].name);
                if (strcmp(s->sensors[i].name, r->sensor_name) == 0)
                        r->sensor = &s->sensors[i];
        }
        if (r->sensor)
                return true;
        if (check_group(r->c, "sensors", r->sensor_name)) /* it could not be read: that is told */
                return false;
        if (may_be_named(r))
                return true;
        if (nearest.found)
                COMPLAIN(r, "channel", "there is no sensor \"%s\"; did you mean \"%s\"?", r->sensor_name,
                         nearest.found);
        else
                COMPLAIN(r, "channel", "there is no sensor \"%s\"", r->sensor_name);
        return false;
}

/* By their settings, or all that their chip has, or the one of their driver; 0: nobody knows before it speaks. */
static size_t count_channels(const SensorSettings *s)
{
        if (!s || s->n_channels > 0)
                return s ? s->n_channels : 0;
        return s->description ? s->description->n_channels : sensor_settings_channel(s) ? 1 : 0;
}

static const char *channel_of(const SensorSettings *s, size_t i)
{
        if (s->n_channels > 0)
                return s->channels[i].name;
        return s->description ? s->description->channels[i].name : sensor_settings_channel(s);
}

static bool find_channel(RuleCheck *r)
{
        const SensorSettings *s = r->sensor;
        Nearest nearest = nearest_begin(r->channel_name);

        for (size_t i = 0; i < count_channels(s); i++) {
                nearest_offer(&nearest, channel_of(s, i));
                if (strcmp(channel_of(s, i), r->channel_name) != 0)
                        continue;
                r->channel = s->n_channels > 0 ? &s->channels[i] : NULL;
                return true;
        }
        if (count_channels(s) == 0)
                return true;
        if (node_is_faulty(node_child(check_group(r->c, "sensors", s->name), "channels")))
                return false;
        if (nearest.found)
                COMPLAIN(r, "channel", "sensor %s has no channel \"%s\"; did you mean \"%s\"?", s->name,
                         r->channel_name, nearest.found);
        else
                COMPLAIN(r, "channel", "sensor %s has no channel \"%s\"", s->name, r->channel_name);
        return false;
}

static bool find_what_it_is_about(RuleCheck *r)
{
        char path[PATH_MAX_];

        if (!rule_channel_split(r->rule->channel, r->sensor_name, r->channel_name)) {
                check_complain_form(r->c, path_of(r, "channel", path),
                                    "a sensor and its channel, such as \"cpu.temperature\"");
                return false;
        }
        return find_sensor(r) && find_channel(r);
}

/* ---- parts that another rule of the channel has ---- */

static bool has_range(const RuleSettings *s)
{
        return s->range.is_set;
}

static bool has_stale_after(const RuleSettings *s)
{
        return s->watch.stale_after_usec > 0;
}

static bool has_frozen_after(const RuleSettings *s)
{
        return s->watch.frozen_after_usec > 0;
}

static bool has_window(const RuleSettings *s)
{
        return s->window.length_usec > 0;
}

static bool has_deadband(const RuleSettings *s)
{
        return s->deadband.width.is_set;
}

static bool has_min_interval(const RuleSettings *s)
{
        return s->deadband.min_interval_usec > 0;
}

static bool has_decimals(const RuleSettings *s)
{
        return s->decimals.is_set;
}

static const struct {
        const char *member;
        bool (*is_set)(const RuleSettings *s);
} parts[] = {
        {"range", has_range},   {"stale_after", has_stale_after}, {"frozen_after", has_frozen_after},
        {"window", has_window}, {"deadband", has_deadband},       {"min_interval", has_min_interval},
        {"decimals", has_decimals},
};

static bool is_of_same_channel(const RuleCheck *r, const RuleSettings *other)
{
        return other->channel && strcmp(other->channel, r->rule->channel) == 0;
}

/* Has a rule before this one, and of the same channel, this part? Gives its line. */
static bool is_before(const RuleCheck *r, bool (*is_set)(const RuleSettings *s), unsigned *ret_line)
{
        const RuleSettings *all = r->c->settings->rules;
        const Node *list = node_child(r->c->settings->tree, "rules");

        for (size_t i = 0; i < r->i; i++)
                if (is_of_same_channel(r, &all[i]) && is_set(&all[i])) {
                        *ret_line = list->children[i]->place.line;
                        return true;
                }
        return false;
}

/* The rule of its channel that has this part, be it this one or another, and the part's line. NULL: none has. */
static const RuleSettings *rule_with(const RuleCheck *r, const char *member, bool (*is_set)(const RuleSettings *s),
                                     unsigned *ret_line)
{
        const Settings *s = r->c->settings;
        const Node *list = node_child(s->tree, "rules");

        for (size_t i = 0; i < s->n_rules; i++)
                if (is_of_same_channel(r, &s->rules[i]) && is_set(&s->rules[i])) {
                        *ret_line = node_child(list->children[i], member)->place.line;
                        return &s->rules[i];
                }
        return NULL;
}

static void check_once(const RuleCheck *r)
{
        unsigned line;

        for (size_t part = 0; part < ARRAY_SIZE(parts); part++)
                if (parts[part].is_set(r->rule) && is_before(r, parts[part].is_set, &line))
                        COMPLAIN(r, parts[part].member, "the rule of line %u has this for %s already", line,
                                 r->rule->channel);
}

/* ---- the parts ---- */

static bool has_some_alarm(const AlarmSettings *a)
{
        return alarm_is_set(a) || a->clear.is_set || a->hold_usec > 0 || *a->stream;
}

static void check_asks_for_something(const RuleCheck *r)
{
        for (size_t part = 0; part < ARRAY_SIZE(parts); part++)
                if (parts[part].is_set(r->rule))
                        return;
        if (!has_some_alarm(&r->rule->alarm))
                COMPLAIN(r, "",
                         "this rule asks for nothing: give it a range, stale_after, frozen_after, an alarm with above "
                         "or below, a window, a deadband, a min_interval or decimals");
}

/* A text is no number, however it looks. */
static void check_number(const RuleCheck *r)
{
        const RuleSettings *s = r->rule;

        if (r->channel && r->channel->text &&
            (has_range(s) || has_frozen_after(s) || has_window(s) || has_deadband(s) || has_min_interval(s) ||
             has_decimals(s) || alarm_is_set(&s->alarm)))
                COMPLAIN(r, "channel", "%s is a text: of one that is no number only stale_after can be asked",
                         s->channel);
}

/* One that is read no more often would be stale between two reads; and frozen with the second of two equal values,
 * which mean nothing, at once or where the read between them failed. */
static void check_watch(const RuleCheck *r)
{
        const usec_t interval = r->sensor ? r->sensor->interval_usec : 0, stale = r->rule->watch.stale_after_usec,
                     frozen = r->rule->watch.frozen_after_usec;
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL, twice = BUFFER_NULL;

        quantity_print_time(&text, interval);
        quantity_print_time(&twice, 2 * interval);
        if (stale > 0 && interval > 0 && stale <= interval)
                COMPLAIN(r, "stale_after", "sensor %s is read every %s: this must be longer", r->sensor_name,
                         text.data ?: "");
        if (frozen > 0 && frozen < 2 * interval)
                COMPLAIN(r, "frozen_after",
                         "sensor %s is read every %s, and two equal values do not mean that it is frozen: make this "
                         "%s at least",
                         r->sensor_name, text.data ?: "", twice.data ?: "");
}

static void check_deadband(const RuleCheck *r)
{
        const DeadbandSettings *d = &r->rule->deadband;

        if (d->width.is_set && d->width.value < 0)
                COMPLAIN(r, "deadband", "expected a number that is not negative");
        if (d->max_silence_usec > 0 && !d->width.is_set)
                COMPLAIN(r, "max_silence", "without a deadband in the same rule every value is sent, and there is no "
                                           "silence");
}

/* The one would be broken by the other, whichever is kept. */
static void check_silence(const RuleCheck *r)
{
        const usec_t silence = r->rule->deadband.max_silence_usec;
        _cleanup_(buffer_done) Buffer longest = BUFFER_NULL, least = BUFFER_NULL;
        const RuleSettings *other;
        unsigned line;

        other = rule_with(r, "min_interval", has_min_interval, &line);
        if (silence == 0 || !other || other->deadband.min_interval_usec <= silence)
                return;
        quantity_print_time(&longest, silence);
        quantity_print_time(&least, other->deadband.min_interval_usec);
        COMPLAIN(r, "max_silence", "%s, and by line %u %s goes not more often than each %s: make this as long as that",
                 longest.data ?: "", line, r->rule->channel, least.data ?: "");
}

/* At the end of a window the next one is due: it goes where that would be too late. */
static void check_silence_of_windows(const RuleCheck *r)
{
        const usec_t silence = r->rule->deadband.max_silence_usec;
        _cleanup_(buffer_done) Buffer longest = BUFFER_NULL, length = BUFFER_NULL, twice = BUFFER_NULL;
        const RuleSettings *other;
        unsigned line;

        other = rule_with(r, "window", has_window, &line);
        if (silence == 0 || !has_deadband(r->rule) || !other || silence >= 2 * other->window.length_usec)
                return;
        quantity_print_time(&longest, silence);
        quantity_print_time(&length, other->window.length_usec);
        quantity_print_time(&twice, 2 * other->window.length_usec);
        COMPLAIN(r, "max_silence",
                 "%s, and by line %u %s has a window each %s: each of them would be sent, whatever the deadband is; "
                 "make this %s at least",
                 longest.data ?: "", line, r->rule->channel, length.data ?: "", twice.data ?: "");
}

static void check_intervals(const RuleCheck *r)
{
        bool window = has_window(r->rule), min = has_min_interval(r->rule);
        unsigned line;

        if ((window && min) || (min && is_before(r, has_window, &line)) ||
            (window && is_before(r, has_min_interval, &line)))
                COMPLAIN(r, min ? "min_interval" : "window",
                         "%s has a window and a min_interval: a window is an interval already, make it as long as that",
                         r->rule->channel);
}

static void check_window(const RuleCheck *r)
{
        const WindowSettings *w = &r->rule->window;
        Name name;

        if (w->length_usec > 0 && w->send == 0)
                COMPLAIN(r, "window", "send is missing: what of it is sent, such as  send = [ \"mean\", \"max\" ];");
        if (w->send != 0 && w->length_usec == 0)
                COMPLAIN(r, "send", "window is missing: how long it is, such as  window = \"1min\";");
        for (WindowValue v = 0; v < _WINDOW_VALUE_MAX; v++) {
                if (w->length_usec == 0 || !(w->send & (1U << v)))
                        continue;
                if (!rule_window_name(r->channel_name, v, name))
                        COMPLAIN(r, "send", "%s_%s is longer than a name can be, %d: give the channel a shorter one",
                                 r->channel_name, window_value_to_string(v), NAME_LENGTH_MAX);
                for (size_t i = 0; i < count_channels(r->sensor); i++)
                        if (strcmp(channel_of(r->sensor, i), name) == 0)
                                COMPLAIN(r, "send", "sensor %s has a channel %s of its own", r->sensor_name, name);
        }
}

/* ---- alarms ---- */

static void check_alarm_stream(const RuleCheck *r)
{
        const Settings *s = r->c->settings;
        const char *stream = r->rule->alarm.stream;
        Nearest nearest = nearest_begin(stream);

        if (!*stream) {
                COMPLAIN(r, "alarm", "stream is missing: an urgent one, such as  stream = \"alarms\";");
                return;
        }
        for (size_t i = 0; i < s->n_streams; i++) {
                nearest_offer(&nearest, s->streams[i].name);
                if (strcmp(s->streams[i].name, stream) != 0)
                        continue;
                if (!s->streams[i].urgent)
                        COMPLAIN(r, "alarm.stream", "the stream \"%s\" is not urgent: give it  priority = \"urgent\";",
                                 stream);
                return;
        }
        if (nearest.found)
                COMPLAIN(r, "alarm.stream", "there is no stream \"%s\"; did you mean \"%s\"?", stream, nearest.found);
        else
                COMPLAIN(r, "alarm.stream", "there is no stream \"%s\" among the streams", stream);
}

static bool can_be_raised(const AlarmSettings *a, const NumberRange *range)
{
        return a->above.is_set ? a->above.value < range->high : a->below.value > range->low;
}

static bool can_end(const AlarmSettings *a, const NumberRange *range)
{
        return a->above.is_set ? alarm_end(a) >= range->low : alarm_end(a) <= range->high;
}

static void complain_of_limit(const RuleCheck *r, const NumberRange *range, unsigned line)
{
        const bool above = r->rule->alarm.above.is_set;
        char low[NUMBER_TEXT_MAX], high[NUMBER_TEXT_MAX];

        (void)number_format(range->low, low);
        (void)number_format(range->high, high);
        COMPLAIN(r, above ? "alarm.above" : "alarm.below",
                 "never reached: by line %u a value of %s outside %s to %s is an error, and no alarm comes of it; make "
                 "the range wider, or the limit %s than %s",
                 line, r->rule->channel, low, high, above ? "lower" : "higher", above ? high : low);
}

static void complain_of_end(const RuleCheck *r, const NumberRange *range, unsigned line)
{
        const AlarmSettings *a = &r->rule->alarm;
        const bool above = a->above.is_set;
        char low[NUMBER_TEXT_MAX], high[NUMBER_TEXT_MAX];

        (void)number_format(range->low, low);
        (void)number_format(range->high, high);
        COMPLAIN(r, a->clear.is_set ? "alarm.clear" : above ? "alarm.above" : "alarm.below",
                 "never %s: by line %u a value of %s outside %s to %s is an error, and no alarm ends by it; make the "
                 "range wider, or let the alarm end at %s or %s",
                 a->clear.is_set ? "reached" : "ends", line, r->rule->channel, low, high, above ? low : high,
                 above ? "above" : "below");
}

/* No alarm believes what is outside the range: one whose limit lies there would be silent for ever, and one that ends
 * there would never end. */
static void check_alarm_within_range(const RuleCheck *r)
{
        const AlarmSettings *a = &r->rule->alarm;
        const RuleSettings *other;
        unsigned line;

        if (a->above.is_set && a->below.is_set)
                return;
        other = rule_with(r, "range", has_range, &line);
        if (other && !can_be_raised(a, &other->range))
                complain_of_limit(r, &other->range, line);
        else if (other && !can_end(a, &other->range))
                complain_of_end(r, &other->range, line);
}

static void check_alarm(const RuleCheck *r)
{
        const AlarmSettings *a = &r->rule->alarm;

        if (!alarm_is_set(a)) {
                if (has_some_alarm(a))
                        COMPLAIN(r, "alarm", "a limit is missing: above or below");
                return;
        }
        if (a->above.is_set && a->below.is_set)
                COMPLAIN(r, "alarm.below", "an alarm has one limit: make two rules, one above and one below");
        else if (a->clear.is_set && a->above.is_set && a->clear.value > a->above.value)
                COMPLAIN(r, "alarm.clear", "an alarm above a limit ends at the limit or below it");
        else if (a->clear.is_set && a->below.is_set && a->clear.value < a->below.value)
                COMPLAIN(r, "alarm.clear", "an alarm below a limit ends at the limit or above it");
        if (strcmp(r->channel_name, "alarm") == 0 || strcmp(r->channel_name, "limit") == 0)
                COMPLAIN(r, "channel", "%s stands for something else in the reading of an alarm: give the channel "
                                       "another name",
                         r->channel_name);
        check_alarm_within_range(r);
        check_alarm_stream(r);
}

static void check_rule(RuleCheck *r)
{
        char path[PATH_MAX_];

        if (node_is_faulty(node_nearest(r->c->settings->tree, path_of(r, "", path))) || !find_what_it_is_about(r))
                return;
        check_asks_for_something(r);
        check_once(r);
        check_number(r);
        check_watch(r);
        check_deadband(r);
        check_silence(r);
        check_silence_of_windows(r);
        check_intervals(r);
        check_window(r);
        check_alarm(r);
}

/* Where one of the list is no rule at all, that is told, and the others do not stand in their places. */
void check_rules(const Check *c)
{
        const Node *list = node_child(c->settings->tree, "rules");

        if (!list || list->n_children != c->settings->n_rules)
                return;
        for (size_t i = 0; i < c->settings->n_rules; i++)
                check_rule(&(RuleCheck){.c = c, .rule = &c->settings->rules[i], .i = i});
}
