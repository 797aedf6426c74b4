/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Connection - when to try, when to give up, when to try again
 *
 * The pure machine behind the hub: an event and the time go in, what has to be done comes out, and with it the
 * time at which the machine wants to be asked again. It touches no socket and no clock, so that a year of
 * outage is a loop in a test.
 *
 *     STOPPED                    not wanted, or no credential
 *     OFFLINE                    not started yet
 *     LOOKUP TCP TLS CONNACK     the steps of one try, each with its own deadline
 *     PROVISIONING               not the hub has answered, but the service that knows which hub is ours: that
 *                                talk keeps times of its own. Then the steps again, to the hub
 *     OPEN                       messages flow
 *     DRAINING                   nothing new goes out; the window may empty itself, and calls of the hub that are under
 *                                way be answered, for the next connection cannot; then we connect anew
 *     WAITING                    until the next try
 *
 * A link is dead when an answer is overdue: a step of the connect, a SUBACK, a PUBACK, a ping. The ping is sent after a
 * time of silence: soon while PUBACKs are awaited, at keep-alive times otherwise. So a peer that went away
 * without a word is found within half a minute under load, and a hub that answers pings but acknowledges
 * nothing is found as well.
 *
 * While the gate is held we are the silent ones: no answer is overdue and no planned end comes, but the hold itself
 * has a deadline. When it opens the hub gets its full time anew.
 *
 * Tries are spaced by Backoff. It begins anew only when a connection has proved itself: a PUBACK came, or the
 * connection stood for a minute and then answered a ping. A hub that accepts and cuts proves nothing.
 *
 * A hub gives the link to whoever came last with our identity, and tells the other nothing: he is closed. So when it
 * has ended several connections in a row soon after they began, the detail says what that looks like, while there is no
 * link, and while there is one until it has lasted.
 *
 * Knows:  nothing of messages, only since when the oldest PUBACK is awaited.
 * Time:   boot clock.
 */

#include "base/backoff.h"
#include "hub/transport.h"
#include "model/link.h"

/* Deadlines of the steps of a connect, by TransportStep. The hub may hold back its CONNACK under load. */
#define CONNECTION_LOOKUP_USEC  (30 * USEC_PER_SEC)
#define CONNECTION_TCP_USEC     (60 * USEC_PER_SEC) /* all addresses; the transport divides it */
#define CONNECTION_TLS_USEC     (30 * USEC_PER_SEC)
#define CONNECTION_CONNACK_USEC (60 * USEC_PER_SEC)

#define CONNECTION_TALK_USEC    (10 * USEC_PER_MIN) /* with the provisioning service, at the very most */

#define CONNECTION_PROBE_USEC      (15 * USEC_PER_SEC) /* of silence while PUBACKs are awaited: then a ping */
#define CONNECTION_PING_USEC       (15 * USEC_PER_SEC) /* until the ping must be answered */
#define CONNECTION_PUBACK_USEC     (60 * USEC_PER_SEC) /* without any PUBACK while some are awaited */
#define CONNECTION_PUBACK_MAX_USEC (5 * USEC_PER_MIN)  /* for one message, whatever others get theirs */
#define CONNECTION_SUBACK_USEC     (30 * USEC_PER_SEC) /* until the subscriptions must be answered */
#define CONNECTION_HOLD_USEC       (30 * USEC_PER_SEC) /* for which nothing is sent because something is not stored */
#define CONNECTION_PROOF_USEC      USEC_PER_MIN        /* a connection this old proves itself by a ping */
#define CONNECTION_BRIEF_USEC      USEC_PER_MIN        /* a life that the hub ended sooner was a brief one */
#define CONNECTION_BRIEF_MAX       3                   /* of them one after another: that is no chance any more */
#define CONNECTION_DRAIN_USEC      (10 * USEC_PER_SEC) /* for the window to empty before a planned reconnect */

#define CONNECTION_DETAIL_MAX 512

typedef struct ConnectionSettings {
        usec_t keepalive_usec;
        usec_t token_life_usec; /* the token is renewed at four fifths of it; USEC_INFINITY: never */
        usec_t backoff_first_usec;
        usec_t backoff_max_usec;
} ConnectionSettings;

typedef enum ConnectionPhase {
        CONNECTION_STOPPED,
        CONNECTION_OFFLINE,
        CONNECTION_LOOKUP, /* these four in the order of TransportStep */
        CONNECTION_TCP,
        CONNECTION_TLS,
        CONNECTION_CONNACK,
        CONNECTION_PROVISIONING,
        CONNECTION_OPEN,
        CONNECTION_DRAINING,
        CONNECTION_WAITING,
        _CONNECTION_PHASE_MAX,
} ConnectionPhase;

