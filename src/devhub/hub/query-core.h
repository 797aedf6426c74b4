/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Query, inside - the tree that is made of its text
 */

#include "devhub/hub/query.h"

#define QUERY_NAMES_MAX   16
#define QUERY_COLUMNS_MAX 64

/* tags.room */
typedef struct QueryPath {
        char *names[QUERY_NAMES_MAX];
        size_t n;
} QueryPath;

void query_path_done(QueryPath *path);
bool query_path_equal(const QueryPath *a, const QueryPath *b);
/* False: there is no such thing. */
bool query_path_find(const QueryPath *path, json_object *document, json_object **ret);

/* ---- expressions ---- */

typedef enum QueryKind {
        QUERY_UNDEFINED,
        QUERY_LITERAL,
        QUERY_LIST, /* of literals */
        QUERY_PATH,
        QUERY_CALL,
        QUERY_ARITHMETIC,
        QUERY_COMPARE,
        QUERY_IN,
        QUERY_NOT,
        QUERY_AND,
        QUERY_OR,
} QueryKind;

typedef enum QueryOperator {
        QUERY_EQUAL,
        QUERY_UNEQUAL,
        QUERY_LESS,
        QUERY_AT_MOST,
        QUERY_GREATER,
        QUERY_AT_LEAST,
        QUERY_PLUS,
        QUERY_MINUS,
        QUERY_TIMES,
        QUERY_OVER,
        QUERY_MODULO,
} QueryOperator;

typedef enum QueryFunction {
        QUERY_IS_DEFINED,
        QUERY_IS_STRING,
        QUERY_IS_NUMBER,
        QUERY_IS_BOOL,
        QUERY_IS_OBJECT,
        QUERY_IS_ARRAY,
        QUERY_IS_NULL,
        QUERY_IS_PRIMITIVE,
        QUERY_STARTSWITH,
        QUERY_ENDSWITH,
        QUERY_CONTAINS,
        QUERY_LENGTH,
        QUERY_SUBSTRING,
        _QUERY_FUNCTION_MAX,
} QueryFunction;

#define QUERY_OPERANDS_MAX 3

typedef struct QueryNode QueryNode;
struct QueryNode {
        QueryKind kind;
        json_object *literal; /* NULL is null; of a list: an array */
        QueryPath path;
        QueryOperator operator;
        QueryFunction function;
        QueryNode *operands[QUERY_OPERANDS_MAX]; /* as many as there are */
};

QueryNode *query_node_free(QueryNode *node);

/* ---- columns and groups ---- */

typedef enum QueryAggregate {
        QUERY_NO_AGGREGATE,
        QUERY_COUNT,
        QUERY_AVG,
        QUERY_SUM,
        QUERY_MIN,
        QUERY_MAX,
} QueryAggregate;

typedef struct QueryColumn {
        QueryAggregate aggregate;
        QueryPath path; /* empty: of a count */
        char *name;
} QueryColumn;

/* What a column of a group has come to. */
typedef struct QueryTally {
        uint64_t n; /* numbers, or documents for a count */
        double sum, least, most;
} QueryTally;

typedef struct QueryGroup {
        bool has_key;
        json_object *key; /* the value of the path that it is grouped by */
        QueryTally *tallies; /* one a column */
} QueryGroup;

struct Query {
        QueryFrom from;
        uint64_t top;
        QueryColumn *columns; /* none: all */
        size_t n_columns;
        QueryNode *where; /* or NULL */
        bool is_grouped;
        QueryPath group_by;

        QueryGroup *groups; /* in the order in which they were met */
        size_t n_groups, room;
        json_object *places; /* of the groups, by the text of their keys */
};
