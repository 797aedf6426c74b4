/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * AMQP peer - a host that knows who we are
 *
 * A connection, and the tokens put on it: one at the beginning, a new one each time three quarters of the last one's
 * life have passed, so that it lives as long as it is wanted. A hub's token is signed with the decoded key; one for
 * an Event Hubs endpoint with the key as text, over sb://HOST/ENTITY (protocol reference 1.4, trap 2).
 */

#include "base/buffer.h"
#include "explorer/amqp.h"
#include "explorer/login.h"

#define AMQP_TOKEN_LIFE USEC_PER_HOUR

typedef struct AmqpPeer AmqpPeer;

/* entity: of an Event Hubs endpoint; NULL: the host is the hub. -ECONNABORTED: fault tells. Login and fault outlive
 * it. */
int amqp_peer_open(AmqpPeer **ret, const AmqpTarget *target, const Login *login, const char *entity, usec_t life,
                   usec_t until, AmqpFault *fault);
AmqpPeer *amqp_peer_close(AmqpPeer *peer);
DEFINE_CLEANUP(AmqpPeer *, amqp_peer_close);

Amqp *amqp_peer_amqp(AmqpPeer *peer);
/* One turn, with a new token if it is time for one. 0 or -ECONNABORTED. */
int amqp_peer_turn(AmqpPeer *peer, usec_t until);
/* The same until *done. */
int amqp_peer_wait(AmqpPeer *peer, const bool *done, usec_t until, const char *what);

/* Appends a token for sb://host/entity, for $management, which wants to see one of its own. -EINVAL: the key is
 * empty. */
int amqp_peer_token(const AmqpPeer *peer, Buffer *b);

AmqpTarget amqp_peer_hub(const Login *login); /* the hub itself */
