/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/registry.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/base64.h"
#include "base/secret.h"
#include "devhub/hub/hub-clock.h"
#include "devhub/hub/key.h"
#include "devhub/hub/policies.h"

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

/* ---- the table ---- */

/* What the first hubs knew of an identity is in the store's schema; the rest came later. */
static int add_columns(Store *store)
{
        return store_add_columns(store, "identities", "etag",
                                 "ALTER TABLE identities ADD COLUMN etag TEXT NOT NULL DEFAULT '';"
                                 "ALTER TABLE identities ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0;"
                                 "ALTER TABLE identities ADD COLUMN status_reason TEXT;"
                                 "ALTER TABLE identities ADD COLUMN status_usec INTEGER NOT NULL DEFAULT 0;"
                                 "ALTER TABLE identities ADD COLUMN authentication INTEGER NOT NULL DEFAULT 0;"
                                 "ALTER TABLE identities ADD COLUMN primary_thumbprint TEXT;"
                                 "ALTER TABLE identities ADD COLUMN secondary_thumbprint TEXT;"
                                 "ALTER TABLE identities ADD COLUMN is_edge INTEGER NOT NULL DEFAULT 0;"
                                 "ALTER TABLE identities ADD COLUMN managed_by TEXT;"
                                 "UPDATE identities SET etag = lower(hex(randomblob(6)));");
}

int registry_prepare(Store *store)
{
        int r;

        r = store_begin(store);
        if (r >= 0)
                r = add_columns(store);
        if (r >= 0)
                r = policies_prepare(store);
        if (r < 0) {
                store_rollback(store);
                return r;
        }
        return store_commit(store);
}

/* ---- identities: reading ---- */

/* A module is disabled with its device. */
#define COLUMNS                                                                                                      \
        "device_id, module_id, primary_key, secondary_key, generation_id, etag, status_reason, primary_thumbprint,"   \
        " secondary_thumbprint, managed_by, status_usec, authentication, is_edge,"                                   \
        " (SELECT disabled FROM identities AS d WHERE d.device_id = i.device_id AND d.module_id = '')"
#define SELECT "SELECT " COLUMNS " FROM identities AS i "

static int read_identity(sqlite3_stmt *statement, Identity *ret)
{
        Identity identity = {};
        char **const texts[] = {
                &identity.device_id,     &identity.module_id,          &identity.primary_key,
                &identity.secondary_key, &identity.generation_id,      &identity.etag,
                &identity.status_reason, &identity.primary_thumbprint, &identity.secondary_thumbprint,
                &identity.managed_by,
        };
        int column = 0;

        for (; column < (int)ARRAY_SIZE(texts); column++) {
                if (sqlite3_column_type(statement, column) == SQLITE_NULL)
                        continue;
                *texts[column] = store_column_text(statement, column);
                if (!*texts[column]) {
                        identity_done(&identity);
                        return -ENOMEM;
                }
        }
        if (!*identity.module_id)
                free(TAKE_PTR(identity.module_id));
        identity.status_usec = (usec_t)sqlite3_column_int64(statement, column++);
        identity.authentication = (Authentication)sqlite3_column_int(statement, column++);
        identity.is_edge = sqlite3_column_int(statement, column++);
        identity.disabled = sqlite3_column_int(statement, column++);
        *ret = identity;
        return 0;
}

int registry_find(Store *store, const char *device_id, const char *module_id, Identity *ret)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = store_prepare(store, SELECT "WHERE device_id = ? AND module_id = ?", &statement);
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

static int walk(Store *store, sqlite3_stmt *statement, RegistryVisitor visit, void *userdata)
{
        int r = 0;

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

int registry_each(Store *store, RegistryVisitor visit, void *userdata)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r = store_prepare(store, SELECT "ORDER BY device_id, module_id", &statement);

        return r < 0 ? r : walk(store, statement, visit, userdata);
}

int registry_each_behind(Store *store, bool modules, const char *device_id, const char *module_id,
                         RegistryVisitor visit, void *userdata)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r = store_prepare(store,
                              SELECT "WHERE (device_id, module_id) > (?, ?) AND (module_id <> '') = ?"
                                     " ORDER BY device_id, module_id",
                              &statement);

        if (r < 0)
                return r;
        r = bind_ids(statement, device_id, module_id);
        if (r < 0)
                return r;
        (void)sqlite3_bind_int(statement, 3, modules);
        return walk(store, statement, visit, userdata);
}

