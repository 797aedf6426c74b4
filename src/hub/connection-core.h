/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The inside of the connection, for the files that it is made of
 *
 * connection.c      the machine: phases, and what each event makes of them
 * connection-due.c  deadlines, and whom to blame when one is over
 */

#include "hub/connection.h"

/* One of the steps of a try, or the talk with the provisioning service. */
static inline bool connection_is_connecting(const Connection *c)
{
        return connection_state(c) == LINK_CONNECTING;
}

static inline bool connection_is_connected(const Connection *c)
{
        return connection_state(c) == LINK_CONNECTED;
}

static inline bool connection_is_held(const Connection *c)
{
        return c->held_usec != USEC_INFINITY;
}

/* Both ways: what the hub has not acknowledged would be sent twice, and what we have not, delivered twice; what it
 * waits for would never come. */
static inline bool connection_is_drained(const Connection *c)
{
        return c->oldest_usec == USEC_INFINITY && !connection_is_held(c) && !c->owes;
}

/* connection-due.c */
void connection_blame(Connection *c, LinkReason reason, const char *fmt, ...) _printf_(3, 4);
void connection_blame_refusal(Connection *c, int code); /* of CONNACK */
void connection_blame_step(Connection *c);              /* the present one is overdue */
/* True: something is overdue, and was blamed. */
bool connection_blame_overdue(Connection *c, usec_t now);

void connection_blame_rival(Connection *c, LinkReason reason);
bool connection_is_contested(const Connection *c); /* the hub closes one after another */

usec_t connection_trust_due(const Connection *c); /* when this one has lasted, after brief ones */
usec_t connection_renewal_due(const Connection *c);
usec_t connection_drain_overdue(const Connection *c);
usec_t connection_ping_due(const Connection *c);
