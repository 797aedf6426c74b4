/* SPDX-License-Identifier: Apache-2.0 */

/* The hub that has to ask which hub is its own. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "azure/token.h"
#include "fake-clock.h"
#include "fake-transport.h"
#include "hub/hub.h"
#include "hub/provisioning.h"
#include "log-capture.h"
#include "suite.h"

#define KEY       "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
#define SERVICE   "dps.example.net"
#define RESPONSES "$dps/registrations/res/#"
#define ASSIGNING "{\"operationId\":\"5.abc\",\"status\":\"assigning\"}"

static struct {
        Hub *hub;
        HubSettings settings;
        FakeTransport far;
        FakeClock clock;
        FakeRandom dice;
        LogCapture log;
        unsigned n_ready, n_lost, n_changed;
        char stored[512]; /* what the hub wants to be remembered */
        unsigned n_stored;
        int load_error;
} t;

static void on_ready(void *userdata)
{
        t.n_ready++;
}

static void on_delivered(void *userdata, uint64_t ticket)
{
}

static void on_lost(void *userdata)
{
        t.n_lost++;
}

static void on_changed(void *userdata)
{
        t.n_changed++;
}

static int load(void *userdata, Buffer *b)
{
        if (t.load_error < 0)
                return t.load_error;
        buffer_append_string(b, t.stored);
        return buffer_error(b);
}

static void store(void *userdata, const char *text, size_t size)
{
        (void)snprintf(t.stored, sizeof(t.stored), "%.*s", (int)size, text);
        t.n_stored++;
}

static void start_with(const ConnectionString *credential)
{
        HubSink sink = {on_ready, on_delivered, on_lost, on_changed, NULL};

        ck_assert_int_eq(hub_new(&t.hub, &t.settings, credential, &t.far.transport, &t.clock.clock, &t.dice.random, &sink,
                                 NULL),
                         0);
        hub_remember(t.hub, &(HubMemory){load, store, NULL});
        hub_start(t.hub);
}

static const ConnectionString key_only = {.shared_access_key = (char *)KEY};

static void start(void)
{
        start_with(&key_only);
}

/* As after a reboot. */
static void restart(void)
{
        hub_stop(t.hub);
        t.hub = hub_free(t.hub);
        fake_transport_done(&t.far);
        fake_transport_init(&t.far);
        start();
}

static void setup(void)
{
        memset(&t, 0, sizeof(t));
        t.settings = (HubSettings){
                .model_id = (char *)"dtmi:com:example:Thermostat;1",
                .keepalive_usec = 4 * USEC_PER_MIN,
                .token_life_usec = USEC_PER_HOUR,
                .window = 16,
                .backoff_first_usec = USEC_PER_SEC,
                .backoff_max_usec = 5 * USEC_PER_MIN,
                .dps = {.id_scope = (char *)"0ne00000001", .registration_id = (char *)"GW-17", .host = (char *)SERVICE},
        };
        fake_clock_init(&t.clock);
        fake_random_init(&t.dice, 3);
        fake_transport_init(&t.far);
        log_capture_begin(&t.log);
}

static void teardown(void)
{
        hub_free(t.hub);
        for (size_t i = 0; i < MIN(t.log.n_lines, ARRAY_SIZE(t.log.lines)); i++)
                ck_assert_msg(!strstr(t.log.lines[i], KEY) && !strstr(t.log.lines[i], "SharedAccess"), "%s",
                              t.log.lines[i]);
        ck_assert_ptr_null(strstr(t.stored, KEY));
        log_capture_end(&t.log);
        fake_transport_done(&t.far);
}

static HubStatus status(void)
{
        HubStatus s;

        hub_status(t.hub, &s);
        return s;
}

/* To the next thing that the hub does by itself; returns how long that was. */
static usec_t wake(void)
{
        Ticker ticker = hub_ticker(t.hub);
        usec_t deadline = ticker.deadline(ticker.userdata), before = t.clock.boot_usec;

        ck_assert_uint_ne(deadline, USEC_INFINITY);
        if (deadline > before)
                fake_clock_advance(&t.clock, deadline - before);
        ticker.tick(ticker.userdata, t.clock.boot_usec);
        return t.clock.boot_usec - before;
}

/* Until the next connect; returns how long that was. */
static usec_t wake_to_connect(void)
{
        unsigned before = t.far.n_connects;
        usec_t slept = 0;

        while (t.far.n_connects == before)
                slept += wake();
        return slept;
}

