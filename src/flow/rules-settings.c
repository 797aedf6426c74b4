/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/rules-settings.h"

#include <stdio.h>
#include <string.h>

const char *window_value_to_string(WindowValue value)
{
        switch (value) {
        case WINDOW_MEAN:
                return "mean";
        case WINDOW_MIN:
                return "min";
        case WINDOW_MAX:
                return "max";
        case WINDOW_COUNT:
                return "count";
        case _WINDOW_VALUE_MAX:
                break;
        }
        return NULL;
}

bool alarm_settings_equal(const AlarmSettings *a, const AlarmSettings *b)
{
        return number_limits_equal(&a->above, &b->above) && number_limits_equal(&a->below, &b->below) &&
               number_limits_equal(&a->clear, &b->clear) && a->hold_usec == b->hold_usec &&
               strcmp(a->stream, b->stream) == 0;
}

bool rule_channel_split(const char *text, Name ret_sensor, Name ret_channel)
{
        size_t n = strcspn(text, ".");

        if (!text[n] || n > NAME_LENGTH_MAX || strlen(text + n + 1) > NAME_LENGTH_MAX)
                return false;
        (void)snprintf(ret_sensor, sizeof(Name), "%.*s", (int)n, text);
        (void)snprintf(ret_channel, sizeof(Name), "%s", text + n + 1);
        return name_is_valid(ret_sensor) && channel_name_is_valid(ret_channel);
}

bool rule_window_name(const char *channel, WindowValue value, Name ret)
{
        return snprintf(ret, sizeof(Name), "%s_%s", channel, window_value_to_string(value)) <= NAME_LENGTH_MAX;
}
