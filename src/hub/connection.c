/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/connection-core.h"

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

static unsigned begin(Connection *c, usec_t now)
{
        enter(c, CONNECTION_LOOKUP, now);
        c->begun_usec = now;
        c->oldest_usec = c->pinged_usec = c->asked_usec = c->held_usec = USEC_INFINITY;
        c->owes = c->proven = false;
        return CONNECTION_CONNECT;
}

static unsigned open_link(Connection *c, usec_t now)
{
        enter(c, CONNECTION_OPEN, now);
        c->open_usec = c->heard_usec = c->spoke_usec = c->puback_usec = c->released_usec = now;
        connection_blame(c, LINK_REASON_NONE, "%s", "");
        if (connection_is_contested(c))
                connection_blame_rival(c, LINK_REASON_NONE);
        return CONNECTION_READY;
}

/* connection_blame() comes first. */
static unsigned wait_for_next_try(Connection *c, usec_t peace_usec, usec_t now)
{
        unsigned actions = connection_is_connected(c) ? CONNECTION_LOST : 0;

        c->tries = connection_is_connected(c) ? 0 : c->tries + 1;
        enter(c, CONNECTION_WAITING, now);
        c->peace_usec = usec_add(now, peace_usec);
        c->deadline_usec = usec_add(c->peace_usec, backoff_next(&c->backoff, c->random));
        return actions;
}

/* A planned end: neither backoff nor blame. */
static unsigned begin_anew(Connection *c, usec_t now)
{
        unsigned actions = connection_is_connected(c) ? CONNECTION_GOODBYE | CONNECTION_LOST : CONNECTION_CLOSE;

        return actions | begin(c, now);
}

static unsigned drain(Connection *c, usec_t now)
{
        if (connection_is_drained(c))
                return begin_anew(c, now);
        enter(c, CONNECTION_DRAINING, now);
        return 0;
}

static unsigned stop(Connection *c, const ConnectionEvent *event, usec_t now)
{
        unsigned actions = connection_is_connected(c) ? CONNECTION_GOODBYE | CONNECTION_LOST
                         : connection_is_connecting(c) ? CONNECTION_CLOSE
                                            : 0;

        enter(c, CONNECTION_STOPPED, now);
        c->oldest_usec = USEC_INFINITY;
        c->tries = c->n_brief = 0;
        backoff_reset(&c->backoff);
        connection_blame(c, event->reason, "%s", event->detail ? event->detail : "");
        return actions;
}

/* ---- what the peer lets us hear ---- */

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
        return c->phase == CONNECTION_DRAINING && connection_is_drained(c) ? begin_anew(c, now) : 0;
}

static unsigned on_released(Connection *c, usec_t now)
{
        c->held_usec = USEC_INFINITY;
        c->released_usec = now;
        return c->phase == CONNECTION_DRAINING && connection_is_drained(c) ? begin_anew(c, now) : 0;
}

static unsigned on_ended(Connection *c, const ConnectionEvent *event, usec_t now)
{
        connection_blame(c, event->reason, "%s", event->detail ? event->detail : "");
        if (connection_is_connected(c)) {
                bool brief = event->reason == LINK_REASON_CLOSED && now < usec_add(c->open_usec, CONNECTION_BRIEF_USEC);

                c->n_brief = brief ? c->n_brief + 1 : 0;
                if (connection_is_contested(c))
                        connection_blame_rival(c, event->reason);
        }
        return wait_for_next_try(c, 0, now);
}

/* ---- time ---- */

/* This one has lasted: whoever was there before is gone. */
static unsigned trust(Connection *c)
{
        c->n_brief = 0;
        connection_blame(c, LINK_REASON_NONE, "%s", "");
        return CONNECTION_TELL;
}

static unsigned on_tick_connected(Connection *c, usec_t now)
{
        unsigned actions = now >= connection_trust_due(c) ? trust(c) : 0;

        if (now >= connection_drain_overdue(c))
                return actions | begin_anew(c, now);
        if (connection_blame_overdue(c, now))
                return actions | CONNECTION_CLOSE | wait_for_next_try(c, 0, now);
        if (c->phase == CONNECTION_OPEN && now >= connection_renewal_due(c))
                return actions | drain(c, now);
        if (now >= connection_ping_due(c)) {
                c->pinged_usec = c->spoke_usec = now;
                return actions | CONNECTION_PING;
        }
        return actions;
}

