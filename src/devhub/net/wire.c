/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/net/wire.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/log.h"

#define HANDSHAKE_WITHIN_USEC (60 * USEC_PER_SEC)
#define READS_A_TURN          16              /* then others have their turn */
#define OUTPUT_HIGH           ((size_t)65536) /* a client that does not read is not read either */
#define TIMER_ACCURACY_USEC   (5 * USEC_PER_MSEC) /* delayed PUBACKs are measured by tests */
#define LINGER_USEC           (2 * USEC_PER_SEC)  /* to get the last words out */

struct Wire {
        Conversation conversation;
        TlsStream *stream; /* NULL: without TLS */
        int fd;            /* the stream's, or our own */
        bool begun, ended, stalled, silent;
        char *peer;
        Certificate *certificate; /* NULL: none was shown, or nobody asked yet */
        void (*release)(void *userdata);
        void *release_userdata;
        void (*told)(void *userdata, Wire *wire); /* that it has begun; or NULL */
        void *told_userdata;
        sd_event_source *io, *timer;
        uint32_t events;
        usec_t timer_usec;
        usec_t give_up_usec; /* end of the handshake's patience, or of the linger */
};

static usec_t boot_now(void)
{
        return clock_boot(&clock_system);
}

Wire *wire_free(Wire *w)
{
        if (!w)
                return NULL;
        sd_event_source_disable_unref(w->io);
        sd_event_source_disable_unref(w->timer);
        if (w->stream)
                tls_stream_free(w->stream);
        else if (w->release)
                w->release(w->release_userdata);
        else
                safe_close(w->fd);
        certificate_free(w->certificate);
        free(w->peer);
        free(w);
        return NULL;
}

/* ---- the socket ---- */

static ssize_t wire_read(Wire *w, void *data, size_t size)
{
        ssize_t n;

        if (w->stream)
                return tls_stream_read(w->stream, data, size);
        n = recv(w->fd, data, size, 0);
        return n < 0 ? -errno : n;
}

static ssize_t wire_write(Wire *w, const void *data, size_t size)
{
        ssize_t n;

        if (w->stream)
                return tls_stream_write(w->stream, data, size);
        n = send(w->fd, data, size, MSG_NOSIGNAL);
        return n < 0 ? -errno : n;
}

static uint32_t events_to_write(const Wire *w)
{
        return w->stream ? tls_stream_events(w->stream) : EPOLLOUT;
}

/* ---- the end ---- */

void wire_end(Wire *w)
{
        if (w->ended)
                return;
        w->ended = true;
        (void)sd_event_source_set_enabled(w->io, SD_EVENT_OFF);
        (void)sd_event_source_set_enabled(w->timer, SD_EVENT_OFF);
        w->conversation.ended(w->conversation.userdata);
}

void wire_reset(Wire *w)
{
        struct sockaddr nobody = {.sa_family = AF_UNSPEC};

        (void)connect(w->fd, &nobody, sizeof(nobody)); /* now: closing the stream would still say good-bye */
        wire_end(w);
}

void wire_stall(Wire *w)
{
        w->stalled = true;
        wire_settle(w);
}

void wire_silence(Wire *w)
{
        w->silent = true;
        wire_settle(w);
}

/* The conversation goes on while the socket is gone: it has to be told, for its owner asks it why it ended. */
static void end_with(Wire *w, const char *reason)
{
        if (w->begun)
                w->conversation.broke(w->conversation.userdata, reason);
        wire_end(w);
}

/* ---- bytes out ---- */

/* false: it has ended */
static bool send_output(Wire *w)
{
        Buffer *output = w->conversation.output(w->conversation.userdata);
        size_t sent = 0;

        while (sent < output->size) {
                ssize_t n = wire_write(w, output->data + sent, output->size - sent);

                if (n == -EAGAIN)
                        break;
                if (n < 0) {
                        end_with(w, "the connection broke");
                        return false;
                }
                sent += (size_t)n;
        }
        if (sent > 0) {
                memmove(output->data, output->data + sent, output->size - sent);
                buffer_truncate(output, output->size - sent);
                if (w->conversation.sent)
                        w->conversation.sent(w->conversation.userdata);
        }
        return true;
}

