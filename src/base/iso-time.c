/* SPDX-License-Identifier: Apache-2.0 */
#include "base/iso-time.h"

#include <stdio.h>
#include <time.h>

#define YEAR_10000_USEC (253402300800 * USEC_PER_SEC)

size_t iso_time_format(usec_t wall_usec, char text[static ISO_TIME_MAX])
{
        usec_t usec = MIN(wall_usec, YEAR_10000_USEC - 1);
        time_t seconds = (time_t)(usec / USEC_PER_SEC);
        struct tm tm = {};
        size_t n;

        (void)gmtime_r(&seconds, &tm);
        n = strftime(text, ISO_TIME_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
        return n + (size_t)snprintf(text + n, ISO_TIME_MAX - n, ".%03uZ",
                                    (unsigned)(usec % USEC_PER_SEC / USEC_PER_MSEC));
}
