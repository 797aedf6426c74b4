/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Hub - the face of the cloud
 *
 * Keeps one connection to Azure IoT Hub up: name lookup, TLS, token, backoff, deadlines. Takes sealed messages
 * while it is ready, and says of each when the hub acknowledged it. When the link is lost the fate of what was
 * not acknowledged is unknown; the uplink sends it again.
 *
 * With the settings `dps` it asks the provisioning service which hub that is: when none is remembered, when the hub
 * refuses us, and when nobody of its name was to be found for a day. Who cannot be asked is no reason not to try the
 * hub that is remembered.
 *
 * Orders come down the same connection and go into an OrderSink. The session is a kept one: what the hub had to say
 * while there was no link comes with the next. A cloud message is not acknowledged before it is stored, and because
 * nothing can be acknowledged out of turn, nothing at all is sent meanwhile.
 *
 * Owns:   the transport it is given.
 * Knows:  nothing of the queue.
 * Time:   boot clock for waiting; wall clock for tokens.
 */

#include "azure/connection-string.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/ticker.h"
#include "hub/transport.h"
#include "model/link.h"
#include "model/message.h"
#include "model/order.h"

typedef struct Hub Hub;

#define DPS_HOST "global.azure-devices-provisioning.net"

/* The Device Provisioning Service, which tells what hub is ours. */
typedef struct DpsSettings {
        char *id_scope; /* NULL: no service, the connection string tells it */
        char *registration_id;
        char *key_file; /* of the device's own key; these two are read by daemon/credential, here as settings only */
        char *group_key_file; /* of the group's key, which the device's own is derived from */
        char *host;
        char *address; /* "host:port" of the TCP target; NULL: the host, port 8883 */
} DpsSettings;

typedef struct HubSettings {
        char *connection_string_file; /* read by daemon/credential, here only as a setting; NULL with dps */
        char *ca_file;                /* NULL: the system's store */
        char *address;                /* "host:port" of the TCP target; NULL: the hub's own, port 8883 */
        char *model_id;               /* NULL: none */
        char *product_info;           /* NULL: "hublink/VERSION" */
        usec_t keepalive_usec;
        usec_t token_life_usec;
        unsigned window; /* for the uplink: unacknowledged messages */
        usec_t backoff_first_usec;
        usec_t backoff_max_usec;
        DpsSettings dps;
} HubSettings;

/* What the provisioning service said, kept from one start to the next. */
typedef struct HubMemory {
        int (*load)(void *userdata, Buffer *b); /* appends what was stored last; nothing when nothing was */
        void (*store)(void *userdata, const char *text, size_t size);
        void *userdata;
} HubMemory;

typedef struct HubSink {
        void (*ready)(void *userdata); /* hub_send() will take messages from now on */
        void (*delivered)(void *userdata, uint64_t ticket);
        void (*lost)(void *userdata);    /* all tickets not delivered are void */
        void (*changed)(void *userdata); /* hub_status() changed */
        void *userdata;
} HubSink;

typedef struct HubStatus {
        LinkState state;
        LinkReason reason;
        usec_t since_usec;        /* wall clock: since when the link is up, or is not; tries do not change it */
        usec_t next_attempt_usec; /* wall clock; 0: none is due */
        const char *detail;       /* in words; "" when all is well */
        const char *host;         /* "" without a credential, and while no hub is assigned */
        const char *device_id;    /* with "/module" for a module; "" as above */
        uint64_t malformed;       /* publishes of the hub that were no order, and were dropped */
        uint64_t connections;     /* that came up, planned ones included */
        uint64_t failures[_LINK_REASON_MAX]; /* tries that failed and links that were lost, by what was wrong */
} HubStatus;

enum {
        _HUB_E_SUCCESS,
        HUB_E_NOT_READY,    /* wait for ready(), or with the twin for listening() */
        HUB_E_TOO_LARGE,    /* body and properties over 256 KiB, or a topic over 65,535 bytes: never to be sent; an
                             * answer over METHOD_PAYLOAD_MAX */
        HUB_E_BAD_PROPERTY, /* a name or value that is no UTF-8 or has a NUL: never to be sent */
};

/* life */
/* Takes the transport, also when it fails. credential is borrowed for the call and may be NULL: then the link is
 * stopped with reason no-credential until one comes. With settings->dps only its key counts. orders may be NULL: then
 * none are asked for, and the session is a clean one. */
int hub_new(Hub **ret, const HubSettings *settings, const ConnectionString *credential, Transport *transport,
            const Clock *clock, const Random *random, const HubSink *sink, const OrderSink *orders);
Hub *hub_free(Hub *hub);
/* Before the start; without it nothing is remembered, and the provisioning service is asked at each start. */
void hub_remember(Hub *hub, const HubMemory *memory);
void hub_start(Hub *hub);
void hub_stop(Hub *hub); /* DISCONNECT if there is a link; no events follow */
/* Changes that the present connection cannot have make it reconnect. */
int hub_configure(Hub *hub, const HubSettings *settings, const ConnectionString *credential);
/* Why there is no credential, in words: the status tells it until one comes. Copied; changed() is not called. */
void hub_explain(Hub *hub, const char *why);
/* Not to be connected now, for a reason in words, which are copied: the link is stopped, whoever asks for it. NULL:
 * not any more. */
void hub_hold(Hub *hub, const char *why);
Ticker hub_ticker(Hub *hub);

/* verbs */
int hub_send(Hub *hub, const Message *message, uint64_t ticket);
void hub_reconnect(Hub *hub);

/* ---- orders ---- */

/* Whether cloud messages are asked for; at birth they are not. Remembered from one connection to the next. What is
 * under way when they are no longer wanted still arrives. */
void hub_want_messages(Hub *hub, bool wanted);
/* Of a ticket that OrderSink.message() gave, once. Stored: it may be acknowledged. Failed: the connection is dropped
 * without a word, so that the hub delivers it again. A ticket of an earlier connection is passed over: the hub delivers
 * that message again in any case. */
void hub_message_stored(Hub *hub, uint64_t ticket);
void hub_message_failed(Hub *hub, uint64_t ticket);
/* The answer to OrderSink.call(), once; connection and rid as they were given there. HUB_E_NOT_READY: that connection
 * is gone. */
int hub_answer(Hub *hub, uint64_t connection, const char *rid, int status, const char *json, size_t size);
/* OrderSink.twin() brings the answer, named by *ret_request, unless the link is lost before. json: an object. */
int hub_twin_get(Hub *hub, uint64_t *ret_request);
int hub_twin_report(Hub *hub, const char *json, size_t size, uint64_t *ret_request);

/* questions */
/* Since when (boot clock) a try that was given up and has not come back hinders every other; USEC_INFINITY: none
 * does. On which thread. */
usec_t hub_hindered_since(const Hub *hub, ThreadIds *ret);
bool hub_is_ready(const Hub *hub);
void hub_status(const Hub *hub, HubStatus *ret);
