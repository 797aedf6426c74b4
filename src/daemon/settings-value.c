/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/settings-value.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/quantity.h"
#include "daemon/settings-table.h"
#include "daemon/settings-value-core.h"
#include "flow/template.h"
#include "model/name.h"

/* ---- members of any width ---- */

static void put(const SettingsRow *row, void *member, uint64_t v)
{
        switch (row->size) {
        case 1:
                *(uint8_t *)member = (uint8_t)v;
                break;
        case 4:
                *(uint32_t *)member = (uint32_t)v;
                break;
        case 8:
                *(uint64_t *)member = v;
                break;
        }
}

static uint64_t get(const SettingsRow *row, const void *member)
{
        switch (row->size) {
        case 1:
                return *(const uint8_t *)member;
        case 4:
                return *(const uint32_t *)member;
        default:
                return *(const uint64_t *)member;
        }
}

static bool in_range(const SettingsRow *row, uint64_t v)
{
        return v >= row->min && v <= row->max;
}

/* A whole number that is none below zero. */
static bool whole(const Node *node, uint64_t *ret)
{
        if (node->kind != NODE_INTEGER || (node->integer < 0 && !node->hexadecimal))
                return false;
        *ret = (uint64_t)node->integer;
        return true;
}

void value_expect_example(const SettingsRow *row, Buffer *b, const char *comma)
{
        const char *example = row->example ?: row->fallback;

        if (example)
                buffer_printf(b, "%s such as %s", comma, example);
}

/* ---- texts ---- */

void value_print_text(Buffer *b, const char *s)
{
        buffer_append_char(b, '"');
        for (; *s; s++) {
                unsigned char c = (unsigned char)*s;

                if (c == '"' || c == '\\')
                        buffer_printf(b, "\\%c", c);
                else if (c == '\n')
                        buffer_append_string(b, "\\n");
                else if (c == '\r')
                        buffer_append_string(b, "\\r");
                else if (c == '\t')
                        buffer_append_string(b, "\\t");
                else if (c < 0x20)
                        buffer_printf(b, "\\x%02x", c);
                else
                        buffer_append_char(b, (char)c);
        }
        buffer_append_char(b, '"');
}

int value_keep_text(const char *text, void *member)
{
        char *copy = strdup(text);

        if (!copy)
                return -ENOMEM;
        *(char **)member = copy;
        return 0;
}

static int text_set(const SettingsRow *row, const Node *node, void *member, char **ret_why)
{
        if (node->kind != NODE_TEXT || !*node->text)
                return VALUE_E_UNFIT;
        return value_keep_text(node->text, member);
}

void value_text_print(const SettingsRow *row, const void *member, Buffer *b)
{
        value_print_text(b, *(char *const *)member);
}

bool value_text_is_unset(const SettingsRow *row, const void *member)
{
        return !*(char *const *)member;
}

static void text_expect(const SettingsRow *row, Buffer *b)
{
        buffer_append_string(b, "a text in quotes");
        value_expect_example(row, b, ",");
}

const SettingsType value_text = {text_set, value_text_print, text_expect, value_text_is_unset};

static int line_set(const SettingsRow *row, const Node *node, void *member, char **ret_why)
{
        if (node->kind == NODE_TEXT)
                for (const char *p = node->text; *p; p++)
                        if ((unsigned char)*p < 0x20 || *p == 0x7f) {
                                *ret_why = strdup("it has a control character");
                                return *ret_why ? VALUE_E_UNFIT : -ENOMEM;
                        }
        return text_set(row, node, member, ret_why);
}

const SettingsType value_line = {line_set, value_text_print, text_expect, value_text_is_unset};

static int path_set(const SettingsRow *row, const Node *node, void *member, char **ret_why)
{
        if (node->kind != NODE_TEXT || node->text[0] != '/')
                return VALUE_E_UNFIT;
        return value_keep_text(node->text, member);
}

static void path_expect(const SettingsRow *row, Buffer *b)
{
        buffer_append_string(b, "a path that begins with /");
        value_expect_example(row, b, ",");
}

const SettingsType value_path = {path_set, value_text_print, path_expect, value_text_is_unset};

static int template_set(const SettingsRow *row, const Node *node, void *member, char **ret_why)
{
        int r;

        if (node->kind != NODE_TEXT)
                return VALUE_E_UNFIT;
        r = template_check(node->text, ret_why);
        if (r == -EINVAL)
                return VALUE_E_UNFIT;
        return r < 0 ? r : value_keep_text(node->text, member);
}

static void template_expect(const SettingsRow *row, Buffer *b)
{
        buffer_append_string(b, "a text in quotes, in which ${device} ${sensor} ${channel} ${value} "
                                "${value:.2f} ${value[CHANNEL]} ${unit} ${time} ${count} are filled in");
}

const SettingsType value_template = {template_set, value_text_print, template_expect, value_text_is_unset};

static int name_set(const SettingsRow *row, const Node *node, void *member, char **ret_why)
{
        if (node->kind != NODE_TEXT || !name_is_valid(node->text))
                return VALUE_E_UNFIT;
        (void)snprintf(member, sizeof(Name), "%s", node->text);
        return 0;
}

