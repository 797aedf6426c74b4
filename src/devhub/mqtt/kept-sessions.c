/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/mqtt/kept-sessions.h"

#include <errno.h>
#include <string.h>

/* filters: a line for each, its QoS before it. No filter of the hub's has a line feed in it. */
int kept_sessions_prepare(Store *store)
{
        return store_run(store,
                         "CREATE TABLE IF NOT EXISTS sessions ("
                         "  device_id TEXT NOT NULL, module_id TEXT NOT NULL, filters TEXT NOT NULL DEFAULT '',"
                         "  PRIMARY KEY (device_id, module_id)) WITHOUT ROWID;"
                         "CREATE TRIGGER IF NOT EXISTS sessions_end AFTER DELETE ON identities BEGIN"
                         "  DELETE FROM sessions WHERE device_id = old.device_id AND module_id = old.module_id;"
                         "END;");
}

/* A statement about one identity's session; its parameters from the third on are still to be bound. */
static int prepare(Store *store, const char *sql, const char *device_id, const char *module_id, sqlite3_stmt **ret)
{
        int r = store_prepare(store, sql, ret);

        if (r >= 0)
                r = store_bind_text(*ret, 1, device_id);
        if (r >= 0)
                r = store_bind_text(*ret, 2, module_id ? module_id : "");
        return r;
}

/* Returns how many rows it changed. */
static int change(Store *store, const char *sql, const char *device_id, const char *module_id, const char *filters)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r = store_begin(store);

        if (r >= 0)
                r = prepare(store, sql, device_id, module_id, &statement);
        if (r >= 0 && filters)
                r = store_bind_text(statement, 3, filters);
        if (r >= 0)
                r = store_step(store, statement);
        return r < 0 ? r : sqlite3_changes(store->db);
}

/* ---- the filters as they are kept ---- */

static void write_filters(const Subscriptions *subscriptions, Buffer *b)
{
        for (size_t i = 0; i < subscriptions->n_held; i++)
                buffer_printf(b, "%u %s\n", subscriptions->held[i].qos, subscriptions->held[i].filter);
}

/* What this hub does not grant any more is passed by. */
static int read_filters(const char *text, const char *device_id, const char *module_id, Subscriptions *ret)
{
        while (*text) {
                const char *end = strchrnul(text, '\n');
                uint8_t granted;
                int r = 0;

                if (end - text > 2)
                        r = subscriptions_add(ret, device_id, module_id, (MqttText){text + 2, (size_t)(end - text) - 2},
                                              *text == '1', &granted);
                if (r < 0)
                        return r;
                text = *end ? end + 1 : end;
        }
        return 0;
}

/* ---- verbs ---- */

int kept_sessions_open(Store *store, const char *device_id, const char *module_id, Subscriptions *ret)
{
        _cleanup_(subscriptions_done) Subscriptions subscriptions = {};
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = prepare(store, "SELECT filters FROM sessions WHERE device_id = ? AND module_id = ?", device_id, module_id,
                    &statement);
        if (r >= 0)
                r = store_step(store, statement);
        if (r < 0)
                return r;
        if (r == 0) {
                (void)sqlite3_reset(statement);
                r = kept_sessions_write(store, device_id, module_id, &subscriptions);
                return MIN(r, 0);
        }
        r = read_filters((const char *)sqlite3_column_text(statement, 0), device_id, module_id, &subscriptions);
        if (r < 0)
                return r;
        *ret = subscriptions;
        subscriptions = (Subscriptions){};
        return 1;
}

int kept_sessions_write(Store *store, const char *device_id, const char *module_id, const Subscriptions *subscriptions)
{
        _cleanup_(buffer_done) Buffer filters = BUFFER_NULL;

        write_filters(subscriptions, &filters);
        if (buffer_error(&filters))
                return -ENOMEM;
        /* an identity that is just being deleted leaves no session behind, though its link ends a moment later */
        return MIN(change(store,
                          "INSERT INTO sessions SELECT ?1, ?2, ?3"
                          " WHERE EXISTS (SELECT 1 FROM identities WHERE device_id = ?1 AND module_id = ?2)"
                          " ON CONFLICT DO UPDATE SET filters = ?3",
                          device_id, module_id, filters.data ? filters.data : ""),
                   0);
}

int kept_sessions_drop(Store *store, const char *device_id, const char *module_id)
{
        return change(store, "DELETE FROM sessions WHERE device_id = ? AND module_id = ?", device_id, module_id, NULL);
}

int kept_sessions_drop_device(Store *store, const char *device_id)
{
        return change(store, "DELETE FROM sessions WHERE device_id = ?1 AND ?2 = ''", device_id, NULL, NULL);
}
