/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What is due on a connection, what is overdue, and in what words that is held against the peer.
 */

#include <stdarg.h>
#include <stdio.h>

#include "hub/connection-core.h"

void connection_blame(Connection *c, LinkReason reason, const char *fmt, ...)
{
        va_list ap;

        c->reason = reason;
        va_start(ap, fmt);
        (void)vsnprintf(c->detail, sizeof(c->detail), fmt, ap);
        va_end(ap);
}

/* ---- what the hub's answer to CONNECT means ---- */

void connection_blame_refusal(Connection *c, int code)
{
        switch (code) {
        case 3:
                connection_blame(c, LINK_REASON_HUB_UNAVAILABLE,
                                 "the hub says that it is not available now (CONNACK 3)");
                break;
        case 4:
        case 5:
                /* The hub has this one answer for every trouble with credentials. */
                connection_blame(c, LINK_REASON_CREDENTIAL,
                                 "the hub refused the credential (CONNACK %d): check the device id, its key, that "
                                 "the device is enabled, and this machine's clock",
                                 code);
                break;
        default:
                connection_blame(c, LINK_REASON_CLOSED, "the hub refused the connection with CONNACK %d",
                                 code);
                break;
        }
}

/* ---- of a connect ---- */

void connection_blame_step(Connection *c)
{
        switch (c->phase) {
        case CONNECTION_LOOKUP:
                connection_blame(c, LINK_REASON_NAME, "the name lookup did not answer within %u s",
                                 (unsigned)(CONNECTION_LOOKUP_USEC / USEC_PER_SEC));
                break;
        case CONNECTION_TCP:
                connection_blame(c, LINK_REASON_NETWORK, "no address answered within %u s",
                                 (unsigned)(CONNECTION_TCP_USEC / USEC_PER_SEC));
                break;
        case CONNECTION_TLS:
                connection_blame(c, LINK_REASON_SILENT,
                                 "the peer did not finish the TLS handshake within %u s",
                                 (unsigned)(CONNECTION_TLS_USEC / USEC_PER_SEC));
                break;
        case CONNECTION_PROVISIONING:
                connection_blame(c, LINK_REASON_SILENT, "the talk with %s did not end", c->peer);
                break;
        default:
                connection_blame(c, LINK_REASON_SILENT, "%s did not answer CONNECT within %u s", c->peer,
                                 (unsigned)(CONNECTION_CONNACK_USEC / USEC_PER_SEC));
                break;
        }
}

/* ---- of one that does not last ---- */

bool connection_is_contested(const Connection *c)
{
        return c->n_brief >= CONNECTION_BRIEF_MAX;
}

void connection_blame_rival(Connection *c, LinkReason reason)
{
        connection_blame(c, reason,
                         "the hub closed the last %u connections within a minute each, as it does when another client "
                         "connects with our identity",
                         c->n_brief);
}

usec_t connection_trust_due(const Connection *c)
{
        return connection_is_contested(c) ? usec_add(c->open_usec, CONNECTION_BRIEF_USEC) : USEC_INFINITY;
}

/* ---- of a connection that stands ---- */

usec_t connection_renewal_due(const Connection *c)
{
        usec_t life = c->settings.token_life_usec;

        return life == USEC_INFINITY ? USEC_INFINITY : usec_add(c->begun_usec, life - life / 5);
}

/* What we kept back ourselves the hub could not answer: it has its full time once the gate is open. */
static usec_t unless_held(const Connection *c, usec_t overdue_usec, usec_t patience_usec)
{
        if (connection_is_held(c) || overdue_usec == USEC_INFINITY)
                return USEC_INFINITY;
        return MAX(overdue_usec, usec_add(c->released_usec, patience_usec));
}

/* No PUBACK at all for a while, or not the oldest one for a long while. Not simply the age of the oldest: on
 * a slow line a full window takes its time, yet PUBACKs trickle in. */
static usec_t puback_overdue(const Connection *c)
{
        usec_t any, oldest;

        if (c->oldest_usec == USEC_INFINITY)
                return USEC_INFINITY;
        any = usec_add(MAX(c->oldest_usec, c->puback_usec), CONNECTION_PUBACK_USEC);
        oldest = usec_add(c->oldest_usec, CONNECTION_PUBACK_MAX_USEC);
        return unless_held(c, MIN(any, oldest), CONNECTION_PUBACK_USEC);
}

static usec_t ping_overdue(const Connection *c)
{
        return unless_held(c, usec_add(c->pinged_usec, CONNECTION_PING_USEC), CONNECTION_PING_USEC);
}

static usec_t suback_overdue(const Connection *c)
{
        return unless_held(c, usec_add(c->asked_usec, CONNECTION_SUBACK_USEC), CONNECTION_SUBACK_USEC);
}

static usec_t hold_overdue(const Connection *c)
{
        return usec_add(c->held_usec, CONNECTION_HOLD_USEC);
}

usec_t connection_drain_overdue(const Connection *c)
{
        if (c->phase != CONNECTION_DRAINING)
                return USEC_INFINITY;
        if (connection_is_drained(c))
                return 0;
        return unless_held(c, c->deadline_usec, CONNECTION_DRAIN_USEC);
}

usec_t connection_ping_due(const Connection *c)
{
        usec_t due = usec_add(MIN(c->heard_usec, c->spoke_usec), c->settings.keepalive_usec);

        if (c->pinged_usec != USEC_INFINITY || connection_is_held(c))
                return USEC_INFINITY;
        if (c->oldest_usec != USEC_INFINITY)
                due = MIN(due, usec_add(MAX(c->heard_usec, c->oldest_usec), CONNECTION_PROBE_USEC));
        if (!c->proven)
                due = MIN(due, usec_add(c->open_usec, CONNECTION_PROOF_USEC));
        return due;
}

usec_t connection_deadline(const Connection *c)
{
        usec_t deadline = connection_drain_overdue(c);

        if (!connection_is_connected(c))
                return c->deadline_usec;
        deadline = MIN(deadline, hold_overdue(c));
        deadline = MIN(deadline, puback_overdue(c));
        deadline = MIN(deadline, suback_overdue(c));
        deadline = MIN(deadline, ping_overdue(c));
        deadline = MIN(deadline, connection_ping_due(c));
        deadline = MIN(deadline, connection_trust_due(c));
        if (c->phase == CONNECTION_OPEN)
                deadline = MIN(deadline, connection_renewal_due(c));
        return deadline;
}

bool connection_blame_overdue(Connection *c, usec_t now)
{
        if (now >= hold_overdue(c))
                connection_blame(c, LINK_REASON_CLOSED,
                                 "a cloud message could not be stored within %u s: it is not acknowledged, so that "
                                 "the hub delivers it again",
                                 (unsigned)(CONNECTION_HOLD_USEC / USEC_PER_SEC));
        else if (now >= ping_overdue(c))
                connection_blame(c, LINK_REASON_SILENT, "the hub has not answered a ping for %u s",
                                 (unsigned)(CONNECTION_PING_USEC / USEC_PER_SEC));
        else if (now >= suback_overdue(c))
                connection_blame(c, LINK_REASON_SILENT, "the hub has not answered SUBSCRIBE for %u s",
                                 (unsigned)(CONNECTION_SUBACK_USEC / USEC_PER_SEC));
        else if (now >= puback_overdue(c))
                connection_blame(c, LINK_REASON_SILENT, "the hub has not acknowledged a message for %llu s",
                                 (unsigned long long)((now - c->oldest_usec) / USEC_PER_SEC));
        else
                return false;
        return true;
}
