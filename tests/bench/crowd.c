/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Crowd - many devices on one hub at once, from one process
 *
 * Each line of standard input is a device: client id, user name and password, with a tab between. All connect over TLS
 * and then send events with QoS 1, at a steady rate and taking turns, for so many seconds; the end has come when every
 * event has its PUBACK. An event's body is its number, padded to 200 bytes.
 *
 * usage: crowd ADDRESS PORT HOST CA-FILE RATE-A-DEVICE SECONDS      one JSON line
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/tls-stream.h"

#define BODY_SIZE     200
#define PATIENCE_USEC (60 * USEC_PER_SEC) /* for the last PUBACKs */
#define EVENTS_MAX    256
#define AT_ONCE_MAX   64 /* handshakes under way */

typedef struct Client {
        char *id, *username, *password;
        TlsStream *stream;
        TlsClient *tls;
        Buffer out, in;
        uint16_t packet_id;
        bool connected;
        uint32_t events;
} Client;

typedef struct Crowd {
        const char *host, *ca_file;
        struct sockaddr_in address;
        Client *clients;
        size_t n, n_opened, n_connected;
        uint64_t n_sent, n_acknowledged;
        int epoll_fd;
} Crowd;

static void die(const char *what, const char *who, const char *why)
{
        (void)fprintf(stderr, "crowd: %s: %s: %s\n", who, what, why);
        exit(EXIT_FAILURE);
}

static usec_t now_usec(void)
{
        return clock_boot(&clock_system);
}

/* ---- packets ---- */

static void write_length(Buffer *b, size_t length)
{
        for (; length > 0x7f; length >>= 7)
                buffer_append_char(b, (char)((length & 0x7f) | 0x80));
        buffer_append_char(b, (char)length);
}

static void write_text(Buffer *b, const char *text)
{
        size_t size = strlen(text);

        buffer_append_char(b, (char)(size >> 8));
        buffer_append_char(b, (char)size);
        buffer_append(b, text, size);
}

static void write_connect(Client *c)
{
        static const char head[] = {0, 4, 'M', 'Q', 'T', 'T', 4, (char)0xc2, 0, 240};

        buffer_append_char(&c->out, 0x10);
        write_length(&c->out, sizeof(head) + 6 + strlen(c->id) + strlen(c->username) + strlen(c->password));
        buffer_append(&c->out, head, sizeof(head));
        write_text(&c->out, c->id);
        write_text(&c->out, c->username);
        write_text(&c->out, c->password);
}

static void write_event(Client *c, uint64_t number)
{
        char topic[256], body[BODY_SIZE + 1];

        (void)snprintf(topic, sizeof(topic), "devices/%s/messages/events/", c->id);
        (void)snprintf(body, sizeof(body), "%-*" PRIu64, BODY_SIZE, number);
        if (++c->packet_id == 0)
                c->packet_id = 1;
        buffer_append_char(&c->out, 0x32);
        write_length(&c->out, 2 + strlen(topic) + 2 + BODY_SIZE);
        write_text(&c->out, topic);
        buffer_append_char(&c->out, (char)(c->packet_id >> 8));
        buffer_append_char(&c->out, (char)c->packet_id);
        buffer_append(&c->out, body, BODY_SIZE);
}

/* ---- one client ---- */

static void wait_for(Crowd *crowd, Client *c, uint32_t events)
{
        struct epoll_event event = {.events = events, .data.ptr = c};

        if (events == c->events)
                return;
        if (epoll_ctl(crowd->epoll_fd, c->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, tls_stream_fd(c->stream), &event) < 0)
                die("epoll", c->id, strerror(errno));
        c->events = events;
}

static void open_client(Crowd *crowd, Client *c)
{
        char words[TLS_CLIENT_WORDS_MAX] = "";
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

        if (fd < 0 || connect(fd, (struct sockaddr *)&crowd->address, sizeof(crowd->address)) < 0)
                die("connect", c->id, strerror(errno));
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        (void)fcntl(fd, F_SETFL, O_NONBLOCK);
        if (tls_client_new(&c->tls, crowd->host, crowd->ca_file, words) < 0)
                die("TLS", c->id, words);
        if (tls_stream_new_client(&c->stream, c->tls, fd) < 0)
                die("TLS", c->id, "no memory");
        write_connect(c);
        wait_for(crowd, c, EPOLLIN | EPOLLOUT);
}

