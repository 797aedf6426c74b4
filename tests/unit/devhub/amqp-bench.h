/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * AMQP bench - our end of an AMQP connection, and Proton as the client at the other, in memory
 */

#include <proton/connection.h>
#include <proton/connection_driver.h>
#include <proton/delivery.h>
#include <proton/link.h>
#include <proton/message.h>
#include <proton/sasl.h>
#include <proton/session.h>
#include <proton/transport.h>

#include "devhub/amqp/session.h"

#include "devhub-house.h"
#include "suite.h"

#define BENCH_HOST "devhub.example.net"

typedef struct AmqpBench {
        DevhubHouse store_house;
        Store *store;     /* of it */
        FakeClock *clock; /* likewise */
        Feedback *feedback;
        Mailbox *mailbox;
        Faults faults;
        Hub hub;
        AmqpHouse house;
        unsigned n_commits, n_stirs;
        bool disk_full; /* nothing can be committed */

        AmqpSession *session;
        pn_connection_driver_t client;
        pn_session_t *client_session;
        uint64_t n_sent;
} AmqpBench;

void bench_begin(AmqpBench *b); /* the hub; nobody is connected */
void bench_end(AmqpBench *b);

/* A client comes; with open() it begins a session as well, with no SASL at all. */
void bench_meet(AmqpBench *b);
void bench_open(AmqpBench *b);
void bench_part(AmqpBench *b);

void bench_run(AmqpBench *b); /* moves bytes both ways until nothing moves any more */
void bench_wait(AmqpBench *b, usec_t usec); /* ticks our end at each of its deadlines meanwhile */
void bench_feed(AmqpBench *b, const void *data, size_t size); /* raw, to our end, from memory of its own size */

pn_link_t *bench_sender(AmqpBench *b, const char *address);
pn_link_t *bench_receiver(AmqpBench *b, const char *address, int credit);
const char *bench_detached(pn_link_t *link); /* the condition, or NULL when it is attached */

pn_delivery_t *bench_send(AmqpBench *b, pn_link_t *link, pn_message_t *message); /* and runs */
bool bench_receive(pn_link_t *link, pn_message_t *message); /* the next that is there; accepts it */

/* A token of the policy, valid for so long; text: signed as Event Hubs signs. The caller frees it. */
char *bench_token(AmqpBench *b, const char *policy, const char *resource, int64_t seconds);
char *bench_event_hubs_token(AmqpBench *b, const char *policy, const char *resource, int64_t seconds);

/* Puts a token; the status code of the reply. */
int bench_put_token(AmqpBench *b, const char *name, const char *token);
void bench_allow(AmqpBench *b, const char *policy); /* puts one for the whole hub */

/* Application properties of a message. */
void bench_put_text(pn_message_t *message, const char *const *pairs); /* name, value, ..., NULL */
bool bench_property(pn_message_t *message, const char *name, pn_atom_t *ret);
int bench_status(pn_message_t *message);
