/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How settings that do not fit are told: where they stand, and what was expected.
 */

#include <stdarg.h>

#include "daemon/settings-check-core.h"
#include "daemon/settings-value.h"

void check_complain(const Check *c, const char *path, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        problems_add_about(c->problems, node_nearest(c->settings->tree, path)->place, "", path, fmt, ap);
        va_end(ap);
}

void check_complain_form(const Check *c, const char *path, const char *expected)
{
        Buffer b = BUFFER_NULL;

        value_print_node(&b, node_nearest(c->settings->tree, path));
        if (buffer_error(&b) < 0)
                c->problems->no_memory = true;
        else
                check_complain(c, path, "expected %s; found %s", expected, b.data);
        buffer_done(&b);
}

const Node *check_group(const Check *c, const char *map, const char *name)
{
        return node_child(node_child(c->settings->tree, map), name);
}
