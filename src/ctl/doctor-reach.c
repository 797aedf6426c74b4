/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reach: how far the unit's sandbox lets hublinkd see and write, whatever the modes of files say.
 */

#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "ctl/doctor.h"

/* As in the unit that has no such word. */
static const char *value_of(const Doctor *d, const char *key)
{
        const UnitWord *w = unit_files_find(&d->unit, "Service", key);

        return w ? w->value : "";
}

static bool is_on(const Doctor *d, const char *key)
{
        return !doctor_is_off(value_of(d, key));
}

static bool says(const Doctor *d, const char *key, const char *value)
{
        return strcmp(value_of(d, key), value) == 0;
}

static bool is_below(const char *path, const char *folder)
{
        size_t n = strlen(folder);

        while (n > 1 && folder[n - 1] == '/')
                n--;
        return strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == 0 || n == 1);
}

/* One of the paths in that list; "-" and "+" before one are systemd's, and what a ":" follows is where it is seen. */
static bool lists(const Doctor *d, const char *key, const char *path)
{
        const UnitWord *w;

        for (size_t at = 0; (w = unit_files_next(&d->unit, "Service", key, &at));) {
                char words[PATH_MAX], *save = NULL;

                (void)snprintf(words, sizeof(words), "%s", w->value);
                for (char *one = strtok_r(words, " \t", &save); one; one = strtok_r(NULL, " \t", &save)) {
                        char *seen = strchr(one, ':');

                        one += strspn(one, "-+\"");
                        seen = seen ? seen + 1 : one;
                        seen[strcspn(seen, ":\"")] = 0;
                        if (is_below(path, seen))
                                return true;
                }
        }
        return false;
}

/* ---- devices ---- */

/* Links of udev (/dev/serial/by-id/...) lead to the one that counts. */
static void resolve(const Doctor *d, const char *device, char whole[static PATH_MAX])
{
        char path[PATH_MAX];

        doctor_place(d, device, path);
        if (!realpath(path, whole))
                (void)snprintf(whole, PATH_MAX, "%s", path);
}

/* "4 ttyS": the kernel tells the class of each number; where a tree has no numbers the name does, "ttyUSB0",
 * "i2c-1". */
static void find_class(const char *whole, char class[static 64])
{
        _cleanup_free_ char *text = NULL;
        const char *name = strrchr(whole, '/') + 1;
        struct stat st;
        char *save = NULL;

        (void)snprintf(class, 64, "%.*s", (int)strcspn(name, "-0123456789"), name);
        if (strncmp(name, "i2c-", 4) == 0)
                (void)snprintf(class, 64, "i2c");
        if (stat(whole, &st) < 0 || !S_ISCHR(st.st_mode) || doctor_read("/proc/devices", &text) < 0)
                return;
        for (char *line = strtok_r(text, "\n", &save); line && *line != 'B'; line = strtok_r(NULL, "\n", &save)) {
                unsigned number;
                char found[64];

                if (sscanf(line, "%u %63s", &number, found) == 2 && number == major(st.st_rdev)) {
                        (void)snprintf(class, 64, "%s", found);
                        return;
                }
        }
}

/* what: "/dev/ttyUSB0", "char-ttyUSB", with wildcards. */
static bool allows(const char *what, const char *device, const char *whole, const char *class)
{
        if (strncmp(what, "char-", 5) == 0)
                return fnmatch(what + 5, class, 0) == 0;
        return strcmp(what, device) == 0 || strcmp(what, whole) == 0;
}

/* What DevicePolicy=closed lets pass. */
static bool is_harmless(const char *device)
{
        static const char *const names[] = {"null", "zero", "full", "random", "urandom"};

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (strcmp(device + strlen("/dev/"), names[i]) == 0)
                        return true;
        return is_below(device, "/dev/shm") || is_below(device, "/dev/mqueue");
}

bool doctor_unit_opens(const Doctor *d, const char *device)
{
        char whole[PATH_MAX], class[64];
        bool any = false;
        const UnitWord *w;

        if (!d->has_unit || is_harmless(device))
                return true;
        if (is_on(d, "PrivateDevices"))
                return false;
        resolve(d, device, whole);
        find_class(whole, class);
        for (size_t at = 0; (w = unit_files_next(&d->unit, "Service", "DeviceAllow", &at));) {
                char what[PATH_MAX];

                (void)snprintf(what, sizeof(what), "%.*s", (int)strcspn(w->value, " \t"), w->value);
                any |= *what;
                if (allows(what, device, whole + strlen(d->root), class))
                        return true;
        }
        return !any && !says(d, "DevicePolicy", "closed") && !says(d, "DevicePolicy", "strict");
}

/* ---- files ---- */

const char *doctor_unit_hides(const Doctor *d, const char *file)
{
        static const struct {
                const char *folder, *key;
        } rows[] = {{"/home", "ProtectHome"}, {"/root", "ProtectHome"}, {"/run/user", "ProtectHome"},
                    {"/tmp", "PrivateTmp"}, {"/var/tmp", "PrivateTmp"}};

        if (!d->has_unit || lists(d, "BindPaths", file) || lists(d, "BindReadOnlyPaths", file))
                return NULL;
        if (lists(d, "InaccessiblePaths", file))
                return "InaccessiblePaths";
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                if (is_below(file, rows[i].folder) && is_on(d, rows[i].key) && !says(d, rows[i].key, "read-only"))
                        return rows[i].key;
        return NULL;
}

/* Names below that folder, which systemd makes. */
static bool gives(const Doctor *d, const char *key, const char *above, const char *folder)
{
        char names[PATH_MAX], *save = NULL;

        (void)snprintf(names, sizeof(names), "%s", value_of(d, key));
        for (char *name = strtok_r(names, " \t", &save); name; name = strtok_r(NULL, " \t", &save)) {
                char path[PATH_MAX + 32];

                (void)snprintf(path, sizeof(path), "%s/%.*s", above, (int)strcspn(name, ":"), name);
                if (is_below(folder, path))
                        return true;
        }
        return false;
}

bool doctor_unit_lets_write(const Doctor *d, const char *folder)
{
        if (!d->has_unit || !says(d, "ProtectSystem", "strict"))
                return true;
        return gives(d, "StateDirectory", "/var/lib", folder) || gives(d, "RuntimeDirectory", "/run", folder) ||
               gives(d, "CacheDirectory", "/var/cache", folder) || gives(d, "LogsDirectory", "/var/log", folder) ||
               lists(d, "ReadWritePaths", folder) || lists(d, "BindPaths", folder) || is_below(folder, "/dev/shm");
}

bool doctor_reaches(Doctor *d, const char *what, const char *folder)
{
        char remedy[PATH_MAX + 192];

        if (doctor_unit_lets_write(d, folder))
                return true;
        (void)snprintf(remedy, sizeof(remedy),
                       "systemctl edit hublinkd: [Service], ReadWritePaths=-%s; then: systemctl restart hublinkd. The "
                       "folder has to be there, and user hublink's.",
                       folder);
        doctor_tell(d, VERDICT_PROBLEM, "unit-read-only",
                    (Advice){"To hublinkd all else is read-only, whatever the disk and its rights are "
                             "(ProtectSystem=strict).",
                             remedy},
                    "%s is %s, where the unit does not let hublinkd write", what, folder);
        return false;
}
