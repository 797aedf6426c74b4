/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/state-dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

/* mkdir -p: 0700 for all that is new, since keys will lie there. */
static int make_all(const char *path)
{
        _cleanup_free_ char *copy = strdup(path);

        if (!copy)
                return -ENOMEM;
        for (char *p = copy + 1; *p; p++) {
                if (*p != '/')
                        continue;
                *p = 0;
                if (mkdir(copy, 0700) < 0 && errno != EEXIST)
                        return -errno;
                *p = '/';
        }
        return mkdir(copy, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

int state_dir_open(StateDir *dir, const char *path, bool create)
{
        int r;

        if (create) {
                r = make_all(path);
                if (r < 0)
                        return r;
        }
        dir->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir->fd < 0)
                return -errno;
        dir->path = realpath(path, NULL);
        return dir->path ? 0 : -errno;
}

void state_dir_done(StateDir *dir)
{
        free(dir->path);
        safe_close(dir->fd);
        safe_close(dir->lock_fd);
        *dir = STATE_DIR_NULL;
}

bool state_dir_has_hub(const StateDir *dir)
{
        return faccessat(dir->fd, "devhub.db", F_OK, 0) == 0;
}

int state_dir_lock(StateDir *dir, int *ret_pid)
{
        _cleanup_close_ int fd = openat(dir->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        char text[32] = "";

        if (fd < 0)
                return -errno;
        if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
                if (errno != EWOULDBLOCK)
                        return -errno;
                *ret_pid = pread(fd, text, sizeof(text) - 1, 0) > 0 ? atoi(text) : 0;
                return STATE_DIR_E_LOCKED;
        }
        (void)snprintf(text, sizeof(text), "%d\n", getpid());
        if (ftruncate(fd, 0) < 0 || pwrite(fd, text, strlen(text), 0) < 0)
                return -errno;
        dir->lock_fd = TAKE_FD(fd);
        return 0;
}

int state_dir_write(StateDir *dir, const char *name, const char *text, size_t size)
{
        _cleanup_close_ int fd = -1;
        char beside[64];

        (void)snprintf(beside, sizeof(beside), "%s.new", name);
        (void)unlinkat(dir->fd, beside, 0);
        fd = openat(dir->fd, beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        while (size > 0) {
                ssize_t n = write(fd, text, size);

                if (n < 0)
                        return -errno;
                text += n;
                size -= (size_t)n;
        }
        return renameat(dir->fd, beside, dir->fd, name) < 0 ? -errno : 0;
}