static void name_print(const SettingsRow *row, const void *member, Buffer *b)
{
        value_print_text(b, member);
}

static bool name_is_unset(const SettingsRow *row, const void *member)
{
        return !*(const char *)member;
}

static void name_expect(const SettingsRow *row, Buffer *b)
{
        buffer_printf(b, "a name: a letter, then letters, digits and _, at most %d characters",
                      NAME_LENGTH_MAX);
        value_expect_example(row, b, ",");
}

const SettingsType value_name = {name_set, name_print, name_expect, name_is_unset};

/* Debian's and everybody's shorthand: bus 1 is /dev/i2c-1. */
static int bus_set(const SettingsRow *row, const Node *node, void *member, char **ret_why)
{
        char text[32];
        uint64_t v;

        if (whole(node, &v) && v <= UINT16_MAX) {
                (void)snprintf(text, sizeof(text), "/dev/i2c-%u", (unsigned)v);
                return value_keep_text(text, member);
        }
        return path_set(row, node, member, ret_why);
}

static void bus_expect(const SettingsRow *row, Buffer *b)
{
        buffer_append_string(b, "the number of an I2C bus, or its path such as \"/dev/i2c-1\"");
}

const SettingsType value_bus = {bus_set, value_text_print, bus_expect, value_text_is_unset};

/* ---- words ---- */

static bool find_word(const SettingsRow *row, const Node *node, uint64_t *ret)
{
        if (node->kind != NODE_TEXT)
                return false;
        for (unsigned i = 0; row->words[i]; i++)
                if (strcmp(row->words[i], node->text) == 0) {
                        *ret = i;
                        return true;
                }
        return false;
}

static void word_expect(const SettingsRow *row, Buffer *b)
{
        for (unsigned i = 0; row->words[i]; i++)
                buffer_printf(b, "%s\"%s\"", i == 0 ? "" : row->words[i + 1] ? ", " : " or ", row->words[i]);
}

static int word_set(const SettingsRow *row, const Node *node, void *member, char **ret_why)
{
        uint64_t i;

        return find_word(row, node, &i) ? value_keep_text(node->text, member) : VALUE_E_UNFIT;
}

const SettingsType value_word = {word_set, value_text_print, word_expect, value_text_is_unset};

static int choice_set(const SettingsRow *row, const Node *node, void *member, char **ret_why)
{
        uint64_t i;

        if (!find_word(row, node, &i))
                return VALUE_E_UNFIT;
        put(row, member, row->min + i);
        return 0;
}

static void choice_print(const SettingsRow *row, const void *member, Buffer *b)
{
        value_print_text(b, row->words[get(row, member) - row->min]);
}

const SettingsType value_choice = {choice_set, choice_print, word_expect};

static int boolean_set(const SettingsRow *row, const Node *node, void *member, char **ret_why)
{
        if (node->kind != NODE_BOOLEAN)
                return VALUE_E_UNFIT;
        *(bool *)member = node->boolean;
        return 0;
}

static void boolean_print(const SettingsRow *row, const void *member, Buffer *b)
{
        buffer_append_string(b, *(const bool *)member ? "true" : "false");
}

static void boolean_expect(const SettingsRow *row, Buffer *b)
{
        buffer_append_string(b, "true or false");
}

const SettingsType value_boolean = {boolean_set, boolean_print, boolean_expect};

/* ---- numbers ---- */

static int integer_set(const SettingsRow *row, const Node *node, void *member, char **ret_why)
{
        uint64_t v;

        if (!whole(node, &v) || !in_range(row, v))
                return VALUE_E_UNFIT;
        put(row, member, v);
        return 0;
}

/* libconfig takes what fits 63 bits as a decimal; the scan gives longer ones their L. */
static void integer_print(const SettingsRow *row, const void *member, Buffer *b)
{
        buffer_printf(b, "%" PRIu64, get(row, member));
}

static void integer_expect(const SettingsRow *row, Buffer *b)
{
        buffer_printf(b, "a whole number from %" PRIu64 " to %" PRIu64, row->min, row->max);
}

/* Zero that is out of range, or the default of a row without one, is what was never set. */
static bool integer_is_unset(const SettingsRow *row, const void *member)
{
        return get(row, member) == 0 && !row->fallback && !row->required;
}

const SettingsType value_integer = {integer_set, integer_print, integer_expect, integer_is_unset};

static void hex_print(const SettingsRow *row, const void *member, Buffer *b)
{
        buffer_printf(b, "0x%" PRIX64, get(row, member));
}

static void hex_expect(const SettingsRow *row, Buffer *b)
{
        buffer_printf(b, "a whole number from 0x%02" PRIX64 " to 0x%" PRIX64, row->min, row->max);
}

const SettingsType value_hex = {integer_set, hex_print, hex_expect, integer_is_unset};

