/* SPDX-License-Identifier: Apache-2.0 */

/* The query's other half: from its text. */

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"
#include "devhub/hub/query-core.h"

#define DEPTH_MAX 32
#define NODES_MAX 256
#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_$-"

/* ---- words ---- */

typedef struct Parser {
        const char *text, *p;
        Query *query;
        Buffer *error;
        unsigned depth;
} Parser;

static int wrong(Parser *x, const char *wanted)
{
        if (*x->p)
                buffer_printf(x->error, "The query wants %s at '%.40s'", wanted, x->p);
        else
                buffer_printf(x->error, "The query wants %s at its end", wanted);
        return -EBADMSG;
}

static void pass_blanks(Parser *x)
{
        x->p += strspn(x->p, " \t\r\n");
}

static bool take_word(Parser *x, const char *word)
{
        size_t size = strlen(word);

        pass_blanks(x);
        if (strncasecmp(x->p, word, size) != 0 || (x->p[size] && strchr(NAME_CHARACTERS, x->p[size])))
                return false;
        x->p += size;
        return true;
}

static bool take_sign(Parser *x, const char *sign)
{
        pass_blanks(x);
        if (strncmp(x->p, sign, strlen(sign)) != 0)
                return false;
        x->p += strlen(sign);
        return true;
}

/* name.name.name */
static int take_path(Parser *x, char **ret)
{
        size_t size = 0;

        pass_blanks(x);
        for (;;) {
                size_t part = strspn(x->p + size, NAME_CHARACTERS);

                if (part == 0)
                        return wrong(x, "a path such as tags.room");
                size += part;
                if (x->p[size] != '.')
                        break;
                size++;
        }
        *ret = strndup(x->p, size);
        if (!*ret)
                return -ENOMEM;
        x->p += size;
        return 0;
}

/* Within its quotes a quote stands doubled. */
static int take_string(Parser *x, json_object **ret)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
        const char *p = x->p;
        char quote = *p++;

        for (;;) {
                if (!*p)
                        return wrong(x, "the end of a text");
                if (*p == quote && *++p != quote)
                        break;
                buffer_append_char(&b, *p++);
        }
        x->p = p;
        *ret = buffer_error(&b) ? NULL : json_object_new_string(b.data ? b.data : "");
        return *ret ? 0 : -ENOMEM;
}

static int take_number(Parser *x, json_object **ret)
{
        size_t size = strspn(x->p, "0123456789+-.eE");
        _cleanup_free_ char *text = strndup(x->p, size);
        double v;

        if (!text)
                return -ENOMEM;
        if (size == 0 || number_parse(text, &v) < 0)
                return wrong(x, "a text, a number, true, false or null");
        x->p += size;
        *ret = json_object_new_double(v);
        return *ret ? 0 : -ENOMEM;
}

/* NULL is null. */
static int take_value(Parser *x, json_object **ret)
{
        *ret = NULL;
        pass_blanks(x);
        if (*x->p == '\'' || *x->p == '"')
                return take_string(x, ret);
        if (take_word(x, "null"))
                return 0;
        if (take_word(x, "true"))
                *ret = json_object_new_boolean(true);
        else if (take_word(x, "false"))
                *ret = json_object_new_boolean(false);
        else
                return take_number(x, ret);
        return *ret ? 0 : -ENOMEM;
}

static int take_list(Parser *x, json_object **ret)
{
        int r = 0;

        if (!take_sign(x, "["))
                return wrong(x, "a list such as ['a', 'b']");
        *ret = json_object_new_array();
        if (!*ret)
                return -ENOMEM;
        do {
                json_object *value;

                r = take_value(x, &value);
                if (r >= 0 && json_object_array_add(*ret, value) < 0) {
                        json_object_put(value);
                        r = -ENOMEM;
                }
        } while (r >= 0 && take_sign(x, ","));
        if (r >= 0 && !take_sign(x, "]"))
                r = wrong(x, "the end of the list");
        return r;
}

/* ---- conditions ---- */

static int add_node(Parser *x, Node node, unsigned *ret)
{
        Query *q = x->query;

        if (q->n_nodes == NODES_MAX)
                return wrong(x, "fewer conditions");
        q->nodes[q->n_nodes] = node;
        *ret = q->n_nodes++;
        return 0;
}

static int take_any(Parser *x, unsigned *ret);

