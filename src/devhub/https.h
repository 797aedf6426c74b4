/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * HTTPS - the port where requests and WebSockets come in
 *
 * Each connection's TLS is ours, as on every port; what is inside goes to the HTTP server.
 *
 * Owns:   the listener, the connections.
 * Knows:  server (for faults) and HTTP server, which outlive it.
 */

#include "devhub/http/server.h"
#include "devhub/net/callers.h"
#include "devhub/server.h"

typedef struct Https Https;

/* port 0: a free one. *ret_error (static) says what could not be done. */
int https_new(Https **ret, sd_event *event, const char *listen, uint16_t port, Server *server, HttpServer *http,
              const char **ret_error);
Https *https_free(Https *https);
DEFINE_CLEANUP(Https *, https_free);

/* That the client showed whose inner descriptor this is; NULL: none. */
const Certificate *https_certificate(const Https *https, int inner_fd);
/* It carries a device's link from here on, which faults strike as such. */
void https_note_link(Https *https, int inner_fd);
Callers https_callers(Https *https);
uint16_t https_port(const Https *https);
