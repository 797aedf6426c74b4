/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/settings-node.h"

#include <errno.h>
#include <string.h>

int node_new(Node **ret, const char *key, Place place, NodeKind kind)
{
        _cleanup_(node_freep) Node *n = calloc(1, sizeof(*n));

        if (!n)
                return -ENOMEM;
        n->place = place;
        n->kind = kind;
        if (key) {
                n->key = strdup(key);
                if (!n->key)
                        return -ENOMEM;
        }
        *ret = TAKE_PTR(n);
        return 0;
}

Node *node_free(Node *n)
{
        if (!n)
                return NULL;
        for (size_t i = 0; i < n->n_children; i++)
                node_free(n->children[i]);
        free(n->children);
        if (n->kind == NODE_TEXT)
                free(n->text);
        free(n->key);
        free(n);
        return NULL;
}

static int copy_value(Node *copy, const Node *n)
{
        switch (n->kind) {
        case NODE_TEXT:
                copy->text = strdup(n->text);
                return copy->text ? 0 : -ENOMEM;
        case NODE_INTEGER:
                copy->integer = n->integer;
                break;
        case NODE_REAL:
                copy->real = n->real;
                break;
        case NODE_BOOLEAN:
                copy->boolean = n->boolean;
                break;
        case NODE_GROUP:
        case NODE_LIST:
                break;
        }
        return 0;
}

int node_copy(Node **ret, const Node *n, const char *const *files)
{
        _cleanup_(node_freep) Node *copy = NULL;
        Place place = {files[n->place.file], n->place.file, n->place.line};
        int r;

        r = node_new(&copy, n->key, place, n->kind);
        if (r >= 0)
                r = copy_value(copy, n);
        if (r < 0)
                return r;
        copy->faulty = n->faulty;
        copy->hexadecimal = n->hexadecimal;
        for (size_t i = 0; i < n->n_children; i++) {
                Node *child;

                r = node_copy(&child, n->children[i], files);
                if (r >= 0)
                        r = node_add(copy, child);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(copy);
        return 0;
}

int node_add(Node *parent, Node *child)
{
        Node **children = reallocarray(parent->children, parent->n_children + 1, sizeof(*children));

        if (!children) {
                node_free(child);
                return -ENOMEM;
        }
        parent->children = children;
        parent->children[parent->n_children++] = child;
        return 0;
}

void node_drop(Node *parent, size_t i)
{
        node_free(parent->children[i]);
        memmove(&parent->children[i], &parent->children[i + 1], (--parent->n_children - i) * sizeof(Node *));
}

static Node **find(const Node *n, const char *key)
{
        if (!n || n->kind != NODE_GROUP)
                return NULL;
        for (size_t i = 0; i < n->n_children; i++)
                if (strcmp(n->children[i]->key, key) == 0)
                        return &n->children[i];
        return NULL;
}

Node *node_child(const Node *n, const char *key)
{
        Node **p = find(n, key);

        return p ? *p : NULL;
}

static const Node *step(const Node *n, const char *key)
{
        char *end;
        unsigned long i;

        if (n->kind != NODE_LIST)
                return node_child(n, key);
        i = strtoul(key, &end, 10);
        return *key >= '0' && *key <= '9' && !*end && i < n->n_children ? n->children[i] : NULL;
}

const Node *node_nearest(const Node *n, const char *path)
{
        while (*path) {
                size_t length = strcspn(path, ".");
                _cleanup_free_ char *key = strndup(path, length);
                const Node *child = key ? step(n, key) : NULL;

                if (!child)
                        break;
                n = child;
                path += length + (path[length] == '.');
        }
        return n;
}

bool node_is_faulty(const Node *n)
{
        if (!n)
                return false;
        if (n->faulty)
                return true;
        for (size_t i = 0; i < n->n_children; i++)
                if (node_is_faulty(n->children[i]))
                        return true;
        return false;
}

int node_merge(Node *n, Node *over)
{
        _unused_ _cleanup_(node_freep) Node *owned = over;
        int r;

        for (size_t i = 0; i < over->n_children; i++) {
                Node *child = TAKE_PTR(over->children[i]), **here = find(n, child->key);

                if (!here) {
                        r = node_add(n, child);
                        if (r < 0)
                                return r;
                } else if ((*here)->kind == NODE_GROUP && child->kind == NODE_GROUP) {
                        if ((*here)->n_children == 0) /* it said nothing: what it says from now on stands there */
                                (*here)->place = child->place;
                        r = node_merge(*here, child);
                        if (r < 0)
                                return r;
                } else {
                        node_free(*here);
                        *here = child;
                }
        }
        return 0;
}

const char *node_kind_words(const Node *n)
{
        switch (n->kind) {
        case NODE_GROUP:
                return "a group";
        case NODE_LIST:
                return "a list";
        case NODE_TEXT:
                return "a text";
        case NODE_INTEGER:
                return "an integer";
        case NODE_REAL:
                return "a number with a fraction";
        case NODE_BOOLEAN:
                return "true or false";
        }
        return "";
}
