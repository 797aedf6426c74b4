/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "devhub/hub/state-dir.h"

#define VERSION      1
#define BUSY_WAIT_MS 5000

/* A link is written when it is accepted; its events name it, so that what the hub adds to every event stands
 * there once. An event is kept as it came: its bag and its body. */
static const char schema[] =
        "CREATE TABLE IF NOT EXISTS facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
        "CREATE TABLE IF NOT EXISTS identities ("
        "  device_id TEXT NOT NULL, module_id TEXT NOT NULL DEFAULT '',"
        "  primary_key TEXT NOT NULL, secondary_key TEXT NOT NULL,"
        "  generation_id TEXT NOT NULL, created_usec INTEGER NOT NULL,"
        "  PRIMARY KEY (device_id, module_id)) WITHOUT ROWID;"
        "CREATE TABLE IF NOT EXISTS policies ("
        "  name TEXT PRIMARY KEY, primary_key TEXT NOT NULL, secondary_key TEXT NOT NULL,"
        "  device_connect INTEGER NOT NULL) WITHOUT ROWID;"
        "CREATE TABLE IF NOT EXISTS links ("
        "  id INTEGER PRIMARY KEY, device_id TEXT NOT NULL, module_id TEXT,"
        "  generation_id TEXT NOT NULL, auth_method TEXT NOT NULL, model_id TEXT);"
        "CREATE TABLE IF NOT EXISTS events ("
        "  sequence INTEGER PRIMARY KEY, enqueued_usec INTEGER NOT NULL,"
        "  link INTEGER NOT NULL REFERENCES links (id), bag BLOB NOT NULL, body BLOB NOT NULL);";

static int failed(const Store *store)
{
        switch (sqlite3_errcode(store->db) & 0xff) {
        case SQLITE_NOMEM:
                return -ENOMEM;
        case SQLITE_FULL:
                return -ENOSPC;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                return -EBUSY;
        case SQLITE_READONLY:
                return -EROFS;
        case SQLITE_NOTADB:
        case SQLITE_CORRUPT:
                return -EBADMSG;
        default:
                return -EIO;
        }
}

int store_run(Store *store, const char *sql)
{
        return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : failed(store);
}

static int check_version(Store *store)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        char sql[64];
        int r;

        r = store_prepare(store, "PRAGMA user_version", &statement);
        if (r < 0)
                return r;
        r = store_step(store, statement);
        if (r < 0)
                return r;
        if (sqlite3_column_int(statement, 0) > VERSION)
                return -EPROTONOSUPPORT;
        if (sqlite3_column_int(statement, 0) == VERSION)
                return 0;
        (void)sqlite3_reset(statement);
        r = store_run(store, schema);
        if (r < 0)
                return r;
        (void)snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", VERSION);
        return store_run(store, sql);
}

int store_open(Store *store, const char *directory, int dir_fd, bool create)
{
        _cleanup_(buffer_done) Buffer path = BUFFER_NULL;
        int fd, r;

        /* SQLite would make it readable for all, and there are keys inside. */
        fd = openat(dir_fd, "devhub.db", O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0600);
        if (fd < 0)
                return -errno;
        r = state_dir_give(dir_fd, fd); /* and SQLite gives what lies beside it to the owner of the database */
        safe_close(fd);
        if (r < 0)
                return r;

        buffer_printf(&path, "%s/devhub.db", directory);
        if (buffer_error(&path))
                return -ENOMEM;
        if (sqlite3_open_v2(path.data, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
                return store->db ? failed(store) : -ENOMEM;
        (void)sqlite3_busy_timeout(store->db, BUSY_WAIT_MS);
        r = store_run(store, "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;"
                             "PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -4000;");
        if (r < 0)
                return r;
        return check_version(store);
}

void store_done(Store *store)
{
        store_rollback(store);
        (void)sqlite3_close_v2(store->db);
        *store = (Store){};
}

const char *store_error(const Store *store)
{
        return store->db ? sqlite3_errmsg(store->db) : "no memory";
}

int store_begin(Store *store)
{
        int r;

        if (store->in_transaction)
                return 0;
        r = store_run(store, "BEGIN IMMEDIATE");
        if (r < 0)
                return r;
        store->in_transaction = true;
        memset(store->next_numbers, 0, sizeof(store->next_numbers));
        return 0;
}

int store_commit(Store *store)
{
        int r;

        if (!store->in_transaction)
                return 0;
        r = store_run(store, "COMMIT");
        if (r < 0) {
                store_rollback(store);
                return r;
        }
        store->in_transaction = false;
        store->has_events = false;
        return 0;
}

void store_rollback(Store *store)
{
        if (!store->in_transaction)
                return;
        (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
        store->in_transaction = false;
        store->has_events = false;
}

int store_prepare(Store *store, const char *sql, sqlite3_stmt **ret)
{
        return sqlite3_prepare_v2(store->db, sql, -1, ret, NULL) == SQLITE_OK ? 0 : failed(store);
}

int store_bind_text(sqlite3_stmt *statement, int index, const char *text)
{
        return sqlite3_bind_text(statement, index, text, -1, SQLITE_TRANSIENT) == SQLITE_OK ? 0 : -ENOMEM;
}

int store_step(Store *store, sqlite3_stmt *statement)
{
        switch (sqlite3_step(statement)) {
        case SQLITE_ROW:
                return 1;
        case SQLITE_DONE:
                return 0;
        default:
                return failed(store);
        }
}

char *store_column_text(sqlite3_stmt *statement, int index)
{
        const char *text = (const char *)sqlite3_column_text(statement, index);

        return text ? strdup(text) : NULL;
}

int store_add_columns(Store *store, const char *table, const char *column, const char *sql)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = store_prepare(store, "SELECT 1 FROM pragma_table_info(?) WHERE name = ?", &statement);
        if (r < 0)
                return r;
        if (store_bind_text(statement, 1, table) < 0 || store_bind_text(statement, 2, column) < 0)
                return -ENOMEM;
        r = store_step(store, statement);
        if (r != 0)
                return MIN(r, 0);
        (void)sqlite3_reset(statement);
        return store_run(store, sql);
}

int store_set(Store *store, const char *key, const char *value)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = store_prepare(store, "INSERT OR REPLACE INTO facts (key, value) VALUES (?, ?)", &statement);
        if (r < 0)
                return r;
        if (store_bind_text(statement, 1, key) < 0 || store_bind_text(statement, 2, value) < 0)
                return -ENOMEM;
        return store_step(store, statement);
}

int store_get(Store *store, const char *key, char **ret)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        r = store_prepare(store, "SELECT value FROM facts WHERE key = ?", &statement);
        if (r < 0)
                return r;
        if (store_bind_text(statement, 1, key) < 0)
                return -ENOMEM;
        r = store_step(store, statement);
        if (r <= 0)
                return r;
        *ret = store_column_text(statement, 0);
        return *ret ? 1 : -ENOMEM;
}
