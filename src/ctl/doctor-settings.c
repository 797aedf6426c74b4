/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Settings: what the daemon itself finds wrong with them. And the clock, which they may tell to be believed.
 */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "ctl/diagnosis.h"
#include "ctl/doctor.h"
#include "daemon/settings-outlook.h"
#include "daemon/settings-rights.h"

/* Groups of our own look closer at these; and who is known "on this system" is not of another machine. */
static bool is_looked_at_elsewhere(const Doctor *d, const char *text)
{
        return (doctor_sees_files_only(d) && strstr(text, " on this system")) ||
               (strstr(text, "warning: hub.") && !strstr(text, "registration_id is missing")) ||
               strstr(text, "warning: queue.");
}

/* Root reads them all; hublinkd is somebody else. False: something was told. */
static bool look_at_rights(Doctor *d)
{
        SettingsClosed closed = {};
        bool well = true;

        for (size_t i = 0; settings_rights_next(&d->settings->files, &d->user, &i, &closed);) {
                char remedy[PATH_MAX + 32];

                /* what keeps him from a tree keeps nobody on its machine */
                if (strlen(closed.path) <= strlen(d->root))
                        continue;
                (void)snprintf(remedy, sizeof(remedy), "chmod a+%s %s", closed.mode, closed.path);
                doctor_tell(d, VERDICT_PROBLEM, "settings-rights",
                            (Advice){"hublinkd does not start with settings that it cannot read, and a reload keeps "
                                     "the old ones.",
                                     remedy},
                            "user hublink cannot read %s: %s", closed.path, strerror(-closed.error));
                well = false;
        }
        return well;
}

/* What the others say is then of no use: what they miss may stand there. */
static bool is_closed_to_us(Doctor *d, const Problems *problems)
{
        bool any = false;

        for (size_t i = 0; i < problems->n; i++)
                if (doctor_is_denied(d, problems->items[i].error)) {
                        doctor_unseen(d, "settings", "%s: run this as root", problems->items[i].text);
                        any = true;
                }
        return any;
}

void doctor_settings(Doctor *d)
{
        Problems problems = {}, warnings = {};
        _cleanup_free_ char *file = doctor_path(d, d->config);
        int r = file ? settings_load(&d->settings, file, d->state_dir, &problems) : -ENOMEM;
        bool well = r == 0 && look_at_rights(d);
        bool closed = is_closed_to_us(d, &problems);

        for (size_t i = 0; !closed && i < problems.n; i++)
                doctor_tell(d, VERDICT_PROBLEM, "settings",
                            (Advice){"hublinkd does not start with settings that are wrong, and a reload keeps the old "
                                     "ones.",
                                     "Mend that line, then: hublinkd --check; systemctl reload-or-restart hublinkd"},
                            "%s", problems.items[i].text);
        if (r < 0)
                doctor_unseen(d, "settings", "%s: %s", d->config, strerror(-r));
        if (r != 0)
                d->settings = settings_free(d->settings);
        if (d->settings)
                (void)settings_outlook(d->settings, &warnings);
        for (size_t i = 0; i < warnings.n; i++)
                if (!is_looked_at_elsewhere(d, warnings.items[i].text)) {
                        well = false;
                        doctor_tell(d, VERDICT_WARNING, "outlook",
                                    (Advice){"The settings are right, but may not do what is meant on this machine.",
                                             "See that line of the settings; hublink.conf explains each."},
                                    "%s", warnings.items[i].text);
                }
        if (well)
                doctor_well(d, "settings", "%s is right, %zu sensor%s", file, d->settings->n_sensors,
                            d->settings->n_sensors == 1 ? "" : "s");
        problems_done(&problems);
        problems_done(&warnings);
}

void doctor_clock(Doctor *d)
{
        const bool *trust = d->settings ? &d->settings->clock.trust : NULL;

        if (doctor_sees_files_only(d)) {
                doctor_unseen(d, "clock", "left out: the clock is that of another machine (--root)");
                return;
        }
        switch (diagnosis_of_clock(clock_wall(&clock_system), clock_synchronised(&clock_system), trust)) {
        case CLOCK_IMPLAUSIBLE:
                doctor_tell(d, VERDICT_PROBLEM, "clock-implausible",
                            (Advice){"Certificates look not yet valid and tokens have expired before they are sent: no "
                                     "hub accepts this machine.",
                                     "timedatectl set-ntp true; or set it once: timedatectl set-time '...'"},
                            "the clock says a time before 2025");
                break;
        case CLOCK_TRUSTED:
                doctor_well(d, "clock", "it is believed without NTP (clock.trust)");
                break;
        case CLOCK_SYNCHRONISED:
                doctor_well(d, "clock", "it is synchronised");
                break;
        case CLOCK_UNKNOWN:
                doctor_unseen(d, "clock", "it is not synchronised, and the settings do not tell whether it is to be "
                                          "believed all the same");
                break;
        case CLOCK_UNTRUSTED:
                doctor_tell(d, VERDICT_WARNING, "clock-not-synchronised",
                            (Advice){"Readings get their times only once the clock is believed, and a token of a wrong "
                                     "time is refused.",
                                     "timedatectl timesync-status, or chronyc tracking; where there is neither: apt "
                                     "install systemd-timesyncd (or chrony); with a clock that is right without NTP: "
                                     "clock.trust = true"},
                            "nothing says that the clock is synchronised");
        }
}
