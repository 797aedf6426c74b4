/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What libmosquitto 2.0 does, and what is done about it here (transport-mosquitto.c has the rest):
 *
 * - It begins the TLS handshake before TCP stands, and   Just before the handshake, still on the thread, we wait
 *   then hides the cause of a failed connect, or spins.  for TCP ourselves and take the cause.
 * - Later ones (2.0.21) begin it with the first byte     We read once, still on the thread: that begins it.
 *   that is read or written, and do neither by
 *   themselves.
 * - SNI is the host that TCP goes to.                    TlsClient puts in the name at that same moment.
 * - A reset in the handshake is no error to it.          EPOLLERR or EPOLLHUP end the connection.
 * - A TLS failure comes without its callback.            Return codes count; callbacks only note.
 * - Beyond 20 messages it queues.                        Its window is set to the most there is.
 * - It leaves data behind in OpenSSL.                    We read until nothing is pending.
 * - It closes its socket within its calls, and another   We watch a duplicate.
 *   thread may get the number.
 * - It acknowledges before we have seen the message.     Told that it is threaded, it only queues what it writes. So
 *                                                        nothing is written before every message that was read is
 *                                                        told, nor while whoever was told holds the gate.
 * - It cannot take one acknowledgement back.             The client is freed instead, with what is queued.
 * - What it queues goes out in order.                    An UNSUBSCRIBE that is not to wait for the acknowledgements
 *                                                        before it is written past it.
 * - Its keep-alive is a clock of its own that wants a    loop_misc() is never called; a ping is two bytes, and
 *   call each second.                                    when to ping is the hub's decision.
 */

#include "hub/mosquitto-client.h"

#include <errno.h>
#include <fcntl.h>
#include <mosquitto.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/tls-client.h"
#include "hub/link-end.h"
#include "hub/notes.h"
#include "hub/tcp.h"
#include "hub/unsubscribe.h"

#define KEEPALIVE_MIN_SEC 5 /* what the library takes */

struct MosquittoClient {
        struct mosquitto *mosq;
        TlsClient *tls;
        LinkEnd end; /* what is known of it beforehand */

        /* on the thread */
        Dial *dial;
        int tcp_error;

        /* on the loop */
        MosquittoClientSink sink;
        int fd; /* a duplicate of the library's socket */
        sd_event_source *io;
        sd_event_source *pump;
        bool broken;     /* the library failed in a call from above: to be told from the loop */
        bool ping_owed;  /* once the packets before it are written */
        bool stuffed;    /* the kernel took no more */
        bool held;       /* nothing is to be written */
        unsigned queued; /* packets since the last write */
        unsigned n_past; /* packets that went past a held gate */

        /* noted by callbacks */
        int connack;     /* -1: none yet */
        Notes notes;     /* what came after it */
        size_t n_untold; /* messages among them whose acknowledgement is queued */
};

/* ---- born on the dialer's thread ---- */

int mosquitto_client_init_library(void)
{
        return mosquitto_lib_init() == MOSQ_ERR_SUCCESS ? 0 : -ENOMEM;
}

MosquittoClient *mosquitto_client_free(MosquittoClient *c)
{
        if (!c)
                return NULL;
        sd_event_source_disable_unref(c->io);
        sd_event_source_disable_unref(c->pump);
        safe_close(c->fd);
        if (c->mosq)
                mosquitto_destroy(c->mosq);
        tls_client_free(c->tls);
        notes_done(&c->notes);
        free(c);
        return NULL;
}

/* Callbacks may run on either thread and within the library: they only note. */

static void note_connack(struct mosquitto *mosq, void *userdata, int code)
{
        MosquittoClient *c = userdata;

        c->connack = code;
}

/* With QoS 0 this comes when the message is written. */
static void note_puback(struct mosquitto *mosq, void *userdata, int mid)
{
        MosquittoClient *c = userdata;

        notes_published(&c->notes, mid);
}

static void note_suback(struct mosquitto *mosq, void *userdata, int mid, int n_codes, const int *codes)
{
        MosquittoClient *c = userdata;

        notes_subscribed(&c->notes, mid, codes, n_codes);
}

static void note_unsuback(struct mosquitto *mosq, void *userdata, int mid)
{
        MosquittoClient *c = userdata;

        notes_unsubscribed(&c->notes, mid);
}

static void note_message(struct mosquitto *mosq, void *userdata, const struct mosquitto_message *m)
{
        MosquittoClient *c = userdata;

        notes_message(&c->notes,
                      &(TransportMessage){m->topic, m->payload, (size_t)m->payloadlen, m->qos, m->retain});
        c->n_untold += m->qos > 0;
}

