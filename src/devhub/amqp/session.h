/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * AMQP session - one service's AMQP 1.0 connection, from its first byte to its end
 *
 * Bytes in, bytes out, and a deadline; Proton's engine in between, which knows nothing of sockets either. What breaks
 * a rule of AMQP, or one of our bounds, ends the connection with a condition that says which. Each link that the
 * service attaches is handed to the node that its address names (nodes.h).
 *
 * Bounds: 64 sessions with 256 links in all, frames of 64 KiB, messages of 320 KiB, of those that are not whole yet
 * 4 MiB in all; events are read from the store only as long as less than 64 KiB wait for the socket. As long as no
 * token is good on it anybody may be there: 8 links, frames of 17 KiB, requests of 16 KiB.
 *
 * Owns:   the engine, its links, the output.
 * Knows:  the house; nothing of sockets.
 * Time:   boot clock, given with each call.
 */

#include "base/buffer.h"
#include "base/clock.h"
#include "devhub/amqp/house.h"

typedef struct AmqpSession AmqpSession;

/* peer: for the log, borrowed. stirred: something outside has given it work; its output is to be sent. */
int amqp_session_new(AmqpSession **ret, AmqpHouse *house, const char *peer, void (*stirred)(void *userdata),
                     void *userdata, usec_t now);
AmqpSession *amqp_session_free(AmqpSession *session);
DEFINE_CLEANUP(AmqpSession *, amqp_session_free);

/* verbs */
void amqp_session_feed(AmqpSession *session, const void *data, size_t size, usec_t now);
void amqp_session_tick(AmqpSession *session, usec_t now); /* at the deadline, or any time */
/* Ends it from outside, with a condition and its words. */
void amqp_session_close(AmqpSession *session, const char *condition, const char *reason);
void amqp_session_broke(AmqpSession *session, const char *reason); /* the socket is gone; static text */

/* questions */
usec_t amqp_session_deadline(const AmqpSession *session);
Buffer *amqp_session_output(AmqpSession *session); /* the caller sends from its front, consumes, and asks again */
bool amqp_session_is_over(const AmqpSession *session);
const char *amqp_session_reason(const AmqpSession *session); /* why it ended; "" for an orderly close */
