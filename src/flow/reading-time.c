/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/reading-time.h"

void reading_time_make_out(Reading *reading, usec_t appended, QueueTime how_well)
{
        static const Quality qualities[] = {
                [QUEUE_TIME_GOOD] = QUALITY_GOOD,
                [QUEUE_TIME_BOUNDED] = QUALITY_BOUNDED,
                [QUEUE_TIME_UNKNOWN] = QUALITY_UNKNOWN,
        };

        if (reading->wall_trusted)
                return;
        if (appended > 0)
                reading->wall_usec = usec_sub(appended, reading->age_usec);
        if (reading->quality == QUALITY_GOOD)
                reading->quality = qualities[how_well];
}
