/* SPDX-License-Identifier: Apache-2.0 */
#include "base/iso-time.h"

#include <errno.h>
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

/* ---- reading ---- */

/* Exactly so many digits, and steps over them. */
static bool take(const char **p, unsigned digits, unsigned most, unsigned *ret)
{
        unsigned v = 0;

        for (unsigned i = 0; i < digits; i++, (*p)++) {
                if (**p < '0' || **p > '9')
                        return false;
                v = v * 10 + (unsigned)(**p - '0');
        }
        *ret = v;
        return v <= most;
}

static bool take_char(const char **p, char c)
{
        if (**p != c)
                return false;
        (*p)++;
        return true;
}

static bool take_date(const char **p, int64_t *ret_days)
{
        unsigned year, month, day;
        struct tm tm = {};
        time_t seconds;

        if (!take(p, 4, 9999, &year) || !take_char(p, '-') || !take(p, 2, 12, &month) || !take_char(p, '-') ||
            !take(p, 2, 31, &day) || month == 0 || day == 0)
                return false;
        tm.tm_year = (int)year - 1900;
        tm.tm_mon = (int)month - 1;
        tm.tm_mday = (int)day;
        seconds = timegm(&tm);
        *ret_days = seconds / 86400; /* of midnight: before 1970 as well there is no rest */
        return tm.tm_mday == (int)day; /* else the month is shorter */
}

/* ".123": as many digits as one likes, those beyond microseconds count for nothing. */
static bool take_fraction(const char **p, usec_t *usec)
{
        usec_t weight = USEC_PER_SEC / 10;
        const char *start;

        if (!take_char(p, '.'))
                return true;
        for (start = *p; **p >= '0' && **p <= '9'; (*p)++, weight /= 10)
                *usec += (usec_t)(**p - '0') * weight;
        return *p > start;
}

static bool take_zone(const char **p, int64_t *ret_seconds)
{
        unsigned hours, minutes;
        bool west = **p == '-';

        *ret_seconds = 0;
        if (take_char(p, 'Z'))
                return true;
        if (!take_char(p, west ? '-' : '+') || !take(p, 2, 23, &hours) || !take_char(p, ':') ||
            !take(p, 2, 59, &minutes))
                return false;
        *ret_seconds = (int64_t)(hours * 60 + minutes) * (west ? -60 : 60);
        return true;
}

int iso_time_parse(const char *text, usec_t *ret)
{
        unsigned hours, minutes, seconds = 0;
        int64_t days, zone, total;
        usec_t fraction = 0;

        if (!take_date(&text, &days) || !take_char(&text, 'T') || !take(&text, 2, 23, &hours) ||
            !take_char(&text, ':') || !take(&text, 2, 59, &minutes))
                return -EINVAL;
        if (take_char(&text, ':') && (!take(&text, 2, 60, &seconds) || !take_fraction(&text, &fraction)))
                return -EINVAL;
        if (!take_zone(&text, &zone) || *text)
                return -EINVAL;
        total = days * 86400 + (int64_t)(hours * 3600 + minutes * 60 + seconds) - zone;
        if (total < 0)
                return -ERANGE;
        *ret = (usec_t)total * USEC_PER_SEC + fraction;
        return 0;
}
