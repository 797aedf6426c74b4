/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Metrics: can the file be written where the settings have it, and the socket be given to its group?
 */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl/doctor.h"

#define WHY "Whoever collects metrics sees none, or old ones."

/* The unit makes these when it starts, and takes some of them away. */
static bool is_of_unit(const char *folder)
{
        return strcmp(folder, "/run/hublink") == 0 || strcmp(folder, SETTINGS_STATE_DIR) == 0;
}

static void tell_folder(Doctor *d, const char *folder, int error)
{
        char remedy[2 * PATH_MAX + 64];

        (void)snprintf(remedy, sizeof(remedy),
                       error == -ENOENT ? "install -d -o hublink %s; or set metrics.file to a folder that is there"
                                        : "chown hublink: %s; or let it belong to a group that the unit names "
                                          "(SupplementaryGroups=), which may write there",
                       folder);
        doctor_tell(d, VERDICT_PROBLEM, "metrics-file", (Advice){WHY, remedy},
                    "user hublink cannot write in %s, the folder of metrics.file: %s", folder, strerror(-error));
}

/* It is written beside itself, and renamed. */
static bool look_at_file(Doctor *d, const char *file)
{
        char folder[PATH_MAX], path[PATH_MAX];
        struct stat st;
        int r;

        (void)snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(file, '/') - file), file);
        if (!*folder)
                (void)snprintf(folder, sizeof(folder), "/");
        if (!doctor_reaches(d, "the folder of metrics.file", folder))
                return false;
        if (is_of_unit(folder) || (doctor_sees_files_only(d) && strncmp(folder, "/run/", 5) == 0))
                return true;
        doctor_place(d, folder, path);
        if (stat(path, &st) < 0 && errno == ENOENT) {
                tell_folder(d, folder, -ENOENT);
                return false;
        }
        r = doctor_as_daemon(d, may_write_in, path);
        if (r == -ENOTSUP)
                doctor_unseen(d, "metrics-file", "whether user hublink can write in %s, only root can look", folder);
        else if (r < 0)
                tell_folder(d, folder, r);
        return r == 0;
}

/* That there is such a group the settings' own look has asked. */
static bool look_at_group(Doctor *d, const char *group)
{
        const UnitWord *w = d->has_unit ? unit_files_find(&d->unit, "Service", "PrivateUsers") : NULL;

        if (!w || doctor_is_off(w->value) || strcmp(group, "hublink") == 0)
                return true;
        doctor_tell(d, VERDICT_PROBLEM, "metrics-group", (Advice){WHY, "hublinkctl setup --enable users"},
                    "the unit hides the group %s of metrics.group from hublinkd (PrivateUsers), so there is no socket",
                    group);
        return false;
}

void doctor_metrics(Doctor *d)
{
        const MetricsSettings *m = d->settings ? &d->settings->metrics : NULL;
        bool well = true;

        if (!m || (!m->file && !m->listen))
                return;
        if (m->file && *m->file == '/')
                well &= look_at_file(d, m->file);
        if (m->group)
                well &= look_at_group(d, m->group);
        if (well)
                doctor_well(d, "metrics", "they can be had where the settings say");
}
