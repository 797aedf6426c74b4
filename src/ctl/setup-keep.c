/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What an earlier setup stored is kept while the hub is asked about what takes its place, and put back where that
 * does not do: whoever mistypes a new key does not lose the old one. It is kept in memory for this setup, and on the
 * disk for the case that this one does not come to its end. There its unit is written last and removed first: without
 * it the rest is not whole, and counts as nothing.
 */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/secret.h"
#include "ctl/root.h"
#include "ctl/setup.h"
#include "ctl/system-file.h"

#define SIZE_MOST (64 * 1024)

void setup_kept_done(SetupKept *kept)
{
        for (size_t i = 0; i < ARRAY_SIZE(kept->files); i++)
                secret_buffer_done(&kept->files[i].data);
        *kept = (SetupKept){};
}

/* Credentials first and the unit last, so that it names one that is there. */
static mode_t path_of(size_t i, char path[static PATH_MAX])
{
        if (i < 2 * _ACCESS_KIND_MAX) {
                setup_secret_path((AccessKind)(i / 2), i % 2, path);
                return 0600;
        }
        (void)snprintf(path, PATH_MAX, "%s", i == 2 * _ACCESS_KIND_MAX ? SETUP_SETTINGS : SETUP_UNIT);
        return 0644;
}

static mode_t path_aside(size_t i, char path[static PATH_MAX])
{
        char place[PATH_MAX];

        (void)path_of(i, place);
        (void)snprintf(path, PATH_MAX, SETUP_EARLIER "%.255s", strrchr(place, '/'));
        return 0600;
}

static int read_it(const SetupWays *ways, const char *path, SetupKeptFile *ret)
{
        _cleanup_close_ int fd = root_open(ways->root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);

        if (fd == -ENOENT || fd == -ENOTDIR)
                return 0;
        ret->there = true;
        return fd < 0 ? fd : file_read_bytes(&ret->data, fd, SIZE_MOST);
}

static void read_all(const SetupWays *ways, mode_t (*path_of_file)(size_t i, char path[static PATH_MAX]),
                     SetupKept *kept)
{
        char path[PATH_MAX];

        for (size_t i = 0; kept->whole && i < ARRAY_SIZE(kept->files); i++) {
                (void)path_of_file(i, path);
                kept->whole = read_it(ways, path, &kept->files[i]) == 0;
        }
}

void setup_keep(const SetupWays *ways, SetupKept *ret)
{
        *ret = (SetupKept){.whole = setup_is_stored(ways)};
        read_all(ways, path_of, ret);
}

static bool is_as_kept(const SetupWays *ways, const char *path, const SetupKeptFile *kept)
{
        SetupKeptFile now = {};
        bool same = read_it(ways, path, &now) == 0 && now.there == kept->there && now.data.size == kept->data.size &&
                    memcmp(now.data.data ?: "", kept->data.data ?: "", now.data.size) == 0;

        secret_buffer_done(&now.data);
        return same;
}

/* What is to be there, or what is not to be. */
static int put_back(const SetupWays *ways, const SetupKept *kept, bool there, bool *ret_changed)
{
        char path[PATH_MAX];
        int r = CTL_OK;

        for (size_t i = 0; r == CTL_OK && i < ARRAY_SIZE(kept->files); i++) {
                const SetupKeptFile *file = &kept->files[i];
                mode_t mode = path_of(i, path);

                if (file->there != there || is_as_kept(ways, path, file))
                        continue;
                r = there ? system_file_write(ways->root, path, mode, file->data.data ?: "", file->data.size,
                                              ret_changed)
                          : system_file_remove(ways->root, path, ret_changed);
        }
        return r;
}

int setup_put_back(const SetupWays *ways, const SetupKept *kept, bool *ret_changed)
{
        int r = put_back(ways, kept, true, ret_changed);

        return r == CTL_OK ? put_back(ways, kept, false, ret_changed) : r;
}

/* ---- on the disk ---- */

bool setup_is_aside(const SetupWays *ways)
{
        char path[PATH_MAX];

        (void)path_aside(2 * _ACCESS_KIND_MAX + 1, path);
        return system_file_exists(ways->root, path);
}

void setup_keep_aside(const SetupWays *ways, SetupKept *ret)
{
        *ret = (SetupKept){.whole = setup_is_aside(ways)};
        read_all(ways, path_aside, ret);
}

int setup_drop_aside(const SetupWays *ways)
{
        char path[PATH_MAX];
        bool changed = false;
        int r = CTL_OK;

        for (size_t i = 2 * _ACCESS_KIND_MAX + 2; r == CTL_OK && i-- > 0;) {
                (void)path_aside(i, path);
                r = system_file_remove(ways->root, path, &changed);
        }
        if (r == CTL_OK)
                system_folder_remove(ways->root, SETUP_EARLIER);
        return r;
}

int setup_set_aside(const SetupWays *ways, const SetupKept *kept)
{
        int r = setup_drop_aside(ways);
        char path[PATH_MAX];
        bool changed = false;

        for (size_t i = 0; r == CTL_OK && i < ARRAY_SIZE(kept->files); i++) {
                const SetupKeptFile *file = &kept->files[i];
                mode_t mode = path_aside(i, path);

                if (file->there)
                        r = system_file_write(ways->root, path, mode, file->data.data ?: "", file->data.size,
                                              &changed);
        }
        return r;
}
