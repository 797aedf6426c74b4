/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Sqlite - the queue that one would otherwise make: a table, WAL, synchronous=FULL, one transaction a commit
 *
 * As in `road queue`, all but the last KEEP_QUEUED samples are gone again by the time of the next commit.
 *
 * usage: sqlite DIRECTORY SAMPLES-A-COMMIT SAMPLES
 */

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"
#include "usage.h"

typedef struct Table {
        sqlite3 *db;
        sqlite3_stmt *insert, *erase;
} Table;

static int table_open(Table *t, const char *directory)
{
        char path[512];

        (void)snprintf(path, sizeof(path), "%s/queue.db", directory);
        if (sqlite3_open(path, &t->db) != SQLITE_OK ||
            sqlite3_exec(t->db,
                         "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                         "CREATE TABLE IF NOT EXISTS queue (n INTEGER PRIMARY KEY AUTOINCREMENT, sample BLOB)",
                         NULL, NULL, NULL) != SQLITE_OK ||
            sqlite3_prepare_v2(t->db, "INSERT INTO queue (sample) VALUES (?)", -1, &t->insert, NULL) != SQLITE_OK)
                return -1;
        return sqlite3_prepare_v2(t->db, "DELETE FROM queue WHERE n <= ?", -1, &t->erase, NULL) == SQLITE_OK ? 0 : -1;
}

static int step(sqlite3_stmt *s)
{
        int r = sqlite3_step(s);

        (void)sqlite3_reset(s);
        return r == SQLITE_DONE ? 0 : -1;
}

static int commit(Table *t, uint64_t first, uint64_t n)
{
        char sample[SAMPLE_SIZE];

        if (sqlite3_exec(t->db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
                return -1;
        for (uint64_t i = first; i < first + n; i++) {
                sample_write(sample, i);
                (void)sqlite3_bind_blob(t->insert, 1, sample, sizeof(sample), SQLITE_STATIC);
                if (step(t->insert) < 0)
                        return -1;
        }
        (void)sqlite3_bind_int64(t->erase, 1, sqlite3_last_insert_rowid(t->db) - KEEP_QUEUED);
        if (step(t->erase) < 0)
                return -1;
        return sqlite3_exec(t->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK ? 0 : -1;
}

int main(int argc, char **argv)
{
        uint64_t per_commit, samples, n = 0;
        Table t = {};
        Usage start;
        int r;

        if (argc != 4)
                return 2;
        per_commit = strtoull(argv[2], NULL, 10);
        samples = strtoull(argv[3], NULL, 10);
        r = table_open(&t, argv[1]);
        start = usage_now();
        for (; r == 0 && n < samples; n += per_commit)
                r = commit(&t, n, per_commit);
        if (r == 0)
                usage_print("sqlite", &start, n, n / per_commit);
        else
                (void)fprintf(stderr, "sqlite: %s\n", sqlite3_errmsg(t.db));
        (void)sqlite3_finalize(t.insert);
        (void)sqlite3_finalize(t.erase);
        (void)sqlite3_close(t.db);
        return r < 0;
}
