/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/net/link.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/log.h"

#define HANDSHAKE_WITHIN_USEC (60 * USEC_PER_SEC)
#define READS_A_TURN          16              /* then others have their turn */
#define OUTPUT_HIGH           ((size_t)65536) /* a client that does not read is not read either */
#define TIMER_ACCURACY_USEC (5 * USEC_PER_MSEC)  /* delayed PUBACKs are measured by tests */
#define LINGER_USEC           (2 * USEC_PER_SEC) /* to get a last CONNACK out */

struct Link {
        LinkSink sink;
        LinkNotes notes;
        TlsStream *stream;
        Session *session; /* from the end of the handshake on */
        Verdict verdict;
        char *peer;
        sd_event_source *io, *timer;
        uint32_t events;
        usec_t timer_usec;
        usec_t give_up_usec; /* end of the handshake's patience, or of the linger */
};

static usec_t boot_now(void)
{
        return clock_boot(&clock_system);
}

Link *link_free(Link *link)
{
        if (!link)
                return NULL;
        sd_event_source_disable_unref(link->io);
        sd_event_source_disable_unref(link->timer);
        session_free(link->session);
        tls_stream_free(link->stream);
        verdict_done(&link->verdict);
        free(link->peer);
        free(link);
        return NULL;
}

/* ---- the end ---- */

static void end(Link *link)
{
        if (link->notes.ended)
                return;
        link->notes.ended = true;
        (void)sd_event_source_set_enabled(link->io, SD_EVENT_OFF);
        (void)sd_event_source_set_enabled(link->timer, SD_EVENT_OFF);
        link->sink.ended(link->sink.userdata, link);
}

/* The session is still open while the socket is gone: it has to be told, for its owner asks it why it ended. */
static void end_with(Link *link, const char *reason)
{
        if (link->session)
                session_close(link->session, reason);
        end(link);
}

/* ---- bytes out ---- */

/* false: the link has ended */
static bool send_output(Link *link)
{
        Buffer *output = session_output(link->session);
        size_t sent = 0;

        while (sent < output->size) {
                ssize_t n = tls_stream_write(link->stream, output->data + sent, output->size - sent);

                if (n == -EAGAIN)
                        break;
                if (n < 0) {
                        end_with(link, "the connection broke");
                        return false;
                }
                sent += (size_t)n;
        }
        if (sent > 0) {
                memmove(output->data, output->data + sent, output->size - sent);
                buffer_truncate(output, output->size - sent);
        }
        return true;
}

/* ---- what to wait for ---- */

static void arm_timer(Link *link)
{
        usec_t deadline = link->give_up_usec;

        if (link->session)
                deadline = MIN(deadline, session_deadline(link->session));
        /* A later deadline is found when the timer fires: keep-alive moves with every packet, timers need not. */
        if (deadline >= link->timer_usec)
                return;
        link->timer_usec = deadline;
        (void)sd_event_source_set_time(link->timer, deadline);
        (void)sd_event_source_set_enabled(link->timer, SD_EVENT_ONESHOT);
}

static void arm_io(Link *link)
{
        uint32_t events = EPOLLIN;

        if (!link->session) {
                events = tls_stream_events(link->stream);
        } else {
                size_t waiting = session_output(link->session)->size;

                if (waiting > OUTPUT_HIGH || session_state(link->session) == SESSION_CLOSED)
                        events = 0;
                if (waiting > 0)
                        events |= tls_stream_events(link->stream);
        }
        if (events == link->events)
                return;
        link->events = events;
        (void)sd_event_source_set_io_events(link->io, events);
}

/* After anything that may have changed the session: sends, ends, and says what to wait for. */
static void settle(Link *link)
{
        if (link->notes.ended)
                return;
        if (link->session) {
                if (!send_output(link))
                        return;
                if (session_state(link->session) == SESSION_CLOSED) {
                        if (session_output(link->session)->size == 0) {
                                end(link);
                                return;
                        }
                        if (link->give_up_usec == USEC_INFINITY)
                                link->give_up_usec = usec_add(boot_now(), LINGER_USEC);
                }
        }
        arm_io(link);
        arm_timer(link);
}

/* ---- bytes in ---- */

static void on_session_connect(void *userdata, const MqttConnect *connect, SessionGrant *ret)
{
        Link *link = userdata;

        link->sink.connect(link->sink.userdata, link, connect, ret);
}

