/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/transport-mosquitto.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "suite.h"
#include "tls-peer.h"

#define PATIENCE (25 * USEC_PER_SEC)

/* A transport on a loop, and what it told. */
static struct {
        sd_event *event;
        Transport *transport;
        Peer peer;

        TransportStep step; /* the last; the loop may see two of the thread's as one */
        bool connected, ended;
        int refused; /* code, or 0 */
        LinkReason reason;
        char detail[512];
        unsigned n_published, n_alive, n_ended;
        int mids[4096];
        uint64_t generation; /* of the last event */
        unsigned n_turns;

        bool close_on_connected, close_on_refused, close_on_step;
} t;

static void on_event(void *userdata, const TransportEvent *e)
{
        t.generation = e->generation;
        switch (e->kind) {
        case TRANSPORT_STEPPED:
                ck_assert_int_gt(e->step, t.step);
                t.step = e->step;
                if (t.close_on_step)
                        t.transport->close(t.transport, false);
                break;
        case TRANSPORT_CONNECTED:
                t.connected = true;
                if (t.close_on_connected)
                        t.transport->close(t.transport, true);
                break;
        case TRANSPORT_REFUSED:
                t.refused = e->code;
                if (t.close_on_refused)
                        t.transport->close(t.transport, false);
                break;
        case TRANSPORT_ENDED:
                t.ended = true;
                t.connected = false;
                t.n_ended++;
                t.reason = e->reason;
                (void)snprintf(t.detail, sizeof(t.detail), "%s", e->detail);
                break;
        case TRANSPORT_PUBLISHED:
                if (t.n_published < ARRAY_SIZE(t.mids))
                        t.mids[t.n_published] = e->mid;
                t.n_published++;
                break;
        case TRANSPORT_MESSAGE:
        case TRANSPORT_SUBSCRIBED:
        case TRANSPORT_UNSUBSCRIBED:
                break;
        case TRANSPORT_ALIVE:
                t.n_alive++;
                break;
        }
}

static void make_transport(ResolveFn resolve, usec_t patience)
{
        ck_assert_int_ge(sd_event_new(&t.event), 0);
        ck_assert_int_eq(transport_mosquitto_new_with(&t.transport, t.event, resolve, patience), 0);
        t.transport->set_sink(t.transport, &(TransportSink){on_event, NULL});
}

static atomic_bool lookup_may_return;
static atomic_int lookups, lookups_ended;

static void setup(void)
{
        (void)signal(SIGPIPE, SIG_IGN); /* as every program of ours */
        memset(&t, 0, sizeof(t));
        lookup_may_return = false;
        lookups = lookups_ended = 0;
}

static void teardown(void)
{
        if (t.transport)
                t.transport->free(t.transport);
        t.event = sd_event_unref(t.event);
        if (t.peer.script)
                peer_stop(&t.peer);
}

static void start(PeerCertificate certificate, PeerScript script)
{
        peer_start(&t.peer, certificate, script, NULL);
        make_transport(getaddrinfo, TRANSPORT_ADDRESS_PATIENCE_USEC);
}

static void connect_to(const char *host, const char *address, uint16_t port, const char *ca_file, uint64_t generation)
{
        TransportTarget target = {
                .host = host,
                .address = address,
                .port = port,
                .ca_file = ca_file,
                .client_id = "dev1",
                .username = PEER_NAME "/dev1/?api-version=2021-04-12",
                .password = "SharedAccessSignature sr=x&sig=y&se=1",
                .clean_session = true,
                .keepalive_usec = 4 * USEC_PER_MIN,
        };

        t.step = TRANSPORT_STEP_LOOKUP;
        ck_assert_int_eq(t.transport->connect(t.transport, &target, generation), 0);
}

static void connect_to_peer(void)
{
        connect_to(PEER_NAME, "127.0.0.1", t.peer.port, t.peer.ca_file, 1);
}

