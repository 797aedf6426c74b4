/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/macro.h"

bool root_is_tree(const char *word)
{
        _cleanup_close_ int fd = *word ? open(word, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

        return fd >= 0;
}

bool root_is_ours(const char *word)
{
        struct stat tree, ours;

        return stat(word, &tree) == 0 && stat("/", &ours) == 0 && tree.st_dev == ours.st_dev &&
               tree.st_ino == ours.st_ino;
}

int root_open(const char *root, const char *path, int flags, mode_t mode)
{
        struct open_how how = {.flags = (unsigned)flags | O_CLOEXEC,
                               .mode = mode,
                               .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
        _cleanup_close_ int top = -1;
        int fd;

        if (!*root) {
                fd = open(path, flags | O_CLOEXEC, mode);
                return fd < 0 ? -errno : fd;
        }
        top = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (top < 0)
                return -errno;
        fd = (int)syscall(SYS_openat2, top, path, &how, sizeof(how)); /* glibc has no name for it */
        return fd < 0 ? -errno : fd;
}

int root_find(const char *root, const char *path, char ret[static PATH_MAX])
{
        _cleanup_close_ int fd = root_open(root, path, O_PATH, 0);
        char link[64];
        ssize_t n;

        (void)snprintf(ret, PATH_MAX, "%s%s%s", root, *root && *path != '/' ? "/" : "", path);
        if (fd < 0 || !*root)
                return fd < 0 ? fd : 0;
        (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, ret, PATH_MAX - 1);
        if (n < 0)
                return -errno;
        ret[n] = 0;
        return 0;
}