/* OpenSSL's own words pass here, and nowhere else. */
static void note_log(struct mosquitto *mosq, void *userdata, int level, const char *text)
{
        MosquittoClient *c = userdata;

        if (level == MOSQ_LOG_ERR)
                link_end_note(&c->end, text);
}

static void wait_for_tcp(void *userdata, int fd)
{
        MosquittoClient *c = userdata;

        if (!c->dial) /* on the loop: the handshake is under way */
                return;
        c->tcp_error = dial_wait_tcp(c->dial, fd);
}

static int prepare(MosquittoClient *c, const TransportTarget *target)
{
        c->mosq = mosquitto_new(target->client_id, target->clean_session, c);
        if (!c->mosq)
                return -ENOMEM;
        mosquitto_connect_callback_set(c->mosq, note_connack);
        mosquitto_publish_callback_set(c->mosq, note_puback);
        mosquitto_subscribe_callback_set(c->mosq, note_suback);
        mosquitto_unsubscribe_callback_set(c->mosq, note_unsuback);
        mosquitto_message_callback_set(c->mosq, note_message);
        mosquitto_log_callback_set(c->mosq, note_log);
        if (mosquitto_threaded_set(c->mosq, true) != MOSQ_ERR_SUCCESS ||
            mosquitto_username_pw_set(c->mosq, target->username, target->password) != MOSQ_ERR_SUCCESS ||
            mosquitto_int_option(c->mosq, MOSQ_OPT_SEND_MAXIMUM, UINT16_MAX) != MOSQ_ERR_SUCCESS ||
            mosquitto_int_option(c->mosq, MOSQ_OPT_TCP_NODELAY, 1) != MOSQ_ERR_SUCCESS ||
            mosquitto_int_option(c->mosq, MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0) != MOSQ_ERR_SUCCESS ||
            mosquitto_void_option(c->mosq, MOSQ_OPT_SSL_CTX, tls_client_context(c->tls)) != MOSQ_ERR_SUCCESS)
                return -ENOMEM;
        return 0;
}

static int keepalive_sec(const TransportTarget *target)
{
        usec_t keepalive = target->keepalive_usec / USEC_PER_SEC;

        return (int)CLAMP(keepalive, (usec_t)KEEPALIVE_MIN_SEC, (usec_t)UINT16_MAX);
}

int mosquitto_client_dial(MosquittoClient **ret, const TransportTarget *target, Dial *dial, const char *address,
                          uint16_t port)
{
        char words[TLS_CLIENT_WORDS_MAX] = "out of memory", detail[LINK_END_DETAIL_MAX];
        _cleanup_(mosquitto_client_freep) MosquittoClient *c = calloc(1, sizeof(*c));
        LinkReason reason;
        int rc;

        if (!c)
                return -ENOMEM;
        c->fd = -1;
        c->connack = -1;
        c->dial = dial;
        c->end.own_cas = target->ca_file;
        rc = tls_client_new(&c->tls, target->host, target->ca_file, words);
        if (rc < 0) {
                dial_blame(dial, rc == -EBADMSG ? LINK_REASON_TLS_UNTRUSTED : LINK_REASON_CLOSED, "%s%s", words,
                           rc == -EBADMSG ? " (hub.ca_file)" : "");
                return 1;
        }
        tls_client_before_handshake(c->tls, wait_for_tcp, c);
        rc = prepare(c, target);
        if (rc < 0)
                return rc;
        errno = 0;
        rc = mosquitto_connect_async(c->mosq, address, port, keepalive_sec(target));
        if (rc == MOSQ_ERR_ERRNO)
                return errno > 0 ? -errno : -EHOSTUNREACH;
        if (rc == MOSQ_ERR_SUCCESS)
                rc = mosquitto_loop_read(c->mosq, 1);
        if (c->tcp_error < 0)
                return c->tcp_error;
        if (rc != MOSQ_ERR_SUCCESS) {
                reason = link_end_explain(&c->end, c->tls, 0, detail);
                dial_blame(dial, reason, "%s", detail);
                return 1;
        }
        c->dial = NULL;
        *ret = TAKE_PTR(c);
        return 0;
}

/* ---- telling ---- */

/* The sink may free this client within any event. False: it is no more. */
static bool tell(MosquittoClient *c, const TransportEvent *event)
{
        return c->sink.event(c->sink.userdata, event);
}

