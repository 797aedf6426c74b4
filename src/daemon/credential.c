/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/credential.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/secret.h"

#define SIZE_MAX_READ 4096

static int object(int code, char **ret_error, const char *fmt, ...) _printf_(3, 4);

static int object(int code, char **ret_error, const char *fmt, ...)
{
        va_list ap;
        int n;

        va_start(ap, fmt);
        n = vasprintf(ret_error, fmt, ap);
        va_end(ap);
        return n < 0 ? -ENOMEM : code;
}

#define none(...)  object(CREDENTIAL_E_NONE, __VA_ARGS__)
#define unfit(...) object(CREDENTIAL_E_UNFIT, __VA_ARGS__)

/* Where it is; *ret_guarded: systemd made the folder so that nobody else comes in, whatever the modes look
 * like (an access list shows as a group's right). */
static int locate(const char *file, char **ret_path, bool *ret_guarded, char **ret_error)
{
        const char *directory = getenv("CREDENTIALS_DIRECTORY");
        char *path;

        *ret_guarded = file[0] != '/';
        if (*ret_guarded && (!directory || directory[0] != '/'))
                return none(ret_error,
                            "there is no credential \"%s\": give one to the service with "
                            "LoadCredential=%s:/PATH, or name a file with its whole path in "
                            "hub.connection_string_file",
                            file, file);
        path = *ret_guarded ? NULL : strdup(file);
        if (*ret_guarded && asprintf(&path, "%s/%s", directory, file) < 0)
                path = NULL;
        if (!path)
                return -ENOMEM;
        *ret_path = path;
        return 0;
}

static int check_owner(const char *path, const struct stat *st, char **ret_error)
{
        if (!S_ISREG(st->st_mode))
                return unfit(ret_error, "%s is no regular file", path);
        if (st->st_mode & 077)
                return unfit(ret_error,
                             "others can read %s (mode %04o), so its key may be known to them: "
                             "chmod 0600 %s, and better give the device a new key",
                             path, (unsigned)(st->st_mode & 07777), path);
        if (st->st_uid != 0 && st->st_uid != geteuid())
                return unfit(ret_error,
                             "%s belongs to user %u, who can change it: chown it to root or to the "
                             "daemon's own user",
                             path, (unsigned)st->st_uid);
        return 0;
}

static int slurp(const char *path, bool guarded, Buffer *b, char **ret_error)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        struct stat st;
        ssize_t n;
        char *p;
        int r;

        if (fd < 0 && errno == ENOENT)
                return none(ret_error, "%s cannot be read: %s", path, strerror(errno));
        if (fd < 0 || fstat(fd, &st) < 0)
                return unfit(ret_error, "%s cannot be read: %s%s", path, strerror(errno),
                             errno == EACCES ? "; the daemon's user must be able to" : "");
        r = guarded ? 0 : check_owner(path, &st, ret_error);
        if (r != 0)
                return r;
        p = buffer_extend(b, SIZE_MAX_READ + 1);
        if (!p)
                return -ENOMEM;
        n = read(fd, p, SIZE_MAX_READ + 1);
        buffer_truncate(b, n > 0 ? (size_t)n : 0);
        if (n < 0)
                return unfit(ret_error, "%s cannot be read: %s", path, strerror(errno));
        if (n > SIZE_MAX_READ || memchr(b->data, 0, b->size))
                return unfit(ret_error, "%s holds no connection string: it is no text, or too long", path);
        return 0;
}

int credential_read(const char *file, ConnectionString **ret, char **ret_error)
{
        _cleanup_(connection_string_freep) ConnectionString *cs = NULL;
        _cleanup_(secret_buffer_done) Buffer text = BUFFER_NULL;
        _cleanup_free_ char *path = NULL;
        const char *why = NULL;
        bool guarded;
        int r;

        r = locate(file, &path, &guarded, ret_error);
        if (r == 0)
                r = slurp(path, guarded, &text, ret_error);
        if (r != 0)
                return r;
        r = connection_string_parse(text.data ?: "", &cs, &why);
        if (r == -EINVAL)
                return unfit(ret_error, "%s holds no connection string: %s", path, why);
        if (r < 0)
                return r;
        if (!cs->device_id)
                return unfit(ret_error,
                             "%s holds a service's connection string, without a DeviceId: "
                             "the device's own is needed",
                             path);
        if (!cs->shared_access_key)
                return unfit(ret_error, "%s holds no SharedAccessKey", path);
        *ret = TAKE_PTR(cs);
        return 0;
}
