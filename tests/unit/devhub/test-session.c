/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/mqtt/session.h"

#include <errno.h>
#include <string.h>

#include "suite.h"

#define START USEC_PER_HOUR

/* A session, and a sink that writes down what it hears. */
typedef struct Bench {
        Session *session;
        usec_t now;

        SessionGrant grant;
        unsigned n_connects;
        unsigned n_events;
        char last_bag[256];
        size_t last_body_size;
        uint8_t last_qos;
        size_t last_size;
        int event_error;
        usec_t delay_usec; /* for the next events */
        bool cut;
        unsigned n_requests, n_subscribed;
        size_t output_at_request; /* how much stood in the output */
        const char *request_fault;
        unsigned n_kept;
        size_t n_filters_kept, output_at_keep;
        int keep_error;
        uint64_t acknowledged[4];
        unsigned n_acknowledged;
} Bench;

static void on_connect(void *userdata, const MqttConnect *connect, SessionGrant *ret)
{
        Bench *b = userdata;

        b->n_connects++;
        *ret = b->grant;
        b->grant.wait_usec = 0; /* asked again it has an answer */
        b->grant.subscriptions = (Subscriptions){};
}

static bool on_packet(void *userdata)
{
        return !((Bench *)userdata)->cut;
}

static int on_event(void *userdata, const SessionEvent *event, usec_t *ret_delay_usec)
{
        Bench *b = userdata;

        if (b->event_error != 0)
                return b->event_error;
        ck_assert_uint_lt(event->bag.size, sizeof(b->last_bag));
        memcpy(b->last_bag, event->bag.data, event->bag.size);
        b->last_bag[event->bag.size] = 0;
        b->last_body_size = event->body.size;
        b->last_qos = event->qos;
        b->last_size = event->size;
        b->n_events++;
        *ret_delay_usec = b->delay_usec;
        return 0;
}

static const char *on_request(void *userdata, const SessionRequest *request)
{
        Bench *b = userdata;

        b->output_at_request = session_output(b->session)->size;
        b->n_requests++;
        return b->request_fault;
}

static int on_keep(void *userdata, const Subscriptions *subscriptions)
{
        Bench *b = userdata;

        b->n_kept++;
        b->n_filters_kept = subscriptions->n_held;
        b->output_at_keep = session_output(b->session)->size;
        return b->keep_error;
}

static void on_subscribed(void *userdata)
{
        ((Bench *)userdata)->n_subscribed++;
}

static void on_acknowledged(void *userdata, uint64_t tag)
{
        Bench *b = userdata;

        ck_assert_uint_lt(b->n_acknowledged, ARRAY_SIZE(b->acknowledged));
        b->acknowledged[b->n_acknowledged++] = tag;
}

static void bench_begin(Bench *b)
{
        SessionSink sink = {on_connect, on_packet, on_event, on_request, on_keep, on_subscribed, on_acknowledged, b};

        *b = (Bench){.now = START};
        b->grant = (SessionGrant){.device_id = "d1", .reason = "", .ends_usec = USEC_INFINITY};
        ck_assert_int_eq(session_new(&b->session, &sink, b->now), 0);
}

static void bench_end(Bench *b)
{
        b->session = session_free(b->session);
}

static void feed(Bench *b, const void *data, size_t size)
{
        /* from memory of its own size, so that a step past the end is seen */
        void *exact = malloc(size + (size == 0));

        memcpy(exact, data, size);
        session_feed(b->session, exact, size, b->now);
        free(exact);
}

/* The output is exactly this, and is taken away. */
static void assert_output(Bench *b, const void *expected, size_t size)
{
        Buffer *out = session_output(b->session);

        ck_assert_uint_eq(out->size, size);
        if (size > 0)
                ck_assert_mem_eq(out->data, expected, size);
        buffer_truncate(out, 0);
}

#define ASSERT_OUTPUT(b, ...)                                                                                        \
        do {                                                                                                         \
                static const uint8_t _expected[] = {__VA_ARGS__};                                                    \
                assert_output(b, _expected, sizeof(_expected));                                                      \
        } while (0)
#define ASSERT_NO_OUTPUT(b) assert_output(b, NULL, 0)
#define ASSERT_CLOSED(b)    ck_assert_int_eq(session_state((b)->session), SESSION_CLOSED)
#define ASSERT_OPEN(b)      ck_assert_int_eq(session_state((b)->session), SESSION_OPEN)

static const uint8_t connect_clean[] = {0x10, 14, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 60, 0, 2, 'd', '1'};
static const uint8_t connect_kept[] = {0x10, 14, 0, 4, 'M', 'Q', 'T', 'T', 4, 0, 0, 60, 0, 2, 'd', '1'};
static const uint8_t pingreq[] = {0xc0, 0};
static const uint8_t disconnect[] = {0xe0, 0};

static void open_session(Bench *b)
{
        bench_begin(b);
        feed(b, connect_clean, sizeof(connect_clean));
        ASSERT_OUTPUT(b, 0x20, 2, 0, 0);
        ASSERT_OPEN(b);
}

static void make_publish(Buffer *out, const char *topic, uint8_t qos, uint16_t id, size_t body_size)
{
        size_t topic_size = strlen(topic), length = 2 + topic_size + (qos > 0 ? 2 : 0) + body_size;

        buffer_append_char(out, (char)(0x30 | qos << 1));
        do {
                buffer_append_char(out, (char)((length & 0x7f) | (length > 0x7f ? 0x80 : 0)));
                length >>= 7;
        } while (length > 0);
        buffer_append_char(out, (char)(topic_size >> 8));
        buffer_append_char(out, (char)topic_size);
        buffer_append_string(out, topic);
        if (qos > 0) {
                buffer_append_char(out, (char)(id >> 8));
                buffer_append_char(out, (char)id);
        }
        for (size_t i = 0; i < body_size; i++)
                buffer_append_char(out, 'x');
}

