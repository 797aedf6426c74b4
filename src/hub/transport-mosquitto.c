/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What libmosquitto 2.0 does, and what is done about it here:
 *
 * - Its connect looks up the name and blocks.            The dialer's thread calls it, with a number.
 * - It tries one address only.                           The dialer tries one after the other.
 * - It begins the TLS handshake before TCP stands, and   Just before the handshake, still on the thread, we wait
 *   then hides the cause of a failed connect, or spins.  for TCP ourselves and take the cause.
 * - SNI is the host that TCP goes to.                    TlsClient puts in the name at that same moment.
 * - A reset in the handshake is no error to it.          EPOLLERR or EPOLLHUP end the connection.
 * - A TLS failure comes without its callback.            Return codes count; callbacks only note.
 * - It keeps unacknowledged messages and sends them      One client for each connection, destroyed with it: what
 *   again, even what was published while offline.        is sent again is the uplink's business.
 * - Beyond 20 messages it queues.                        Its window is set to the most there is.
 * - It leaves data behind in OpenSSL.                    We read until nothing is pending.
 * - It closes its socket within its calls, and another   We watch a duplicate.
 *   thread may get the number.
 * - It acknowledges before we have seen the message.     Told that it is threaded, it only queues what it writes.
 * - Its keep-alive is a clock of its own that wants a    loop_misc() is never called; a ping is two bytes, and
 *   call each second.                                    when to ping is the hub's decision.
 */

#include "hub/transport-mosquitto.h"

#include <errno.h>
#include <fcntl.h>
#include <mosquitto.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/buffer.h"
#include "base/secret.h"
#include "base/tls-client.h"

#define KEEPALIVE_MIN_SEC 5 /* what the library takes */
#define DETAIL_MAX        512

typedef struct MosquittoTransport MosquittoTransport;

/* What connect() was asked for. */
typedef struct Order {
        char *host, *address, *ca_file, *client_id, *username, *password;
        uint16_t port;
        bool clean_session;
        int keepalive_sec;
        uint64_t generation;
} Order;

/* One connection, from the dialer's thread to its end. */
typedef struct Client {
        MosquittoTransport *transport; /* NULL on the thread */
        uint64_t generation;
        struct mosquitto *mosq;
        TlsClient *tls;

        /* on the thread */
        Dial *dial;
        int tcp_error;

        /* on the loop */
        int fd; /* a duplicate of the library's socket */
        sd_event_source *io;
        sd_event_source *pump;
        bool secured;
        bool accepted;   /* CONNACK 0 came, and was told */
        bool broken;     /* the library failed in a call from above: to be told from the loop */
        bool ping_owed;  /* once the packets before it are written */
        bool stuffed;    /* the kernel took no more */
        unsigned queued; /* messages since the last write */

        /* noted by callbacks */
        int connack; /* -1: none yet */
        Buffer mids;
        char tls_words[128];
} Client;

struct MosquittoTransport {
        Transport transport; /* first */
        sd_event *event;
        TransportSink sink;
        ResolveFn resolve;
        usec_t patience_usec;

        Dial *dial; /* at most one thread */
        sd_event_source *dial_source;
        uint64_t dial_generation; /* 0: called off, the thread has yet to notice */
        TransportStep dial_step;
        Order *next; /* to be dialled when the thread that was called off is back */
        Client *client;
};

static MosquittoTransport *transport_of(Transport *t)
{
        return container_of(t, MosquittoTransport, transport);
}

/* ---- orders ---- */

static Order *order_free(Order *o)
{
        if (!o)
                return NULL;
        free(o->host);
        free(o->address);
        free(o->ca_file);
        free(o->client_id);
        free(o->username);
        secret_free(o->password);
        free(o);
        return NULL;
}
DEFINE_CLEANUP(Order *, order_free);

static void order_free_void(void *userdata)
{
        order_free(userdata);
}

static bool copy_text(char **ret, const char *text)
{
        *ret = text ? strdup(text) : NULL;
        return !text || *ret;
}

