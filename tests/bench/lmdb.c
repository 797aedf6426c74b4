/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Lmdb - a queue in a memory-mapped B+ tree: numbers as keys, one synced transaction a commit
 *
 * As in `road queue`, all but the last KEEP_QUEUED samples are gone again by the time of the next commit.
 *
 * usage: lmdb DIRECTORY SAMPLES-A-COMMIT SAMPLES
 */

#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>

#include "sample.h"
#include "usage.h"

typedef struct Tree {
        MDB_env *env;
        MDB_dbi dbi;
        uint64_t first, next; /* numbers that are there: first .. next - 1 */
} Tree;

static MDB_val key_of(uint64_t *n)
{
        return (MDB_val){sizeof(*n), n};
}

/* A folder that an earlier round used goes on where that ended. */
static int find_ends(Tree *t, MDB_txn *txn)
{
        MDB_cursor *cursor;
        MDB_val key, value;
        int r;

        if ((r = mdb_cursor_open(txn, t->dbi, &cursor)) != 0)
                return r;
        if (mdb_cursor_get(cursor, &key, &value, MDB_FIRST) == 0)
                t->first = *(uint64_t *)key.mv_data;
        if (mdb_cursor_get(cursor, &key, &value, MDB_LAST) == 0)
                t->next = *(uint64_t *)key.mv_data + 1;
        mdb_cursor_close(cursor);
        return 0;
}

static int tree_open(Tree *t, const char *directory)
{
        MDB_txn *txn;
        int r;

        if ((r = mdb_env_create(&t->env)) != 0 || (r = mdb_env_set_mapsize(t->env, (size_t)1 << 30)) != 0 ||
            (r = mdb_env_open(t->env, directory, 0, 0600)) != 0 || (r = mdb_txn_begin(t->env, NULL, 0, &txn)) != 0)
                return r;
        if ((r = mdb_dbi_open(txn, NULL, MDB_INTEGERKEY, &t->dbi)) != 0 || (r = find_ends(t, txn)) != 0)
                return r;
        return mdb_txn_commit(txn);
}

static int commit(Tree *t, uint64_t n)
{
        char sample[SAMPLE_SIZE];
        MDB_txn *txn;
        int r;

        if ((r = mdb_txn_begin(t->env, NULL, 0, &txn)) != 0)
                return r;
        for (uint64_t i = 0; i < n; i++, t->next++) {
                MDB_val key = key_of(&t->next), value = {sizeof(sample), sample};

                sample_write(sample, t->next);
                if ((r = mdb_put(txn, t->dbi, &key, &value, MDB_APPEND)) != 0)
                        return r;
        }
        for (; t->next - t->first > KEEP_QUEUED; t->first++) {
                MDB_val key = key_of(&t->first);

                if ((r = mdb_del(txn, t->dbi, &key, NULL)) != 0)
                        return r;
        }
        return mdb_txn_commit(txn);
}

int main(int argc, char **argv)
{
        uint64_t per_commit, samples, n = 0;
        Tree t = {};
        Usage start;
        int r;

        if (argc != 4)
                return 2;
        per_commit = strtoull(argv[2], NULL, 10);
        samples = strtoull(argv[3], NULL, 10);
        r = tree_open(&t, argv[1]);
        start = usage_now();
        for (; r == 0 && n < samples; n += per_commit)
                r = commit(&t, per_commit);
        if (r == 0)
                usage_print("lmdb", &start, n, n / per_commit);
        else
                (void)fprintf(stderr, "lmdb: %s\n", mdb_strerror(r));
        mdb_env_close(t.env);
        return r != 0;
}
