/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/reading-line.h"

#include <string.h>

#include "sensor/influx-line.h"
#include "sensor/json-line.h"

static const struct {
        const char *name;
        ReadingLineParser *parse;
        const char *bad_time;
} formats[] = {
        {"json", json_line_parse,
         "t is no time of this century, or lies in the future; it counts milliseconds since 1970 (a value "
         "needs a longer name, such as temperature)"},
        {"influx", influx_line_parse,
         "its time is not of this century, or lies in the future; it counts nanoseconds since 1970"},
};

ReadingLineParser *reading_line_parser(const char *format)
{
        for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
                if (strcmp(formats[i].name, format ? format : "json") == 0)
                        return formats[i].parse;
        return NULL;
}

const char *reading_line_bad_time(ReadingLineParser *parser)
{
        for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
                if (formats[i].parse == parser)
                        return formats[i].bad_time;
        return "no such time";
}
