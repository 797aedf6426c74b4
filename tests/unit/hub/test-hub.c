/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/hub.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "azure/token.h"
#include "base/log-id.h"
#include "fake-clock.h"
#include "fake-transport.h"
#include "hub/connection.h"
#include "log-capture.h"
#include "suite.h"

#define KEY    "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=" /* 32 times k */
#define DEVICE "HostName=devhub.example.net;DeviceId=dev1;SharedAccessKey=" KEY
#define MODULE "HostName=devhub.example.net;DeviceId=dev1;ModuleId=m;SharedAccessKey=" KEY

/* A hub, the far side of its wire, its clock, and what it told. */
static struct {
        Hub *hub;
        HubSettings settings;
        FakeTransport far;
        FakeClock clock;
        FakeRandom dice;
        LogCapture log;
        unsigned n_ready, n_lost, n_changed, n_delivered;
        uint64_t delivered[64];
        unsigned n_wakeups;
        bool send_in_callbacks;
} t;

static Message *make_message(const char *id, size_t body_size)
{
        Message *m = calloc(1, sizeof(*m));

        ck_assert_ptr_nonnull(m);
        m->message_id = strdup(id);
        ck_assert_ptr_nonnull(buffer_extend(&m->body, body_size));
        memset(m->body.data, 'x', body_size);
        return m;
}

static int send_one(uint64_t ticket)
{
        _cleanup_(message_freep) Message *m = make_message("telemetry.00000000000000aa.1-1", 100);

        return hub_send(t.hub, m, ticket);
}

static void on_ready(void *userdata)
{
        t.n_ready++;
        ck_assert(hub_is_ready(t.hub));
        if (t.send_in_callbacks)
                ck_assert_int_eq(send_one(1), 0);
}

static void on_delivered(void *userdata, uint64_t ticket)
{
        if (t.n_delivered < ARRAY_SIZE(t.delivered))
                t.delivered[t.n_delivered] = ticket;
        t.n_delivered++;
        if (t.send_in_callbacks && hub_is_ready(t.hub))
                ck_assert_int_eq(send_one(ticket + 1), 0);
}

static void on_lost(void *userdata)
{
        t.n_lost++;
        ck_assert(!hub_is_ready(t.hub));
}

static void on_changed(void *userdata)
{
        t.n_changed++;
}

static ConnectionString *parse(const char *text)
{
        ConnectionString *cs = NULL;
        const char *error = NULL;

        if (text)
                ck_assert_msg(connection_string_parse(text, &cs, &error) == 0, "%s", error);
        return cs;
}

static void make_hub(const char *connection_string)
{
        _cleanup_(connection_string_freep) ConnectionString *cs = parse(connection_string);
        HubSink sink = {on_ready, on_delivered, on_lost, on_changed, NULL};

        ck_assert_int_eq(hub_new(&t.hub, &t.settings, cs, &t.far.transport, &t.clock.clock, &t.dice.random, &sink, NULL),
                         0);
}

static void setup(void)
{
        memset(&t, 0, sizeof(t));
        t.settings = (HubSettings){
                .keepalive_usec = 4 * USEC_PER_MIN,
                .token_life_usec = USEC_PER_HOUR,
                .window = 16,
                .backoff_first_usec = USEC_PER_SEC,
                .backoff_max_usec = 5 * USEC_PER_MIN,
        };
        fake_clock_init(&t.clock);
        fake_random_init(&t.dice, 3);
        fake_transport_init(&t.far);
        log_capture_begin(&t.log);
}

static void teardown(void)
{
        hub_free(t.hub);
        ck_assert(t.far.freed);
        for (size_t i = 0; i < MIN(t.log.n_lines, ARRAY_SIZE(t.log.lines)); i++) {
                ck_assert_msg(!strstr(t.log.lines[i], KEY), "%s", t.log.lines[i]);
                ck_assert_msg(!strstr(t.log.lines[i], "SharedAccess"), "%s", t.log.lines[i]);
        }
        log_capture_end(&t.log);
        fake_transport_done(&t.far);
}

/* Sleeps as the daemon's loop does. */
static void sleep_until(usec_t end)
{
        Ticker ticker = hub_ticker(t.hub);

        for (;;) {
                usec_t deadline;

                if (fake_transport_play(&t.far) > 0)
                        continue;
                deadline = ticker.deadline(ticker.userdata);
                if (deadline > end)
                        break;
                if (deadline > t.clock.boot_usec)
                        fake_clock_advance(&t.clock, deadline - t.clock.boot_usec);
                t.n_wakeups++;
                ticker.tick(ticker.userdata, t.clock.boot_usec);
        }
        fake_clock_advance(&t.clock, usec_sub(end, t.clock.boot_usec));
}

static void sleep_for(usec_t usec)
{
        sleep_until(t.clock.boot_usec + usec);
}