int registry_each_device(Store *store, unsigned max, RegistryVisitor visit, void *userdata)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r = store_prepare(store, SELECT "WHERE module_id = '' ORDER BY device_id LIMIT ?", &statement);

        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(statement, 1, max);
        return walk(store, statement, visit, userdata);
}

int registry_each_module(Store *store, const char *device_id, RegistryVisitor visit, void *userdata)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r = store_prepare(store, SELECT "WHERE device_id = ? AND module_id <> '' ORDER BY module_id", &statement);

        if (r < 0)
                return r;
        if (store_bind_text(statement, 1, device_id) < 0)
                return -ENOMEM;
        return walk(store, statement, visit, userdata);
}

int registry_count(Store *store, RegistryCount *ret)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = store_prepare(store, "SELECT count(*), total(disabled) FROM identities WHERE module_id = ''", &statement);
        if (r < 0)
                return r;
        r = store_step(store, statement);
        if (r < 0)
                return r;
        ret->n_devices = (unsigned)sqlite3_column_int64(statement, 0);
        ret->n_disabled = (unsigned)sqlite3_column_int64(statement, 1);
        return 0;
}

int registry_count_all(Store *store, bool modules, uint64_t *ret)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r = store_prepare(store, "SELECT count(*) FROM identities WHERE (module_id <> '') = ?", &statement);

        if (r < 0)
                return r;
        (void)sqlite3_bind_int(statement, 1, modules);
        r = store_step(store, statement);
        if (r < 0)
                return r;
        *ret = (uint64_t)sqlite3_column_int64(statement, 0);
        return 0;
}

/* ---- identities: changing ---- */

static int fill_keys(Identity *identity)
{
        char **const keys[] = {&identity->primary_key, &identity->secondary_key};
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(keys); i++) {
                if (identity->authentication != AUTHENTICATION_SAS || **keys[i])
                        continue;
                *keys[i] = secret_free(*keys[i]);
                r = key_make(keys[i]);
        }
        return r;
}

/* Base64 of a few digits, as the real hub's are. */
static int make_etag(char **ret)
{
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;
        char digits[16];
        uint32_t draw;

        if (getrandom(&draw, sizeof(draw), 0) != (ssize_t)sizeof(draw))
                return -EIO;
        (void)snprintf(digits, sizeof(digits), "%09" PRIu32, draw % 1000000000);
        base64_encode(&text, digits, strlen(digits));
        free(*ret);
        *ret = buffer_steal(&text);
        return *ret ? 0 : -ENOMEM;
}

/* The columns that a change writes, from the third parameter on: ids are the first two. */
static int bind_identity(sqlite3_stmt *statement, const Identity *identity)
{
        const char *const texts[] = {
                identity->primary_key,   identity->secondary_key,      identity->generation_id,
                identity->etag,          identity->status_reason,      identity->primary_thumbprint,
                identity->secondary_thumbprint, identity->managed_by,
        };
        const int64_t numbers[] = {
                identity->disabled,
                (int64_t)identity->status_usec,
                identity->authentication,
                identity->is_edge,
        };
        int r, parameter = 3;

        r = bind_ids(statement, identity->device_id, identity->module_id);
        for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(texts); i++)
                r = store_bind_text(statement, parameter++, texts[i]);
        for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
                (void)sqlite3_bind_int64(statement, parameter++, numbers[i]);
        return r;
}

static int write_identity(Store *store, const char *sql, const Identity *identity, usec_t wall_now)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = store_begin(store);
        if (r < 0)
                return r;
        r = store_prepare(store, sql, &statement);
        if (r < 0)
                return r;
        r = bind_identity(statement, identity);
        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(statement, 15, (sqlite3_int64)wall_now);
        return store_step(store, statement);
}

