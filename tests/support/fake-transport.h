/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Fake transport - the far side of the wire is the test
 *
 * Does nothing by itself: it notes what the hub asks for, and the test says what comes back. With `obedient`
 * set, fake_transport_play() gives the answers of a hub in good health: CONNACK 0, PUBACKs, ping answers.
 *
 * Owns:   copies of what was published. The test keeps the fake; the hub's free() only leaves a mark.
 */

#include "base/buffer.h"
#include "hub/transport.h"

typedef struct FakePublish {
        uint64_t generation;
        int mid;
        bool acknowledged;
        char *topic;
        Buffer body;
} FakePublish;

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

        /* to be set by the test */
        bool obedient;
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

/* An event of any kind and generation, as a late word of an old connection. */
void fake_transport_say(FakeTransport *fake, const TransportEvent *event);

/* Everything that is published now and not acknowledged, in order. Returns how many. */
size_t fake_transport_ack_all(FakeTransport *fake);

/* One turn of the loop of an obedient peer. Returns how many answers were given. */
size_t fake_transport_play(FakeTransport *fake);
