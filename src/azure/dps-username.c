/* SPDX-License-Identifier: Apache-2.0 */
#include "azure/dps-username.h"

#include <errno.h>
#include <string.h>

#include "azure/percent.h"
#include "base/utf8.h"

#define REGISTRATIONS "registrations/"

void dps_username_make(Buffer *b, const char *id_scope, const char *registration_id, const char *product)
{
        buffer_printf(b, "%s/" REGISTRATIONS "%s/api-version=" DPS_API_VERSION, id_scope, registration_id);
        if (product) {
                buffer_append_string(b, "&ClientVersion=");
                percent_encode(b, product);
        }
}

void dps_username_done(DpsUsername *u)
{
        free(u->id_scope);
        free(u->registration_id);
        free(u->api_version);
        free(u->client_version);
        *u = (DpsUsername){};
}

/* What follows {level}/registrations/, or NULL. */
static const char *after_registrations(const char *text)
{
        size_t size = strcspn(text, "/");
        const char *second = text + size + 1;

        if (size == 0 || !text[size] || strncmp(second, REGISTRATIONS, strlen(REGISTRATIONS)) != 0)
                return NULL;
        return second + strlen(REGISTRATIONS);
}

/* A module of the device "registrations" has its query behind a `?`, or a query begins at once. */
bool dps_username_is(const char *text)
{
        const char *id = after_registrations(text), *slash;

        if (!id || id[0] == '?' || strncmp(id, "api-version=", strlen("api-version=")) == 0)
                return false;
        slash = strchr(id, '/');
        return !slash || slash[1] != '?';
}

static int take_value(char **member, const char *value, size_t size)
{
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;

        if (*member)
                return 0;
        percent_decode(&text, value, size);
        if (text.size > 0 && (memchr(text.data, 0, text.size) || !utf8_is_valid(text.data, text.size)))
                return -EBADMSG;
        *member = buffer_steal(&text);
        return *member ? 0 : -ENOMEM;
}

static int take_parameter(DpsUsername *u, const char *p, size_t size)
{
        const struct {
                const char *prefix;
                char **member;
        } known[] = {
                {"api-version=", &u->api_version},
                {"ClientVersion=", &u->client_version},
        };

        for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
                size_t n = strlen(known[i].prefix);

                if (size >= n && memcmp(p, known[i].prefix, n) == 0)
                        return take_value(known[i].member, p + n, size - n);
        }
        return 0;
}

int dps_username_parse(const char *text, DpsUsername *ret)
{
        _cleanup_(dps_username_done) DpsUsername u = {};
        const char *id = after_registrations(text), *p;
        size_t scope_size = strcspn(text, "/"), id_size;

        if (!id || !dps_username_is(text) || !utf8_is_valid(text, strlen(text)))
                return -EBADMSG;
        id_size = strcspn(id, "/");
        if (id_size == 0)
                return -EBADMSG;
        u.id_scope = strndup(text, scope_size);
        u.registration_id = strndup(id, id_size);
        if (!u.id_scope || !u.registration_id)
                return -ENOMEM;
        for (p = id + id_size + (id[id_size] == '/'); *p;) {
                size_t size = strcspn(p, "&");
                int r = take_parameter(&u, p, size);

                if (r < 0)
                        return r;
                p += size;
                p += *p == '&';
        }
        *ret = u;
        u = (DpsUsername){};
        return 0;
}