static unsigned on_tick(Connection *c, usec_t now)
{
        if (connection_is_connected(c))
                return on_tick_connected(c, now);
        if (now < c->deadline_usec)
                return 0;
        if (connection_is_connecting(c)) {
                connection_blame_step(c);
                return CONNECTION_CLOSE | wait_for_next_try(c, 0, now);
        }
        return c->phase == CONNECTION_WAITING ? begin(c, now) : 0;
}

/* A try that runs is not disturbed by the wish for one. */
static unsigned on_retry(Connection *c, usec_t now)
{
        if (c->phase == CONNECTION_WAITING)
                return begin(c, now);
        return connection_is_connected(c) ? begin_anew(c, now) : 0;
}

/* New settings: what was learned of the old ones does not count. */
static unsigned on_renew(Connection *c, usec_t now)
{
        backoff_reset(&c->backoff);
        c->n_brief = 0;
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
                connection_blame(c, LINK_REASON_NONE, "%s", "");
                return begin(c, now);

        case CONNECTION_EVENT_STOP:
                return stop(c, event, now);

        case CONNECTION_EVENT_RETRY:
                return on_retry(c, now);

        case CONNECTION_EVENT_RENEW:
                return on_renew(c, now);

        case CONNECTION_EVENT_SENT:
                if (connection_is_connected(c)) {
                        c->spoke_usec = now;
                        c->oldest_usec = event->oldest_usec;
                }
                return 0;

        case CONNECTION_EVENT_ASKED:
                if (connection_is_connected(c))
                        c->asked_usec = MIN(c->asked_usec, now);
                return 0;

        case CONNECTION_EVENT_GRANTED:
                c->asked_usec = USEC_INFINITY;
                return 0;

        case CONNECTION_EVENT_HELD:
                if (connection_is_connected(c))
                        c->held_usec = MIN(c->held_usec, now);
                return 0;

        case CONNECTION_EVENT_RELEASED:
                return connection_is_connected(c) ? on_released(c, now) : 0;

        case CONNECTION_EVENT_CALLED:
        case CONNECTION_EVENT_ANSWERED: /* a planned end that waited for it comes with the next tick */
                if (connection_is_connected(c))
                        c->owes = event->kind == CONNECTION_EVENT_CALLED;
                return 0;

        case CONNECTION_EVENT_UNFIT:
                if (!connection_is_connected(c))
                        return 0;
                connection_blame(c, event->reason, "%s", event->detail ? event->detail : "");
                return CONNECTION_CLOSE | wait_for_next_try(c, 0, now);

        case CONNECTION_EVENT_UNASSIGNED:
                if (!connection_is_connecting(c))
                        return 0;
                connection_blame(c, event->reason, "%s", event->detail ? event->detail : "");
                return CONNECTION_CLOSE | wait_for_next_try(c, event->peace_usec, now);

        case CONNECTION_EVENT_ASKING:
                if (connection_is_connecting(c))
                        enter(c, CONNECTION_PROVISIONING, now);
                return 0;

        case CONNECTION_EVENT_ASSIGNED:
                return c->phase == CONNECTION_PROVISIONING ? CONNECTION_GOODBYE | begin(c, now) : 0;

        case CONNECTION_EVENT_STEP:
                if (connection_is_connecting(c) && CONNECTION_LOOKUP + (int)event->step > (int)c->phase)
                        enter(c, CONNECTION_LOOKUP + event->step, now);
                return 0;

        case CONNECTION_EVENT_ACCEPTED:
                return connection_is_connecting(c) ? open_link(c, now) : 0;

        case CONNECTION_EVENT_REFUSED:
                if (!connection_is_connecting(c))
                        return 0;
                connection_blame_refusal(c, event->code);
                return CONNECTION_CLOSE | wait_for_next_try(c, 0, now);

        case CONNECTION_EVENT_ENDED:
                if (!connection_is_connecting(c) && !connection_is_connected(c))
                        return 0;
                return on_ended(c, event, now);

        case CONNECTION_EVENT_PUBACK:
                return connection_is_connected(c) ? on_puback(c, event, now) : 0;

        case CONNECTION_EVENT_ALIVE:
                return connection_is_connected(c) ? on_alive(c, now) : 0;

        case CONNECTION_EVENT_TICK:
                return on_tick(c, now);

        case _CONNECTION_EVENT_MAX:
                break;
        }
        return 0;
}
