/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Tier - what a hub of that price may do, and how much of it
 *
 * The figures are those of the service (protocol reference 2.6). How long a burst may last, and how long one who
 * comes too soon is kept waiting, the service does not say: those two are this hub's own.
 */

#include "base/clock.h"

typedef enum Tier {
        TIER_NONE, /* nothing is limited or counted */
        TIER_F1,
        TIER_S1,
        TIER_S2,
        TIER_S3,
        _TIER_MAX,
        _TIER_INVALID = -22,
} Tier;

typedef enum Operation {
        OPERATION_NONE, /* not limited, not billed */
        OPERATION_CONNECT,
        OPERATION_D2C_SEND,
        OPERATION_C2D_SEND,
        OPERATION_C2D_RECEIVE, /* over HTTPS */
        OPERATION_REGISTRY,
        OPERATION_QUERY,
        OPERATION_METHOD, /* limited by size, in whole chunks of 4 KiB; the others by number */
        OPERATION_TWIN_READ,
        OPERATION_TWIN_UPDATE,
        OPERATION_PROVISION, /* of the provisioning service, which has the same limit beside every tier */
        _OPERATION_MAX,
} Operation;

const char *tier_to_string(Tier tier);
Tier tier_from_string(const char *name); /* in either case; _TIER_INVALID: no tier has it */
unsigned tier_units_max(Tier tier);
uint64_t tier_quota(Tier tier, unsigned units); /* messages a day */
size_t tier_chunk(Tier tier);                   /* what counts as one of them */
uint64_t tier_per_minute(Tier tier, unsigned units, Operation operation); /* 0: no limit */

const char *operation_to_string(Operation operation);
bool operation_is_billed(Operation operation);
uint64_t operation_cost(Operation operation, size_t size); /* of its limit */
usec_t operation_burst(Operation operation);    /* so much of its limit is let through at once */
usec_t operation_patience(Operation operation); /* so long it waits where it can be kept waiting */
