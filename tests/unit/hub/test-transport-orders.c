/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a peer publishes to us, over the real library: when it is told, and above all when it is acknowledged.
 */

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "hub/transport-mosquitto.h"
#include "suite.h"
#include "tls-peer.h"

#define PATIENCE (25 * USEC_PER_SEC)
#define TOPIC    "devices/dev1/messages/devicebound/a=b"
#define FILTER "devices/dev1/messages/devicebound/#"
#define SILENCE  300 /* ms in which a forbidden packet would have come */

/* A transport on a loop, and what it told. */
static struct {
        sd_event *event;
        Transport *transport;
        Peer peer;

        bool connected, ended;
        unsigned n_messages, n_published, n_unsubscribed, n_turns;
        size_t size;    /* of the last message */
        char first[64], last[64]; /* payloads */
        int qos;
        uint8_t codes[8];
        size_t n_codes;
        int suback_mid, unsuback_mid;

        unsigned hold_at;   /* the so many-eth message */
        unsigned close_at;  /* with a DISCONNECT */
        unsigned drop_at;   /* without */
        bool subscribe_on_connected, unsubscribe_on_connected;
        int subscribed_mid, unsubscribed_mid;
} t;

static void on_message(const TransportMessage *m)
{
        ck_assert(t.connected);
        ck_assert_str_eq(m->topic, TOPIC);
        ck_assert_int_eq(m->payload[m->size], 0);
        (void)snprintf(t.n_messages++ == 0 ? t.first : t.last, sizeof(t.first), "%s", m->payload);
        t.size = m->size;
        t.qos = m->qos;
        if (t.n_messages == t.hold_at)
                t.transport->hold(t.transport, true);
        if (t.n_messages == t.close_at || t.n_messages == t.drop_at) {
                t.transport->close(t.transport, t.n_messages == t.close_at);
                ck_assert_str_eq(m->topic, TOPIC); /* it is still there */
        }
}

static int subscribe(void)
{
        static const char *const filters[] = {"$iothub/methods/POST/#", "$iothub/twin/res/#"};
        int mid = 0;

        ck_assert_int_eq(t.transport->subscribe(t.transport, filters, 2, 0, &mid), 0);
        return mid;
}

static void on_event(void *userdata, const TransportEvent *e)
{
        switch (e->kind) {
        case TRANSPORT_CONNECTED:
                t.connected = true;
                if (t.subscribe_on_connected)
                        t.subscribed_mid = subscribe();
                if (t.unsubscribe_on_connected)
                        ck_assert_int_eq(t.transport->unsubscribe(t.transport, FILTER, &t.unsubscribed_mid), 0);
                break;
        case TRANSPORT_ENDED:
                t.ended = true;
                break;
        case TRANSPORT_PUBLISHED:
                t.n_published++;
                break;
        case TRANSPORT_MESSAGE:
                on_message(&e->message);
                break;
        case TRANSPORT_SUBSCRIBED:
                t.suback_mid = e->mid;
                t.n_codes = e->n_codes;
                memcpy(t.codes, e->codes, MIN(e->n_codes, sizeof(t.codes)));
                break;
        case TRANSPORT_UNSUBSCRIBED:
                t.unsuback_mid = e->mid;
                t.n_unsubscribed++;
                break;
        default:
                break;
        }
}

static void setup(void)
{
        (void)signal(SIGPIPE, SIG_IGN); /* as every program of ours */
        memset(&t, 0, sizeof(t));
}

static void teardown(void)
{
        if (t.transport)
                t.transport->free(t.transport);
        t.event = sd_event_unref(t.event);
        if (t.peer.script)
                peer_stop(&t.peer);
}

static void start(PeerScript script)
{
        TransportTarget target = {
                .host = PEER_NAME,
                .address = "127.0.0.1",
                .client_id = "dev1",
                .username = PEER_NAME "/dev1/?api-version=2021-04-12",
                .password = "SharedAccessSignature sr=x&sig=y&se=1",
                .keepalive_usec = 4 * USEC_PER_MIN,
        };

        peer_start(&t.peer, PEER_CERTIFICATE_GOOD, script, NULL);
        target.port = t.peer.port;
        target.ca_file = t.peer.ca_file;
        ck_assert_int_ge(sd_event_new(&t.event), 0);
        ck_assert_int_eq(transport_mosquitto_new(&t.transport, t.event), 0);
        t.transport->set_sink(t.transport, &(TransportSink){on_event, NULL});
        ck_assert_int_eq(t.transport->connect(t.transport, &target, 1), 0);
}