static int order_new(Order **ret, const TransportTarget *target, uint64_t generation)
{
        _cleanup_(order_freep) Order *o = calloc(1, sizeof(*o));
        usec_t keepalive = target->keepalive_usec / USEC_PER_SEC;

        if (!o || !copy_text(&o->host, target->host) || !copy_text(&o->address, target->address) ||
            !copy_text(&o->ca_file, target->ca_file) || !copy_text(&o->client_id, target->client_id) ||
            !copy_text(&o->username, target->username) || !copy_text(&o->password, target->password))
                return -ENOMEM;
        o->port = target->port;
        o->clean_session = target->clean_session;
        o->keepalive_sec = (int)CLAMP(keepalive, (usec_t)KEEPALIVE_MIN_SEC, (usec_t)UINT16_MAX);
        o->generation = generation;
        *ret = TAKE_PTR(o);
        return 0;
}

/* ---- a client, born on the dialer's thread ---- */

static Client *client_free(Client *c)
{
        if (!c)
                return NULL;
        sd_event_source_disable_unref(c->io);
        sd_event_source_disable_unref(c->pump);
        safe_close(c->fd);
        if (c->mosq)
                mosquitto_destroy(c->mosq);
        tls_client_free(c->tls);
        buffer_done(&c->mids);
        free(c);
        return NULL;
}
DEFINE_CLEANUP(Client *, client_free);

static void client_free_void(void *client)
{
        client_free(client);
}

/* Callbacks may run on either thread and within the library: they only note. */

static void note_connack(struct mosquitto *mosq, void *userdata, int code)
{
        Client *c = userdata;

        c->connack = code;
}

static void note_puback(struct mosquitto *mosq, void *userdata, int mid)
{
        Client *c = userdata;

        buffer_append(&c->mids, &mid, sizeof(mid));
}

/* OpenSSL's own words pass here, and nowhere else: "OpenSSL Error[0]: error:0A00010B:SSL routines::wrong version
 * number". The first line tells most. */
static void note_log(struct mosquitto *mosq, void *userdata, int level, const char *text)
{
        Client *c = userdata;
        const char *words = strrchr(text, ':');

        if (level != MOSQ_LOG_ERR || *c->tls_words || !strstr(text, "OpenSSL") || !words)
                return;
        (void)snprintf(c->tls_words, sizeof(c->tls_words), "%s", words + 1);
}

static void wait_for_tcp(void *userdata, int fd)
{
        Client *c = userdata;

        if (!c->dial) /* on the loop: the handshake is under way */
                return;
        c->tcp_error = dial_wait_tcp(c->dial, fd);
}

/* What was refused, or else what ended the connection, in the words of a LinkReason. */
static LinkReason explain_tls(Client *c, char *detail, size_t size)
{
        const char *words;

        switch (tls_client_fault(c->tls, &words)) {
        case TLS_FAULT_UNTRUSTED:
                (void)snprintf(detail, size, "%s (hub.ca_file names the CAs to trust)", words);
                return LINK_REASON_TLS_UNTRUSTED;
        case TLS_FAULT_HOSTNAME:
                (void)snprintf(detail, size, "%s", words);
                return LINK_REASON_TLS_HOSTNAME;
        case TLS_FAULT_EXPIRED:
                (void)snprintf(detail, size, "%s", words);
                return LINK_REASON_TLS_EXPIRED;
        case TLS_FAULT_NONE:
                break;
        }
        if (*c->tls_words)
                (void)snprintf(detail, size, "the TLS handshake failed: %s", c->tls_words);
        else
                (void)snprintf(detail, size, "the peer closed the connection in the TLS handshake");
        return LINK_REASON_CLOSED;
}

