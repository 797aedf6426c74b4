/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Values of rules: numbers and times that may be left out, what of a window is sent, [ "mean", "max" ], and how many
 * decimals, of which 0 is not none.
 */

#include <math.h>
#include <string.h>

#include "base/number.h"
#include "daemon/settings-table.h"
#include "daemon/settings-value-core.h"
#include "flow/rules-settings.h"

/* ---- a number that may be left out ---- */

static int limit_set(const SettingsRow *row, const Node *node, void *member, char **ret_why)
{
        NumberLimit limit = {.is_set = true};
        int r = value_real.set(row, node, &limit.value, ret_why);

        if (r == 0)
                *(NumberLimit *)member = limit;
        return r;
}

static void limit_print(const SettingsRow *row, const void *member, Buffer *b)
{
        value_real.print(row, &((const NumberLimit *)member)->value, b);
}

static void limit_expect(const SettingsRow *row, Buffer *b)
{
        buffer_append_string(b, "a number");
        value_expect_example(row, b, ",");
}

static bool limit_is_unset(const SettingsRow *row, const void *member)
{
        return !((const NumberLimit *)member)->is_set;
}

const SettingsType value_limit = {limit_set, limit_print, limit_expect, limit_is_unset};

/* ---- a time that may be left out: never 0 ---- */

static int span_set(const SettingsRow *row, const Node *node, void *member, char **ret_why)
{
        return value_time.set(row, node, member, ret_why);
}

static void span_print(const SettingsRow *row, const void *member, Buffer *b)
{
        value_time.print(row, member, b);
}

static void span_expect(const SettingsRow *row, Buffer *b)
{
        value_time.expect(row, b);
}

static bool span_is_unset(const SettingsRow *row, const void *member)
{
        return *(const usec_t *)member == 0;
}

const SettingsType value_span = {span_set, span_print, span_expect, span_is_unset};

/* ---- what of a window is sent ---- */

static bool find_window_value(const Node *node, unsigned *send)
{
        for (WindowValue v = 0; node->kind == NODE_TEXT && v < _WINDOW_VALUE_MAX; v++)
                if (strcmp(node->text, window_value_to_string(v)) == 0) {
                        *send |= 1U << v;
                        return true;
                }
        return false;
}

static int send_set(const SettingsRow *row, const Node *node, void *member, char **ret_why)
{
        unsigned send = 0;

        if (node->kind != NODE_LIST || node->n_children == 0)
                return VALUE_E_UNFIT;
        for (size_t i = 0; i < node->n_children; i++)
                if (!find_window_value(node->children[i], &send))
                        return VALUE_E_UNFIT;
        *(unsigned *)member = send;
        return 0;
}

static void send_print(const SettingsRow *row, const void *member, Buffer *b)
{
        unsigned send = *(const unsigned *)member;
        const char *comma = "[ ";

        for (WindowValue v = 0; v < _WINDOW_VALUE_MAX; v++)
                if (send & (1U << v)) {
                        buffer_printf(b, "%s\"%s\"", comma, window_value_to_string(v));
                        comma = ", ";
                }
        buffer_append_string(b, " ]");
}

static void send_expect(const SettingsRow *row, Buffer *b)
{
        buffer_append_string(b, "an array of \"mean\", \"min\", \"max\", \"count\", one of them at least");
}

static bool send_is_unset(const SettingsRow *row, const void *member)
{
        return *(const unsigned *)member == 0;
}

const SettingsType value_send = {send_set, send_print, send_expect, send_is_unset};

/* ---- decimals ---- */

static int decimals_set(const SettingsRow *row, const Node *node, void *member, char **ret_why)
{
        if (node->kind != NODE_INTEGER || node->integer < (int64_t)row->min || node->integer > (int64_t)row->max)
                return VALUE_E_UNFIT;
        *(DecimalsSettings *)member = (DecimalsSettings){true, (unsigned)node->integer};
        return 0;
}

static void decimals_print(const SettingsRow *row, const void *member, Buffer *b)
{
        buffer_printf(b, "%u", ((const DecimalsSettings *)member)->n);
}

static void decimals_expect(const SettingsRow *row, Buffer *b)
{
        value_integer.expect(row, b);
}

static bool decimals_is_unset(const SettingsRow *row, const void *member)
{
        return !((const DecimalsSettings *)member)->is_set;
}

const SettingsType value_decimals = {decimals_set, decimals_print, decimals_expect, decimals_is_unset};
