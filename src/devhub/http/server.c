/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/http/server.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/log.h"
#include "base/visible.h"
#include "devhub/http/call-core.h"
#include "devhub/http/handover.h"

#define CONNECTIONS_MAX 1024u
#define SILENCE_S       120u /* a connection that says nothing for so long is closed */
#define WEBSOCKETS_MAX 8

/* One request and its reply, from the request line to the last byte. */
typedef struct Exchange Exchange;
struct Exchange {
        HttpCall call;
        HttpServer *server;
        struct MHD_Connection *connection;
        bool dispatched;
        bool gone; /* the caller */

        bool asleep; /* in the list of such: */
        Exchange *previous, *next;
        Handover *handover;     /* NULL: it does not become a WebSocket, or has been one */
        sd_event_source *watch; /* of the socket, while it sleeps */
};

struct HttpServer {
        sd_event *event;
        const Hub *hub;
        const HttpRouter *router;
        struct MHD_Daemon *daemon;
        sd_event_source *io, *timer;
        Exchange *sleepers;
        bool has_woken; /* one of them, or another connection has something for the daemon, since it last ran */
        HttpWebSocket websockets[WEBSOCKETS_MAX];
        size_t n_websockets;
        Handovers handovers;
        HttpCertificate certificate;
        void *certificate_userdata;
};

/* ---- time ---- */

/* Neither the daemon's epoll nor its time-out tells of a connection that is resumed. */
static void arm_timer(HttpServer *s)
{
        MHD_UNSIGNED_LONG_LONG msec = 0;

        if (s->has_woken || MHD_get_timeout(s->daemon, &msec) == MHD_YES) {
                (void)sd_event_source_set_time_relative(s->timer, msec * USEC_PER_MSEC);
                (void)sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT);
        } else {
                (void)sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
        }
}

/* ---- sleep ---- */

static void wake(Exchange *x)
{
        if (!x->asleep)
                return;
        x->asleep = false;
        x->call.replied_later = NULL;
        if (x->previous)
                x->previous->next = x->next;
        else
                x->server->sleepers = x->next;
        if (x->next)
                x->next->previous = x->previous;
        x->watch = sd_event_source_disable_unref(x->watch);
        MHD_resume_connection(x->connection);
        x->server->has_woken = true;
        arm_timer(x->server);
}

static void on_replied_later(void *userdata)
{
        wake(userdata);
}

static void abandon(Exchange *x)
{
        x->gone = true;
        http_call_cancel(&x->call);
        wake(x);
}

/* A connection that its caller has half closed can carry no reply either: over TLS nobody does that. */
static int on_hang_up(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        Exchange *x = userdata;

        log_debug("%s: the caller has gone before the reply", http_call_title(&x->call));
        abandon(x);
        return 0;
}

/* -1: it has none any more. */
static int descriptor_of(const Exchange *x)
{
        const union MHD_ConnectionInfo *info =
                MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CONNECTION_FD);

        return info ? info->connect_fd : -1;
}

/* False: it cannot be watched; it is then answered into the void, should the caller go. */
static bool watch(Exchange *x)
{
        int fd = descriptor_of(x);

        return fd >= 0 && sd_event_add_io(x->server->event, &x->watch, fd, EPOLLRDHUP, on_hang_up, x) >= 0;
}

static void sleep_until_replied(Exchange *x)
{
        HttpServer *s = x->server;

        MHD_suspend_connection(x->connection);
        x->asleep = true;
        x->previous = NULL;
        x->next = s->sleepers;
        if (x->next)
                x->next->previous = x;
        s->sleepers = x;
        x->call.replied_later = on_replied_later;
        x->call.server_userdata = x;
        if (!watch(x))
                log_warning("%s: its socket cannot be watched", http_call_title(&x->call));
}

/* ---- a request ---- */