static int prepare(Client *c, const Order *o)
{
        c->mosq = mosquitto_new(o->client_id, o->clean_session, c);
        if (!c->mosq)
                return -ENOMEM;
        mosquitto_connect_callback_set(c->mosq, note_connack);
        mosquitto_publish_callback_set(c->mosq, note_puback);
        mosquitto_log_callback_set(c->mosq, note_log);
        if (mosquitto_threaded_set(c->mosq, true) != MOSQ_ERR_SUCCESS ||
            mosquitto_username_pw_set(c->mosq, o->username, o->password) != MOSQ_ERR_SUCCESS ||
            mosquitto_int_option(c->mosq, MOSQ_OPT_SEND_MAXIMUM, UINT16_MAX) != MOSQ_ERR_SUCCESS ||
            mosquitto_int_option(c->mosq, MOSQ_OPT_TCP_NODELAY, 1) != MOSQ_ERR_SUCCESS ||
            mosquitto_int_option(c->mosq, MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0) != MOSQ_ERR_SUCCESS ||
            mosquitto_void_option(c->mosq, MOSQ_OPT_SSL_CTX, tls_client_context(c->tls)) != MOSQ_ERR_SUCCESS)
                return -ENOMEM;
        return 0;
}

/* DialOrder.connect: one address. */
static int client_dial(void *userdata, Dial *dial, const char *address, uint16_t port, void **ret)
{
        char words[TLS_CLIENT_WORDS_MAX] = "out of memory", detail[DETAIL_MAX];
        _cleanup_(client_freep) Client *c = calloc(1, sizeof(*c));
        const Order *o = userdata;
        LinkReason reason;
        int rc;

        if (!c)
                return -ENOMEM;
        c->fd = -1;
        c->connack = -1;
        c->dial = dial;
        c->generation = o->generation;
        rc = tls_client_new(&c->tls, o->host, o->ca_file, words);
        if (rc < 0) {
                dial_blame(dial, rc == -EBADMSG ? LINK_REASON_TLS_UNTRUSTED : LINK_REASON_CLOSED, "%s", words);
                return 1;
        }
        tls_client_before_handshake(c->tls, wait_for_tcp, c);
        rc = prepare(c, o);
        if (rc < 0)
                return rc;
        errno = 0;
        rc = mosquitto_connect_async(c->mosq, address, port, o->keepalive_sec);
        if (rc == MOSQ_ERR_ERRNO)
                return errno > 0 ? -errno : -EHOSTUNREACH;
        if (c->tcp_error < 0)
                return c->tcp_error;
        if (rc != MOSQ_ERR_SUCCESS) {
                reason = explain_tls(c, detail, sizeof(detail));
                dial_blame(dial, reason, "%s", detail);
                return 1;
        }
        c->dial = NULL;
        *ret = TAKE_PTR(c);
        return 0;
}

/* ---- telling ---- */

static void emit(MosquittoTransport *t, const TransportEvent *event)
{
        t->sink.event(t->sink.userdata, event);
}

/* The sink may close this connection, or begin another, from within any event. False: this client is no more. */
static bool tell(Client *c, const TransportEvent *event)
{
        MosquittoTransport *t = c->transport;
        TransportEvent e = *event;

        e.generation = c->generation;
        emit(t, &e);
        return t->client == c;
}

/* Ends the connection and tells it. The client is gone afterwards. */
static void end(Client *c, LinkReason reason, const char *detail)
{
        MosquittoTransport *t = c->transport;
        uint64_t generation = c->generation;
        char copy[DETAIL_MAX];

        (void)snprintf(copy, sizeof(copy), "%s", detail);
        t->client = client_free(c);
        emit(t, &(TransportEvent){
                        .kind = TRANSPORT_ENDED,
                        .generation = generation,
                        .reason = reason,
                        .detail = copy,
                });
}

/* error: a negative errno of the socket, or 0. */
static void end_with_cause(Client *c, int error)
{
        char detail[DETAIL_MAX], words[128];
        LinkReason reason = LINK_REASON_CLOSED;

        switch (-error) {
        case 0:
        case ECONNRESET:
        case EPIPE:
                if (!c->secured)
                        reason = explain_tls(c, detail, sizeof(detail));
                else
                        (void)snprintf(detail, sizeof(detail), "the hub closed the connection%s",
                                       c->accepted ? "" : " before it answered CONNECT");
                break;
        default:
                reason = LINK_REASON_NETWORK;
                (void)snprintf(detail, sizeof(detail), "the connection broke: %s",
                               strerror_r(-error, words, sizeof(words)));
                break;
        }
        end(c, reason, detail);
}

