/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/net/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/listen.h"
#include "base/log.h"

#define ACCEPTS_A_TURN 32
#define PAUSE_USEC     USEC_PER_SEC

struct Listener {
        int fd;
        uint16_t port;
        sd_event_source *io, *pause;
        ListenerSink sink;
        void *userdata;
};

/* ---- those who knock ---- */

static void print_peer(const struct sockaddr_storage *address, socklen_t size, char *text, size_t text_size)
{
        char host[64], port[16];

        if (getnameinfo((const struct sockaddr *)address, size, host, sizeof(host), port, sizeof(port),
                        NI_NUMERICHOST | NI_NUMERICSERV) != 0)
                (void)snprintf(text, text_size, "somebody");
        else
                (void)snprintf(text, text_size, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

/* The socket would be readable for ever. */
static void rest(Listener *l)
{
        log_warning("No more connections for a moment: %s", strerror(errno));
        (void)sd_event_source_set_enabled(l->io, SD_EVENT_OFF);
        (void)sd_event_source_set_time_relative(l->pause, PAUSE_USEC);
        (void)sd_event_source_set_enabled(l->pause, SD_EVENT_ONESHOT);
}

static int on_rested(sd_event_source *source, uint64_t usec, void *userdata)
{
        Listener *l = userdata;

        (void)sd_event_source_set_enabled(l->io, SD_EVENT_ON);
        return 0;
}

static int on_knock(sd_event_source *source, int listen_fd, uint32_t revents, void *userdata)
{
        Listener *l = userdata;

        for (int i = 0; i < ACCEPTS_A_TURN; i++) {
                struct sockaddr_storage address;
                socklen_t size = sizeof(address);
                char peer[96];
                int one = 1, fd;

                fd = accept4(listen_fd, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
                if (fd < 0) {
                        if (listen_is_starved(errno))
                                rest(l);
                        return 0;
                }
                (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
                print_peer(&address, size, peer, sizeof(peer));
                l->sink(l->userdata, fd, peer);
        }
        return 0;
}

/* ---- life ---- */

int listener_new(Listener **ret, sd_event *event, const char *address, uint16_t port, ListenerSink sink,
                 void *userdata, const char **ret_error)
{
        _cleanup_(listener_freep) Listener *l = calloc(1, sizeof(*l));
        int r;

        if (!l)
                return -ENOMEM;
        l->sink = sink;
        l->userdata = userdata;
        l->fd = listen_tcp(address, port, &l->port, ret_error);
        if (l->fd < 0)
                return l->fd;
        r = sd_event_add_io(event, &l->io, l->fd, EPOLLIN, on_knock, l);
        if (r < 0)
                return r;
        r = sd_event_add_time_relative(event, &l->pause, CLOCK_MONOTONIC, 0, 0, on_rested, l);
        if (r < 0)
                return r;
        (void)sd_event_source_set_enabled(l->pause, SD_EVENT_OFF);
        *ret = TAKE_PTR(l);
        return 0;
}

Listener *listener_free(Listener *l)
{
        if (!l)
                return NULL;
        sd_event_source_disable_unref(l->io);
        sd_event_source_disable_unref(l->pause);
        safe_close(l->fd);
        free(l);
        return NULL;
}

uint16_t listener_port(const Listener *l)
{
        return l->port;
}

void listener_complain(const char *address, uint16_t port, const char *option, const char *error, int r)
{
        const char *remedy = r == -EACCES      ? ": ports below 1024 are root's; another with "
                             : r == -EADDRINUSE ? ": another program has it; another with "
                                                : "; see ";

        log_error("%s port %u: %s: %s%s--%s%s", address, port, error, strerror(-r), remedy, option,
                  r == -EACCES || r == -EADDRINUSE ? ", 0 takes a free one" : "");
}