#define AWAIT(condition)                                                                                             \
        do {                                                                                                         \
                usec_t end_ = clock_boot(&clock_system) + PATIENCE;                                                  \
                                                                                                                     \
                while (!(condition) && clock_boot(&clock_system) < end_) {                                           \
                        ck_assert_int_ge(sd_event_run(t.event, 50 * USEC_PER_MSEC), 0);                              \
                        t.n_turns++;                                                                                 \
                }                                                                                                    \
                ck_assert(condition);                                                                                \
        } while (0)

/* ---- the peer's packets ---- */

static size_t put_publish(uint8_t *b, const char *payload, int qos, uint16_t mid)
{
        size_t topic = strlen(TOPIC), size = 2 + topic + (qos ? 2 : 0) + strlen(payload), n = 0;

        b[n++] = (uint8_t)(0x30 | qos << 1);
        b[n++] = (uint8_t)size; /* small ones only */
        b[n++] = 0;
        b[n++] = (uint8_t)topic;
        memcpy(b + n, TOPIC, topic);
        n += topic;
        if (qos) {
                b[n++] = (uint8_t)(mid >> 8);
                b[n++] = (uint8_t)mid;
        }
        memcpy(b + n, payload, strlen(payload));
        return n + strlen(payload);
}

static size_t put_several(uint8_t *b, unsigned count)
{
        size_t n = 0;

        for (unsigned i = 1; i <= count; i++) {
                char payload[8];

                (void)snprintf(payload, sizeof(payload), "%u", i);
                n += put_publish(b + n, payload, 1, (uint16_t)(100 + i));
        }
        return n;
}

/* Counts PUBACKs in n[0], PUBLISHes in n[1], PINGREQs in n[2], DISCONNECTs in n[3], UNSUBSCRIBEs in n[4], until the
 * client goes. */
static void count_packets(Peer *p)
{
        static const uint8_t pingresp[] = {0xd0, 0};
        static uint8_t body[4096];
        uint8_t head;
        size_t size;

        while (peer_read_packet(p, &head, body, sizeof(body), &size)) {
                int kind = head >> 4;

                p->n[0] += kind == 4;
                p->n[1] += kind == 3;
                p->n[2] += kind == 12;
                p->n[3] += kind == 14;
                p->n[4] += kind == 10;
                if (kind == 12 && !peer_write(p, pingresp, sizeof(pingresp)))
                        return;
        }
}

/* CONNACK and five messages in one record, as a kept session may bring them. */
static void serve_kept_session(Peer *p)
{
        uint8_t b[1024] = {0x20, 2, 1, 0}, head, body[512];
        size_t n = 4, size;

        if (!peer_accept(p) || !peer_handshake(p) || !peer_read_packet(p, &head, body, sizeof(body), &size))
                return;
        n += put_several(b + n, 5);
        if (peer_write(p, b, n))
                count_packets(p);
}

static void run_for(unsigned msec)
{
        usec_t end = clock_boot(&clock_system) + msec * USEC_PER_MSEC;

        for (usec_t now; (now = clock_boot(&clock_system)) < end; t.n_turns++)
                ck_assert_int_ge(sd_event_run(t.event, end - now), 0);
}

/* ---- subscriptions ---- */

static void serve_subscriptions(Peer *p)
{
        uint8_t head, body[512], suback[] = {0x90, 4, 0, 0, 0, 0x80}, unsuback[] = {0xb0, 2, 0, 0};
        size_t size;

        if (!peer_serve(p))
                return;
        if (!peer_read_packet(p, &head, body, sizeof(body), &size) || head != 0x82)
                return;
        memcpy(suback + 2, body, 2);
        p->n[0] = (int)size;
        p->n[1] = body[2 + 2 + 22]; /* the QoS behind the first filter */
        if (!peer_write(p, suback, sizeof(suback)))
                return;
        if (!peer_read_packet(p, &head, body, sizeof(body), &size) || head != 0xa2)
                return;
        memcpy(unsuback + 2, body, 2);
        if (peer_write(p, unsuback, sizeof(unsuback)))
                (void)peer_await_end(p);
}

