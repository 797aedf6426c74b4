/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Unit: is the service installed as it was shipped, and does nothing loosen what holds it?
 *
 * The files are looked at, as systemd reads them, and not what it has loaded: so it is the same for the machine of
 * another root. Whether it has read them since is asked of it where it runs. What setup copied there counts as shipped,
 * in whatever version.
 */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>

#include "ctl/doctor.h"
#include "ctl/unit-look.h"

#define UNIT "hublinkd.service"

typedef UnitWord Word;

/* What the shipped unit has switched on, and what it means without. */
static const struct {
        const char *key;
        const char *why;
} rows[] = {
        {"NoNewPrivileges", "A program that is started could gain rights."},
        {"ProtectSystem", "A fault in hublinkd could change the system's files."},
        {"ProtectHome", "Home directories are open to hublinkd."},
        {"PrivateDevices", "All devices are open to hublinkd, as far as their modes go."},
        {"PrivateTmp", "/tmp is shared with all other programs."},
        {"ProtectKernelModules", "Modules of the kernel could be loaded."},
        {"ProtectKernelTunables", "Settings of the kernel could be changed."},
        {"ProtectControlGroups", "Limits of other services could be changed."},
        {"RestrictNamespaces", "Namespaces are a way around other limits."},
        {"MemoryDenyWriteExecute", "Injected code could be run."},
        {"LockPersonality", "The way the kernel runs programs could be changed."},
        {"RestrictSUIDSGID", "Files could be made that give away rights."},
};

static const Word *find(const Doctor *d, const char *key)
{
        const Word *w = unit_files_find(&d->unit, "Service", key);

        return w && *w->value ? w : NULL;
}

/* ---- what setup opened ---- */

#define DROPINS "/etc/systemd/system/" UNIT ".d"
#define MARK    "Installed by: hublinkctl setup"

static const char *const openings[] = {"i2c", "serial", "users"};
static const char *const shipped[] = {"/usr/share/hublink/dropins", "/usr/local/share/hublink/dropins"};

static int read_dropin(const Doctor *d, const char *folder, const char *name, char **ret)
{
        char path[PATH_MAX], here[PATH_MAX];

        (void)snprintf(path, sizeof(path), "%s/%s.conf", folder, name);
        doctor_place(d, path, here);
        return doctor_read(here, ret);
}

/* It bears the mark of setup, of whatever version; which opens devices and users and nothing else. */
static bool is_ours(const Doctor *d, const Word *w)
{
        if (strcmp(w->key, "PrivateDevices") != 0)
                return false;
        for (size_t i = 0; i < ARRAY_SIZE(openings); i++) {
                _cleanup_free_ char *text = NULL;
                char path[PATH_MAX];

                (void)snprintf(path, sizeof(path), DROPINS "/%s.conf", openings[i]);
                if (strcmp(w->file, path) == 0)
                        return read_dropin(d, DROPINS, openings[i], &text) == 0 && strstr(text, MARK);
        }
        return false;
}

/* What is no comment. */
static void put_words(Buffer *b, char *text)
{
        char *save = NULL;

        for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
                if (*line != '#')
                        buffer_printf(b, "%s\n", line);
}

static bool say_the_same(char *left, char *right)
{
        _cleanup_(buffer_done) Buffer a = BUFFER_NULL, b = BUFFER_NULL;

        put_words(&a, left);
        put_words(&b, right);
        return a.size == b.size && memcmp(a.data ?: "", b.data ?: "", a.size) == 0;
}

/* Upgrades do not change what setup has copied. */
static void look_at_age(Doctor *d, const char *name)
{
        _cleanup_free_ char *copied = NULL, *now = NULL;
        char remedy[64];

        if (read_dropin(d, DROPINS, name, &copied) < 0 || !strstr(copied, MARK))
                return;
        for (size_t i = 0; !now && i < ARRAY_SIZE(shipped); i++)
                (void)read_dropin(d, shipped[i], name, &now);
        if (!now || say_the_same(copied, now))
                return;
        (void)snprintf(remedy, sizeof(remedy), "hublinkctl setup --enable %s", name);
        doctor_tell(d, VERDICT_WARNING, "unit-old-dropin",
                    (Advice){"What was mended in it since does not reach this gateway.", remedy},
                    DROPINS "/%s.conf is not what this version's setup writes", name);
}

