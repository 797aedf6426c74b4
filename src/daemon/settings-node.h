/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Node - the settings as they stand in the files, before anybody asks what they mean
 *
 * A tree of groups with a scalar at each leaf; every node remembers its place. Trees of several files are
 * laid over one another: groups merge by key, everything else is replaced.
 *
 * Owns:   its key, text and children. The name in its place is borrowed.
 */

#include "daemon/problems.h"

typedef enum NodeKind {
        NODE_GROUP,
        NODE_LIST, /* a list or an array */
        NODE_TEXT,
        NODE_INTEGER,
        NODE_REAL,
        NODE_BOOLEAN,
} NodeKind;

typedef struct Node Node;
struct Node {
        char *key; /* NULL for the root and in a list */
        Place place;
        NodeKind kind;
        union {
                char *text;
                int64_t integer;
                double real;
                bool boolean;
        };
        bool faulty;      /* a problem was told of it */
        bool hexadecimal; /* an integer that was written so: all 64 bits count, none is a sign */
        Node **children;
        size_t n_children;
};

int node_new(Node **ret, const char *key, Place place, NodeKind kind);
Node *node_free(Node *n);
DEFINE_CLEANUP(Node *, node_free);

/* All of it anew; the names of its places are taken from files, by their numbers. */
int node_copy(Node **ret, const Node *n, const char *const *files);
int node_add(Node *parent, Node *child);          /* takes the child, also when it fails */
void node_drop(Node *parent, size_t i);           /* its child of that place */
Node *node_child(const Node *n, const char *key); /* NULL when there is none, or n is NULL or no group */

/* The node at "sensors.cpu.path", or "sensors.cpu.report.0" in a list, or the deepest there is on the way to it. */
const Node *node_nearest(const Node *n, const char *path);
bool node_is_faulty(const Node *n); /* it, or anything in it; NULL is not */

/* Lays over upon n, whose later word counts. Takes over, also when it fails. */
int node_merge(Node *n, Node *over);

const char *node_kind_words(const Node *n); /* "a group", "a text", ... */
