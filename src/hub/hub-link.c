/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The link: one machine (hub/connection.h) that is fed with what comes from above, from below and with the time, and
 * the hands that do what it says.
 */

#include <string.h>

#include "base/secret.h"
#include "hub/hub-core.h"

/* ---- what is told ---- */

static LinkNews news_of(const Hub *hub, usec_t now)
{
        const Connection *c = &hub->connection;

        return (LinkNews){
                .state = connection_state(c),
                .reason = c->reason,
                .detail = c->detail,
                .host = hub->identity ? hub->identity->host
                      : hub->enrollment ? hub->enrollment->identity->host
                                        : "",
                .device_id = hub->identity ? hub->identity->client_id : "",
                .delay_usec = c->phase == CONNECTION_WAITING ? usec_sub(c->deadline_usec, now) : 0,
        };
}

/* Says in the log what the last event brought. */
static void tell(Hub *hub, LinkState before, usec_t now)
{
        LinkState after = connection_state(&hub->connection);
        LinkNews news = news_of(hub, now);

        if (after == LINK_CONNECTED && before != LINK_CONNECTED) {
                hub->n_connections++;
                link_log_connected(&hub->log, &news, now);
        } else if (after == LINK_WAITING && before != LINK_WAITING) {
                hub->n_failures[news.reason]++;
                link_log_failed(&hub->log, &news, now);
        } else if (after == LINK_STOPPED)
                link_log_stopped(&hub->log);
}

static bool is_up(LinkState state)
{
        return state == LINK_CONNECTED;
}

/* ---- the machine and its hands ---- */

static int open_transport(Hub *hub)
{
        _cleanup_(secret_buffer_done) Buffer token = BUFFER_NULL;
        const Identity *i = hub->asking ? hub->enrollment->identity : hub->identity;
        int r;

        r = identity_make_token(i, clock_wall(hub->clock), &token);
        if (r < 0)
                return r;
        hub->generation++;
        hub->broken = false;
        return hub->transport->connect(hub->transport,
                                       &(TransportTarget){
                                               .host = i->tls_name,
                                               .address = i->address,
                                               .port = i->port,
                                               .ca_file = i->ca_file,
                                               .client_id = i->client_id,
                                               .username = i->username,
                                               .password = token.data,
                                               /* A kept session brings cloud messages without being asked: they
                                                * need somebody who stores them. */
                                               .clean_session = hub->asking || !hub->takes_orders,
                                               .keepalive_usec = i->keepalive_usec,
                                       },
                                       hub->generation);
}

/* What goes wrong before the transport has begun is told like what goes wrong later: as an end. */
static void act_connect(Hub *hub)
{
        int r = 0;

        hub->asking = hub_must_ask(hub);
        if (hub->asking)
                r = hub_begin_asking(hub);
        else
                connection_name_peer(&hub->connection, "the hub");
        if (r >= 0)
                r = open_transport(hub);
        if (r < 0)
                hub_feed(hub, &(ConnectionEvent){
                                  .kind = CONNECTION_EVENT_ENDED,
                                  .reason = LINK_REASON_CLOSED,
                                  .detail = strerror(-r),
                          });
}

void hub_hang_up(Hub *hub, unsigned actions)
{
        provisioning_end(&hub->provisioning);
        hub->transport->close(hub->transport, actions & CONNECTION_GOODBYE);
}

static void act(Hub *hub, unsigned actions)
{
        if (actions & (CONNECTION_CLOSE | CONNECTION_GOODBYE))
                hub_hang_up(hub, actions);
        if (actions & CONNECTION_LOST) {
                tickets_clear(&hub->tickets);
                hub_orders_forget(hub);
                hub->sink.lost(hub->sink.userdata);
        }
        if (actions & CONNECTION_CONNECT)
                act_connect(hub);
        if (actions & CONNECTION_READY) {
                hub_orders_ask(hub);
                hub->sink.ready(hub->sink.userdata);
        }
        if (actions & CONNECTION_PING)
                (void)hub->transport->ping(hub->transport); /* if it failed, no answer will come */
}