static HubStatus status(void)
{
        HubStatus s;

        hub_status(t.hub, &s);
        return s;
}

static const char in_use[] = "/queue is in use by another process (pid 7)";

static void assert_link(LinkState state, LinkReason reason)
{
        HubStatus s = status();
        bool held = state == LINK_STOPPED && strcmp(s.detail, in_use) == 0;

        ck_assert_msg(s.state == state && s.reason == reason, "%s, %s: %s", link_state_to_string(s.state),
                      link_reason_to_string(s.reason), s.detail);
        ck_assert_msg(held || (reason == LINK_REASON_NONE) == (*s.detail == 0), "'%s'", s.detail);
}

static void start_connected(void)
{
        make_hub(DEVICE);
        hub_start(t.hub);
        fake_transport_accept(&t.far);
}

/* ---- the connect ---- */

START_TEST(it_connects_with_a_fresh_token)
{
        Token token;

        make_hub(DEVICE);
        assert_link(LINK_OFFLINE, LINK_REASON_NONE);
        hub_start(t.hub);
        assert_link(LINK_CONNECTING, LINK_REASON_NONE);
        ck_assert_uint_eq(t.far.n_connects, 1);
        ck_assert_str_eq(t.far.host, "devhub.example.net");
        ck_assert_str_eq(t.far.address, "");
        ck_assert_uint_eq(t.far.port, 8883);
        ck_assert_str_eq(t.far.client_id, "dev1");
        ck_assert(t.far.clean_session);
        ck_assert_uint_eq(t.far.keepalive_usec, 4 * USEC_PER_MIN);
        ck_assert_int_eq(token_parse(t.far.password, &token), 0);
        ck_assert(token_is_signed_by(&token, KEY));
        ck_assert_uint_eq(token.expiry, (t.clock.wall_usec + USEC_PER_HOUR) / USEC_PER_SEC);
        token_done(&token);
        ck_assert_int_eq(send_one(1), HUB_E_NOT_READY);
        fake_transport_accept(&t.far);
        assert_link(LINK_CONNECTED, LINK_REASON_NONE);
        ck_assert_uint_eq(t.n_ready, 1);
        ck_assert_str_eq(t.log.ids[0], LOG_ID_LINK_CONNECTED);
        ck_assert_uint_eq(t.log.n_lines, 1);
        ck_assert_str_eq(status().host, "devhub.example.net");
        ck_assert_str_eq(status().device_id, "dev1");
        ck_assert_uint_eq(status().since_usec, t.clock.wall_usec);
}
END_TEST

START_TEST(each_connection_has_its_own_token)
{
        char first[1024];

        start_connected();
        strcpy(first, t.far.password);
        sleep_for(30 * USEC_PER_SEC);
        fake_transport_end(&t.far, LINK_REASON_CLOSED, "the peer closed the connection");
        sleep_for(2 * USEC_PER_SEC);
        ck_assert_uint_eq(t.far.n_connects, 2);
        ck_assert_str_ne(t.far.password, first);
}
END_TEST

START_TEST(a_gateway_and_an_address_change_the_target_alone)
{
        t.settings.address = (char *)"[::1]:18883";
        make_hub(DEVICE ";GatewayHostName=edge.local");
        hub_start(t.hub);
        ck_assert_str_eq(t.far.host, "edge.local");
        ck_assert_str_eq(t.far.address, "::1");
        ck_assert_uint_eq(t.far.port, 18883);
        ck_assert(strstr(t.far.username, "devhub.example.net/dev1/?") == t.far.username);
        ck_assert_ptr_nonnull(strstr(t.far.password, "sr=devhub.example.net%2Fdevices%2Fdev1&"));
        ck_assert_str_eq(status().host, "devhub.example.net");
}
END_TEST

START_TEST(a_connect_that_cannot_begin_is_tried_again)
{
        t.far.connect_error = -ENOMEM;
        make_hub(DEVICE);
        hub_start(t.hub);
        assert_link(LINK_WAITING, LINK_REASON_CLOSED);
        t.far.connect_error = 0;
        t.far.obedient = true;
        sleep_for(2 * USEC_PER_SEC);
        assert_link(LINK_CONNECTED, LINK_REASON_NONE);
}
END_TEST

/* ---- every reason, and that it is told ---- */

START_TEST(reason_none)
{
        start_connected();
        assert_link(LINK_CONNECTED, LINK_REASON_NONE);
}
END_TEST

