/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Query words - the text of a query, word by word
 *
 * What does not fit is refused by its column and its word. Pure.
 */

#include "devhub/hub/query-core.h"

typedef struct QueryText {
        const char *text, *p;
        Buffer *error;
        unsigned depth, n_nodes; /* of the expression that is being read */
} QueryText;

/* "The query wants FROM at column 10, not 'FORM'". -EBADMSG, or -ENOMEM. */
int query_refuse(QueryText *x, const char *wanted);

/* Blanks before it are passed over; false: it is not next. */
bool query_take_word(QueryText *x, const char *word);
bool query_take_sign(QueryText *x, const char *sign);
bool query_at_call(QueryText *x); /* a word, and ( behind it */
size_t query_word_size(const char *p); /* 0: no word begins there */

int query_take_name(QueryText *x, char **ret);
/* tags.a['b c'].[[group]] */
int query_take_path(QueryText *x, QueryPath *ret);

/* 1: what stands there is no literal. *ret NULL: null. */
int query_take_literal(QueryText *x, json_object **ret);