/* ---- what to wait for ---- */

static bool is_full(const Wire *w)
{
        return w->conversation.is_full && w->conversation.is_full(w->conversation.userdata);
}

static void arm_timer(Wire *w)
{
        usec_t deadline = w->give_up_usec;

        if (w->begun)
                deadline = MIN(deadline, w->conversation.deadline(w->conversation.userdata));
        /* A later deadline is found when the timer fires: keep-alive moves with every packet, timers need not. */
        if (deadline >= w->timer_usec)
                return;
        w->timer_usec = deadline;
        (void)sd_event_source_set_time(w->timer, deadline);
        (void)sd_event_source_set_enabled(w->timer, SD_EVENT_ONESHOT);
}

static void arm_io(Wire *w)
{
        uint32_t events = EPOLLIN;

        if (w->stalled) {
                events = 0;
        } else if (w->silent) {
                events = EPOLLIN;
        } else if (!w->begun) {
                events = w->stream ? tls_stream_events(w->stream) : EPOLLIN;
        } else {
                size_t waiting = w->conversation.output(w->conversation.userdata)->size;

                if (waiting > OUTPUT_HIGH || is_full(w) || w->conversation.is_over(w->conversation.userdata))
                        events = 0;
                if (waiting > 0)
                        events |= events_to_write(w);
        }
        if (events == w->events)
                return;
        w->events = events;
        (void)sd_event_source_set_io_events(w->io, events);
}

/* What it would say goes nowhere; its time stands still. */
static void settle_silently(Wire *w)
{
        buffer_clear(w->conversation.output(w->conversation.userdata));
        arm_io(w);
        (void)sd_event_source_set_enabled(w->timer, SD_EVENT_OFF);
}

void wire_settle(Wire *w)
{
        if (w->ended)
                return;
        if (w->begun && w->silent) {
                settle_silently(w);
                return;
        }
        if (w->begun) {
                if (!send_output(w))
                        return;
                if (w->conversation.is_over(w->conversation.userdata)) {
                        if (w->conversation.output(w->conversation.userdata)->size == 0) {
                                wire_end(w);
                                return;
                        }
                        if (w->give_up_usec == USEC_INFINITY)
                                w->give_up_usec = usec_add(boot_now(), LINGER_USEC);
                }
        }
        arm_io(w);
        arm_timer(w);
}

/* ---- bytes in ---- */

static void begin(Wire *w)
{
        if (w->conversation.begin(w->conversation.userdata, boot_now()) < 0) {
                log_warning("%s: closed: no memory", w->peer);
                wire_end(w);
                return;
        }
        w->begun = true;
        w->give_up_usec = USEC_INFINITY;
        if (w->told)
                w->told(w->told_userdata, w);
}

/* Without TLS it begins with the first bytes. */
static void open_conversation(Wire *w)
{
        int r = w->stream ? tls_stream_handshake(w->stream) : 0;

        if (r == -EAGAIN)
                return;
        if (r < 0) {
                log_info("%s: no TLS: %s", w->peer, tls_stream_error(w->stream));
                wire_end(w);
                return;
        }
        begin(w);
}