static void *on_request_line(void *userdata, const char *target, struct MHD_Connection *connection)
{
        HttpServer *s = userdata;
        Exchange *x = calloc(1, sizeof(*x));

        if (!x)
                return NULL;
        x->server = s;
        x->connection = connection;
        if (http_call_init(&x->call, s->hub, target) < 0) {
                http_call_done(&x->call);
                free(x);
                return NULL;
        }
        return x;
}

static enum MHD_Result take_header(void *userdata, enum MHD_ValueKind kind, const char *name, const char *value)
{
        HttpCall *call = userdata;

        return http_pairs_add(&call->headers, name, value ? value : "") < 0 ? MHD_NO : MHD_YES;
}

static int begin(Exchange *x, const char *method)
{
        x->call.method = strdup(method);
        if (!x->call.method)
                return -ENOMEM;
        MHD_get_connection_values(x->connection, MHD_HEADER_KIND, take_header, &x->call);
        return 0;
}

/* Someone who asks first, before a body that is too large, is told at once; anyone else is heard to the end,
 * else the refusal would meet a reset connection. */
static bool asks_in_vain(HttpCall *call)
{
        const char *length = http_call_header(call, "Content-Length");

        if (!http_call_header(call, "Expect") || !length || strtoull(length, NULL, 10) <= HTTP_BODY_MAX)
                return false;
        call->too_large = true;
        return true;
}

static enum MHD_Result send_reply(Exchange *x)
{
        HttpCall *call = &x->call;
        struct MHD_Response *response;
        enum MHD_Result r = MHD_YES;

        response = MHD_create_response_from_buffer(call->reply.size, call->reply.data, MHD_RESPMEM_PERSISTENT);
        if (!response)
                return MHD_NO;
        for (size_t i = 0; r == MHD_YES && i < call->reply_headers.n; i++)
                r = MHD_add_response_header(response, call->reply_headers.items[i].name,
                                            call->reply_headers.items[i].value);
        if (r == MHD_YES)
                r = MHD_queue_response(x->connection, call->status, response);
        MHD_destroy_response(response);
        log_debug("%s: %u%s%s", http_call_title(call), call->status, call->error_name ? " " : "",
                  call->error_name ? call->error_name : "");
        return r;
}

static enum MHD_Result upgrade(Exchange *x)
{
        HttpServer *s = x->server;
        const HttpWebSocket *socket = http_upgrade_find(&x->call, s->websockets, s->n_websockets);

        return socket ? handovers_begin(&s->handovers, x->connection, &x->call, socket, &x->handover) : send_reply(x);
}

static enum MHD_Result dispatch(Exchange *x)
{
        x->dispatched = true;
        if (http_upgrade_is_wanted(&x->call))
                return upgrade(x);
        if (x->server->certificate)
                x->call.certificate = x->server->certificate(x->server->certificate_userdata, descriptor_of(x));
        http_router_dispatch(x->server->router, &x->call);
        x->call.certificate = NULL; /* it goes with the connection */
        if (x->call.replied)
                return send_reply(x);
        sleep_until_replied(x);
        return MHD_YES;
}

/* Comes once for the headers, for each piece of the body, at its end, and when a sleeper was woken. */
static enum MHD_Result on_request(void *userdata, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data, size_t *size,
                                  void **context)
{
        Exchange *x = *context;

        if (!x || x->gone)
                return MHD_NO;
        if (x->dispatched)
                return x->call.replied ? send_reply(x) : MHD_YES;
        if (!x->call.method) {
                if (begin(x, method) < 0)
                        return MHD_NO;
                return asks_in_vain(&x->call) ? dispatch(x) : MHD_YES;
        }
        if (*size == 0)
                return dispatch(x);
        if (http_call_take_body(&x->call, data, *size) < 0)
                return MHD_NO;
        *size = 0;
        return MHD_YES;
}

static void on_completed(void *userdata, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode code)
{
        Exchange *x = *context;

        if (!x)
                return;
        *context = NULL;
        if (x->handover)
                handover_request_over(x->handover);
        http_call_cancel(&x->call);
        http_call_done(&x->call);
        free(x);
}