static void publish(Bench *b, const char *topic, uint8_t qos, uint16_t id, size_t body_size)
{
        Buffer packet = BUFFER_NULL;

        make_publish(&packet, topic, qos, id, body_size);
        feed(b, packet.data, packet.size);
        buffer_done(&packet);
}

#define EVENTS "devices/d1/messages/events/"

static void open_kept_session(Bench *b)
{
        bench_begin(b);
        feed(b, connect_kept, sizeof(connect_kept));
        ASSERT_OUTPUT(b, 0x20, 2, 0, 0);
}

static void subscribe(Bench *b, const char *filter, uint8_t qos)
{
        size_t size = strlen(filter);
        uint8_t packet[128] = {0x82, (uint8_t)(5 + size), 0, 1, 0, (uint8_t)size};

        memcpy(packet + 6, filter, size);
        packet[6 + size] = qos;
        feed(b, packet, 7 + size);
}

/* ---- connecting ---- */

START_TEST(a_grant_opens_and_is_answered)
{
        Bench b;

        open_session(&b);
        ck_assert_uint_eq(b.n_connects, 1);
        bench_end(&b);
}
END_TEST

/* Wherever the CONNECT is cut in two, and with more behind it: nothing is said until the time has come. */
START_TEST(a_connect_may_be_held_for_a_while)
{
        for (size_t cut = 0; cut <= sizeof(connect_clean); cut++) {
                Bench b;

                bench_begin(&b);
                b.grant.wait_usec = 5 * USEC_PER_SEC;
                feed(&b, connect_clean, cut);
                b.now += 59 * USEC_PER_SEC;
                feed(&b, connect_clean + cut, sizeof(connect_clean) - cut);
                if (cut == sizeof(connect_clean))
                        b.now -= 59 * USEC_PER_SEC;
                ck_assert_uint_eq(b.n_connects, 1);
                ck_assert_uint_eq(session_deadline(b.session), b.now + 5 * USEC_PER_SEC);
                feed(&b, pingreq, sizeof(pingreq));
                b.now += 5 * USEC_PER_SEC - 1;
                session_tick(b.session, b.now);
                feed(&b, pingreq, 1);
                ASSERT_NO_OUTPUT(&b);
                ck_assert_uint_eq(b.n_connects, 1);
                b.now++;
                session_tick(b.session, b.now);
                ASSERT_OPEN(&b);
                ASSERT_OUTPUT(&b, 0x20, 2, 0, 0, 0xd0, 0);
                ck_assert_uint_eq(b.n_connects, 2);
                feed(&b, pingreq + 1, 1);
                ASSERT_OUTPUT(&b, 0xd0, 0);
                bench_end(&b);
        }
}
END_TEST

START_TEST(who_is_held_may_still_be_refused)
{
        Bench b;

        bench_begin(&b);
        b.grant = (SessionGrant){.wait_usec = 1, .code = 5, .reason = "no"};
        feed(&b, connect_clean, sizeof(connect_clean));
        ck_assert_int_eq(session_state(b.session), SESSION_WAITING);
        session_tick(b.session, b.now + 1);
        ASSERT_OUTPUT(&b, 0x20, 2, 0, 5);
        ASSERT_CLOSED(&b);
        bench_end(&b);
}
END_TEST

START_TEST(who_is_held_cannot_say_anything_at_any_length)
{
        static const char chatter[65536];
        Bench b;
        int n;

        bench_begin(&b);
        b.grant.wait_usec = USEC_PER_SEC;
        feed(&b, connect_clean, sizeof(connect_clean));
        for (n = 0; session_state(b.session) == SESSION_WAITING; n++)
                feed(&b, chatter, sizeof(chatter));
        ASSERT_CLOSED(&b);
        ck_assert_int_le(n, 6);
        ASSERT_NO_OUTPUT(&b);
        bench_end(&b);
}
END_TEST

START_TEST(a_refusal_is_answered_and_closes)
{
        Bench b;

        bench_begin(&b);
        b.grant.code = 5;
        b.grant.reason = "no";
        b.grant.present = true; /* not told with a refusal [3.2.2.2] */
        feed(&b, connect_kept, sizeof(connect_kept));
        ASSERT_OUTPUT(&b, 0x20, 2, 0, 5);
        ASSERT_CLOSED(&b);
        ck_assert_str_eq(session_reason(b.session), "no");
        feed(&b, pingreq, sizeof(pingreq));
        ASSERT_NO_OUTPUT(&b);
        bench_end(&b);
}
END_TEST

START_TEST(a_session_taken_up_is_told)
{
        Bench b;

        bench_begin(&b);
        b.grant.present = true;
        feed(&b, connect_kept, sizeof(connect_kept));
        ASSERT_OUTPUT(&b, 0x20, 2, 1, 0);
        ck_assert_uint_eq(b.n_subscribed, 1);
        ck_assert_uint_eq(b.n_kept, 0); /* nothing has changed */
        bench_end(&b);
}
END_TEST

START_TEST(connect_is_first_and_only_once)
{
        Bench b;

        bench_begin(&b);
        feed(&b, pingreq, sizeof(pingreq));
        ASSERT_CLOSED(&b);
        ASSERT_NO_OUTPUT(&b);
        bench_end(&b);

        open_session(&b);
        feed(&b, connect_clean, sizeof(connect_clean));
        ASSERT_CLOSED(&b);
        ASSERT_NO_OUTPUT(&b);
        bench_end(&b);
}
END_TEST