static void send_out(Crowd *crowd, Client *c)
{
        size_t sent = 0;

        while (sent < c->out.size) {
                ssize_t n = tls_stream_write(c->stream, c->out.data + sent, c->out.size - sent);

                if (n == -EAGAIN)
                        break;
                if (n < 0)
                        die("write", c->id, tls_stream_error(c->stream));
                sent += (size_t)n;
        }
        memmove(c->out.data, c->out.data + sent, c->out.size - sent);
        buffer_truncate(&c->out, c->out.size - sent);
        wait_for(crowd, c, c->out.size > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* Only packets of two bytes after their head come: CONNACK and PUBACK. */
static void take_packets(Crowd *crowd, Client *c)
{
        size_t used = 0;

        for (; c->in.size - used >= 4; used += 4) {
                const uint8_t *p = (const uint8_t *)c->in.data + used;

                if (p[0] == 0x20 && p[1] == 2 && p[3] == 0) {
                        c->connected = true;
                        crowd->n_connected++;
                } else if (p[0] == 0x40 && p[1] == 2) {
                        crowd->n_acknowledged++;
                } else {
                        die("refused", c->id, "an unexpected packet");
                }
        }
        memmove(c->in.data, c->in.data + used, c->in.size - used);
        buffer_truncate(&c->in, c->in.size - used);
}

static void receive(Crowd *crowd, Client *c)
{
        char chunk[TLS_RECORD_MAX];
        ssize_t n;

        while ((n = tls_stream_read(c->stream, chunk, sizeof(chunk))) > 0)
                buffer_append(&c->in, chunk, (size_t)n);
        if (n != -EAGAIN)
                die("read", c->id, n == 0 ? "the hub closed" : tls_stream_error(c->stream));
        take_packets(crowd, c);
}

static void serve(Crowd *crowd, Client *c)
{
        if (!tls_stream_is_ready(c->stream)) {
                int r = tls_stream_handshake(c->stream);

                if (r == -EAGAIN) {
                        wait_for(crowd, c, tls_stream_events(c->stream));
                        return;
                }
                if (r < 0)
                        die("handshake", c->id, tls_stream_error(c->stream));
        }
        receive(crowd, c);
        send_out(crowd, c);
}

static void turn(Crowd *crowd, int timeout_ms)
{
        struct epoll_event events[EVENTS_MAX];
        int n = epoll_wait(crowd->epoll_fd, events, EVENTS_MAX, timeout_ms);

        for (int i = 0; i < n; i++)
                serve(crowd, events[i].data.ptr);
}

/* ---- all of them ---- */

static void read_clients(Crowd *crowd)
{
        _cleanup_free_ char *line = NULL;
        size_t size = 0, n_allocated = 0;
        ssize_t length;

        while ((length = getline(&line, &size, stdin)) > 0) {
                Client c = {};

                line[strcspn(line, "\n")] = 0;
                if (sscanf(line, "%m[^\t]\t%m[^\t]\t%m[^\t]", &c.id, &c.username, &c.password) != 3)
                        die("not three words", "stdin", line);
                if (crowd->n == n_allocated) {
                        n_allocated = n_allocated * 2 + 64;
                        crowd->clients = reallocarray(crowd->clients, n_allocated, sizeof(Client));
                        if (!crowd->clients)
                                die("reading", "stdin", "no memory");
                }
                crowd->clients[crowd->n++] = c;
        }
}

static void connect_all(Crowd *crowd)
{
        while (crowd->n_connected < crowd->n) {
                while (crowd->n_opened < crowd->n && crowd->n_opened < crowd->n_connected + AT_ONCE_MAX)
                        open_client(crowd, &crowd->clients[crowd->n_opened++]);
                turn(crowd, 1000);
        }
}

static void send_all(Crowd *crowd, uint64_t rate, uint64_t seconds)
{
        uint64_t total = rate * seconds * crowd->n;
        usec_t begin = now_usec();

        while (crowd->n_sent < total) {
                uint64_t due = (now_usec() - begin) * rate * crowd->n / USEC_PER_SEC;

                for (; crowd->n_sent < MIN(due, total); crowd->n_sent++) {
                        Client *c = &crowd->clients[crowd->n_sent % crowd->n];

                        write_event(c, crowd->n_sent);
                        if (c->events == EPOLLIN)
                                send_out(crowd, c);
                }
                turn(crowd, 1);
        }
        for (usec_t last = now_usec(); crowd->n_acknowledged < total && now_usec() < last + PATIENCE_USEC;)
                turn(crowd, 100);
}

int main(int argc, char **argv)
{
        Crowd crowd = {};
        usec_t begin, connected, end;

        if (argc != 7) {
                (void)fprintf(stderr, "usage: crowd ADDRESS PORT HOST CA-FILE RATE-A-DEVICE SECONDS\n");
                return 2;
        }
        crowd.address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2]))};
        if (inet_pton(AF_INET, argv[1], &crowd.address.sin_addr) != 1)
                die("no address", argv[1], "it is not numeric");
        crowd.host = argv[3];
        crowd.ca_file = argv[4];
        crowd.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        read_clients(&crowd);
        begin = now_usec();
        connect_all(&crowd);
        connected = now_usec();
        send_all(&crowd, strtoull(argv[5], NULL, 10), strtoull(argv[6], NULL, 10));
        end = now_usec();
        (void)printf("{\"clients\": %zu, \"connect_seconds\": %.3f, \"seconds\": %.3f, \"sent\": %" PRIu64
                     ", \"acknowledged\": %" PRIu64 "}\n",
                     crowd.n_connected, (double)(connected - begin) / USEC_PER_SEC,
                     (double)(end - connected) / USEC_PER_SEC, crowd.n_sent, crowd.n_acknowledged);
        return crowd.n_acknowledged == crowd.n_sent ? EXIT_SUCCESS : EXIT_FAILURE;
}
