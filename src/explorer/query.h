/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Query - SQL asked page by page, of the hub or of the provisioning service
 */

#include "explorer/rows.h"
#include "explorer/words.h"

typedef struct Query {
        const char *path;
        const char *sql;
        const char *what; /* for complaints */
        const char *right;
        uint32_t page;    /* rows at a time */
} Query;

/* The options of every query, for their tables. */
#define QUERY_OPTIONS                                                                                                \
        {"top", "N", "at most so many rows", 0},                                                                     \
        {"page", "N", "so many rows from the hub at a time, 1 to 1000 (default 100)", 0}

int query_options(const Words *w, Rows *rows, Query *query); /* EXPLORER_OK or EXPLORER_USAGE */
int query_run(const Explorer *e, const Query *query, Rows *rows);
