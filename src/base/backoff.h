/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Backoff - how long to wait before the next try
 *
 * Doubling with a cap and full jitter: the n-th delay is drawn evenly from [0, min(cap, first * 2^n)], so that
 * a fleet that lost its hub together does not come back together. The floor keeps a lucky draw from becoming
 * a storm. Pure: the dice come from outside.
 */

#include "base/clock.h"

typedef struct Random {
        uint64_t (*draw)(void *userdata); /* 64 even bits */
        void *userdata;
} Random;

extern const Random random_system; /* the kernel's */

typedef struct Backoff {
        usec_t first_usec;
        usec_t max_usec;
        usec_t floor_usec;
        unsigned tries;
} Backoff;

usec_t backoff_next(Backoff *b, const Random *random);
static inline void backoff_reset(Backoff *b)
{
        b->tries = 0;
}
