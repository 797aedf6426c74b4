/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/endpoint.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "sensor/handed.h"
#include "sensor/unix-socket.h"

typedef int Parser(const char *listen, const char *rest, Endpoint *ret, char error[static SENSOR_ERROR_MAX]);
static Parser parse_path, parse_address, parse_name;

static const struct Scheme {
        const char *name;
        int type;
        Parser *parse;
} schemes[] = {
        {"unix-dgram:", SOCK_DGRAM, parse_path},
        {"unix-stream:", SOCK_STREAM, parse_path},
        {"unix-seqpacket:", SOCK_SEQPACKET, parse_path},
        {"udp:", SOCK_DGRAM, parse_address},
        {"tcp:", SOCK_STREAM, parse_address},
        {"systemd:", 0, parse_name},
};

static int bad(char error[static SENSOR_ERROR_MAX], const char *listen, const char *why)
{
        (void)snprintf(error, SENSOR_ERROR_MAX, "\"%.150s\": %s", listen, why);
        return SENSOR_E_BAD;
}

static const struct Scheme *find_scheme(const char *listen)
{
        for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
                if (strncmp(listen, schemes[i].name, strlen(schemes[i].name)) == 0)
                        return &schemes[i];
        return NULL;
}

/* 1 to 65535; 0 for anything else. */
static uint16_t parse_port(const char *text)
{
        unsigned port = 0;

        if (strlen(text) > 5 || text[strspn(text, "0123456789")] != 0)
                return 0;
        for (; *text; text++)
                port = port * 10 + (unsigned)(*text - '0');
        return port <= UINT16_MAX ? (uint16_t)port : 0;
}

static bool parse_host(const char *host, size_t n, Endpoint *ret)
{
        char text[INET6_ADDRSTRLEN];
        bool six = n >= 2 && host[0] == '[' && host[n - 1] == ']';

        if (six) {
                host++;
                n -= 2;
        }
        if (n >= sizeof(text))
                return false;
        memcpy(text, host, n);
        text[n] = 0;
        if (six) {
                ret->address.in6.sin6_family = AF_INET6;
                ret->address_size = sizeof(ret->address.in6);
                return inet_pton(AF_INET6, text, &ret->address.in6.sin6_addr) == 1;
        }
        ret->address.in.sin_family = AF_INET;
        ret->address_size = sizeof(ret->address.in);
        return inet_pton(AF_INET, text, &ret->address.in.sin_addr) == 1;
}

static int parse_address(const char *listen, const char *rest, Endpoint *ret, char error[static SENSOR_ERROR_MAX])
{
        const char *colon = strrchr(rest, ':');
        uint16_t port = colon ? parse_port(colon + 1) : 0;

        if (port == 0 || !parse_host(rest, (size_t)(colon - rest), ret))
                return bad(error, listen,
                           "expected a numeric address and a port, as in udp:127.0.0.1:8094 or tcp:[::1]:8094");
        if (ret->address.any.sa_family == AF_INET6)
                ret->address.in6.sin6_port = htons(port);
        else
                ret->address.in.sin_port = htons(port);
        return 0;
}

static int parse_path(const char *listen, const char *rest, Endpoint *ret, char error[static SENSOR_ERROR_MAX])
{
        ret->path = rest;
        if (rest[0] != '/')
                return bad(error, listen, "its path must begin with /");
        return unix_socket_path_fits(rest) ? 0 : bad(error, listen, "its path is longer than 107 characters");
}

static int parse_name(const char *listen, const char *rest, Endpoint *ret, char error[static SENSOR_ERROR_MAX])
{
        ret->name = rest;
        return handed_name_is_valid(rest)
                       ? 0
                       : bad(error, listen, "expected what FileDescriptorName= says in the socket's unit: 1 to 255 "
                             "characters without a colon");
}

int endpoint_parse(const char *listen, Endpoint *ret, char error[static SENSOR_ERROR_MAX])
{
        const struct Scheme *scheme = find_scheme(listen);

        *ret = (Endpoint){};
        if (!scheme)
                return bad(error, listen, "begins with unix-dgram:, unix-stream:, unix-seqpacket:, udp:, tcp: or "
                                          "systemd:");
        ret->type = scheme->type;
        return scheme->parse(listen, listen + strlen(scheme->name), ret, error);
}

/* ---- two of them ---- */

/* As IPv6 has those of IPv4. */
static struct in6_addr widened(const Endpoint *e)
{
        struct in6_addr wide = {.s6_addr = {[10] = 0xff, [11] = 0xff}};

        if (e->address.any.sa_family == AF_INET6)
                return e->address.in6.sin6_addr;
        memcpy(&wide.s6_addr[12], &e->address.in.sin_addr, 4);
        return wide;
}

static in_port_t port_of(const Endpoint *e)
{
        return e->address.any.sa_family == AF_INET6 ? e->address.in6.sin6_port : e->address.in.sin_port;
}

static bool has(const struct in6_addr *a, const struct in6_addr *b)
{
        if (IN6_IS_ADDR_UNSPECIFIED(a))
                return true;
        return IN6_IS_ADDR_V4MAPPED(a) && IN6_IS_ADDR_V4MAPPED(b) && memcmp(&a->s6_addr[12], "\0\0\0\0", 4) == 0;
}

EndpointRelation endpoint_compare(const Endpoint *a, const Endpoint *b)
{
        struct in6_addr x, y;

        if (a->path || a->name || b->path || b->name || a->type != b->type || port_of(a) != port_of(b))
                return ENDPOINT_APART;
        x = widened(a);
        y = widened(b);
        if (IN6_ARE_ADDR_EQUAL(&x, &y))
                return ENDPOINT_SAME;
        return has(&x, &y) ? ENDPOINT_HAS : has(&y, &x) ? ENDPOINT_WITHIN : ENDPOINT_APART;
}