typedef enum ConnectionEventKind {
        /* from above */
        CONNECTION_EVENT_START,
        CONNECTION_EVENT_STOP,    /* reason: none, or no-credential; detail */
        CONNECTION_EVENT_RETRY,   /* somebody wants a new connection now */
        CONNECTION_EVENT_RENEW,   /* the present connection is not what the settings ask for any more */
        CONNECTION_EVENT_SENT,    /* oldest_usec */
        CONNECTION_EVENT_ASKED,   /* for a subscription, or for its end */
        CONNECTION_EVENT_HELD,    /* nothing is sent from now on */
        CONNECTION_EVENT_RELEASED,
        CONNECTION_EVENT_CALLED,  /* the hub waits for an answer of ours */
        CONNECTION_EVENT_ANSWERED, /* not any more */
        CONNECTION_EVENT_UNFIT,   /* we cannot go on with this connection: reason, detail */
        CONNECTION_EVENT_ASKING,  /* this connection is one to the provisioning service, and stands */
        CONNECTION_EVENT_ASSIGNED, /* it has told: the same try goes on to the hub */
        CONNECTION_EVENT_UNASSIGNED, /* it has not, or could not be reached: reason, detail, peace_usec */
        /* from below */
        CONNECTION_EVENT_STEP,    /* step */
        CONNECTION_EVENT_ACCEPTED,
        CONNECTION_EVENT_REFUSED, /* code */
        CONNECTION_EVENT_ENDED,   /* reason, detail */
        CONNECTION_EVENT_PUBACK,  /* oldest_usec */
        CONNECTION_EVENT_GRANTED, /* everything that was asked for is answered */
        CONNECTION_EVENT_ALIVE,
        /* from the clock */
        CONNECTION_EVENT_TICK,
        _CONNECTION_EVENT_MAX,
} ConnectionEventKind;

typedef struct ConnectionEvent {
        ConnectionEventKind kind;
        TransportStep step;
        int code;
        LinkReason reason;
        const char *detail;  /* in words; copied */
        usec_t oldest_usec;  /* when the oldest message without a PUBACK was sent; USEC_INFINITY: there is none */
        usec_t peace_usec;   /* for so long no try at all, then as Backoff says */
} ConnectionEvent;

/* What is to be done, in this order. */
typedef enum ConnectionAction {
        CONNECTION_CLOSE = 1 << 0,   /* drop the connection */
        CONNECTION_GOODBYE = 1 << 1, /* end it with a DISCONNECT */
        CONNECTION_LOST = 1 << 2,    /* what was not acknowledged is void */
        CONNECTION_CONNECT = 1 << 3, /* a new token, a new connection */
        CONNECTION_READY = 1 << 4,   /* messages may go out */
        CONNECTION_PING = 1 << 5,
        CONNECTION_TELL = 1 << 6,    /* the detail changed, while the state did not */
} ConnectionAction;

typedef struct Connection {
        ConnectionSettings settings;
        const Random *random;
        Backoff backoff;
        const char *peer; /* whom we connect to, in words */

        ConnectionPhase phase;
        usec_t deadline_usec; /* of a step, of draining, or of waiting */
        usec_t begun_usec;    /* the present try */
        usec_t open_usec;     /* CONNACK came */
        usec_t heard_usec;    /* the last sign of life */
        usec_t spoke_usec;    /* the last message or ping that we sent */
        usec_t pinged_usec;   /* a ping without an answer; USEC_INFINITY: none */
        usec_t puback_usec;   /* the last PUBACK */
        usec_t oldest_usec;   /* the oldest message without one; USEC_INFINITY: there is none */
        usec_t asked_usec;    /* the first subscription without an answer; USEC_INFINITY: there is none */
        usec_t held_usec;     /* since when nothing is sent; USEC_INFINITY: it is */
        usec_t peace_usec;    /* until then no try, but for somebody who wants one */
        usec_t released_usec; /* the last hold ended, or the link came up */
        bool owes;            /* the hub waits for an answer */
        bool proven;

        unsigned n_brief;  /* connections in a row that the hub closed soon */
        unsigned tries;    /* that failed since the last CONNACK */
        LinkReason reason; /* why there is no link */
        char detail[CONNECTION_DETAIL_MAX]; /* with a link: what is wrong with it */
} Connection;

void connection_init(Connection *c, const ConnectionSettings *settings, const Random *random);
/* Times and backoff for what comes next; what runs keeps its state. A wait that has begun lasts no longer than one that
 * begins now. */
void connection_configure(Connection *c, const ConnectionSettings *settings, usec_t now);

/* Of the try that begins; static. */
void connection_name_peer(Connection *c, const char *peer);

/* The machine. Returns ConnectionActions. An event that has no meaning in the present phase does nothing. */
unsigned connection_feed(Connection *c, const ConnectionEvent *event, usec_t now);
/* When it wants CONNECTION_EVENT_TICK. */
usec_t connection_deadline(const Connection *c);

LinkState connection_state(const Connection *c);
bool connection_is_ready(const Connection *c);

const char *connection_phase_to_string(ConnectionPhase phase);