START_TEST(filters_go_out_in_one_packet_and_each_is_answered)
{
        int mid = 0;

        t.subscribe_on_connected = true;
        start(serve_subscriptions);
        AWAIT(t.n_codes > 0);
        ck_assert_int_eq(t.suback_mid, t.subscribed_mid);
        ck_assert_uint_eq(t.n_codes, 2);
        ck_assert_uint_eq(t.codes[0], 0);
        ck_assert_uint_ge(t.codes[1], TRANSPORT_SUBACK_REFUSED);
        ck_assert_int_eq(t.peer.n[0], 2 + 2 + 22 + 1 + 2 + 18 + 1);
        ck_assert_int_eq(t.peer.n[1], 0);
        ck_assert_int_eq(t.transport->unsubscribe(t.transport, "$iothub/twin/res/#", &mid), 0);
        AWAIT(t.n_unsubscribed == 1);
        ck_assert_int_eq(t.unsuback_mid, mid);
        ck_assert(!t.ended);
}
END_TEST

/* ---- when it is told, and acknowledged ---- */

START_TEST(what_comes_with_connack_is_told_behind_it_and_acknowledged)
{
        start(serve_kept_session);
        AWAIT(t.peer.n[0] == 5);
        ck_assert_uint_eq(t.n_messages, 5);
        ck_assert_str_eq(t.first, "1");
        ck_assert_str_eq(t.last, "5");
        ck_assert_int_eq(t.qos, 1);
        ck_assert(!t.ended);
}
END_TEST

static int publish(size_t size, int qos)
{
        static char body[300 * 1024];
        int mid = 0;

        return t.transport->publish(t.transport, "devices/dev1/messages/events/", body, size, qos, &mid);
}

/* Whoever has no room for what a kept session brings says so, or it would come again for ever. */
START_TEST(that_no_more_are_wanted_passes_the_gate)
{
        t.hold_at = 1;
        t.unsubscribe_on_connected = true;
        start(serve_kept_session);
        AWAIT(t.n_messages == 5 && t.peer.n[4] == 1);
        run_for(50);
        ck_assert_int_eq(t.peer.n[0], 0);
        t.transport->close(t.transport, false);
        run_for(50);
        ck_assert_int_eq(t.peer.n[0], 0);
}
END_TEST

/* Whichever of the five holds: the ones before it came in the same piece, so their PUBACKs wait as well. */
START_TEST(while_the_gate_is_held_nothing_is_written)
{
        t.hold_at = (unsigned)_i;
        start(serve_kept_session);
        AWAIT(t.n_messages == 5);
        ck_assert_int_eq(publish(10, 1), 0);
        ck_assert_int_eq(publish(10, 0), 0);
        ck_assert_int_ge(t.transport->ping(t.transport), 0);
        run_for(SILENCE);
        for (int i = 0; i < 4; i++)
                ck_assert_int_eq(t.peer.n[i], 0);
        t.transport->hold(t.transport, false);
        AWAIT(t.peer.n[0] == 5 && t.peer.n[1] == 2 && t.peer.n[2] == 1);
        ck_assert(!t.ended);
}
END_TEST

START_TEST(a_held_connection_that_is_closed_writes_nothing_more)
{
        t.hold_at = 2;
        start(serve_kept_session);
        AWAIT(t.n_messages == 5);
        ck_assert_int_eq(publish(10, 1), 0);
        t.transport->close(t.transport, _i);
        run_for(SILENCE);
        for (int i = 0; i < 4; i++)
                ck_assert_int_eq(t.peer.n[i], 0);
        ck_assert(!t.ended);
}
END_TEST

/* The acknowledgements of those that were read and not told yet are queued already. */
START_TEST(one_that_is_closed_in_the_middle_of_telling_acknowledges_nothing)
{
        if (_i % 2)
                t.close_at = (unsigned)(_i / 2);
        else
                t.drop_at = (unsigned)(_i / 2);
        start(serve_kept_session);
        AWAIT(t.n_messages == (unsigned)(_i / 2));
        run_for(SILENCE);
        ck_assert_uint_eq(t.n_messages, (unsigned)(_i / 2));
        ck_assert_int_eq(t.peer.n[0], 0);
        ck_assert_int_eq(t.peer.n[3], 0);
}
END_TEST

