/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/access.h"

#include <errno.h>
#include <string.h>

#include "azure/connection-string.h"
#include "base/base64.h"
#include "base/secret.h"
#include "daemon/credential.h"
#include "model/credential-id.h"

#define BLANKS    " \t\r\n"
#define QUOTES    "\"'"
#define UTF8_MARK "\xef\xbb\xbf"
#define LETTERS   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define ID_MAX    128
#define OPENER    "hublink-credential@%s.service"
#define OPENING   "# Written by hublinkctl setup, and replaced by it.\n"

static const struct {
        const char *name, *noun, *setting;
} kinds[_ACCESS_KIND_MAX] = {
        [ACCESS_CONNECTION_STRING] = {"device.cs", "connection string", "connection_string_file"},
        [ACCESS_KEY] = {"dps.key", "key", "key_file"},
        [ACCESS_GROUP_KEY] = {"group.key", "group key", "group_key_file"},
};

void access_done(Access *a)
{
        secret_buffer_done(&a->secret);
}

const char *access_name(AccessKind kind)
{
        return kinds[kind].name;
}

const char *access_noun(AccessKind kind)
{
        return kinds[kind].noun;
}

/* ---- is it what it should be? ---- */

/* Only the bytes from there to there; what was behind them is wiped. */
static void keep_part(Buffer *b, size_t begin, size_t end)
{
        memmove(b->data, b->data + begin, end - begin);
        explicit_bzero(b->data + (end - begin), b->size - (end - begin));
        buffer_truncate(b, end - begin);
}

static void trim(Buffer *b)
{
        size_t begin = 0, end = b->size;

        if (b->size == 0)
                return;
        if (strncmp(b->data, UTF8_MARK, strlen(UTF8_MARK)) == 0)
                begin = strlen(UTF8_MARK);
        begin += strspn(b->data + begin, BLANKS);
        while (end > begin && strchr(BLANKS, b->data[end - 1]))
                end--;
        if (end > begin + 1 && strchr(QUOTES, b->data[begin]) && b->data[end - 1] == b->data[begin]) {
                begin++;
                end--;
        }
        keep_part(b, begin, end);
}

/* As tools show it: connectionString: HostName=..., or within a line of JSON. */
static void take_out_connection_string(Buffer *b)
{
        const char *text = b->data, *begin = b->size > 0 ? strcasestr(text, "HostName=") : NULL, *end;
        size_t before = begin ? (size_t)(begin - text) : 0;

        if (before == 0 || strcspn(text, "=;") < before || strchr(LETTERS, begin[-1]))
                return;
        end = begin[-1] == '"'    ? strchr(begin, '"')
              : begin[-1] == '\'' ? strrchr(begin, '\'')
                                  : NULL; /* an id may have the latter */
        keep_part(b, before, end ? (size_t)(end - text) : b->size);
}

static int check_connection_string(const char *text, const char **ret_error)
{
        _cleanup_(connection_string_freep) ConnectionString *cs = NULL;
        int r = connection_string_parse(text, &cs, ret_error);

        if (r < 0)
                return r;
        if (!cs->device_id)
                *ret_error = "it is a service's, without a DeviceId: the device's own is needed";
        else if (!cs->shared_access_key)
                *ret_error = "it holds no SharedAccessKey";
        else
                return 0;
        return -EINVAL;
}

/* Both stand in the settings, in quotes: what would end those is in no id. */
static bool is_id(const char *text, const char *others)
{
        size_t n = strlen(text);

        for (const char *p = text; *p; p++)
                if (!strchr(LETTERS, *p) && !strchr(others, *p))
                        return false;
        return n > 0 && n <= ID_MAX;
}

const char *access_wrong_id_scope(const char *text)
{
        return is_id(text, "") ? NULL : "the id scope is letters and digits, such as 0ne00000000";
}

const char *access_wrong_registration_id(const char *text)
{
        bool right = is_id(text, "-._:") && !strchr("._:", text[strlen(text) - 1]);

        return right ? NULL : "the registration id is letters, digits and - . _ :, at most 128, none of the last three "
                              "at its end";
}

static int check_key(const Access *a, const char **ret_error)
{
        _cleanup_(secret_buffer_done) Buffer key = BUFFER_NULL;

        if ((*ret_error = access_wrong_id_scope(a->id_scope ?: "")) ||
            (*ret_error = access_wrong_registration_id(a->registration_id ?: "")))
                return -EINVAL;
        if (a->secret.size == 0 || base64_decode(&key, a->secret.data, a->secret.size) < 0 || key.size == 0)
                *ret_error = "it is no key: base64 is expected";
        else
                return 0;
        return -EINVAL;
}

int access_check(Access *a, const char **ret_error)
{
        if (buffer_error(&a->secret) < 0)
                return -ENOMEM;
        if (a->secret.size > ACCESS_SECRET_MAX || (a->secret.size > 0 && memchr(a->secret.data, 0, a->secret.size))) {
                *ret_error = "it is no text, or too long";
                return -EINVAL;
        }
        if (a->kind == ACCESS_CONNECTION_STRING)
                take_out_connection_string(&a->secret);
        trim(&a->secret);
        return a->kind == ACCESS_CONNECTION_STRING ? check_connection_string(a->secret.data ?: "", ret_error)
                                                   : check_key(a, ret_error);
}

/* ---- what it becomes ---- */

void access_put_settings(const Access *a, Buffer *b)
{
        if (a->kind == ACCESS_CONNECTION_STRING)
                return;
        buffer_printf(b, OPENING "hub: { dps: { id_scope = \"%s\"; registration_id = \"%s\"; %s = \"%s\"; }; };\n",
                      a->id_scope, a->registration_id, kinds[a->kind].setting, kinds[a->kind].name);
}

void access_put_unit(AccessKind kind, const char *path, bool encrypted, const char *id, Buffer *b)
{
        const char *name = kinds[kind].name;

        buffer_append_string(b, OPENING);
        if (encrypted)
                buffer_printf(b,
                              "[Unit]\nWants=" OPENER "\nAfter=" OPENER "\n\n"
                              "[Service]\nLoadCredential=%s:" ACCESS_OPENED "\n",
                              name, name, name, name);
        else
                buffer_printf(b, "[Service]\nLoadCredential=%s:%s\n", name, path);
        buffer_printf(b, "SetCredential=%s:" CREDENTIAL_UNOPENED "\nEnvironment=" CREDENTIAL_ID_VARIABLE "=%s\n", name,
                      id);
}
