/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/presence.h"

#include <errno.h>

int presence_prepare(Store *store)
{
        int r = store_run(store,
                          "CREATE TABLE IF NOT EXISTS presences ("
                          "  device_id TEXT NOT NULL, module_id TEXT NOT NULL,"
                          "  state_usec INTEGER NOT NULL DEFAULT 0, activity_usec INTEGER NOT NULL,"
                          "  PRIMARY KEY (device_id, module_id)) WITHOUT ROWID;"
                          "CREATE TRIGGER IF NOT EXISTS presences_end AFTER DELETE ON identities BEGIN"
                          "  DELETE FROM presences WHERE device_id = old.device_id AND module_id = old.module_id;"
                          "END;");

        return r < 0 ? r
                     : store_add_columns(store, "presences", "connected",
                                         "ALTER TABLE presences ADD COLUMN connected INTEGER NOT NULL DEFAULT 0;");
}

/* The clock may have been ahead when it was killed. */
int presence_begin(Store *store, usec_t wall_now)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = store_prepare(store,
                          "UPDATE presences SET connected = 0, state_usec = max(state_usec + 1, ?) WHERE connected",
                          &statement);
        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(statement, 1, (sqlite3_int64)wall_now);
        return store_step(store, statement);
}

static int put(Store *store, const char *sql, const char *device_id, const char *module_id, usec_t usec)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = store_begin(store);
        if (r < 0)
                return r;
        r = store_prepare(store, sql, &statement);
        if (r < 0)
                return r;
        if (store_bind_text(statement, 1, device_id) < 0 ||
            store_bind_text(statement, 2, module_id ? module_id : "") < 0)
                return -ENOMEM;
        (void)sqlite3_bind_int64(statement, 3, (sqlite3_int64)usec);
        return store_step(store, statement);
}

/* An identity that is just being deleted leaves no presence behind, though its links end a moment later. */
#define IF_IT_EXISTS "WHERE EXISTS (SELECT 1 FROM identities WHERE device_id = ?1 AND module_id = ?2)"
#define CHANGE_TO(connected)                                                                                         \
        "INSERT INTO presences (device_id, module_id, state_usec, activity_usec, connected)"                         \
        " SELECT ?1, ?2, ?3, ?3, " connected " " IF_IT_EXISTS                                                        \
        " ON CONFLICT DO UPDATE SET state_usec = ?3, activity_usec = max(activity_usec, ?3), connected = " connected

int presence_changed(Store *store, const char *device_id, const char *module_id, bool connected, usec_t wall_now)
{
        const char *sql = connected ? CHANGE_TO("1") : CHANGE_TO("0");

        return put(store, sql, device_id, module_id, wall_now);
}

int presence_active(Store *store, const char *device_id, const char *module_id, usec_t wall_usec)
{
        return put(store,
                     "UPDATE presences SET activity_usec = max(activity_usec, ?3)"
                     " WHERE device_id = ?1 AND module_id = ?2",
                     device_id, module_id, wall_usec);
}

int presence_find(Store *store, const char *device_id, const char *module_id, Presence *ret)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        *ret = (Presence){};
        r = store_prepare(store,
                          "SELECT state_usec, activity_usec FROM presences WHERE device_id = ? AND module_id = ?",
                          &statement);
        if (r < 0)
                return r;
        if (store_bind_text(statement, 1, device_id) < 0 ||
            store_bind_text(statement, 2, module_id ? module_id : "") < 0)
                return -ENOMEM;
        r = store_step(store, statement);
        if (r <= 0)
                return r;
        ret->state_usec = (usec_t)sqlite3_column_int64(statement, 0);
        ret->activity_usec = (usec_t)sqlite3_column_int64(statement, 1);
        return 0;
}
