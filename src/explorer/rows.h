/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Rows - what a list or a query gives, printed while it comes
 *
 * As a table, or as JSON: with --json one array over all the hub's pages, else a line a row. What has come is out
 * before the next page is asked for, so that memory holds one page. Columns that a query chose are known when they
 * come only: a page that brings a new one has a head again.
 *
 * Owns:   the names of the columns that have been seen.
 */

#include "explorer/explorer.h"
#include "explorer/json-text.h"

typedef enum RowsShape {
        ROWS_TABLE,     /* of the columns given */
        ROWS_LINES,     /* a line of JSON each */
        ROWS_DOCUMENTS, /* JSON, laid out */
} RowsShape;

typedef struct Rows {
        const Explorer *explorer;
        RowsShape shape;          /* without --json */
        const char *const *columns; /* of a table: members' names, NULL ends */
        uint64_t n, most;         /* most: no more are wanted */
        bool opened;
        bool are_chosen;          /* rows are names and aggregates, not whole documents: a table of what they hold */
        json_object *seen;        /* the names, in an object */
} Rows;

void rows_done(Rows *r);

/* EXPLORER_OK, or having complained. An array of at most what is wanted is taken from page. */
int rows_add(Rows *r, json_object *page);
int rows_end(Rows *r);
static inline bool rows_are_enough(const Rows *r)
{
        return r->n >= r->most;
}
