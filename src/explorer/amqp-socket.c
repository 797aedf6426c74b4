/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/amqp-socket.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "explorer/stop.h"

static void addresses_free(struct addrinfo **addresses)
{
        if (*addresses)
                freeaddrinfo(*addresses);
}

/* One address among several that never answers is given up for the next. */
#define ADDRESS_USEC (10 * USEC_PER_SEC)

/* Waits for the descriptor: 0, -ETIMEDOUT, or -ECONNABORTED with the fault set. */
static int wait_for(int fd, short events, usec_t until, AmqpFault *fault)
{
        short came;
        int r;

        for (;;) {
                r = stop_poll(fd, events, until, &came);
                if (r < 0)
                        return amqp_fault_set(fault, AMQP_FAULT_LOCAL, "cannot wait for the network: %s", strerror(-r));
                if (stop_requested())
                        return amqp_fault_set(fault, AMQP_FAULT_STOPPED, "stopped");
                if (came)
                        return 0;
                if (clock_boot(&clock_system) >= until)
                        return -ETIMEDOUT;
        }
}

static int tell_silence(const AmqpTarget *t, AmqpFault *fault)
{
        return amqp_fault_set(fault, AMQP_FAULT_TIMEOUT, "%s, port %u, does not answer", t->host, (unsigned)t->port);
}

/* ---- TCP ---- */

/* A descriptor that is connected, or why not as a negative errno, or as the fault. */
static int connect_one(const struct addrinfo *a, usec_t until, AmqpFault *fault)
{
        _cleanup_close_ int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        int error = 0, yes = 1, r;
        socklen_t size = sizeof(error);

        if (fd < 0)
                return -errno;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
        if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
                return TAKE_FD(fd);
        if (errno != EINPROGRESS)
                return -errno;
        r = wait_for(fd, POLLOUT, until, fault);
        if (r < 0)
                return r;
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
                return -errno;
        return error ? -error : TAKE_FD(fd);
}

static int connect_any(const AmqpTarget *t, usec_t until, AmqpFault *fault)
{
        _cleanup_(addresses_free) struct addrinfo *addresses = NULL;
        struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
        const char *to = t->address ? t->address : t->host;
        char port[8];
        int r;

        (void)snprintf(port, sizeof(port), "%u", (unsigned)t->port);
        r = getaddrinfo(to, port, &hints, &addresses);
        if (r != 0)
                return amqp_fault_set(fault, AMQP_FAULT_NETWORK, "the name %s has no address: %s", to,
                                      gai_strerror(r));
        r = -EADDRNOTAVAIL;
        for (const struct addrinfo *a = addresses; a; a = a->ai_next) {
                usec_t limit = usec_add(clock_boot(&clock_system), ADDRESS_USEC);

                r = connect_one(a, a->ai_next ? MIN(until, limit) : until, fault);
                if (r >= 0 || fault->kind != AMQP_FAULT_NONE)
                        return r;
        }
        if (r == -ETIMEDOUT)
                return tell_silence(t, fault);
        return amqp_fault_set(fault, AMQP_FAULT_NETWORK, "no connection to %s, port %s: %s", to, port, strerror(-r));
}

/* ---- TLS ---- */

static int tell_tls(const TlsClient *client, const TlsStream *stream, const AmqpTarget *t, int r, AmqpFault *fault)
{
        const char *words;

        if (tls_client_fault(client, &words) != TLS_FAULT_NONE)
                return amqp_fault_set(fault, AMQP_FAULT_TLS, "%s", words);
        if (r == -EPROTO)
                return amqp_fault_set(fault, AMQP_FAULT_TLS, "no TLS with %s, port %u: %s", t->host, (unsigned)t->port,
                                      tls_stream_error(stream));
        return amqp_fault_set(fault, AMQP_FAULT_NETWORK, "%s, port %u, left during the TLS handshake: %s", t->host,
                              (unsigned)t->port, tls_stream_error(stream));
}

static int shake_hands(const TlsClient *client, TlsStream *stream, const AmqpTarget *t, usec_t until, AmqpFault *fault)
{
        int r;

        while ((r = tls_stream_handshake(stream)) == -EAGAIN) {
                short events = tls_stream_events(stream) == EPOLLOUT ? POLLOUT : POLLIN;

                r = wait_for(tls_stream_fd(stream), events, until, fault);
                if (r == -ETIMEDOUT)
                        return tell_silence(t, fault);
                if (r < 0)
                        return r;
        }
        return r < 0 ? tell_tls(client, stream, t, r, fault) : 0;
}

static int make_client(const AmqpTarget *t, AmqpFault *fault, TlsClient **ret)
{
        char words[TLS_CLIENT_WORDS_MAX] = "out of memory";
        int r = tls_client_new(ret, t->host, t->ca_file, words);

        if (r >= 0 && t->ca_file)
                r = tls_client_trust_system_too(*ret);
        if (r < 0)
                return amqp_fault_set(fault, AMQP_FAULT_LOCAL, "%s", words);
        return 0;
}

int amqp_socket_open(const AmqpTarget *t, usec_t until, AmqpFault *fault, TlsClient **ret_client,
                     TlsStream **ret_stream)
{
        _cleanup_(tls_client_freep) TlsClient *client = NULL;
        _cleanup_(tls_stream_freep) TlsStream *stream = NULL;
        _cleanup_close_ int fd = -1;
        int r;

        r = make_client(t, fault, &client);
        if (r < 0)
                return r;
        fd = connect_any(t, until, fault);
        if (fd < 0)
                return fd;
        if (tls_stream_new_client(&stream, client, fd) < 0)
                return amqp_fault_set(fault, AMQP_FAULT_LOCAL, "out of memory");
        (void)TAKE_FD(fd);
        r = shake_hands(client, stream, t, until, fault);
        if (r < 0)
                return r;
        *ret_client = TAKE_PTR(client);
        *ret_stream = TAKE_PTR(stream);
        return 0;
}