static int take_comparison(Parser *x, unsigned *ret)
{
        static const struct {
                const char *sign;
                NodeKind kind;
        } signs[] = {
                {"!=", NODE_UNEQUAL}, {"<>", NODE_UNEQUAL}, {"<=", NODE_AT_MOST}, {">=", NODE_AT_LEAST},
                {"=", NODE_EQUAL},    {"<", NODE_LESS},     {">", NODE_GREATER},
        };
        Node *node;
        int r;

        /* the node owns what is read from here on, also when it stays half */
        r = add_node(x, (Node){.kind = NODE_EQUAL}, ret);
        if (r < 0)
                return r;
        node = &x->query->nodes[*ret];
        r = take_path(x, &node->path);
        if (r < 0)
                return r;
        if (take_word(x, "in")) {
                node->kind = NODE_IN;
                return take_list(x, &node->value);
        }
        if (take_word(x, "nin")) {
                node->kind = NODE_NOT_IN;
                return take_list(x, &node->value);
        }
        for (size_t i = 0; i < ARRAY_SIZE(signs); i++)
                if (take_sign(x, signs[i].sign)) {
                        node->kind = signs[i].kind;
                        return take_value(x, &node->value);
                }
        return wrong(x, "a comparison such as =");
}

static int take_is_defined(Parser *x, unsigned *ret)
{
        int r = add_node(x, (Node){.kind = NODE_IS_DEFINED}, ret);

        if (r < 0)
                return r;
        if (!take_sign(x, "("))
                return wrong(x, "(");
        r = take_path(x, &x->query->nodes[*ret].path);
        if (r < 0)
                return r;
        return take_sign(x, ")") ? 0 : wrong(x, ")");
}

static int take_one(Parser *x, unsigned *ret)
{
        unsigned inner;
        int r;

        if (++x->depth > DEPTH_MAX)
                return wrong(x, "fewer conditions within conditions");
        if (take_word(x, "not")) {
                r = take_one(x, &inner);
                if (r >= 0)
                        r = add_node(x, (Node){.kind = NODE_NOT, .left = inner}, ret);
        } else if (take_sign(x, "(")) {
                r = take_any(x, ret);
                if (r >= 0 && !take_sign(x, ")"))
                        r = wrong(x, ")");
        } else if (take_word(x, "is_defined")) {
                r = take_is_defined(x, ret);
        } else {
                r = take_comparison(x, ret);
        }
        x->depth--;
        return r;
}

static int take_all(Parser *x, unsigned *ret)
{
        int r = take_one(x, ret);

        while (r >= 0 && take_word(x, "and")) {
                unsigned left = *ret, right;

                r = take_one(x, &right);
                if (r >= 0)
                        r = add_node(x, (Node){.kind = NODE_AND, .left = left, .right = right}, ret);
        }
        return r;
}

static int take_any(Parser *x, unsigned *ret)
{
        int r = take_all(x, ret);

        while (r >= 0 && take_word(x, "or")) {
                unsigned left = *ret, right;

                r = take_all(x, &right);
                if (r >= 0)
                        r = add_node(x, (Node){.kind = NODE_OR, .left = left, .right = right}, ret);
        }
        return r;
}

/* ---- the whole ---- */

static int take_top(Parser *x)
{
        char *end;

        pass_blanks(x);
        if (!isdigit((unsigned char)*x->p))
                return wrong(x, "a number");
        errno = 0;
        x->query->top = strtoull(x->p, &end, 10);
        if (errno || x->query->top == 0)
                return wrong(x, "a number above 0");
        x->p = end;
        return 0;
}

static int take_query(Parser *x)
{
        int r = 0;

        if (!take_word(x, "select"))
                return wrong(x, "SELECT");
        if (take_word(x, "top"))
                r = take_top(x);
        if (r < 0)
                return r;
        if (!take_sign(x, "*"))
                return wrong(x, "* (hublink-devhub answers with whole twins only)");
        if (!take_word(x, "from"))
                return wrong(x, "FROM");
        x->query->of_modules = take_word(x, "devices.modules");
        if (!x->query->of_modules && !take_word(x, "devices"))
                return wrong(x, "devices or devices.modules");
        x->query->has_condition = take_word(x, "where");
        if (x->query->has_condition)
                r = take_any(x, &x->query->root);
        pass_blanks(x);
        return r < 0 ? r : *x->p ? wrong(x, "WHERE, AND, OR or its end") : 0;
}

int query_parse(const char *text, Query **ret, Buffer *error)
{
        _cleanup_(query_freep) Query *q = calloc(1, sizeof(*q));
        Parser x = {.text = text, .p = text, .query = q, .error = error};
        int r;

        if (!q)
                return -ENOMEM;
        q->top = UINT64_MAX;
        q->nodes = calloc(NODES_MAX, sizeof(Node));
        if (!q->nodes)
                return -ENOMEM;
        r = take_query(&x);
        if (r < 0)
                return buffer_error(error) ? -ENOMEM : r;
        *ret = TAKE_PTR(q);
        return 0;
}
