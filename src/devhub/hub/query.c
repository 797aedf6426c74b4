/* SPDX-License-Identifier: Apache-2.0 */

/* The query's condition, judged. */

#include "devhub/hub/query-value.h"

static Value evaluate(const QueryNode *node, json_object *document);

/* There is a third beside true and false: what is no truth. */
static Value as_truth(Value v)
{
        return v.kind == VALUE_BOOL ? v : (Value){};
}

/* The one that decides: false for AND, true for OR. */
static Value join(const QueryNode *node, json_object *document, bool decides)
{
        Value a = as_truth(evaluate(node->operands[0], document)), b;

        if (a.kind == VALUE_BOOL && a.truth == decides)
                return a;
        b = as_truth(evaluate(node->operands[1], document));
        return b.kind == VALUE_BOOL && (b.truth == decides || a.kind == VALUE_BOOL) ? b : (Value){};
}

static Value negate(Value v)
{
        v = as_truth(v);
        v.truth = !v.truth;
        return v;
}

static Value call(const QueryNode *node, json_object *document)
{
        Value operands[QUERY_OPERANDS_MAX] = {};

        for (size_t i = 0; i < ARRAY_SIZE(operands) && node->operands[i]; i++)
                operands[i] = evaluate(node->operands[i], document);
        return value_call(node->function, operands);
}

static Value look_up(const QueryPath *path, json_object *document)
{
        json_object *found;

        return query_path_find(path, document, &found) ? value_of(found) : (Value){};
}

static Value evaluate(const QueryNode *node, json_object *document)
{
        QueryNode *const *operands = node->operands;

        switch (node->kind) {
        case QUERY_UNDEFINED:
                break;
        case QUERY_LITERAL:
        case QUERY_LIST:
                return value_of(node->literal);
        case QUERY_PATH:
                return look_up(&node->path, document);
        case QUERY_CALL:
                return call(node, document);
        case QUERY_ARITHMETIC:
                return value_calculate(node->operator, evaluate(operands[0], document),
                                       evaluate(operands[1], document));
        case QUERY_COMPARE:
                return value_compare(node->operator, evaluate(operands[0], document),
                                     evaluate(operands[1], document));
        case QUERY_IN:
                return value_is_in(evaluate(operands[0], document), operands[1]->literal);
        case QUERY_NOT:
                return negate(evaluate(operands[0], document));
        case QUERY_AND:
                return join(node, document, false);
        case QUERY_OR:
                return join(node, document, true);
        }
        return (Value){};
}

bool query_matches(const Query *q, json_object *document)
{
        Value v = q->where ? as_truth(evaluate(q->where, document)) : value_truth(true);

        return v.kind == VALUE_BOOL && v.truth;
}