static const FakePublish *last(void)
{
        ck_assert_uint_gt(t.far.n_published, 0);
        return &t.far.published[t.far.n_published - 1];
}

static void answer(int code, unsigned retry_after, const char *payload)
{
        const char *rid = strstr(last()->topic, "$rid=") + 5;
        char topic[256], after[32] = "";

        if (retry_after > 0)
                (void)snprintf(after, sizeof(after), "&retry-after=%u", retry_after);
        (void)snprintf(topic, sizeof(topic), "$dps/registrations/res/%d/?$rid=%.*s%s", code, (int)strcspn(rid, "&"), rid,
                       after);
        fake_transport_message(&t.far, topic, payload, 1);
}

static void assign(const char *host, const char *device_id)
{
        char payload[512];

        (void)snprintf(payload, sizeof(payload),
                       "{\"operationId\":\"5.abc\",\"status\":\"assigned\",\"registrationState\":{\"assignedHub\":"
                       "\"%s\",\"deviceId\":\"%s\"}}",
                       host, device_id);
        answer(200, 0, payload);
}

/* The service, from its CONNACK to the hub's name. */
static void serve(const char *host, const char *device_id)
{
        ck_assert_str_eq(t.far.host, SERVICE);
        fake_transport_accept(&t.far);
        assign(host, device_id);
        ck_assert_str_eq(t.far.host, host);
        ck_assert_str_eq(t.far.client_id, device_id);
}

static void expect_token(const char *resource, const char *policy, const char *key)
{
        Token token;

        ck_assert_int_eq(token_parse(t.far.password, &token), 0);
        ck_assert_str_eq(token.resource, resource);
        ck_assert(token_is_signed_by(&token, key));
        ck_assert((!policy && !token.policy) || strcmp(token.policy ?: "", policy) == 0);
        token_done(&token);
}

/* ---- the first time ---- */

START_TEST(the_service_is_asked_before_the_hub)
{
        start();
        ck_assert_str_eq(t.far.host, SERVICE);
        ck_assert_uint_eq(t.far.port, 8883);
        ck_assert_str_eq(t.far.client_id, "gw-17");
        ck_assert_ptr_nonnull(strstr(t.far.username, "0ne00000001/registrations/gw-17/api-version=2019-03-31&ClientVersion="));
        ck_assert(t.far.clean_session);
        expect_token("0ne00000001/registrations/gw-17", "registration", KEY);
        ck_assert_int_eq(status().state, LINK_CONNECTING);
        ck_assert_str_eq(status().detail, "connecting to the provisioning service");
        ck_assert_str_eq(status().host, "");

        fake_transport_accept(&t.far);
        ck_assert(fake_transport_is_subscribed(&t.far, RESPONSES));
        ck_assert_str_eq(last()->topic, "$dps/registrations/PUT/iotdps-register/?$rid=1");
        ck_assert_str_eq(last()->body.data,
                         "{\"registrationId\":\"gw-17\",\"payload\":{\"modelId\":\"dtmi:com:example:Thermostat;1\"}}");
        ck_assert_uint_eq(t.n_ready, 0);
        answer(202, 3, ASSIGNING);
        ck_assert_str_eq(status().detail, "the provisioning service is assigning a hub");
        ck_assert_int_eq(status().state, LINK_CONNECTING);
        ck_assert_uint_eq(wake(), 3 * USEC_PER_SEC);
        ck_assert_str_eq(last()->topic, "$dps/registrations/GET/iotdps-get-operationstatus/?$rid=2&operationId=5.abc");

        assign("hub.example.net", "Wind-1");
        ck_assert_uint_eq(t.far.n_goodbyes, 1);
        ck_assert_str_eq(t.far.host, "hub.example.net");
        ck_assert_str_eq(t.far.client_id, "Wind-1");
        expect_token("hub.example.net/devices/Wind-1", NULL, KEY);
        ck_assert_ptr_nonnull(strstr(t.stored, "hub.example.net"));
        ck_assert_uint_eq(log_capture_count(&t.log, "assigned the hub hub.example.net, where this device is called Wind-1"), 1);
        fake_transport_accept(&t.far);
        ck_assert_uint_eq(t.n_ready, 1);
        ck_assert_int_eq(status().state, LINK_CONNECTED);
        ck_assert_str_eq(status().host, "hub.example.net");
        ck_assert_str_eq(status().device_id, "Wind-1");
}
END_TEST