START_TEST(reason_no_credential)
{
        _cleanup_(connection_string_freep) ConnectionString *cs = parse(DEVICE);

        make_hub(NULL);
        assert_link(LINK_STOPPED, LINK_REASON_NO_CREDENTIAL);
        hub_start(t.hub);
        assert_link(LINK_STOPPED, LINK_REASON_NO_CREDENTIAL);
        ck_assert_str_eq(status().host, "");
        ck_assert_str_eq(status().device_id, "");
        ck_assert_uint_eq(t.far.n_connects, 0);
        hub_reconnect(t.hub);
        ck_assert_uint_eq(t.far.n_connects, 0);
        ck_assert_uint_eq(hub_ticker(t.hub).deadline(t.hub), USEC_INFINITY);
        ck_assert_ptr_nonnull(strstr(status().detail, "hub.connection_string_file"));
        hub_explain(t.hub, "/etc/cs is empty");
        ck_assert_str_eq(status().detail, "/etc/cs is empty");
        assert_link(LINK_STOPPED, LINK_REASON_NO_CREDENTIAL);
        ck_assert_int_eq(hub_configure(t.hub, &t.settings, NULL), 0);
        ck_assert_str_eq(status().detail, "/etc/cs is empty");
        ck_assert(!log_capture_has(&t.log, "connection string")); /* whoever gave none has said why */
        ck_assert_int_eq(hub_configure(t.hub, &t.settings, cs), 0); /* one comes */
        ck_assert_uint_eq(t.far.n_connects, 1);
        assert_link(LINK_CONNECTING, LINK_REASON_NONE);
        hub_explain(t.hub, "nobody needs to know");
        assert_link(LINK_CONNECTING, LINK_REASON_NONE);
        ck_assert_int_eq(hub_configure(t.hub, &t.settings, NULL), 0); /* and goes */
        assert_link(LINK_STOPPED, LINK_REASON_NO_CREDENTIAL);
        ck_assert_uint_eq(t.far.n_closes, 1);
}
END_TEST

/* What the transport claims is handed on with its words. */
static void assert_claimed(LinkReason reason)
{
        char part[128];

        make_hub(DEVICE);
        hub_start(t.hub);
        fake_transport_end(&t.far, reason, "told in words");
        assert_link(LINK_WAITING, reason);
        ck_assert_str_eq(status().detail, "told in words");
        ck_assert_uint_gt(status().next_attempt_usec, t.clock.wall_usec);
        ck_assert_uint_le(status().next_attempt_usec, t.clock.wall_usec + USEC_PER_SEC);
        ck_assert_str_eq(t.log.ids[0], reason == LINK_REASON_CREDENTIAL ? LOG_ID_LINK_REFUSED : LOG_ID_LINK_DOWN);
        (void)snprintf(part, sizeof(part), "(%s): told in words", link_reason_to_string(reason));
        ck_assert_msg(log_capture_has(&t.log, part), "%s", t.log.lines[0]);
        sleep_until(t.clock.boot_usec + USEC_PER_SEC);
        assert_link(LINK_CONNECTING, reason);
        ck_assert_uint_eq(status().next_attempt_usec, 0);
}

