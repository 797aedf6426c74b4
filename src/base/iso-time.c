/* SPDX-License-Identifier: Apache-2.0 */
#include "base/iso-time.h"

#include <time.h>

#define YEAR_10000_USEC (253402300800 * USEC_PER_SEC)

static char *put(char *p, unsigned v, unsigned digits, char end)
{
        for (unsigned i = digits; i > 0; v /= 10)
                p[--i] = (char)('0' + v % 10);
        p[digits] = end;
        return p + digits + 1;
}

/* Up to the dot behind the seconds. Every message has such a time; strftime() would cost as much as its JSON. */
static char *put_seconds(char *p, usec_t usec)
{
        time_t seconds = (time_t)(usec / USEC_PER_SEC);
        struct tm tm = {};

        (void)gmtime_r(&seconds, &tm);
        p = put(p, (unsigned)tm.tm_year + 1900, 4, '-');
        p = put(p, (unsigned)tm.tm_mon + 1, 2, '-');
        p = put(p, (unsigned)tm.tm_mday, 2, 'T');
        p = put(p, (unsigned)tm.tm_hour, 2, ':');
        p = put(p, (unsigned)tm.tm_min, 2, ':');
        return put(p, (unsigned)tm.tm_sec, 2, '.');
}

size_t iso_time_format(usec_t wall_usec, char text[static ISO_TIME_MAX])
{
        usec_t usec = MIN(wall_usec, YEAR_10000_USEC - 1);
        char *p = put_seconds(text, usec);

        p = put(p, (unsigned)(usec % USEC_PER_SEC / USEC_PER_MSEC), 3, 'Z');
        *p = 0;
        return (size_t)(p - text);
}

size_t iso_time_format_7(usec_t wall_usec, char text[static ISO_TIME_MAX])
{
        usec_t usec = MIN(wall_usec, YEAR_10000_USEC - 1);
        char *p = put_seconds(text, usec);

        p = put(p, (unsigned)(usec % USEC_PER_SEC) * 10, 7, 'Z');
        *p = 0;
        return (size_t)(p - text);
}
