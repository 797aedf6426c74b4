/* SPDX-License-Identifier: Apache-2.0 */

/* Settings that name methods, and services on the message bus. */

#include <errno.h>
#include <string.h>

#include "daemon/settings-table.h"
#include "daemon/settings-value-core.h"
#include "model/name.h"

/* ---- a list of methods ---- */

static int methods_set(const SettingsRow *row, const Node *node, void *member, char **ret_why)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        if (node->kind != NODE_LIST)
                return VALUE_E_UNFIT;
        for (size_t i = 0; i < node->n_children; i++) {
                const Node *name = node->children[i];

                if (name->kind != NODE_TEXT || !name_is_of_method(name->text))
                        return VALUE_E_UNFIT;
                buffer_printf(&b, "%s%s", i > 0 ? " " : "", name->text);
        }
        return buffer_error(&b) < 0 ? -ENOMEM : value_keep_text(b.data ?: "", member);
}

static void methods_print(const SettingsRow *row, const void *member, Buffer *b)
{
        const char *names = *(char *const *)member, *comma = " ";

        buffer_append_char(b, '[');
        while (*names) {
                size_t n = strcspn(names, " ");

                buffer_printf(b, "%s\"%.*s\"", comma, (int)n, names);
                comma = ", ";
                names += n + (names[n] == ' ');
        }
        buffer_append_string(b, " ]");
}

static void methods_expect(const SettingsRow *row, Buffer *b)
{
        buffer_append_string(b, "an array of names of methods");
        value_expect_example(row, b, ",");
}

const SettingsType value_methods = {methods_set, methods_print, methods_expect, value_text_is_unset};

/* ---- a service ---- */

/* Parts of letters, digits, _ and -, none beginning with a digit, two at least, dots between. */
static bool is_bus_name(const char *s)
{
        unsigned n_parts = 0;

        if (strlen(s) > 255)
                return false;
        for (;;) {
                size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");

                if (n == 0 || (s[0] >= '0' && s[0] <= '9'))
                        return false;
                n_parts++;
                if (s[n] != '.')
                        return s[n] == 0 && n_parts > 1;
                s += n + 1;
        }
}

static int service_set(const SettingsRow *row, const Node *node, void *member, char **ret_why)
{
        if (node->kind != NODE_TEXT || !is_bus_name(node->text))
                return VALUE_E_UNFIT;
        return value_keep_text(node->text, member);
}

static void service_expect(const SettingsRow *row, Buffer *b)
{
        buffer_append_string(b, "a name on the message bus");
        value_expect_example(row, b, ",");
}

const SettingsType value_service = {service_set, value_text_print, service_expect, value_text_is_unset};