/* Runs the loop until the condition holds. */
#define AWAIT(condition)                                                                                             \
        do {                                                                                                         \
                usec_t end_ = clock_boot(&clock_system) + PATIENCE;                                                  \
                                                                                                                     \
                while (!(condition) && clock_boot(&clock_system) < end_) {                                           \
                        ck_assert_int_ge(sd_event_run(t.event, 50 * USEC_PER_MSEC), 0);                              \
                        t.n_turns++;                                                                                 \
                }                                                                                                    \
                ck_assert_msg((condition), #condition " (%s: %s)", link_reason_to_string(t.reason), t.detail);       \
        } while (0)

static void idle(usec_t usec)
{
        usec_t end = clock_boot(&clock_system) + usec;

        while (clock_boot(&clock_system) < end) {
                ck_assert_int_ge(sd_event_run(t.event, end - MIN(end, clock_boot(&clock_system))), 0);
                t.n_turns++;
        }
}

static usec_t cpu_time(void)
{
        struct rusage u;

        ck_assert_int_eq(getrusage(RUSAGE_SELF, &u), 0);
        return (usec_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * USEC_PER_SEC + (usec_t)u.ru_utime.tv_usec +
               (usec_t)u.ru_stime.tv_usec;
}

static void assert_ended(LinkReason reason, const char *word)
{
        ck_assert(t.ended);
        ck_assert_msg(t.reason == reason, "%s: %s", link_reason_to_string(t.reason), t.detail);
        ck_assert_msg(strstr(t.detail, word) != NULL, "%s", t.detail);
        ck_assert_uint_eq(t.n_ended, 1);
}

static int publish(size_t size)
{
        static char body[300 * 1024];
        int mid = 0, r;

        r = t.transport->publish(t.transport, "devices/dev1/messages/events/", body, size, 1, &mid);
        return r < 0 ? r : mid;
}

static uint16_t closed_port(void)
{
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof(address);
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
        (void)close(fd);
        return ntohs(address.sin_port);
}

/* ---- what goes well ---- */

static void serve_echo(Peer *p)
{
        uint16_t mid;

        if (!peer_serve(p))
                return;
        while (peer_read_publish(p, &mid)) {
                p->n[0]++;
                if (!peer_write_puback(p, mid))
                        break;
        }
}

START_TEST(it_connects_publishes_and_says_goodbye)
{
        int mid;

        start(PEER_CERTIFICATE_GOOD, serve_echo);
        connect_to_peer();
        ck_assert_int_eq(publish(1), -ENOTCONN);
        AWAIT(t.connected);
        ck_assert_int_eq(t.step, TRANSPORT_STEP_CONNACK);
        ck_assert_uint_eq(t.generation, 1);
        mid = publish(1000);
        ck_assert_int_gt(mid, 0);
        AWAIT(t.n_published == 1);
        ck_assert_int_eq(t.mids[0], mid);
        ck_assert_uint_ge(t.n_alive, 1);
        ck_assert_str_eq(t.peer.sni, PEER_NAME); /* not the address */
        t.transport->close(t.transport, true);
        ck_assert(!t.ended);
        idle(50 * USEC_PER_MSEC);
        ck_assert(!t.ended);
}
END_TEST

/* More than the library's own window of twenty, larger than any socket buffer, and far more than its socket pair
 * holds: all of it goes out, and each is acknowledged. */
START_TEST(a_flood_goes_through)
{
        start(PEER_CERTIFICATE_GOOD, serve_echo);
        connect_to_peer();
        AWAIT(t.connected);
        for (int i = 0; i < 24; i++)
                ck_assert_int_gt(publish(256 * 1024), 0);
        for (int i = 0; i < 1000; i++)
                ck_assert_int_gt(publish(100), 0);
        AWAIT(t.n_published == 1024);
        for (unsigned i = 0; i < t.n_published; i++)
                ck_assert_int_eq(t.mids[i], (int)i + 1);
        ck_assert(!t.ended);
}
END_TEST

static void serve_disconnect(Peer *p)
{
        uint8_t head, body[16];
        size_t size;

        if (peer_serve(p) && peer_read_packet(p, &head, body, sizeof(body), &size) && head == 0xe0)
                p->n[0] = 1;
        (void)peer_await_end(p);
}

START_TEST(goodbye_goes_out)
{
        start(PEER_CERTIFICATE_GOOD, serve_disconnect);
        t.close_on_connected = true; /* within the event */
        connect_to_peer();
        for (int i = 0; i < 5000 && !t.peer.n[0]; i++)
                idle(USEC_PER_MSEC);
        ck_assert_int_eq(t.peer.n[0], 1);
        ck_assert(!t.ended);
}
END_TEST

static void serve_connect_fields(Peer *p)
{
        static const uint8_t connack[] = {0x20, 2, 0, 0};
        uint8_t head, body[512];
        size_t size;

        if (!peer_accept(p) || !peer_handshake(p) || !peer_read_packet(p, &head, body, sizeof(body), &size))
                return;
        p->n[0] = memcmp(body, "\0\4MQTT\4", 7) == 0; /* MQTT 3.1.1 */
        p->n[1] = body[7];                            /* flags */
        p->n[2] = body[8] << 8 | body[9];             /* keep-alive */
        (void)peer_write(p, connack, sizeof(connack));
        (void)peer_await_end(p);
}

START_TEST(connect_says_what_it_should)
{
        start(PEER_CERTIFICATE_GOOD, serve_connect_fields);
        connect_to_peer();
        AWAIT(t.connected);
        ck_assert_int_eq(t.peer.n[0], 1);
        ck_assert_int_eq(t.peer.n[1], 0xc2); /* user name, password, clean session */
        ck_assert_int_eq(t.peer.n[2], 240);
}
END_TEST

static void serve_ping(Peer *p)
{
        uint16_t mid;

        if (peer_serve(p))
                (void)peer_read_publish(p, &mid); /* answers pings */
}

START_TEST(a_ping_is_answered)
{
        unsigned before;

        start(PEER_CERTIFICATE_GOOD, serve_ping);
        connect_to_peer();
        AWAIT(t.connected);
        for (int i = 0; i < 10; i++) {
                before = t.n_alive;
                ck_assert_int_ge(t.transport->ping(t.transport), 0);
                AWAIT(t.n_alive > before);
        }
        ck_assert(!t.ended);
}
END_TEST

static void serve_late(Peer *p)
{
        uint16_t mid;

        if (!peer_serve(p) || !peer_await_go(p))
                return;
        while (peer_read_publish(p, &mid))
                if (!peer_write_puback(p, mid))
                        break;
}

/* A ping may be asked for while the kernel takes no more: it must not fall between the bytes of a packet. */
START_TEST(a_ping_waits_its_turn)
{
        start(PEER_CERTIFICATE_GOOD, serve_late);
        connect_to_peer();
        AWAIT(t.connected);
        for (int i = 0; i < 40; i++)
                ck_assert_int_gt(publish(256 * 1024), 0);
        idle(50 * USEC_PER_MSEC);
        t.n_turns = 0;
        ck_assert_int_ge(t.transport->ping(t.transport), 0);
        idle(50 * USEC_PER_MSEC);
        ck_assert_uint_le(t.n_turns, 3);
        t.peer.go = true;
        AWAIT(t.n_published == 40);
        ck_assert(!t.ended);
}
END_TEST

/* Not even a packet that the library could write at once: what must be on disk first can hold it back. */
START_TEST(nothing_is_written_but_from_the_loop)
{
        start(PEER_CERTIFICATE_GOOD, serve_echo);
        connect_to_peer();
        AWAIT(t.connected);
        ck_assert_int_gt(publish(10), 0);
        (void)usleep(50 * 1000);
        ck_assert_int_eq(t.peer.n[0], 0);
        AWAIT(t.n_published == 1);
}
END_TEST

/* ---- several messages in one TLS record ---- */

static void serve_one_record(Peer *p)
{
        uint8_t record[4 * 2000];
        uint16_t mid;

        if (!peer_serve(p))
                return;
        for (int i = 0; i < 2000; i++) {
                if (!peer_read_publish(p, &mid))
                        return;
                memcpy(record + 4 * i, (uint8_t[]){0x40, 2, (uint8_t)(mid >> 8), (uint8_t)mid}, 4);
        }
        (void)peer_write(p, record, sizeof(record));
        (void)peer_await_end(p);
}

START_TEST(all_messages_of_one_record_arrive_at_once)
{
        start(PEER_CERTIFICATE_GOOD, serve_one_record);
        connect_to_peer();
        AWAIT(t.connected);
        for (int i = 0; i < 2000; i++) /* the library's socket pair is full long before */
                ck_assert_int_gt(publish(10), 0);
        AWAIT(t.n_published > 0);
        idle(20 * USEC_PER_MSEC);
        ck_assert_uint_eq(t.n_published, 2000);
}
END_TEST

/* Incoming messages make the library write, which is what leaves the rest behind: a known trap. */
static void serve_incoming(Peer *p)
{
        uint8_t record[16384], head, body[16];
        size_t n = 0, size;
        uint16_t mid;

        if (!peer_serve(p))
                return;
        for (int i = 0; i < 1200; i++)
                if (!peer_read_publish(p, &mid))
                        return;
        for (int i = 1; i <= 500; i++, n += 9)
                memcpy(record + n, (uint8_t[]){0x32, 7, 0, 1, 'a', (uint8_t)(i >> 8), (uint8_t)i, 'x', 'y'}, 9);
        (void)peer_write(p, record, n);
        for (int i = 0; i < 500; i++)
                if (peer_read_packet(p, &head, body, sizeof(body), &size) && head == 0x40)
                        p->n[0]++;
        (void)peer_write_puback(p, 1);
        (void)peer_await_end(p);
}

START_TEST(incoming_messages_of_one_record_do_not_stall)
{
        usec_t begun;

        start(PEER_CERTIFICATE_GOOD, serve_incoming);
        connect_to_peer();
        AWAIT(t.connected);
        for (int i = 0; i < 1200; i++)
                ck_assert_int_gt(publish(10), 0);
        begun = clock_boot(&clock_system);
        AWAIT(t.n_published == 1);
        ck_assert_int_eq(t.peer.n[0], 500);
        ck_assert_uint_le(clock_boot(&clock_system) - begun, 8 * USEC_PER_SEC);
}
END_TEST

/* ---- TCP ---- */

START_TEST(a_closed_port_is_refused)
{
        usec_t cpu;

        make_transport(getaddrinfo, TRANSPORT_ADDRESS_PATIENCE_USEC);
        connect_to(PEER_NAME, "127.0.0.1", closed_port(), NULL, 7);
        AWAIT(t.ended);
        assert_ended(LINK_REASON_REFUSED, "Connection refused");
        ck_assert_uint_eq(t.generation, 7);
        ck_assert_int_eq(t.step, TRANSPORT_STEP_TCP);
        /* and it does not spin afterwards */
        cpu = cpu_time();
        t.n_turns = 0;
        idle(200 * USEC_PER_MSEC);
        ck_assert_uint_le(t.n_turns, 3);
        ck_assert_uint_le(cpu_time() - cpu, 100 * USEC_PER_MSEC);
}
END_TEST

START_TEST(no_route_is_the_network)
{
        make_transport(getaddrinfo, TRANSPORT_ADDRESS_PATIENCE_USEC);
        connect_to(PEER_NAME, "255.255.255.255", 8883, NULL, 1);
        AWAIT(t.ended);
        assert_ended(LINK_REASON_NETWORK, "255.255.255.255 port 8883");
}
END_TEST

/* Lists 127.0.0.2, where nobody listens, before 127.0.0.1. */
static int resolve_bad_then_good(const char *node, const char *service, const struct addrinfo *hints,
                                 struct addrinfo **ret)
{
        struct addrinfo *good;
        int r;

        ck_assert_str_eq(node, PEER_NAME);
        if ((r = getaddrinfo("127.0.0.2", service, hints, ret)) != 0 ||
            (r = getaddrinfo("127.0.0.1", service, hints, &good)) != 0)
                return r;
        (*ret)->ai_next = good;
        return 0;
}

START_TEST(a_bad_address_does_not_hide_the_good_one)
{
        peer_start(&t.peer, PEER_CERTIFICATE_GOOD, serve_echo, NULL);
        make_transport(resolve_bad_then_good, TRANSPORT_ADDRESS_PATIENCE_USEC);
        connect_to(PEER_NAME, NULL, t.peer.port, t.peer.ca_file, 1);
        AWAIT(t.connected);
        ck_assert_int_eq(t.peer.accepted, 1);
}
END_TEST

START_TEST(every_address_that_failed_is_named)
{
        make_transport(resolve_bad_then_good, TRANSPORT_ADDRESS_PATIENCE_USEC);
        connect_to(PEER_NAME, NULL, closed_port(), NULL, 1);
        AWAIT(t.ended);
        assert_ended(LINK_REASON_REFUSED, "127.0.0.2 port");
        assert_ended(LINK_REASON_REFUSED, "; 127.0.0.1 port");
}
END_TEST

/* A listener whose queue is full lets a SYN fall on the floor: as silent as a black hole. */
static int black_hole(uint16_t *ret_port, int fds[static 4])
{
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof(address);

        fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(fds[0], (struct sockaddr *)&address, sizeof(address)), 0);
        ck_assert_int_eq(listen(fds[0], 0), 0);
        ck_assert_int_eq(getsockname(fds[0], (struct sockaddr *)&address, &size), 0);
        for (int i = 1; i < 4; i++) {
                fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
                (void)connect(fds[i], (struct sockaddr *)&address, sizeof(address));
        }
        *ret_port = ntohs(address.sin_port);
        return 0;
}

static void close_all(int fds[static 4])
{
        for (int i = 0; i < 4; i++)
                (void)close(fds[i]);
}

START_TEST(an_address_that_swallows_everything_has_a_deadline)
{
        usec_t begun = clock_boot(&clock_system);
        uint16_t port;
        int fds[4];

        black_hole(&port, fds);
        make_transport(getaddrinfo, 200 * USEC_PER_MSEC);
        connect_to(PEER_NAME, "127.0.0.1", port, NULL, 1);
        AWAIT(t.ended);
        assert_ended(LINK_REASON_NETWORK, "timed out");
        ck_assert_uint_ge(clock_boot(&clock_system) - begun, 190 * USEC_PER_MSEC);
        close_all(fds);
}
END_TEST

START_TEST(a_connect_that_hangs_in_tcp_can_be_called_off)
{
        usec_t begun;
        uint16_t port;
        int fds[4];

        black_hole(&port, fds);
        make_transport(getaddrinfo, 20 * USEC_PER_SEC);
        connect_to(PEER_NAME, "127.0.0.1", port, NULL, 1);
        AWAIT(t.step == TRANSPORT_STEP_TCP);
        idle(50 * USEC_PER_MSEC);
        t.transport->close(t.transport, false);
        connect_to(PEER_NAME, "127.0.0.1", closed_port(), NULL, 2); /* at once another one */
        begun = clock_boot(&clock_system);
        AWAIT(t.ended);
        assert_ended(LINK_REASON_REFUSED, "refused");
        ck_assert_uint_eq(t.generation, 2);
        /* not the 20 s of the one called off */
        ck_assert_uint_le(clock_boot(&clock_system) - begun, 15 * USEC_PER_SEC);
        close_all(fds);
}
END_TEST

/* ---- name lookup ---- */

static int resolve_slowly(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
        lookups++;
        while (!lookup_may_return)
                (void)usleep(1000);
        lookups_ended++;
        return getaddrinfo("127.0.0.1", service, hints, ret);
}

static int resolve_nothing(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
        return EAI_NONAME;
}

START_TEST(a_name_that_is_not_found)
{
        make_transport(resolve_nothing, TRANSPORT_ADDRESS_PATIENCE_USEC);
        connect_to(PEER_NAME, NULL, 8883, NULL, 1);
        AWAIT(t.ended);
        assert_ended(LINK_REASON_NAME, PEER_NAME);
        ck_assert_int_eq(t.step, TRANSPORT_STEP_LOOKUP);
}
END_TEST

START_TEST(a_real_name_that_is_not_found)
{
        make_transport(getaddrinfo, TRANSPORT_ADDRESS_PATIENCE_USEC);
        connect_to("no-such-host.invalid", NULL, 8883, NULL, 1);
        AWAIT(t.ended);
        assert_ended(LINK_REASON_NAME, "no-such-host.invalid");
}
END_TEST

START_TEST(a_slow_lookup_does_not_stop_the_loop)
{
        peer_start(&t.peer, PEER_CERTIFICATE_GOOD, serve_echo, NULL);
        make_transport(resolve_slowly, TRANSPORT_ADDRESS_PATIENCE_USEC);
        connect_to(PEER_NAME, NULL, t.peer.port, t.peer.ca_file, 1);
        t.n_turns = 0;
        idle(300 * USEC_PER_MSEC);
        ck_assert_int_eq(t.step, TRANSPORT_STEP_LOOKUP);
        ck_assert_uint_le(t.n_turns, 2); /* nothing wakes it */
        lookup_may_return = true;
        AWAIT(t.connected);
}
END_TEST

START_TEST(one_lookup_at_a_time)
{
        peer_start(&t.peer, PEER_CERTIFICATE_GOOD, serve_echo, NULL);
        make_transport(resolve_slowly, TRANSPORT_ADDRESS_PATIENCE_USEC);
        for (uint64_t generation = 1; generation <= 20; generation++) {
                connect_to(PEER_NAME, NULL, t.peer.port, t.peer.ca_file, generation);
                idle(2 * USEC_PER_MSEC);
                if (generation % 3 == 0)
                        t.transport->close(t.transport, false);
        }
        AWAIT(lookups == 1);
        lookup_may_return = true;
        AWAIT(t.connected);
        ck_assert_uint_eq(t.generation, 20);
        ck_assert_int_eq(lookups, 2);
        ck_assert_int_eq(t.peer.accepted, 1);
        ck_assert(!t.ended);
}
END_TEST

START_TEST(a_stop_does_not_wait_for_a_lookup)
{
        usec_t begun;

        make_transport(resolve_slowly, TRANSPORT_ADDRESS_PATIENCE_USEC);
        connect_to(PEER_NAME, NULL, 8883, NULL, 1);
        AWAIT(lookups == 1);
        begun = clock_boot(&clock_system);
        t.transport = t.transport->free(t.transport);
        ck_assert_uint_le(clock_boot(&clock_system) - begun, USEC_PER_SEC);
        /* the thread comes back to a transport that is gone, and cleans up behind itself */
        lookup_may_return = true;
        AWAIT(lookups_ended == 1);
        idle(50 * USEC_PER_MSEC);
        ck_assert_uint_eq(t.n_ended, 0);
}
END_TEST

/* ---- TLS ---- */

static void shake_hands(Peer *p)
{
        while (peer_accept(p))
                (void)(peer_handshake(p) && peer_await_end(p));
}

static void assert_certificate(PeerCertificate kind, LinkReason reason, const char *word)
{
        start(kind, shake_hands);
        connect_to_peer();
        AWAIT(t.ended);
        assert_ended(reason, word);
        ck_assert_int_lt(t.step, TRANSPORT_STEP_CONNACK); /* nothing secret went out */
}

START_TEST(a_wrong_ca_is_untrusted)
{
        assert_certificate(PEER_CERTIFICATE_OTHER_CA, LINK_REASON_TLS_UNTRUSTED, "/ca.pem");
}
END_TEST

START_TEST(the_systems_store_does_not_know_the_test_ca)
{
        start(PEER_CERTIFICATE_GOOD, shake_hands);
        connect_to(PEER_NAME, "127.0.0.1", t.peer.port, NULL, 1);
        AWAIT(t.ended);
        assert_ended(LINK_REASON_TLS_UNTRUSTED, "install ca-certificates");
}
END_TEST

START_TEST(a_ca_file_that_cannot_be_used_is_named)
{
        start(PEER_CERTIFICATE_GOOD, shake_hands);
        connect_to(PEER_NAME, "127.0.0.1", t.peer.port, "/no/such/ca.pem", 1);
        AWAIT(t.ended);
        assert_ended(LINK_REASON_TLS_UNTRUSTED, "/no/such/ca.pem cannot be used: No such file");
}
END_TEST

START_TEST(another_name_is_told)
{
        assert_certificate(PEER_CERTIFICATE_OTHER_NAME, LINK_REASON_TLS_HOSTNAME,
                           "is for other.example.net, not for " PEER_NAME);
}
END_TEST

START_TEST(an_expired_certificate_is_told_with_its_date)
{
        assert_certificate(PEER_CERTIFICATE_EXPIRED, LINK_REASON_TLS_EXPIRED, " ended on 20");
}
END_TEST

START_TEST(a_certificate_from_the_future_is_told)
{
        assert_certificate(PEER_CERTIFICATE_FUTURE, LINK_REASON_TLS_EXPIRED, " begins on 20");
}
END_TEST

/* The name is checked although TCP goes to a number, and the number is checked when it is the name. */
START_TEST(it_is_the_name_that_counts_not_the_address)
{
        static const struct {
                PeerCertificate kind;
                const char *host;
                LinkReason reason;
        } cases[] = {
                {PEER_CERTIFICATE_GOOD, PEER_NAME, LINK_REASON_NONE},
                {PEER_CERTIFICATE_GOOD, "127.0.0.1", LINK_REASON_TLS_HOSTNAME},
                {PEER_CERTIFICATE_ADDRESS, "127.0.0.1", LINK_REASON_NONE},
                {PEER_CERTIFICATE_ADDRESS, PEER_NAME, LINK_REASON_TLS_HOSTNAME},
        };

        start(cases[_i].kind, serve_echo);
        connect_to(cases[_i].host, "127.0.0.1", t.peer.port, t.peer.ca_file, 1);
        if (cases[_i].reason == LINK_REASON_NONE) {
                AWAIT(t.connected);
        } else {
                AWAIT(t.ended);
                assert_ended(cases[_i].reason, cases[_i].host);
        }
        ck_assert_str_eq(t.peer.sni, cases[_i].host[0] == '1' ? "" : PEER_NAME);
}
END_TEST

START_TEST(a_ca_file_that_cannot_be_read_is_named)
{
        static const char *const files[] = {"/nonexistent/ca.pem", "/dev/null", "/etc/hostname"};

        start(PEER_CERTIFICATE_GOOD, shake_hands);
        connect_to(PEER_NAME, "127.0.0.1", t.peer.port, files[_i], 1);
        AWAIT(t.ended);
        assert_ended(LINK_REASON_TLS_UNTRUSTED, files[_i]);
}
END_TEST

static void speak_plainly(Peer *p)
{
        if (peer_accept(p) && peer_write_plain(p, "220 mail.example.net ESMTP\r\n", 28))
                (void)peer_await_end(p);
}

START_TEST(a_peer_that_speaks_no_tls)
{
        start(PEER_CERTIFICATE_GOOD, speak_plainly);
        connect_to_peer();
        AWAIT(t.ended);
        assert_ended(LINK_REASON_CLOSED, "TLS");
}
END_TEST

static void reset_at_once(Peer *p)
{
        if (peer_accept(p))
                peer_reset(p);
}

static void reset_in_handshake(Peer *p)
{
        uint8_t byte;

        if (!peer_accept(p))
                return;
        (void)recv(p->fd, &byte, 1, 0);
        peer_reset(p);
}

static void close_in_handshake(Peer *p)
{
        uint8_t bytes[4096];

        if (!peer_accept(p))
                return;
        (void)recv(p->fd, bytes, sizeof(bytes), 0);
        (void)peer_write_plain(p, "\x16\x03\x03", 3);
        peer_close(p);
}

static void close_before_connack(Peer *p)
{
        uint8_t head, body[512];
        size_t size;

        if (peer_accept(p) && peer_handshake(p) && peer_read_packet(p, &head, body, sizeof(body), &size))
                peer_close(p);
}

static void reset_before_connack(Peer *p)
{
        uint8_t head, body[512];
        size_t size;

        if (peer_accept(p) && peer_handshake(p) && peer_read_packet(p, &head, body, sizeof(body), &size))
                peer_reset(p);
}

static void reset_after_connack(Peer *p)
{
        if (peer_serve(p) && peer_await_go(p))
                peer_reset(p);
}

static void close_after_connack(Peer *p)
{
        if (peer_serve(p) && peer_await_go(p))
                peer_close(p);
}

START_TEST(a_peer_that_goes_is_noticed_at_once)
{
        static const PeerScript scripts[] = {reset_at_once,        reset_in_handshake,  close_in_handshake,
                                             close_before_connack, reset_before_connack, reset_after_connack,
                                             close_after_connack};
        usec_t begun = clock_boot(&clock_system);

        start(PEER_CERTIFICATE_GOOD, scripts[_i]);
        connect_to_peer();
        if (scripts[_i] == reset_after_connack || scripts[_i] == close_after_connack) {
                AWAIT(t.connected);
                t.peer.go = true;
        }
        AWAIT(t.ended);
        ck_assert_msg(t.reason == LINK_REASON_CLOSED ||
                      (t.reason == LINK_REASON_NETWORK && scripts[_i] == reset_at_once),
                      "%s: %s", link_reason_to_string(t.reason), t.detail);
        ck_assert_uint_eq(t.n_ended, 1);
        ck_assert_int_eq(publish(1), -ENOTCONN);
        ck_assert_int_eq(t.transport->ping(t.transport), -ENOTCONN);
        ck_assert_uint_le(clock_boot(&clock_system) - begun, 8 * USEC_PER_SEC);
}
END_TEST

/* ---- silence: the deadlines are the hub's, here nothing may spin or block ---- */

static void silent_in_handshake(Peer *p)
{
        if (peer_accept(p))
                (void)peer_await_go(p);
}

static void silent_before_connack(Peer *p)
{
        uint8_t head, body[512];
        size_t size;

        if (peer_accept(p) && peer_handshake(p) && peer_read_packet(p, &head, body, sizeof(body), &size))
                (void)peer_await_go(p);
}

static void silent_after_connack(Peer *p)
{
        if (peer_serve(p))
                (void)peer_await_go(p);
}

START_TEST(a_silent_peer_costs_no_turns_and_can_be_left)
{
        static const struct {
                PeerScript script;
                TransportStep step;
        } cases[] = {
                {silent_in_handshake, TRANSPORT_STEP_TLS},
                {silent_before_connack, TRANSPORT_STEP_CONNACK},
                {silent_after_connack, TRANSPORT_STEP_CONNACK},
        };
        usec_t begun;

        start(PEER_CERTIFICATE_GOOD, cases[_i].script);
        connect_to_peer();
        AWAIT(t.step == cases[_i].step && (_i < 2 || t.connected));
        if (_i == 2) {
                for (int i = 0; i < 16; i++)
                        ck_assert_int_gt(publish(30000), 0);
                ck_assert_int_ge(t.transport->ping(t.transport), 0);
        }
        idle(100 * USEC_PER_MSEC);
        t.n_turns = t.n_alive = 0;
        idle(400 * USEC_PER_MSEC);
        ck_assert_uint_le(t.n_turns, 3);
        ck_assert_uint_eq(t.n_alive, 0);
        ck_assert(!t.ended);
        begun = clock_boot(&clock_system);
        t.transport->close(t.transport, _i == 2);
        ck_assert_uint_le(clock_boot(&clock_system) - begun, USEC_PER_SEC);
        idle(20 * USEC_PER_MSEC);
        ck_assert(!t.ended);
}
END_TEST

/* ---- refusals ---- */

static void refuse(Peer *p)
{
        uint8_t head, body[512], connack[] = {0x20, 2, 0, (uint8_t)(uintptr_t)p->userdata};
        size_t size;

        if (peer_accept(p) && peer_handshake(p) && peer_read_packet(p, &head, body, sizeof(body), &size)) {
                (void)peer_write(p, connack, sizeof(connack));
                if (connack[3] % 2)
                        peer_reset(p); /* the answer must not drown in the end of the connection */
                else
                        peer_close(p);
        }
}

START_TEST(a_refusal_is_told_before_the_end)
{
        for (int closes = 0; closes < 2; closes++) {
                setup();
                peer_start(&t.peer, PEER_CERTIFICATE_GOOD, refuse, (void *)(uintptr_t)_i);
                make_transport(getaddrinfo, TRANSPORT_ADDRESS_PATIENCE_USEC);
                t.close_on_refused = closes;
                connect_to_peer();
                AWAIT(t.refused);
                ck_assert_int_eq(t.refused, _i);
                ck_assert_int_eq(t.ended, !closes);
                ck_assert(!t.connected);
                if (closes == 0)
                        teardown();
        }
}
END_TEST

/* ---- what the library would do by itself ---- */

static void count_publishes(Peer *p)
{
        uint16_t mid;

        for (int round = 0; round < 3; round++) {
                if (!peer_serve(p))
                        return;
                if (round < 2) {
                        for (int i = 0; i < 3; i++)
                                if (peer_read_publish(p, &mid))
                                        p->n[0]++;
                        peer_reset(p); /* acknowledges none */
                } else {
                        while (peer_read_publish(p, &mid))
                                p->n[1]++;
                }
        }
}

START_TEST(nothing_is_sent_again_behind_our_back)
{
        start(PEER_CERTIFICATE_GOOD, count_publishes);
        for (uint64_t generation = 1; generation <= 3; generation++) {
                t.connected = t.ended = false;
                connect_to(PEER_NAME, "127.0.0.1", t.peer.port, t.peer.ca_file, generation);
                AWAIT(t.connected);
                if (generation == 3)
                        break;
                for (int i = 0; i < 3; i++)
                        ck_assert_int_gt(publish(100), 0);
                AWAIT(t.ended);
                ck_assert_int_lt(publish(100), 0); /* nor kept */
        }
        idle(300 * USEC_PER_MSEC);
        ck_assert_int_eq(t.peer.n[0], 6);
        ck_assert_int_eq(t.peer.n[1], 0);
}
END_TEST

static size_t count_fds(void)
{
        size_t n = 0;

        for (int fd = 0; fd < 256; fd++)
                n += fcntl(fd, F_GETFD) >= 0;
        return n;
}

static void serve_many(Peer *p)
{
        while (peer_accept(p))
                (void)peer_answer(p);
}

/* Many of these handshakes end on the dialer's thread, before the loop looks: see client_attach(). */
START_TEST(connections_leave_nothing_behind)
{
        size_t before = 0;

        start(PEER_CERTIFICATE_GOOD, serve_many);
        for (uint64_t generation = 1; generation <= 30; generation++) {
                t.connected = t.ended = false;
                connect_to(PEER_NAME, "127.0.0.1", t.peer.port, t.peer.ca_file, generation);
                AWAIT(t.connected);
                ck_assert_int_gt(publish(100), 0);
                t.transport->close(t.transport, generation % 2);
                for (int i = 0; i < 10; i++)
                        (void)sd_event_run(t.event, 0);
                if (generation == 5)
                        before = count_fds();
        }
        ck_assert_uint_le(count_fds(), before + 1); /* the peer may have one more or less */
}
END_TEST

/* At whatever moment it is called off, at whatever moment the next begins. */
START_TEST(called_off_at_any_moment)
{
        start(PEER_CERTIFICATE_GOOD, serve_many);
        for (uint64_t generation = 1; generation <= 60; generation++) {
                connect_to(PEER_NAME, "127.0.0.1", t.peer.port, t.peer.ca_file, generation);
                idle(generation * 150);
                if (generation % 2)
                        t.transport->close(t.transport, false);
        }
        ck_assert(!t.ended || t.generation > 0);
        t.close_on_step = true;
        connect_to(PEER_NAME, "127.0.0.1", t.peer.port, t.peer.ca_file, 100);
        t.connected = false;
        idle(50 * USEC_PER_MSEC);
        ck_assert(!t.connected);
        t.close_on_step = false;
        connect_to(PEER_NAME, "127.0.0.1", t.peer.port, t.peer.ca_file, 101);
        AWAIT(t.connected);
        ck_assert_uint_eq(t.generation, 101);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("hub/transport-mosquitto");
        TCase *c = suite_case(s, "what goes well");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, it_connects_publishes_and_says_goodbye);
        tcase_add_test(c, a_flood_goes_through);
        tcase_add_test(c, goodbye_goes_out);
        tcase_add_test(c, connect_says_what_it_should);
        tcase_add_test(c, a_ping_is_answered);
        tcase_add_test(c, a_ping_waits_its_turn);
        tcase_add_test(c, nothing_is_written_but_from_the_loop);

        c = suite_case(s, "several messages in one TLS record");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, all_messages_of_one_record_arrive_at_once);
        tcase_add_test(c, incoming_messages_of_one_record_do_not_stall);

        c = suite_case(s, "TCP");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, a_closed_port_is_refused);
        tcase_add_test(c, no_route_is_the_network);
        tcase_add_test(c, a_bad_address_does_not_hide_the_good_one);
        tcase_add_test(c, every_address_that_failed_is_named);
        tcase_add_test(c, an_address_that_swallows_everything_has_a_deadline);
        tcase_add_test(c, a_connect_that_hangs_in_tcp_can_be_called_off);

        c = suite_case(s, "name lookup");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, a_name_that_is_not_found);
        tcase_add_test(c, a_real_name_that_is_not_found);
        tcase_add_test(c, a_slow_lookup_does_not_stop_the_loop);
        tcase_add_test(c, one_lookup_at_a_time);
        tcase_add_test(c, a_stop_does_not_wait_for_a_lookup);

        c = suite_case(s, "TLS");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, a_wrong_ca_is_untrusted);
        tcase_add_test(c, the_systems_store_does_not_know_the_test_ca);
        tcase_add_test(c, a_ca_file_that_cannot_be_used_is_named);
        tcase_add_test(c, another_name_is_told);
        tcase_add_test(c, an_expired_certificate_is_told_with_its_date);
        tcase_add_test(c, a_certificate_from_the_future_is_told);
        tcase_add_loop_test(c, it_is_the_name_that_counts_not_the_address, 0, 4);
        tcase_add_loop_test(c, a_ca_file_that_cannot_be_read_is_named, 0, 3);
        tcase_add_test(c, a_peer_that_speaks_no_tls);
        tcase_add_loop_test(c, a_peer_that_goes_is_noticed_at_once, 0, 7);

        c = suite_case(s, "silence and refusal");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_loop_test(c, a_silent_peer_costs_no_turns_and_can_be_left, 0, 3);
        tcase_add_loop_test(c, a_refusal_is_told_before_the_end, 1, 6);

        c = suite_case(s, "what the library would do by itself");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, nothing_is_sent_again_behind_our_back);
        tcase_add_test(c, connections_leave_nothing_behind);
        tcase_add_test(c, called_off_at_any_moment);
        return suite_run(s);
}
