/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/connection.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
        const char *name;
        LinkState state;
        usec_t deadline_usec; /* of the phase itself */
} phases[_CONNECTION_PHASE_MAX] = {
        [CONNECTION_STOPPED] = {"stopped", LINK_STOPPED, USEC_INFINITY},
        [CONNECTION_OFFLINE] = {"offline", LINK_OFFLINE, USEC_INFINITY},
        [CONNECTION_LOOKUP] = {"lookup", LINK_CONNECTING, CONNECTION_LOOKUP_USEC},
        [CONNECTION_TCP] = {"tcp", LINK_CONNECTING, CONNECTION_TCP_USEC},
        [CONNECTION_TLS] = {"tls", LINK_CONNECTING, CONNECTION_TLS_USEC},
        [CONNECTION_CONNACK] = {"connack", LINK_CONNECTING, CONNECTION_CONNACK_USEC},
        [CONNECTION_PROVISIONING] = {"provisioning", LINK_CONNECTING, CONNECTION_TALK_USEC},
        [CONNECTION_OPEN] = {"open", LINK_CONNECTED, USEC_INFINITY},
        [CONNECTION_DRAINING] = {"draining", LINK_CONNECTED, CONNECTION_DRAIN_USEC},
        [CONNECTION_WAITING] = {"waiting", LINK_WAITING, USEC_INFINITY},
};

const char *connection_phase_to_string(ConnectionPhase phase)
{
        return phases[phase].name;
}

LinkState connection_state(const Connection *c)
{
        return phases[c->phase].state;
}

bool connection_is_ready(const Connection *c)
{
        return c->phase == CONNECTION_OPEN;
}

static bool is_connecting(const Connection *c)
{
        return phases[c->phase].state == LINK_CONNECTING;
}

static bool is_connected(const Connection *c)
{
        return phases[c->phase].state == LINK_CONNECTED;
}

static bool is_held(const Connection *c)
{
        return c->held_usec != USEC_INFINITY;
}

void connection_init(Connection *c, const ConnectionSettings *settings, const Random *random)
{
        *c = (Connection){
                .random = random,
                .peer = "the hub",
                .phase = CONNECTION_OFFLINE,
                .deadline_usec = USEC_INFINITY,
                .pinged_usec = USEC_INFINITY,
                .oldest_usec = USEC_INFINITY,
                .asked_usec = USEC_INFINITY,
                .held_usec = USEC_INFINITY,
        };
        connection_configure(c, settings, 0);
}

void connection_configure(Connection *c, const ConnectionSettings *settings, usec_t now)
{
        c->settings = *settings;
        c->backoff.first_usec = settings->backoff_first_usec;
        c->backoff.max_usec = settings->backoff_max_usec;
        /* A quarter of the first delay: even the luckiest dice leave the hub that much peace. */
        c->backoff.floor_usec = settings->backoff_first_usec / 4;
        if (c->phase == CONNECTION_WAITING)
                c->deadline_usec = MIN(c->deadline_usec, usec_add(MAX(now, c->peace_usec), settings->backoff_max_usec));
}

void connection_name_peer(Connection *c, const char *peer)
{
        c->peer = peer;
}

/* ---- the doors: every change of phase goes through one of these ---- */

static void enter(Connection *c, ConnectionPhase phase, usec_t now)
{
        c->phase = phase;
        c->deadline_usec = usec_add(now, phases[phase].deadline_usec);
}

_printf_(3, 4) static void blame(Connection *c, LinkReason reason, const char *fmt, ...)
{
        va_list ap;

        c->reason = reason;
        va_start(ap, fmt);
        (void)vsnprintf(c->detail, sizeof(c->detail), fmt, ap);
        va_end(ap);
}

static unsigned begin(Connection *c, usec_t now)
{
        enter(c, CONNECTION_LOOKUP, now);
        c->begun_usec = now;
        c->oldest_usec = c->pinged_usec = c->asked_usec = c->held_usec = USEC_INFINITY;
        c->proven = false;
        return CONNECTION_CONNECT;
}

static unsigned open_link(Connection *c, usec_t now)
{
        enter(c, CONNECTION_OPEN, now);
        c->open_usec = c->heard_usec = c->spoke_usec = c->puback_usec = c->released_usec = now;
        blame(c, LINK_REASON_NONE, "%s", "");
        return CONNECTION_READY;
}