START_TEST(without_a_key_nothing_is_asked)
{
        start_with(NULL);
        ck_assert_uint_eq(t.far.n_connects, 0);
        ck_assert_int_eq(status().reason, LINK_REASON_NO_CREDENTIAL);
        ck_assert_int_eq(hub_configure(t.hub, &t.settings, &key_only), 0);
        serve("hub.example.net", "gw-17");
}
END_TEST

/* ---- what is remembered ---- */

START_TEST(a_reboot_needs_no_service)
{
        start();
        serve("hub.example.net", "Wind-1");
        for (int i = 0; i < 3; i++) {
                restart();
                ck_assert_str_eq(t.far.host, "hub.example.net");
                ck_assert_str_eq(t.far.client_id, "Wind-1");
                fake_transport_accept(&t.far);
        }
        ck_assert_uint_eq(t.n_stored, 1);
}
END_TEST

START_TEST(what_is_remembered_of_another_registration_does_not_count)
{
        start();
        serve("hub.example.net", "Wind-1");
        t.settings.dps.registration_id = (char *)"gw-18";
        restart();
        serve("other.example.net", "Wind-2");
        ck_assert_uint_eq(t.n_stored, 2);
}
END_TEST

START_TEST(a_memory_that_fails_is_told_and_asked_anew)
{
        (void)snprintf(t.stored, sizeof(t.stored), "{\"registration\":");
        start();
        ck_assert_ptr_nonnull(strstr(t.log.lines[0], "asked again"));
        serve("hub.example.net", "gw-17");
        t.load_error = -EIO;
        restart();
        serve("hub.example.net", "gw-17");
        ck_assert_uint_eq(t.n_stored, 2);
}
END_TEST

/* ---- doubts ---- */

/* Connected once, and then cut off. */
static void start_assigned(void)
{
        start();
        serve("a.example.net", "gw-17");
        fake_transport_accept(&t.far);
        restart();
        ck_assert_str_eq(t.far.host, "a.example.net");
}

START_TEST(who_is_refused_asks_where_it_belongs)
{
        for (int code = 4; code <= 5; code++) {
                start_assigned();
                fake_transport_refuse(&t.far, code);
                ck_assert_int_eq(status().reason, LINK_REASON_CREDENTIAL);
                (void)wake_to_connect();
                serve("b.example.net", "gw-17");
                fake_transport_accept(&t.far);
                ck_assert_str_eq(status().host, "b.example.net");
                if (code == 4) {
                        teardown();
                        setup();
                }
        }
}
END_TEST

START_TEST(a_service_that_knows_no_other_hub_is_not_asked_at_each_refusal)
{
        unsigned n_asked = 0, n_tried = 0;

        start_assigned();
        fake_transport_refuse(&t.far, 5);
        for (unsigned i = 0; i < 100; i++) {
                (void)wake_to_connect();
                if (strcmp(t.far.host, SERVICE) == 0) {
                        n_asked++;
                        serve("a.example.net", "gw-17");
                }
                n_tried++;
                fake_transport_refuse(&t.far, 5);
        }
        ck_assert_uint_eq(n_tried, 100);
        ck_assert_uint_le(n_asked, 10);
        ck_assert_uint_ge(n_asked, 9);
        ck_assert_uint_eq(t.n_stored, 1);
}
END_TEST

/* Tries until the service is asked, or the time is over: did it come to that? */
static bool fails_until_asked(LinkReason reason, usec_t usec)
{
        usec_t until = t.clock.boot_usec + usec;

        while (t.clock.boot_usec < until) {
                ck_assert_str_eq(t.far.host, "a.example.net");
                fake_transport_end(&t.far, reason, "it is so");
                (void)wake_to_connect();
                if (strcmp(t.far.host, SERVICE) == 0)
                        return true;
        }
        return false;
}

START_TEST(an_outage_is_no_reason_to_ask)
{
        static const LinkReason reasons[] = {LINK_REASON_NETWORK, LINK_REASON_REFUSED, LINK_REASON_TLS_UNTRUSTED,
                                             LINK_REASON_TLS_EXPIRED, LINK_REASON_SILENT, LINK_REASON_CLOSED};

        start_assigned();
        for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
                insist(!fails_until_asked(reasons[i], 3 * USEC_PER_DAY));
        for (int i = 0; i < 5; i++) { /* as long as the name is found now and then */
                insist(!fails_until_asked(LINK_REASON_NAME, 23 * USEC_PER_HOUR));
                insist(!fails_until_asked(LINK_REASON_NETWORK, USEC_PER_SEC));
        }
}
END_TEST

