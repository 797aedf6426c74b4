/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Transport - an MQTT connection, as little of it as the hub needs
 *
 * One of the four seams. The real one is transport-mosquitto.c; tests play scripts. A transport carries one
 * connection at a time, called a generation: events name it, so that a late word of an old connection is
 * known as such. Nothing here blocks.
 */

#include "base/clock.h"
#include "model/link.h"

typedef struct Transport Transport;

typedef struct TransportTarget {
        const char *host;     /* name for TLS: SNI and certificate check */
        const char *address;  /* where TCP goes: a name or number; NULL: host */
        uint16_t port;
        const char *ca_file;  /* replaces the system's CA store; NULL: system */
        const char *client_id;
        const char *username;
        const char *password; /* secret; NULL: none */
        bool clean_session;
        usec_t keepalive_usec;
} TransportTarget;

/* How far a connect has come. Each step has its own deadline, kept by the hub. */
typedef enum TransportStep {
        TRANSPORT_STEP_LOOKUP,  /* asking for the addresses of the name */
        TRANSPORT_STEP_TCP,     /* trying the addresses, one after the other */
        TRANSPORT_STEP_TLS,     /* TCP stands: the handshake */
        TRANSPORT_STEP_CONNACK, /* TLS stands: CONNECT is on its way */
        _TRANSPORT_STEP_MAX,
} TransportStep;

typedef enum TransportEventKind {
        TRANSPORT_STEPPED,   /* the connect has come to `step` */
        TRANSPORT_CONNECTED, /* CONNACK 0 */
        TRANSPORT_REFUSED,   /* CONNACK with `code` */
        TRANSPORT_ENDED,     /* the connection failed or ended, reason and detail say how; the generation's last */
        TRANSPORT_PUBLISHED, /* PUBACK for `mid` */
        TRANSPORT_ALIVE,     /* the peer gave a sign of life: bytes came, or went (at most once a dispatch) */
} TransportEventKind;

typedef struct TransportEvent {
        TransportEventKind kind;
        uint64_t generation;
        TransportStep step;
        int code;
        int mid;
        LinkReason reason;
        const char *detail; /* in words, without secrets; borrowed */
} TransportEvent;

typedef struct TransportSink {
        void (*event)(void *userdata, const TransportEvent *event);
        void *userdata;
} TransportSink;

/* The row of operations that a transport is. */
struct Transport {
        void (*set_sink)(Transport *t, const TransportSink *sink);
        /* Begins; events tell the rest, and none comes within this call. What target points to is borrowed for the
         * call. Ends an earlier generation without a word. */
        int (*connect)(Transport *t, const TransportTarget *target, uint64_t generation);
        /* QoS 1. Only between CONNECTED and the end. Negative: the connection is lost (ENDED follows). */
        int (*publish)(Transport *t, const char *topic, const void *payload, size_t size, int *ret_mid);
        /* Asks the peer for a sign of life: ALIVE follows, if it lives. */
        int (*ping)(Transport *t);
        /* graceful: DISCONNECT goes out first. No further event of this generation comes. */
        void (*close)(Transport *t, bool graceful);
        Transport *(*free)(Transport *t);
};
