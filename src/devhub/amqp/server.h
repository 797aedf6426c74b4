/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * AMQP server - AMQP 1.0 on the event loop, for services: over TLS, over WebSocket, and plain
 *
 * Plain is for the development mode of clients (UseDevelopmentEmulator=true), which know no certificate then.
 *
 * Owns:   listeners, connections, the house.
 * Knows:  hub and certificates, which outlive it.
 */

#include <systemd/sd-event.h>

#include "base/ticker.h"
#include "base/tls-server.h"
#include "devhub/hub/hub.h"
#include "devhub/net/callers.h"

typedef struct AmqpServer AmqpServer;

typedef struct AmqpServerSettings {
        const char *listen; /* a numeric address */
        uint16_t tls_port, plain_port; /* 0: a free one */
        /* The certificate to show to one who comes over TLS; *ret_stall: its handshake is to stay without an answer. */
        TlsServer *(*newcomer)(void *userdata, bool *ret_stall);
        /* Somebody's words are about to come: who is told may end the wire, or silence it. */
        void (*begun)(void *userdata, Wire *wire);
        void *userdata;
} AmqpServerSettings;

/* *ret_error (static) says what could not be done, *ret_port with which of the two. */
int amqp_server_new(AmqpServer **ret, sd_event *event, const AmqpServerSettings *settings, const Hub *hub,
                    uint16_t *ret_port, const char **ret_error);
AmqpServer *amqp_server_free(AmqpServer *server);
DEFINE_CLEANUP(AmqpServer *, amqp_server_free);

/* One that came over HTTPS and is to speak AMQP in WebSocket frames from here on. */
void amqp_server_take_websocket(AmqpServer *server, const WireHandover *handover);
void amqp_server_committed(AmqpServer *server); /* what the hub had written: readers may wait for it */
/* Sees when the hub's clock has been moved: tokens may have ended with that. */
Ticker amqp_server_ticker(AmqpServer *server);

Callers amqp_server_callers(AmqpServer *server); /* without those that came over HTTPS */
uint16_t amqp_server_tls_port(const AmqpServer *server);
uint16_t amqp_server_plain_port(const AmqpServer *server);
