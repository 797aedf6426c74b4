/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/amqp.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <proton/connection_driver.h>
#include <proton/link.h>
#include <proton/sasl.h>
#include <proton/session.h>
#include <proton/transport.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/backoff.h"
#include "explorer/amqp-socket.h"
#include "explorer/stop.h"

/* A peer that says nothing for so long is gone; it is told so, and sends empty frames. */
#define IDLE_MS      60000
#define FRAME_MAX    65536
#define CLOSING_USEC (USEC_PER_SEC / 2)

struct Amqp {
        pn_connection_driver_t driver;
        TlsClient *client;
        TlsStream *stream;
        AmqpFault *fault;
        char *host;
        bool is_open; /* the peer's open has come */
        bool is_over; /* nothing comes or goes any more */
        bool closing; /* we want no more: what ends it is no fault */
        short waits_for; /* POLLIN or POLLOUT: what TLS wants before it goes on; 0: nothing in particular */
        uint64_t n_events; /* that Proton has told */
        usec_t tick; /* when Proton wants to be asked again */
};

pn_connection_t *amqp_connection(Amqp *a)
{
        return a->driver.connection;
}

AmqpFault *amqp_fault(Amqp *a)
{
        return a->fault;
}

const char *amqp_host(const Amqp *a)
{
        return a->host;
}

/* ---- what Proton tells ---- */

static void tell_transport(Amqp *a)
{
        pn_condition_t *c = pn_transport_condition(a->driver.transport);
        const char *name = pn_condition_get_name(c), *text = pn_condition_get_description(c);

        if (!name || !a->stream)
                return;
        if (strcmp(name, "amqp:resource-limit-exceeded") == 0)
                (void)amqp_fault_set(a->fault, AMQP_FAULT_NETWORK, "%s has fallen silent", a->host);
        else if (strcmp(name, "amqp:unauthorized-access") == 0)
                (void)amqp_fault_set_named(a->fault, name, text);
        else
                (void)amqp_fault_set(a->fault, AMQP_FAULT_PROTOCOL, "%s does not speak AMQP 1.0 as it should: %s",
                                     a->host, text ? text : name);
}

static void on_remote_end(Amqp *a, pn_condition_t *condition, const char *what)
{
        if (a->closing)
                return;
        if (pn_condition_is_set(condition))
                (void)amqp_fault_set_condition(a->fault, condition);
        else
                (void)amqp_fault_set(a->fault, AMQP_FAULT_NETWORK, "%s has ended the %s", a->host, what);
}

static void tell_link(pn_event_t *event)
{
        pn_link_t *link = pn_event_link(event);
        AmqpHearer *hearer = link ? pn_link_get_context(link) : NULL;

        if (hearer)
                hearer->on_event(hearer, event);
}

static void on_event(Amqp *a, pn_event_t *event)
{
        switch (pn_event_type(event)) {
        case PN_CONNECTION_REMOTE_OPEN:
                a->is_open = true;
                break;
        case PN_CONNECTION_REMOTE_CLOSE:
                on_remote_end(a, pn_connection_remote_condition(a->driver.connection), "connection");
                pn_connection_close(a->driver.connection);
                break;
        case PN_SESSION_REMOTE_CLOSE:
                on_remote_end(a, pn_session_remote_condition(pn_event_session(event)), "session");
                break;
        case PN_TRANSPORT_ERROR:
                tell_transport(a);
                break;
        default:
                tell_link(event);
                break;
        }
}

static void dispatch(Amqp *a)
{
        pn_event_t *event;

        while ((event = pn_connection_driver_next_event(&a->driver))) {
                a->n_events++;
                on_event(a, event);
        }
}

/* ---- bytes ---- */

static void lose(Amqp *a, ssize_t r)
{
        if (a->is_over)
                return;
        a->is_over = true;
        dispatch(a);
        /* before Proton hears of it, who takes every sudden end for bad manners */
        if (!a->closing)
                (void)amqp_fault_set(a->fault, AMQP_FAULT_NETWORK, "the connection to %s was lost: %s", a->host,
                                     r == 0 ? "the peer has closed it" : tls_stream_error(a->stream));
        pn_connection_driver_read_close(&a->driver);
        pn_connection_driver_write_close(&a->driver);
        dispatch(a);
}

/* All that TLS has: what stays in it poll does not see. */
static void read_bytes(Amqp *a)
{
        while (!a->is_over && !pn_connection_driver_read_closed(&a->driver)) {
                pn_rwbytes_t room = pn_connection_driver_read_buffer_sized(&a->driver, TLS_RECORD_MAX);
                ssize_t n;

                if (room.size == 0)
                        return;
                n = tls_stream_read(a->stream, room.start, room.size);
                if (n == -EAGAIN) {
                        a->waits_for |= tls_stream_events(a->stream) == EPOLLOUT ? POLLOUT : POLLIN;
                        return;
                }
                if (n <= 0) {
                        lose(a, n);
                        return;
                }
                pn_connection_driver_read_done(&a->driver, (size_t)n);
                dispatch(a);
        }
}

