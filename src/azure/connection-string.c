/* SPDX-License-Identifier: Apache-2.0 */
#include "azure/connection-string.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/base64.h"
#include "base/secret.h"

#define HOST_NAME_MAX_LENGTH 253
#define ID_MAX_LENGTH        128

ConnectionString *connection_string_free(ConnectionString *cs)
{
        if (!cs)
                return NULL;
        free(cs->host_name);
        free(cs->device_id);
        free(cs->module_id);
        secret_free(cs->shared_access_key);
        free(cs->shared_access_key_name);
        free(cs->gateway_host_name);
        free(cs);
        return NULL;
}

/* ---- what the values may be ---- */

static bool is_alphanumeric(char c)
{
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_made_of(const char *s, const char *others, size_t length_max)
{
        size_t n = 0;

        for (; s[n]; n++)
                if (n >= length_max || !(is_alphanumeric(s[n]) || strchr(others, s[n])))
                        return false;
        return n > 0;
}

static bool is_host_name(const char *s)
{
        return is_made_of(s, "-.", HOST_NAME_MAX_LENGTH);
}

/* The hub's registry knows `+` and `#` as well, but no MQTT topic can carry them. */
static bool is_id(const char *s)
{
        return is_made_of(s, "-:.%_*?!(),=@$'", ID_MAX_LENGTH);
}

static bool is_key(const char *s)
{
        _cleanup_(secret_buffer_done) Buffer key = BUFFER_NULL;

        return base64_decode(&key, s, strlen(s)) == 0 && key.size > 0;
}

static const char *find_fault(const ConnectionString *cs)
{
        if (!cs->host_name)
                return "HostName is missing";
        if (!is_host_name(cs->host_name))
                return "HostName is not the name of a host";
        if (cs->gateway_host_name && !is_host_name(cs->gateway_host_name))
                return "GatewayHostName is not the name of a host";
        if (!cs->device_id && cs->module_id)
                return "ModuleId is given without a DeviceId";
        if (cs->device_id && !is_id(cs->device_id))
                return "DeviceId is empty, too long, or has a character that no topic can carry";
        if (cs->module_id && !is_id(cs->module_id))
                return "ModuleId is empty, too long, or has a character that no topic can carry";
        if (cs->shared_access_key_name && !*cs->shared_access_key_name)
                return "SharedAccessKeyName is empty";
        if (cs->x509)
                return cs->shared_access_key ? "SharedAccessKey and x509=true exclude each other: keep one" : NULL;
        if (!cs->shared_access_key)
                return "SharedAccessKey is missing (or x509=true, to log in with a certificate)";
        if (!is_key(cs->shared_access_key))
                return "SharedAccessKey is not base64: was it copied whole?";
        if (!cs->device_id && !cs->shared_access_key_name)
                return "DeviceId is missing (or SharedAccessKeyName, for a service)";
        return NULL;
}

/* ---- pairs ---- */

/* Keys that we do not know are for others: the portal and the SDKs add some from time to time. */
static int take_pair(ConnectionString *cs, const char *name, size_t name_size, const char *value, size_t value_size,
                     const char **ret_error)
{
        const struct {
                const char *name;
                char **member;
        } rows[] = {
                {"HostName", &cs->host_name},
                {"DeviceId", &cs->device_id},
                {"ModuleId", &cs->module_id},
                {"SharedAccessKey", &cs->shared_access_key},
                {"SharedAccessKeyName", &cs->shared_access_key_name},
                {"GatewayHostName", &cs->gateway_host_name},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                if (name_size != strlen(rows[i].name) || strncasecmp(name, rows[i].name, name_size) != 0)
                        continue;
                if (*rows[i].member) {
                        *ret_error = "a key is given twice";
                        return -EINVAL;
                }
                *rows[i].member = strndup(value, value_size);
                return *rows[i].member ? 0 : -ENOMEM;
        }
        if (name_size == strlen("x509") && strncasecmp(name, "x509", name_size) == 0) {
                cs->x509 = value_size == strlen("true") && strncasecmp(value, "true", value_size) == 0;
                if (!cs->x509 && !(value_size == strlen("false") && strncasecmp(value, "false", value_size) == 0)) {
                        *ret_error = "x509 is neither true nor false";
                        return -EINVAL;
                }
        }
        return 0;
}

static bool is_blank(char c)
{
        return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int connection_string_parse(const char *text, ConnectionString **ret, const char **ret_error)
{
        _cleanup_(connection_string_freep) ConnectionString *cs = NULL;
        const char *p = text, *end = text + strlen(text);
        int r;

        while (p < end && is_blank(*p))
                p++;
        while (p < end && is_blank(end[-1]))
                end--;
        *ret_error = "it is empty";
        if (p == end)
                return -EINVAL;
        *ret_error = "no memory is left";
        cs = calloc(1, sizeof(*cs));
        if (!cs)
                return -ENOMEM;
        while (p < end) {
                const char *semicolon = memchr(p, ';', (size_t)(end - p)), *stop = semicolon ? semicolon : end;
                const char *equals = memchr(p, '=', (size_t)(stop - p));

                if (!equals && stop > p) {
                        *ret_error = "a part has no `=`: a connection string is made of NAME=VALUE pairs with `;` "
                                     "between";
                        return -EINVAL;
                }
                if (equals) {
                        r = take_pair(cs, p, (size_t)(equals - p), equals + 1, (size_t)(stop - equals - 1), ret_error);
                        if (r < 0)
                                return r;
                }
                p = semicolon ? semicolon + 1 : end;
        }
        *ret_error = find_fault(cs);
        if (*ret_error)
                return -EINVAL;
        *ret = TAKE_PTR(cs);
        return 0;
}
