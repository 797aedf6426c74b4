/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What libmosquitto 2.0 does, and what is done about it here (mosquitto-client.c has the rest):
 *
 * - Its connect looks up the name and blocks.            The dialer's thread calls it, with a number.
 * - It tries one address only.                           The dialer tries one after the other.
 * - It keeps unacknowledged messages and sends them      One client for each connection, destroyed with it: what
 *   again, even what was published while offline.        is sent again is the uplink's business.
 */

#include "hub/transport-mosquitto.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/secret.h"
#include "hub/mosquitto-client.h"

/* What connect() was asked for. */
typedef struct Order {
        TransportTarget target; /* its texts are the order's */
        uint64_t generation;
} Order;

typedef struct MosquittoTransport {
        Transport transport; /* first */
        sd_event *event;
        TransportSink sink;
        ResolveFn resolve;
        usec_t patience_usec;

        Dial *dial; /* at most one thread */
        sd_event_source *dial_source;
        uint64_t dial_generation; /* 0: called off, the thread has yet to notice */
        usec_t called_off_usec;   /* when; boot clock */
        TransportStep dial_step;
        Order *next; /* to be dialled when the thread that was called off is back */

        MosquittoClient *client;
        uint64_t client_generation;
} MosquittoTransport;

static MosquittoTransport *transport_of(Transport *t)
{
        return container_of(t, MosquittoTransport, transport);
}

/* ---- orders ---- */

static void free_text(const char *text)
{
        free((char *)text);
}

static Order *order_free(Order *o)
{
        if (!o)
                return NULL;
        free_text(o->target.host);
        free_text(o->target.address);
        free_text(o->target.ca_file);
        free_text(o->target.client_id);
        free_text(o->target.username);
        secret_free((char *)o->target.password);
        free(o);
        return NULL;
}
DEFINE_CLEANUP(Order *, order_free);

static void order_free_void(void *userdata)
{
        order_free(userdata);
}

/* Puts a copy in the text's place; NULL, if there is none. */
static bool own_text(const char **text, const char *original)
{
        *text = original ? strdup(original) : NULL;
        return !original || *text;
}

static int order_new(Order **ret, const TransportTarget *target, uint64_t generation)
{
        _cleanup_(order_freep) Order *o = calloc(1, sizeof(*o));
        TransportTarget *own;

        if (!o)
                return -ENOMEM;
        own = &o->target;
        if (!own_text(&own->host, target->host) || !own_text(&own->address, target->address) ||
            !own_text(&own->ca_file, target->ca_file) || !own_text(&own->client_id, target->client_id) ||
            !own_text(&own->username, target->username) || !own_text(&own->password, target->password))
                return -ENOMEM;
        own->port = target->port;
        own->clean_session = target->clean_session;
        own->keepalive_usec = target->keepalive_usec;
        o->generation = generation;
        *ret = TAKE_PTR(o);
        return 0;
}

/* ---- telling ---- */

static void emit(MosquittoTransport *t, const TransportEvent *event)
{
        t->sink.event(t->sink.userdata, event);
}

/* MosquittoClientSink.event. Our own sink may close this connection within any event, or begin another: that one has
 * no client before its thread is back, so a client that stands here is the one that tells. */
static bool on_client(void *userdata, const TransportEvent *event)
{
        MosquittoTransport *t = userdata;
        TransportEvent e = *event;

        e.generation = t->client_generation;
        if (e.kind == TRANSPORT_ENDED)
                t->client = mosquitto_client_free(t->client);
        emit(t, &e);
        return t->client;
}

/* ---- dialling ---- */

static int dial_order(MosquittoTransport *t, Order *order);

/* DialOrder.connect, on the thread. */
static int dial_address(void *userdata, Dial *dial, const char *address, uint16_t port, void **ret_product)
{
        const Order *o = userdata;
        MosquittoClient *c;
        int r = mosquitto_client_dial(&c, &o->target, dial, address, port);

        if (r == 0)
                *ret_product = c;
        return r;
}

static void client_free_void(void *client)
{
        mosquitto_client_free(client);
}

static void dial_forget(MosquittoTransport *t)
{
        t->dial_source = sd_event_source_disable_unref(t->dial_source);
        t->dial = dial_free(t->dial);
        t->dial_generation = 0;
}

static void tell_dial(MosquittoTransport *t, uint64_t generation, LinkReason reason, const char *detail)
{
        emit(t, &(TransportEvent){
                        .kind = TRANSPORT_ENDED,
                        .generation = generation,
                        .reason = reason,
                        .detail = detail,
                });
}

/* The thread that was called off is back: now the newer order. */
static void dial_next(MosquittoTransport *t)
{
        Order *order = TAKE_PTR(t->next);
        uint64_t generation;
        int r;

        dial_forget(t);
        if (!order)
                return;
        generation = order->generation;
        r = dial_order(t, order);
        if (r < 0)
                tell_dial(t, generation, LINK_REASON_CLOSED, strerror(-r));
}

static void dial_ended(MosquittoTransport *t)
{
        uint64_t generation = t->dial_generation;
        char detail[DIALER_DETAIL_MAX];
        LinkReason reason;
        const char *words;
        MosquittoClient *c;
        int r;

        c = dial_take(t->dial, &reason, &words);
        (void)snprintf(detail, sizeof(detail), "%s", words);
        dial_forget(t);
        if (!c) {
                tell_dial(t, generation, reason, detail);
                return;
        }
        r = mosquitto_client_attach(c, t->event, &(MosquittoClientSink){on_client, t});
        if (r < 0) {
                mosquitto_client_free(c);
                tell_dial(t, generation, LINK_REASON_CLOSED, strerror(-r));
                return;
        }
        t->client = c;
        t->client_generation = generation;
}

