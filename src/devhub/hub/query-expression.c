/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/query-expression.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define DEPTH_MAX 32
#define NODES_MAX 1000

/* Into the caller's place at once: he frees what stays half. */
static int add_node(QueryText *x, QueryKind kind, QueryNode **ret)
{
        if (x->n_nodes++ == NODES_MAX)
                return query_refuse(x, "fewer conditions");
        *ret = calloc(1, sizeof(**ret));
        if (!*ret)
                return -ENOMEM;
        (*ret)->kind = kind;
        return 0;
}

/* *node becomes the first operand of a new one in its place. */
static int wrap(QueryText *x, QueryKind kind, QueryNode **node)
{
        QueryNode *outer = NULL;
        int r = add_node(x, kind, &outer);

        if (r < 0)
                return r;
        outer->operands[0] = *node;
        *node = outer;
        return 0;
}

/* ---- functions ---- */

static const struct {
        const char *name;
        unsigned n_operands;
} functions[_QUERY_FUNCTION_MAX] = {
        [QUERY_IS_DEFINED] = {"is_defined", 1},     [QUERY_IS_STRING] = {"is_string", 1},
        [QUERY_IS_NUMBER] = {"is_number", 1},       [QUERY_IS_BOOL] = {"is_bool", 1},
        [QUERY_IS_OBJECT] = {"is_object", 1},       [QUERY_IS_ARRAY] = {"is_array", 1},
        [QUERY_IS_NULL] = {"is_null", 1},           [QUERY_IS_PRIMITIVE] = {"is_primitive", 1},
        [QUERY_STARTSWITH] = {"startswith", 2},     [QUERY_ENDSWITH] = {"endswith", 2},
        [QUERY_CONTAINS] = {"contains", 2},         [QUERY_LENGTH] = {"length", 1},
        [QUERY_SUBSTRING] = {"substring", 3},
};

static int take_arguments(QueryText *x, QueryNode *call)
{
        unsigned n = functions[call->function].n_operands;
        int r = query_take_sign(x, "(") ? 0 : query_refuse(x, "(");

        for (unsigned i = 0; r >= 0 && i < n; i++) {
                const char *behind = i + 1 < n ? "," : ")";

                r = query_take_expression(x, &call->operands[i]);
                if (r >= 0 && !query_take_sign(x, behind))
                        r = query_refuse(x, behind);
        }
        return r;
}

static int take_call(QueryText *x, QueryNode **ret)
{
        for (QueryFunction i = 0; i < _QUERY_FUNCTION_MAX; i++)
                if (query_take_word(x, functions[i].name)) {
                        int r = add_node(x, QUERY_CALL, ret);

                        if (r < 0)
                                return r;
                        (*ret)->function = i;
                        return take_arguments(x, *ret);
                }
        return query_refuse(x, "is_defined, is_string, is_number, is_bool, is_object, is_array, is_null, is_primitive,"
                               " startswith, endswith, contains, length or substring, which queries of twins have");
}

/* ---- operands ---- */

/* Behind the bracket that opens it. */
static int take_list(QueryText *x, const char *end, QueryNode **ret)
{
        int r = add_node(x, QUERY_LIST, ret);

        if (r < 0)
                return r;
        (*ret)->literal = json_object_new_array();
        if (!(*ret)->literal)
                return -ENOMEM;
        do {
                json_object *item;

                r = query_take_literal(x, &item);
                if (r > 0)
                        return query_refuse(x, "a text, a number, true, false or null");
                if (r >= 0 && json_object_array_add((*ret)->literal, item) < 0) {
                        json_object_put(item);
                        r = -ENOMEM;
                }
        } while (r >= 0 && query_take_sign(x, ","));
        return r < 0 || query_take_sign(x, end) ? r : query_refuse(x, end);
}

static int take_literal_or_path(QueryText *x, QueryNode **ret)
{
        int r = add_node(x, QUERY_LITERAL, ret);

        if (r >= 0)
                r = query_take_literal(x, &(*ret)->literal);
        if (r <= 0)
                return r;
        if (query_take_word(x, "undefined")) {
                (*ret)->kind = QUERY_UNDEFINED;
                return 0;
        }
        (*ret)->kind = QUERY_PATH;
        return query_take_path(x, &(*ret)->path);
}

static bool at_bracketed_name(QueryText *x)
{
        const char *p = x->p + strspn(x->p, " \t\r\n");

        return p[0] == '[' && p[1] == '[';
}

