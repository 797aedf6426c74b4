/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/cli/limits-json.h"

#include <string.h>

#include "base/iso-time.h"

static void add(json_object *o, const char *name, uint64_t n)
{
        json_object_object_add(o, name, json_object_new_uint64(n));
}

static json_object *operation(const Limits *limits, Operation operation)
{
        const LimitsTally *tally = &limits->tallies[operation];
        json_object *o = json_object_new_object();

        add(o, "per_minute", limits->buckets[operation].per_minute);
        add(o, "billed", limits->meter.billed[operation]);
        add(o, "delayed", tally->n_shaped);
        add(o, "throttled", tally->n_throttled);
        add(o, "over_quota", tally->n_over_quota);
        return o;
}

static json_object *day(usec_t wall)
{
        char text[ISO_TIME_MAX];

        (void)iso_time_format(wall, text);
        return json_object_new_string_len(text, (int)strlen("2026-11-21"));
}

void limits_to_json(Limits *limits, json_object *ret)
{
        json_object *operations;

        if (!limits) {
                json_object_object_add(ret, "tier", NULL);
                return;
        }
        /* what cannot be written stays as it is, and the next who asks for something billable is told */
        (void)meter_turn_to(&limits->meter, clock_wall(limits->clock));
        json_object_object_add(ret, "tier", json_object_new_string(tier_to_string(limits->tier)));
        add(ret, "units", limits->units);
        json_object_object_add(ret, "day", day((usec_t)limits->meter.day * USEC_PER_DAY));
        add(ret, "chunk", tier_chunk(limits->tier));
        add(ret, "quota", limits_quota(limits));
        add(ret, "billed", limits->meter.total);
        operations = json_object_new_object();
        for (int i = OPERATION_CONNECT; i < _OPERATION_MAX; i++)
                json_object_object_add(operations, operation_to_string((Operation)i), operation(limits, (Operation)i));
        json_object_object_add(ret, "operations", operations);
}
