/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Fake transport - the far side of the wire is the test
 *
 * Does nothing by itself: it notes what the hub asks for, and the test says what comes back. With `obedient`
 * set, fake_transport_play() gives the answers of a hub in good health: CONNACK 0, PUBACKs, SUBACKs, ping answers.
 * What is asked for right at CONNACK is granted without a word of the test, unless `withhold_subacks` is set.
 *
 * While the gate is held nothing reaches the far side: what is published then is not `written`, and what the far side
 * sent is not acknowledged. Closed in that state, it never will be.
 *
 * Owns:   copies of what was published. The test keeps the fake; the hub's free() only leaves a mark.
 */

#include "base/buffer.h"
#include "hub/transport.h"

typedef struct FakePublish {
        uint64_t generation;
        int mid;
        int qos;
        bool written; /* it is on its way; not while the gate is held */
        bool acknowledged;
        char *topic;
        Buffer body;
} FakePublish;

/* A filter that was asked for, or given up. */
typedef struct FakeFilter {
        uint64_t generation;
        int mid; /* those of one packet share it */
        bool wanted; /* false: an UNSUBSCRIBE */
        int qos;
        bool answered;
        char topic[128];
} FakeFilter;

typedef struct FakeTransport {
        Transport transport; /* first: hand out &fake->transport */
        TransportSink sink;

        bool open;      /* connect() was called, and neither close() nor an end came since */
        bool connected; /* the test accepted */
        uint64_t generation;
        char host[256], address[256], ca_file[256], client_id[256], username[1024], password[1024]; /* "": NULL */
        uint16_t port;
        bool clean_session;
        usec_t keepalive_usec;

        unsigned n_connects, n_closes, n_goodbyes, n_pings;
        unsigned n_unanswered_pings;
        bool freed;

        FakePublish *published; /* all, in order */
        size_t n_published;
        int last_mid;

        FakeFilter *filters; /* all, in order */
        size_t n_filters;
        size_t first_filter; /* of the present connection */

        bool held;
        unsigned n_owed;     /* messages of QoS 1 from the far side that wait for their PUBACK */
        unsigned n_pubacked; /* that got it */
        bool telling;

        /* to be set by the test */
        bool obedient;
        bool withhold_subacks;
        int connect_error, publish_error; /* negative: the next calls fail */
} FakeTransport;

void fake_transport_init(FakeTransport *fake);
void fake_transport_done(FakeTransport *fake);

/* What the far side does. Each is an event of the present generation. */
void fake_transport_step(FakeTransport *fake, TransportStep step);
void fake_transport_accept(FakeTransport *fake);
void fake_transport_refuse(FakeTransport *fake, int code);
void fake_transport_end(FakeTransport *fake, LinkReason reason, const char *detail);
void fake_transport_ack(FakeTransport *fake, int mid);
void fake_transport_alive(FakeTransport *fake);
/* The answer to a SUBSCRIBE or UNSUBSCRIBE: every filter of it gets this code. */
void fake_transport_grant(FakeTransport *fake, int mid, uint8_t code);
/* Whatever has not been answered yet. Returns how many packets. */
size_t fake_transport_grant_all(FakeTransport *fake);
/* Asked for last and not given up since, on the present connection. */
bool fake_transport_is_subscribed(const FakeTransport *fake, const char *filter);

/* Messages that come in one piece: nothing is written before the last was told. Size 0 of a payload: its length. */
void fake_transport_deliver(FakeTransport *fake, const TransportMessage *messages, size_t n);
void fake_transport_message(FakeTransport *fake, const char *topic, const char *payload, int qos);

/* An event of any kind and generation, as a late word of an old connection. */
void fake_transport_say(FakeTransport *fake, const TransportEvent *event);

/* Everything that is published now and not acknowledged, in order. Returns how many. */
size_t fake_transport_ack_all(FakeTransport *fake);

/* One turn of the loop of an obedient peer. Returns how many answers were given. */
size_t fake_transport_play(FakeTransport *fake);
