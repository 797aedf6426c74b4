/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * AMQP link - one link of a connection, and the node of the hub at its other end
 *
 * A node is what an address names: it takes whole messages of links that send to it, or gives messages to links that
 * receive from it, as far as there is credit, room, and something to give. A link whose address, direction or right
 * is wrong is attached and detached at once with a condition, as AMQP has it.
 *
 * Owns:   what the node keeps for this link.
 * Knows:  house and grants of its connection.
 */

#include <proton/delivery.h>
#include <proton/link.h>
#include <proton/message.h>

#include "devhub/amqp/address.h"
#include "devhub/amqp/grants.h"
#include "devhub/amqp/house.h"
#include "devhub/hub/service-error.h"

#define TRANSFER_SIZE_MAX ((size_t)320 * 1024) /* 256 KiB and what AMQP adds */
#define REQUEST_SIZE_MAX  ((size_t)16 * 1024)  /* of a question, or a token: those who have shown none may write it */

typedef struct AmqpLink AmqpLink;

typedef struct AmqpNode {
        AddressKind address;
        bool sends;     /* to the peer; a node that does both has two entries */
        unsigned right; /* needed to be attached; 0: none */
        unsigned credit; /* granted to a peer that sends */
        size_t largest;  /* message that it may send */
        /* May refuse: amqp_link_refuse(). Optional. */
        void (*open)(AmqpLink *link);
        /* A peer that sends: a whole message has come. The node says what became of it and settles. */
        void (*take)(AmqpLink *link, pn_delivery_t *delivery, pn_message_t *message);
        /* A peer that receives: gives what there is. False: nothing was given, and nothing will be before a stir. */
        bool (*give)(AmqpLink *link);
        /* A peer that receives: it said something about a message of ours; not needed when nobody cares. */
        void (*outcome)(AmqpLink *link, pn_delivery_t *delivery);
        /* Frees link->state. Optional. */
        void (*gone)(AmqpLink *link);
} AmqpNode;

struct AmqpLink {
        AmqpLink *next; /* the session's */
        pn_link_t *pn;
        AmqpHouse *house;
        Grants *grants;
        const AmqpNode *node; /* NULL: refused, or detached since */
        char *text;           /* of the address */
        Address address;
        bool rests;           /* nothing to give until something happens */
        bool too_large;       /* what comes: it is read to its end, and goes nowhere */
        uint64_t n_sent;      /* for delivery tags */
        void *state;          /* the node's */
};

AmqpLink *amqp_link_new(pn_link_t *pn, AmqpHouse *house, Grants *grants); /* NULL: no memory */
AmqpLink *amqp_link_free(AmqpLink *link);

/* verbs */
void amqp_link_open(AmqpLink *link);
void amqp_link_on_delivery(AmqpLink *link, pn_delivery_t *delivery);
bool amqp_link_work(AmqpLink *link);        /* true: it gave something */
void amqp_link_check_right(AmqpLink *link); /* detaches it when its right is gone */
/* Detaches with a condition; in open() too. */
void amqp_link_refuse(AmqpLink *link, const char *condition, const char *fmt, ...) _printf_(3, 4);
bool amqp_link_has_room(const AmqpLink *link); /* for one more message: credit, and not too much on its way */
/* Negative: it could not be encoded. settled: no word about it is awaited. */
int amqp_link_send(AmqpLink *link, pn_message_t *message, const void *tag, size_t tag_size, bool settled,
                   pn_delivery_t **ret);

/* Answers a message that came, and forgets it. */
void amqp_delivery_accept(pn_delivery_t *delivery);
void amqp_delivery_reject(pn_delivery_t *delivery, const char *condition, const char *fmt, ...) _printf_(3, 4);
void amqp_delivery_fail(pn_delivery_t *delivery, ServiceError error, const char *fmt, ...) _printf_(3, 4);
