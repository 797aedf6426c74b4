/* SPDX-License-Identifier: Apache-2.0 */
#include "azure/username.h"

#include <errno.h>
#include <string.h>

#include "azure/percent.h"
#include "base/utf8.h"

void username_make(Buffer *b, const char *host, const char *device_id, const char *module_id,
                   const char *product_info, const char *model_id)
{
        buffer_printf(b, "%s/%s%s%s/?api-version=" USERNAME_API_VERSION, host, device_id, module_id ? "/" : "",
                      module_id ? module_id : "");
        if (product_info) {
                buffer_append_string(b, "&DeviceClientType=");
                percent_encode(b, product_info);
        }
        if (model_id) {
                buffer_append_string(b, "&model-id=");
                percent_encode(b, model_id);
        }
}

void username_done(Username *u)
{
        free(u->host);
        free(u->device_id);
        free(u->module_id);
        free(u->api_version);
        free(u->device_client_type);
        free(u->model_id);
        *u = (Username){};
}

/* Takes the level up to the next slash, or to the end, and steps over the slash. */
static int take_level(const char **p, char **ret)
{
        size_t size = strcspn(*p, "/");

        if (size == 0 || !utf8_is_valid(*p, size))
                return -EBADMSG;
        *ret = strndup(*p, size);
        if (!*ret)
                return -ENOMEM;
        *p += size;
        *p += **p == '/';
        return 0;
}

static bool starts_with(const char *s, size_t size, const char *prefix)
{
        return size >= strlen(prefix) && memcmp(s, prefix, strlen(prefix)) == 0;
}

/* What follows the device is a module or the query, which some clients write without its `?`. An id has no `&`
 * in it; a query has one unless it says nothing but the version. */
static bool is_module(const char *p)
{
        size_t size = strcspn(p, "/");

        return size > 0 && p[0] != '?' && !memchr(p, '&', size) && !starts_with(p, size, "api-version=");
}

static int take_value(char **member, const char *value, size_t size)
{
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;
        char *s;

        if (*member)
                return 0;
        percent_decode(&text, value, size);
        if (text.size > 0 && (memchr(text.data, 0, text.size) || !utf8_is_valid(text.data, text.size)))
                return -EBADMSG;
        s = buffer_steal(&text);
        if (!s)
                return -ENOMEM;
        *member = s;
        return 0;
}

static int take_parameter(Username *u, const char *p, size_t size)
{
        const struct {
                const char *prefix;
                char **member;
        } known[] = {
                {"api-version=", &u->api_version},
                {"DeviceClientType=", &u->device_client_type},
                {"model-id=", &u->model_id},
        };

        for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
                size_t n = strlen(known[i].prefix);

                if (starts_with(p, size, known[i].prefix))
                        return take_value(known[i].member, p + n, size - n);
        }
        return 0;
}

int username_parse(const char *text, Username *ret)
{
        _cleanup_(username_done) Username u = {};
        const char *p = text;
        int r;

        r = take_level(&p, &u.host);
        if (r < 0)
                return r;
        r = take_level(&p, &u.device_id);
        if (r < 0)
                return r;
        if (is_module(p)) {
                r = take_level(&p, &u.module_id);
                if (r < 0)
                        return r;
        }
        p += *p == '?';
        while (*p) {
                size_t size = strcspn(p, "&");

                r = take_parameter(&u, p, size);
                if (r < 0)
                        return r;
                p += size;
                p += *p == '&';
        }
        *ret = u;
        u = (Username){};
        return 0;
}
