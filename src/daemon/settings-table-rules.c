/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/settings-table-rows.h"

#define RULE(member) AT(RuleSettings, member)

static const SettingsRow alarm_rows[] = {
        {"above", .type = &value_limit, RULE(alarm.above), .example = "80.0",
         .meaning = "The alarm is raised by values above this limit."},
        {"below", .type = &value_limit, RULE(alarm.below), .example = "5.0",
         .meaning = "The alarm is raised by values below this limit. An alarm has one of both."},
        {"clear", .type = &value_limit, RULE(alarm.clear), .example = "75.0",
         .meaning = "The first value that is back here clears it. Without it that is the limit itself."},
        {"hold", SPAN(USEC_PER_MSEC, USEC_PER_DAY), RULE(alarm.hold_usec), .example = "\"10s\"",
         .meaning = "Values have to be beyond the limit for so long first. Without it one is enough."},
        {"stream", .type = &value_name, RULE(alarm.stream), .example = "\"alarms\"",
         .meaning = "The stream, an urgent one, that the alarm goes by. It has to be named."},
        END,
};

const SettingsRow settings_rule_rows[] = {
        {"channel", .type = &value_line, RULE(channel), .required = true, .example = "\"cpu.temperature\"",
         .meaning = "The sensor and its channel that the rule is for."},
        {"range", .type = &value_range, RULE(range), .example = "[ -40.0, 125.0 ]",
         .meaning = "What the sensor can mean: a value outside is sent marked, q = \"range\", in a reading of its own, "
                    "and no other part of the rules looks at it; the sensor's state is stale meanwhile. The limits of "
                    "an alarm must lie within."},
        {"stale_after", SPAN(100 * USEC_PER_MSEC, 30 * USEC_PER_DAY), RULE(watch.stale_after_usec),
         .example = "\"1min\"",
         .meaning = "When no value came for so long, the last one is sent marked, q = \"stale\", and the sensor's "
                    "state is stale. It has to be longer than the sensor's interval. Without it no value is missed."},
        {"frozen_after", SPAN(100 * USEC_PER_MSEC, 30 * USEC_PER_DAY), RULE(watch.frozen_after_usec),
         .example = "\"1h\"",
         .meaning = "The same for a value that comes over and over and never changes, from then on. It has to be twice "
                    "the sensor's interval at least."},
        {"alarm", .rows = alarm_rows,
         .meaning = "What is too much or too little: told by a reading in an urgent stream and the D-Bus signal Alarm, "
                    "when it begins and when it ends."},
        {"window", SPAN(100 * USEC_PER_MSEC, USEC_PER_DAY), RULE(window.length_usec), .example = "\"1min\"",
         .meaning = "In place of the channel's values go, at the end of each window of this length, those that `send` "
                    "names."},
        {"send", .type = &value_send, RULE(window.send),
         .meaning = "What of a window is sent, as channels of their own: NAME_mean, NAME_min, NAME_max, NAME_count. A "
                    "rule with a window has to say it."},
        {"deadband", .type = &value_limit, RULE(deadband.width), .example = "0.5",
         .meaning = "A value is sent when it differs by more than this from what was sent last; 0.0 stands for any "
                    "difference. Without it every value is."},
        {"max_silence", SPAN(USEC_PER_SEC, 30 * USEC_PER_DAY), RULE(deadband.max_silence_usec),
         .example = "\"5min\"",
         .meaning = "With a deadband: after so long the last value is sent in any case. For windows it has to be two "
                    "of them at least. Without it never."},
        {"min_interval", SPAN(100 * USEC_PER_MSEC, USEC_PER_DAY), RULE(deadband.min_interval_usec),
         .example = "\"10s\"",
         .meaning = "Between two values that are sent lies at least so much time. Without it they go as they come."},
        {"decimals", .type = &value_decimals, .min = 0, .max = NUMBER_DECIMALS_MAX, RULE(decimals), .example = "1",
         .meaning = "What is sent of the channel, and of its windows, is rounded to so many decimals; no part of the "
                    "rules looks at that. Without it values go as they were read."},
        END,
};

static void rule_done(void *element)
{
        free(((RuleSettings *)element)->channel);
}

const SettingsMap settings_rule_map = {
        .element_size = sizeof(RuleSettings),
        .done = rule_done,
        .noun = "a rule",
        .max = 1024,
        .list = true,
};