/* The router decodes, part by part. */
static size_t keep_encoded(void *userdata, struct MHD_Connection *connection, char *text)
{
        return strlen(text);
}

static void _printf_(2, 0) on_complaint(void *userdata, const char *fmt, va_list ap)
{
        _cleanup_(buffer_done) Buffer seen = BUFFER_NULL;
        char text[256];

        if (!log_wants(LOG_DEBUG))
                return;
        (void)vsnprintf(text, sizeof(text), fmt, ap);
        visible_text(&seen, text, strcspn(text, "\n"));
        log_debug("HTTP: %s", seen.size > 0 ? seen.data : "");
}

/* ---- the loop ---- */

static void run(HttpServer *s)
{
        s->has_woken = false;
        (void)MHD_run(s->daemon);
        arm_timer(s);
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        run(userdata);
        return 0;
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
        run(userdata);
        return 0;
}

/* Soon, but not on the stack of whoever says so. */
static void wake_daemon(void *userdata)
{
        HttpServer *s = userdata;

        s->has_woken = true;
        arm_timer(s);
}

static int add_sources(HttpServer *s)
{
        const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
        int r;

        if (!info)
                return -EOPNOTSUPP;
        r = sd_event_add_io(s->event, &s->io, info->epoll_fd, EPOLLIN, on_io, s);
        if (r < 0)
                return r;
        r = sd_event_add_time_relative(s->event, &s->timer, CLOCK_MONOTONIC, 0, USEC_PER_MSEC, on_time, s);
        return r < 0 ? r : sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
}

/* ---- life ---- */

static int start(HttpServer *s)
{
        unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG | MHD_ALLOW_SUSPEND_RESUME |
                         MHD_USE_SUPPRESS_DATE_NO_CLOCK | /* replies have that of the hub */
                         MHD_ALLOW_UPGRADE |
                         MHD_USE_ITC; /* wakes us for the last step of a connection that was handed over */

        s->daemon = MHD_start_daemon(
                flags, 0, NULL, NULL, on_request, s, MHD_OPTION_EXTERNAL_LOGGER, on_complaint, s,
                MHD_OPTION_UNESCAPE_CALLBACK, keep_encoded, s, MHD_OPTION_URI_LOG_CALLBACK, on_request_line, s,
                MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
                MHD_OPTION_CONNECTION_TIMEOUT, SILENCE_S, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
        return s->daemon ? 0 : -EIO;
}

int http_server_new(HttpServer **ret, sd_event *event, const Hub *hub, const HttpRouter *router)
{
        _cleanup_(http_server_freep) HttpServer *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        s->event = sd_event_ref(event);
        s->hub = hub;
        s->router = router;
        s->handovers = (Handovers){.wake = wake_daemon, .userdata = s};
        r = start(s);
        if (r < 0)
                return r;
        r = add_sources(s);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}

/* libmicrohttpd closes it, also when it has no room. */
int http_server_take(HttpServer *s, int fd, const struct sockaddr *peer, socklen_t size)
{
        int r = MHD_add_connection(s->daemon, fd, peer, size) == MHD_YES ? 0 : -EMFILE;

        wake_daemon(s);
        return r;
}

HttpServer *http_server_free(HttpServer *s)
{
        if (!s)
                return NULL;
        while (s->sleepers)
                abandon(s->sleepers);
        if (s->daemon)
                MHD_stop_daemon(s->daemon);
        sd_event_source_disable_unref(s->io);
        sd_event_source_disable_unref(s->timer);
        sd_event_unref(s->event);
        free(s);
        return NULL;
}

void http_server_on_certificate(HttpServer *s, HttpCertificate certificate, void *userdata)
{
        s->certificate = certificate;
        s->certificate_userdata = userdata;
}

int http_server_add_websocket(HttpServer *s, const HttpWebSocket *socket)
{
        if (s->n_websockets == WEBSOCKETS_MAX)
                return -ENOBUFS;
        s->websockets[s->n_websockets++] = *socket;
        return 0;
}
