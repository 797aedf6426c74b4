/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/credential.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "azure/derived-key.h"
#include "base/base64.h"
#include "base/secret.h"
#include "hub/enrollment.h"

#define SIZE_MAX_READ 4096
#define BLANKS        " \t\r\n"

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
static int locate(const char *file, const char *setting, char **ret_path, bool *ret_guarded, char **ret_error)
{
        const char *directory = getenv("CREDENTIALS_DIRECTORY");
        char *path;

        *ret_guarded = file[0] != '/';
        if (*ret_guarded && (!directory || directory[0] != '/'))
                return none(ret_error,
                            "there is no credential \"%s\": hublinkctl setup asks for it and stores it; or give one to "
                            "the service with LoadCredential=%s:/PATH, or name a file with its whole path in %s",
                            file, file, setting);
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

static int slurp(const char *path, bool guarded, const char *noun, Buffer *b, char **ret_error)
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
                return unfit(ret_error, "%s holds no %s: it is no text, or too long", path, noun);
        return 0;
}

static bool is_unopened(const Buffer *text)
{
        return text->size == strlen(CREDENTIAL_UNOPENED) && memcmp(text->data, CREDENTIAL_UNOPENED, text->size) == 0;
}

static int read_text(const char *file, const char *setting, const char *noun, Buffer *b, char **ret_path,
                     char **ret_error)
{
        bool guarded;
        int r;

        r = locate(file, setting, ret_path, &guarded, ret_error);
        if (r == 0)
                r = slurp(*ret_path, guarded, noun, b, ret_error);
        if (r == 0 && guarded && is_unopened(b))
                r = none(ret_error,
                         "the credential \"%s\", which the unit names, could not be opened: its file is gone, or "
                         "encrypted for another machine, another board or a TPM that was reset, or the TPM did not "
                         "answer, and then it is tried again by itself (systemctl status hublink-credential@%s); "
                         "hublinkctl setup stores it anew",
                         file, file);
        return r;
}

/* ---- a connection string ---- */

int credential_read(const char *file, ConnectionString **ret, char **ret_error)
{
        _cleanup_(connection_string_freep) ConnectionString *cs = NULL;
        _cleanup_(secret_buffer_done) Buffer text = BUFFER_NULL;
        _cleanup_free_ char *path = NULL;
        const char *why = NULL;
        int r;

        r = read_text(file, "hub.connection_string_file", "connection string", &text, &path, ret_error);
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

/* ---- the key for the provisioning service ---- */

/* A key that decodes to nothing signs nothing. */
static bool is_key(const char *text, size_t size)
{
        _cleanup_(secret_buffer_done) Buffer key = BUFFER_NULL;

        return size > 0 && base64_decode(&key, text, size) == 0 && key.size > 0;
}

int credential_of_key(const char *text, const char *where, ConnectionString **ret, char **ret_error)
{
        _cleanup_(connection_string_freep) ConnectionString *cs = NULL;
        const char *begin = text + strspn(text, BLANKS);
        size_t size = strlen(begin);

        while (size > 0 && strchr(BLANKS, begin[size - 1]))
                size--;
        if (!is_key(begin, size))
                return unfit(ret_error, "%s holds no key: it is not base64", where);
        cs = calloc(1, sizeof(*cs));
        if (!cs)
                return -ENOMEM;
        cs->shared_access_key = strndup(begin, size);
        if (!cs->shared_access_key)
                return -ENOMEM;
        *ret = TAKE_PTR(cs);
        return 0;
}

static int derive(ConnectionString *cs, const char *registration_id)
{
        _cleanup_free_ char *id = enrollment_fold_id(registration_id);
        _cleanup_(secret_buffer_done) Buffer key = BUFFER_NULL;
        int r;

        if (!id)
                return -ENOMEM;
        r = derived_key(&key, cs->shared_access_key, id);
        if (r < 0)
                return r;
        secret_free(cs->shared_access_key);
        cs->shared_access_key = buffer_steal(&key);
        return cs->shared_access_key ? 0 : -ENOMEM;
}

static int read_key(const DpsSettings *dps, const char *file, const char *setting, ConnectionString **ret,
                    char **ret_error)
{
        _cleanup_(connection_string_freep) ConnectionString *cs = NULL;
        _cleanup_(secret_buffer_done) Buffer text = BUFFER_NULL;
        _cleanup_free_ char *path = NULL;
        int r;

        r = read_text(file, setting, "key", &text, &path, ret_error);
        if (r == 0)
                r = credential_of_key(text.data ?: "", path, &cs, ret_error);
        if (r == 0 && !dps->key_file)
                r = derive(cs, dps->registration_id);
        if (r == 0)
                *ret = TAKE_PTR(cs);
        return r;
}

/* ---- whichever it is ---- */

const char *credential_file(const HubSettings *hub, const char **ret_setting)
{
        const DpsSettings *dps = &hub->dps;

        *ret_setting = !dps->id_scope  ? "hub.connection_string_file"
                       : dps->key_file ? "hub.dps.key_file"
                                       : "hub.dps.group_key_file";
        return !dps->id_scope ? hub->connection_string_file : dps->key_file ?: dps->group_key_file;
}

int credential_find(const HubSettings *hub, ConnectionString **ret, char **ret_error)
{
        const char *setting, *file = credential_file(hub, &setting);

        if (hub->dps.id_scope && !hub->dps.registration_id)
                return none(ret_error, "hub.dps.registration_id is missing, the name under which this gateway is "
                                       "enrolled: hublinkctl setup asks for it; or write it into a file of "
                                       "/etc/hublink/conf.d, hub: { dps: { registration_id = \"NAME\"; }; }; and run "
                                       "systemctl reload hublinkd");
        return hub->dps.id_scope ? read_key(&hub->dps, file, setting, ret, ret_error)
                                 : credential_read(file, ret, ret_error);
}
