/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/hub.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "azure/bag.h"
#include "base/iso-time.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/utf8.h"
#include "hub/connection.h"
#include "hub/identity.h"
#include "hub/link-log.h"
#include "hub/tickets.h"

#define TOPIC_SIZE_MAX      65535 /* what MQTT can say */
#define MESSAGE_ID_SIZE_MAX 128   /* what the hub takes */

static const char no_credential[] = "there is no connection string to be used (hub.connection_string_file)";

struct Hub {
        Transport *transport;
        const Clock *clock;
        HubSink sink;

        Identity *identity; /* NULL: no credential that can be used */
        Connection connection;
        Tickets tickets;
        LinkLog log;
        Buffer topic; /* kept for its memory */

        uint64_t generation; /* of the present connection */
        bool started;
        bool broken;              /* a publish failed; the transport's word on it is still to come */
        usec_t since_usec;        /* boot clock: the link is up, or down, since then */
        const char *fault;        /* why there is no identity */
        char why[CONNECTION_DETAIL_MAX]; /* there is no credential, as hub_explain() was told */
        char held[CONNECTION_DETAIL_MAX]; /* why it is not to be connected; "": it may */
};

static usec_t now_of(const Hub *hub)
{
        return clock_boot(hub->clock);
}

/* ---- what is told ---- */

static LinkNews news_of(const Hub *hub, usec_t now)
{
        const Connection *c = &hub->connection;

        return (LinkNews){
                .state = connection_state(c),
                .reason = c->reason,
                .detail = c->detail,
                .host = hub->identity ? hub->identity->host : "",
                .device_id = hub->identity ? hub->identity->client_id : "",
                .delay_usec = c->phase == CONNECTION_WAITING ? usec_sub(c->deadline_usec, now) : 0,
        };
}

/* Says in the log what the last event brought. */
static void tell(Hub *hub, LinkState before, usec_t now)
{
        LinkState after = connection_state(&hub->connection);
        LinkNews news = news_of(hub, now);

        if (after == LINK_CONNECTED && before != LINK_CONNECTED)
                link_log_connected(&hub->log, &news, now);
        else if (after == LINK_WAITING && before != LINK_WAITING)
                link_log_failed(&hub->log, &news, now);
        else if (after == LINK_STOPPED)
                link_log_stopped(&hub->log);
}

static bool is_up(LinkState state)
{
        return state == LINK_CONNECTED;
}

/* ---- the machine and its hands ---- */

static void feed(Hub *hub, const ConnectionEvent *event);

static int open_transport(Hub *hub)
{
        _cleanup_(secret_buffer_done) Buffer token = BUFFER_NULL;
        const Identity *i = hub->identity;
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
                                               /* A kept session could bring cloud messages, which the library
                                                * would acknowledge and nobody would have seen. */
                                               .clean_session = true,
                                               .keepalive_usec = i->keepalive_usec,
                                       },
                                       hub->generation);
}

/* What goes wrong before the transport has begun is told like what goes wrong later: as an end. */
static void act_connect(Hub *hub)
{
        int r = open_transport(hub);

        if (r < 0)
                feed(hub, &(ConnectionEvent){
                                  .kind = CONNECTION_EVENT_ENDED,
                                  .reason = LINK_REASON_CLOSED,
                                  .detail = strerror(-r),
                          });
}

static void act(Hub *hub, unsigned actions)
{
        if (actions & (CONNECTION_CLOSE | CONNECTION_GOODBYE))
                hub->transport->close(hub->transport, actions & CONNECTION_GOODBYE);
        if (actions & CONNECTION_LOST) {
                tickets_clear(&hub->tickets);
                hub->sink.lost(hub->sink.userdata);
        }
        if (actions & CONNECTION_CONNECT)
                act_connect(hub);
        if (actions & CONNECTION_READY)
                hub->sink.ready(hub->sink.userdata);
        if (actions & CONNECTION_PING)
                (void)hub->transport->ping(hub->transport); /* if it failed, no answer will come */
}

