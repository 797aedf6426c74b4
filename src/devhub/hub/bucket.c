/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/bucket.h"

/* One thing asked for raises the level by a minute in microseconds, and each microsecond lowers it by the rate of a
 * minute: so no rate is rounded. The largest, 240 MiB/s, leaves room for ten minutes of it. */
#define LEVEL_OF_ONE USEC_PER_MIN

void bucket_init(Bucket *b, uint64_t per_minute, usec_t burst_usec)
{
        *b = (Bucket){.per_minute = per_minute, .brim = per_minute * burst_usec};
}

static void run_out(Bucket *b, usec_t now)
{
        usec_t passed = usec_sub(now, b->at_usec);

        b->at_usec = now;
        b->level = passed > b->level / b->per_minute ? 0 : b->level - passed * b->per_minute;
}

int bucket_take(Bucket *b, uint64_t cost, usec_t patience_usec, usec_t now, usec_t *ret_wait_usec)
{
        uint64_t level, above;

        *ret_wait_usec = 0;
        if (b->per_minute == 0)
                return 0;
        run_out(b, now);
        level = b->level + cost * LEVEL_OF_ONE;
        above = level > b->brim ? level - b->brim : 0;
        *ret_wait_usec = (above + b->per_minute - 1) / b->per_minute;
        if (*ret_wait_usec > patience_usec)
                return BUCKET_E_FULL;
        b->level = level;
        return 0;
}