static bool on_session_packet(void *userdata)
{
        Link *link = userdata;

        return link->sink.packet(link->sink.userdata, link);
}

static int on_session_event(void *userdata, const SessionEvent *event, usec_t *ret_delay_usec)
{
        Link *link = userdata;

        return link->sink.event(link->sink.userdata, link, event, ret_delay_usec);
}

static void handshake(Link *link)
{
        SessionSink sink = {on_session_connect, on_session_packet, on_session_event, link};
        int r = tls_stream_handshake(link->stream);

        if (r == -EAGAIN)
                return;
        if (r < 0) {
                log_info("%s: no TLS: %s", link->peer, tls_stream_error(link->stream));
                end(link);
                return;
        }
        if (session_new(&link->session, &sink, boot_now()) < 0) {
                log_warning("%s: closed: no memory", link->peer);
                end(link);
                return;
        }
        link->give_up_usec = USEC_INFINITY;
}

static void receive(Link *link)
{
        char chunk[TLS_RECORD_MAX];

        for (int i = 0; i < READS_A_TURN; i++) {
                ssize_t n;

                if (session_state(link->session) == SESSION_CLOSED ||
                    session_output(link->session)->size > OUTPUT_HIGH)
                        return;
                n = tls_stream_read(link->stream, chunk, sizeof(chunk));
                if (n == -EAGAIN)
                        return;
                if (n <= 0) {
                        end_with(link, n == 0 ? "the client closed without a DISCONNECT" : "the connection broke");
                        return;
                }
                session_feed(link->session, chunk, (size_t)n, boot_now());
        }
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        Link *link = userdata;

        if (!link->session)
                handshake(link);
        if (!link->notes.ended && link->session)
                receive(link);
        settle(link);
        return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        Link *link = userdata;
        usec_t now = boot_now();

        link->timer_usec = USEC_INFINITY;
        if (now >= link->give_up_usec) {
                if (!link->session)
                        log_info("%s: closed: no TLS handshake within 60 s", link->peer);
                end(link);
                return 0;
        }
        if (link->session)
                session_tick(link->session, now);
        settle(link);
        return 0;
}

/* ---- life ---- */

int link_new(Link **ret, sd_event *event, TlsServer *server, int fd, const char *peer, const LinkSink *sink)
{
        _cleanup_(link_freep) Link *link = calloc(1, sizeof(*link));
        _cleanup_close_ int owned = fd;
        int r;

        if (!link)
                return -ENOMEM;
        link->sink = *sink;
        link->timer_usec = USEC_INFINITY;
        link->give_up_usec = usec_add(boot_now(), HANDSHAKE_WITHIN_USEC);
        link->peer = strdup(peer);
        if (!link->peer)
                return -ENOMEM;
        r = tls_stream_new(&link->stream, server, owned);
        if (r < 0)
                return r;
        fd = TAKE_FD(owned);
        link->events = EPOLLIN;
        r = sd_event_add_io(event, &link->io, fd, link->events, on_io, link);
        if (r < 0)
                return r;
        r = sd_event_add_time(event, &link->timer, CLOCK_BOOTTIME, link->give_up_usec, TIMER_ACCURACY_USEC,
                              on_timer, link);
        if (r < 0)
                return r;
        link->timer_usec = link->give_up_usec;
        *ret = TAKE_PTR(link);
        return 0;
}

/* ---- verbs ---- */

void link_stored(Link *link)
{
        if (!link->session)
                return;
        session_stored(link->session, boot_now());
        settle(link);
}

void link_close(Link *link, const char *reason)
{
        if (link->session) {
                session_close(link->session, reason);
                settle(link);
        } else {
                end(link);
        }
}

void link_silence(Link *link)
{
        if (link->session) {
                session_silence(link->session);
                settle(link);
        }
}

void link_set_verdict(Link *link, Verdict *verdict)
{
        verdict_done(&link->verdict);
        link->verdict = *verdict;
        *verdict = (Verdict){};
}

/* ---- questions ---- */

const char *link_peer(const Link *link)
{
        return link->peer;
}

const Verdict *link_verdict(const Link *link)
{
        return &link->verdict;
}

Session *link_session(Link *link)
{
        return link->session;
}

bool link_is_open(const Link *link)
{
        return !link->notes.ended && link->session && session_state(link->session) == SESSION_OPEN;
}

LinkNotes *link_notes(Link *link)
{
        return &link->notes;
}
