/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * HTTP server - HTTP on the event loop, by libmicrohttpd
 *
 * No threads: its epoll descriptor is one of the loop's. It is given connections, without their TLS. A request is
 * handed to the router when it has come whole. A call whose reply comes later sleeps; meanwhile its socket is watched,
 * so that a caller who goes away is noticed then and not at the reply.
 *
 * Owns:   connections, calls.
 * Knows:  hub and router, which outlive it.
 */

#include <sys/socket.h>
#include <systemd/sd-event.h>

#include "devhub/http/router.h"
#include "devhub/http/upgrade.h"

typedef struct HttpServer HttpServer;

int http_server_new(HttpServer **ret, sd_event *event, const Hub *hub, const HttpRouter *router);
HttpServer *http_server_free(HttpServer *server); /* who wanted to reply later is told that the caller has gone */
DEFINE_CLEANUP(HttpServer *, http_server_free);

/* Before the loop runs. What the texts point to lives on. -ENOBUFS: there are too many. Whoever was given a connection
 * gives it back before http_server_free(). */
int http_server_add_websocket(HttpServer *server, const HttpWebSocket *socket);

/* Before the loop runs: who knows the certificate that was shown on the connection with this descriptor. */
typedef const Certificate *(*HttpCertificate)(void *userdata, int fd);
void http_server_on_certificate(HttpServer *server, HttpCertificate certificate, void *userdata);

/* Takes the descriptor, a stream socket; also on failure. peer: for the log of a WebSocket. */
int http_server_take(HttpServer *server, int fd, const struct sockaddr *peer, socklen_t size);
