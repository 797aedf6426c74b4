/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/identity.h"

#include <errno.h>
#include <string.h>

#include "azure/token.h"
#include "azure/topic.h"
#include "azure/username.h"
#include "base/secret.h"
#include "base/text.h"

Identity *identity_free(Identity *i)
{
        if (!i)
                return NULL;
        free(i->host);
        free(i->tls_name);
        free(i->address);
        free(i->ca_file);
        free(i->client_id);
        free(i->username);
        free(i->resource);
        secret_free(i->key);
        free(i->policy);
        free(i->topic);
        free(i->devicebound);
        free(i);
        return NULL;
}

/* ---- addresses ---- */

static int parse_port(const char *text, uint16_t *ret)
{
        unsigned long port = 0;

        if (!*text || strlen(text) > 5)
                return -EINVAL;
        for (const char *p = text; *p; p++) {
                if (*p < '0' || *p > '9')
                        return -EINVAL;
                port = port * 10 + (unsigned long)(*p - '0');
        }
        if (port == 0 || port > UINT16_MAX)
                return -EINVAL;
        *ret = (uint16_t)port;
        return 0;
}

/* Where the host ends and the port begins. A bare IPv6 address has many colons and no port. */
static int split_address(const char *text, const char **ret_host, size_t *ret_size, const char **ret_port)
{
        const char *colon = strchr(text, ':'), *bracket;

        if (*text == '[') {
                bracket = strchr(text, ']');
                if (!bracket || (bracket[1] != 0 && bracket[1] != ':'))
                        return -EINVAL;
                *ret_host = text + 1;
                *ret_size = (size_t)(bracket - text - 1);
                *ret_port = bracket[1] ? bracket + 2 : NULL;
        } else if (colon && strchr(colon + 1, ':')) {
                *ret_host = text;
                *ret_size = strlen(text);
                *ret_port = NULL;
        } else {
                *ret_host = text;
                *ret_size = colon ? (size_t)(colon - text) : strlen(text);
                *ret_port = colon ? colon + 1 : NULL;
        }
        return *ret_size > 0 ? 0 : -EINVAL;
}

int identity_parse_address(const char *text, char **ret_host, uint16_t *ret_port)
{
        const char *host, *port;
        uint16_t number = IDENTITY_PORT;
        size_t size;
        char *copy;

        if (split_address(text, &host, &size, &port) < 0 || memchr(host, ' ', size))
                return -EINVAL;
        if (port && parse_port(port, &number) < 0)
                return -EINVAL;
        copy = strndup(host, size);
        if (!copy)
                return -ENOMEM;
        *ret_host = copy;
        *ret_port = number;
        return 0;
}

/* ---- from connection string and settings ---- */

static const char *find_fault(const ConnectionString *cs)
{
        if (!cs->host_name)
                return "the connection string has no HostName";
        if (!cs->device_id)
                return "the connection string has no DeviceId: it is one for services, not for a device";
        if (!cs->shared_access_key)
                return "the connection string has no SharedAccessKey";
        return NULL;
}

static bool compose(Identity *i, const HubSettings *settings, const ConnectionString *cs)
{
        _cleanup_(buffer_done) Buffer client_id = BUFFER_NULL, username = BUFFER_NULL, resource = BUFFER_NULL,
                                      topic = BUFFER_NULL, devicebound = BUFFER_NULL;

        buffer_printf(&client_id, "%s%s%s", cs->device_id, cs->module_id ? "/" : "",
                      cs->module_id ? cs->module_id : "");
        username_make(&username, cs->host_name, cs->device_id, cs->module_id,
                      settings->product_info ? settings->product_info : IDENTITY_PRODUCT_INFO, settings->model_id);
        buffer_printf(&resource, "%s/devices/%s%s%s", cs->host_name, cs->device_id,
                      cs->module_id ? "/modules/" : "", cs->module_id ? cs->module_id : "");
        topic_events(&topic, cs->device_id, cs->module_id);
        topic_devicebound(&devicebound, cs->device_id, cs->module_id);
        buffer_append_char(&devicebound, '#');
        i->client_id = buffer_steal(&client_id);
        i->username = buffer_steal(&username);
        i->resource = buffer_steal(&resource);
        i->topic = buffer_steal(&topic);
        i->devicebound = buffer_steal(&devicebound);
        return i->client_id && i->username && i->resource && i->topic && i->devicebound;
}

int identity_new(Identity **ret, const HubSettings *settings, const ConnectionString *cs, const char **ret_error)
{
        _cleanup_(identity_freep) Identity *i = NULL;
        int r;

        *ret_error = find_fault(cs);
        if (*ret_error)
                return -EINVAL;
        i = calloc(1, sizeof(*i));
        if (!i)
                return -ENOMEM;
        i->port = IDENTITY_PORT;
        i->keepalive_usec = settings->keepalive_usec;
        i->token_life_usec = settings->token_life_usec;
        if (settings->address) {
                r = identity_parse_address(settings->address, &i->address, &i->port);
                if (r == -EINVAL)
                        *ret_error = "hub.address is not of the form \"host:port\"";
                if (r < 0)
                        return r;
        }
        if (!text_copy(&i->host, cs->host_name) ||
            !text_copy(&i->tls_name, cs->gateway_host_name ? cs->gateway_host_name : cs->host_name) ||
            !text_copy(&i->ca_file, settings->ca_file) || !text_copy(&i->key, cs->shared_access_key) ||
            !text_copy(&i->policy, cs->shared_access_key_name) || !compose(i, settings, cs))
                return -ENOMEM;
        *ret = TAKE_PTR(i);
        return 0;
}

static bool same(const char *a, const char *b)
{
        return a == b || (a && b && strcmp(a, b) == 0);
}

bool identity_equal(const Identity *a, const Identity *b)
{
        if (!a || !b)
                return a == b;
        return same(a->host, b->host) && same(a->tls_name, b->tls_name) && same(a->address, b->address) &&
               a->port == b->port && same(a->ca_file, b->ca_file) && same(a->client_id, b->client_id) &&
               same(a->username, b->username) && same(a->resource, b->resource) && same(a->key, b->key) &&
               same(a->policy, b->policy) && a->keepalive_usec == b->keepalive_usec &&
               a->token_life_usec == b->token_life_usec;
}

int identity_make_token(const Identity *i, usec_t wall_now, Buffer *b)
{
        return token_make(b, i->key, i->resource, i->policy,
                          usec_add(wall_now, i->token_life_usec) / USEC_PER_SEC);
}
