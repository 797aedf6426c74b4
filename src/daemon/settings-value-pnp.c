/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Values of Plug and Play: a range, which is two numbers, [ 5.0, 90.0 ]; and a plain value of any kind, kept as JSON.
 */

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/number.h"
#include "daemon/settings-table.h"
#include "daemon/settings-value-core.h"
#include "model/json-read.h"

/* ---- a range ---- */

static bool is_number(const Node *node, double *ret)
{
        *ret = node->kind == NODE_INTEGER ? (double)node->integer : node->kind == NODE_REAL ? node->real : NAN;
        return isfinite(*ret);
}

static int range_set(const SettingsRow *row, const Node *node, void *member, char **ret_why)
{
        NumberRange range = {.is_set = true};

        if (node->kind != NODE_LIST || node->n_children != 2 || !is_number(node->children[0], &range.low) ||
            !is_number(node->children[1], &range.high) || range.low > range.high)
                return VALUE_E_UNFIT;
        *(NumberRange *)member = range;
        return 0;
}

/* An array holds values of one kind: both get a point. */
static void print_with_point(Buffer *b, double x)
{
        char text[NUMBER_TEXT_MAX];

        (void)number_format(x, text);
        buffer_append_string(b, text);
        if (!strpbrk(text, ".e"))
                buffer_append_string(b, ".0");
}

static void range_print(const SettingsRow *row, const void *member, Buffer *b)
{
        const NumberRange *range = member;

        buffer_append_string(b, "[ ");
        print_with_point(b, range->low);
        buffer_append_string(b, ", ");
        print_with_point(b, range->high);
        buffer_append_string(b, " ]");
}

static void range_expect(const SettingsRow *row, Buffer *b)
{
        buffer_printf(b, "two numbers, the lower one first, such as %s", row->example);
}

static bool range_is_unset(const SettingsRow *row, const void *member)
{
        return !((const NumberRange *)member)->is_set;
}

const SettingsType value_range = {range_set, range_print, range_expect, range_is_unset};

/* ---- a plain value ---- */

static int plain_set(const SettingsRow *row, const Node *node, void *member, char **ret_why)
{
        _cleanup_(buffer_done) Buffer json = BUFFER_NULL;

        if (node->kind == NODE_TEXT)
                json_string(&json, node->text);
        else if (node->kind == NODE_INTEGER)
                json_integer(&json, node->integer);
        else if (node->kind == NODE_REAL && isfinite(node->real))
                json_number(&json, node->real);
        else if (node->kind == NODE_BOOLEAN)
                buffer_append_string(&json, node->boolean ? "true" : "false");
        else
                return VALUE_E_UNFIT;
        return buffer_error(&json) ? -ENOMEM : value_keep_text(json.data, member);
}

static void plain_print(const SettingsRow *row, const void *member, Buffer *b)
{
        const char *json = *(char *const *)member, *why;
        _cleanup_json_ json_object *value = NULL;

        if (*json != '"')
                buffer_append_string(b, json);
        else if (json_read(json, strlen(json), &value, &why) == 0)
                value_print_text(b, json_object_get_string(value));
}

static void plain_expect(const SettingsRow *row, Buffer *b)
{
        buffer_append_string(b, "a number, true or false, or a text in quotes");
}

const SettingsType value_plain = {plain_set, plain_print, plain_expect, value_text_is_unset};
