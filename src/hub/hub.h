/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Hub - the face of the cloud
 *
 * Keeps one connection to Azure IoT Hub up: name lookup, TLS, token, backoff, deadlines. Takes sealed messages
 * while it is ready, and says of each when the hub acknowledged it. When the link is lost the fate of what was
 * not acknowledged is unknown; the uplink sends it again.
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

typedef struct Hub Hub;

typedef struct HubSettings {
        char *connection_string_file; /* read by daemon/secret; here only as a setting */
        char *ca_file;                /* NULL: the system's store */
        char *address;                /* "host:port" of the TCP target; NULL: the hub's own, port 8883 */
        char *model_id;               /* NULL: none */
        char *product_info;           /* NULL: "hublink/VERSION" */
        usec_t keepalive_usec;
        usec_t token_life_usec;
        unsigned window; /* for the uplink: unacknowledged messages */
        usec_t backoff_first_usec;
        usec_t backoff_max_usec;
} HubSettings;

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
        const char *host;         /* "" without a credential */
        const char *device_id;    /* with "/module" for a module; "" without a credential */
} HubStatus;

enum {
        _HUB_E_SUCCESS,
        HUB_E_NOT_READY,    /* wait for ready() */
        HUB_E_TOO_LARGE,    /* body and properties over 256 KiB, or a topic over 65,535 bytes: never to be sent */
        HUB_E_BAD_PROPERTY, /* a name or value that is no UTF-8 or has a NUL: never to be sent */
};

/* life */
/* Takes the transport, also when it fails. credential is borrowed for the call and may be NULL: then the link is
 * stopped with reason no-credential until one comes. */
int hub_new(Hub **ret, const HubSettings *settings, const ConnectionString *credential, Transport *transport,
            const Clock *clock, const Random *random, const HubSink *sink);
Hub *hub_free(Hub *hub);
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

/* questions */
bool hub_is_ready(const Hub *hub);
void hub_status(const Hub *hub, HubStatus *ret);