static void feed(Hub *hub, const ConnectionEvent *event)
{
        LinkState before = connection_state(&hub->connection), after;
        usec_t now = now_of(hub);
        unsigned actions = connection_feed(&hub->connection, event, now);

        after = connection_state(&hub->connection);
        if (after == before && actions == 0)
                return;
        if (is_up(before) != is_up(after) || after == LINK_STOPPED || before == LINK_STOPPED)
                hub->since_usec = now;
        tell(hub, before, now);
        act(hub, actions);
        if (after != before)
                hub->sink.changed(hub->sink.userdata);
}

static void feed_kind(Hub *hub, ConnectionEventKind kind)
{
        feed(hub, &(ConnectionEvent){.kind = kind});
}

/* ---- from below ---- */

static void on_published(Hub *hub, int mid)
{
        uint64_t ticket;

        if (!tickets_take(&hub->tickets, mid, &ticket))
                return;
        feed(hub, &(ConnectionEvent){.kind = CONNECTION_EVENT_PUBACK, .oldest_usec = tickets_oldest(&hub->tickets)});
        hub->sink.delivered(hub->sink.userdata, ticket);
}

static void on_transport(void *userdata, const TransportEvent *event)
{
        Hub *hub = userdata;

        if (event->generation != hub->generation)
                return;
        switch (event->kind) {
        case TRANSPORT_STEPPED:
                feed(hub, &(ConnectionEvent){.kind = CONNECTION_EVENT_STEP, .step = event->step});
                break;
        case TRANSPORT_CONNECTED:
                feed_kind(hub, CONNECTION_EVENT_ACCEPTED);
                break;
        case TRANSPORT_REFUSED:
                feed(hub, &(ConnectionEvent){.kind = CONNECTION_EVENT_REFUSED, .code = event->code});
                break;
        case TRANSPORT_ENDED:
                feed(hub, &(ConnectionEvent){
                                  .kind = CONNECTION_EVENT_ENDED,
                                  .reason = event->reason,
                                  .detail = event->detail,
                          });
                break;
        case TRANSPORT_PUBLISHED:
                on_published(hub, event->mid);
                break;
        case TRANSPORT_ALIVE:
                feed_kind(hub, CONNECTION_EVENT_ALIVE);
                break;
        }
}

/* ---- time ---- */

static usec_t hub_deadline(void *userdata)
{
        Hub *hub = userdata;

        return MIN(connection_deadline(&hub->connection), link_log_deadline(&hub->log));
}

static void hub_tick(void *userdata, usec_t now)
{
        Hub *hub = userdata;
        LinkNews news;

        feed_kind(hub, CONNECTION_EVENT_TICK);
        news = news_of(hub, now);
        link_log_tick(&hub->log, &news, now);
}

Ticker hub_ticker(Hub *hub)
{
        return (Ticker){"hub", hub_deadline, hub_tick, hub};
}

/* ---- life ---- */

static ConnectionSettings connection_settings(const HubSettings *s)
{
        return (ConnectionSettings){
                .keepalive_usec = s->keepalive_usec,
                .token_life_usec = s->token_life_usec,
                .backoff_first_usec = s->backoff_first_usec,
                .backoff_max_usec = s->backoff_max_usec,
        };
}

/* A credential that cannot be used is none; hub->fault tells why. */
static int make_identity(const HubSettings *settings, const ConnectionString *credential, Identity **ret,
                         const char **ret_fault)
{
        Identity *identity = NULL;
        const char *fault = no_credential;
        int r;

        if (credential) {
                r = identity_new(&identity, settings, credential, &fault);
                if (r < 0 && r != -EINVAL)
                        return r;
        }
        *ret = identity;
        *ret_fault = fault;
        return 0;
}

static ConnectionEvent stop_without_credential(const Hub *hub)
{
        return (ConnectionEvent){
                .kind = CONNECTION_EVENT_STOP,
                .reason = LINK_REASON_NO_CREDENTIAL,
                .detail = hub->fault == no_credential && hub->why[0] ? hub->why : hub->fault,
        };
}

/* It was not running before, so there is nothing to do and nothing to tell. */
static void begin_stopped(Hub *hub)
{
        ConnectionEvent stop = stop_without_credential(hub);

        (void)connection_feed(&hub->connection, &stop, now_of(hub));
}