/* blame() comes first. */
static unsigned wait_for_next_try(Connection *c, usec_t peace_usec, usec_t now)
{
        unsigned actions = is_connected(c) ? CONNECTION_LOST : 0;

        c->tries = is_connected(c) ? 0 : c->tries + 1;
        enter(c, CONNECTION_WAITING, now);
        c->peace_usec = usec_add(now, peace_usec);
        c->deadline_usec = usec_add(c->peace_usec, backoff_next(&c->backoff, c->random));
        return actions;
}

/* A planned end: neither backoff nor blame. */
static unsigned begin_anew(Connection *c, usec_t now)
{
        unsigned actions = is_connected(c) ? CONNECTION_GOODBYE | CONNECTION_LOST : CONNECTION_CLOSE;

        return actions | begin(c, now);
}

/* Both ways: what the hub has not acknowledged would be sent twice, and what we have not, delivered twice. */
static bool is_drained(const Connection *c)
{
        return c->oldest_usec == USEC_INFINITY && !is_held(c);
}

static unsigned drain(Connection *c, usec_t now)
{
        if (is_drained(c))
                return begin_anew(c, now);
        enter(c, CONNECTION_DRAINING, now);
        return 0;
}

static unsigned stop(Connection *c, const ConnectionEvent *event, usec_t now)
{
        unsigned actions = is_connected(c) ? CONNECTION_GOODBYE | CONNECTION_LOST
                         : is_connecting(c) ? CONNECTION_CLOSE
                                            : 0;

        enter(c, CONNECTION_STOPPED, now);
        c->oldest_usec = USEC_INFINITY;
        c->tries = 0;
        backoff_reset(&c->backoff);
        blame(c, event->reason, "%s", event->detail ? event->detail : "");
        return actions;
}

/* ---- what the hub's answer to CONNECT means ---- */

static void blame_refusal(Connection *c, int code)
{
        switch (code) {
        case 3:
                blame(c, LINK_REASON_HUB_UNAVAILABLE, "the hub says that it is not available now (CONNACK 3)");
                break;
        case 4:
        case 5:
                /* The hub has this one answer for every trouble with credentials. */
                blame(c, LINK_REASON_CREDENTIAL,
                      "the hub refused the credential (CONNACK %d): check the device id, its key, that the device is "
                      "enabled, and this machine's clock",
                      code);
                break;
        default:
                blame(c, LINK_REASON_CLOSED, "the hub refused the connection with CONNACK %d", code);
                break;
        }
}

/* ---- deadlines of a connection that stands ---- */

static void blame_overdue_step(Connection *c)
{
        switch (c->phase) {
        case CONNECTION_LOOKUP:
                blame(c, LINK_REASON_NAME, "the name lookup did not answer within %u s",
                      (unsigned)(CONNECTION_LOOKUP_USEC / USEC_PER_SEC));
                break;
        case CONNECTION_TCP:
                blame(c, LINK_REASON_NETWORK, "no address answered within %u s",
                      (unsigned)(CONNECTION_TCP_USEC / USEC_PER_SEC));
                break;
        case CONNECTION_TLS:
                blame(c, LINK_REASON_SILENT, "the peer did not finish the TLS handshake within %u s",
                      (unsigned)(CONNECTION_TLS_USEC / USEC_PER_SEC));
                break;
        case CONNECTION_PROVISIONING:
                blame(c, LINK_REASON_SILENT, "the talk with %s did not end", c->peer);
                break;
        default:
                blame(c, LINK_REASON_SILENT, "%s did not answer CONNECT within %u s", c->peer,
                      (unsigned)(CONNECTION_CONNACK_USEC / USEC_PER_SEC));
                break;
        }
}

static usec_t renewal_due(const Connection *c)
{
        usec_t life = c->settings.token_life_usec;

        return life == USEC_INFINITY ? USEC_INFINITY : usec_add(c->begun_usec, life - life / 5);
}

/* What we kept back ourselves the hub could not answer: it has its full time once the gate is open. */
static usec_t unless_held(const Connection *c, usec_t overdue_usec, usec_t patience_usec)
{
        if (is_held(c) || overdue_usec == USEC_INFINITY)
                return USEC_INFINITY;
        return MAX(overdue_usec, usec_add(c->released_usec, patience_usec));
}

/* No PUBACK at all for a while, or not the oldest one for a long while. Not simply the age of the oldest: on a
 * slow line a full window takes its time, yet PUBACKs trickle in. */
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

