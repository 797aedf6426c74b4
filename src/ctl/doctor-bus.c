/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Bus: may the daemon have its name, are its user and groups there, and does somebody answer to the name?
 */

#include <errno.h>
#include <stdio.h>
#include <systemd/sd-bus.h>

#include "ctl/connection.h"
#include "ctl/doctor.h"
#include "ctl/unit-look.h"

static const char *const policies[] = {"/usr/share/dbus-1/system.d/org.hublink1.conf",
                                       "/usr/local/share/dbus-1/system.d/org.hublink1.conf",
                                       "/etc/dbus-1/system.d/org.hublink1.conf"};

static void look_at_policy(Doctor *d)
{
        for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
                _cleanup_free_ char *path = doctor_path(d, policies[i]);

                if (path && access(path, R_OK) == 0) {
                        doctor_well(d, "bus-policy", "the policy %s is installed", policies[i]);
                        return;
                }
        }
        doctor_tell(d, VERDICT_PROBLEM, "bus-policy",
                    (Advice){"Without it the system's bus refuses the name org.hublink1 to hublinkd, and every call to "
                             "it.",
                             "Install the package again, or copy conf/dbus/org.hublink1.conf to /etc/dbus-1/system.d; "
                             "then: systemctl reload dbus"},
                    "no policy for org.hublink1 is installed");
}

static bool has_group(const Doctor *d, const char *name)
{
        _cleanup_free_ char *path = *d->root ? doctor_path(d, "/etc/group") : NULL;
        FILE *f = path ? fopen(path, "re") : NULL;
        struct group *g = *d->root ? NULL : getgrnam(name);

        while (f && (g = fgetgrent(f)) && strcmp(g->gr_name, name) != 0)
                ;
        if (f)
                (void)fclose(f);
        return g;
}

static void look_at_users(Doctor *d)
{
        static const char *const names[] = {"hublink", "hublink-admin"};
        bool well = d->user.known;

        if (!d->user.known)
                doctor_tell(d, VERDICT_PROBLEM, "user",
                            (Advice){"The service runs as this user, and does not start without him.",
                                     "systemd-sysusers (after the installation of the package)"},
                            "there is no user hublink");
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                if (has_group(d, names[i]))
                        continue;
                well = false;
                doctor_tell(d, VERDICT_PROBLEM, "group",
                            (Advice){"The bus policy gives its rights to this group; until it is there they are "
                                     "nobody's.",
                                     "systemd-sysusers; systemctl reload dbus"},
                            "there is no group %s", names[i]);
        }
        if (well)
                doctor_well(d, "user", "user and groups of hublink are there");
}

static void tell_nobody(Doctor *d, const UnitFate *fate)
{
        _cleanup_(buffer_done) Buffer what = BUFFER_NULL, remedy = BUFFER_NULL;
        bool known = fate && unit_fate_put(&what, &remedy, fate) && buffer_error(&what) == 0 &&
                     buffer_error(&remedy) == 0;

        doctor_tell(d, VERDICT_PROBLEM, "bus-name",
                    (Advice){"hublinkd does not run, or not on this bus: nothing is read and nothing is sent.",
                             known ? remedy.data : "systemctl start hublinkd; if it does not stay: journalctl -u "
                                                   "hublinkd -b"},
                    "nobody owns the name org.hublink1%s%s", known ? ": " : "", known ? what.data : "");
}

static void look_at_name(Doctor *d)
{
        sd_bus_message *answer = NULL;
        sd_bus *bus = NULL;
        UnitFate fate;
        bool told = false;
        int owned = 0, r = connection_open(&bus, d->options->bus);

        if (r >= 0)
                r = sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                       "NameHasOwner", NULL, &answer, "s", "org.hublink1");
        if (r >= 0)
                r = sd_bus_message_read(answer, "b", &owned);
        if (r >= 0 && !owned)
                told = unit_look(bus, d->options->bus, &fate);
        sd_bus_message_unref(answer);
        connection_close(bus);
        if (r < 0)
                doctor_tell(d, VERDICT_PROBLEM, "bus",
                            (Advice){"Local services hand in readings over it, and hublinkctl asks over it.",
                                     "systemctl status dbus"},
                            "the message bus (%s) does not answer: %s", d->options->bus, strerror(-r));
        else if (!owned)
                tell_nobody(d, told ? &fate : NULL);
        else {
                d->daemon_runs = true;
                doctor_well(d, "bus-name", "hublinkd has its name org.hublink1");
        }
}

void doctor_bus(Doctor *d)
{
        look_at_policy(d);
        look_at_users(d);
        look_at_name(d);
}
