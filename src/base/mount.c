/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mount.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool mount_nearest(const char *path, char ret[static PATH_MAX])
{
        struct stat st;
        char *slash;

        if (snprintf(ret, PATH_MAX, "%s", path) >= PATH_MAX) {
                errno = ENAMETOOLONG;
                return false;
        }
        while (stat(ret, &st) < 0) {
                slash = strrchr(ret, '/');
                if (errno != ENOENT || !slash || slash == ret)
                        return false;
                *slash = 0;
        }
        return true;
}

static bool is_below(const char *path, const char *folder)
{
        size_t n = strlen(folder);

        return strcmp(folder, "/") == 0 || (strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == 0));
}

/* "36 35 98:0 /sub /mnt rw,noatime shared:1 - ext4 /dev/sda1 rw"; of two on one folder the later is on top. */
bool mount_find_in(FILE *mountinfo, const char *path, MountPoint *ret)
{
        size_t room = 0, best = 0;
        char *line = NULL;

        while (getline(&line, &room, mountinfo) >= 0) {
                char folder[1024], own[250], super[250];
                const char *dash = strstr(line, " - ");
                MountPoint m = {};

                if (!dash || sscanf(line, "%*s %*s %*s %*s %1023s %249s", folder, own) != 2 ||
                    sscanf(dash, " - %63s %255s %249s", m.kind, m.source, super) != 3 || !is_below(path, folder) ||
                    strlen(folder) < best)
                        continue;
                best = strlen(folder);
                (void)snprintf(m.own, sizeof(m.own), ",%s,", own);
                (void)snprintf(m.super, sizeof(m.super), ",%s,", super);
                *ret = m;
        }
        free(line);
        return best > 0;
}

bool mount_find(const char *path, MountPoint *ret)
{
        FILE *f = fopen("/proc/self/mountinfo", "re");
        char real[PATH_MAX];
        bool found;

        if (!f)
                return false;
        found = realpath(path, real) && mount_find_in(f, real, ret);
        (void)fclose(f);
        return found;
}

bool mount_is_walled(const char *path)
{
        char folder[PATH_MAX];
        MountPoint m;

        return mount_nearest(path, folder) && mount_find(folder, &m) && strstr(m.own, ",ro,") &&
               !strstr(m.super, ",ro,");
}

bool mount_has(const MountPoint *m, const char *option)
{
        char word[64];

        (void)snprintf(word, sizeof(word), ",%s,", option);
        return strstr(m->own, word) || strstr(m->super, word);
}
