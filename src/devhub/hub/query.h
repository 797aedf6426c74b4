/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Query - which of all twins are meant
 *
 *   SELECT [TOP n] * FROM devices|devices.modules [WHERE condition]
 *
 * A condition compares a path of the twin's document with a value (= != <> < <= > >= IN NIN), asks is_defined(path),
 * and is made of others by AND, OR, NOT and parentheses. What compares a path that is not there, or another type, is
 * neither true nor false, as in the real hub: NOT does not make it true. Pure.
 */

#include <json-c/json.h>

#include "base/buffer.h"

typedef struct Query Query;

/* -EBADMSG: it is none, or one that is not answered here; the words appended to error say where. */
int query_parse(const char *text, Query **ret, Buffer *error);
Query *query_free(Query *query);
DEFINE_CLEANUP(Query *, query_free);

bool query_is_of_modules(const Query *query);
uint64_t query_top(const Query *query); /* UINT64_MAX: all */
bool query_matches(const Query *query, json_object *document);
