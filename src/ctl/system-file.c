/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/system-file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/secret.h"
#include "ctl/client.h"
#include "ctl/root.h"

static int complain(const char *root, const char *path, int error)
{
        fprintf(stderr, "%s%s: %s.\n", root, path, strerror(error));
        return CTL_FAILED;
}

/* What it holds may be a secret too. */
static bool is_the_same(const char *root, const char *path, mode_t mode, const void *data, size_t size)
{
        _cleanup_close_ int fd = root_open(root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
        _cleanup_(secret_buffer_done) Buffer held = BUFFER_NULL;
        struct stat st;

        return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 07777) == mode &&
               st.st_uid == geteuid() && (size_t)st.st_size == size && file_read(&held, fd, size) == 0 &&
               held.size == size && memcmp(held.data ?: "", data, size) == 0;
}

/* ---- folders ---- */

static const char *name_of(const char *path)
{
        return strrchr(path, '/') + 1;
}

static int open_folder(const char *root, const char *path)
{
        return root_open(root, path, O_RDONLY | O_DIRECTORY, 0);
}

/* That above a path, which is a whole one. */
static int open_parent(const char *root, const char *path)
{
        char folder[PATH_MAX];

        (void)snprintf(folder, sizeof(folder), "%.*s", (int)(name_of(path) - path), path);
        return open_folder(root, folder);
}

/* For all to pass, whatever the umask: hublinkd is to read in it. */
static int make_folder(const char *root, const char *path)
{
        _cleanup_close_ int parent = open_parent(root, path);

        if (parent < 0)
                return parent;
        if (mkdirat(parent, name_of(path), 0755) < 0)
                return errno == EEXIST ? 0 : -errno;
        return fchmodat(parent, name_of(path), 0755, 0) < 0 ? -errno : 0;
}

int system_file_make_folders(const char *root, const char *path)
{
        char folder[PATH_MAX];
        int r = 0;

        for (const char *slash = strchr(path + 1, '/'); r == 0 && slash; slash = strchr(slash + 1, '/')) {
                (void)snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
                r = make_folder(root, folder);
        }
        return r;
}

/* That it has its name is on the disk too. */
static int sync_folder(int folder)
{
        return fsync(folder) == 0 || errno == EINVAL || errno == EROFS ? 0 : -errno;
}

/* ---- there as a whole, or not at all ---- */

/* Open to nobody else until its mode is set. */
static int write_beside(int folder, const char *name, mode_t mode, const void *data, size_t size)
{
        char made[NAME_MAX + 16];
        _cleanup_close_ int fd = -1;
        int r;

        (void)snprintf(made, sizeof(made), "%s.%d", name, (int)getpid());
        (void)unlinkat(folder, made, 0); /* of one that had our number */
        fd = openat(folder, made, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        if (file_write(fd, data, size) == 0 && fchmod(fd, mode) == 0 && fsync(fd) == 0 &&
            renameat(folder, made, folder, name) == 0)
                return sync_folder(folder);
        r = -errno;
        (void)unlinkat(folder, made, 0);
        return r;
}

int system_file_write(const char *root, const char *path, mode_t mode, const void *data, size_t size, bool *ret_changed)
{
        _cleanup_close_ int folder = -1;
        int r;

        if (is_the_same(root, path, mode, data, size))
                return CTL_OK;
        r = system_file_make_folders(root, path);
        if (r == 0)
                r = folder = open_parent(root, path);
        if (r >= 0) {
                *ret_changed = true;
                r = write_beside(folder, name_of(path), mode, data, size);
        }
        return r < 0 ? complain(root, path, -r) : CTL_OK;
}

int system_file_remove(const char *root, const char *path, bool *ret_changed)
{
        _cleanup_close_ int folder = open_parent(root, path);
        int r = folder < 0 ? folder : unlinkat(folder, name_of(path), 0) < 0 ? -errno : 0;

        if (r == -ENOENT || r == -ENOTDIR)
                return CTL_OK;
        *ret_changed |= r == 0;
        r = r == 0 ? sync_folder(folder) : r;
        return r < 0 ? complain(root, path, -r) : CTL_OK;
}

void system_folder_remove(const char *root, const char *path)
{
        _cleanup_close_ int folder = open_parent(root, path);

        if (folder >= 0)
                (void)unlinkat(folder, name_of(path), AT_REMOVEDIR);
}

bool system_file_exists(const char *root, const char *path)
{
        _cleanup_close_ int fd = root_open(root, path, O_PATH, 0);

        return fd >= 0;
}
