/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/sandbox.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/macro.h"

static const struct {
        const char *prefix, *class, *name;
        bool is_of_lines;
} kinds[] = {
        {"/dev/i2c-", "i2c-dev", "i2c", false},
        {"/dev/tty", "tty", "serial", true},
};

/* What dropins/serial.conf opens: neither consoles nor whatever else is called a tty. */
static const char *const lines[] = {"S",   "USB", "ACM", "AMA", "AML", "HS", "LP",  "MAX", "MSM",
                                    "MV",  "O",   "PS",  "SAC", "SC",  "STM", "THS", "UL",  "mxc"};

static bool is_line(const char *name)
{
        size_t n = strcspn(name, "0123456789");

        for (size_t i = 0; name[n] && i < ARRAY_SIZE(lines); i++)
                if (strlen(lines[i]) == n && strncmp(name, lines[i], n) == 0)
                        return true;
        return false;
}

static bool is_opened(size_t kind, const char *path)
{
        size_t n = strlen(kinds[kind].prefix);

        return strncmp(path, kinds[kind].prefix, n) == 0 && (!kinds[kind].is_of_lines || is_line(path + n));
}

/* The node is there for everybody else: the kernel makes one for each of a class. */
static bool kernel_has(const char *sysfs, const char *class, const char *path)
{
        char place[PATH_MAX];

        return snprintf(place, sizeof(place), "%s/class/%s/%s", sysfs ?: "/sys", class, strrchr(path, '/') + 1) <
                       (int)sizeof(place) &&
               access(place, F_OK) == 0;
}

const char *sandbox_remedy(const char *sysfs, const char *path, int error)
{
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                if (is_opened(i, path) &&
                    (error == EACCES || error == EPERM ||
                     (error == ENOENT && kernel_has(sysfs, kinds[i].class, path))))
                        return kinds[i].name;
        return NULL;
}

/* What the service manager mounts in the place of a folder comes from one of these. */
static const struct {
        const char *origin, *setting;
} covers[] = {
        {"/systemd/inaccessible/", "ProtectHome"},
        {"/systemd-private-", "PrivateTmp"},
};

static const char *setting_of(const char *origin)
{
        for (size_t i = 0; i < ARRAY_SIZE(covers); i++)
                if (strstr(origin, covers[i].origin))
                        return covers[i].setting;
        return NULL;
}

static bool is_below(const char *path, const char *folder, size_t n)
{
        return strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == 0 || (n > 0 && folder[n - 1] == '/'));
}

/* The deepest mount counts, and of several at one place the last. */
const char *sandbox_hides_path(const char *mounts, const char *path)
{
        FILE *f = fopen(mounts ?: "/proc/self/mountinfo", "re");
        _cleanup_free_ char *line = NULL;
        const char *setting = NULL;
        size_t room = 0, deepest = 0;

        if (!f)
                return NULL;
        while (getline(&line, &room, f) >= 0) {
                _cleanup_free_ char *origin = NULL, *folder = NULL;
                size_t n;

                if (sscanf(line, "%*s %*s %*s %ms %ms", &origin, &folder) != 2)
                        continue;
                n = strlen(folder);
                if (n >= deepest && is_below(path, folder, n)) {
                        deepest = n;
                        setting = setting_of(origin);
                }
        }
        (void)fclose(f);
        return setting;
}

bool sandbox_hides_users(const char *map)
{
        FILE *f = fopen(map ?: "/proc/self/uid_map", "re");
        unsigned long inside, outside, count;
        bool whole;

        if (!f)
                return false;
        whole = fscanf(f, "%lu %lu %lu", &inside, &outside, &count) != 3 ||
                (inside == 0 && outside == 0 && count >= UINT32_MAX);
        (void)fclose(f);
        return !whole;
}