#define REASON_FROM_BELOW(name, value)                                                                               \
        START_TEST(reason_##name)                                                                                    \
        {                                                                                                            \
                assert_claimed(value);                                                                               \
        }                                                                                                            \
        END_TEST

REASON_FROM_BELOW(network, LINK_REASON_NETWORK)
REASON_FROM_BELOW(name, LINK_REASON_NAME)
REASON_FROM_BELOW(refused, LINK_REASON_REFUSED)
REASON_FROM_BELOW(tls_untrusted, LINK_REASON_TLS_UNTRUSTED)
REASON_FROM_BELOW(tls_hostname, LINK_REASON_TLS_HOSTNAME)
REASON_FROM_BELOW(tls_expired, LINK_REASON_TLS_EXPIRED)
REASON_FROM_BELOW(closed, LINK_REASON_CLOSED)

START_TEST(reason_credential)
{
        make_hub(DEVICE);
        hub_start(t.hub);
        fake_transport_refuse(&t.far, 5);
        assert_link(LINK_WAITING, LINK_REASON_CREDENTIAL);
        ck_assert_uint_eq(t.far.n_closes, 1);
        ck_assert(log_capture_has(&t.log, "(credential)"));
}
END_TEST

START_TEST(reason_hub_unavailable)
{
        make_hub(DEVICE);
        hub_start(t.hub);
        fake_transport_refuse(&t.far, 3);
        assert_link(LINK_WAITING, LINK_REASON_HUB_UNAVAILABLE);
}
END_TEST

START_TEST(reason_silent)
{
        start_connected();
        ck_assert_int_eq(send_one(1), 0);
        sleep_for(CONNECTION_PROBE_USEC + CONNECTION_PING_USEC);
        assert_link(LINK_WAITING, LINK_REASON_SILENT);
        ck_assert_uint_eq(t.far.n_pings, 1);
        ck_assert_uint_eq(t.far.n_closes, 1);
        ck_assert_uint_eq(t.n_lost, 1);
        ck_assert_str_eq(t.log.ids[1], LOG_ID_LINK_DOWN);
}
END_TEST

/* No proof of these exists yet: whatever a hub does, none is claimed. */
START_TEST(clock_takeover_throttled_and_quota_are_never_claimed)
{
        for (int code = 0; code < 256; code++) {
                Connection c;
                ConnectionSettings settings = {USEC_PER_MIN, USEC_PER_HOUR, USEC_PER_SEC, USEC_PER_MIN};

                connection_init(&c, &settings, &t.dice.random);
                connection_feed(&c, &(ConnectionEvent){.kind = CONNECTION_EVENT_START}, 1);
                connection_feed(&c, &(ConnectionEvent){.kind = CONNECTION_EVENT_REFUSED, .code = code}, 1);
                ck_assert(c.reason != LINK_REASON_CLOCK && c.reason != LINK_REASON_TAKEOVER &&
                          c.reason != LINK_REASON_THROTTLED && c.reason != LINK_REASON_QUOTA);
        }
        start_connected();
}
END_TEST

/* ---- messages ---- */

START_TEST(a_message_becomes_topic_and_body)
{
        _cleanup_(message_freep) Message *m = make_message("wind.00000000000000aa.1-9", 0);

        start_connected();
        m->correlation_id = strdup("c/1");
        m->content_type = strdup("application/json");
        m->content_encoding = strdup("utf-8");
        m->created_usec = 1767225600123456;
        (void)snprintf(m->component, sizeof(m->component), "thermostat1");
        ck_assert_int_eq(message_add_property(m, "Property", "PropMsg_1"), 0);
        ck_assert_int_eq(message_add_property(m, "grün", "a b&c"), 0);
        ck_assert_int_eq(message_add_property(m, "empty", ""), 0);
        buffer_append_string(&m->body, "{\"windSpeed\": 1.5}");
        ck_assert_int_eq(hub_send(t.hub, m, 77), 0);
        ck_assert_uint_eq(t.far.n_published, 1);
        ck_assert_str_eq(t.far.published[0].topic,
                         "devices/dev1/messages/events/%24.mid=wind.00000000000000aa.1-9&%24.cid=c%2F1"
                         "&%24.ct=application%2Fjson&%24.ce=utf-8&%24.ctime=2026-01-01T00%3A00%3A00.123Z"
                         "&%24.sub=thermostat1&Property=PropMsg_1&gr%C3%BCn=a%20b%26c&empty=");
        ck_assert_str_eq(t.far.published[0].body.data, "{\"windSpeed\": 1.5}");
}
END_TEST

START_TEST(a_message_without_anything)
{
        _cleanup_(message_freep) Message *m = calloc(1, sizeof(*m));

        make_hub(MODULE);
        hub_start(t.hub);
        fake_transport_accept(&t.far);
        ck_assert_int_eq(hub_send(t.hub, m, 1), 0);
        ck_assert_str_eq(t.far.published[0].topic, "devices/dev1/modules/m/messages/events/");
        ck_assert_uint_eq(t.far.published[0].body.size, 0);
        ck_assert_str_eq(status().device_id, "dev1/m");
}
END_TEST

START_TEST(delivered_names_the_ticket)
{
        start_connected();
        for (uint64_t i = 0; i < 5; i++)
                ck_assert_int_eq(send_one(100 + i), 0);
        fake_transport_ack(&t.far, t.far.published[3].mid);
        fake_transport_ack(&t.far, t.far.published[0].mid);
        fake_transport_ack(&t.far, t.far.published[0].mid); /* said twice */
        fake_transport_ack(&t.far, 999);
        ck_assert_uint_eq(t.n_delivered, 2);
        ck_assert_uint_eq(t.delivered[0], 103);
        ck_assert_uint_eq(t.delivered[1], 100);
}
END_TEST

START_TEST(a_lost_link_voids_every_ticket_and_sends_nothing_again)
{
        start_connected();
        ck_assert_int_eq(send_one(1), 0);
        ck_assert_int_eq(send_one(2), 0);
        fake_transport_end(&t.far, LINK_REASON_CLOSED, "the peer closed the connection");
        ck_assert_uint_eq(t.n_lost, 1);
        t.far.obedient = true;
        sleep_for(10 * USEC_PER_SEC);
        assert_link(LINK_CONNECTED, LINK_REASON_NONE);
        ck_assert_uint_eq(t.n_ready, 2);
        ck_assert_uint_eq(t.far.n_published, 2); /* sending again is the uplink's */
        ck_assert_uint_eq(t.n_delivered, 0);
        /* mids begin anew: the old ones mean nothing */
        t.far.last_mid = 0;
        t.far.obedient = false;
        ck_assert_int_eq(send_one(9), 0);
        fake_transport_ack(&t.far, 1);
        ck_assert_uint_eq(t.n_delivered, 1);
        ck_assert_uint_eq(t.delivered[0], 9);
}
END_TEST

START_TEST(a_late_word_of_an_old_connection_is_ignored)
{
        uint64_t old;

        start_connected();
        old = t.far.generation;
        ck_assert_int_eq(send_one(1), 0);
        fake_transport_end(&t.far, LINK_REASON_CLOSED, "x");
        sleep_for(USEC_PER_SEC);
        ck_assert_uint_gt(t.far.generation, old);
        fake_transport_say(&t.far, &(TransportEvent){.kind = TRANSPORT_PUBLISHED, .generation = old, .mid = 1});
        fake_transport_say(&t.far, &(TransportEvent){.kind = TRANSPORT_CONNECTED, .generation = old});
        fake_transport_say(&t.far, &(TransportEvent){.kind = TRANSPORT_ENDED, .generation = old, .detail = "late"});
        assert_link(LINK_CONNECTING, LINK_REASON_CLOSED);
        ck_assert_uint_eq(t.n_delivered, 0);
        ck_assert_uint_eq(t.n_ready, 1);
}
END_TEST

START_TEST(the_uplink_may_send_within_every_callback)
{
        t.send_in_callbacks = true;
        start_connected();
        for (int i = 0; i < 50; i++)
                ck_assert_uint_eq(fake_transport_ack_all(&t.far) > 0, true);
        ck_assert_uint_ge(t.n_delivered, 50);
}
END_TEST

START_TEST(a_publish_that_fails_is_not_ready_until_the_next_connection)
{
        start_connected();
        t.far.publish_error = -ENOTCONN;
        ck_assert_int_eq(send_one(1), HUB_E_NOT_READY);
        t.far.publish_error = 0;
        ck_assert(!hub_is_ready(t.hub));
        ck_assert_int_eq(send_one(1), HUB_E_NOT_READY);
        ck_assert_uint_eq(t.n_lost, 0);
        fake_transport_end(&t.far, LINK_REASON_CLOSED, "write failed");
        ck_assert_uint_eq(t.n_lost, 1);
        t.far.obedient = true;
        sleep_for(2 * USEC_PER_SEC);
        ck_assert(hub_is_ready(t.hub));
        ck_assert_int_eq(send_one(1), 0);
}
END_TEST

START_TEST(what_is_too_large_is_never_sent)
{
        static const struct {
                size_t body;
                int result;
        } cases[] = {
                {MESSAGE_SIZE_MAX - 5, 0}, /* the id counts */
                {MESSAGE_SIZE_MAX - 4, HUB_E_TOO_LARGE},
                {MESSAGE_SIZE_MAX, HUB_E_TOO_LARGE},
        };

        for (int ready = 0; ready < 2; ready++) {
                if (ready)
                        fake_transport_accept(&t.far);
                else {
                        make_hub(DEVICE);
                        hub_start(t.hub);
                }
                for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                        _cleanup_(message_freep) Message *m = make_message("12345", cases[i].body);
                        int expected = cases[i].result == 0 && !ready ? HUB_E_NOT_READY : cases[i].result;

                        ck_assert_int_eq(hub_send(t.hub, m, 1), expected);
                }
        }
        ck_assert_uint_eq(t.far.n_published, 1);
}
END_TEST