START_TEST(connect_comes_within_a_minute)
{
        Bench b;

        bench_begin(&b);
        ck_assert_uint_eq(session_deadline(b.session), START + 60 * USEC_PER_SEC);
        feed(&b, connect_clean, 5); /* a part of it is not enough */
        session_tick(b.session, START + 60 * USEC_PER_SEC - 1);
        ck_assert_int_eq(session_state(b.session), SESSION_WAITING);
        session_tick(b.session, START + 60 * USEC_PER_SEC);
        ASSERT_CLOSED(&b);
        bench_end(&b);
}
END_TEST

START_TEST(hanging_up_says_nothing)
{
        Bench b;

        bench_begin(&b);
        b.grant.hang_up = true;
        feed(&b, connect_clean, sizeof(connect_clean));
        ASSERT_CLOSED(&b);
        ASSERT_NO_OUTPUT(&b);
        bench_end(&b);
}
END_TEST

/* ---- bytes ---- */


/* Split at every byte, the same packets give the same answers. */
START_TEST(any_split_gives_the_same)
{
        Buffer all = BUFFER_NULL;

        buffer_append(&all, connect_clean, sizeof(connect_clean));
        make_publish(&all, EVENTS "a=b", 1, 7, 300);
        buffer_append(&all, pingreq, sizeof(pingreq));
        make_publish(&all, EVENTS, 0, 0, 1);
        buffer_append(&all, disconnect, sizeof(disconnect));

        for (size_t cut = 0; cut <= all.size; cut++) {
                Bench b;

                bench_begin(&b);
                feed(&b, all.data, cut);
                session_stored(b.session, b.now);
                feed(&b, all.data + cut, all.size - cut);
                ck_assert_uint_eq(b.n_events, 2);
                ASSERT_CLOSED(&b);
                ck_assert_str_eq(session_reason(b.session), "");
                bench_end(&b);
        }
        for (size_t step = 1; step < 20; step++) {
                Bench b;

                bench_begin(&b);
                for (size_t at = 0; at < all.size; at += step)
                        feed(&b, all.data + at, MIN(step, all.size - at));
                session_stored(b.session, b.now);
                ck_assert_uint_eq(b.n_events, 2);
                bench_end(&b);
        }
        buffer_done(&all);
}
END_TEST

START_TEST(malformed_bytes_close)
{
        Bench b;

        open_session(&b);
        feed(&b, (const uint8_t[]){0xf0, 0}, 2);
        ASSERT_CLOSED(&b);
        ASSERT_NO_OUTPUT(&b);
        bench_end(&b);

        open_session(&b);
        feed(&b, (const uint8_t[]){0x30, 0xff, 0xff, 0xff, 0x7f}, 5); /* 256 MiB to come */
        ASSERT_CLOSED(&b);
        bench_end(&b);
}
END_TEST

/* ---- events ---- */

START_TEST(pubacks_wait_for_the_store_and_keep_their_order)
{
        Bench b;

        open_session(&b);
        publish(&b, EVENTS "%24.mid=x", 1, 5, 3);
        publish(&b, EVENTS, 1, 4, 3);
        ASSERT_NO_OUTPUT(&b);
        ck_assert_str_eq(b.last_bag, "");
        session_stored(b.session, b.now);
        ASSERT_OUTPUT(&b, 0x40, 2, 0, 5, 0x40, 2, 0, 4);
        publish(&b, "devices/d1/messages/events", 0, 0, 0);
        session_stored(b.session, b.now);
        ASSERT_NO_OUTPUT(&b);
        ck_assert_uint_eq(b.n_events, 3);
        ck_assert_uint_eq(session_n_events(b.session), 3);
        bench_end(&b);
}
END_TEST

START_TEST(a_late_puback_holds_back_those_after_it)
{
        Bench b;

        open_session(&b);
        b.delay_usec = USEC_PER_SEC;
        publish(&b, EVENTS, 1, 1, 1);
        b.delay_usec = 0;
        publish(&b, EVENTS, 1, 2, 1);
        session_stored(b.session, b.now);
        ASSERT_NO_OUTPUT(&b);
        ck_assert_uint_eq(session_deadline(b.session), START + USEC_PER_SEC);
        session_tick(b.session, START + USEC_PER_SEC - 1);
        ASSERT_NO_OUTPUT(&b);
        session_tick(b.session, START + USEC_PER_SEC);
        ASSERT_OUTPUT(&b, 0x40, 2, 0, 1, 0x40, 2, 0, 2);
        bench_end(&b);
}
END_TEST

START_TEST(a_withheld_puback_never_comes)
{
        Bench b;

        open_session(&b);
        b.delay_usec = USEC_INFINITY;
        publish(&b, EVENTS, 1, 1, 1);
        b.delay_usec = 0;
        publish(&b, EVENTS, 1, 2, 1);
        session_stored(b.session, b.now);
        ASSERT_OUTPUT(&b, 0x40, 2, 0, 2);
        ck_assert_uint_eq(b.n_events, 2);
        bench_end(&b);
}
END_TEST

START_TEST(what_cannot_be_stored_ends_the_link)
{
        Bench b;

        open_session(&b);
        b.event_error = -ENOSPC;
        publish(&b, EVENTS, 1, 1, 1);
        ASSERT_CLOSED(&b);
        session_stored(b.session, b.now);
        ASSERT_NO_OUTPUT(&b);
        bench_end(&b);
}
END_TEST