/* ---- what it says ---- */

bool doctor_is_off(const char *value)
{
        static const char *const words[] = {"", "no", "off", "false", "0", "none"};

        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                if (strcasecmp(value, words[i]) == 0)
                        return true;
        return false;
}

static void look_at_sandbox(Doctor *d)
{
        bool well = true;

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                const Word *w = find(d, rows[i].key);

                if (w && (!doctor_is_off(w->value) || is_ours(d, w)))
                        continue;
                well = false;
                doctor_tell(d, VERDICT_WARNING, "unit-loosened",
                            (Advice){rows[i].why, "systemctl cat hublinkd shows where it is from; take that line away, "
                                                  "then: systemctl daemon-reload; systemctl restart hublinkd"},
                            "%s is %s%s", rows[i].key, w ? "switched off by " : "not in the unit", w ? w->file : "");
        }
        if (well)
                doctor_well(d, "sandbox", "nothing loosens the unit's sandbox, but what hublinkctl setup enabled");
}

static void look_at_watchdog(Doctor *d)
{
        const Word *watchdog = find(d, "WatchdogSec"), *restart = find(d, "Restart");

        if (!watchdog || doctor_is_off(watchdog->value) || strcmp(watchdog->value, "infinity") == 0)
                doctor_tell(d, VERDICT_PROBLEM, "unit-watchdog",
                            (Advice){"If hublinkd hangs, nobody notices and nobody starts it anew.",
                                     "systemctl edit hublinkd: [Service], WatchdogSec=30s; or install the package's "
                                     "unit again"},
                            "the unit has no WatchdogSec%s%s", watchdog ? ": " : "", watchdog ? watchdog->file : "");
        else if (!restart || (strcmp(restart->value, "on-failure") != 0 && strcmp(restart->value, "always") != 0))
                doctor_tell(d, VERDICT_PROBLEM, "unit-restart",
                            (Advice){"After a crash or a hang the gateway stays silent until somebody comes.",
                                     "systemctl edit hublinkd: [Service], Restart=on-failure"},
                            "the unit does not restart hublinkd%s%s", restart ? ": " : "",
                            restart ? restart->file : "");
        else
                doctor_well(d, "watchdog", "a hang or a crash is mended by a restart");
}

static void look_at_user(Doctor *d)
{
        const Word *user = find(d, "User");

        if (!user || strcmp(user->value, "hublink") != 0)
                doctor_tell(d, VERDICT_PROBLEM, "unit-user",
                            (Advice){"Rights, bus policy and the files in " SETTINGS_STATE_DIR
                                     " are those of user hublink.",
                                     "systemctl edit hublinkd: [Service], User=hublink"},
                            "the unit does not run hublinkd as hublink%s%s", user ? " but as " : "",
                            user ? user->value : "");
}

static bool is_enabled(const Doctor *d)
{
        char path[sizeof(d->root) + 64];
        struct stat st;

        (void)snprintf(path, sizeof(path), "%s/etc/systemd/system/multi-user.target.wants/" UNIT, d->root);
        return lstat(path, &st) == 0;
}

static void look_at_start(Doctor *d)
{
        if (is_enabled(d))
                doctor_well(d, "enabled", "the service is started at boot");
        else
                doctor_tell(d, VERDICT_PROBLEM, "unit-not-enabled",
                            (Advice){"After the next reboot hublinkd does not run.", "systemctl enable --now hublinkd"},
                            "the service is not enabled");
}

/* ---- what systemd has of it ---- */

