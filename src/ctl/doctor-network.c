/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Network: the way to the hub, and to the provisioning service, step by step: name, port, TLS. Nothing is sent to
 * either but, on the way of HTTPS, a question without any credential, whose answer tells the hub's time.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/tls-stream.h"
#include "ctl/diagnosis.h"
#include "ctl/doctor.h"

#define STEP_USEC (5 * USEC_PER_SEC)
#define SLOW_USEC (2 * USEC_PER_SEC)
#define SOON      (14 * USEC_PER_DAY)

/* Where a connection goes, and whom it is to find there. */
typedef struct Way {
        const char *noun;   /* "the hub" */
        const char *name;   /* that TLS is to prove; NULL: not known */
        char host[256], port[8];
        const char *ca_file;
        bool needed; /* without it nothing is sent */
} Way;

/* ---- name ---- */

static struct addrinfo *look_up(Doctor *d, const Way *w)
{
        const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
        struct addrinfo *found = NULL;
        usec_t begun = clock_boot(&clock_system), took;
        int r = getaddrinfo(w->host, w->port, &hints, &found);

        took = clock_boot(&clock_system) - begun;
        if (r != 0) {
                doctor_tell(d, VERDICT_PROBLEM, "dns",
                            (Advice){"Without an address there is no way to it; readings wait on disk.",
                                     "Check the name, cat /etc/resolv.conf, and: resolvectl query NAME (or getent "
                                     "hosts NAME)"},
                            "the name %s of %s is not found: %s", w->host, w->noun,
                            r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r));
                return NULL;
        }
        if (took > SLOW_USEC)
                doctor_tell(d, VERDICT_WARNING, "dns-slow",
                            (Advice){"Each connection waits as long.",
                                     "Check the name servers in /etc/resolv.conf: the first may be dead."},
                            "finding %s took %" PRIu64 " ms", w->host, took / USEC_PER_MSEC);
        else
                doctor_well(d, "dns", "%s has an address, found in %" PRIu64 " ms", w->host, took / USEC_PER_MSEC);
        return found;
}

/* ---- port ---- */

static int wait_for(int fd, short events, usec_t until)
{
        usec_t now = clock_boot(&clock_system);
        struct pollfd p = {.fd = fd, .events = events};
        int r = now < until ? poll(&p, 1, (int)((until - now) / USEC_PER_MSEC) + 1) : 0;

        return r < 0 ? -errno : r == 0 ? -ETIMEDOUT : 0;
}

static int connect_to(const struct addrinfo *a, int *ret)
{
        _cleanup_close_ int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        socklen_t size = sizeof(int);
        int error = 0, r;

        if (fd < 0)
                return -errno;
        if (connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
                if (errno != EINPROGRESS)
                        return -errno;
                r = wait_for(fd, POLLOUT, usec_add(clock_boot(&clock_system), STEP_USEC));
                if (r < 0)
                        return r;
                if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error != 0)
                        return -(error ?: errno);
        }
        *ret = TAKE_FD(fd);
        return 0;
}

static int reach(Doctor *d, const Way *w)
{
        struct addrinfo *found = look_up(d, w);
        int fd = -1, r = -ENOENT;

        for (const struct addrinfo *a = found; a && fd < 0; a = a->ai_next)
                r = connect_to(a, &fd);
        if (!found)
                return -ENOENT;
        freeaddrinfo(found);
        if (fd >= 0)
                doctor_well(d, "port", "%s port %s can be reached", w->host, w->port);
        else
                doctor_tell(d, w->needed ? VERDICT_PROBLEM : VERDICT_WARNING, "port",
                            w->needed ? (Advice){"MQTT over TLS is the only way that readings take; they wait on disk.",
                                                 r == -ECONNREFUSED ? "Does the hub listen there? Check hub.address, "
                                                                      "and what is in between."
                                                                    : "Check cable, route (ip route) and firewall: TCP "
                                                                      "to that port has to be let out."}
                                      : (Advice){"hublinkd does not need it; but the hub's time cannot be compared "
                                                 "with the clock.",
                                                 NULL},
                            "%s: %s port %s cannot be reached: %s", w->noun, w->host, w->port, strerror(-r));
        return fd >= 0 ? fd : -EHOSTUNREACH;
}

/* ---- TLS ---- */

