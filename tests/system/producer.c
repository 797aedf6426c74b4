/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Producer - local programs that give readings, for the tests that kill the daemon
 *
 * Sends counted readings by D-Bus Submit and by datagrams at given rates, whatever becomes of the daemon, and
 * writes each number whose Submit was answered to a file: those, and no others, the daemon has accepted.
 *
 * usage: producer BUS-ADDRESS SOCKET SUBMITS-A-SECOND DATAGRAMS-A-SECOND FILE [AFTER]
 * Counts on from AFTER. A number is in the file as soon as its answer was read, whatever comes then. Ends on SIGTERM,
 * after the answers that still come within ten seconds.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "base/clock.h"

#define TICK_USEC   (2 * USEC_PER_MSEC)
#define PENDING_MAX 60 /* below the daemon's bound for one sender */

typedef struct Producer {
        sd_bus *bus;
        sd_event *event;
        int socket;
        struct sockaddr_un target;
        FILE *accepted;
        double submit_rate, datagram_rate; /* a second */
        double submits_due, datagrams_due;
        usec_t last_usec;
        uint64_t submits, datagrams, n_accepted, n_refused;
        unsigned pending;
        bool stopping;
} Producer;

typedef struct Call {
        Producer *producer;
        uint64_t number;
} Call;

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
        Call *call = userdata;
        Producer *p = call->producer;

        p->pending--;
        if (sd_bus_message_is_method_error(m, NULL))
                p->n_refused++;
        else {
                p->n_accepted++;
                (void)fprintf(p->accepted, "%llu\n", (unsigned long long)call->number);
        }
        if (p->stopping && p->pending == 0)
                (void)sd_event_exit(p->event, 0);
        free(call);
        return 0;
}

static int submit(Producer *p)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_free_ Call *call = calloc(1, sizeof(*call));
        int r;

        if (!call)
                return -ENOMEM;
        *call = (Call){p, ++p->submits};
        r = sd_bus_message_new_method_call(p->bus, &m, "org.hublink1", "/org/hublink1", "org.hublink1.Manager",
                                           "Submit");
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "sa(svt)a{sv}", "submitted", 1, "k", "t", call->number, (uint64_t)0, 0);
        if (r < 0)
                return r;
        (void)sd_bus_message_set_auto_start(m, false);
        r = sd_bus_call_async(p->bus, NULL, m, on_answer, call, 10 * USEC_PER_SEC);
        if (r < 0)
                return r;
        (void)TAKE_PTR(call);
        p->pending++;
        return 0;
}

/* False: the socket is full (the kernel keeps as few as ten datagrams): a little later, then. */
static bool send_datagram(Producer *p)
{
        uint64_t k = p->datagrams + 1;
        char line[160];
        int n = snprintf(line, sizeof(line), "{\"s\":\"sent\",\"k\":%llu,\"temperature\":%.2f,\"state\":\"running\"}",
                         (unsigned long long)k, 20 + (double)(k % 1000) / 100);

        if (sendto(p->socket, line, (size_t)n, MSG_DONTWAIT, (struct sockaddr *)&p->target, sizeof(p->target)) < 0 &&
            errno == EAGAIN)
                return false;
        /* sent, or nobody is there: then it was not accepted */
        p->datagrams++;
        return true;
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata)
{
        Producer *p = userdata;
        usec_t now = clock_boot(&clock_system);
        double seconds = (double)(now - p->last_usec) / (double)USEC_PER_SEC;

        p->last_usec = now;
        if (!p->stopping) {
                p->submits_due = MIN(p->submits_due + p->submit_rate * seconds, p->submit_rate);
                p->datagrams_due = MIN(p->datagrams_due + p->datagram_rate * seconds, p->datagram_rate);
                for (; p->submits_due >= 1 && p->pending < PENDING_MAX; p->submits_due--)
                        if (submit(p) < 0)
                                break;
                for (; p->datagrams_due >= 1; p->datagrams_due--)
                        if (!send_datagram(p))
                                break;
        }
        (void)sd_event_source_set_time_relative(source, TICK_USEC);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *si, void *userdata)
{
        Producer *p = userdata;

        p->stopping = true;
        if (p->pending == 0)
                return sd_event_exit(p->event, 0);
        /* a time source without a handler ends the loop */
        return sd_event_add_time_relative(p->event, NULL, CLOCK_BOOTTIME, 10 * USEC_PER_SEC, 0, NULL, NULL);
}

int main(int argc, char **argv)
{
        Producer p = {.socket = -1};
        sigset_t mask;
        int r;

        if (argc != 6 && argc != 7) {
                (void)fprintf(stderr, "usage: producer BUS-ADDRESS SOCKET SUBMITS-A-SECOND DATAGRAMS-A-SECOND FILE "
                                      "[AFTER]\n");
                return 2;
        }
        (void)sigemptyset(&mask);
        (void)sigaddset(&mask, SIGTERM);
        (void)sigprocmask(SIG_BLOCK, &mask, NULL);
        p.target.sun_family = AF_UNIX;
        (void)snprintf(p.target.sun_path, sizeof(p.target.sun_path), "%s", argv[2]);
        p.submit_rate = atof(argv[3]);
        p.datagram_rate = atof(argv[4]);
        p.accepted = fopen(argv[5], "we");
        p.submits = p.datagrams = argc > 6 ? strtoull(argv[6], NULL, 10) : 0;
        p.socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        p.last_usec = clock_boot(&clock_system);
        if (!p.accepted || p.socket < 0)
                return 1;
        (void)setvbuf(p.accepted, NULL, _IOLBF, 0);
        if ((r = sd_event_new(&p.event)) < 0 || (r = sd_bus_new(&p.bus)) < 0 ||
            (r = sd_bus_set_address(p.bus, argv[1])) < 0 || (r = sd_bus_set_bus_client(p.bus, true)) < 0 ||
            (r = sd_bus_start(p.bus)) < 0 || (r = sd_bus_attach_event(p.bus, p.event, 0)) < 0 ||
            (r = sd_event_add_signal(p.event, NULL, SIGTERM, on_signal, &p)) < 0 ||
            (r = sd_event_add_time_relative(p.event, NULL, CLOCK_BOOTTIME, TICK_USEC, 1, on_tick, &p)) < 0 ||
            (r = sd_event_loop(p.event)) < 0) {
                (void)fprintf(stderr, "producer: %s\n", strerror(-r));
                return 1;
        }
        (void)fclose(p.accepted);
        (void)printf("submits=%llu accepted=%llu refused=%llu datagrams=%llu\n", (unsigned long long)p.submits,
                     (unsigned long long)p.n_accepted, (unsigned long long)p.n_refused,
                     (unsigned long long)p.datagrams);
        return 0;
}
