/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Commands: has each of commands.d a unit with something to start, and may the daemon start it?
 *
 * Files are looked at, and not what systemd has loaded: so it is the same for the machine of another root.
 */

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/doctor.h"

#define TEMPLATE COMMAND_UNIT_PREFIX COMMAND_UNIT_SUFFIX
#define RULE     "/usr/share/polkit-1/rules.d/hublink-command.rules"

static const char *const folders[] = {"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system",
                                      "/usr/lib/systemd/system", "/lib/systemd/system"};

/* Where distributions have polkit's daemon. */
static const char *const polkits[] = {"/usr/lib/polkit-1/polkitd", "/usr/libexec/polkitd",
                                      "/usr/libexec/polkit-1/polkitd"};

static bool is_there(const Doctor *d, const char *path)
{
        _cleanup_free_ char *full = doctor_path(d, path);

        return full && access(full, F_OK) == 0;
}

/* ---- what it starts ---- */

static bool starts_something(const Doctor *d, const char *file)
{
        static const char key[] = "ExecStart=";
        _cleanup_free_ char *text = NULL;
        char path[PATH_MAX], *save = NULL;
        bool does = false;

        doctor_place(d, file, path);
        if (doctor_read(path, &text) < 0)
                return false;
        for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
                if (strncmp(line, key, strlen(key)) == 0)
                        does = line[strlen(key)]; /* an empty one takes back those before */
        return does;
}

static bool dropins_start_something(const Doctor *d, const char *folder, const char *unit)
{
        char dropins[PATH_MAX], path[PATH_MAX];
        struct dirent *entry;
        bool any = false;
        DIR *dir;

        (void)snprintf(dropins, sizeof(dropins), "%s/%s.d", folder, unit);
        doctor_place(d, dropins, path);
        dir = opendir(path);
        while (dir && (entry = readdir(dir))) {
                char file[PATH_MAX];

                (void)snprintf(file, sizeof(file), "%s/%s.d/%s", folder, unit, entry->d_name);
                any |= entry->d_name[0] != '.' && starts_something(d, file);
        }
        if (dir)
                (void)closedir(dir);
        return any;
}

/* A drop-in of its own or of all commands, or a unit in the place of the template. */
static bool has_start(const Doctor *d, const char *unit)
{
        for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
                char path[PATH_MAX];

                (void)snprintf(path, sizeof(path), "%s/%s", folders[i], unit);
                if (starts_something(d, path) || dropins_start_something(d, folders[i], unit) ||
                    dropins_start_something(d, folders[i], TEMPLATE))
                        return true;
        }
        return false;
}

static bool look_at_command(Doctor *d, const char *name)
{
        char unit[COMMAND_UNIT_MAX], remedy[256];

        command_unit_name(name, unit);
        if (has_start(d, unit))
                return true;
        (void)snprintf(remedy, sizeof(remedy), "systemctl edit %s: [Service], ExecStart= and the program", unit);
        doctor_tell(d, VERDICT_PROBLEM, "command-empty",
                    (Advice){"Whoever asks for this command is answered 503, and his message is rejected.", remedy},
                    "command %s: %s has nothing to start", name, unit);
        return false;
}

/* ---- who may start it ---- */

static bool look_at_polkit(Doctor *d)
{
        static const char why[] = "systemd asks polkit, and starts no command for hublinkd without its word.";
        bool there = false;

        for (size_t i = 0; i < ARRAY_SIZE(polkits); i++)
                there |= is_there(d, polkits[i]);
        if (!there)
                doctor_tell(d, VERDICT_PROBLEM, "polkit-missing",
                            (Advice){why, "apt install polkitd; or dnf install polkit"},
                            "there are commands, and polkit is not installed");
        else if (!is_there(d, RULE))
                doctor_tell(d, VERDICT_PROBLEM, "polkit-rule", (Advice){why, "Install the package again."},
                            "there are commands, and the rule for them is missing: " RULE);
        else
                return true;
        return false;
}

void doctor_commands(Doctor *d)
{
        bool well = true;

        if (!d->settings || d->settings->n_command_units == 0)
                return;
        for (size_t i = 0; i < d->settings->n_command_units; i++)
                well &= look_at_command(d, d->settings->command_units[i].name);
        well &= look_at_polkit(d);
        if (well)
                doctor_well(d, "commands", "each command has a unit with something to start, and may be started");
}