static int shake_hands(TlsStream *stream)
{
        usec_t until = usec_add(clock_boot(&clock_system), STEP_USEC);
        int r;

        while ((r = tls_stream_handshake(stream)) == -EAGAIN) {
                /* EPOLLIN and EPOLLOUT are POLLIN and POLLOUT */
                r = wait_for(tls_stream_fd(stream), (short)tls_stream_events(stream), until);
                if (r < 0)
                        return r;
        }
        return r;
}

static void tell_refusal(Doctor *d, const Way *w, const TlsClient *tls, const TlsStream *stream, int r)
{
        static const struct {
                const char *id, *remedy;
        } rows[] = {
                [TLS_FAULT_NONE] = {"tls", "Something in between may not let TLS pass: try another network."},
                [TLS_FAULT_UNTRUSTED] = {"tls-untrusted",
                                         "If the issuer is a proxy of your network, have TCP port 8883 pass it by; for "
                                         "a hub of your own set hub.ca_file; else: apt-get install --reinstall "
                                         "ca-certificates"},
                [TLS_FAULT_HOSTNAME] = {"tls-name", "Is the credential of another hub than the one at hub.address? "
                                                    "Check the HostName in the connection string and hub.address."},
                [TLS_FAULT_EXPIRED] = {"tls-expired", "Check this machine's clock (timedatectl); if it is right, the "
                                                      "hub's certificate has to be renewed."},
        };
        const char *words;
        TlsFault fault = tls_client_fault(tls, &words);

        if (fault == TLS_FAULT_NONE)
                words = r == -ETIMEDOUT ? "no answer to the TLS handshake" : tls_stream_error(stream);
        doctor_tell(d, w->needed ? VERDICT_PROBLEM : VERDICT_WARNING, rows[fault].id,
                    (Advice){"The connection is given up before the credential is sent: nobody but the hub may see it.",
                             rows[fault].remedy},
                    "%s (%s port %s): %s", w->noun, w->host, w->port, words);
}

static void look_at_end(Doctor *d, const Way *w, const TlsStream *stream)
{
        _cleanup_(certificate_freep) Certificate *c = NULL;
        _cleanup_(buffer_done) Buffer issuer = BUFFER_NULL;
        usec_t end, now = clock_wall(&clock_system);

        if (tls_stream_peer(stream, &c) < 0 || certificate_issuer(c, &issuer) < 0)
                return;
        end = certificate_first_end(c);
        if (end < usec_add(now, SOON))
                doctor_tell(d, VERDICT_WARNING, "tls-expires",
                            (Advice){"From then on the hub is not believed, and nothing is sent.",
                                     "Have the hub's certificate renewed."},
                            "the certificate of %s, or one of its chain, expires in %" PRIu64 " days", w->name,
                            usec_sub(end, now) / USEC_PER_DAY);
        else
                doctor_well(d, "tls", "%s port %s proves to be %s (%s), issued by %s, good for %" PRIu64 " days",
                            w->host, w->port, w->name, tls_stream_version(stream), issuer.data ?: "",
                            usec_sub(end, now) / USEC_PER_DAY);
}

/* ---- the hub's time ---- */

static int say(TlsStream *stream, const char *text, char *answer, size_t room)
{
        usec_t until = usec_add(clock_boot(&clock_system), STEP_USEC);
        size_t n = 0;
        ssize_t r;

        while ((r = tls_stream_write(stream, text, strlen(text))) == -EAGAIN)
                if (wait_for(tls_stream_fd(stream), (short)tls_stream_events(stream), until) < 0)
                        return -ETIMEDOUT;
        while (r > 0 && n + 1 < room) {
                r = tls_stream_read(stream, answer + n, room - 1 - n);
                if (r == -EAGAIN)
                        r = wait_for(tls_stream_fd(stream), (short)tls_stream_events(stream), until) < 0 ? -ETIMEDOUT
                                                                                                         : 1;
                else if (r > 0)
                        n += (size_t)r;
                answer[n] = 0;
                if (strstr(answer, "\r\n\r\n"))
                        return 0;
        }
        return -EPROTO;
}

