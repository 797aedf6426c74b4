/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Store - the SQLite file beneath all that the hub remembers
 *
 * The server and the commands have it open at the same time; SQLite's write-ahead log lets them. What is
 * committed survives a kill -9 of any of them. It may not survive a power cut: this is a hub for development.
 *
 * Functions return negative errno; the words of the last failure are in store_error().
 */

#include <sqlite3.h>

#include "base/buffer.h"

#define STORE_PARTITIONS_MAX 32

typedef struct Store {
        sqlite3 *db;
        bool in_transaction;
        /* of each partition, in the open transaction: the number of the next event, plus one; 0: not looked up yet */
        int64_t next_numbers[STORE_PARTITIONS_MAX];
        bool has_events; /* the open transaction brings some: for whoever wakes their readers */
} Store;

int store_open(Store *store, const char *directory, int dir_fd, bool create); /* -ENOENT: nothing is there */
void store_done(Store *store);
const char *store_error(const Store *store);

int store_begin(Store *store); /* nothing if one is open already */
int store_commit(Store *store); /* nothing if none is open; on failure all of it is undone */
void store_rollback(Store *store);

/* A statement with its text parameters bound in order; NULL text: SQL's NULL. */
int store_prepare(Store *store, const char *sql, sqlite3_stmt **ret);
int store_bind_text(sqlite3_stmt *statement, int index, const char *text);
/* 1: a row is there; 0: the end. */
int store_step(Store *store, sqlite3_stmt *statement);
char *store_column_text(sqlite3_stmt *statement, int index); /* a copy; NULL for SQL's NULL or no memory */
int store_run(Store *store, const char *sql);

static inline void statement_finalize(sqlite3_stmt **statement)
{
        (void)sqlite3_finalize(*statement);
}
#define _cleanup_statement_ _cleanup_(statement_finalize)

/* For a table of an older hub: runs the SQL that adds columns, unless this one of them is there. The names are ours. */
int store_add_columns(Store *store, const char *table, const char *column, const char *sql);

/* One value that outlives the server, such as the host name. */
int store_set(Store *store, const char *key, const char *value);
int store_get(Store *store, const char *key, char **ret); /* 1: found; 0: not */