START_TEST(a_name_that_is_gone_for_a_day_is_asked_for_and_in_vain_the_hub_is_tried_again)
{
        start_assigned();
        for (unsigned round = 0; round < 3; round++) {
                insist(!fails_until_asked(LINK_REASON_NAME, 23 * USEC_PER_HOUR));
                insist(fails_until_asked(LINK_REASON_TLS_HOSTNAME, 2 * USEC_PER_HOUR));
                fake_transport_end(&t.far, LINK_REASON_NAME, "there is no such name");
                ck_assert_uint_ge(wake_to_connect(), PROVISIONING_PEACE_USEC);
        }
        insist(fails_until_asked(LINK_REASON_NAME, 25 * USEC_PER_HOUR));
        serve("b.example.net", "gw-17");
}
END_TEST

/* It was never seen: its name may be wrong. An outage says nothing of that either. */
START_TEST(a_hub_that_was_just_named_and_is_not_found_is_asked_about_soon)
{
        start();
        serve("a.example.net", "gw-17");
        insist(!fails_until_asked(LINK_REASON_NETWORK, USEC_PER_DAY));
        for (unsigned round = 0; round < 3; round++) {
                for (unsigned i = 0; i < 10; i++) {
                        ck_assert_str_eq(t.far.host, "a.example.net");
                        fake_transport_end(&t.far, i % 2 ? LINK_REASON_NAME : LINK_REASON_TLS_HOSTNAME, "it is so");
                        (void)wake_to_connect();
                }
                serve("a.example.net", "gw-17");
        }
}
END_TEST

START_TEST(a_link_that_was_lost_is_no_doubt)
{
        start_assigned();
        for (unsigned i = 0; i < 50; i++) {
                fake_transport_accept(&t.far);
                fake_transport_end(&t.far, LINK_REASON_CLOSED, "closed");
                (void)wake_to_connect();
                ck_assert_str_eq(t.far.host, "a.example.net");
        }
}
END_TEST

/* ---- a service that does not help ---- */

START_TEST(who_is_refused_there_leaves_it_in_peace)
{
        static const struct {
                int code;
                unsigned retry_after;
                const char *payload;
                LinkReason reason;
                usec_t peace;
        } cases[] = {
                {401, 0, "{}", LINK_REASON_PROVISIONING, PROVISIONING_DENIED_USEC},
                {429, 120, "{}", LINK_REASON_THROTTLED, 120 * USEC_PER_SEC},
                {500, 0, "{}", LINK_REASON_HUB_UNAVAILABLE, PROVISIONING_PEACE_USEC},
                {200, 0, "{\"status\":\"disabled\"}", LINK_REASON_PROVISIONING, PROVISIONING_REFUSED_USEC},
                {200, 0, "{\"status\":\"failed\"}", LINK_REASON_PROVISIONING, PROVISIONING_REFUSED_USEC},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                start();
                for (unsigned k = 0; k < 20; k++) {
                        usec_t slept;

                        fake_transport_accept(&t.far);
                        answer(cases[i].code, cases[i].retry_after, cases[i].payload);
                        ck_assert_int_eq(status().state, LINK_WAITING);
                        ck_assert_int_eq(status().reason, cases[i].reason);
                        ck_assert(!t.far.open);
                        slept = wake_to_connect();
                        ck_assert_uint_ge(slept, cases[i].peace);
                        ck_assert_uint_le(slept, cases[i].peace + t.settings.backoff_max_usec);
                        ck_assert_str_eq(t.far.host, SERVICE);
                }
                /* an operator need not wait */
                fake_transport_accept(&t.far);
                answer(cases[i].code, cases[i].retry_after, cases[i].payload);
                hub_reconnect(t.hub);
                serve("hub.example.net", "gw-17");
                teardown();
                setup();
        }
}
END_TEST