static void compare_clock(Doctor *d, const Way *w, TlsStream *stream)
{
        char request[512], answer[4096];
        usec_t theirs, ours, off;
        ClockSkew skew;

        (void)snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", w->name);
        *answer = 0;
        if (say(stream, request, answer, sizeof(answer)) < 0 || !diagnosis_find_date(answer, &theirs)) {
                doctor_unseen(d, "clock-date", "%s did not tell its time", w->noun);
                return;
        }
        ours = clock_wall(&clock_system);
        off = ours > theirs ? ours - theirs : theirs - ours;
        skew = diagnosis_of_skew(ours, theirs);
        if (skew != SKEW_NONE)
                doctor_tell(d, skew == SKEW_WRONG ? VERDICT_PROBLEM : VERDICT_WARNING, "clock-differs",
                            (Advice){"Readings get wrong times, and tokens are refused when they look expired.",
                                     "timedatectl set-ntp true; where no NTP client is: apt install systemd-timesyncd "
                                     "(or chrony)"},
                            "the clock is %" PRIu64 " s %s that of the hub", off / USEC_PER_SEC,
                            ours > theirs ? "ahead of" : "behind");
        else
                doctor_well(d, "clock-date", "the clock agrees with that of the hub");
}

/* ---- a way to its end ---- */

/* -ENOENT: its name is not found. */
static int go(Doctor *d, const Way *w, bool https)
{
        _cleanup_(tls_client_freep) TlsClient *tls = NULL;
        _cleanup_(tls_stream_freep) TlsStream *stream = NULL;
        char words[TLS_CLIENT_WORDS_MAX];
        int fd = reach(d, w), r;

        if (fd < 0)
                return fd;
        r = w->name ? tls_client_new(&tls, w->name, w->ca_file, words) : -ENODATA;
        if (r == 0)
                r = tls_stream_new_client(&stream, tls, fd);
        if (r < 0) {
                safe_close(fd);
                /* a CA file that cannot be used was told by the certificates */
                doctor_unseen(d, "tls", "%s: whether it is the right one: %s", w->noun,
                              r == -ENODATA ? "its name is in the credential, which cannot be read" : words);
                return 0;
        }
        r = shake_hands(stream);
        if (r < 0)
                tell_refusal(d, w, tls, stream, r);
        else if (https)
                compare_clock(d, w, stream);
        else
                look_at_end(d, w, stream);
        return 0;
}

/* address: "host:port", "[::1]:8883", or NULL for the name's own. */
static Way way_to(const Doctor *d, const char *noun, const char *name, const char *address, const char *port)
{
        Way w = {.noun = noun, .name = name, .ca_file = d->settings->hub.ca_file, .needed = true};
        const char *colon = address ? strrchr(address, ':') : NULL;
        size_t bracket = address && *address == '[';

        (void)snprintf(w.port, sizeof(w.port), "%s", colon ? colon + 1 : port);
        if (colon && colon > address + 2 * bracket)
                (void)snprintf(w.host, sizeof(w.host), "%.*s", (int)((size_t)(colon - address) - 2 * bracket),
                               address + bracket);
        else
                (void)snprintf(w.host, sizeof(w.host), "%s", address ?: name);
        return w;
}

void doctor_network(Doctor *d)
{
        const HubSettings *hub = d->settings ? &d->settings->hub : NULL;
        Way w;

        if (doctor_sees_files_only(d)) {
                doctor_unseen(d, "network", "left out: from here the way to the hub is another one (--root)");
                return;
        }
        if (d->offline || !hub) {
                doctor_unseen(d, "network", "%s", d->offline ? "nothing was asked of the network (--offline)" :
                                                               "the settings do not tell where the hub is");
                return;
        }
        /* A name server that is dead is not waited for longer. */
        (void)setenv("RES_OPTIONS", "timeout:2 attempts:2", false);
        if (hub->dps.id_scope) {
                w = way_to(d, "the provisioning service", hub->dps.host, hub->dps.address, "8883");
                (void)go(d, &w, false);
        }
        if (!d->hub && !hub->address) {
                doctor_unseen(d, "network", "the hub's name is %s",
                              hub->dps.id_scope ? "not known before the provisioning service has assigned one" :
                                                  "in the credential, which cannot be read");
                return;
        }
        w = way_to(d, "the hub", d->hub, hub->address, "8883");
        if (go(d, &w, false) == -ENOENT || hub->address) /* a hub of one's own, whose other ports nobody knows */
                return;
        w = way_to(d, "the hub's HTTPS", d->hub, NULL, "443");
        w.needed = false;
        (void)go(d, &w, true);
}
