/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Mosquitto client - one connection through libmosquitto, from its dialling to its end
 *
 * The one place that knows the library: what it does otherwise than one would think is dealt with behind this
 * line. A client is born on the dialer's thread, by a connect to one address, and belongs to it; attached, it
 * belongs to the loop and reports to its sink. It connects once. No timers: every deadline is the hub's.
 *
 * Owns:   the library's object, its TLS context, and a duplicate of the socket on the loop.
 * Knows:  nothing of generations or of other connections: its events leave the generation to the sink.
 */

#include <systemd/sd-event.h>

#include "hub/dialer.h"
#include "hub/transport.h"

typedef struct MosquittoClient MosquittoClient;

typedef struct MosquittoClientSink {
        /* May free the client within any event, and must at TRANSPORT_ENDED. False: it did. */
        bool (*event)(void *userdata, const TransportEvent *event);
        void *userdata;
} MosquittoClientSink;

/* Before the first client. Never undone: a thread that hangs in a lookup may outlive everything else. -ENOMEM. */
int mosquitto_client_init_library(void);

/* On the thread, as DialOrder.connect wants it: connects to this one address. What target points to is borrowed for
 * the call. */
int mosquitto_client_dial(MosquittoClient **ret, const TransportTarget *target, Dial *dial, const char *address,
                          uint16_t port);
MosquittoClient *mosquitto_client_free(MosquittoClient *c);
DEFINE_CLEANUP(MosquittoClient *, mosquitto_client_free);

/* From the thread to the loop. No event comes within this call, nor within those below. */
int mosquitto_client_attach(MosquittoClient *c, sd_event *event, const MosquittoClientSink *sink);

/* These three: -ENOTCONN: not between CONNECTED and the end. Negative while connected: TRANSPORT_ENDED follows. */
int mosquitto_client_publish(MosquittoClient *c, const char *topic, const void *payload, size_t size, int qos,
                             int *ret_mid);
int mosquitto_client_subscribe(MosquittoClient *c, const char *const *filters, size_t n, int qos, int *ret_mid);
int mosquitto_client_unsubscribe(MosquittoClient *c, const char *filter, int *ret_mid);
/* While it is held nothing is written, an UNSUBSCRIBE excepted. */
void mosquitto_client_hold(MosquittoClient *c, bool held);
int mosquitto_client_ping(MosquittoClient *c);
/* DISCONNECT goes out, if CONNACK came and nothing is kept from being acknowledged; what is left is to free the
 * client. */
void mosquitto_client_disconnect(MosquittoClient *c);
