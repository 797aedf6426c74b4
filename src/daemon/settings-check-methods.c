/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Names of methods that nobody but the daemon can answer to: who gives one to another waits for ever.
 */

#include <stdio.h>

#include "daemon/settings-check-core.h"
#include "flow/builtin-methods.h"

static void check_names(const Check *c, const char *group, const Property *rows, size_t n)
{
        char path[256];

        for (size_t i = 0; i < n; i++) {
                if (!builtin_method_is(rows[i].name))
                        continue;
                (void)snprintf(path, sizeof(path), "methods.%s.%.128s", group, rows[i].name);
                check_complain(c, path, "hublinkd itself answers to %s, and nobody else can: choose another name",
                               rows[i].name);
        }
}

void check_methods(const Check *c)
{
        const MethodsSettings *m = &c->settings->methods;

        check_names(c, "registrants", m->registrants, m->n_registrants);
        check_names(c, "services", m->services, m->n_services);
}
