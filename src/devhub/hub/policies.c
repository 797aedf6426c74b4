/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/policies.h"

#include <errno.h>

#include "devhub/hub/key.h"
#include "devhub/hub/registry.h"

static int add_policy(Store *store, const char *name, bool device_connect)
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
        (void)sqlite3_bind_int(statement, 4, device_connect);
        return store_step(store, statement);
}

int policies_prepare(Store *store)
{
        static const struct {
                const char *name;
                bool device_connect;
        } policies[] = {
                {"iothubowner", true}, {"service", false},           {"device", true},
                {"registryRead", false}, {"registryReadWrite", false},
                {"provisioningserviceowner", false},
        };
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(policies); i++)
                r = add_policy(store, policies[i].name, policies[i].device_connect);
        return r;
}

int registry_find_policy(Store *store, const char *name, Policy *ret)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        _cleanup_(policy_done) Policy policy = {};
        int r;

        r = store_prepare(store, "SELECT primary_key, secondary_key, device_connect FROM policies WHERE name = ?",
                          &statement);
        if (r < 0)
                return r;
        r = store_bind_text(statement, 1, name);
        if (r < 0)
                return r;
        r = store_step(store, statement);
        if (r <= 0)
                return r < 0 ? r : REGISTRY_E_UNKNOWN;
        policy.primary_key = store_column_text(statement, 0);
        policy.secondary_key = store_column_text(statement, 1);
        policy.device_connect = sqlite3_column_int(statement, 2);
        if (!policy.primary_key || !policy.secondary_key)
                return -ENOMEM;
        *ret = policy;
        policy = (Policy){};
        return 0;
}