static usec_t drain_overdue(const Connection *c)
{
        if (c->phase != CONNECTION_DRAINING)
                return USEC_INFINITY;
        return unless_held(c, c->deadline_usec, CONNECTION_DRAIN_USEC);
}

static usec_t ping_due(const Connection *c)
{
        usec_t due = usec_add(MIN(c->heard_usec, c->spoke_usec), c->settings.keepalive_usec);

        if (c->pinged_usec != USEC_INFINITY || is_held(c))
                return USEC_INFINITY;
        if (c->oldest_usec != USEC_INFINITY)
                due = MIN(due, usec_add(MAX(c->heard_usec, c->oldest_usec), CONNECTION_PROBE_USEC));
        if (!c->proven)
                due = MIN(due, usec_add(c->open_usec, CONNECTION_PROOF_USEC));
        return due;
}

usec_t connection_deadline(const Connection *c)
{
        usec_t deadline = drain_overdue(c);

        if (!is_connected(c))
                return c->deadline_usec;
        deadline = MIN(deadline, hold_overdue(c));
        deadline = MIN(deadline, puback_overdue(c));
        deadline = MIN(deadline, suback_overdue(c));
        deadline = MIN(deadline, ping_overdue(c));
        deadline = MIN(deadline, ping_due(c));
        if (c->phase == CONNECTION_OPEN)
                deadline = MIN(deadline, renewal_due(c));
        return deadline;
}

static void prove(Connection *c)
{
        c->proven = true;
        backoff_reset(&c->backoff);
}

static unsigned on_alive(Connection *c, usec_t now)
{
        bool answered = c->pinged_usec != USEC_INFINITY;

        c->heard_usec = now;
        c->pinged_usec = USEC_INFINITY;
        if (answered && now >= usec_add(c->open_usec, CONNECTION_PROOF_USEC))
                prove(c);
        return 0;
}

static unsigned on_puback(Connection *c, const ConnectionEvent *event, usec_t now)
{
        c->heard_usec = c->puback_usec = now;
        c->pinged_usec = USEC_INFINITY;
        c->oldest_usec = event->oldest_usec;
        prove(c);
        return c->phase == CONNECTION_DRAINING && is_drained(c) ? begin_anew(c, now) : 0;
}

static unsigned on_released(Connection *c, usec_t now)
{
        c->held_usec = USEC_INFINITY;
        c->released_usec = now;
        return c->phase == CONNECTION_DRAINING && is_drained(c) ? begin_anew(c, now) : 0;
}

/* True: something is, and was blamed. */
static bool blame_overdue(Connection *c, usec_t now)
{
        if (now >= hold_overdue(c))
                blame(c, LINK_REASON_CLOSED,
                      "a cloud message could not be stored within %u s: it is not acknowledged, so that the hub "
                      "delivers it again",
                      (unsigned)(CONNECTION_HOLD_USEC / USEC_PER_SEC));
        else if (now >= ping_overdue(c))
                blame(c, LINK_REASON_SILENT, "the hub has not answered a ping for %u s",
                      (unsigned)(CONNECTION_PING_USEC / USEC_PER_SEC));
        else if (now >= suback_overdue(c))
                blame(c, LINK_REASON_SILENT, "the hub has not answered SUBSCRIBE for %u s",
                      (unsigned)(CONNECTION_SUBACK_USEC / USEC_PER_SEC));
        else if (now >= puback_overdue(c))
                blame(c, LINK_REASON_SILENT, "the hub has not acknowledged a message for %llu s",
                      (unsigned long long)((now - c->oldest_usec) / USEC_PER_SEC));
        else
                return false;
        return true;
}

static unsigned on_tick_connected(Connection *c, usec_t now)
{
        if (now >= drain_overdue(c))
                return begin_anew(c, now);
        if (blame_overdue(c, now))
                return CONNECTION_CLOSE | wait_for_next_try(c, 0, now);
        if (c->phase == CONNECTION_OPEN && now >= renewal_due(c))
                return drain(c, now);
        if (now >= ping_due(c)) {
                c->pinged_usec = c->spoke_usec = now;
                return CONNECTION_PING;
        }
        return 0;
}

static unsigned on_tick(Connection *c, usec_t now)
{
        if (is_connected(c))
                return on_tick_connected(c, now);
        if (now < c->deadline_usec)
                return 0;
        if (is_connecting(c)) {
                blame_overdue_step(c);
                return CONNECTION_CLOSE | wait_for_next_try(c, 0, now);
        }
        return c->phase == CONNECTION_WAITING ? begin(c, now) : 0;
}