void hub_feed(Hub *hub, const ConnectionEvent *event)
{
        LinkState before = connection_state(&hub->connection), after;
        usec_t now = hub_now(hub);
        unsigned actions = connection_feed(&hub->connection, event, now);

        after = connection_state(&hub->connection);
        if (after == before && actions == 0)
                return;
        hub_note_outcome(hub, event, actions, before);
        if (is_up(before) != is_up(after) || after == LINK_STOPPED || before == LINK_STOPPED)
                hub->since_usec = now;
        tell(hub, before, now);
        act(hub, actions);
        if (after != before || actions & CONNECTION_TELL)
                hub->sink.changed(hub->sink.userdata);
}

void hub_feed_kind(Hub *hub, ConnectionEventKind kind)
{
        hub_feed(hub, &(ConnectionEvent){.kind = kind});
}

void hub_drop(Hub *hub, const char *why)
{
        hub_feed(hub, &(ConnectionEvent){
                              .kind = CONNECTION_EVENT_UNFIT,
                              .reason = LINK_REASON_CLOSED,
                              .detail = why,
                      });
}

/* ---- from below ---- */

static void on_published(Hub *hub, int mid)
{
        uint64_t ticket;

        if (!tickets_take(&hub->tickets, mid, &ticket))
                return;
        hub_feed(hub, &(ConnectionEvent){
                              .kind = CONNECTION_EVENT_PUBACK, .oldest_usec = tickets_oldest(&hub->tickets)});
        hub->sink.delivered(hub->sink.userdata, ticket);
}

void hub_on_transport(void *userdata, const TransportEvent *event)
{
        Hub *hub = userdata;

        if (event->generation != hub->generation)
                return;
        if (hub->asking) {
                hub_asking_event(hub, event);
                return;
        }
        switch (event->kind) {
        case TRANSPORT_STEPPED:
                hub_feed(hub, &(ConnectionEvent){.kind = CONNECTION_EVENT_STEP, .step = event->step});
                break;
        case TRANSPORT_CONNECTED:
                hub_feed_kind(hub, CONNECTION_EVENT_ACCEPTED);
                break;
        case TRANSPORT_REFUSED:
                hub_feed(hub, &(ConnectionEvent){.kind = CONNECTION_EVENT_REFUSED, .code = event->code});
                break;
        case TRANSPORT_ENDED:
                hub_feed(hub, &(ConnectionEvent){
                                  .kind = CONNECTION_EVENT_ENDED,
                                  .reason = event->reason,
                                  .detail = event->detail,
                          });
                break;
        case TRANSPORT_PUBLISHED:
                on_published(hub, event->mid);
                break;
        case TRANSPORT_MESSAGE:
                hub_orders_heard(hub, &event->message);
                break;
        case TRANSPORT_SUBSCRIBED:
                hub_orders_granted(hub, event->mid, event->codes, event->n_codes);
                break;
        case TRANSPORT_UNSUBSCRIBED:
                hub_orders_given_up(hub, event->mid);
                break;
        case TRANSPORT_ALIVE:
                hub_feed_kind(hub, CONNECTION_EVENT_ALIVE);
                break;
        }
}

/* ---- time ---- */

static usec_t hub_deadline(void *userdata)
{
        Hub *hub = userdata;

        return MIN(MIN(connection_deadline(&hub->connection), provisioning_deadline(&hub->provisioning)),
                   link_log_deadline(&hub->log));
}

static void hub_tick(void *userdata, usec_t now)
{
        Hub *hub = userdata;
        LinkNews news;

        hub_asking_tick(hub);
        hub_feed_kind(hub, CONNECTION_EVENT_TICK);
        news = news_of(hub, now);
        link_log_tick(&hub->log, &news, now);
}

Ticker hub_ticker(Hub *hub)
{
        return (Ticker){"hub", hub_deadline, hub_tick, hub};
}
