/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/system-lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macro.h"
#include "ctl/root.h"
#include "ctl/system-file.h"

#define TRIES 100 /* of those who leave while we look */

static void name_folder(const char *path, char ret[static PATH_MAX])
{
        (void)snprintf(ret, PATH_MAX, "%.*s", (int)(strrchr(path, '/') - path), path);
}

/* The kernel knows who has it: a number that was written into the file might be that of a process long gone. */
static int try(int fd, pid_t *ret_holder)
{
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        struct stat st;

        if (fcntl(fd, F_SETLK, &lock) < 0) {
                if (errno != EAGAIN && errno != EACCES)
                        return -errno;
                if (fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
                        return -EAGAIN;
                *ret_holder = MAX(lock.l_pid, 0);
                return -EBUSY;
        }
        /* whoever had it has taken the file away: the next one makes another */
        return fstat(fd, &st) < 0 ? -errno : st.st_nlink == 0 ? -EAGAIN : 0;
}

static int open_and_try(SystemLock *l, pid_t *ret_holder)
{
        _cleanup_close_ int fd = root_open(l->root, l->path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
        int r = fd < 0 ? fd : try(fd, ret_holder);

        if (r == 0)
                l->fd = TAKE_FD(fd);
        return r;
}

int system_lock_take(SystemLock *l, const char *root, const char *path, pid_t *ret_holder)
{
        char folder[PATH_MAX];
        int r;

        l->root = root;
        (void)snprintf(l->path, sizeof(l->path), "%s", path);
        name_folder(path, folder);
        *ret_holder = 0;
        for (int i = 0; i < TRIES; i++) {
                if (!system_file_exists(root, folder)) {
                        l->made_folder = true;
                        if ((r = system_file_make_folders(root, path)) < 0)
                                break;
                }
                r = open_and_try(l, ret_holder);
                if (r != -EAGAIN && r != -ENOENT)
                        break;
        }
        return r == -EROFS ? 0 : r;
}

void system_lock_done(SystemLock *l)
{
        char folder[PATH_MAX];
        bool changed;

        if (l->fd < 0)
                return;
        (void)system_file_remove(l->root, l->path, &changed);
        l->fd = safe_close(l->fd);
        name_folder(l->path, folder);
        if (l->made_folder)
                system_folder_remove(l->root, folder);
}