START_TEST(what_is_lost_is_not_acknowledged)
{
        Bench b;

        open_session(&b);
        b.event_error = SESSION_E_LOST;
        publish(&b, EVENTS, 1, 7, 1);
        session_stored(b.session, b.now);
        ASSERT_NO_OUTPUT(&b);
        ASSERT_OPEN(&b);
        ck_assert_uint_eq(session_n_events(b.session), 0);
        bench_end(&b);
}
END_TEST

START_TEST(an_event_is_as_large_as_the_hub_counts)
{
        Bench b;

        open_session(&b);
        publish(&b, EVENTS "%24.ct=text%2Fplain&ab=cde&f", 0, 0, 100);
        ck_assert_uint_eq(b.last_size, strlen("text/plain") + strlen("ab") + strlen("cde") + strlen("f") + 100);
        publish(&b, EVENTS, 0, 0, 0);
        ck_assert_uint_eq(b.last_size, 0);
        bench_end(&b);
}
END_TEST

START_TEST(the_hubs_rules_close_the_link)
{
        static const struct {
                const char *topic;
                uint8_t qos;
                const char *reason;
        } cases[] = {
                {EVENTS, 2, "QoS 2"},
                {"devices/d2/messages/events/", 1, "another device"},
                {"devices/d1/modules/m1/messages/events/", 1, "another device"},
                {"devices/d1/messages/devicebound/", 1, "does not know"},
                {"devices/d1", 1, "does not know"},
                {"$iothub/twin/unknown/", 1, "does not know"},
                {"telemetry", 1, "does not know"},
                {"/devices/d1/messages/events/", 0, "does not know"},
                {EVENTS "a=%ff", 1, "malformed"},
                {EVENTS "=a", 1, "malformed"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                Bench b;

                open_session(&b);
                publish(&b, cases[i].topic, cases[i].qos, 1, 1);
                ck_assert_msg(session_state(b.session) == SESSION_CLOSED, "%s", cases[i].topic);
                ck_assert_msg(strstr(session_reason(b.session), cases[i].reason) != NULL, "%s: %s", cases[i].topic,
                              session_reason(b.session));
                ck_assert_uint_eq(b.n_events, 0);
                session_stored(b.session, b.now);
                ASSERT_NO_OUTPUT(&b);
                bench_end(&b);
        }
}
END_TEST

/* Body, values of system properties, names and values of the application's: 256 KiB and not a byte more. */
START_TEST(size_counts_properties)
{
        static const struct {
                const char *topic;
                size_t body_size;
                bool ok;
        } cases[] = {
                {EVENTS, 262144, true},
                {EVENTS, 262145, false},
                {EVENTS "%24.mid=1234", 262140, true},
                {EVENTS "%24.mid=1234", 262141, false},
                {EVENTS "ab=1%20", 262140, true},
                {EVENTS "ab=1%20", 262141, false},
                {EVENTS "abcd", 262140, true},
                {EVENTS "abcd", 262141, false},
                {EVENTS, 400000, false},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                Bench b;

                open_session(&b);
                publish(&b, cases[i].topic, 1, 1, cases[i].body_size);
                ck_assert_msg((session_state(b.session) == SESSION_OPEN) == cases[i].ok, "case %zu: %s", i,
                              session_reason(b.session));
                ck_assert_uint_eq(b.n_events, cases[i].ok);
                bench_end(&b);
        }
}
END_TEST

START_TEST(a_module_has_topics_of_its_own)
{
        Bench b;

        bench_begin(&b);
        b.grant.module_id = "m1";
        feed(&b, connect_clean, sizeof(connect_clean));
        publish(&b, "devices/d1/modules/m1/messages/events/a=1", 1, 1, 1);
        ck_assert_str_eq(b.last_bag, "a=1");
        ASSERT_OPEN(&b);
        publish(&b, EVENTS, 1, 1, 1);
        ASSERT_CLOSED(&b);
        bench_end(&b);
}
END_TEST

#define TWIN_GET "$iothub/twin/GET/?$rid=1"

/* Official clients for provisioning end when the answer comes first (trap 11). */
START_TEST(trap_11_a_request_is_acknowledged_before_it_is_heard)
{
        Bench b;

        open_session(&b);
        publish(&b, TWIN_GET, 1, 7, 1);
        ck_assert_uint_eq(b.n_requests, 1);
        ck_assert_uint_eq(b.output_at_request, 4);
        ASSERT_OUTPUT(&b, 0x40, 2, 0, 7);
        publish(&b, TWIN_GET, 0, 0, 1);
        ck_assert_uint_eq(b.n_requests, 2);
        ASSERT_NO_OUTPUT(&b);
        bench_end(&b);
}
END_TEST

START_TEST(behind_unstored_events_a_request_is_acknowledged_with_them)
{
        Bench b;

        open_session(&b);
        publish(&b, EVENTS, 1, 1, 1);
        publish(&b, TWIN_GET, 1, 2, 1);
        ck_assert_uint_eq(b.n_requests, 1);
        ASSERT_NO_OUTPUT(&b);
        session_stored(b.session, b.now);
        ASSERT_OUTPUT(&b, 0x40, 2, 0, 1, 0x40, 2, 0, 2);
        bench_end(&b);
}
END_TEST

START_TEST(a_request_can_be_a_reason_to_close)
{
        Bench b;

        open_session(&b);
        b.request_fault = "not for devices";
        publish(&b, TWIN_GET, 0, 0, 1);
        ASSERT_CLOSED(&b);
        ck_assert_str_eq(session_reason(b.session), "not for devices");
        bench_end(&b);
}
END_TEST

/* ---- subscriptions ---- */

/* It has no identity yet. */
START_TEST(who_comes_to_be_provisioned_may_do_nothing_else)
{
        Bench b;

        bench_begin(&b);
        b.grant.device_id = NULL;
        feed(&b, connect_clean, sizeof(connect_clean));
        ASSERT_OUTPUT(&b, 0x20, 2, 0, 0);
        subscribe(&b, "$dps/registrations/res/#", 1);
        ASSERT_OUTPUT(&b, 0x90, 3, 0, 1, 1);
        subscribe(&b, "$iothub/twin/res/#", 1);
        ASSERT_OUTPUT(&b, 0x90, 3, 0, 1, 0x80);
        publish(&b, EVENTS, 1, 1, 1);
        ASSERT_CLOSED(&b);
        ck_assert_uint_eq(b.n_events, 0);
        bench_end(&b);
}
END_TEST

START_TEST(each_has_topics_of_its_own)
{
        static const struct {
                const char *topic;
                bool of_guests, of_devices;
        } cases[] = {
                {"$dps/registrations/PUT/iotdps-register/?$rid=1", true, false},
                {"$dps/registrations/GET/iotdps-get-operationstatus/?$rid=1&operationId=o", true, false},
                {"$dps/registrations/res/200/?$rid=1", false, false},
                {"$iothub/twin/GET/?$rid=1", false, true},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases) * 2; i++) {
                bool is_guest = i % 2, welcome = is_guest ? cases[i / 2].of_guests : cases[i / 2].of_devices;
                Bench b;

                bench_begin(&b);
                if (is_guest)
                        b.grant.device_id = NULL;
                feed(&b, connect_clean, sizeof(connect_clean));
                publish(&b, cases[i / 2].topic, 1, 7, 1);
                ck_assert_msg(b.n_requests == welcome, "%s", cases[i / 2].topic);
                ck_assert_int_eq(session_state(b.session), welcome ? SESSION_OPEN : SESSION_CLOSED);
                bench_end(&b);
        }
}
END_TEST

