/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * HTTP server - HTTPS on the event loop, by libmicrohttpd
 *
 * No threads: its epoll descriptor is one of the loop's. A request is handed to the router when it has come whole.
 * A call whose reply comes later sleeps; meanwhile its socket is watched, so that a caller who goes away is
 * noticed then and not at the reply.
 *
 * Owns:   the listening socket, connections, calls.
 * Knows:  hub and router, which outlive it.
 */

#include <systemd/sd-event.h>

#include "devhub/http/router.h"

typedef struct HttpServer HttpServer;

typedef struct HttpServerSettings {
        const char *listen;           /* a numeric address */
        uint16_t port;                /* 0: a free one */
        const char *certificate_file; /* PEM, the chain */
        const char *key_file;
} HttpServerSettings;

/* *ret_error (static) says what could not be done. */
int http_server_new(HttpServer **ret, sd_event *event, const HttpServerSettings *settings, const Hub *hub,
                    const HttpRouter *router, const char **ret_error);
HttpServer *http_server_free(HttpServer *server); /* who wanted to reply later is told that the caller has gone */
DEFINE_CLEANUP(HttpServer *, http_server_free);

uint16_t http_server_port(const HttpServer *server);
