/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Doors - where services come in, and devices that do not speak MQTT over TLS: HTTPS, WebSocket, AMQP
 *
 * The MQTT door is the server's own.
 *
 * Owns:   HTTP router and server, the HTTPS port, the AMQP server.
 * Knows:  event loop, settings and server, which outlive them.
 */

#include "devhub/server.h"

typedef struct Doors {
        sd_event *event;
        const ServerSettings *settings;
        Server *server;

        struct HttpRouter *router;
        struct HttpServer *http;
        struct Https *https;
        struct AmqpServer *amqp;
} Doors;

/* What failed is in the log. doors_close() follows in any case. */
int doors_open(Doors *doors, sd_event *event, const ServerSettings *settings, Server *server);
/* The server's links are closed by then: some came through the HTTPS port. */
void doors_close(Doors *doors);

uint16_t doors_https_port(const Doors *doors);
uint16_t doors_amqps_port(const Doors *doors);
uint16_t doors_amqp_port(const Doors *doors);
