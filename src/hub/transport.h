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
#include "base/thread-ids.h"
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
        TRANSPORT_STEPPED,      /* the connect has come to `step` */
        TRANSPORT_CONNECTED,    /* CONNACK 0 */
        TRANSPORT_REFUSED,      /* CONNACK with `code` */
        TRANSPORT_ENDED,        /* the connection failed or ended, reason and detail say how; the generation's last */
        TRANSPORT_PUBLISHED,    /* PUBACK for `mid`; with QoS 0: it was written, told some time later */
        TRANSPORT_MESSAGE,      /* `message` came; never before CONNECTED */
        TRANSPORT_SUBSCRIBED,   /* SUBACK for `mid`: `codes`, one for each filter */
        TRANSPORT_UNSUBSCRIBED, /* UNSUBACK for `mid` */
        TRANSPORT_ALIVE,        /* the peer gave a sign of life: bytes came, or went (at most once a dispatch) */
} TransportEventKind;

#define TRANSPORT_SUBACK_REFUSED 0x80 /* any code from here on; less: the QoS that is granted */

/* What the peer published. Borrowed until the event returns, also when the connection ends within it. */
typedef struct TransportMessage {
        const char *topic;
        const char *payload; /* NUL-terminated, which is not counted */
        size_t size;
        int qos; /* 0 or 1 */
        bool retained;
} TransportMessage;

typedef struct TransportEvent {
        TransportEventKind kind;
        uint64_t generation;
        TransportStep step;
        int code;
        int mid;
        const uint8_t *codes;
        size_t n_codes;
        TransportMessage message;
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
        /* QoS 0 or 1. Only between CONNECTED and the end, as the two after it. Negative: the connection is lost (ENDED
         * follows). */
        int (*publish)(Transport *t, const char *topic, const void *payload, size_t size, int qos, int *ret_mid);
        /* One packet, which asks the same QoS for all filters. */
        int (*subscribe)(Transport *t, const char *const *filters, size_t n, int qos, int *ret_mid);
        int (*unsubscribe)(Transport *t, const char *filter, int *ret_mid);
        /* The gate: while it is held nothing is written, no PUBLISH, no ping, and above all no PUBACK for a MESSAGE
         * that is being told or was told since; reading goes on. Only an UNSUBSCRIBE passes, as long as the peer takes
         * what is written: whoever cannot store a message is to be able to say that no more are wanted. So whoever
         * holds within the event of a message keeps the peer from taking it for delivered. A new connection begins with
         * an open gate. */
        void (*hold)(Transport *t, bool held);
        /* Asks the peer for a sign of life: ALIVE follows, if it lives. */
        int (*ping)(Transport *t);
        /* Since when (boot clock) what was called off hinders each new connect, and on which thread; USEC_INFINITY:
         * nothing does. */
        usec_t (*hindered_since)(const Transport *t, ThreadIds *ret);
        /* graceful: DISCONNECT goes out first, unless the gate is held or messages wait to be told: what was not
         * acknowledged stays so. No further event of this generation comes. */
        void (*close)(Transport *t, bool graceful);
        Transport *(*free)(Transport *t);
};
