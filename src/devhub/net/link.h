/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Link - an MQTT client: a wire with a session on it, and who is at the other end
 *
 * Tells its owner what comes, and when it is over. Whoever ends it from outside does so with link_close() or
 * link_silence(); the owner frees it once LinkSink.ended has come.
 *
 * Owns:   the wire, the session, the verdict.
 */

#include "devhub/mqtt/judge.h"
#include "devhub/mqtt/session.h"
#include "devhub/net/wire.h"

typedef struct Link Link;

typedef struct LinkSink {
        void (*connect)(void *userdata, Link *link, const MqttConnect *connect, SessionGrant *ret);
        bool (*packet)(void *userdata, Link *link);
        int (*event)(void *userdata, Link *link, const SessionEvent *event, usec_t *ret_delay_usec);
        const char *(*request)(void *userdata, Link *link, const SessionRequest *request);
        int (*keep)(void *userdata, Link *link, const Subscriptions *subscriptions);
        void (*subscribed)(void *userdata, Link *link);
        void (*acknowledged)(void *userdata, Link *link, uint64_t tag);
        /* Nothing more will come of it. Free it, but not within this call: the link is still on the stack. */
        void (*ended)(void *userdata, Link *link);
        void *userdata;
} LinkSink;

/* Takes the descriptor, also on failure. peer: for the log. */
int link_new(Link **ret, sd_event *event, TlsServer *server, int fd, const char *peer, const LinkSink *sink);
/* Over a WebSocket, behind its upgrade: what it says comes and goes decrypted. */
int link_new_websocket(Link **ret, sd_event *event, const WireHandover *handover, const LinkSink *sink);
Link *link_free(Link *link);
DEFINE_CLEANUP(Link *, link_free);

/* verbs */
void link_feed(Link *link, const void *data, size_t size); /* what was read before the link was there */
void link_stored(Link *link); /* its events are committed */
int link_publish(Link *link, const char *topic, const void *body, size_t size, uint8_t qos, uint64_t tag);
void link_close(Link *link, const char *reason); /* static text */
void link_reset(Link *link, const char *reason); /* with a TCP reset; static text */
void link_silence(Link *link);
void link_stall(Link *link); /* its handshake stays without an answer */
void link_set_end(Link *link, usec_t ends_usec);
void link_set_verdict(Link *link, Verdict *verdict); /* takes it: who is on this link */

/* questions */
const Certificate *link_certificate(Link *link); /* that it showed to TLS; or NULL */
const char *link_peer(const Link *link);
const Verdict *link_verdict(const Link *link);
Session *link_session(Link *link); /* NULL before the handshake is done */
bool link_is_open(const Link *link); /* CONNECT was accepted, and it has not ended */
bool link_has_ended(const Link *link);
bool link_is_subscribed(const Link *link, SubscriptionKind kind, uint8_t *ret_qos);

/* The owner's own notes on the link. */
typedef struct LinkNotes {
        int64_t id;        /* in the event log */
        bool in_turn;      /* it has brought something in this turn, and stands in the list of such: */
        Link *next_in_turn;
        bool admitted;     /* its CONNECT has its share of the limit */
        bool forgotten;    /* its identity is gone: no will of it is told */
        usec_t active_usec; /* wall clock: when it last connected or sent an event */
        usec_t active_kept_usec; /* of that: what the store knows */
        usec_t guest_ends_usec; /* of one without a device id; wall clock: when its token is over */
} LinkNotes;
LinkNotes *link_notes(Link *link);