START_TEST(documented_filters_are_granted)
{
        static const char *const filters[] = {
                "devices/d1/messages/devicebound/#",       "$iothub/methods/POST/#", "$iothub/twin/res/#",
                "$iothub/twin/PATCH/properties/desired/#", "$iothub/credentials/res/#",
        };
        uint8_t qos;
        Bench b;

        open_session(&b);
        for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
                subscribe(&b, filters[i], 2);
                ASSERT_OUTPUT(&b, 0x90, 3, 0, 1, 1);
        }
        ck_assert(session_is_subscribed(b.session, SUBSCRIPTION_C2D, &qos) && qos == 1);
        subscribe(&b, filters[0], 0); /* again: no sixth */
        ASSERT_OUTPUT(&b, 0x90, 3, 0, 1, 0);
        ck_assert(session_is_subscribed(b.session, SUBSCRIPTION_C2D, &qos) && qos == 0);
        ck_assert(!session_is_subscribed(b.session, SUBSCRIPTION_INPUTS, &qos));
        ck_assert_uint_eq(b.n_subscribed, ARRAY_SIZE(filters) + 1);
        ASSERT_OPEN(&b);
        bench_end(&b);
}
END_TEST

START_TEST(other_filters_are_refused_and_the_rest_stays)
{
        static const char *const filters[] = {
                "#", "+", "devices/#", "devices/d1/#", "devices/+/messages/devicebound/#",
                "devices/d2/messages/devicebound/#", "devices/d1/messages/devicebound", "$iothub/#", "$SYS/#",
                "devices/d1/modules/m1/#", "devices/d1/messages/events/#", "$iothub/twin/res/200/#",
        };

        uint8_t qos;
        Bench b;

        open_session(&b);
        subscribe(&b, "$iothub/methods/POST/#", 0);
        ASSERT_OUTPUT(&b, 0x90, 3, 0, 1, 0);
        for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
                subscribe(&b, filters[i], 1);
                ck_assert_msg(session_state(b.session) == SESSION_OPEN, "%s", filters[i]);
                ASSERT_OUTPUT(&b, 0x90, 3, 0, 1, 0x80);
        }
        ck_assert_uint_eq(b.n_subscribed, 1);
        ck_assert(session_is_subscribed(b.session, SUBSCRIPTION_METHODS, &qos) && qos == 0);
        ck_assert(!session_is_subscribed(b.session, SUBSCRIPTION_C2D, &qos));
        bench_end(&b);
}
END_TEST

START_TEST(a_sixth_subscription_closes_the_link)
{
        static const char *const filters[] = {
                "devices/d1/modules/m1/#",
                "devices/d1/modules/m1/inputs/#",
                "devices/d1/modules/m1/messages/devicebound/#",
                "$iothub/methods/POST/#",
                "$iothub/twin/res/#",
        };
        Bench b;

        for (int with_unsubscribe = 0; with_unsubscribe < 2; with_unsubscribe++) {
                bench_begin(&b);
                b.grant.module_id = "m1";
                feed(&b, connect_clean, sizeof(connect_clean));
                for (size_t i = 0; i < ARRAY_SIZE(filters); i++)
                        subscribe(&b, filters[i], 1);
                ASSERT_OPEN(&b);
                buffer_truncate(session_output(b.session), 0);
                if (with_unsubscribe) {
                        uint8_t packet[32] = {0xa2, 22, 0, 3, 0, 18};

                        memcpy(packet + 6, filters[4], 18);
                        feed(&b, packet, 24);
                        ASSERT_OUTPUT(&b, 0xb0, 2, 0, 3);
                }
                subscribe(&b, "$iothub/twin/PATCH/properties/desired/#", 1);
                ck_assert_int_eq(session_state(b.session), with_unsubscribe ? SESSION_OPEN : SESSION_CLOSED);
                bench_end(&b);
        }
}
END_TEST