static int on_dial(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        MosquittoTransport *t = userdata;
        TransportStep step;
        bool done = dial_progress(t->dial, &step);

        if (t->dial_generation == 0) {
                if (done)
                        dial_next(t);
                return 0;
        }
        if (step != t->dial_step) {
                Dial *dial = t->dial;

                t->dial_step = step;
                emit(t, &(TransportEvent){.kind = TRANSPORT_STEPPED, .generation = t->dial_generation, .step = step});
                if (t->dial != dial || t->dial_generation == 0) { /* the sink closed: ask again */
                        if (done && t->dial == dial)
                                dial_next(t);
                        return 0;
                }
        }
        if (done)
                dial_ended(t);
        return 0;
}

/* Takes the order in any case. */
static int dial_order(MosquittoTransport *t, Order *order)
{
        DialOrder dial = {
                .name = order->target.address ? order->target.address : order->target.host,
                .port = order->target.port,
                .resolve = t->resolve,
                .patience_usec = t->patience_usec,
                .connect = dial_address,
                .free_product = client_free_void,
                .free_userdata = order_free_void,
                .userdata = order,
        };
        uint64_t generation = order->generation;
        int r;

        r = dial_new(&t->dial, &dial);
        if (r < 0) {
                order_free(order);
                return r;
        }
        r = sd_event_add_io(t->event, &t->dial_source, dial_fd(t->dial), EPOLLIN, on_dial, t);
        if (r < 0) {
                dial_forget(t);
                return r;
        }
        t->dial_generation = generation;
        t->dial_step = TRANSPORT_STEP_LOOKUP;
        return 0;
}

/* ---- the row ---- */

static void mosquitto_transport_set_sink(Transport *transport, const TransportSink *sink)
{
        transport_of(transport)->sink = *sink;
}

static void mosquitto_transport_close(Transport *transport, bool graceful)
{
        MosquittoTransport *t = transport_of(transport);

        t->next = order_free(t->next);
        if (t->dial && t->dial_generation != 0) {
                dial_cancel(t->dial);
                t->dial_generation = 0;
                t->called_off_usec = clock_boot(&clock_system);
        }
        if (graceful && t->client)
                mosquitto_client_disconnect(t->client);
        t->client = mosquitto_client_free(t->client);
}

static int mosquitto_transport_connect(Transport *transport, const TransportTarget *target, uint64_t generation)
{
        MosquittoTransport *t = transport_of(transport);
        Order *order;
        int r;

        mosquitto_transport_close(transport, false);
        r = order_new(&order, target, generation);
        if (r < 0)
                return r;
        if (t->dial) { /* one thread at a time */
                t->next = order;
                return 0;
        }
        return dial_order(t, order);
}

static int mosquitto_transport_publish(Transport *transport, const char *topic, const void *payload, size_t size,
                                       int qos, int *ret_mid)
{
        MosquittoClient *c = transport_of(transport)->client;

        return c ? mosquitto_client_publish(c, topic, payload, size, qos, ret_mid) : -ENOTCONN;
}

static int mosquitto_transport_subscribe(Transport *transport, const char *const *filters, size_t n, int qos,
                                         int *ret_mid)
{
        MosquittoClient *c = transport_of(transport)->client;

        return c ? mosquitto_client_subscribe(c, filters, n, qos, ret_mid) : -ENOTCONN;
}

static int mosquitto_transport_unsubscribe(Transport *transport, const char *filter, int *ret_mid)
{
        MosquittoClient *c = transport_of(transport)->client;

        return c ? mosquitto_client_unsubscribe(c, filter, ret_mid) : -ENOTCONN;
}

static void mosquitto_transport_hold(Transport *transport, bool held)
{
        MosquittoClient *c = transport_of(transport)->client;

        if (c)
                mosquitto_client_hold(c, held);
}

static int mosquitto_transport_ping(Transport *transport)
{
        MosquittoClient *c = transport_of(transport)->client;

        return c ? mosquitto_client_ping(c) : -ENOTCONN;
}

static usec_t mosquitto_transport_hindered_since(const Transport *transport, ThreadIds *ret)
{
        const MosquittoTransport *t = container_of(transport, MosquittoTransport, transport);

        *ret = (ThreadIds){};
        if (!t->dial || t->dial_generation != 0)
                return USEC_INFINITY;
        thread_ids_add(ret, dial_thread(t->dial));
        return t->called_off_usec;
}

static Transport *mosquitto_transport_free(Transport *transport)
{
        MosquittoTransport *t = transport_of(transport);

        mosquitto_transport_close(transport, false);
        dial_forget(t);
        sd_event_unref(t->event);
        free(t);
        return NULL;
}

int transport_mosquitto_new_with(Transport **ret, sd_event *event, ResolveFn resolve, usec_t patience_usec)
{
        MosquittoTransport *t;
        int r;

        r = mosquitto_client_init_library();
        if (r < 0)
                return r;
        t = calloc(1, sizeof(*t));
        if (!t)
                return -ENOMEM;
        t->transport = (Transport){
                mosquitto_transport_set_sink,  mosquitto_transport_connect,     mosquitto_transport_publish,
                mosquitto_transport_subscribe, mosquitto_transport_unsubscribe, mosquitto_transport_hold,
                mosquitto_transport_ping,      mosquitto_transport_hindered_since, mosquitto_transport_close,
                mosquitto_transport_free,
        };
        t->event = sd_event_ref(event);
        t->resolve = resolve;
        t->patience_usec = patience_usec;
        *ret = &t->transport;
        return 0;
}

int transport_mosquitto_new(Transport **ret, sd_event *event)
{
        return transport_mosquitto_new_with(ret, event, getaddrinfo, TRANSPORT_ADDRESS_PATIENCE_USEC);
}
