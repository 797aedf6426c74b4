/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/query.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/number.h"

#define DEPTH_MAX 32
#define NODES_MAX 256
#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_$-"

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
