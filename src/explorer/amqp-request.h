/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * AMQP request - questions to a node of a peer, and its answers
 *
 * $cbs and $management are asked alike: a message on a link to the node, and a reply on a link back that bears the
 * question's id as its correlation id and tells in status-code how it went (protocol reference 9.2, 9.4). One question
 * at a time.
 */

#include "explorer/amqp-link.h"

typedef struct AmqpRequest AmqpRequest;

/* node: "$cbs"; static. Both -ECONNABORTED with the connection's fault. */
int amqp_request_open(AmqpRequest **ret, Amqp *amqp, const char *node, usec_t until);
AmqpRequest *amqp_request_free(AmqpRequest *request);
DEFINE_CLEANUP(AmqpRequest *, amqp_request_free);

/* Asks: message gets its id, to and reply-to here. Any status is an answer; *ret_reply is valid until the next
 * question. */
typedef struct AmqpReply {
        int64_t status;
        const char *description; /* or NULL */
        pn_message_t *message;
} AmqpReply;
int amqp_request_ask(AmqpRequest *request, pn_message_t *message, usec_t until, AmqpReply *ret_reply);
