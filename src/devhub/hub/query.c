/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/query-core.h"

#include <string.h>

Query *query_free(Query *q)
{
        if (!q)
                return NULL;
        for (unsigned i = 0; i < q->n_nodes; i++) {
                free(q->nodes[i].path);
                json_object_put(q->nodes[i].value);
        }
        free(q->nodes);
        free(q);
        return NULL;
}

bool query_is_of_modules(const Query *q)
{
        return q->of_modules;
}

uint64_t query_top(const Query *q)
{
        return q->top;
}

/* ---- judging ---- */

typedef enum Truth {
        TRUTH_NO,
        TRUTH_YES,
        TRUTH_UNDEFINED,
} Truth;

static Truth truth_of(bool b)
{
        return b ? TRUTH_YES : TRUTH_NO;
}

/* False: there is no such thing. */
static bool look_up(json_object *document, const char *path, json_object **ret)
{
        json_object *at = document;

        for (const char *p = path; *p;) {
                size_t size = strcspn(p, ".");
                char name[256];

                if (size >= sizeof(name) || !json_object_is_type(at, json_type_object))
                        return false;
                memcpy(name, p, size);
                name[size] = 0;
                if (!json_object_object_get_ex(at, name, &at))
                        return false;
                p += size;
                p += *p == '.';
        }
        *ret = at;
        return true;
}

static bool is_number(json_object *value)
{
        return json_object_is_type(value, json_type_int) || json_object_is_type(value, json_type_double);
}

static int order(double a, double b)
{
        return a < b ? -1 : a > b;
}

/* False: the two cannot be compared. */
static bool compare(json_object *a, json_object *b, int *ret)
{
        if (is_number(a) && is_number(b))
                *ret = order(json_object_get_double(a), json_object_get_double(b));
        else if (json_object_is_type(a, json_type_string) && json_object_is_type(b, json_type_string))
                *ret = strcmp(json_object_get_string(a), json_object_get_string(b));
        else if (json_object_is_type(a, json_type_boolean) && json_object_is_type(b, json_type_boolean))
                *ret = json_object_get_boolean(a) - json_object_get_boolean(b);
        else if (!a && !b)
                *ret = 0;
        else
                return false;
        return true;
}

static bool is_in(json_object *value, json_object *list)
{
        for (size_t i = 0; i < json_object_array_length(list); i++) {
                int c;

                if (compare(value, json_object_array_get_idx(list, i), &c) && c == 0)
                        return true;
        }
        return false;
}

static Truth judge_comparison(const Node *node, json_object *document)
{
        json_object *value;
        int c;

        if (!look_up(document, node->path, &value))
                return TRUTH_UNDEFINED;
        if (node->kind == NODE_IN || node->kind == NODE_NOT_IN)
                return truth_of(is_in(value, node->value) == (node->kind == NODE_IN));
        if (!compare(value, node->value, &c))
                return TRUTH_UNDEFINED;
        switch (node->kind) {
        case NODE_EQUAL:
                return truth_of(c == 0);
        case NODE_UNEQUAL:
                return truth_of(c != 0);
        case NODE_LESS:
                return truth_of(c < 0);
        case NODE_AT_MOST:
                return truth_of(c <= 0);
        case NODE_GREATER:
                return truth_of(c > 0);
        default:
                return truth_of(c >= 0);
        }
}

static Truth judge(const Query *q, unsigned n, json_object *document)
{
        const Node *node = &q->nodes[n];
        json_object *value;
        Truth left, right, decisive;

        switch (node->kind) {
        case NODE_NOT:
                left = judge(q, node->left, document);
                return left == TRUTH_UNDEFINED ? left : truth_of(left == TRUTH_NO);
        case NODE_AND:
        case NODE_OR:
                decisive = truth_of(node->kind == NODE_OR);
                left = judge(q, node->left, document);
                right = judge(q, node->right, document);
                if (left == decisive || right == decisive)
                        return decisive;
                return left == TRUTH_UNDEFINED ? left : right;
        case NODE_IS_DEFINED:
                return truth_of(look_up(document, node->path, &value));
        default:
                return judge_comparison(node, document);
        }
}

bool query_matches(const Query *q, json_object *document)
{
        return !q->has_condition || judge(q, q->root, document) == TRUTH_YES;
}
