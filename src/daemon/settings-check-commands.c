/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Commands that start a unit: something must start them, nobody else may answer to their names, and whoever calls must
 * not be gone before they have ended.
 */

#include <stdio.h>
#include <string.h>

#include "base/quantity.h"
#include "daemon/settings-check-core.h"
#include "flow/builtin-methods.h"

static bool have_same_property(const CommandUnitSettings *s, const Property *p)
{
        for (size_t i = 0; i < s->n_c2d; i++)
                if (strcmp(s->c2d[i].name, p->name) == 0)
                        return strcmp(s->c2d[i].value, p->value) == 0;
        return false;
}

static bool have_same_c2d(const CommandUnitSettings *a, const CommandUnitSettings *b)
{
        for (size_t i = 0; i < a->n_c2d; i++)
                if (!have_same_property(b, &a->c2d[i]))
                        return false;
        return a->n_c2d > 0 && a->n_c2d == b->n_c2d;
}

/* Who has this name of a method already, in words; NULL: nobody. */
static const char *holder(const Check *c, const CommandUnitSettings *own, char text[static 256])
{
        const Settings *s = c->settings;
        char method[PNP_METHOD_MAX];

        if (builtin_method_is(own->method))
                return "hublinkd itself";
        for (size_t i = 0; i < s->methods.n_services; i++)
                if (strcmp(s->methods.services[i].name, own->method) == 0) {
                        (void)snprintf(text, 256, "%.200s (methods.services)", s->methods.services[i].value);
                        return text;
                }
        for (size_t i = 0; i < s->n_commands; i++) {
                if (!s->commands[i].of)
                        continue;
                pnp_method(&s->commands[i], s->sensors, s->n_sensors, method);
                (void)snprintf(text, 256, "commands.%s", s->commands[i].name);
                if (strcmp(method, own->method) == 0)
                        return text;
        }
        for (const CommandUnitSettings *other = s->command_units; other < own; other++)
                if (other->method && strcmp(other->method, own->method) == 0) {
                        (void)snprintf(text, 256, "command_units.%s", other->name);
                        return text;
                }
        return NULL;
}

static void check_method(const Check *c, const CommandUnitSettings *s)
{
        const char *other;
        char path[128], text[256];

        (void)snprintf(path, sizeof(path), "command_units.%s.method", s->name);
        if (!name_is_of_method(s->method)) {
                check_complain_form(c, path, "a name of a method: printable ASCII, at most 128 characters, without "
                                             "blanks and $ ( ) < > @ , ; : \\ \" / [ ] ? = { }");
                return;
        }
        other = holder(c, s, text);
        if (other)
                check_complain(c, path, "%s answers to %s already: choose another name", other, s->method);
}

/* The one who called would be told 504, and the unit would go on. */
static void check_timeout(const Check *c, const CommandUnitSettings *s)
{
        _cleanup_(buffer_done) Buffer ours = BUFFER_NULL, theirs = BUFFER_NULL;
        char path[128];

        if (s->timeout_usec < c->settings->methods.timeout_usec)
                return;
        quantity_print_time(&ours, s->timeout_usec);
        quantity_print_time(&theirs, c->settings->methods.timeout_usec);
        (void)snprintf(path, sizeof(path), "command_units.%s.timeout", s->name);
        check_complain(c, path,
                       "%s is as long as methods.timeout, %s, or longer: whoever calls the method would be answered "
                       "before the unit has ended; a command of more time is started by a message (c2d)",
                       ours.data ?: "", theirs.data ?: "");
}

static void check_c2d(const Check *c, const CommandUnitSettings *s)
{
        char path[128];

        (void)snprintf(path, sizeof(path), "command_units.%s.c2d", s->name);
        for (const CommandUnitSettings *other = c->settings->command_units; other < s; other++)
                if (have_same_c2d(s, other))
                        check_complain(c, path, "command_units.%s is started by the same messages", other->name);
}

static void check_command(const Check *c, const CommandUnitSettings *s)
{
        char path[128];

        (void)snprintf(path, sizeof(path), "command_units.%s", s->name);
        if (node_is_faulty(node_nearest(c->settings->tree, path)))
                return;
        if (!s->method && s->n_c2d == 0)
                check_complain(c, path, "nothing would start it: say  method = \"%s\";  or  c2d: { hl-command = "
                                        "\"%s\"; };",
                               s->name, s->name);
        if (s->method) {
                check_method(c, s);
                check_timeout(c, s);
        }
        check_c2d(c, s);
}

void check_commands(const Check *c)
{
        for (size_t i = 0; i < c->settings->n_command_units; i++)
                check_command(c, &c->settings->command_units[i]);
}
