/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/redirect.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define AMQPS_PORT 5671

/* The rest behind a scheme, if there is one. */
static const char *after_scheme(const char *address)
{
        const char *mark = strstr(address, "://");

        return mark ? mark + 3 : NULL;
}

/* "5671" up to end, and nothing else. */
static bool parse_port(const char *text, const char *end, uint16_t *ret)
{
        unsigned port = 0;

        if (text == end || end - text > 5)
                return false;
        for (; text < end; text++) {
                if (*text < '0' || *text > '9')
                        return false;
                port = port * 10 + (unsigned)(*text - '0');
        }
        if (port == 0 || port > UINT16_MAX)
                return false;
        *ret = (uint16_t)port;
        return true;
}

/* "host", "host:port", "[v6]:port", up to end. */
static int take_host(const char *text, const char *end, Redirect *r)
{
        const char *stop = text < end && *text == '[' ? memchr(text, ']', (size_t)(end - text))
                                                     : memchr(text, ':', (size_t)(end - text));
        const char *colon;

        if (text < end && *text == '[') {
                if (!stop)
                        return -EBADMSG;
                text++;
                colon = stop + 1;
        } else {
                stop = stop ? stop : end;
                colon = stop;
        }
        if (colon < end && (*colon != ':' || !parse_port(colon + 1, end, &r->port)))
                return -EBADMSG;
        r->host = strndup(text, (size_t)(stop - text));
        return r->host ? 0 : -ENOMEM;
}

/* What names the entity: before what belongs to a link of it. */
static size_t entity_size(const char *path)
{
        static const char *const tails[] = {"/$management", "/ConsumerGroups"};
        size_t size = strlen(path);

        for (size_t i = 0; i < ARRAY_SIZE(tails); i++) {
                size_t n = strlen(tails[i]);

                for (const char *at = path; (at = strchr(at, '/')); at++)
                        if (strncasecmp(at, tails[i], n) == 0 && (at[n] == '/' || at[n] == 0))
                                size = MIN(size, (size_t)(at - path));
        }
        while (size > 0 && path[size - 1] == '/')
                size--;
        return size;
}

static int parse(const char *address, const char *host_name, const char *network_host, Redirect *r)
{
        const char *rest = after_scheme(address), *path;
        int e;

        if (rest) {
                path = rest + strcspn(rest, "/");
                e = take_host(rest, path, r);
        } else {
                path = address;
                r->host = host_name || network_host ? strdup(host_name ? host_name : network_host) : NULL;
                e = r->host ? 0 : -EBADMSG;
        }
        if (e < 0)
                return e;
        path += strspn(path, "/");
        r->entity = strndup(path, entity_size(path));
        if (!r->entity)
                return -ENOMEM;
        return *r->host && *r->entity ? 0 : -EBADMSG;
}

int redirect_parse(const char *address, const char *host_name, const char *network_host, uint16_t port, Redirect *ret)
{
        int r;

        *ret = (Redirect){};
        if (!address)
                return -EBADMSG;
        r = parse(address, host_name, network_host, ret);
        if (r >= 0 && ret->port == 0)
                ret->port = port ? port : AMQPS_PORT;
        if (r >= 0 && network_host && *network_host && strcasecmp(network_host, ret->host) != 0) {
                ret->address = strdup(network_host);
                r = ret->address ? 0 : -ENOMEM;
        }
        if (r < 0)
                redirect_done(ret);
        return r;
}

void redirect_done(Redirect *r)
{
        free(r->host);
        free(r->address);
        free(r->entity);
        *r = (Redirect){};
}