/* When all are told and nobody holds, they count as taken: goodbye brings their acknowledgements along. */
START_TEST(one_that_is_closed_behind_the_last_acknowledges_all)
{
        t.close_at = 5;
        start(serve_kept_session);
        for (int i = 0; i < 5000 && !t.peer.n[3]; i++)
                run_for(1);
        ck_assert_int_eq(t.peer.n[3], 1);
        ck_assert_int_eq(t.peer.n[0], 5);
}
END_TEST

static void serve_a_message_and_read_late(Peer *p)
{
        uint8_t b[256];

        if (!peer_serve(p) || !peer_write(p, b, put_publish(b, "1", 1, 7)) || !peer_await_go(p))
                return;
        count_packets(p);
}

/* The kernel takes no more, and we want no more: the loop must sleep until the gate opens, though there is room. */
START_TEST(a_full_socket_behind_a_held_gate_costs_nothing)
{
        unsigned before;

        start(serve_a_message_and_read_late);
        AWAIT(t.n_messages == 1);
        for (int i = 0; i < 24; i++)
                ck_assert_int_eq(publish(256 * 1024, 1), 0);
        run_for(SILENCE);
        t.transport->hold(t.transport, true);
        t.peer.go = true;
        before = t.n_turns;
        run_for(2 * SILENCE);
        ck_assert_uint_lt(t.n_turns - before, 100);
        ck_assert_int_lt(t.peer.n[1], 24);
        t.transport->hold(t.transport, false);
        AWAIT(t.peer.n[1] == 24);
        ck_assert(!t.ended);
}
END_TEST

static void serve_large(Peer *p)
{
        static uint8_t b[16 + 256 * 1024];
        size_t topic = strlen(TOPIC), payload = 200 * 1024, size = 2 + topic + 2 + payload, n = 0;

        if (!peer_serve(p))
                return;
        b[n++] = 0x3b; /* QoS 1, DUP, retained */
        b[n++] = (uint8_t)(size & 0x7f) | 0x80;
        b[n++] = (uint8_t)(size >> 7 & 0x7f) | 0x80;
        b[n++] = (uint8_t)(size >> 14);
        b[n++] = 0;
        b[n++] = (uint8_t)topic;
        memcpy(b + n, TOPIC, topic);
        n += topic;
        b[n++] = 0;
        b[n++] = 9;
        if (peer_write(p, b, n) && peer_write(p, b + n, payload))
                count_packets(p);
}

START_TEST(a_large_binary_message_comes_whole)
{
        start(serve_large);
        AWAIT(t.n_messages == 1 && t.peer.n[0] == 1);
        ck_assert_uint_eq(t.size, 200 * 1024);
}
END_TEST

static void serve_qos_0(Peer *p)
{
        uint8_t b[256];

        if (peer_serve(p) && peer_write(p, b, put_publish(b, "0", 0, 0)))
                count_packets(p);
}

START_TEST(qos_0_is_told_and_not_acknowledged)
{
        start(serve_qos_0);
        AWAIT(t.n_messages == 1);
        ck_assert_int_eq(t.qos, 0);
        ck_assert_int_eq(publish(10, 0), 0);
        AWAIT(t.peer.n[1] == 1);
        ck_assert_int_ge(t.transport->ping(t.transport), 0);
        AWAIT(t.n_published == 1); /* with the next that is read */
        ck_assert_int_eq(t.peer.n[0], 0);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("hub/transport, orders");
        TCase *c = suite_case(s, "subscriptions");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, filters_go_out_in_one_packet_and_each_is_answered);

        c = suite_case(s, "messages");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, what_comes_with_connack_is_told_behind_it_and_acknowledged);
        tcase_add_test(c, that_no_more_are_wanted_passes_the_gate);
        tcase_add_loop_test(c, while_the_gate_is_held_nothing_is_written, 1, 6);
        tcase_add_loop_test(c, a_held_connection_that_is_closed_writes_nothing_more, 0, 2);
        tcase_add_loop_test(c, one_that_is_closed_in_the_middle_of_telling_acknowledges_nothing, 2, 10);
        tcase_add_test(c, one_that_is_closed_behind_the_last_acknowledges_all);
        tcase_add_test(c, a_full_socket_behind_a_held_gate_costs_nothing);
        tcase_add_test(c, a_large_binary_message_comes_whole);
        tcase_add_test(c, qos_0_is_told_and_not_acknowledged);
        return suite_run(s);
}
