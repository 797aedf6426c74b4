/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/amqp/server.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "devhub/amqp/house.h"
#include "devhub/amqp/session.h"
#include "devhub/net/listener.h"
#include "devhub/net/websocket.h"

#define CONNECTIONS_MAX 512u

typedef struct Connection Connection;
struct Connection {
        Connection *next;
        AmqpServer *server;
        Wire *wire;
        WebSocket *websocket; /* NULL: AMQP stands on the wire itself */
        AmqpSession *session; /* from the end of the handshake on */
        bool ended;
};

struct AmqpServer {
        sd_event *event;
        TlsServer *(*newcomer)(void *userdata, bool *ret_stall);
        void (*begun)(void *userdata, Wire *wire);
        void *userdata;
        AmqpHouse house;
        Listener *over_tls, *plain;
        sd_event_source *later; /* what must not be done with a connection on the stack: */
        bool to_stir;
        usec_t wall_ahead_usec; /* of the boot clock, when it was last looked at */
        Connection *connections;
        unsigned n_connections;
};

/* ---- a connection ---- */

static Connection *connection_free(Connection *c)
{
        if (!c)
                return NULL;
        amqp_session_free(c->session);
        wire_free(c->wire);
        websocket_free(c->websocket);
        free(c);
        return NULL;
}
DEFINE_CLEANUP(Connection *, connection_free);

static void on_stirred(void *userdata)
{
        wire_settle(((Connection *)userdata)->wire);
}

static int begin(void *userdata, usec_t now)
{
        Connection *c = userdata;

        return amqp_session_new(&c->session, &c->server->house, wire_peer(c->wire), on_stirred, c, now);
}

static void feed(void *userdata, const void *data, size_t size, usec_t now)
{
        amqp_session_feed(((Connection *)userdata)->session, data, size, now);
}

static void tick(void *userdata, usec_t now)
{
        amqp_session_tick(((Connection *)userdata)->session, now);
}

static usec_t deadline(void *userdata)
{
        return amqp_session_deadline(((Connection *)userdata)->session);
}

static Buffer *output(void *userdata)
{
        return amqp_session_output(((Connection *)userdata)->session);
}

static bool is_over(void *userdata)
{
        return amqp_session_is_over(((Connection *)userdata)->session);
}

static void broke(void *userdata, const char *reason)
{
        amqp_session_broke(((Connection *)userdata)->session, reason);
}

static void ended(void *userdata)
{
        Connection *c = userdata;
        const char *reason = c->session ? amqp_session_reason(c->session) : "";

        log_info("%s: AMQP: closed%s%s", wire_peer(c->wire), *reason ? ": " : "", reason);
        c->ended = true;
        (void)sd_event_source_set_enabled(c->server->later, SD_EVENT_ONESHOT);
}

/* ---- those who come ---- */

static Conversation conversation_of(Connection *c)
{
        return (Conversation){begin, feed, tick, deadline, output, is_over, broke, ended, c};
}

static void keep(AmqpServer *s, Connection *c)
{
        c->next = s->connections;
        s->connections = c;
        s->n_connections++;
}

static int add_websocket(AmqpServer *s, const WireHandover *handover)
{
        _cleanup_(connection_freep) Connection *c = calloc(1, sizeof(*c));
        Conversation inner = conversation_of(c), outer;
        int r = c ? websocket_new(&c->websocket, &inner) : -ENOMEM;

        if (r < 0) {
                handover->release(handover->userdata);
                return r;
        }
        c->server = s;
        outer = websocket_conversation(c->websocket);
        r = wire_new_handover(&c->wire, s->event, handover, &outer);
        if (r < 0)
                return r;
        keep(s, c);
        if (handover->first_size > 0)
                wire_feed(c->wire, handover->first, handover->first_size);
        (void)TAKE_PTR(c);
        return 0;
}

void amqp_server_take_websocket(AmqpServer *s, const WireHandover *handover)
{
        if (s->n_connections >= CONNECTIONS_MAX) {
                log_warning("%s: AMQP: turned away: there are %u connections already", handover->peer, CONNECTIONS_MAX);
                handover->release(handover->userdata);
        } else if (add_websocket(s, handover) < 0) {
                log_warning("%s: AMQP: turned away: no memory", handover->peer);
        }
}

static int add_connection(AmqpServer *s, TlsServer *tls, bool stall, int fd, const char *peer)
{
        _cleanup_(connection_freep) Connection *c = calloc(1, sizeof(*c));
        Conversation conversation = conversation_of(c);
        int r;

        if (!c) {
                safe_close(fd);
                return -ENOMEM;
        }
        c->server = s;
        r = wire_new(&c->wire, s->event, tls, fd, peer, &conversation);
        if (r < 0)
                return r;
        wire_on_begin(c->wire, s->begun, s->userdata);
        if (stall)
                wire_stall(c->wire);
        keep(s, TAKE_PTR(c));
        return 0;
}

static void on_knock(AmqpServer *s, TlsServer *tls, bool stall, int fd, const char *peer)
{
        if (s->n_connections >= CONNECTIONS_MAX) {
                log_warning("%s: AMQP: turned away: there are %u connections already", peer, CONNECTIONS_MAX);
                safe_close(fd);
        } else if (add_connection(s, tls, stall, fd, peer) < 0) {
                log_warning("%s: AMQP: turned away: no memory", peer);
        }
}