/* Tells what the callbacks noted. False: this client is no more. */
static bool tell_notes(Client *c)
{
        if (c->connack > 0) {
                if (tell(c, &(TransportEvent){.kind = TRANSPORT_REFUSED, .code = c->connack}))
                        end(c, LINK_REASON_CLOSED, "the hub refused the connection");
                return false;
        }
        if (c->connack == 0 && !c->accepted) {
                c->accepted = true;
                mosquitto_log_callback_set(c->mosq, NULL); /* it would format a line for each packet */
                if (!tell(c, &(TransportEvent){.kind = TRANSPORT_CONNECTED}))
                        return false;
        }
        for (size_t at = 0; at < c->mids.size; at += sizeof(int)) {
                int mid;

                memcpy(&mid, c->mids.data + at, sizeof(mid));
                if (!tell(c, &(TransportEvent){.kind = TRANSPORT_PUBLISHED, .mid = mid}))
                        return false;
        }
        if (buffer_error(&c->mids)) {
                end(c, LINK_REASON_CLOSED, "out of memory");
                return false;
        }
        buffer_clear(&c->mids);
        return true;
}

/* ---- reading and writing ---- */

/* The library goes on with the handshake in its loop_read(), whichever direction it waits for. */
static int read_all(Client *c)
{
        int rc;

        do
                rc = mosquitto_loop_read(c->mosq, 1);
        while (rc == MOSQ_ERR_SUCCESS && mosquitto_ssl_get(c->mosq) &&
               tls_client_pending(mosquitto_ssl_get(c->mosq)) > 0);
        return rc;
}

/* The library writes each packet by itself. Corked, they share segments: a window of small messages costs the line
 * and both kernels a few packets instead of one each. */
static void cork(Client *c, int on)
{
        (void)setsockopt(c->fd, IPPROTO_TCP, TCP_CORK, &on, sizeof(on));
}

static int write_queued(Client *c)
{
        bool several = c->queued > 1;
        int rc;

        c->queued = 0;
        if (!mosquitto_want_write(c->mosq))
                return MOSQ_ERR_SUCCESS;
        if (several)
                cork(c, true);
        rc = mosquitto_loop_write(c->mosq, 1);
        if (several)
                cork(c, false);
        return rc;
}

static int write_all(Client *c)
{
        static const char pingreq[] = {(char)0xc0, 0};
        int rc;

        if (!c->secured)
                return MOSQ_ERR_SUCCESS;
        rc = write_queued(c);
        if (rc != MOSQ_ERR_SUCCESS)
                return rc;
        c->stuffed = mosquitto_want_write(c->mosq);
        if (c->ping_owed && !c->stuffed) { /* never between the halves of a packet */
                c->ping_owed = false;
                if (tls_client_write(mosquitto_ssl_get(c->mosq), pingreq, sizeof(pingreq)) < 0)
                        return MOSQ_ERR_CONN_LOST;
        }
        return MOSQ_ERR_SUCCESS;
}

