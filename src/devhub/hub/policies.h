/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Policies - the shared access policies of the hub and of its provisioning service, and what each may do
 *
 * Those that a real hub is created with (protocol reference 8.1); their keys are made once and lie in the store. There
 * is no way to add one.
 *
 * Holds secrets: wiped when done.
 */

#include "azure/token.h"
#include "devhub/hub/store.h"

typedef enum Right {
        RIGHT_REGISTRY_READ = 1 << 0,
        RIGHT_REGISTRY_WRITE = 1 << 1, /* never without READ */
        RIGHT_SERVICE_CONNECT = 1 << 2,
        RIGHT_DEVICE_CONNECT = 1 << 3, /* as any device */
        RIGHT_ENROLLMENT = 1 << 4,     /* all of the provisioning service's */
} Right;

typedef struct Policy {
        char *primary_key; /* base64 */
        char *secondary_key;
        unsigned rights; /* Right bits */
} Policy;

enum {
        _POLICY_E_SUCCESS,
        POLICY_E_UNKNOWN, /* there is none of that name; the judge's JUDGE_E_UNKNOWN */
};

/* Makes those of a new hub, within a transaction of the caller's. */
int policies_prepare(Store *store);

int policy_find(Store *store, const char *name, Policy *ret);
void policy_done(Policy *policy);

/* With either key: a token of the hub with the key decoded, one of its Event Hubs-compatible endpoint (sb://...) with
 * the key's text as it is written (trap 2). */
bool policy_has_signed(const Policy *policy, const Token *token);
