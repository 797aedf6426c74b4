/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Listener - the socket of an endpoint, bound and ready
 *
 * Owns:   the descriptor, unless the service manager handed it over, and a unix socket's file.
 */

#include "sensor/endpoint.h"
#include "sensor/unix-socket.h"

typedef struct Listener {
        int fd; /* non-blocking; what is no datagram socket also listens */
        int family, type; /* AF_..., SOCK_... */
        bool lent; /* by the service manager */
        UnixSocket file;
} Listener;

#define LISTENER_NULL ((Listener){.fd = -1, .file = UNIX_SOCKET_NULL})

/* group: of a unix socket's file; NULL for that of the process. 0, SENSOR_E_FAILED with an error in words, -ENOMEM. */
int listener_open(Listener *ret, const Endpoint *endpoint, const char *group, char error[static SENSOR_ERROR_MAX]);
void listener_done(Listener *l);
