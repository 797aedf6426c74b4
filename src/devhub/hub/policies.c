/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/policies.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/secret.h"
#include "devhub/hub/key.h"

#define REGISTRY_RIGHTS (RIGHT_REGISTRY_READ | RIGHT_REGISTRY_WRITE)

static const struct {
        const char *name;
        unsigned rights;
} policies[] = {
        {"iothubowner", REGISTRY_RIGHTS | RIGHT_SERVICE_CONNECT | RIGHT_DEVICE_CONNECT | RIGHT_ENROLLMENT},
        {"service", RIGHT_SERVICE_CONNECT},
        {"device", RIGHT_DEVICE_CONNECT},
        {"registryRead", RIGHT_REGISTRY_READ},
        {"registryReadWrite", REGISTRY_RIGHTS},
        {"provisioningserviceowner", RIGHT_ENROLLMENT},
};

void policy_done(Policy *policy)
{
        secret_free(policy->primary_key);
        secret_free(policy->secondary_key);
        *policy = (Policy){};
}

static unsigned rights_of(const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(policies); i++)
                if (strcmp(policies[i].name, name) == 0)
                        return policies[i].rights;
        return 0;
}

/* The column device_connect repeats the one right of that name: it stands in every hub's file. */
static int add(Store *store, const char *name, unsigned rights)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        _cleanup_(policy_done) Policy policy = {};
        int r;

        r = store_prepare(store, "INSERT OR IGNORE INTO policies VALUES (?, ?, ?, ?)", &statement);
        if (r < 0)
                return r;
        r = key_make(&policy.primary_key);
        if (r >= 0)
                r = key_make(&policy.secondary_key);
        if (r < 0)
                return r;
        if (store_bind_text(statement, 1, name) < 0 || store_bind_text(statement, 2, policy.primary_key) < 0 ||
            store_bind_text(statement, 3, policy.secondary_key) < 0)
                return -ENOMEM;
        (void)sqlite3_bind_int(statement, 4, (rights & RIGHT_DEVICE_CONNECT) != 0);
        return store_step(store, statement);
}

int policies_prepare(Store *store)
{
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(policies); i++)
                r = add(store, policies[i].name, policies[i].rights);
        return r;
}

int policy_find(Store *store, const char *name, Policy *ret)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        _cleanup_(policy_done) Policy policy = {.rights = rights_of(name)};
        int r;

        r = store_prepare(store, "SELECT primary_key, secondary_key FROM policies WHERE name = ?", &statement);
        if (r < 0)
                return r;
        r = store_bind_text(statement, 1, name);
        if (r < 0)
                return r;
        r = store_step(store, statement);
        if (r <= 0)
                return r < 0 ? r : POLICY_E_UNKNOWN;
        policy.primary_key = store_column_text(statement, 0);
        policy.secondary_key = store_column_text(statement, 1);
        if (!policy.primary_key || !policy.secondary_key)
                return -ENOMEM;
        *ret = policy;
        policy = (Policy){};
        return 0;
}

bool policy_has_signed(const Policy *policy, const Token *token)
{
        if (strncasecmp(token->resource, "sb://", 5) == 0)
                return token_is_signed_by_text(token, policy->primary_key) ||
                       token_is_signed_by_text(token, policy->secondary_key);
        return token_is_signed_by_either(token, policy->primary_key, policy->secondary_key);
}
