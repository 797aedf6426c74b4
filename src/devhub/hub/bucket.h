/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Bucket - a limit that lets a burst through, then makes wait, then refuses
 *
 * What is asked for runs into the bucket, and out of it at the limit's rate. While there is room nobody waits; what
 * stands above the brim has to wait until it has run in. Who will not wait that long is refused, and leaves nothing
 * behind. Pure.
 *
 * Time:   of the caller's choice, given with each call. If it steps back nothing has run out meanwhile.
 */

#include "base/clock.h"

typedef struct Bucket {
        uint64_t per_minute; /* 0: no limit */
        uint64_t brim;       /* in millionths of a minute's worth, as is: */
        uint64_t level;
        usec_t at_usec;
} Bucket;

enum {
        _BUCKET_E_SUCCESS,
        BUCKET_E_FULL,
};

void bucket_init(Bucket *b, uint64_t per_minute, usec_t burst_usec);
/* How long it is to wait; with BUCKET_E_FULL, until it might be asked again. */
int bucket_take(Bucket *b, uint64_t cost, usec_t patience_usec, usec_t now, usec_t *ret_wait_usec);