static void write_bytes(Amqp *a)
{
        while (!a->is_over) {
                pn_bytes_t bytes = pn_connection_driver_write_buffer(&a->driver);
                ssize_t n;

                if (bytes.size == 0)
                        return;
                n = tls_stream_write(a->stream, bytes.start, bytes.size);
                if (n == -EAGAIN) {
                        a->waits_for |= tls_stream_events(a->stream) == EPOLLOUT ? POLLOUT : POLLIN;
                        return;
                }
                if (n <= 0) {
                        lose(a, n);
                        return;
                }
                (void)pn_connection_driver_write_done(&a->driver, (size_t)n);
                dispatch(a);
        }
}

static void tick(Amqp *a)
{
        int64_t next = pn_transport_tick(a->driver.transport,
                                         (int64_t)(clock_boot(&clock_system) / USEC_PER_MSEC));

        a->tick = next > 0 ? (usec_t)next * USEC_PER_MSEC : USEC_INFINITY;
}

/* Everything that can move now. */
static void move(Amqp *a)
{
        a->waits_for = 0;
        tick(a);
        dispatch(a);
        read_bytes(a);
        write_bytes(a);
        if (pn_connection_driver_finished(&a->driver))
                lose(a, 0);
}

/* ---- turns ---- */

static int outcome(const Amqp *a)
{
        return a->fault->kind == AMQP_FAULT_NONE && !a->is_over ? 0 : -ECONNABORTED;
}

int amqp_turn(Amqp *a, usec_t until)
{
        uint64_t n_events = a->n_events;
        short came;
        int r;

        if (!a->closing && stop_requested())
                (void)amqp_fault_set(a->fault, AMQP_FAULT_STOPPED, "stopped");
        if (outcome(a) < 0)
                return -ECONNABORTED;
        move(a);
        /* what has come may be what is waited for */
        if (outcome(a) < 0 || a->n_events != n_events)
                return outcome(a);
        r = stop_poll(tls_stream_fd(a->stream), a->waits_for ? a->waits_for : POLLIN, MIN(until, a->tick), &came);
        if (r < 0)
                return amqp_fault_set(a->fault, AMQP_FAULT_LOCAL, "cannot wait for the network: %s", strerror(-r));
        move(a);
        return outcome(a);
}

int amqp_wait(Amqp *a, const bool *done, usec_t until, const char *what)
{
        while (!*done) {
                int r = amqp_turn(a, until);

                if (r < 0 && !*done)
                        return r;
                if (!*done && clock_boot(&clock_system) >= until)
                        return amqp_fault_set(a->fault, AMQP_FAULT_TIMEOUT, "%s has no answer to %s", a->host, what);
        }
        return 0;
}

/* ---- life ---- */

static int prepare(Amqp *a, const AmqpTarget *t)
{
        char container[48];

        a->host = strdup(t->host);
        if (!a->host || pn_connection_driver_init(&a->driver, NULL, NULL) != 0)
                return amqp_fault_set(a->fault, AMQP_FAULT_LOCAL, "out of memory");
        (void)snprintf(container, sizeof(container), "hublink-explorer-%016" PRIx64,
                       random_system.draw(random_system.userdata));
        pn_connection_set_container(a->driver.connection, container);
        pn_connection_set_hostname(a->driver.connection, t->host);
        pn_transport_set_idle_timeout(a->driver.transport, IDLE_MS);
        pn_transport_set_max_frame(a->driver.transport, FRAME_MAX);
        pn_sasl_allowed_mechs(pn_sasl(a->driver.transport), "ANONYMOUS");
        return 0;
}

int amqp_open(Amqp **ret, const AmqpTarget *t, usec_t until, AmqpFault *fault)
{
        _cleanup_(amqp_closep) Amqp *a = calloc(1, sizeof(*a));
        int r;

        if (!a)
                return amqp_fault_set(fault, AMQP_FAULT_LOCAL, "out of memory");
        a->fault = fault;
        r = prepare(a, t);
        if (r < 0)
                return r;
        r = amqp_socket_open(t, until, fault, &a->client, &a->stream);
        if (r < 0)
                return r;
        pn_connection_open(a->driver.connection);
        r = amqp_wait(a, &a->is_open, until, "the opening of the connection");
        if (r < 0)
                return r;
        *ret = TAKE_PTR(a);
        return 0;
}

/* A close that the peer hears: it need not wait for a connection that will say nothing more. */
static void say_farewell(Amqp *a)
{
        AmqpFault fault = {};
        AmqpFault *kept = a->fault;
        usec_t until = usec_add(clock_boot(&clock_system), CLOSING_USEC);

        a->closing = true;
        a->fault = &fault;
        pn_connection_close(a->driver.connection);
        while (outcome(a) == 0 && clock_boot(&clock_system) < until) {
                short came;

                move(a);
                if (a->is_over)
                        break;
                if (stop_requested())
                        break;
                (void)stop_poll(tls_stream_fd(a->stream), a->waits_for ? a->waits_for : POLLIN, until, &came);
        }
        a->fault = kept;
}

Amqp *amqp_close(Amqp *a)
{
        if (!a)
                return NULL;
        if (a->stream && a->is_open && !a->is_over)
                say_farewell(a);
        if (a->driver.transport)
                pn_connection_driver_destroy(&a->driver);
        tls_stream_free(a->stream);
        tls_client_free(a->client);
        free(a->host);
        free(a);
        return NULL;
}