static int take_operand(QueryText *x, QueryNode **ret)
{
        int r;

        if (query_take_sign(x, "(")) {
                r = query_take_expression(x, ret);
                return r < 0 || query_take_sign(x, ")") ? r : query_refuse(x, ")");
        }
        if (!at_bracketed_name(x) && query_take_sign(x, "["))
                return take_list(x, "]", ret);
        return query_at_call(x) ? take_call(x, ret) : take_literal_or_path(x, ret);
}

/* ---- operators, the tighter ones first ---- */

typedef struct Sign {
        const char *text;
        QueryOperator operator;
} Sign;

static bool take_one_of(QueryText *x, const Sign *signs, QueryOperator *ret)
{
        for (; signs->text; signs++)
                if (query_take_sign(x, signs->text)) {
                        *ret = signs->operator;
                        return true;
                }
        return false;
}

static int take_product(QueryText *x, QueryNode **ret)
{
        static const Sign signs[] = {{"*", QUERY_TIMES}, {"/", QUERY_OVER}, {"%", QUERY_MODULO}, {}};
        int r = take_operand(x, ret);
        QueryOperator operator;

        while (r >= 0 && take_one_of(x, signs, &operator)) {
                r = wrap(x, QUERY_ARITHMETIC, ret);
                if (r < 0)
                        break;
                (*ret)->operator = operator;
                r = take_operand(x, &(*ret)->operands[1]);
        }
        return r;
}

static int take_sum(QueryText *x, QueryNode **ret)
{
        static const Sign signs[] = {{"+", QUERY_PLUS}, {"-", QUERY_MINUS}, {}};
        int r = take_product(x, ret);
        QueryOperator operator;

        while (r >= 0 && take_one_of(x, signs, &operator)) {
                r = wrap(x, QUERY_ARITHMETIC, ret);
                if (r < 0)
                        break;
                (*ret)->operator = operator;
                r = take_product(x, &(*ret)->operands[1]);
        }
        return r;
}

/* Microsoft's pages have the list in brackets; of old they had it in parentheses. */
static int take_membership(QueryText *x, bool without, QueryNode **ret)
{
        const char *end = NULL;
        int r = wrap(x, QUERY_IN, ret);

        if (r < 0)
                return r;
        if (query_take_sign(x, "["))
                end = "]";
        else if (query_take_sign(x, "("))
                end = ")";
        r = end ? take_list(x, end, &(*ret)->operands[1]) : query_refuse(x, "a list such as ['a', 'b']");
        return r < 0 || !without ? r : wrap(x, QUERY_NOT, ret);
}

static int take_comparison(QueryText *x, QueryNode **ret)
{
        static const Sign signs[] = {
                {"!=", QUERY_UNEQUAL}, {"<>", QUERY_UNEQUAL}, {"<=", QUERY_AT_MOST}, {">=", QUERY_AT_LEAST},
                {"=", QUERY_EQUAL},    {"<", QUERY_LESS},     {">", QUERY_GREATER},  {},
        };
        int r = take_sum(x, ret);
        QueryOperator operator;
        bool without;

        if (r < 0)
                return r;
        if (take_one_of(x, signs, &operator)) {
                r = wrap(x, QUERY_COMPARE, ret);
                if (r < 0)
                        return r;
                (*ret)->operator = operator;
                return take_sum(x, &(*ret)->operands[1]);
        }
        without = query_take_word(x, "nin");
        return without || query_take_word(x, "in") ? take_membership(x, without, ret) : 0;
}

static int take_term(QueryText *x, QueryNode **ret)
{
        int r;

        if (!query_take_word(x, "not"))
                return take_comparison(x, ret);
        if (++x->depth > DEPTH_MAX)
                return query_refuse(x, "fewer conditions within conditions");
        r = take_term(x, ret);
        x->depth--;
        return r < 0 ? r : wrap(x, QUERY_NOT, ret);
}

static int take_all(QueryText *x, QueryNode **ret)
{
        int r = take_term(x, ret);

        while (r >= 0 && query_take_word(x, "and")) {
                r = wrap(x, QUERY_AND, ret);
                if (r >= 0)
                        r = take_term(x, &(*ret)->operands[1]);
        }
        return r;
}

int query_take_expression(QueryText *x, QueryNode **ret)
{
        int r;

        if (++x->depth > DEPTH_MAX)
                return query_refuse(x, "fewer conditions within conditions");
        r = take_all(x, ret);
        while (r >= 0 && query_take_word(x, "or")) {
                r = wrap(x, QUERY_OR, ret);
                if (r >= 0)
                        r = take_all(x, &(*ret)->operands[1]);
        }
        x->depth--;
        return r;
}
