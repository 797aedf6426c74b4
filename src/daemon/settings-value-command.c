/* SPDX-License-Identifier: Apache-2.0 */

/* Settings that are a program and its arguments: kept as one text, each word a line. */

#include <errno.h>
#include <string.h>

#include "daemon/settings-table.h"
#include "daemon/settings-value-core.h"

static bool is_word(const char *s)
{
        for (; *s; s++)
                if ((unsigned char)*s < 0x20)
                        return false;
        return true;
}

static int command_set(const SettingsRow *row, const Node *node, void *member, char **ret_why)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        if (node->kind != NODE_LIST || node->n_children == 0)
                return VALUE_E_UNFIT;
        for (size_t i = 0; i < node->n_children; i++) {
                const Node *word = node->children[i];

                if (word->kind != NODE_TEXT || !is_word(word->text) || (i == 0 && word->text[0] != '/'))
                        return VALUE_E_UNFIT;
                buffer_printf(&b, "%s%s", i > 0 ? "\n" : "", word->text);
        }
        return buffer_error(&b) < 0 ? -ENOMEM : value_keep_text(b.data, member);
}

static void command_print(const SettingsRow *row, const void *member, Buffer *b)
{
        const char *words = *(char *const *)member, *comma = " ";

        buffer_append_char(b, '[');
        for (;;) {
                size_t n = strcspn(words, "\n");
                _cleanup_free_ char *word = strndup(words, n);

                buffer_append_string(b, comma);
                value_print_text(b, word ?: "");
                comma = ", ";
                if (words[n] == 0)
                        break;
                words += n + 1;
        }
        buffer_append_string(b, " ]");
}

static void command_expect(const SettingsRow *row, Buffer *b)
{
        buffer_append_string(b, "an array of a program, from / on, and its arguments; there is no shell");
        value_expect_example(row, b, ",");
}

const SettingsType value_command = {command_set, command_print, command_expect, value_text_is_unset};