static void on_tls_knock(void *userdata, int fd, const char *peer)
{
        AmqpServer *s = userdata;
        bool stall;
        TlsServer *tls = s->newcomer(s->userdata, &stall);

        on_knock(s, tls, stall, fd, peer);
}

static void on_plain_knock(void *userdata, int fd, const char *peer)
{
        on_knock(userdata, NULL, false, fd, peer);
}

/* ---- later ---- */

static void free_ended(AmqpServer *s)
{
        for (Connection **p = &s->connections; *p;) {
                Connection *c = *p;

                if (!c->ended) {
                        p = &c->next;
                        continue;
                }
                *p = c->next;
                connection_free(c);
                s->n_connections--;
        }
}

static int on_later(sd_event_source *source, void *userdata)
{
        AmqpServer *s = userdata;

        free_ended(s);
        if (s->to_stir) {
                s->to_stir = false;
                amqp_house_stir(&s->house);
        }
        return 0;
}

/* Told while a noun of the hub is at work. */
static void on_feedback(void *userdata)
{
        AmqpServer *s = userdata;

        s->to_stir = true;
        (void)sd_event_source_set_enabled(s->later, SD_EVENT_ONESHOT);
}

void amqp_server_committed(AmqpServer *s)
{
        amqp_house_committed(&s->house);
}

/* ---- the clock ---- */

static usec_t wall_ahead(const AmqpServer *s)
{
        const Clock *clock = s->house.hub->clock;

        return usec_sub(clock_wall(clock), clock_boot(clock));
}

/* The two clocks drift apart by less than this, while nobody moves one of them. */
static bool has_moved(const AmqpServer *s)
{
        usec_t now = wall_ahead(s), before = s->wall_ahead_usec;

        return MAX(now, before) - MIN(now, before) > USEC_PER_SEC;
}

static usec_t clock_deadline(void *userdata)
{
        return has_moved(userdata) ? 0 : USEC_INFINITY;
}

static void clock_tick(void *userdata, usec_t now)
{
        AmqpServer *s = userdata;

        s->wall_ahead_usec = wall_ahead(s);
        amqp_house_stir(&s->house); /* each looks at its deadline anew */
}

Ticker amqp_server_ticker(AmqpServer *s)
{
        return (Ticker){"amqp clock", clock_deadline, clock_tick, s};
}

/* ---- life ---- */

static int open_listeners(AmqpServer *s, const AmqpServerSettings *settings, uint16_t *ret_port, const char **ret_error)
{
        int r;

        *ret_port = settings->tls_port;
        r = listener_new(&s->over_tls, s->event, settings->listen, settings->tls_port, on_tls_knock, s, ret_error);
        if (r < 0)
                return r;
        *ret_port = settings->plain_port;
        return listener_new(&s->plain, s->event, settings->listen, settings->plain_port, on_plain_knock, s, ret_error);
}

int amqp_server_new(AmqpServer **ret, sd_event *event, const AmqpServerSettings *settings, const Hub *hub,
                    uint16_t *ret_port, const char **ret_error)
{
        _cleanup_(amqp_server_freep) AmqpServer *s = calloc(1, sizeof(*s));
        int r;

        *ret_error = "no memory";
        *ret_port = settings->tls_port;
        if (!s)
                return -ENOMEM;
        s->event = sd_event_ref(event);
        s->newcomer = settings->newcomer;
        s->begun = settings->begun;
        s->userdata = settings->userdata;
        r = amqp_house_init(&s->house, hub);
        if (r < 0) {
                *ret_error = "cannot read events";
                return r;
        }
        r = sd_event_add_defer(event, &s->later, on_later, s);
        if (r < 0)
                return r;
        (void)sd_event_source_set_enabled(s->later, SD_EVENT_OFF);
        r = open_listeners(s, settings, ret_port, ret_error);
        if (r < 0)
                return r;
        s->house.tls_port = listener_port(s->over_tls);
        s->wall_ahead_usec = wall_ahead(s);
        feedback_set_sink(hub->feedback, on_feedback, s);
        *ret = TAKE_PTR(s);
        return 0;
}

AmqpServer *amqp_server_free(AmqpServer *s)
{
        if (!s)
                return NULL;
        listener_free(s->over_tls);
        listener_free(s->plain);
        for (Connection *c = s->connections; c; c = c->next)
                c->ended = true;
        free_ended(s);
        if (s->house.hub)
                feedback_set_sink(s->house.hub->feedback, NULL, NULL);
        amqp_house_done(&s->house);
        sd_event_source_disable_unref(s->later);
        sd_event_unref(s->event);
        free(s);
        return NULL;
}

/* ---- questions ---- */

static void each(void *userdata, void (*visit)(void *visitor, Wire *wire), void *visitor)
{
        const AmqpServer *s = userdata;

        for (const Connection *c = s->connections; c; c = c->next)
                if (!c->ended && !c->websocket)
                        visit(visitor, c->wire);
}

Callers amqp_server_callers(AmqpServer *s)
{
        return (Callers){each, s};
}

uint16_t amqp_server_tls_port(const AmqpServer *s)
{
        return listener_port(s->over_tls);
}

uint16_t amqp_server_plain_port(const AmqpServer *s)
{
        return listener_port(s->plain);
}