static void look_at_loaded(Doctor *d)
{
        if (doctor_open_bus(d) == 0 && unit_look_is_stale(d->bus, d->options->bus))
                doctor_tell(d, VERDICT_WARNING, "unit-reload",
                            (Advice){"hublinkd runs by the words from before, and starts by them again: what was "
                                     "changed since does not count, whatever is said of it here.",
                                     "systemctl daemon-reload; systemctl restart hublinkd"},
                            "the files of " UNIT " are not what systemd has read: one of them changed since, came or "
                            "went");
}

/* ---- which settings it is given ---- */

/* Its command has another --config than what is looked at here. */
static void look_at_config(Doctor *d)
{
        const char *looked_at = d->config, *at;
        const Word *start = find(d, "ExecStart");
        char file[PATH_MAX], remedy[PATH_MAX + 64];

        if (!start || !(at = strstr(start->value, "--config")))
                return;
        at += strlen("--config");
        at += strspn(at, "= \"");
        (void)snprintf(file, sizeof(file), "%.*s", (int)strcspn(at, " \""), at);
        if (strcmp(file, looked_at) == 0)
                return;
        (void)snprintf(remedy, sizeof(remedy), "hublinkctl --config %s doctor; or take --config out of %s", file,
                       start->file);
        doctor_tell(d, VERDICT_WARNING, "unit-config",
                    (Advice){"What is said here of settings, credential, disk and sensors is not what hublinkd does.",
                             remedy},
                    "the unit gives hublinkd the settings %s, and %s is looked at", file, looked_at);
}

/* ---- what others want to know of it ---- */

static void add_group(Doctor *d, const char *name)
{
        gid_t gid;

        if (doctor_find_group(d, name, &gid) && d->user.known && d->user.n_groups < ARRAY_SIZE(d->user.groups))
                d->user.groups[d->user.n_groups++] = gid;
}

static void learn_groups(Doctor *d)
{
        const Word *w;

        for (size_t at = 0; (w = unit_files_next(&d->unit, "Service", "SupplementaryGroups", &at));) {
                char *save = NULL;

                for (char *name = strtok_r(w->value, " \t", &save); name; name = strtok_r(NULL, " \t", &save))
                        add_group(d, name);
        }
}

void doctor_unit(Doctor *d)
{
        const char *fragment;

        if (unit_files_read(&d->unit, d->root, UNIT) < 0) {
                d->no_memory = true;
                return;
        }
        fragment = d->unit.fragment;
        if (!fragment) {
                doctor_tell(d, VERDICT_PROBLEM, "unit-missing",
                            (Advice){"Without its unit nothing starts hublinkd, restarts it, or holds it in a sandbox.",
                                     "Install the package again."},
                            "the unit " UNIT " is not installed");
                return;
        }
        if (d->unit.masked) {
                doctor_tell(d, VERDICT_PROBLEM, "unit-masked",
                            (Advice){"It cannot be started, by nobody.", "systemctl unmask hublinkd"},
                            "the unit is masked");
                return;
        }
        if (d->unit.closed) {
                doctor_unseen(d, "unit", "what the unit says, only root can look: %s", d->unit.closed);
                look_at_start(d);
                return;
        }
        d->has_unit = true;
        learn_groups(d);
        if (strncmp(fragment, "/etc", 4) == 0 || strncmp(fragment, "/run", 4) == 0)
                doctor_tell(d, VERDICT_WARNING, "unit-replaced",
                            (Advice){"An upgrade of the package does not change it.",
                                     "Keep changes in a drop-in: systemctl revert hublinkd; systemctl edit hublinkd"},
                            "%s stands in the place of the package's unit", fragment);
        look_at_user(d);
        look_at_watchdog(d);
        look_at_sandbox(d);
        for (size_t i = 0; i < ARRAY_SIZE(openings); i++)
                look_at_age(d, openings[i]);
        look_at_config(d);
        look_at_start(d);
        if (!doctor_sees_files_only(d))
                look_at_loaded(d);
}