START_TEST(what_is_to_outlive_the_link_is_kept_before_it_is_acknowledged)
{
        static const uint8_t unsubscribe[] = {0xa2, 26, 0, 3, 0, 22, '$', 'i', 'o', 't', 'h', 'u', 'b', '/',
                                              'm', 'e', 't', 'h', 'o', 'd', 's', '/', 'P', 'O', 'S', 'T', '/', '#'};
        Bench b;

        open_kept_session(&b);
        subscribe(&b, "$iothub/methods/POST/#", 1);
        ASSERT_OUTPUT(&b, 0x90, 3, 0, 1, 1);
        ck_assert_uint_eq(b.n_filters_kept, 1);
        ck_assert_uint_eq(b.output_at_keep, 0);
        feed(&b, unsubscribe, sizeof(unsubscribe));
        ASSERT_OUTPUT(&b, 0xb0, 2, 0, 3);
        ck_assert_uint_eq(b.n_filters_kept, 0);
        ck_assert_uint_eq(b.output_at_keep, 0);
        ck_assert_uint_eq(b.n_kept, 2);
        bench_end(&b);

        open_session(&b);
        subscribe(&b, "$iothub/methods/POST/#", 1);
        feed(&b, unsubscribe, sizeof(unsubscribe));
        ck_assert_uint_eq(b.n_kept, 0);
        bench_end(&b);
}
END_TEST

START_TEST(what_cannot_be_kept_is_not_acknowledged)
{
        Bench b;

        open_kept_session(&b);
        b.keep_error = -EIO;
        subscribe(&b, "$iothub/methods/POST/#", 1);
        ASSERT_CLOSED(&b);
        ASSERT_NO_OUTPUT(&b);
        ck_assert_uint_eq(b.n_subscribed, 0);
        bench_end(&b);
}
END_TEST

/* ---- time ---- */

START_TEST(silence_for_one_and_a_half_keep_alives_closes)
{
        Bench b;

        open_session(&b); /* keep-alive 60 s */
        ck_assert_uint_eq(session_deadline(b.session), START + 90 * USEC_PER_SEC);
        b.now = START + 89 * USEC_PER_SEC;
        feed(&b, pingreq, sizeof(pingreq));
        ASSERT_OUTPUT(&b, 0xd0, 0);
        session_tick(b.session, START + 90 * USEC_PER_SEC);
        ASSERT_OPEN(&b);
        session_tick(b.session, START + 179 * USEC_PER_SEC - 1);
        ASSERT_OPEN(&b);
        session_tick(b.session, START + 179 * USEC_PER_SEC);
        ASSERT_CLOSED(&b);
        bench_end(&b);
}
END_TEST

START_TEST(no_keep_alive_exceeds_the_hubs)
{
        static const struct {
                uint16_t keep_alive;
                unsigned deadline_s;
        } cases[] = {{0, 1767}, {1, 1}, {1177, 1765}, {1178, 1767}, {1179, 1767}, {65535, 1767}};

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                uint8_t packet[sizeof(connect_clean)];
                usec_t expected = START + cases[i].deadline_s * USEC_PER_SEC;
                Bench b;

                memcpy(packet, connect_clean, sizeof(packet));
                packet[10] = (uint8_t)(cases[i].keep_alive >> 8);
                packet[11] = (uint8_t)cases[i].keep_alive;
                bench_begin(&b);
                feed(&b, packet, sizeof(packet));
                ck_assert_uint_eq(session_deadline(b.session) / USEC_PER_SEC, expected / USEC_PER_SEC);
                bench_end(&b);
        }
}
END_TEST

START_TEST(the_link_ends_with_its_tokens_grace)
{
        Bench b;

        bench_begin(&b);
        b.grant.ends_usec = START + 30 * USEC_PER_SEC;
        feed(&b, connect_clean, sizeof(connect_clean));
        ck_assert_uint_eq(session_deadline(b.session), b.grant.ends_usec);
        session_tick(b.session, b.grant.ends_usec - 1);
        ASSERT_OPEN(&b);
        session_tick(b.session, b.grant.ends_usec);
        ASSERT_CLOSED(&b);
        ck_assert(strstr(session_reason(b.session), "token"));
        bench_end(&b);
}
END_TEST

/* ---- what the hub sends ---- */

static void puback(Bench *b, uint16_t id)
{
        uint8_t packet[] = {0x40, 2, (uint8_t)(id >> 8), (uint8_t)id};

        feed(b, packet, sizeof(packet));
}

START_TEST(what_is_published_is_acknowledged_by_its_tag)
{
        Bench b;

        open_session(&b);
        ck_assert_int_eq(session_publish(b.session, "t/1", "x", 1, 1, 77), 0);
        ASSERT_OUTPUT(&b, 0x32, 8, 0, 3, 't', '/', '1', 0, 1, 'x');
        ck_assert_int_eq(session_publish(b.session, "t/2", NULL, 0, 1, 78), 0);
        ASSERT_OUTPUT(&b, 0x32, 7, 0, 3, 't', '/', '2', 0, 2);
        ck_assert_int_eq(session_publish(b.session, "t", "y", 1, 0, 0), 0);
        ASSERT_OUTPUT(&b, 0x30, 4, 0, 1, 't', 'y');
        puback(&b, 2);
        puback(&b, 1);
        ck_assert_uint_eq(b.n_acknowledged, 2);
        ck_assert_uint_eq(b.acknowledged[0], 78);
        ck_assert_uint_eq(b.acknowledged[1], 77);
        ASSERT_OPEN(&b);
        puback(&b, 2);
        ASSERT_CLOSED(&b);
        bench_end(&b);
}
END_TEST

