/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/tier.h"

#include <strings.h>

#include "azure/billing.h"

#define KIB ((uint64_t)1024)
#define MIB (1024 * KIB)

/* The higher of the two counts: "the higher of 100/s and 12/s/unit". */
typedef struct Limit {
        uint64_t each_unit; /* a minute */
        uint64_t at_least;
} Limit;

#define A_SECOND(n) ((n) * (uint64_t)60)

typedef struct TierFacts {
        const char *name;
        uint64_t messages_each_unit; /* a day */
        unsigned units_max;
        size_t chunk;
        const Limit *limits;
} TierFacts;

static const Limit small[_OPERATION_MAX] = {
        [OPERATION_CONNECT] = {A_SECOND(12), A_SECOND(100)},
        [OPERATION_D2C_SEND] = {A_SECOND(12), A_SECOND(100)},
        [OPERATION_C2D_SEND] = {100, 0},
        [OPERATION_C2D_RECEIVE] = {1000, 0},
        [OPERATION_REGISTRY] = {100, 0},
        [OPERATION_QUERY] = {20, 0},
        [OPERATION_METHOD] = {A_SECOND(160 * KIB), 0},
        [OPERATION_TWIN_READ] = {0, A_SECOND(100)},
        [OPERATION_TWIN_UPDATE] = {0, A_SECOND(50)},
        [OPERATION_PROVISION] = {0, 1000},
};

static const Limit middle[_OPERATION_MAX] = {
        [OPERATION_CONNECT] = {A_SECOND(120), 0},
        [OPERATION_D2C_SEND] = {A_SECOND(120), 0},
        [OPERATION_C2D_SEND] = {100, 0},
        [OPERATION_C2D_RECEIVE] = {1000, 0},
        [OPERATION_REGISTRY] = {100, 0},
        [OPERATION_QUERY] = {20, 0},
        [OPERATION_METHOD] = {A_SECOND(480 * KIB), 0},
        [OPERATION_TWIN_READ] = {A_SECOND(10), A_SECOND(100)},
        [OPERATION_TWIN_UPDATE] = {A_SECOND(5), A_SECOND(50)},
        [OPERATION_PROVISION] = {0, 1000},
};

static const Limit large[_OPERATION_MAX] = {
        [OPERATION_CONNECT] = {A_SECOND(6000), 0},
        [OPERATION_D2C_SEND] = {A_SECOND(6000), 0},
        [OPERATION_C2D_SEND] = {5000, 0},
        [OPERATION_C2D_RECEIVE] = {50000, 0},
        [OPERATION_REGISTRY] = {5000, 0},
        [OPERATION_QUERY] = {1000, 0},
        [OPERATION_METHOD] = {A_SECOND(24 * MIB), 0},
        [OPERATION_TWIN_READ] = {A_SECOND(500), 0},
        [OPERATION_TWIN_UPDATE] = {A_SECOND(250), 0},
        [OPERATION_PROVISION] = {0, 1000},
};

static const TierFacts tiers[_TIER_MAX] = {
        [TIER_F1] = {"F1", 8000, 1, BILLING_CHUNK_FREE, small},
        [TIER_S1] = {"S1", 400000, 200, BILLING_CHUNK, small},
        [TIER_S2] = {"S2", 6000000, 200, BILLING_CHUNK, middle},
        [TIER_S3] = {"S3", 300000000, 10, BILLING_CHUNK, large},
};

typedef struct OperationFacts {
        const char *name;
        bool billed;
        usec_t burst, patience;
} OperationFacts;

static const OperationFacts operations[_OPERATION_MAX] = {
        [OPERATION_NONE] = {"other", false, 0, 0},
        [OPERATION_CONNECT] = {"connect", false, USEC_PER_SEC, 3 * USEC_PER_SEC},
        [OPERATION_D2C_SEND] = {"d2c-send", true, USEC_PER_MIN, 30 * USEC_PER_SEC},
        [OPERATION_C2D_SEND] = {"c2d-send", true, USEC_PER_MIN, 0},
        [OPERATION_C2D_RECEIVE] = {"c2d-receive", false, USEC_PER_MIN, 0},
        [OPERATION_REGISTRY] = {"registry", false, USEC_PER_MIN, 0},
        [OPERATION_QUERY] = {"query", true, USEC_PER_MIN, 0},
        [OPERATION_METHOD] = {"method", true, USEC_PER_MIN, 0},
        [OPERATION_TWIN_READ] = {"twin-read", true, USEC_PER_MIN, 0},
        [OPERATION_TWIN_UPDATE] = {"twin-update", true, USEC_PER_MIN, 0},
        [OPERATION_PROVISION] = {"provision", false, USEC_PER_MIN, 0},
};

const char *tier_to_string(Tier tier)
{
        return tiers[tier].name;
}

Tier tier_from_string(const char *name)
{
        for (int i = TIER_F1; i < _TIER_MAX; i++)
                if (strcasecmp(tiers[i].name, name) == 0)
                        return (Tier)i;
        return _TIER_INVALID;
}

unsigned tier_units_max(Tier tier)
{
        return tiers[tier].units_max;
}

uint64_t tier_quota(Tier tier, unsigned units)
{
        return tiers[tier].messages_each_unit * units;
}

size_t tier_chunk(Tier tier)
{
        return tiers[tier].chunk;
}

uint64_t tier_per_minute(Tier tier, unsigned units, Operation operation)
{
        const Limit *limit = &tiers[tier].limits[operation];

        return MAX(limit->each_unit * units, limit->at_least);
}

const char *operation_to_string(Operation operation)
{
        return operations[operation].name;
}

bool operation_is_billed(Operation operation)
{
        return operations[operation].billed;
}

uint64_t operation_cost(Operation operation, size_t size)
{
        return operation == OPERATION_METHOD ? billed_messages(size, BILLING_CHUNK) * BILLING_CHUNK : 1;
}

usec_t operation_burst(Operation operation)
{
        return operations[operation].burst;
}

usec_t operation_patience(Operation operation)
{
        return operations[operation].patience;
}
