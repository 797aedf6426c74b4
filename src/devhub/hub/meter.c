/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/meter.h"

#include <errno.h>
#include <string.h>

int meter_prepare(Store *store)
{
        return store_run(store, "CREATE TABLE IF NOT EXISTS billed ("
                                "  day INTEGER NOT NULL, operation TEXT NOT NULL, messages INTEGER NOT NULL,"
                                "  PRIMARY KEY (day, operation)) WITHOUT ROWID");
}

static int64_t day_of(usec_t wall)
{
        return (int64_t)(wall / USEC_PER_DAY);
}

static void count(Meter *m, const char *operation, uint64_t n)
{
        for (int i = 0; i < _OPERATION_MAX; i++)
                if (strcmp(operation_to_string((Operation)i), operation) == 0) {
                        m->billed[i] = n;
                        m->total += n;
                }
}

static int load(Meter *m, int64_t day)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        *m = (Meter){.store = m->store, .day = day};
        r = store_prepare(m->store, "SELECT operation, messages FROM billed WHERE day = ?", &statement);
        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(statement, 1, day);
        while ((r = store_step(m->store, statement)) > 0)
                count(m, (const char *)sqlite3_column_text(statement, 0), (uint64_t)sqlite3_column_int64(statement, 1));
        return r;
}

int meter_open(Meter *m, Store *store, usec_t wall_now)
{
        *m = (Meter){.store = store};
        return load(m, day_of(wall_now));
}

static int write_row(Meter *m, sqlite3_stmt *statement, Operation operation)
{
        (void)sqlite3_reset(statement);
        if (store_bind_text(statement, 2, operation_to_string(operation)) < 0)
                return -ENOMEM;
        (void)sqlite3_bind_int64(statement, 3, (sqlite3_int64)m->billed[operation]);
        return store_step(m->store, statement);
}

int meter_write(Meter *m)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        int r;

        if (!m->changed)
                return 0;
        r = store_begin(m->store);
        if (r >= 0)
                r = store_prepare(m->store, "INSERT OR REPLACE INTO billed (day, operation, messages) VALUES (?, ?, ?)",
                                  &statement);
        if (r < 0)
                return r;
        (void)sqlite3_bind_int64(statement, 1, m->day);
        for (int i = 0; r >= 0 && i < _OPERATION_MAX; i++)
                if (m->billed[i] > 0)
                        r = write_row(m, statement, (Operation)i);
        if (r >= 0)
                m->changed = false;
        return r;
}

int meter_take_back(Meter *m)
{
        return load(m, m->day);
}

int meter_turn_to(Meter *m, usec_t wall_now)
{
        int r;

        if (day_of(wall_now) == m->day)
                return 0;
        r = meter_write(m);
        return r < 0 ? r : load(m, day_of(wall_now));
}

int meter_add(Meter *m, Operation operation, uint64_t n, usec_t wall_now)
{
        int r = meter_turn_to(m, wall_now);

        if (r < 0)
                return r;
        m->billed[operation] += n;
        m->total += n;
        m->changed = true;
        return 0;
}