START_TEST(what_is_published_again_is_a_duplicate)
{
        Bench b;

        open_session(&b);
        ck_assert_int_eq(session_publish(b.session, "t", "x", 1, 1, 77), 0);
        ASSERT_OUTPUT(&b, 0x32, 6, 0, 1, 't', 0, 1, 'x');
        ck_assert_int_eq(session_publish(b.session, "t", "x", 1, 1, 77), 0);
        ASSERT_OUTPUT(&b, 0x3a, 6, 0, 1, 't', 0, 1, 'x');
        puback(&b, 1);
        ck_assert_int_eq(session_publish(b.session, "t", "x", 1, 1, 77), 0);
        ASSERT_OUTPUT(&b, 0x32, 6, 0, 1, 't', 0, 2, 'x');
        bench_end(&b);
}
END_TEST

START_TEST(each_copy_may_be_acknowledged)
{
        Bench b;

        open_session(&b);
        for (unsigned i = 0; i < 3; i++)
                ck_assert_int_eq(session_publish(b.session, "t", "x", 1, 1, 77), 0);
        puback(&b, 1);
        puback(&b, 1);
        ck_assert_uint_eq(b.n_acknowledged, 1);
        /* one copy is never acknowledged: what comes after it has another identifier */
        ck_assert_int_eq(session_publish(b.session, "t", "x", 1, 1, 77), 0);
        puback(&b, 2);
        ck_assert_uint_eq(b.n_acknowledged, 2);
        puback(&b, 1);
        ck_assert_uint_eq(b.n_acknowledged, 2);
        ASSERT_OPEN(&b);
        puback(&b, 1);
        ASSERT_CLOSED(&b);
        bench_end(&b);
}
END_TEST

/* A client that acknowledges one copy of each does not use up the identifiers. */
START_TEST(copies_without_an_acknowledgement_are_forgotten)
{
        Bench b;

        open_session(&b);
        for (uint16_t i = 1; i <= 3000; i++) {
                ck_assert_int_eq(session_publish(b.session, "t", NULL, 0, 1, i), 0);
                ck_assert_int_eq(session_publish(b.session, "t", NULL, 0, 1, i), 0);
                puback(&b, i);
                b.n_acknowledged = 0;
        }
        ASSERT_OPEN(&b);
        bench_end(&b);
}
END_TEST

/* Identifiers go round, past zero and past those that are under way. */
START_TEST(identifiers_are_not_used_twice)
{
        Bench b;

        open_session(&b);
        ck_assert_int_eq(session_publish(b.session, "t", NULL, 0, 1, 1), 0);
        for (uint32_t i = 2; i <= UINT16_MAX; i++) {
                ck_assert_int_eq(session_publish(b.session, "t", NULL, 0, 1, i), 0);
                puback(&b, (uint16_t)i);
                b.n_acknowledged = 0;
        }
        buffer_truncate(session_output(b.session), 0);
        ck_assert_int_eq(session_publish(b.session, "t", NULL, 0, 1, 0), 0);
        ASSERT_OUTPUT(&b, 0x32, 5, 0, 1, 't', 0, 2);
        ASSERT_OPEN(&b);
        bench_end(&b);
}
END_TEST

START_TEST(not_everything_can_be_published)
{
        static char topic[UINT16_MAX + 2];
        int r = 0;
        Bench b;

        bench_begin(&b);
        ck_assert_int_eq(session_publish(b.session, "t", NULL, 0, 0, 0), -ENOTCONN);
        bench_end(&b);
        open_session(&b);
        memset(topic, 't', sizeof(topic) - 1);
        ck_assert_int_eq(session_publish(b.session, topic, NULL, 0, 0, 0), -ENAMETOOLONG);
        for (uint64_t tag = 0; r == 0; tag++) {
                ck_assert_uint_le(tag, 1024);
                r = session_publish(b.session, "t", NULL, 0, 1, tag);
        }
        ck_assert_int_eq(r, -ENOBUFS);
        session_close(b.session, "");
        ck_assert_int_eq(session_publish(b.session, "t", NULL, 0, 0, 0), -ENOTCONN);
        bench_end(&b);
}
END_TEST

/* ---- the end ---- */

START_TEST(disconnect_needs_no_reason)
{
        Bench b;

        open_session(&b);
        feed(&b, disconnect, sizeof(disconnect));
        ASSERT_CLOSED(&b);
        ck_assert_str_eq(session_reason(b.session), "");
        ASSERT_NO_OUTPUT(&b);
        bench_end(&b);
}
END_TEST

START_TEST(silence_swallows_all)
{
        Bench b;

        bench_begin(&b);
        b.grant.silent = true;
        feed(&b, connect_clean, sizeof(connect_clean));
        ASSERT_NO_OUTPUT(&b);
        ck_assert_int_eq(session_state(b.session), SESSION_SILENT);
        ck_assert_uint_eq(session_deadline(b.session), USEC_INFINITY);
        feed(&b, pingreq, sizeof(pingreq));
        feed(&b, (const uint8_t[]){0xf0, 0}, 2);
        ASSERT_NO_OUTPUT(&b);
        ck_assert_int_eq(session_state(b.session), SESSION_SILENT);
        bench_end(&b);

        open_session(&b); /* and of a link that was open, with a PUBACK owed */
        publish(&b, EVENTS, 1, 1, 1);
        session_silence(b.session);
        session_stored(b.session, b.now);
        session_tick(b.session, START + USEC_PER_DAY);
        ASSERT_NO_OUTPUT(&b);
        ck_assert_int_eq(session_state(b.session), SESSION_SILENT);
        bench_end(&b);
}
END_TEST