int hub_new(Hub **ret, const HubSettings *settings, const ConnectionString *credential, Transport *transport,
            const Clock *clock, const Random *random, const HubSink *sink)
{
        ConnectionSettings cs = connection_settings(settings);
        Hub *hub;
        int r;

        hub = calloc(1, sizeof(*hub));
        if (!hub) {
                transport->free(transport);
                return -ENOMEM;
        }
        hub->transport = transport;
        r = make_identity(settings, credential, &hub->identity, &hub->fault);
        if (r < 0) {
                hub_free(hub);
                return r;
        }
        hub->clock = clock;
        hub->sink = *sink;
        hub->since_usec = now_of(hub);
        connection_init(&hub->connection, &cs, random);
        link_log_init(&hub->log, now_of(hub));
        transport->set_sink(transport, &(TransportSink){on_transport, hub});
        if (!hub->identity)
                begin_stopped(hub);
        *ret = hub;
        return 0;
}

Hub *hub_free(Hub *hub)
{
        if (!hub)
                return NULL;
        hub->transport->free(hub->transport);
        identity_free(hub->identity);
        tickets_done(&hub->tickets);
        buffer_done(&hub->topic);
        free(hub);
        return NULL;
}

void hub_start(Hub *hub)
{
        hub->started = true;
        if (hub->identity && hub->held[0])
                return;
        if (hub->identity)
                feed_kind(hub, CONNECTION_EVENT_START);
        else if (hub->fault != no_credential) /* else whoever gave none has said why */
                log_line(LOG_WARNING, NULL, LOG_FIELDS("HUBLINK_STATE=stopped", "HUBLINK_REASON=no-credential"),
                         "Not connecting: %s.", hub->fault);
}

/* Nobody wants to hear of it any more: the sink stays silent. */
void hub_stop(Hub *hub)
{
        unsigned actions = connection_feed(&hub->connection, &(ConnectionEvent){.kind = CONNECTION_EVENT_STOP},
                                           now_of(hub));

        if (hub->started)
                hub->since_usec = now_of(hub);
        hub->started = false;
        tickets_clear(&hub->tickets);
        link_log_stopped(&hub->log);
        if (actions & (CONNECTION_CLOSE | CONNECTION_GOODBYE))
                hub->transport->close(hub->transport, actions & CONNECTION_GOODBYE);
}

static void stop_held(Hub *hub)
{
        feed(hub, &(ConnectionEvent){.kind = CONNECTION_EVENT_STOP, .reason = LINK_REASON_NONE, .detail = hub->held});
}

void hub_hold(Hub *hub, const char *why)
{
        if (strcmp(hub->held, why ?: "") == 0)
                return;
        (void)snprintf(hub->held, sizeof(hub->held), "%s", why ?: "");
        if (!hub->identity)
                return;
        if (hub->held[0]) {
                log_line(LOG_WARNING, NULL, LOG_FIELDS("HUBLINK_STATE=stopped", "HUBLINK_REASON=none"),
                         "Not connecting: %s.", hub->held);
                stop_held(hub);
        } else if (hub->started)
                feed_kind(hub, CONNECTION_EVENT_START);
}

int hub_configure(Hub *hub, const HubSettings *settings, const ConnectionString *credential)
{
        ConnectionSettings cs = connection_settings(settings);
        _cleanup_(identity_freep) Identity *identity = NULL, *old = NULL;
        const char *fault;
        int r;

        r = make_identity(settings, credential, &identity, &fault);
        if (r < 0)
                return r;
        connection_configure(&hub->connection, &cs, now_of(hub));
        if (identity && identity_equal(identity, hub->identity))
                return 0;
        old = hub->identity;
        hub->identity = TAKE_PTR(identity);
        hub->fault = fault;
        if (!hub->identity) {
                ConnectionEvent stop = stop_without_credential(hub);

                feed(hub, &stop);
        } else if (hub->held[0])
                stop_held(hub);
        else if (hub->started)
                feed_kind(hub, old ? CONNECTION_EVENT_RENEW : CONNECTION_EVENT_START);
        return 0;
}

void hub_explain(Hub *hub, const char *why)
{
        (void)snprintf(hub->why, sizeof(hub->why), "%s", why);
        if (!hub->identity)
                begin_stopped(hub);
}

