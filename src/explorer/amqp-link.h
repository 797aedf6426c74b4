/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * AMQP link - one way for messages on a connection
 *
 * A receiver hands over each message once it is whole, and whoever takes it settles the delivery; a sender waits
 * for the peer's verdict. A link that the peer ends leaves its own fault: whether that is a fault of the
 * connection is for its user to say (a redirect is none).
 *
 * Lives as long as its session: the connection frees what Proton holds of it.
 */

#include <proton/delivery.h>
#include <proton/event.h>
#include <proton/link.h>
#include <proton/message.h>

#include "base/buffer.h"
#include "explorer/amqp.h"

typedef struct AmqpLink AmqpLink;

/* message is the receiver's for the time of the call. */
typedef void (*AmqpMessageSink)(void *userdata, AmqpLink *link, pn_message_t *message, pn_delivery_t *delivery);

struct AmqpLink {
        AmqpHearer hearer; /* the first member: from it we find back */
        Amqp *amqp;
        pn_link_t *link;
        pn_message_t *message; /* a receiver's, used again and again */
        Buffer bytes;
        AmqpMessageSink sink;
        void *userdata;
        const char *what;  /* for complaints: static, or the user's */
        bool answered;     /* the peer has attached, or refused to */
        bool closed;       /* the peer has ended it */
        bool has_credit;   /* of a sender */
        bool judged;       /* of a sender: the verdict on the last message is there */
        uint64_t verdict;  /* PN_ACCEPTED ... */
        AmqpFault fault;   /* why it was closed, or why the message was rejected */
        char *redirect[3]; /* of amqp:link:redirect: address, hostname, network-host; or NULL */
        uint16_t redirect_port;
};

/* Both: name NULL makes one up. what: "$cbs", for complaints. The link is not open yet: set its termini. -ENOMEM as a
 * fault of the connection. */
int amqp_link_init_sender(AmqpLink *link, Amqp *amqp, pn_session_t *session, const char *name, const char *what);
int amqp_link_init_receiver(AmqpLink *link, Amqp *amqp, pn_session_t *session, const char *name, const char *what,
                            AmqpMessageSink sink, void *userdata);
void amqp_link_done(AmqpLink *link);

/* Opens it and waits for the peer. A refusal is left in link->fault: -ECONNABORTED if that or the connection's is
 * set. */
int amqp_link_attach(AmqpLink *link, usec_t until);
/* Sends it and waits for the verdict; what is no acceptance is a fault of the link. */
int amqp_link_send(AmqpLink *link, pn_message_t *message, usec_t until);