START_TEST(a_topic_beyond_65535_bytes_is_too_large)
{
        _cleanup_free_ char *value = malloc(22001);
        size_t base;

        start_connected();
        memset(value, '/', 22000); /* three bytes each */
        value[22000] = 0;
        for (int over = 0; over < 2; over++) {
                _cleanup_(message_freep) Message *m = make_message("1", 1);
                char pad[2000] = {};

                base = strlen("devices/dev1/messages/events/%24.mid=1&a=&b=");
                value[(65535 - base - 100) / 3] = 0;
                memset(pad, 'x', 65535 - base - 3 * strlen(value) + (size_t)over);
                ck_assert_int_eq(message_add_property(m, "a", value), 0);
                ck_assert_int_eq(message_add_property(m, "b", pad), 0);
                ck_assert_int_eq(hub_send(t.hub, m, 1), over ? HUB_E_TOO_LARGE : 0);
        }
        ck_assert_uint_eq(strlen(t.far.published[0].topic), 65535);
}
END_TEST

START_TEST(bad_properties_are_never_sent)
{
        static const struct {
                const char *name, *value;
        } bad[] = {
                {"a", "\xff"},
                {"\xc3", "v"},
                {"a", "\xed\xa0\x80"}, /* a surrogate */
                {"a", "\xc0\x80"},
                {"", "v"},
        };
        char id[130];

        start_connected();
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                _cleanup_(message_freep) Message *m = make_message("1", 1);

                ck_assert_int_eq(message_add_property(m, bad[i].name, bad[i].value), 0);
                ck_assert_int_eq(hub_send(t.hub, m, 1), HUB_E_BAD_PROPERTY);
        }
        for (int i = 0; i < 4; i++) {
                _cleanup_(message_freep) Message *m = calloc(1, sizeof(*m));
                char **members[] = {&m->message_id, &m->correlation_id, &m->content_type, &m->content_encoding};

                *members[i] = strdup("\x80");
                ck_assert_int_eq(hub_send(t.hub, m, 1), HUB_E_BAD_PROPERTY);
        }
        for (int over = 0; over < 2; over++) {
                _cleanup_(message_freep) Message *m = NULL;

                memset(id, 'i', sizeof(id));
                id[128 + over] = 0;
                m = make_message(id, 1);
                ck_assert_int_eq(hub_send(t.hub, m, 1), over ? HUB_E_BAD_PROPERTY : 0);
        }
        ck_assert_uint_eq(t.far.n_published, 1);
}
END_TEST