/* Tells the end. The client is gone afterwards. */
static void end(MosquittoClient *c, LinkReason reason, const char *detail)
{
        (void)tell(c, &(TransportEvent){.kind = TRANSPORT_ENDED, .reason = reason, .detail = detail});
}

/* error: a negative errno of the socket, or 0. */
static void end_with_cause(MosquittoClient *c, int error)
{
        char detail[LINK_END_DETAIL_MAX];
        LinkReason reason = link_end_explain(&c->end, c->tls, error, detail);

        end(c, reason, detail);
}

/* In the order in which they came. What is told is borrowed, and stays when the client does not: so the notes are ours
 * meanwhile. Nothing new is noted within, for nothing is read or written. */
static bool tell_what_came(MosquittoClient *c)
{
        _cleanup_(notes_done) Notes notes = c->notes;
        TransportEvent e;
        size_t at = 0;

        c->notes = (Notes){};
        while (notes_next(&notes, &at, &e)) {
                /* From here on it is the gate that keeps its acknowledgement. */
                c->n_untold -= e.kind == TRANSPORT_MESSAGE && e.message.qos > 0;
                if (!tell(c, &e))
                        return false;
        }
        if (notes_error(&notes) < 0) {
                end(c, LINK_REASON_CLOSED, "out of memory");
                return false;
        }
        notes_clear(&notes);
        c->notes = notes;
        notes = (Notes){};
        return true;
}

/* Tells what the callbacks noted. False: this client is no more. */
static bool tell_notes(MosquittoClient *c)
{
        if (c->connack > 0) {
                if (tell(c, &(TransportEvent){.kind = TRANSPORT_REFUSED, .code = c->connack}))
                        end(c, LINK_REASON_CLOSED, "the hub refused the connection");
                return false;
        }
        if (c->connack < 0)
                return true;
        if (!c->end.accepted) {
                c->end.accepted = true;
                mosquitto_log_callback_set(c->mosq, NULL); /* it would format a line for each packet */
                if (!tell(c, &(TransportEvent){.kind = TRANSPORT_CONNECTED}))
                        return false;
        }
        return !notes_any(&c->notes) || tell_what_came(c);
}

/* ---- reading and writing ---- */

/* The library goes on with the handshake in its loop_read(), whichever direction it waits for. */
static int read_all(MosquittoClient *c)
{
        int rc;

        do
                rc = mosquitto_loop_read(c->mosq, 1);
        while (rc == MOSQ_ERR_SUCCESS && mosquitto_ssl_get(c->mosq) &&
               tls_client_pending(mosquitto_ssl_get(c->mosq)) > 0);
        return rc;
}

/* The library writes each packet by itself. Corked, a window of small messages costs the line and both kernels a few
 * packets instead of one each. */
static int write_queued(MosquittoClient *c)
{
        bool several = c->queued > 1;
        int rc;

        c->queued = 0;
        if (!mosquitto_want_write(c->mosq))
                return MOSQ_ERR_SUCCESS;
        if (several)
                tcp_cork(c->fd, true);
        rc = mosquitto_loop_write(c->mosq, 1);
        if (several)
                tcp_cork(c->fd, false);
        return rc;
}

/* An acknowledgement is queued before its message is told, and goes out with whatever goes out. */
static bool may_write(const MosquittoClient *c)
{
        return c->end.secured && !c->held && c->n_untold == 0;
}