static int count_modules(Store *store, const char *device_id, unsigned *ret)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = store_prepare(store, "SELECT count(*) FROM identities WHERE device_id = ? AND module_id <> ''", &statement);
        if (r < 0)
                return r;
        if (store_bind_text(statement, 1, device_id) < 0)
                return -ENOMEM;
        r = store_step(store, statement);
        *ret = r > 0 ? (unsigned)sqlite3_column_int(statement, 0) : 0;
        return r < 0 ? r : 0;
}

static int check_room(Store *store, const Identity *identity)
{
        _cleanup_(identity_done) Identity other = {};
        unsigned n_modules;
        int r;

        r = registry_find(store, identity->device_id, identity->module_id, &other);
        if (r != REGISTRY_E_UNKNOWN)
                return r < 0 ? r : REGISTRY_E_EXISTS;
        if (!identity->module_id)
                return 0;
        r = registry_find(store, identity->device_id, NULL, &other);
        if (r != 0)
                return r < 0 ? r : REGISTRY_E_NO_DEVICE;
        r = count_modules(store, identity->device_id, &n_modules);
        if (r < 0)
                return r;
        return n_modules >= REGISTRY_MODULES_MAX ? REGISTRY_E_TOO_MANY : 0;
}

int registry_add(Store *store, Identity *identity, usec_t wall_now)
{
        int r;

        r = check_room(store, identity);
        if (r != 0)
                return r;
        r = fill_keys(identity);
        if (r >= 0)
                r = make_etag(&identity->etag);
        if (r < 0)
                return r;
        free(TAKE_PTR(identity->generation_id));
        r = make_generation_id(&identity->generation_id);
        if (r < 0)
                return r;
        return write_identity(store,
                              "INSERT INTO identities (device_id, module_id, primary_key, secondary_key, generation_id,"
                              " etag, status_reason, primary_thumbprint, secondary_thumbprint, managed_by, disabled,"
                              " status_usec, authentication, is_edge, created_usec)"
                              " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
                              identity, wall_now);
}

/* 0: it is there, and its etag fits. */
static int check_etag(Store *store, const char *device_id, const char *module_id, const char *if_match,
                      Identity *ret_identity)
{
        int r = registry_find(store, device_id, module_id, ret_identity);

        if (r != 0)
                return r;
        return !if_match || identity_etag_matches(ret_identity, if_match) ? 0 : REGISTRY_E_CHANGED;
}

int registry_update(Store *store, Identity *identity, const char *if_match, usec_t wall_now)
{
        _cleanup_(identity_done) Identity before = {};
        int r;

        r = check_etag(store, identity->device_id, identity->module_id, if_match, &before);
        if (r != 0)
                return r;
        r = fill_keys(identity);
        if (r >= 0)
                r = make_etag(&identity->etag);
        if (r < 0)
                return r;
        identity->status_usec = identity->disabled != before.disabled ? wall_now : before.status_usec;
        return write_identity(store,
                              "UPDATE identities SET primary_key = ?3, secondary_key = ?4, etag = ?6,"
                              " status_reason = ?7, primary_thumbprint = ?8, secondary_thumbprint = ?9,"
                              " managed_by = ?10, disabled = ?11, status_usec = ?12, authentication = ?13, is_edge = "
                              "?14 WHERE device_id = ?1 AND module_id = ?2",
                              identity, wall_now);
}

int registry_remove(Store *store, const char *device_id, const char *module_id, const char *if_match)
{
        _cleanup_(identity_done) Identity before = {};
        int r;

        r = check_etag(store, device_id, module_id, if_match, &before);
        if (r != 0)
                return r;
        r = store_begin(store);
        return r < 0 ? r : registry_delete(store, device_id, module_id);
}

int registry_create(Store *store, const char *device_id, const char *module_id, Identity *ret)
{
        _cleanup_(identity_done) Identity identity = {};
        bool joins = store->in_transaction;
        int r;

        r = identity_init(&identity, device_id, module_id);
        if (r < 0)
                return r;
        r = registry_add(store, &identity, hub_clock_wall(store));
        if (r == 0 && !joins)
                r = store_commit(store);
        if (r != 0) {
                if (!joins)
                        store_rollback(store);
                return r;
        }
        *ret = identity;
        identity = (Identity){};
        return 0;
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