/* ---- changes from above ---- */

START_TEST(settings_that_the_connection_has_already_change_nothing)
{
        _cleanup_(connection_string_freep) ConnectionString *cs = parse(DEVICE);

        start_connected();
        t.settings.window = 4;
        t.settings.backoff_max_usec = USEC_PER_MIN;
        ck_assert_int_eq(hub_configure(t.hub, &t.settings, cs), 0);
        assert_link(LINK_CONNECTED, LINK_REASON_NONE);
        ck_assert_uint_eq(t.far.n_connects, 1);
}
END_TEST

START_TEST(a_shorter_backoff_shortens_the_wait_that_has_begun)
{
        _cleanup_(connection_string_freep) ConnectionString *cs = parse(DEVICE);
        usec_t deadline;

        start_connected();
        t.far.obedient = false;
        fake_transport_end(&t.far, LINK_REASON_NETWORK, "gone");
        do {
                sleep_until(hub_ticker(t.hub).deadline(t.hub));
                if (t.far.open)
                        fake_transport_end(&t.far, LINK_REASON_NETWORK, "gone");
                deadline = hub_ticker(t.hub).deadline(t.hub);
        } while (deadline < t.clock.boot_usec + USEC_PER_MIN);
        t.settings.backoff_max_usec = 10 * USEC_PER_MIN;
        ck_assert_int_eq(hub_configure(t.hub, &t.settings, cs), 0);
        ck_assert_uint_eq(hub_ticker(t.hub).deadline(t.hub), deadline); /* nobody draws again */
        t.settings.backoff_max_usec = 5 * USEC_PER_SEC;
        ck_assert_int_eq(hub_configure(t.hub, &t.settings, cs), 0);
        ck_assert_uint_eq(hub_ticker(t.hub).deadline(t.hub), t.clock.boot_usec + 5 * USEC_PER_SEC);
}
END_TEST

START_TEST(a_new_credential_lets_the_window_empty_and_reconnects)
{
        _cleanup_(connection_string_freep) ConnectionString *cs = parse(MODULE);

        start_connected();
        ck_assert_int_eq(send_one(5), 0);
        ck_assert_int_eq(hub_configure(t.hub, &t.settings, cs), 0);
        ck_assert(!hub_is_ready(t.hub));
        ck_assert_int_eq(send_one(6), HUB_E_NOT_READY);
        ck_assert_uint_eq(t.far.n_connects, 1);
        fake_transport_ack_all(&t.far);
        ck_assert_uint_eq(t.n_delivered, 1);
        ck_assert_uint_eq(t.far.n_goodbyes, 1);
        ck_assert_uint_eq(t.far.n_connects, 2);
        ck_assert_str_eq(t.far.client_id, "dev1/m");
        fake_transport_accept(&t.far);
        ck_assert_uint_eq(t.n_ready, 2);
        ck_assert_uint_eq(t.log.n_lines, 1); /* planned: no news */
}
END_TEST

START_TEST(reconnect_tries_at_once)
{
        make_hub(DEVICE);
        hub_start(t.hub);
        for (int i = 0; i < 12; i++) {
                fake_transport_end(&t.far, LINK_REASON_NETWORK, "no route");
                sleep_until(hub_ticker(t.hub).deadline(t.hub));
        }
        fake_transport_end(&t.far, LINK_REASON_NETWORK, "no route");
        assert_link(LINK_WAITING, LINK_REASON_NETWORK);
        hub_reconnect(t.hub);
        assert_link(LINK_CONNECTING, LINK_REASON_NETWORK);
        ck_assert_uint_eq(t.far.n_connects, 14);
        hub_reconnect(t.hub); /* it is at it */
        ck_assert_uint_eq(t.far.n_connects, 14);
        fake_transport_accept(&t.far);
        hub_reconnect(t.hub);
        ck_assert_uint_eq(t.far.n_goodbyes, 1);
        ck_assert_uint_eq(t.far.n_connects, 15);
        ck_assert_uint_eq(t.n_lost, 1);
}
END_TEST