static int write_all(MosquittoClient *c)
{
        static const char pingreq[] = {(char)0xc0, 0};
        int rc;

        if (!may_write(c))
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

static void watch(MosquittoClient *c)
{
        bool writing = c->end.secured ? c->stuffed && !c->held : tls_client_wants_write(mosquitto_ssl_get(c->mosq));

        (void)sd_event_source_set_io_events(c->io, writing ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static bool notice_secured(MosquittoClient *c)
{
        if (c->end.secured || !tls_client_is_secured(mosquitto_ssl_get(c->mosq)))
                return true;
        c->end.secured = true;
        return tell(c, &(TransportEvent){.kind = TRANSPORT_STEPPED, .step = TRANSPORT_STEP_CONNACK});
}

/* What the peer sent before it went is read first: it may hold the answer, such as a refusal. */
static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        MosquittoClient *c = userdata;
        bool hung_up = events & (EPOLLERR | EPOLLHUP), was_stuffed = c->stuffed;
        int error = hung_up ? tcp_error(fd) : 0, rc;

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
        if (events & EPOLLIN || (was_stuffed && events & EPOLLOUT))
                (void)tell(c, &(TransportEvent){.kind = TRANSPORT_ALIVE});
        return 0;
}

/* Once per turn of the loop, after whatever was published in it. */
static int on_pump(sd_event_source *source, void *userdata)
{
        MosquittoClient *c = userdata;

        if (!notice_secured(c))
                return 0;
        if (c->broken || write_all(c) != MOSQ_ERR_SUCCESS) {
                end_with_cause(c, 0);
                return 0;
        }
        watch(c);
        return 0;
}

/* ---- from above, on the loop ---- */

int mosquitto_client_attach(MosquittoClient *c, sd_event *event, const MosquittoClientSink *sink)
{
        int r;

        c->sink = *sink;
        c->fd = fcntl(mosquitto_socket(c->mosq), F_DUPFD_CLOEXEC, 3);
        if (c->fd < 0)
                return -errno;
        (void)fcntl(mosquitto_socket(c->mosq), F_SETFD, FD_CLOEXEC);
        r = sd_event_add_io(event, &c->io, c->fd, EPOLLIN, on_io, c);
        if (r < 0)
                return r;
        r = sd_event_add_defer(event, &c->pump, on_pump, c);
        if (r < 0)
                return r;
        /* A quick peer may have ended the handshake on the thread already: then nothing more comes from it until
         * CONNECT, which waits to be written, has gone out. */
        (void)sd_event_source_set_enabled(c->pump, SD_EVENT_ONESHOT);
        watch(c);
        return 0;
}

/* After each call that queues a packet. */
static int queued(MosquittoClient *c, int rc)
{
        c->queued++;
        (void)sd_event_source_set_enabled(c->pump, SD_EVENT_ONESHOT);
        if (rc == MOSQ_ERR_SUCCESS)
                return 0;
        /* It may have kept the message all the same: only the client's end makes it forget. */
        c->broken = true;
        return rc == MOSQ_ERR_NOMEM ? -ENOMEM : -ENOTCONN;
}

static bool is_open(const MosquittoClient *c)
{
        return c->end.accepted && !c->broken;
}

int mosquitto_client_publish(MosquittoClient *c, const char *topic, const void *payload, size_t size, int qos,
                             int *ret_mid)
{
        if (!is_open(c))
                return -ENOTCONN;
        return queued(c, mosquitto_publish(c->mosq, ret_mid, topic, (int)size, payload, qos, false));
}

int mosquitto_client_subscribe(MosquittoClient *c, const char *const *filters, size_t n, int qos, int *ret_mid)
{
        if (!is_open(c))
                return -ENOTCONN;
        return queued(c, mosquitto_subscribe_multiple(c->mosq, ret_mid, (int)n, (char *const *)filters, qos, 0, NULL));
}

/* The library's queue has the acknowledgements in it that are not to go out: so this one passes it by, under a number
 * that the library does not come to. */
static int unsubscribe_past_the_gate(MosquittoClient *c, const char *filter, int *ret_mid)
{
        uint8_t packet[UNSUBSCRIBE_MAX];
        size_t size;

        *ret_mid = UINT16_MAX - (int)(c->n_past++ % 256);
        size = unsubscribe_make(packet, filter, *ret_mid);
        if (tls_client_write(mosquitto_ssl_get(c->mosq), packet, size) == 0)
                return 0;
        c->broken = true;
        (void)sd_event_source_set_enabled(c->pump, SD_EVENT_ONESHOT);
        return -ENOTCONN;
}

int mosquitto_client_unsubscribe(MosquittoClient *c, const char *filter, int *ret_mid)
{
        if (!is_open(c))
                return -ENOTCONN;
        /* never between the halves of a packet */
        if (!may_write(c) && !c->stuffed && strlen(filter) <= UNSUBSCRIBE_FILTER_MAX)
                return unsubscribe_past_the_gate(c, filter, ret_mid);
        return queued(c, mosquitto_unsubscribe(c->mosq, ret_mid, filter));
}

void mosquitto_client_hold(MosquittoClient *c, bool held)
{
        c->held = held;
        if (!held)
                (void)sd_event_source_set_enabled(c->pump, SD_EVENT_ONESHOT);
        watch(c);
}

int mosquitto_client_ping(MosquittoClient *c)
{
        if (!c->end.accepted)
                return -ENOTCONN;
        c->ping_owed = true;
        return sd_event_source_set_enabled(c->pump, SD_EVENT_ONESHOT);
}

void mosquitto_client_disconnect(MosquittoClient *c)
{
        if (c->end.accepted && may_write(c) && mosquitto_disconnect(c->mosq) == MOSQ_ERR_SUCCESS)
                (void)mosquitto_loop_write(c->mosq, 1);
}
