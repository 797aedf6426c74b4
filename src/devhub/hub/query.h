/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Query - what may be asked of all twins, in the hub's SQL (protocol reference 8.5)
 *
 *   SELECT [TOP n] * | path [AS name], ... | COUNT() AS name, AVG|SUM|MIN|MAX(path) AS name, ...
 *   FROM devices|devices.modules|devices.jobs [WHERE condition] [GROUP BY path]
 *
 * A condition is made of paths of the twin's document, literals and functions (is_defined and its kin, STARTSWITH,
 * ENDSWITH, CONTAINS, LENGTH, SUBSTRING), of + - * / %, = != <> < <= > >= IN NIN, AND OR NOT and parentheses. What is
 * not there, or of another type than what it is compared with, makes it neither true nor false, as in the real hub:
 * NOT does not make it true. Words and functions are known in any case; so is the first name of a path, which the hub
 * gave, and not those behind it, which people did. Pure: it is shown documents.
 */

#include <json-c/json.h>

#include "base/buffer.h"

typedef struct Query Query;

typedef enum QueryFrom {
        QUERY_DEVICES,
        QUERY_MODULES,
        QUERY_JOBS,
} QueryFrom;

/* -EBADMSG: it is none, and the words appended to error name what is wrong and its column. */
int query_parse(const char *text, Query **ret, Buffer *error);
Query *query_free(Query *query);
DEFINE_CLEANUP(Query *, query_free);

QueryFrom query_from(const Query *query);
uint64_t query_top(const Query *query);      /* UINT64_MAX: all */
bool query_is_whole(const Query *query);     /* a row is the document itself */
bool query_is_summary(const Query *query);   /* rows are made of many documents: by query_gather() */
bool query_matches(const Query *query, json_object *document);

/* Of a document that matches. NULL: no memory. */
json_object *query_row(const Query *query, json_object *document);

/* A summary is shown all documents that match, and then has its rows: an array, NULL for no memory. */
int query_gather(Query *query, json_object *document);
/* Does it want nothing but the number of all documents? Then they need not be shown. */
bool query_is_plain_count(const Query *query);
int query_gather_many(Query *query, uint64_t n);
json_object *query_rows(const Query *query);
