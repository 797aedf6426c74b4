/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/state-dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* 0700, since keys will lie there. n_made: of the folders of the path, those at its end that are new. */
static int make(const char *path, unsigned *n_made)
{
        bool is_new = mkdir(path, 0700) == 0;

        if (!is_new && errno != EEXIST)
                return -errno;
        *n_made = is_new ? *n_made + 1 : 0;
        return 0;
}

/* mkdir -p */
static int make_all(const char *path, unsigned *n_made)
{
        _cleanup_free_ char *copy = strdup(path);
        int r = copy ? 0 : -ENOMEM;

        for (char *p = copy ? copy + 1 : NULL; r >= 0 && *p; p++) {
                if (*p != '/' || p[1] == '/' || p[1] == 0)
                        continue;
                *p = 0;
                r = make(copy, n_made);
                *p = '/';
        }
        return r < 0 ? r : make(copy, n_made);
}

int state_dir_open(StateDir *dir, const char *path, bool create)
{
        int r;

        if (create) {
                r = make_all(path, &dir->n_made);
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

void state_dir_unmake(StateDir *dir)
{
        (void)unlinkat(dir->fd, "lock", 0);
        for (; dir->n_made > 0 && rmdir(dir->path) == 0; dir->n_made--)
                *strrchr(dir->path, '/') = 0;
}

bool state_dir_has_hub(const StateDir *dir)
{
        return faccessat(dir->fd, "devhub.db", F_OK, 0) == 0;
}

int state_dir_give(int dir_fd, int fd)
{
        struct stat dir, file;

        if (fstat(dir_fd, &dir) < 0 || fstat(fd, &file) < 0)
                return -errno;
        if (file.st_uid == dir.st_uid || geteuid() != 0)
                return 0;
        return fchown(fd, dir.st_uid, dir.st_gid) < 0 ? -errno : 0;
}

int state_dir_lock(StateDir *dir, int *ret_pid)
{
        _cleanup_close_ int fd = openat(dir->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        char text[32] = "";
        int r;

        if (fd < 0)
                return -errno;
        r = state_dir_give(dir->fd, fd);
        if (r < 0)
                return r;
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