START_TEST(silence_at_any_point_is_given_up)
{
        for (int point = 0; point < 4; point++) {
                start();
                if (point >= 1)
                        fake_transport_step(&t.far, TRANSPORT_STEP_CONNACK);
                t.far.withhold_subacks = point == 2;
                if (point >= 2)
                        fake_transport_accept(&t.far);
                while (status().state == LINK_CONNECTING)
                        (void)wake();
                ck_assert_int_eq(status().state, LINK_WAITING);
                ck_assert(!t.far.open);
                if (point > 0)
                        ck_assert_msg(strstr(status().detail, "provisioning service"), "%s", status().detail);
                t.far.withhold_subacks = false;
                (void)wake_to_connect();
                serve("hub.example.net", "gw-17");
                teardown();
                setup();
        }
}
END_TEST

START_TEST(a_stop_within_the_talk_ends_it)
{
        start();
        fake_transport_accept(&t.far);
        answer(202, 3, ASSIGNING);
        hub_stop(t.hub);
        ck_assert(!t.far.open);
        ck_assert_uint_eq(hub_ticker(t.hub).deadline(t.hub), USEC_INFINITY);
        hub_start(t.hub);
        serve("hub.example.net", "gw-17");
}
END_TEST

/* ---- new settings ---- */

START_TEST(another_enrollment_is_asked_for_at_once)
{
        start();
        fake_transport_accept(&t.far);
        answer(200, 0, "{\"status\":\"disabled\"}");
        ck_assert_int_eq(hub_configure(t.hub, &t.settings, &key_only), 0);
        ck_assert_int_eq(status().state, LINK_WAITING);
        t.settings.dps.registration_id = (char *)"gw-18";
        ck_assert_int_eq(hub_configure(t.hub, &t.settings, &key_only), 0);
        ck_assert_str_eq(t.far.client_id, "gw-18");
        serve("hub.example.net", "gw-18");
        fake_transport_accept(&t.far);
        /* a link that stands is left alone */
        t.settings.dps.host = (char *)"elsewhere.example.net";
        ck_assert_int_eq(hub_configure(t.hub, &t.settings, &key_only), 0);
        ck_assert_int_eq(status().state, LINK_CONNECTED);
        ck_assert_uint_eq(t.n_lost, 0);
}
END_TEST

START_TEST(a_connection_string_takes_its_place_and_back)
{
        const ConnectionString device = {
                .host_name = (char *)"direct.example.net", .device_id = (char *)"d", .shared_access_key = (char *)KEY};

        start();
        serve("hub.example.net", "gw-17");
        fake_transport_accept(&t.far);
        t.settings.dps.id_scope = NULL;
        ck_assert_int_eq(hub_configure(t.hub, &t.settings, &device), 0);
        ck_assert_str_eq(t.far.host, "direct.example.net");
        fake_transport_accept(&t.far);
        t.settings.dps.id_scope = (char *)"0ne00000001";
        ck_assert_int_eq(hub_configure(t.hub, &t.settings, &key_only), 0);
        ck_assert_str_eq(t.far.host, "hub.example.net"); /* remembered */
}
END_TEST

int main(void)
{
        Suite *s = suite_create("hub-dps");
        TCase *c;

        c = suite_case(s, "the first time");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, the_service_is_asked_before_the_hub);
        tcase_add_test(c, without_a_key_nothing_is_asked);

        c = suite_case(s, "memory");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, a_reboot_needs_no_service);
        tcase_add_test(c, what_is_remembered_of_another_registration_does_not_count);
        tcase_add_test(c, a_memory_that_fails_is_told_and_asked_anew);

        c = suite_case(s, "doubts");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, who_is_refused_asks_where_it_belongs);
        tcase_add_test(c, a_service_that_knows_no_other_hub_is_not_asked_at_each_refusal);
        tcase_add_test(c, an_outage_is_no_reason_to_ask);
        tcase_add_test(c, a_name_that_is_gone_for_a_day_is_asked_for_and_in_vain_the_hub_is_tried_again);
        tcase_add_test(c, a_hub_that_was_just_named_and_is_not_found_is_asked_about_soon);
        tcase_add_test(c, a_link_that_was_lost_is_no_doubt);

        c = suite_case(s, "no help");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, who_is_refused_there_leaves_it_in_peace);
        tcase_add_test(c, silence_at_any_point_is_given_up);
        tcase_add_test(c, a_stop_within_the_talk_ends_it);

        c = suite_case(s, "settings");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, another_enrollment_is_asked_for_at_once);
        tcase_add_test(c, a_connection_string_takes_its_place_and_back);
        return suite_run(s);
}