static int real_set(const SettingsRow *row, const Node *node, void *member, char **ret_why)
{
        double x;

        if (node->kind == NODE_INTEGER)
                x = (double)node->integer;
        else if (node->kind == NODE_REAL)
                x = node->real;
        else
                return VALUE_E_UNFIT;
        if (!isfinite(x))
                return VALUE_E_UNFIT;
        *(double *)member = x;
        return 0;
}

static void print_real(Buffer *b, double x)
{
        char text[NUMBER_TEXT_MAX];

        if (!isfinite(x)) {
                buffer_append_string(b, "infinity");
                return;
        }
        (void)number_format(x, text);
        buffer_append_string(b, text);
}

static void real_print(const SettingsRow *row, const void *member, Buffer *b)
{
        print_real(b, *(const double *)member);
}

static void real_expect(const SettingsRow *row, Buffer *b)
{
        buffer_append_string(b, "a number");
}

const SettingsType value_real = {real_set, real_print, real_expect};

/* ---- times and sizes ---- */

static int time_set(const SettingsRow *row, const Node *node, void *member, char **ret_why)
{
        usec_t t = 0;
        uint64_t seconds;
        bool ok;

        if (node->kind == NODE_TEXT && row->or_never && strcmp(node->text, "never") == 0) {
                *(usec_t *)member = USEC_INFINITY;
                return 0;
        }
        if (node->kind == NODE_TEXT) {
                ok = quantity_parse_time(node->text, &t) == 0;
        } else if (node->kind == NODE_REAL) {
                ok = node->real >= 0 && node->real < 1e12;
                t = ok ? (usec_t)llround(node->real * USEC_PER_SEC) : 0;
        } else {
                ok = whole(node, &seconds) && seconds < UINT64_MAX / USEC_PER_SEC;
                t = ok ? seconds * USEC_PER_SEC : 0;
        }
        if (!ok || !in_range(row, t))
                return VALUE_E_UNFIT;
        *(usec_t *)member = t;
        return 0;
}

static void time_print(const SettingsRow *row, const void *member, Buffer *b)
{
        buffer_append_char(b, '"');
        quantity_print_time(b, *(const usec_t *)member);
        buffer_append_char(b, '"');
}

static void time_expect(const SettingsRow *row, Buffer *b)
{
        buffer_append_string(b, "a time from ");
        quantity_print_time(b, row->min);
        buffer_append_string(b, " to ");
        quantity_print_time(b, row->max);
        if (row->or_never)
                buffer_append_string(b, " or \"never\"");
        value_expect_example(row, b, ",");
}

const SettingsType value_time = {time_set, time_print, time_expect};

static int size_set(const SettingsRow *row, const Node *node, void *member, char **ret_why)
{
        uint64_t size = 0;
        bool ok = node->kind == NODE_TEXT ? quantity_parse_size(node->text, &size) == 0 : whole(node, &size);

        if (!ok || !in_range(row, size))
                return VALUE_E_UNFIT;
        *(uint64_t *)member = size;
        return 0;
}

static void size_print(const SettingsRow *row, const void *member, Buffer *b)
{
        buffer_append_char(b, '"');
        quantity_print_size(b, *(const uint64_t *)member);
        buffer_append_char(b, '"');
}

static void size_expect(const SettingsRow *row, Buffer *b)
{
        buffer_append_string(b, "a size from ");
        quantity_print_size(b, row->min);
        buffer_append_string(b, " to ");
        quantity_print_size(b, row->max);
        buffer_append_string(b, ": a whole number of bytes, or a text");
        value_expect_example(row, b, "");
}

const SettingsType value_size = {size_set, size_print, size_expect, integer_is_unset};

/* ---- what stands there instead ---- */

/* Long ones are known by their beginning; one that holds a key is not shown at all. */
static void print_found_text(Buffer *b, const char *text)
{
        char head[64];
        size_t n;

        if (strcasestr(text, "SharedAccess")) {
                buffer_append_string(b, "a text with a secret in it");
                return;
        }
        n = (size_t)snprintf(head, sizeof(head), "%s", text);
        if (n >= sizeof(head)) {
                n = sizeof(head) - 1;
                while (n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80)
                        n--;
                head[n] = 0;
        }
        value_print_text(b, head);
        if (text[n])
                buffer_append_string(b, "...");
}

void value_print_node(Buffer *b, const Node *node)
{
        switch (node->kind) {
        case NODE_TEXT:
                print_found_text(b, node->text);
                break;
        case NODE_INTEGER:
                if (node->hexadecimal)
                        buffer_printf(b, "0x%" PRIX64, (uint64_t)node->integer);
                else
                        buffer_printf(b, "%" PRId64, node->integer);
                break;
        case NODE_REAL:
                print_real(b, node->real);
                if (node->real == floor(node->real)) /* or it would look like the integer that it is not */
                        buffer_append_string(b, ".0");
                break;
        case NODE_BOOLEAN:
                buffer_append_string(b, node->boolean ? "true" : "false");
                break;
        case NODE_GROUP:
        case NODE_LIST:
                buffer_append_string(b, node_kind_words(node));
                break;
        }
}
