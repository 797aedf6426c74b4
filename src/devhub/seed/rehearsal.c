/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/seed/rehearsal.h"

#include <errno.h>
#include <string.h>

/* Those that seed.c's nouns write to; all else is only read. */
static const char tables[] = "'identities', 'twins', 'enrollments', 'authorities'";

/* SQLite keeps the words that made a table, beginning with CREATE TABLE. */
static int append_double(Buffer *sql, const char *name, const char *made_by)
{
        static const char begin[] = "CREATE ";

        if (!made_by || strncmp(made_by, begin, strlen(begin)) != 0)
                return -EBADMSG;
        buffer_printf(sql, "CREATE TEMP %s; INSERT INTO temp.\"%s\" SELECT * FROM main.\"%s\";",
                      made_by + strlen(begin), name, name);
        return buffer_error(sql) ? -ENOMEM : 0;
}

static int list_doubles(Store *store, Buffer *sql)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        _cleanup_(buffer_done) Buffer question = BUFFER_NULL;
        int r;

        buffer_printf(&question, "SELECT name, sql FROM main.sqlite_master WHERE type = 'table' AND name IN (%s)",
                      tables);
        if (buffer_error(&question))
                return -ENOMEM;
        r = store_prepare(store, question.data, &statement);
        while (r >= 0 && (r = store_step(store, statement)) > 0)
                r = append_double(sql, (const char *)sqlite3_column_text(statement, 0),
                                  (const char *)sqlite3_column_text(statement, 1));
        return r;
}

int rehearsal_begin(Store *store)
{
        _cleanup_(buffer_done) Buffer sql = BUFFER_NULL;
        int r = store_run(store, "PRAGMA temp_store = MEMORY; BEGIN");

        if (r < 0)
                return r;
        store->in_transaction = true;
        r = list_doubles(store, &sql);
        return r < 0 ? r : store_run(store, sql.data ? sql.data : "");
}
