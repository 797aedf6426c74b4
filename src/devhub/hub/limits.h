/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Limits - what the hub's tier still allows
 *
 * A bucket for each operation that is throttled, and the meter of what is billed, held against the day's quota. A hub
 * without a tier has none, and then nothing is asked or counted.
 *
 * Time:   the hub's wall clock: so a virtual one empties buckets as it ends days.
 */

#include "devhub/hub/bucket.h"
#include "devhub/hub/meter.h"

typedef struct LimitsTally {
        uint64_t n_shaped;    /* had to wait */
        uint64_t n_throttled; /* were refused for their rate */
        uint64_t n_over_quota;
} LimitsTally;

typedef struct Limits {
        const Clock *clock;
        Tier tier;
        unsigned units;
        Bucket buckets[_OPERATION_MAX];
        LimitsTally tallies[_OPERATION_MAX]; /* since the server began */
        Meter meter;
        void (*billed)(void *userdata); /* something was: the transaction is to be ended soon; or NULL */
        void *userdata;
} Limits;

enum {
        _LIMITS_E_SUCCESS,
        LIMITS_E_THROTTLED,
        LIMITS_E_QUOTA,
};

/* The store outlives it. */
int limits_new(Limits **ret, Store *store, const Clock *clock, Tier tier, unsigned units);
Limits *limits_free(Limits *limits);
DEFINE_CLEANUP(Limits *, limits_free);

uint64_t limits_quota(const Limits *limits);

/* May it be done? can_wait: if need be after *ret_wait_usec. With LIMITS_E_THROTTLED: when it may be asked again.
 * What is admitted has used its share of the limit. */
int limits_admit(Limits *limits, Operation operation, size_t size, bool can_wait, usec_t *ret_wait_usec);
/* It was done. Negative: what was done is to be undone, for it cannot be billed. */
int limits_bill(Limits *limits, Operation operation, size_t size);
