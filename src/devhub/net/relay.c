/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/net/relay.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define CHUNK       ((size_t)16384)
#define BUFFER_HIGH ((size_t)262144) /* of either direction */
#define PATIENCE_USEC (120 * USEC_PER_SEC) /* with a client that reads nothing of what waits for it */

struct Relay {
        Wire *wire;
        int fd; /* the inner one */
        sd_event_source *io;
        uint32_t events;
        Buffer in, out; /* from the client, to the client */
        bool over;      /* the inner side is */
        usec_t moved_usec; /* when some of it last left, or none waited; boot clock */
        RelayEnded ended;
        void *userdata;
};

/* ---- the inner side ---- */

static void wait_for(Relay *r)
{
        uint32_t events = (r->out.size < BUFFER_HIGH ? EPOLLIN : 0) | (r->in.size > 0 ? EPOLLOUT : 0);

        if (r->over)
                events = 0;
        /* off, since epoll tells of an end also when nothing is waited for */
        (void)sd_event_source_set_enabled(r->io, events == 0 ? SD_EVENT_OFF : SD_EVENT_ON);
        if (events == r->events)
                return;
        r->events = events;
        (void)sd_event_source_set_io_events(r->io, events);
}

static void write_inner(Relay *r)
{
        size_t sent = 0;

        while (sent < r->in.size && !r->over) {
                ssize_t n = send(r->fd, r->in.data + sent, r->in.size - sent, MSG_NOSIGNAL);

                if (n < 0 && errno == EAGAIN)
                        break;
                if (n < 0)
                        r->over = true;
                else
                        sent += (size_t)n;
        }
        if (sent > 0) {
                memmove(r->in.data, r->in.data + sent, r->in.size - sent);
                buffer_truncate(&r->in, r->in.size - sent);
        }
}

static void read_inner(Relay *r)
{
        while (r->out.size < BUFFER_HIGH && !r->over) {
                char *room = buffer_extend(&r->out, CHUNK);
                ssize_t n;

                if (!room) {
                        r->over = true;
                        return;
                }
                n = recv(r->fd, room, CHUNK, 0);
                buffer_truncate(&r->out, r->out.size - CHUNK + (size_t)MAX(n, (ssize_t)0));
                if (n < 0 && errno == EAGAIN)
                        return;
                if (n <= 0)
                        r->over = true;
        }
}

static int on_inner(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        Relay *r = userdata;

        if (r->out.size == 0)
                r->moved_usec = clock_boot(&clock_system);
        write_inner(r);
        read_inner(r);
        wait_for(r);
        wire_settle(r->wire);
        return 0;
}

/* ---- the client's side, as a conversation ---- */

static int begin(void *userdata, usec_t now)
{
        return 0;
}

static void feed(void *userdata, const void *data, size_t size, usec_t now)
{
        Relay *r = userdata;

        buffer_append(&r->in, data, size);
        if (buffer_error(&r->in))
                r->over = true;
        write_inner(r);
        wait_for(r);
}

static void tick(void *userdata, usec_t now)
{
        Relay *r = userdata;

        if (r->out.size == 0 || now < usec_add(r->moved_usec, PATIENCE_USEC))
                return;
        buffer_clear(&r->out);
        r->over = true;
        wait_for(r);
}

/* With one who says nothing the library has patience of its own. */
static usec_t deadline(void *userdata)
{
        const Relay *r = userdata;

        return r->out.size > 0 ? usec_add(r->moved_usec, PATIENCE_USEC) : USEC_INFINITY;
}

static Buffer *output(void *userdata)
{
        Relay *r = userdata;

        return &r->out;
}

static bool is_over(void *userdata)
{
        return ((Relay *)userdata)->over;
}

static bool is_full(void *userdata)
{
        return ((Relay *)userdata)->in.size > BUFFER_HIGH;
}

static void sent(void *userdata)
{
        Relay *r = userdata;

        r->moved_usec = clock_boot(&clock_system);
        wait_for(r);
}

static void broke(void *userdata, const char *reason)
{
        Relay *r = userdata;

        r->over = true;
        wait_for(r);
}

static void ended(void *userdata)
{
        Relay *r = userdata;

        r->over = true;
        wait_for(r);
        r->ended(r->userdata, r);
}

/* ---- life ---- */

int relay_new(Relay **ret, sd_event *event, TlsServer *server, int fd, const char *peer, int inner_fd,
              RelayEnded on_ended, void *userdata)
{
        _cleanup_(relay_freep) Relay *r = calloc(1, sizeof(*r));
        Conversation conversation = {
                .begin = begin,
                .feed = feed,
                .tick = tick,
                .deadline = deadline,
                .output = output,
                .is_over = is_over,
                .broke = broke,
                .ended = ended,
                .userdata = r,
                .is_full = is_full,
                .sent = sent,
        };
        int k;

        if (!r) {
                safe_close(fd);
                safe_close(inner_fd);
                return -ENOMEM;
        }
        r->fd = inner_fd;
        r->ended = on_ended;
        r->userdata = userdata;
        k = wire_new(&r->wire, event, server, fd, peer, &conversation);
        if (k < 0)
                return k;
        r->events = EPOLLIN;
        k = sd_event_add_io(event, &r->io, r->fd, r->events, on_inner, r);
        if (k < 0)
                return k;
        *ret = TAKE_PTR(r);
        return 0;
}

Relay *relay_free(Relay *r)
{
        if (!r)
                return NULL;
        wire_free(r->wire);
        sd_event_source_disable_unref(r->io);
        safe_close(r->fd);
        buffer_done(&r->in);
        buffer_done(&r->out);
        free(r);
        return NULL;
}

const Certificate *relay_certificate(Relay *r)
{
        return wire_certificate(r->wire);
}

Wire *relay_wire(Relay *r)
{
        return r->wire;
}

void relay_stall(Relay *r)
{
        wire_stall(r->wire);
}