START_TEST(held_it_connects_for_nobody)
{
        _cleanup_(connection_string_freep) ConnectionString *cs = parse(MODULE);

        make_hub(DEVICE);
        hub_hold(t.hub, in_use);
        hub_start(t.hub);
        hub_hold(t.hub, in_use);
        hub_reconnect(t.hub);
        ck_assert_int_eq(hub_configure(t.hub, &t.settings, cs), 0);
        sleep_until(t.clock.boot_usec + USEC_PER_HOUR);
        ck_assert_uint_eq(t.far.n_connects, 0);
        assert_link(LINK_STOPPED, LINK_REASON_NONE);
        ck_assert_str_eq(status().detail, in_use);
        ck_assert_uint_eq(t.log.n_lines, 1);
        ck_assert(log_capture_has(&t.log, "Not connecting: /queue is in use by another process (pid 7)."));
        ck_assert_int_eq(hub_configure(t.hub, &t.settings, NULL), 0);
        assert_link(LINK_STOPPED, LINK_REASON_NO_CREDENTIAL);
        ck_assert_int_eq(hub_configure(t.hub, &t.settings, cs), 0);
        assert_link(LINK_STOPPED, LINK_REASON_NONE);
        hub_hold(t.hub, NULL);
        ck_assert_uint_eq(t.far.n_connects, 1);
        assert_link(LINK_CONNECTING, LINK_REASON_NONE);
        ck_assert_str_eq(status().detail, "");
}
END_TEST

START_TEST(held_while_connected_it_leaves)
{
        make_hub(DEVICE);
        hub_start(t.hub);
        fake_transport_accept(&t.far);
        ck_assert(hub_is_ready(t.hub));
        hub_hold(t.hub, in_use);
        ck_assert_uint_eq(t.n_lost, 1);
        ck_assert_uint_eq(t.far.n_goodbyes, 1);
        assert_link(LINK_STOPPED, LINK_REASON_NONE);
}
END_TEST

START_TEST(stop_says_goodbye_and_nothing_more)
{
        start_connected();
        ck_assert_int_eq(send_one(1), 0);
        hub_stop(t.hub);
        ck_assert_uint_eq(t.far.n_goodbyes, 1);
        ck_assert_uint_eq(t.n_lost, 0);
        assert_link(LINK_STOPPED, LINK_REASON_NONE);
        ck_assert(!hub_is_ready(t.hub));
        ck_assert_uint_eq(hub_ticker(t.hub).deadline(t.hub), USEC_INFINITY);
        hub_start(t.hub);
        fake_transport_accept(&t.far);
        ck_assert_uint_eq(t.n_ready, 2);
}
END_TEST

/* ---- time ---- */

START_TEST(the_token_is_renewed_before_it_ends)
{
        start_connected();
        t.far.obedient = true;
        for (int i = 0; i < 24; i++) {
                ck_assert_int_eq(send_one((uint64_t)i), 0);
                sleep_for(USEC_PER_HOUR);
        }
        ck_assert_uint_eq(t.far.n_connects, 1 + 24 * 60 / 48);
        ck_assert_uint_eq(t.far.n_goodbyes, 24 * 60 / 48);
        ck_assert_uint_eq(t.far.n_closes, 0);
        ck_assert_uint_eq(t.n_delivered, 24);
        ck_assert_uint_eq(t.log.n_lines, 1);
        assert_link(LINK_CONNECTED, LINK_REASON_NONE);
}
END_TEST

START_TEST(times_follow_a_clock_that_is_set_right)
{
        make_hub(DEVICE);
        t.clock.wall_usec = 0; /* 1970 */
        hub_start(t.hub);
        fake_transport_accept(&t.far);
        sleep_for(10 * USEC_PER_SEC);
        t.clock.wall_usec = 1767225600 * USEC_PER_SEC;
        ck_assert_uint_eq(status().since_usec, 1767225590 * USEC_PER_SEC);
}
END_TEST

START_TEST(an_idle_day_costs_few_wakeups)
{
        start_connected();
        t.far.obedient = true;
        sleep_for(USEC_PER_DAY);
        ck_assert_uint_le(t.n_wakeups, 24 * 60);
        ck_assert_uint_ge(t.n_wakeups, 24 * 10); /* the pings are there */
        ck_assert_uint_eq(t.log.n_lines, 1);
        assert_link(LINK_CONNECTED, LINK_REASON_NONE);
}
END_TEST

