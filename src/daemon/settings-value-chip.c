/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Values of chips' descriptions, which are several: bytes, a register, a polynomial, a table, names. A description is
 * read and never written, so they have no way to be printed.
 */

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "daemon/settings-table.h"
#include "daemon/settings-value-core.h"
#include "sensor/chip.h"

static bool whole_up_to(const Node *node, uint64_t low, uint64_t high, uint64_t *ret)
{
        if (node->kind != NODE_INTEGER || (node->integer < 0 && !node->hexadecimal))
                return false;
        *ret = (uint64_t)node->integer;
        return *ret >= low && *ret <= high;
}

static bool number(const Node *node, double *ret)
{
        *ret = node->kind == NODE_INTEGER ? (double)node->integer : node->kind == NODE_REAL ? node->real : NAN;
        return isfinite(*ret);
}

/* Says which of a list's members it is; -ENOMEM or VALUE_E_UNFIT. */
static int unfit_at(size_t i, char **ret_why)
{
        if (asprintf(ret_why, "its number %zu does not fit", i + 1) < 0) {
                *ret_why = NULL;
                return -ENOMEM;
        }
        return VALUE_E_UNFIT;
}

/* A list of 1 to max; else VALUE_E_UNFIT, with words if it is one. */
static int fits_list(const Node *node, size_t max, char **ret_why)
{
        if (node->kind != NODE_LIST)
                return VALUE_E_UNFIT;
        if (node->n_children >= 1 && node->n_children <= max)
                return 0;
        if (asprintf(ret_why, "it has %zu of them", node->n_children) < 0) {
                *ret_why = NULL;
                return -ENOMEM;
        }
        return VALUE_E_UNFIT;
}

/* ---- bytes ---- */

static int bytes_fill(const Node *node, size_t max, uint64_t low, uint64_t high, ChipBytes *ret, char **ret_why)
{
        ChipBytes bytes = {};
        uint64_t v;
        int r = fits_list(node, max, ret_why);

        if (r != 0)
                return r;
        for (size_t i = 0; i < node->n_children; i++) {
                if (!whole_up_to(node->children[i], low, high, &v))
                        return unfit_at(i, ret_why);
                bytes.bytes[bytes.n++] = (uint8_t)v;
        }
        *ret = bytes;
        return 0;
}

static int bytes_set(const SettingsRow *row, const Node *node, void *member, char **ret_why)
{
        return bytes_fill(node, CHIP_BYTES_MAX, row->min, row->max, member, ret_why);
}

static void bytes_expect(const SettingsRow *row, Buffer *b)
{
        buffer_printf(b, "1 to %d whole numbers from 0x%02" PRIX64 " to 0x%02" PRIX64, CHIP_BYTES_MAX, row->min,
                      row->max);
        value_expect_example(row, b, ",");
}

const SettingsType value_bytes = {bytes_set, NULL, bytes_expect};

/* ---- a register ---- */

static int register_set(const SettingsRow *row, const Node *node, void *member, char **ret_why)
{
        uint64_t v;

        if (!whole_up_to(node, 0, 0xffff, &v))
                return bytes_fill(node, 4, 0, 0xff, member, ret_why);
        *(ChipBytes *)member = chip_register((unsigned)v);
        return 0;
}

static void register_expect(const SettingsRow *row, Buffer *b)
{
        buffer_append_string(b, "a register from 0x00 to 0xFFFF, or 1 to 4 bytes such as [ 0x00, 0x10 ]");
}

const SettingsType value_register = {register_set, NULL, register_expect};

/* ---- a polynomial ---- */

static int numbers_set(const SettingsRow *row, const Node *node, void *member, char **ret_why)
{
        Numbers numbers = {};
        int r = fits_list(node, NUMBERS_MAX, ret_why);

        if (r != 0)
                return r;
        for (size_t i = 0; i < node->n_children; i++)
                if (!number(node->children[i], &numbers.values[numbers.n++]))
                        return unfit_at(i, ret_why);
        *(Numbers *)member = numbers;
        return 0;
}

static void numbers_expect(const SettingsRow *row, Buffer *b)
{
        buffer_printf(b, "1 to %d numbers, the constant first, such as [ -2.0, 0.04, -1.6e-6 ]", NUMBERS_MAX);
}

const SettingsType value_numbers = {numbers_set, NULL, numbers_expect};

/* ---- a table ---- */

static bool point(const Node *node, Point *ret)
{
        return node->kind == NODE_LIST && node->n_children == 2 && number(node->children[0], &ret->raw) &&
               number(node->children[1], &ret->value);
}

static int curve_set(const SettingsRow *row, const Node *node, void *member, char **ret_why)
{
        _cleanup_free_ Curve *curve = calloc(1, sizeof(*curve));
        int r = curve ? fits_list(node, POINTS_MAX, ret_why) : -ENOMEM;

        if (r != 0)
                return r;
        for (size_t i = 0; i < node->n_children; i++)
                if (!point(node->children[i], &curve->points[curve->n++]))
                        return unfit_at(i, ret_why);
        *(Curve *)member = *curve;
        return 0;
}

static void curve_expect(const SettingsRow *row, Buffer *b)
{
        buffer_printf(b, "2 to %d points, each a raw number and its value, such as ( [ 0.0, -40.0 ], [ 1023.0, 125.0 ] "
                         ")",
                      POINTS_MAX);
}

const SettingsType value_curve = {curve_set, NULL, curve_expect};

/* ---- names ---- */

static int names_set(const SettingsRow *row, const Node *node, void *member, char **ret_why)
{
        ChipNames names = {};
        int r = fits_list(node, ARRAY_SIZE(names.items), ret_why);

        if (r != 0)
                return r;
        for (size_t i = 0; i < node->n_children; i++) {
                if (node->children[i]->kind != NODE_TEXT || !name_is_valid(node->children[i]->text))
                        return unfit_at(i, ret_why);
                (void)snprintf(names.items[names.n++], sizeof(Name), "%s", node->children[i]->text);
        }
        *(ChipNames *)member = names;
        return 0;
}

static void names_expect(const SettingsRow *row, Buffer *b)
{
        buffer_printf(b, "a list of names, such as %s", row->example);
}

const SettingsType value_names = {names_set, NULL, names_expect};
