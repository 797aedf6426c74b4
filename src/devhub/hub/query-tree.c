/* SPDX-License-Identifier: Apache-2.0 */

/* The query's tree: its life, and what it is. */

#include <string.h>
#include <strings.h>

#include "devhub/hub/query-core.h"

/* ---- paths ---- */

void query_path_done(QueryPath *path)
{
        for (size_t i = 0; i < path->n; i++)
                free(path->names[i]);
        *path = (QueryPath){};
}

bool query_path_equal(const QueryPath *a, const QueryPath *b)
{
        if (a->n != b->n)
                return false;
        for (size_t i = 0; i < a->n; i++)
                if (strcmp(a->names[i], b->names[i]) != 0)
                        return false;
        return true;
}

/* The hub's own names are found in any case: Microsoft's pages say LastActivityTime for lastActivityTime. */
static bool find_first(const char *name, json_object *document, json_object **ret)
{
        if (json_object_object_get_ex(document, name, ret))
                return true;
        json_object_object_foreach(document, other, value)
                if (strcasecmp(other, name) == 0) {
                        *ret = value;
                        return true;
                }
        return false;
}

bool query_path_find(const QueryPath *path, json_object *document, json_object **ret)
{
        json_object *at = document;

        for (size_t i = 0; i < path->n; i++) {
                if (!json_object_is_type(at, json_type_object))
                        return false;
                if (i == 0 ? !find_first(path->names[i], at, &at)
                           : !json_object_object_get_ex(at, path->names[i], &at))
                        return false;
        }
        *ret = at;
        return true;
}

/* ---- life ---- */

QueryNode *query_node_free(QueryNode *node)
{
        if (!node)
                return NULL;
        for (size_t i = 0; i < ARRAY_SIZE(node->operands); i++)
                query_node_free(node->operands[i]);
        query_path_done(&node->path);
        json_object_put(node->literal);
        free(node);
        return NULL;
}

static void free_groups(Query *q)
{
        for (size_t i = 0; i < q->n_groups; i++) {
                json_object_put(q->groups[i].key);
                free(q->groups[i].tallies);
        }
        free(q->groups);
        json_object_put(q->places);
}

Query *query_free(Query *q)
{
        if (!q)
                return NULL;
        free_groups(q);
        for (size_t i = 0; i < q->n_columns; i++) {
                query_path_done(&q->columns[i].path);
                free(q->columns[i].name);
        }
        free(q->columns);
        query_path_done(&q->group_by);
        query_node_free(q->where);
        free(q);
        return NULL;
}

/* ---- questions ---- */

QueryFrom query_from(const Query *q)
{
        return q->from;
}

uint64_t query_top(const Query *q)
{
        return q->top;
}

bool query_is_whole(const Query *q)
{
        return q->n_columns == 0;
}

/* Without GROUP BY all columns are aggregates, or none is. */
bool query_is_summary(const Query *q)
{
        return q->is_grouped || (q->n_columns > 0 && q->columns[0].aggregate != QUERY_NO_AGGREGATE);
}
