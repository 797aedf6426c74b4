/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/https.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/log.h"
#include "devhub/net/listener.h"
#include "devhub/net/relay.h"

#define CONNECTIONS_MAX 4096

typedef struct Caller Caller;
struct Caller {
        Https *https;
        Relay *relay;
        int inner_fd; /* the HTTP server's: a name, no more */
        bool ended;
        bool is_link; /* a device's: it has become a WebSocket */
        Caller *next;
};

struct Https {
        sd_event *event;
        Server *server;
        HttpServer *http;
        Listener *listener;
        sd_event_source *sweep; /* frees those that have ended, when none is on the stack */
        Caller *callers;
        unsigned n_callers;
};

static int on_sweep(sd_event_source *source, void *userdata)
{
        Https *h = userdata;

        for (Caller **at = &h->callers; *at;) {
                Caller *c = *at;

                if (!c->ended) {
                        at = &c->next;
                        continue;
                }
                *at = c->next;
                relay_free(c->relay);
                free(c);
                h->n_callers--;
        }
        return 0;
}

static void on_ended(void *userdata, Relay *relay)
{
        Caller *c = userdata;

        c->ended = true;
        (void)sd_event_source_set_enabled(c->https->sweep, SD_EVENT_ONESHOT);
}

/* ---- those who come ---- */

static void on_begun(void *userdata, Wire *wire)
{
        strikes_caller(server_strikes(((Https *)userdata)->server), wire);
}

static int join(Https *h, Caller *c, int fd, const char *peer)
{
        struct sockaddr_storage address = {};
        socklen_t size = sizeof(address);
        bool stall;
        TlsServer *tls = strikes_newcomer(server_strikes(h->server), &stall);
        int pair[2], r;

        if (getpeername(fd, (struct sockaddr *)&address, &size) < 0 ||
            socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0) {
                r = -errno;
                safe_close(fd);
                return r;
        }
        r = relay_new(&c->relay, h->event, tls, fd, peer, pair[0], on_ended, c);
        if (r < 0) {
                safe_close(pair[1]);
                return r;
        }
        wire_on_begin(relay_wire(c->relay), on_begun, h);
        if (stall)
                relay_stall(c->relay);
        c->inner_fd = pair[1];
        return http_server_take(h->http, pair[1], (struct sockaddr *)&address, size);
}

static void on_knock(void *userdata, int fd, const char *peer)
{
        Https *h = userdata;
        Caller *c = h->n_callers < CONNECTIONS_MAX ? calloc(1, sizeof(*c)) : NULL;

        if (!c) {
                safe_close(fd);
                log_warning("%s: turned away: no room", peer);
                return;
        }
        c->https = h;
        if (join(h, c, fd, peer) < 0) {
                log_warning("%s: turned away: no memory, or no descriptors", peer);
                relay_free(c->relay);
                free(c);
                return;
        }
        c->next = h->callers;
        h->callers = c;
        h->n_callers++;
}

/* ---- life ---- */

int https_new(Https **ret, sd_event *event, const char *listen, uint16_t port, Server *server, HttpServer *http,
              const char **ret_error)
{
        _cleanup_(https_freep) Https *h = calloc(1, sizeof(*h));
        int r;

        *ret_error = "no memory";
        if (!h)
                return -ENOMEM;
        h->event = sd_event_ref(event);
        h->server = server;
        h->http = http;
        r = sd_event_add_defer(event, &h->sweep, on_sweep, h);
        if (r >= 0)
                r = sd_event_source_set_enabled(h->sweep, SD_EVENT_OFF);
        if (r >= 0)
                r = listener_new(&h->listener, event, listen, port, on_knock, h, ret_error);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(h);
        return 0;
}

Https *https_free(Https *h)
{
        if (!h)
                return NULL;
        listener_free(h->listener);
        while (h->callers) {
                Caller *c = h->callers;

                h->callers = c->next;
                relay_free(c->relay);
                free(c);
        }
        sd_event_source_disable_unref(h->sweep);
        sd_event_unref(h->event);
        free(h);
        return NULL;
}

/* The newest: descriptors are used again. NULL: it has gone. */
static Caller *find(const Https *h, int inner_fd)
{
        for (Caller *c = h->callers; c; c = c->next)
                if (c->inner_fd == inner_fd)
                        return c->ended ? NULL : c;
        return NULL;
}

const Certificate *https_certificate(const Https *h, int inner_fd)
{
        const Caller *c = find(h, inner_fd);

        return c ? relay_certificate(c->relay) : NULL;
}

void https_note_link(Https *h, int inner_fd)
{
        Caller *c = find(h, inner_fd);

        if (c)
                c->is_link = true;
}

static void each(void *userdata, void (*visit)(void *visitor, Wire *wire), void *visitor)
{
        const Https *h = userdata;

        for (const Caller *c = h->callers; c; c = c->next)
                if (!c->ended && !c->is_link)
                        visit(visitor, relay_wire(c->relay));
}

Callers https_callers(Https *h)
{
        return (Callers){each, h};
}

uint16_t https_port(const Https *h)
{
        return listener_port(h->listener);
}
