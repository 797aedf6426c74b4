/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Endpoint - where a socket listens, as its setting says
 *
 *     unix-dgram:/run/x  unix-stream:/run/x  unix-seqpacket:/run/x  udp:127.0.0.1:8094  tcp:[::1]:8094  systemd:NAME
 *
 * Addresses are numeric: whether a gateway hears its sensors must not depend on a name server.
 *
 * Pure.
 */

#include <netinet/in.h>

#include "sensor/driver.h"

typedef struct Endpoint {
        int type;         /* SOCK_DGRAM, SOCK_STREAM, SOCK_SEQPACKET; of one that has a name, not known yet */
        const char *path; /* of a unix socket; borrowed */
        const char *name; /* of one that the service manager hands over; borrowed. Neither: it has the address */
        union {
                struct sockaddr any;
                struct sockaddr_in in;
                struct sockaddr_in6 in6;
        } address;
        socklen_t address_size;
} Endpoint;

/* Of two addresses; a socket on [::] hears IPv4 too (listener.c). Paths and names are apart. */
typedef enum EndpointRelation {
        ENDPOINT_APART,
        ENDPOINT_SAME,
        ENDPOINT_HAS,    /* the first is a wildcard that has the second in it */
        ENDPOINT_WITHIN, /* the other way round */
} EndpointRelation;

EndpointRelation endpoint_compare(const Endpoint *a, const Endpoint *b);

/* 0; SENSOR_E_BAD with words. */
int endpoint_parse(const char *listen, Endpoint *ret, char error[static SENSOR_ERROR_MAX]);
