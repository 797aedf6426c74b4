/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/limits.h"

#include <errno.h>

#include "azure/billing.h"

int limits_new(Limits **ret, Store *store, const Clock *clock, Tier tier, unsigned units)
{
        _cleanup_(limits_freep) Limits *limits = calloc(1, sizeof(*limits));
        int r;

        if (!limits)
                return -ENOMEM;
        limits->clock = clock;
        limits->tier = tier;
        limits->units = units;
        for (int i = 0; i < _OPERATION_MAX; i++)
                bucket_init(&limits->buckets[i], tier_per_minute(tier, units, (Operation)i),
                            operation_burst((Operation)i));
        r = meter_open(&limits->meter, store, clock_wall(clock));
        if (r < 0)
                return r;
        *ret = TAKE_PTR(limits);
        return 0;
}

Limits *limits_free(Limits *limits)
{
        free(limits);
        return NULL;
}

uint64_t limits_quota(const Limits *limits)
{
        return tier_quota(limits->tier, limits->units);
}

int limits_admit(Limits *limits, Operation operation, size_t size, bool can_wait, usec_t *ret_wait_usec)
{
        LimitsTally *tally = &limits->tallies[operation];
        usec_t now = clock_wall(limits->clock), patience = can_wait ? operation_patience(operation) : 0;
        int r;

        *ret_wait_usec = 0;
        r = operation_is_billed(operation) ? meter_turn_to(&limits->meter, now) : 0;
        if (r < 0)
                return r;
        if (operation_is_billed(operation) && limits->meter.total >= limits_quota(limits)) {
                tally->n_over_quota++;
                return LIMITS_E_QUOTA;
        }
        if (bucket_take(&limits->buckets[operation], operation_cost(operation, size), patience, now, ret_wait_usec)) {
                tally->n_throttled++;
                return LIMITS_E_THROTTLED;
        }
        tally->n_shaped += *ret_wait_usec > 0;
        return 0;
}

int limits_bill(Limits *limits, Operation operation, size_t size)
{
        bool first = !limits->meter.changed;
        int r = meter_add(&limits->meter, operation, billed_messages(size, tier_chunk(limits->tier)),
                          clock_wall(limits->clock));

        if (r >= 0 && first && limits->billed)
                limits->billed(limits->userdata);
        return r;
}
