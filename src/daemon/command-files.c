/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/command-files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "model/order.h"

#define FOLDER_MODE 0750
#define FILE_MODE   0640

/* ---- the argument ---- */

/* Whatever the umask is. */
static int make_folder(const char *path)
{
        if (mkdir(path, FOLDER_MODE) < 0)
                return errno == EEXIST ? 0 : -errno;
        return chmod(path, FOLDER_MODE) < 0 ? -errno : 0;
}

static int make_folders(const char *run, const char *name)
{
        _cleanup_free_ char *all = NULL, *own = NULL;
        int r;

        if (asprintf(&all, "%s/command", run) < 0 || asprintf(&own, "%s/%s", all, name) < 0)
                return -ENOMEM;
        r = make_folder(all);
        return r < 0 ? r : make_folder(own);
}

static int write_whole(const char *path, const char *json, size_t size)
{
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);

        if (fd < 0 || fchmod(fd, FILE_MODE) < 0)
                return -errno;
        return file_write(fd, json, size);
}

/* In one step: a run that somebody else began may be reading the one before. */
static int put_request(const char *run, const char *name, const char *json, size_t size)
{
        _cleanup_free_ char *path = NULL, *beside = NULL;
        int r;

        if (asprintf(&path, "%s/command/%s/request", run, name) < 0 || asprintf(&beside, "%s.new", path) < 0)
                return -ENOMEM;
        r = write_whole(beside, json, size);
        if (r == 0 && rename(beside, path) < 0)
                r = -errno;
        if (r < 0)
                (void)unlink(beside);
        return r;
}

/* ---- the answer ---- */

static char *response_path(const char *run, const char *name)
{
        char *path;

        return asprintf(&path, "%s-command/%s/response", run, name) < 0 ? NULL : path;
}

static CommandMark mark_of(const struct stat *st)
{
        return (CommandMark){st->st_ino, st->st_ctim.tv_sec, st->st_ctim.tv_nsec};
}

static bool is_same(const CommandMark *a, const CommandMark *b)
{
        return a->inode == b->inode && a->sec == b->sec && a->nsec == b->nsec;
}

static int read_response(const char *path, const CommandMark *mark, Buffer *b)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        CommandMark found;
        struct stat st;

        if (fd < 0)
                return errno == ENOENT ? COMMAND_E_NONE : -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EBADF;
        found = mark_of(&st);
        if (st.st_size == 0 || is_same(&found, mark))
                return COMMAND_E_NONE;
        return file_read_bytes(b, fd, METHOD_PAYLOAD_MAX);
}

int command_files_get(const char *run, const char *name, const CommandMark *mark, Buffer *b)
{
        _cleanup_free_ char *path = response_path(run, name);

        return path ? read_response(path, mark, b) : -ENOMEM;
}

/* ---- both ---- */

static int look(const char *run, const char *name, CommandMark *ret)
{
        _cleanup_free_ char *path = response_path(run, name);
        struct stat st;

        *ret = (CommandMark){};
        if (!path)
                return -ENOMEM;
        if (lstat(path, &st) == 0)
                *ret = mark_of(&st);
        return 0;
}

int command_files_put(const char *run, const char *name, const char *json, size_t size, CommandMark *ret)
{
        int r = make_folders(run, name);

        if (r == 0)
                r = put_request(run, name, json, size);
        return r < 0 ? r : look(run, name, ret);
}
