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

/* In the order of what counts. */
typedef enum Found {
        FOUND_NOTHING,
        FOUND_CLOSED, /* we have not the rights to look */
        FOUND,
} Found;

static Found is_there(const Doctor *d, const char *path)
{
        _cleanup_free_ char *full = doctor_path(d, path);

        if (full && access(full, F_OK) == 0)
                return FOUND;
        return full && doctor_is_denied(d, -errno) ? FOUND_CLOSED : FOUND_NOTHING;
}

/* ---- what it starts ---- */

static Found starts_something(const Doctor *d, const char *file)
{
        static const char key[] = "ExecStart=";
        _cleanup_free_ char *text = NULL;
        char path[PATH_MAX], *save = NULL;
        bool does = false;
        int r;

        doctor_place(d, file, path);
        r = doctor_read(path, &text);
        if (r < 0)
                return doctor_is_denied(d, r) ? FOUND_CLOSED : FOUND_NOTHING;
        for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
                if (strncmp(line, key, strlen(key)) == 0)
                        does = line[strlen(key)]; /* an empty one takes back those before */
        return does ? FOUND : FOUND_NOTHING;
}

static Found dropins_start_something(const Doctor *d, const char *folder, const char *unit)
{
        char dropins[PATH_MAX], path[PATH_MAX];
        struct dirent *entry;
        Found found = FOUND_NOTHING;
        DIR *dir;

        (void)snprintf(dropins, sizeof(dropins), "%s/%s.d", folder, unit);
        doctor_place(d, dropins, path);
        dir = opendir(path);
        if (!dir && doctor_is_denied(d, -errno))
                return FOUND_CLOSED;
        while (dir && (entry = readdir(dir))) {
                char file[PATH_MAX];

                (void)snprintf(file, sizeof(file), "%s/%s.d/%s", folder, unit, entry->d_name);
                if (entry->d_name[0] != '.')
                        found = MAX(found, starts_something(d, file));
        }
        if (dir)
                (void)closedir(dir);
        return found;
}

/* A drop-in of its own or of all commands, or a unit in the place of the template. */
static Found has_start(const Doctor *d, const char *unit)
{
        Found found = FOUND_NOTHING;

        for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
                char path[PATH_MAX];

                (void)snprintf(path, sizeof(path), "%s/%s", folders[i], unit);
                found = MAX(found, starts_something(d, path));
                found = MAX(found, dropins_start_something(d, folders[i], unit));
                found = MAX(found, dropins_start_something(d, folders[i], TEMPLATE));
        }
        return found;
}

static bool look_at_command(Doctor *d, const char *name)
{
        char unit[COMMAND_UNIT_MAX], remedy[256];
        Found start;

        command_unit_name(name, unit);
        start = has_start(d, unit);
        if (start == FOUND)
                return true;
        if (start == FOUND_CLOSED) {
                doctor_unseen(d, "command", "command %s: what %s starts, only root can look", name, unit);
                return false;
        }
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
        Found there = FOUND_NOTHING, rule = is_there(d, RULE);

        for (size_t i = 0; i < ARRAY_SIZE(polkits); i++)
                there = MAX(there, is_there(d, polkits[i]));
        if (there == FOUND_CLOSED)
                doctor_unseen(d, "polkit", "there are commands; whether polkit is installed, only root can look");
        else if (there == FOUND_NOTHING)
                doctor_tell(d, VERDICT_PROBLEM, "polkit-missing",
                            (Advice){why, "apt install polkitd; or dnf install polkit"},
                            "there are commands, and polkit is not installed");
        else if (rule == FOUND_CLOSED)
                doctor_unseen(d, "polkit-rule", "there are commands; whether the rule for them is there, only root can "
                                                "look: " RULE);
        else if (rule == FOUND_NOTHING)
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
