/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/output-file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <string.h>

#include "base/buffer.h"
#include "ctl/client.h"

#define ROOM (64 * 1024) /* the largest body that IoT Hub sends */

static const char *name_of(const OutputFile *o)
{
        return o->path ?: "standard output";
}

static int complain(const OutputFile *o)
{
        fprintf(stderr, "%s: %s.\n", name_of(o), strerror(errno));
        return CTL_FAILED;
}

/* ---- does it take what comes? ---- */

/* A write of nothing tells of a descriptor that is closed, and of a device that is full. */
static int check_stdout(const OutputFile *o)
{
        struct pollfd reader = {.fd = STDOUT_FILENO, .events = POLLOUT};

        if (write(STDOUT_FILENO, "", 0) < 0)
                return complain(o);
        if (poll(&reader, 1, 0) > 0 && reader.revents & POLLERR) {
                errno = EPIPE;
                return complain(o);
        }
        return CTL_OK;
}

/* Not every file system can set room aside: then the writing tells. */
static bool has_room(int fd)
{
        return fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, ROOM) == 0 || errno == EOPNOTSUPP || errno == EINTR;
}

static int open_beside(OutputFile *o)
{
        int fd = mkostemp(o->made, O_CLOEXEC);

        if (fd < 0) {
                int error = errno;

                free(o->made); /* nothing is there to be removed */
                o->made = NULL;
                errno = error;
                return complain(o);
        }
        o->file = has_room(fd) ? fdopen(fd, "w") : NULL;
        if (o->file)
                return CTL_OK;
        (void)complain(o);
        (void)safe_close(fd);
        return CTL_FAILED;
}

int output_file_open(OutputFile *o, const char *path)
{
        _cleanup_(buffer_done) Buffer made = BUFFER_NULL;

        *o = (OutputFile){.path = path};
        if (!path)
                return check_stdout(o);
        if (access(path, F_OK) == 0) {
                errno = EEXIST;
                return complain(o);
        }
        buffer_printf(&made, "%s.XXXXXX", path);
        if (buffer_error(&made) < 0) {
                errno = ENOMEM;
                return complain(o);
        }
        o->made = buffer_steal(&made);
        return open_beside(o);
}

/* ---- written ---- */

static bool write_out(FILE *f, const void *data, size_t size)
{
        return fwrite(data, 1, size, f) == size && fflush(f) == 0 &&
               (fsync(fileno(f)) == 0 || errno == EINVAL || errno == EROFS);
}

/* Not every file system can refuse to replace by itself. */
static int rename_to_new(const char *made, const char *path)
{
        if (renameat2(AT_FDCWD, made, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
                return 0;
        if (errno != EINVAL || access(path, F_OK) == 0)
                return -1;
        return rename(made, path);
}

/* That it has another name now is on the disk too. */
static bool give_name(OutputFile *o)
{
        _cleanup_free_ char *copy = strdup(o->path);
        _cleanup_close_ int folder = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

        if (folder < 0 || rename_to_new(o->made, o->path) < 0)
                return false;
        free(o->made);
        o->made = NULL;
        return fsync(folder) == 0 || errno == EINVAL || errno == EROFS;
}

/* What was set aside and not needed is given back. */
static bool close_whole(OutputFile *o, size_t size)
{
        FILE *f = o->file;
        bool cut = ftruncate(fileno(f), (off_t)size) == 0;

        o->file = NULL;
        return fclose(f) == 0 && cut;
}

int output_file_write(OutputFile *o, const void *data, size_t size)
{
        bool good = write_out(o->file ?: stdout, data, size);

        if (good && o->file)
                good = close_whole(o, size) && give_name(o);
        return good ? CTL_OK : complain(o);
}

void output_file_done(OutputFile *o)
{
        if (o->file)
                (void)fclose(o->file);
        if (o->made)
                (void)unlink(o->made);
        free(o->made);
        *o = (OutputFile){};
}
