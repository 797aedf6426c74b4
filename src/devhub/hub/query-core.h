/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Query, inside - its conditions, for the reader of queries and for the judge of documents
 */

#include "devhub/hub/query.h"

typedef enum NodeKind {
        NODE_AND,
        NODE_OR,
        NODE_NOT,
        NODE_IS_DEFINED,
        NODE_EQUAL,
        NODE_UNEQUAL,
        NODE_LESS,
        NODE_AT_MOST,
        NODE_GREATER,
        NODE_AT_LEAST,
        NODE_IN,
        NODE_NOT_IN,
} NodeKind;

typedef struct Node {
        NodeKind kind;
        unsigned left, right; /* of AND, OR, NOT */
        char *path;
        json_object *value; /* IN: an array */
} Node;

struct Query {
        bool of_modules;
        uint64_t top;
        Node *nodes;
        unsigned n_nodes, root;
        bool has_condition;
};