/* The beginning of CONNECT had to be kept: silence drops it. */
START_TEST(silence_may_strike_a_connect_that_comes_in_pieces)
{
        for (size_t at = 1; at < sizeof(connect_clean); at++) {
                Bench b;

                bench_begin(&b);
                b.grant.silent = true;
                feed(&b, connect_clean, at);
                feed(&b, connect_clean + at, sizeof(connect_clean) - at);
                ck_assert_int_eq(session_state(b.session), SESSION_SILENT);
                ASSERT_NO_OUTPUT(&b);
                bench_end(&b);
        }
}
END_TEST

START_TEST(who_asks_and_does_not_read_is_cut)
{
        static char body[256 * 1024];
        unsigned n = 0;
        Bench b;

        open_session(&b);
        while (session_publish(b.session, "t", body, sizeof(body), 0, 0) == 0)
                ck_assert_uint_lt(++n, 64);
        ck_assert_uint_gt(n, 30);
        ASSERT_CLOSED(&b);
        ck_assert_uint_eq(session_output(b.session)->size, 0);
        bench_end(&b);
}
END_TEST

START_TEST(a_cut_takes_the_packet_with_it)
{
        Bench b;

        open_session(&b);
        b.cut = true;
        publish(&b, EVENTS, 1, 1, 1);
        ASSERT_CLOSED(&b);
        ck_assert_uint_eq(b.n_events, 0);
        bench_end(&b);
}
END_TEST

START_TEST(the_first_reason_stays)
{
        Bench b;

        open_session(&b);
        session_close(b.session, "first");
        session_close(b.session, "second");
        session_tick(b.session, USEC_INFINITY - 1);
        ck_assert_str_eq(session_reason(b.session), "first");
        bench_end(&b);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("devhub/session");
        TCase *c = suite_case(s, "connecting");

        tcase_add_test(c, a_grant_opens_and_is_answered);
        tcase_add_test(c, a_connect_may_be_held_for_a_while);
        tcase_add_test(c, who_is_held_may_still_be_refused);
        tcase_add_test(c, who_is_held_cannot_say_anything_at_any_length);
        tcase_add_test(c, a_refusal_is_answered_and_closes);
        tcase_add_test(c, a_session_taken_up_is_told);
        tcase_add_test(c, connect_is_first_and_only_once);
        tcase_add_test(c, connect_comes_within_a_minute);
        tcase_add_test(c, hanging_up_says_nothing);
        c = suite_case(s, "bytes");
        tcase_add_test(c, any_split_gives_the_same);
        tcase_add_test(c, malformed_bytes_close);
        c = suite_case(s, "events");
        tcase_add_test(c, pubacks_wait_for_the_store_and_keep_their_order);
        tcase_add_test(c, a_late_puback_holds_back_those_after_it);
        tcase_add_test(c, a_withheld_puback_never_comes);
        tcase_add_test(c, what_cannot_be_stored_ends_the_link);
        tcase_add_test(c, what_is_lost_is_not_acknowledged);
        tcase_add_test(c, an_event_is_as_large_as_the_hub_counts);
        tcase_add_test(c, the_hubs_rules_close_the_link);
        tcase_add_test(c, size_counts_properties);
        tcase_add_test(c, a_module_has_topics_of_its_own);
        tcase_add_test(c, trap_11_a_request_is_acknowledged_before_it_is_heard);
        tcase_add_test(c, behind_unstored_events_a_request_is_acknowledged_with_them);
        tcase_add_test(c, a_request_can_be_a_reason_to_close);
        c = suite_case(s, "subscriptions");
        tcase_add_test(c, who_comes_to_be_provisioned_may_do_nothing_else);
        tcase_add_test(c, each_has_topics_of_its_own);
        tcase_add_test(c, documented_filters_are_granted);
        tcase_add_test(c, other_filters_are_refused_and_the_rest_stays);
        tcase_add_test(c, a_sixth_subscription_closes_the_link);
        tcase_add_test(c, what_is_to_outlive_the_link_is_kept_before_it_is_acknowledged);
        tcase_add_test(c, what_cannot_be_kept_is_not_acknowledged);
        c = suite_case(s, "what the hub sends");
        tcase_add_test(c, what_is_published_is_acknowledged_by_its_tag);
        tcase_add_test(c, what_is_published_again_is_a_duplicate);
        tcase_add_test(c, each_copy_may_be_acknowledged);
        tcase_add_test(c, copies_without_an_acknowledgement_are_forgotten);
        tcase_add_test(c, identifiers_are_not_used_twice);
        tcase_add_test(c, not_everything_can_be_published);
        c = suite_case(s, "time");
        tcase_add_test(c, silence_for_one_and_a_half_keep_alives_closes);
        tcase_add_test(c, no_keep_alive_exceeds_the_hubs);
        tcase_add_test(c, the_link_ends_with_its_tokens_grace);
        c = suite_case(s, "the end");
        tcase_add_test(c, disconnect_needs_no_reason);
        tcase_add_test(c, silence_swallows_all);
        tcase_add_test(c, silence_may_strike_a_connect_that_comes_in_pieces);
        tcase_add_test(c, who_asks_and_does_not_read_is_cut);
        tcase_add_test(c, a_cut_takes_the_packet_with_it);
        tcase_add_test(c, the_first_reason_stays);
        return suite_run(s);
}
