/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/registry.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/secret.h"

#define KEY_SIZE 32

static int make_key(char **ret)
{
        _cleanup_(secret_buffer_done) Buffer text = BUFFER_NULL;
        uint8_t key[KEY_SIZE];

        if (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key))
                return -EIO;
        base64_encode(&text, key, sizeof(key));
        explicit_bzero(key, sizeof(key));
        if (buffer_error(&text))
                return -ENOMEM;
        *ret = buffer_steal(&text);
        return *ret ? 0 : -ENOMEM;
}

static int make_keys(char **ret_primary, char **ret_secondary)
{
        int r = make_key(ret_primary);

        return r < 0 ? r : make_key(ret_secondary);
}

/* Digits, as the real hub's are. */
static int make_generation_id(char **ret)
{
        uint64_t draw;

        if (getrandom(&draw, sizeof(draw), 0) != (ssize_t)sizeof(draw))
                return -EIO;
        return asprintf(ret, "%018" PRIu64, draw % 1000000000000000000u) < 0 ? -ENOMEM : 0;
}

static int bind_ids(sqlite3_stmt *statement, const char *device_id, const char *module_id)
{
        int r = store_bind_text(statement, 1, device_id);

        return r < 0 ? r : store_bind_text(statement, 2, module_id ? module_id : "");
}

/* ---- policies ---- */

static int add_policy(Store *store, const char *name, bool device_connect)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        _cleanup_(policy_done) Policy policy = {};
        int r;

        r = store_prepare(store, "INSERT OR IGNORE INTO policies VALUES (?, ?, ?, ?)", &statement);
        if (r < 0)
                return r;
        r = make_keys(&policy.primary_key, &policy.secondary_key);
        if (r < 0)
                return r;
        if (store_bind_text(statement, 1, name) < 0 || store_bind_text(statement, 2, policy.primary_key) < 0 ||
            store_bind_text(statement, 3, policy.secondary_key) < 0)
                return -ENOMEM;
        (void)sqlite3_bind_int(statement, 4, device_connect);
        return store_step(store, statement);
}

int registry_prepare(Store *store)
{
        static const struct {
                const char *name;
                bool device_connect;
        } policies[] = {
                {"iothubowner", true}, {"service", false},           {"device", true},
                {"registryRead", false}, {"registryReadWrite", false},
        };
        int r;

        r = store_begin(store);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(policies); i++)
                r = add_policy(store, policies[i].name, policies[i].device_connect);
        if (r < 0) {
                store_rollback(store);
                return r;
        }
        return store_commit(store);
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

/* ---- identities ---- */

#define COLUMNS "device_id, module_id, primary_key, secondary_key, generation_id"

static int read_identity(sqlite3_stmt *statement, Identity *ret)
{
        bool is_module = sqlite3_column_bytes(statement, 1) > 0;
        Identity identity = {
                .device_id = store_column_text(statement, 0),
                .module_id = is_module ? store_column_text(statement, 1) : NULL,
                .primary_key = store_column_text(statement, 2),
                .secondary_key = store_column_text(statement, 3),
                .generation_id = store_column_text(statement, 4),
        };

        if (!identity.device_id || (is_module && !identity.module_id) || !identity.primary_key ||
            !identity.secondary_key || !identity.generation_id) {
                identity_done(&identity);
                return -ENOMEM;
        }
        *ret = identity;
        return 0;
}

int registry_find(Store *store, const char *device_id, const char *module_id, Identity *ret)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = store_prepare(store, "SELECT " COLUMNS " FROM identities WHERE device_id = ? AND module_id = ?",
                          &statement);
        if (r < 0)
                return r;
        r = bind_ids(statement, device_id, module_id);
        if (r < 0)
                return r;
        r = store_step(store, statement);
        if (r <= 0)
                return r < 0 ? r : REGISTRY_E_UNKNOWN;
        return read_identity(statement, ret);
}

static int make_identity(const char *device_id, const char *module_id, Identity *ret)
{
        _cleanup_(identity_done) Identity identity = {};
        int r;

        identity.device_id = strdup(device_id);
        identity.module_id = module_id ? strdup(module_id) : NULL;
        if (!identity.device_id || (module_id && !identity.module_id))
                return -ENOMEM;
        r = make_keys(&identity.primary_key, &identity.secondary_key);
        if (r < 0)
                return r;
        r = make_generation_id(&identity.generation_id);
        if (r < 0)
                return r;
        *ret = identity;
        identity = (Identity){};
        return 0;
}

static int insert(Store *store, const Identity *identity)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = store_prepare(store,
                          "INSERT OR IGNORE INTO identities (" COLUMNS ", created_usec) VALUES (?, ?, ?, ?, ?, ?)",
                          &statement);
        if (r < 0)
                return r;
        r = bind_ids(statement, identity->device_id, identity->module_id);
        if (r < 0)
                return r;
        if (store_bind_text(statement, 3, identity->primary_key) < 0 ||
            store_bind_text(statement, 4, identity->secondary_key) < 0 ||
            store_bind_text(statement, 5, identity->generation_id) < 0)
                return -ENOMEM;
        (void)sqlite3_bind_int64(statement, 6, (sqlite3_int64)clock_wall(&clock_system));
        r = store_step(store, statement);
        if (r < 0)
                return r;
        return sqlite3_changes(store->db) == 0 ? REGISTRY_E_EXISTS : 0;
}

int registry_create(Store *store, const char *device_id, const char *module_id, Identity *ret)
{
        _cleanup_(identity_done) Identity identity = {}, device = {};
        int r;

        if (module_id) {
                r = registry_find(store, device_id, NULL, &device);
                if (r != 0)
                        return r < 0 ? r : REGISTRY_E_NO_DEVICE;
        }
        r = make_identity(device_id, module_id, &identity);
        if (r < 0)
                return r;
        r = insert(store, &identity);
        if (r != 0)
                return r;
        *ret = identity;
        identity = (Identity){};
        return 0;
}

int registry_set_keys(Store *store, const char *device_id, const char *module_id, const char *primary_key,
                      const char *secondary_key)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = store_prepare(store,
                          "UPDATE identities SET primary_key = ?3, secondary_key = ?4"
                          " WHERE device_id = ?1 AND module_id = ?2",
                          &statement);
        if (r < 0)
                return r;
        if (bind_ids(statement, device_id, module_id) < 0 || store_bind_text(statement, 3, primary_key) < 0 ||
            store_bind_text(statement, 4, secondary_key) < 0)
                return -ENOMEM;
        r = store_step(store, statement);
        if (r < 0)
                return r;
        return sqlite3_changes(store->db) == 0 ? REGISTRY_E_UNKNOWN : 0;
}

int registry_delete(Store *store, const char *device_id, const char *module_id)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = store_prepare(store, "DELETE FROM identities WHERE device_id = ?1 AND (?2 = '' OR module_id = ?2)",
                          &statement);
        if (r < 0)
                return r;
        r = bind_ids(statement, device_id, module_id);
        if (r < 0)
                return r;
        r = store_step(store, statement);
        if (r < 0)
                return r;
        return sqlite3_changes(store->db) == 0 ? REGISTRY_E_UNKNOWN : 0;
}

int registry_each(Store *store, RegistryVisitor visit, void *userdata)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = store_prepare(store, "SELECT " COLUMNS " FROM identities ORDER BY device_id, module_id", &statement);
        while (r >= 0) {
                _cleanup_(identity_done) Identity identity = {};

                r = store_step(store, statement);
                if (r <= 0)
                        break;
                r = read_identity(statement, &identity);
                if (r >= 0)
                        r = visit(userdata, &identity);
        }
        return r;
}