static void watch(Client *c)
{
        bool writing = c->secured ? c->stuffed : tls_client_wants_write(mosquitto_ssl_get(c->mosq));

        (void)sd_event_source_set_io_events(c->io, writing ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static bool notice_secured(Client *c)
{
        if (c->secured || !tls_client_is_secured(mosquitto_ssl_get(c->mosq)))
                return true;
        c->secured = true;
        return tell(c, &(TransportEvent){.kind = TRANSPORT_STEPPED, .step = TRANSPORT_STEP_CONNACK});
}

static int socket_error(int fd)
{
        int error = 0;
        socklen_t size = sizeof(error);

        return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? -errno : -error;
}

/* What the peer sent before it went is read first: it may hold the answer, such as a refusal. */
static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        Client *c = userdata;
        bool hung_up = events & (EPOLLERR | EPOLLHUP), was_stuffed = c->stuffed;
        int error = hung_up ? socket_error(fd) : 0, rc;

        rc = read_all(c);
        if (rc == MOSQ_ERR_SUCCESS && !notice_secured(c))
                return 0;
        if (!tell_notes(c))
                return 0;
        if (rc == MOSQ_ERR_SUCCESS && !hung_up)
                rc = write_all(c);
        if (rc != MOSQ_ERR_SUCCESS || hung_up) {
                end_with_cause(c, error);
                return 0;
        }
        watch(c);
        /* Room in a send buffer that was full means that the peer's TCP took something. */
        if (events & EPOLLIN || was_stuffed)
                (void)tell(c, &(TransportEvent){.kind = TRANSPORT_ALIVE});
        return 0;
}

/* Once per turn of the loop, after whatever was published in it. */
static int on_pump(sd_event_source *source, void *userdata)
{
        Client *c = userdata;

        if (!notice_secured(c))
                return 0;
        if (c->broken || write_all(c) != MOSQ_ERR_SUCCESS) {
                end_with_cause(c, 0);
                return 0;
        }
        watch(c);
        return 0;
}

/* From the thread to the loop. */
static int client_attach(Client *c, MosquittoTransport *t)
{
        int r;

        c->transport = t;
        c->fd = fcntl(mosquitto_socket(c->mosq), F_DUPFD_CLOEXEC, 3);
        if (c->fd < 0)
                return -errno;
        (void)fcntl(mosquitto_socket(c->mosq), F_SETFD, FD_CLOEXEC);
        r = sd_event_add_io(t->event, &c->io, c->fd, EPOLLIN, on_io, c);
        if (r < 0)
                return r;
        r = sd_event_add_defer(t->event, &c->pump, on_pump, c);
        if (r < 0)
                return r;
        /* A quick peer may have ended the handshake on the thread already: then nothing more comes from it until
         * CONNECT, which waits to be written, has gone out. */
        (void)sd_event_source_set_enabled(c->pump, SD_EVENT_ONESHOT);
        watch(c);
        return 0;
}

/* ---- dialling ---- */

static int dial_order(MosquittoTransport *t, Order *order);

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
        Client *c;
        int r;

        c = dial_take(t->dial, &reason, &words);
        (void)snprintf(detail, sizeof(detail), "%s", words);
        dial_forget(t);
        if (!c) {
                tell_dial(t, generation, reason, detail);
                return;
        }
        r = client_attach(c, t);
        if (r < 0) {
                client_free(c);
                tell_dial(t, generation, LINK_REASON_CLOSED, strerror(-r));
                return;
        }
        t->client = c;
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
                .name = order->address ? order->address : order->host,
                .port = order->port,
                .resolve = t->resolve,
                .patience_usec = t->patience_usec,
                .connect = client_dial,
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
        }
        if (graceful && t->client && t->client->accepted &&
            mosquitto_disconnect(t->client->mosq) == MOSQ_ERR_SUCCESS)
                (void)mosquitto_loop_write(t->client->mosq, 1);
        t->client = client_free(t->client);
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
                                       int *ret_mid)
{
        Client *c = transport_of(transport)->client;
        int rc;

        if (!c || !c->accepted || c->broken)
                return -ENOTCONN;
        rc = mosquitto_publish(c->mosq, ret_mid, topic, (int)size, payload, 1, false);
        c->queued++;
        (void)sd_event_source_set_enabled(c->pump, SD_EVENT_ONESHOT);
        if (rc != MOSQ_ERR_SUCCESS) {
                /* It may have kept the message all the same: only the client's end makes it forget. */
                c->broken = true;
                return rc == MOSQ_ERR_NOMEM ? -ENOMEM : -ENOTCONN;
        }
        return 0;
}

static int mosquitto_transport_ping(Transport *transport)
{
        Client *c = transport_of(transport)->client;

        if (!c || !c->accepted)
                return -ENOTCONN;
        c->ping_owed = true;
        return sd_event_source_set_enabled(c->pump, SD_EVENT_ONESHOT);
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
        MosquittoTransport *t = calloc(1, sizeof(*t));

        if (!t)
                return -ENOMEM;
        /* Never undone: a thread that hangs in a lookup may outlive this transport. */
        if (mosquitto_lib_init() != MOSQ_ERR_SUCCESS) {
                free(t);
                return -ENOMEM;
        }
        t->transport = (Transport){
                mosquitto_transport_set_sink, mosquitto_transport_connect, mosquitto_transport_publish,
                mosquitto_transport_ping,     mosquitto_transport_close,   mosquitto_transport_free,
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
