/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/unit-look.h"

#include <stdio.h>
#include <string.h>

#include "ctl/connection.h"

#define SYSTEMD "org.freedesktop.systemd1"

static bool find_unit(sd_bus *bus, char path[static 256])
{
        sd_bus_message *question = NULL, *answer = NULL;
        const char *found = NULL;
        int r = connection_new_call(bus, &question, SYSTEMD, "/org/freedesktop/systemd1", SYSTEMD ".Manager",
                                    "LoadUnit");

        if (r >= 0)
                r = sd_bus_message_append(question, "s", "hublinkd.service");
        if (r >= 0)
                r = sd_bus_call(bus, question, 0, NULL, &answer);
        if (r >= 0)
                r = sd_bus_message_read(answer, "o", &found);
        if (r >= 0)
                (void)snprintf(path, 256, "%s", found);
        sd_bus_message_unref(question);
        sd_bus_message_unref(answer);
        return r >= 0;
}

static bool read_text(sd_bus *bus, const char *path, const char *interface, const char *name, char ret[static 32])
{
        char *text = NULL;
        int r = sd_bus_get_property_string(bus, SYSTEMD, path, interface, name, NULL, &text);

        if (r >= 0)
                (void)snprintf(ret, 32, "%s", text);
        free(text);
        return r >= 0;
}

bool unit_look(sd_bus *bus, const char *address, UnitFate *ret)
{
        static const char unit[] = SYSTEMD ".Unit", service[] = SYSTEMD ".Service";
        char path[256];

        *ret = (UnitFate){};
        if (strcmp(address, "session") == 0 || !find_unit(bus, path) ||
            !read_text(bus, path, unit, "LoadState", ret->load) ||
            !read_text(bus, path, unit, "ActiveState", ret->active) ||
            !read_text(bus, path, unit, "SubState", ret->sub))
                return false;
        /* one that cannot be loaded has none of these */
        (void)read_text(bus, path, service, "Result", ret->result);
        (void)sd_bus_get_property_trivial(bus, SYSTEMD, path, service, "ExecMainStatus", NULL, 'i', &ret->status);
        (void)sd_bus_get_property_trivial(bus, SYSTEMD, path, service, "NRestarts", NULL, 'u', &ret->restarts);
        return true;
}

bool unit_look_is_stale(sd_bus *bus, const char *address)
{
        char path[256];
        int stale = 0;

        if (strcmp(address, "session") == 0 || !find_unit(bus, path))
                return false;
        (void)sd_bus_get_property_trivial(bus, SYSTEMD, path, SYSTEMD ".Unit", "NeedDaemonReload", NULL, 'b', &stale);
        return stale;
}