static void receive(Wire *w)
{
        char chunk[TLS_RECORD_MAX];

        for (int i = 0; i < READS_A_TURN; i++) {
                ssize_t n;

                if (!w->silent && (w->conversation.is_over(w->conversation.userdata) || is_full(w) ||
                                   w->conversation.output(w->conversation.userdata)->size > OUTPUT_HIGH))
                        return;
                n = wire_read(w, chunk, sizeof(chunk));
                if (n == -EAGAIN)
                        return;
                if (n <= 0) {
                        end_with(w, n == 0 ? "the client closed without a good-bye" : "the connection broke");
                        return;
                }
                if (!w->silent)
                        w->conversation.feed(w->conversation.userdata, chunk, (size_t)n, boot_now());
        }
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        Wire *w = userdata;

        if (!w->begun)
                open_conversation(w);
        if (!w->ended && w->begun)
                receive(w);
        /* epoll tells of an end also when nothing is waited for, again and again */
        if (!w->ended && (revents & (EPOLLERR | EPOLLHUP)) && w->events == 0)
                end_with(w, "the connection broke");
        wire_settle(w);
        return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        Wire *w = userdata;
        usec_t now = boot_now();

        w->timer_usec = USEC_INFINITY;
        if (now >= w->give_up_usec) {
                if (!w->begun)
                        log_info("%s: closed: no %s within 60 s", w->peer, w->stream ? "TLS handshake" : "word");
                wire_end(w);
                return 0;
        }
        if (w->begun)
                w->conversation.tick(w->conversation.userdata, now);
        wire_settle(w);
        return 0;
}

/* ---- life ---- */

static int take_socket(Wire *w, TlsServer *server, int *fd)
{
        int r = server ? tls_stream_new(&w->stream, server, *fd) : 0;

        if (r < 0)
                return r;
        w->fd = TAKE_FD(*fd);
        return 0;
}

/* The socket is there. */
static int begin_wire(Wire *w, sd_event *event, const char *peer, const Conversation *conversation)
{
        int r;

        w->conversation = *conversation;
        w->timer_usec = w->give_up_usec = usec_add(boot_now(), HANDSHAKE_WITHIN_USEC);
        w->peer = strdup(peer);
        if (!w->peer)
                return -ENOMEM;
        w->events = EPOLLIN;
        r = sd_event_add_io(event, &w->io, w->fd, w->events, on_io, w);
        if (r < 0)
                return r;
        return sd_event_add_time(event, &w->timer, CLOCK_BOOTTIME, w->give_up_usec, TIMER_ACCURACY_USEC, on_timer, w);
}

int wire_new(Wire **ret, sd_event *event, TlsServer *server, int fd, const char *peer, const Conversation *conversation)
{
        _cleanup_(wire_freep) Wire *w = calloc(1, sizeof(*w));
        _cleanup_close_ int owned = fd;
        int r;

        if (!w)
                return -ENOMEM;
        w->fd = -EBADF;
        r = take_socket(w, server, &owned);
        if (r >= 0)
                r = begin_wire(w, event, peer, conversation);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(w);
        return 0;
}

int wire_new_handover(Wire **ret, sd_event *event, const WireHandover *handover, const Conversation *conversation)
{
        _cleanup_(wire_freep) Wire *w = calloc(1, sizeof(*w));
        int r;

        if (!w) {
                handover->release(handover->userdata);
                return -ENOMEM;
        }
        w->fd = handover->fd;
        w->release = handover->release;
        w->release_userdata = handover->userdata;
        w->certificate = certificate_copy(handover->certificate);
        r = begin_wire(w, event, handover->peer, conversation);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(w);
        return 0;
}

void wire_on_begin(Wire *w, void (*begun)(void *userdata, Wire *wire), void *userdata)
{
        w->told = begun;
        w->told_userdata = userdata;
}

void wire_feed(Wire *w, const void *data, size_t size)
{
        if (!w->begun)
                open_conversation(w);
        if (!w->ended && w->begun)
                w->conversation.feed(w->conversation.userdata, data, size, boot_now());
        wire_settle(w);
}

/* ---- questions ---- */

const Certificate *wire_certificate(Wire *w)
{
        if (!w->certificate && w->stream && w->begun)
                (void)tls_stream_peer(w->stream, &w->certificate);
        return w->certificate;
}

const char *wire_peer(const Wire *w)
{
        return w->peer;
}

bool wire_has_begun(const Wire *w)
{
        return w->begun;
}

bool wire_has_ended(const Wire *w)
{
        return w->ended;
}
