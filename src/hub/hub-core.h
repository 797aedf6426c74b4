/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The inside of the hub, for the files that it is made of
 *
 * hub.c         its life: settings and credential
 * hub-link.c    the connection: what comes to pass, and what is done about it
 * hub-dps.c     the way by the provisioning service
 * hub-send.c    what goes up: telemetry, answers, requests on the twin
 * hub-orders.c  what comes down, subscriptions, and the gate
 */

#include "base/throttle.h"
#include "hub/connection.h"
#include "hub/enrollment.h"
#include "hub/gate.h"
#include "hub/hub.h"
#include "hub/identity.h"
#include "hub/link-log.h"
#include "hub/provisioning.h"
#include "hub/tickets.h"

struct Hub {
        Transport *transport;
        const Clock *clock;
        HubSink sink;

        Identity *identity; /* NULL: no credential that can be used, or no hub assigned */
        Connection connection;
        Tickets tickets;
        LinkLog log;
        Buffer topic; /* kept for its memory */

        uint64_t generation; /* of the present connection */
        uint64_t n_connections;
        uint64_t n_failures[_LINK_REASON_MAX];
        bool started;
        bool broken;              /* a publish failed; the transport's word on it is still to come */
        usec_t since_usec;        /* boot clock: the link is up, or down, since then */
        const char *fault;        /* why there is no identity */
        char why[CONNECTION_DETAIL_MAX]; /* there is no credential, as hub_explain() was told */
        char held[CONNECTION_DETAIL_MAX]; /* why it is not to be connected; "": it may */

        /* provisioning */
        Enrollment *enrollment; /* NULL: the credential names the hub */
        Assignment *assignment; /* what is remembered, whoever it was for */
        HubMemory memory;
        Provisioning provisioning;
        bool asking;            /* the present connection is one to the provisioning service */
        bool confirmed;         /* it was asked, and the hub has not taken us since */
        unsigned n_doubts;      /* tries since it was last asked that say that the hub is another one */
        usec_t gone_since_usec; /* boot clock: the hub's name leads nowhere, or to another; 0: it does not */

        /* orders */
        OrderSink orders;
        bool takes_orders;
        bool wants_messages;
        unsigned n_asked; /* SUBSCRIBEs and UNSUBSCRIBEs without an answer */
        int orders_mid;   /* of the SUBSCRIBE for methods and the twin; 0: none is under way */
        int messages_mid; /* of that for cloud messages */
        bool listening;   /* the twin's filters are granted */
        Gate gate;
        unsigned n_calls; /* of this connection, that are not answered yet */
        uint64_t last_request; /* on the twin */
        uint64_t n_malformed;
        Throttle malformed, refused; /* of lines in the log */
};

static inline usec_t hub_now(const Hub *hub)
{
        return clock_boot(hub->clock);
}

/* Whom the credential leads to: the hub, or the service that knows it. */
static inline bool hub_can_connect(const Hub *hub)
{
        return hub->identity || hub->enrollment;
}

/* hub-link.c */

/* An event into the machine; what comes out is done. The transport, and with it whatever it is telling, may be gone
 * afterwards. */
void hub_feed(Hub *hub, const ConnectionEvent *event);
void hub_feed_kind(Hub *hub, ConnectionEventKind kind);
/* The connection cannot go on. */
void hub_drop(Hub *hub, const char *why);
/* Of a connection that ends: connection_feed() said how. */
void hub_hang_up(Hub *hub, unsigned actions);
void hub_on_transport(void *userdata, const TransportEvent *event);

/* hub-dps.c */

/* The identity that the assignment gives to the enrollment; *ret is NULL when there is none for it. -EINVAL with
 * *ret_fault (static). */
int hub_assigned_identity(const Hub *hub, const Enrollment *enrollment, Identity **ret, const char **ret_fault);
/* Is the next connection one to the provisioning service? */
bool hub_must_ask(const Hub *hub);
/* A try begins with it; the transport connects already. */
int hub_begin_asking(Hub *hub);
void hub_asking_event(Hub *hub, const TransportEvent *event);
void hub_asking_tick(Hub *hub);
/* What became of the last try. */
void hub_note_outcome(Hub *hub, const ConnectionEvent *event, unsigned actions, LinkState before);

/* hub-orders.c */

/* For every new connection, right after CONNACK. */
void hub_orders_ask(Hub *hub);
/* The connection is gone. */
void hub_orders_forget(Hub *hub);
void hub_orders_heard(Hub *hub, const TransportMessage *m);
void hub_orders_granted(Hub *hub, int mid, const uint8_t *codes, size_t n);
void hub_orders_given_up(Hub *hub, int mid);

/* hub-send.c */

/* An answer to a call that nobody was asked. */
int hub_send_answer(Hub *hub, const char *rid, int status, const char *json, size_t size);