void hub_reconnect(Hub *hub)
{
        feed_kind(hub, CONNECTION_EVENT_RETRY);
}

/* ---- sending ---- */

static bool is_text(const char *s)
{
        return !s || utf8_is_valid(s, strlen(s));
}

/* What the hub would answer by closing the connection must never be sent: it would come back for ever. */
static bool properties_are_good(const Message *m)
{
        if (!is_text(m->message_id) || !is_text(m->correlation_id) || !is_text(m->content_type) ||
            !is_text(m->content_encoding))
                return false;
        if (m->message_id && strlen(m->message_id) > MESSAGE_ID_SIZE_MAX)
                return false;
        for (size_t i = 0; i < m->n_properties; i++)
                if (!*m->properties[i].name || !is_text(m->properties[i].name) || !is_text(m->properties[i].value))
                        return false;
        return true;
}

static void put_property(Buffer *b, size_t start, const char *name, const char *value)
{
        if (value)
                bag_append(b, start, name, value);
}

static void make_topic(Hub *hub, const Message *m)
{
        char created[ISO_TIME_MAX];
        Buffer *b = &hub->topic;
        size_t start;

        buffer_clear(b);
        buffer_append_string(b, hub->identity->topic);
        start = b->size;
        put_property(b, start, "$.mid", m->message_id);
        put_property(b, start, "$.cid", m->correlation_id);
        put_property(b, start, "$.ct", m->content_type);
        put_property(b, start, "$.ce", m->content_encoding);
        if (m->created_usec > 0) {
                (void)iso_time_format(m->created_usec, created);
                put_property(b, start, "$.ctime", created);
        }
        for (size_t i = 0; i < m->n_properties; i++)
                put_property(b, start, m->properties[i].name, m->properties[i].value);
}

int hub_send(Hub *hub, const Message *m, uint64_t ticket)
{
        int mid, r;

        if (message_size(m) > MESSAGE_SIZE_MAX)
                return HUB_E_TOO_LARGE;
        if (!properties_are_good(m))
                return HUB_E_BAD_PROPERTY;
        if (!hub_is_ready(hub))
                return HUB_E_NOT_READY;
        make_topic(hub, m);
        if (buffer_error(&hub->topic))
                return -ENOMEM;
        if (hub->topic.size > TOPIC_SIZE_MAX)
                return HUB_E_TOO_LARGE;
        r = tickets_reserve(&hub->tickets);
        if (r < 0)
                return r;
        r = hub->transport->publish(hub->transport, hub->topic.data, m->body.data, m->body.size, &mid);
        if (r < 0) {
                hub->broken = true;
                return HUB_E_NOT_READY;
        }
        tickets_add(&hub->tickets, ticket, mid, now_of(hub));
        feed(hub, &(ConnectionEvent){.kind = CONNECTION_EVENT_SENT, .oldest_usec = tickets_oldest(&hub->tickets)});
        return 0;
}

/* ---- questions ---- */

bool hub_is_ready(const Hub *hub)
{
        return connection_is_ready(&hub->connection) && !hub->broken;
}

/* Kept on the boot clock and translated when asked, so that they follow when the wall clock is set right. The two
 * clocks are read one after the other: finer than this the same moment would be another one at each asking. */
#define MOMENT_USEC (10 * USEC_PER_MSEC)

static usec_t wall_of(const Hub *hub, usec_t boot_usec)
{
        usec_t boot = clock_boot(hub->clock), wall = clock_wall(hub->clock);
        usec_t moment = boot_usec > boot ? usec_add(wall, boot_usec - boot) : usec_sub(wall, boot - boot_usec);

        return moment - moment % MOMENT_USEC;
}

void hub_status(const Hub *hub, HubStatus *ret)
{
        const Connection *c = &hub->connection;

        *ret = (HubStatus){
                .state = connection_state(c),
                .reason = c->reason,
                .since_usec = wall_of(hub, hub->since_usec),
                .next_attempt_usec = c->phase == CONNECTION_WAITING ? wall_of(hub, c->deadline_usec) : 0,
                .detail = c->detail,
                .host = hub->identity ? hub->identity->host : "",
                .device_id = hub->identity ? hub->identity->client_id : "",
        };
}
