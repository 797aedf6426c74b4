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

#define NAME "org.hublink1"

static const char *const policies[] = {"/usr/share/dbus-1/system.d/org.hublink1.conf",
                                       "/usr/local/share/dbus-1/system.d/org.hublink1.conf",
                                       "/etc/dbus-1/system.d/org.hublink1.conf"};

static void look_at_policy(Doctor *d)
{
        bool closed = false;

        for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
                _cleanup_free_ char *path = doctor_path(d, policies[i]);

                if (path && access(path, R_OK) == 0) {
                        doctor_well(d, "bus-policy", "the policy %s is installed", policies[i]);
                        return;
                }
                closed |= path && doctor_is_denied(d, -errno);
        }
        if (closed) {
                doctor_unseen(d, "bus-policy", "whether a policy for org.hublink1 is installed, only root can look");
                return;
        }
        doctor_tell(d, VERDICT_PROBLEM, "bus-policy",
                    (Advice){"Without it the system's bus refuses the name org.hublink1 to hublinkd, and every call to "
                             "it.",
                             "Install the package again, or copy conf/dbus/org.hublink1.conf to /etc/dbus-1/system.d; "
                             "then: systemctl reload dbus"},
                    "no policy for " NAME " is installed");
}

static void look_at_users(Doctor *d)
{
        static const char *const names[] = {"hublink", "hublink-admin"};
        bool well = d->user.known;
        gid_t gid;

        if (!d->user.known)
                doctor_tell(d, VERDICT_PROBLEM, "user",
                            (Advice){"The service runs as this user, and does not start without him.",
                                     "systemd-sysusers (after the installation of the package)"},
                            "there is no user hublink");
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                if (doctor_find_group(d, names[i], &gid))
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
                    "nobody owns the name " NAME "%s%s", known ? ": " : "", known ? what.data : "");
}

int doctor_open_bus(Doctor *d)
{
        if (!d->bus && d->bus_error == 0)
                d->bus_error = connection_open(&d->bus, d->options->bus);
        return d->bus_error;
}

static int ask_for_owner(sd_bus *bus, int *ret_owned)
{
        sd_bus_message *answer = NULL;
        int r = sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                   "NameHasOwner", NULL, &answer, "s", NAME);

        if (r >= 0)
                r = sd_bus_message_read(answer, "b", ret_owned);
        sd_bus_message_unref(answer);
        return r < 0 ? r : 0;
}

static void look_at_owner(Doctor *d)
{
        d->daemon_hangs = connection_ping(d->bus, NAME, NULL) == -ETIMEDOUT;
        d->daemon_runs = !d->daemon_hangs;
        if (d->daemon_runs)
                doctor_well(d, "bus-name", "hublinkd has its name " NAME);
        else
                doctor_tell(d, VERDICT_PROBLEM, "daemon-hangs",
                            (Advice){"Nobody can hand in a reading or ask how it is, and it may read and send nothing.",
                                     "journalctl -u hublinkd -b; then: systemctl restart hublinkd"},
                            "hublinkd hangs: it has its name " NAME ", and did not answer within %u s",
                            (unsigned)(ANSWER_USEC / USEC_PER_SEC));
}

static void look_at_name(Doctor *d)
{
        int owned = 0, r = doctor_open_bus(d);
        UnitFate fate;

        if (r == 0)
                r = ask_for_owner(d->bus, &owned);
        if (r < 0)
                doctor_tell(d, VERDICT_PROBLEM, "bus",
                            (Advice){"Local services hand in readings over it, and hublinkctl asks over it.",
                                     "systemctl status dbus"},
                            "the message bus (%s) does not answer: %s", d->options->bus, strerror(-r));
        else if (owned)
                look_at_owner(d);
        else
                tell_nobody(d, unit_look(d->bus, d->options->bus, &fate) ? &fate : NULL);
}

void doctor_bus(Doctor *d)
{
        look_at_policy(d);
        look_at_users(d);
        if (doctor_sees_files_only(d))
                doctor_unseen(d, "bus-name",
                              "left out: bus and systemd that run here are not those of the tree (--root)");
        else
                look_at_name(d);
}