/* A try that runs is not disturbed by the wish for one. */
static unsigned on_retry(Connection *c, usec_t now)
{
        if (c->phase == CONNECTION_WAITING)
                return begin(c, now);
        return is_connected(c) ? begin_anew(c, now) : 0;
}

/* New settings: what was learned of the old ones does not count. */
static unsigned on_renew(Connection *c, usec_t now)
{
        backoff_reset(&c->backoff);
        switch (c->phase) {
        case CONNECTION_OPEN:
                return drain(c, now);
        case CONNECTION_WAITING:
                return begin(c, now);
        case CONNECTION_LOOKUP:
        case CONNECTION_TCP:
        case CONNECTION_TLS:
        case CONNECTION_CONNACK:
        case CONNECTION_PROVISIONING:
                return begin_anew(c, now);
        default: /* stopped, not started, or on its way to a new connection */
                return 0;
        }
}

/* ---- the machine ---- */

unsigned connection_feed(Connection *c, const ConnectionEvent *event, usec_t now)
{
        switch (event->kind) {
        case CONNECTION_EVENT_START:
                if (c->phase != CONNECTION_OFFLINE && c->phase != CONNECTION_STOPPED)
                        return 0;
                blame(c, LINK_REASON_NONE, "%s", "");
                return begin(c, now);

        case CONNECTION_EVENT_STOP:
                return stop(c, event, now);

        case CONNECTION_EVENT_RETRY:
                return on_retry(c, now);

        case CONNECTION_EVENT_RENEW:
                return on_renew(c, now);

        case CONNECTION_EVENT_SENT:
                if (is_connected(c)) {
                        c->spoke_usec = now;
                        c->oldest_usec = event->oldest_usec;
                }
                return 0;

        case CONNECTION_EVENT_ASKED:
                if (is_connected(c))
                        c->asked_usec = MIN(c->asked_usec, now);
                return 0;

        case CONNECTION_EVENT_GRANTED:
                c->asked_usec = USEC_INFINITY;
                return 0;

        case CONNECTION_EVENT_HELD:
                if (is_connected(c))
                        c->held_usec = MIN(c->held_usec, now);
                return 0;

        case CONNECTION_EVENT_RELEASED:
                return is_connected(c) ? on_released(c, now) : 0;

        case CONNECTION_EVENT_UNFIT:
                if (!is_connected(c))
                        return 0;
                blame(c, event->reason, "%s", event->detail ? event->detail : "");
                return CONNECTION_CLOSE | wait_for_next_try(c, 0, now);

        case CONNECTION_EVENT_UNASSIGNED:
                if (!is_connecting(c))
                        return 0;
                blame(c, event->reason, "%s", event->detail ? event->detail : "");
                return CONNECTION_CLOSE | wait_for_next_try(c, event->peace_usec, now);

        case CONNECTION_EVENT_ASKING:
                if (is_connecting(c))
                        enter(c, CONNECTION_PROVISIONING, now);
                return 0;

        case CONNECTION_EVENT_ASSIGNED:
                return c->phase == CONNECTION_PROVISIONING ? CONNECTION_GOODBYE | begin(c, now) : 0;

        case CONNECTION_EVENT_STEP:
                if (is_connecting(c) && CONNECTION_LOOKUP + (int)event->step > (int)c->phase)
                        enter(c, CONNECTION_LOOKUP + event->step, now);
                return 0;

        case CONNECTION_EVENT_ACCEPTED:
                return is_connecting(c) ? open_link(c, now) : 0;

        case CONNECTION_EVENT_REFUSED:
                if (!is_connecting(c))
                        return 0;
                blame_refusal(c, event->code);
                return CONNECTION_CLOSE | wait_for_next_try(c, 0, now);

        case CONNECTION_EVENT_ENDED:
                if (!is_connecting(c) && !is_connected(c))
                        return 0;
                blame(c, event->reason, "%s", event->detail ? event->detail : "");
                return wait_for_next_try(c, 0, now);

        case CONNECTION_EVENT_PUBACK:
                return is_connected(c) ? on_puback(c, event, now) : 0;

        case CONNECTION_EVENT_ALIVE:
                return is_connected(c) ? on_alive(c, now) : 0;

        case CONNECTION_EVENT_TICK:
                return on_tick(c, now);

        case _CONNECTION_EVENT_MAX:
                break;
        }
        return 0;
}