/* A whole day with no hub, once for each way in which it can be missing. */
static void a_day_offline(LinkReason reason)
{
        usec_t end;

        start_connected();
        sleep_for(USEC_PER_SEC);
        fake_transport_end(&t.far, reason, "gone");
        t.n_wakeups = 0;
        end = t.clock.boot_usec + USEC_PER_DAY;
        while (t.clock.boot_usec < end) {
                usec_t deadline = MIN(hub_ticker(t.hub).deadline(t.hub), end);

                sleep_until(deadline);
                if (t.far.open && reason != LINK_REASON_SILENT)
                        fake_transport_end(&t.far, reason, "gone");
        }
        ck_assert_uint_ge(t.far.n_connects, 24 * 60 / 10);
        ck_assert_uint_le(t.far.n_connects, 24 * 60);
        ck_assert_uint_le(t.n_wakeups, 24 * 60 * 2);
        ck_assert_uint_le(t.log.n_lines, 24);
        ck_assert_uint_ge(t.log.n_lines, 5); /* it is recalled */
        t.far.obedient = true;
        sleep_for(2 * t.settings.backoff_max_usec);
        assert_link(LINK_CONNECTED, LINK_REASON_NONE);
        ck_assert(log_capture_has(&t.log, "attempts in 24 h") || log_capture_has(&t.log, "attempts in 23 h"));
        ck_assert_uint_eq(t.n_lost, 1);
}

START_TEST(a_day_offline_costs_few_wakeups_and_few_lines)
{
        static const LinkReason reasons[] = {LINK_REASON_NAME, LINK_REASON_REFUSED, LINK_REASON_SILENT};

        a_day_offline(reasons[_i]);
}
END_TEST

/* Accepted and cut at once, all day. */
START_TEST(a_day_of_cuts_costs_few_lines)
{
        usec_t end;

        start_connected();
        end = t.clock.boot_usec + USEC_PER_DAY;
        while (t.clock.boot_usec < end) {
                if (t.far.open && !t.far.connected)
                        fake_transport_accept(&t.far);
                if (t.far.open)
                        fake_transport_end(&t.far, LINK_REASON_CLOSED, "cut");
                sleep_until(MIN(hub_ticker(t.hub).deadline(t.hub), end));
        }
        ck_assert_uint_le(t.far.n_connects, 24 * 60);
        ck_assert_uint_le(t.log.n_lines, 24 * 4 + 7);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("hub/hub");
        TCase *c = suite_case(s, "the connect");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, it_connects_with_a_fresh_token);
        tcase_add_test(c, each_connection_has_its_own_token);
        tcase_add_test(c, a_gateway_and_an_address_change_the_target_alone);
        tcase_add_test(c, a_connect_that_cannot_begin_is_tried_again);

        c = suite_case(s, "every reason");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, reason_none);
        tcase_add_test(c, reason_no_credential);
        tcase_add_test(c, reason_network);
        tcase_add_test(c, reason_name);
        tcase_add_test(c, reason_refused);
        tcase_add_test(c, reason_tls_untrusted);
        tcase_add_test(c, reason_tls_hostname);
        tcase_add_test(c, reason_tls_expired);
        tcase_add_test(c, reason_credential);
        tcase_add_test(c, reason_hub_unavailable);
        tcase_add_test(c, reason_silent);
        tcase_add_test(c, reason_closed);
        tcase_add_test(c, clock_takeover_throttled_and_quota_are_never_claimed);

        c = suite_case(s, "messages");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, a_message_becomes_topic_and_body);
        tcase_add_test(c, a_message_without_anything);
        tcase_add_test(c, delivered_names_the_ticket);
        tcase_add_test(c, a_lost_link_voids_every_ticket_and_sends_nothing_again);
        tcase_add_test(c, a_late_word_of_an_old_connection_is_ignored);
        tcase_add_test(c, the_uplink_may_send_within_every_callback);
        tcase_add_test(c, a_publish_that_fails_is_not_ready_until_the_next_connection);
        tcase_add_test(c, what_is_too_large_is_never_sent);
        tcase_add_test(c, a_topic_beyond_65535_bytes_is_too_large);
        tcase_add_test(c, bad_properties_are_never_sent);

        c = suite_case(s, "changes from above");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, settings_that_the_connection_has_already_change_nothing);
        tcase_add_test(c, a_shorter_backoff_shortens_the_wait_that_has_begun);
        tcase_add_test(c, a_new_credential_lets_the_window_empty_and_reconnects);
        tcase_add_test(c, reconnect_tries_at_once);
        tcase_add_test(c, held_it_connects_for_nobody);
        tcase_add_test(c, held_while_connected_it_leaves);
        tcase_add_test(c, stop_says_goodbye_and_nothing_more);

        c = suite_case(s, "days in milliseconds");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, the_token_is_renewed_before_it_ends);
        tcase_add_test(c, times_follow_a_clock_that_is_set_right);
        tcase_add_test(c, an_idle_day_costs_few_wakeups);
        tcase_add_loop_test(c, a_day_offline_costs_few_wakeups_and_few_lines, 0, 3);
        tcase_add_test(c, a_day_of_cuts_costs_few_lines);
        return suite_run(s);
}
