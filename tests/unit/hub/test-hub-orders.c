/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Orders through the whole hub, between a fake transport and a sink that notes them.
 */

#include <stdio.h>
#include <string.h>

#include "azure/topic.h"
#include "base/log-id.h"
#include "fake-clock.h"
#include "fake-transport.h"
#include "hub/connection.h"
#include "hub/hub.h"
#include "log-capture.h"
#include "suite.h"

#define KEY          "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
#define DEVICE       "HostName=devhub.example.net;DeviceId=dev1;SharedAccessKey=" KEY
#define OTHER_DEVICE "HostName=devhub.example.net;DeviceId=dev2;SharedAccessKey=" KEY
#define DEVICEBOUND  "devices/dev1/messages/devicebound/"

typedef enum Reply {
        LATER,
        STORED,
        FAILED,
        RECONNECT, /* asks for another connection in the middle */
} Reply;

static struct {
        Hub *hub;
        HubSettings settings;
        FakeTransport far;
        FakeClock clock;
        FakeRandom dice;
        LogCapture log;

        unsigned n_listening, n_calls, n_refused, n_lost, n_changed;
        int refused_status;
        uint64_t tickets[64];
        char ids[64][16];
        size_t n_messages;
        Reply reply; /* to each message, within the call */
        MethodCall call;
        char name[METHOD_NAME_MAX + 1], rid[METHOD_RID_MAX + 1], payload[64];
        TwinAnswer answer;
        uint64_t version;
        char body[64];
} t;

/* ---- the sinks ---- */

static void on_nothing(void *userdata)
{
}

static void on_changed(void *userdata)
{
        t.n_changed++;
}

static void on_lost(void *userdata)
{
        t.n_lost++;
}

static void on_delivered(void *userdata, uint64_t ticket)
{
}

static void on_listening(void *userdata)
{
        t.n_listening++;
}

static void on_message(void *userdata, uint64_t ticket, const C2dMessage *m)
{
        insist(t.n_messages < ARRAY_SIZE(t.tickets));
        insist(t.far.held);
        t.tickets[t.n_messages] = ticket;
        (void)snprintf(t.ids[t.n_messages++], sizeof(t.ids[0]), "%s", m->message_id ? m->message_id : "");
        if (t.reply == STORED)
                hub_message_stored(t.hub, ticket);
        else if (t.reply == FAILED)
                hub_message_failed(t.hub, ticket);
        else if (t.reply == RECONNECT)
                hub_reconnect(t.hub);
}

static void on_call(void *userdata, const MethodCall *call)
{
        t.n_calls++;
        (void)snprintf(t.name, sizeof(t.name), "%s", call->name);
        (void)snprintf(t.rid, sizeof(t.rid), "%s", call->rid);
        (void)snprintf(t.payload, sizeof(t.payload), "%s", call->payload);
        ck_assert_uint_eq(strlen(call->payload), call->payload_size);
        if (t.reply == STORED)
                ck_assert_int_eq(hub_answer(t.hub, call->connection, call->rid, 200, "{}", 2), 0);
}

static void on_refused(void *userdata, const char *name, int status)
{
        t.n_refused++;
        t.refused_status = status;
        (void)snprintf(t.name, sizeof(t.name), "%s", name);
}

static void on_desired(void *userdata, uint64_t version, const char *body, size_t body_size)
{
        t.version = version;
        (void)snprintf(t.body, sizeof(t.body), "%s", body);
}

static void on_twin(void *userdata, const TwinAnswer *answer)
{
        t.answer = *answer;
        (void)snprintf(t.body, sizeof(t.body), "%s", answer->body);
}

/* ---- the bench ---- */

static void setup(void)
{
        _cleanup_(connection_string_freep) ConnectionString *cs = NULL;
        HubSink sink = {on_nothing, on_delivered, on_lost, on_changed, NULL};
        OrderSink orders = {on_listening, on_message, on_call, on_refused, on_desired, on_twin, NULL};
        const char *error;

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
        ck_assert_int_eq(connection_string_parse(DEVICE, &cs, &error), 0);
        ck_assert_int_eq(hub_new(&t.hub, &t.settings, cs, &t.far.transport, &t.clock.clock, &t.dice.random, &sink,
                                 &orders),
                         0);
        hub_start(t.hub);
}

static void teardown(void)
{
        hub_free(t.hub);
        log_capture_end(&t.log);
        fake_transport_done(&t.far);
}

static void sleep_for(usec_t usec)
{
        Ticker ticker = hub_ticker(t.hub);
        usec_t end = t.clock.boot_usec + usec;

        for (;;) {
                usec_t deadline;

                if (fake_transport_play(&t.far) > 0)
                        continue;
                deadline = ticker.deadline(ticker.userdata);
                if (deadline > end)
                        break;
                if (deadline > t.clock.boot_usec)
                        fake_clock_advance(&t.clock, deadline - t.clock.boot_usec);
                ticker.tick(ticker.userdata, t.clock.boot_usec);
        }
        fake_clock_advance(&t.clock, usec_sub(end, t.clock.boot_usec));
}

static HubStatus status(void)
{
        HubStatus s;

        hub_status(t.hub, &s);
        return s;
}

static bool is_connected(void)
{
        return status().state == LINK_CONNECTED;
}

static void deliver(size_t n)
{
        TransportMessage messages[16] = {};
        char topics[16][96];

        ck_assert_uint_le(n, ARRAY_SIZE(messages));
        for (size_t i = 0; i < n; i++) {
                (void)snprintf(topics[i], sizeof(topics[i]), DEVICEBOUND "%%24.mid=%zu", i);
                messages[i] = (TransportMessage){.topic = topics[i], .payload = "x", .qos = 1};
        }
        fake_transport_deliver(&t.far, messages, n);
}

static int send_telemetry(void)
{
        Message m = {};

        return hub_send(t.hub, &m, 1);
}

/* What reached the far side of this connection by that topic. */
static const FakePublish *find_published(const char *prefix)
{
        for (size_t i = t.far.n_published; i-- > 0;)
                if (t.far.published[i].written && strncmp(t.far.published[i].topic, prefix, strlen(prefix)) == 0)
                        return &t.far.published[i];
        return NULL;
}

/* ---- subscriptions ---- */

START_TEST(it_subscribes_right_after_connack_and_keeps_its_session)
{
        static const char *const filters[] = {
                "$iothub/methods/POST/#",
                "$iothub/twin/res/#",
                "$iothub/twin/PATCH/properties/desired/#",
        };

        ck_assert(!t.far.clean_session);
        t.far.withhold_subacks = true;
        fake_transport_accept(&t.far);
        ck_assert_uint_eq(t.far.n_filters, 4);
        for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
                ck_assert_str_eq(t.far.filters[i].topic, filters[i]);
                ck_assert_int_eq(t.far.filters[i].mid, t.far.filters[0].mid); /* one packet */
                ck_assert_int_eq(t.far.filters[i].qos, 0);
        }
        /* Nobody wants messages yet, and a session may remember otherwise. */
        ck_assert_str_eq(t.far.filters[3].topic, DEVICEBOUND "#");
        ck_assert(!t.far.filters[3].wanted);
        ck_assert_uint_eq(t.n_listening, 0);
        ck_assert_int_eq(send_telemetry(), 0); /* does not wait for it */
        (void)fake_transport_grant_all(&t.far);
        ck_assert_uint_eq(t.n_listening, 1);
        fake_transport_end(&t.far, LINK_REASON_CLOSED, "cut");
        sleep_for(10 * USEC_PER_SEC);
        fake_transport_accept(&t.far);
        (void)fake_transport_grant_all(&t.far);
        ck_assert_uint_eq(t.n_listening, 2);
}
END_TEST

START_TEST(messages_are_asked_for_while_they_are_wanted)
{
        fake_transport_accept(&t.far);
        ck_assert(!fake_transport_is_subscribed(&t.far, DEVICEBOUND "#"));
        hub_want_messages(t.hub, true);
        hub_want_messages(t.hub, true);
        ck_assert(fake_transport_is_subscribed(&t.far, DEVICEBOUND "#"));
        ck_assert_uint_eq(t.far.n_filters, 5);
        ck_assert_int_eq(t.far.filters[4].qos, 1);
        (void)fake_transport_grant_all(&t.far);
        hub_reconnect(t.hub);
        fake_transport_accept(&t.far);
        ck_assert(fake_transport_is_subscribed(&t.far, DEVICEBOUND "#"));
        hub_want_messages(t.hub, false);
        ck_assert(!fake_transport_is_subscribed(&t.far, DEVICEBOUND "#"));
        fake_transport_end(&t.far, LINK_REASON_CLOSED, "cut");
        hub_want_messages(t.hub, true); /* while there is no link */
        hub_reconnect(t.hub);
        fake_transport_accept(&t.far);
        ck_assert(fake_transport_is_subscribed(&t.far, DEVICEBOUND "#"));
}
END_TEST

START_TEST(a_hub_that_grants_nothing_in_time_is_left)
{
        t.far.withhold_subacks = true;
        fake_transport_accept(&t.far);
        sleep_for(CONNECTION_SUBACK_USEC - 1);
        ck_assert(is_connected());
        sleep_for(1);
        ck_assert_int_eq(status().state, LINK_WAITING);
        ck_assert_int_eq(status().reason, LINK_REASON_SILENT);
        ck_assert_ptr_nonnull(strstr(status().detail, "SUBSCRIBE"));
}
END_TEST

START_TEST(all_answers_are_awaited_not_only_the_first)
{
        t.far.withhold_subacks = true;
        fake_transport_accept(&t.far);
        fake_transport_grant(&t.far, t.far.filters[0].mid, 0);
        sleep_for(CONNECTION_SUBACK_USEC);
        ck_assert_int_eq(status().reason, LINK_REASON_SILENT);
}
END_TEST

START_TEST(a_refused_filter_is_told_and_the_rest_goes_on)
{
        t.far.withhold_subacks = true;
        hub_want_messages(t.hub, true);
        fake_transport_accept(&t.far);
        fake_transport_grant(&t.far, t.far.filters[0].mid, TRANSPORT_SUBACK_REFUSED);
        fake_transport_grant(&t.far, t.far.filters[3].mid, TRANSPORT_SUBACK_REFUSED);
        ck_assert_uint_eq(t.n_listening, 0);
        ck_assert_uint_eq(log_capture_count(&t.log, "refuses the subscription"), 4);
        ck_assert(log_capture_has(&t.log, DEVICEBOUND "#"));
        sleep_for(USEC_PER_MIN);
        ck_assert(is_connected());
        ck_assert_int_eq(send_telemetry(), 0);
        ck_assert_int_eq(hub_twin_get(t.hub, &(uint64_t){0}), HUB_E_NOT_READY);
}
END_TEST

/* A broken SUBACK: the filters that it does not speak of are not granted. */
START_TEST(a_suback_that_is_too_short_grants_no_more_than_it_says)
{
        t.far.withhold_subacks = true;
        fake_transport_accept(&t.far);
        fake_transport_say(&t.far, &(TransportEvent){
                                           .kind = TRANSPORT_SUBSCRIBED,
                                           .generation = t.far.generation,
                                           .mid = t.far.filters[0].mid,
                                           .codes = (const uint8_t[]){0},
                                           .n_codes = 1,
                                   });
        ck_assert_uint_eq(t.n_listening, 0);
        ck_assert_uint_eq(log_capture_count(&t.log, "refuses the subscription"), 2);
}
END_TEST

/* ---- the gate ---- */

START_TEST(a_message_is_acknowledged_once_it_is_stored)
{
        fake_transport_accept(&t.far);
        deliver(1);
        ck_assert_uint_eq(t.n_messages, 1);
        ck_assert(t.far.held);
        ck_assert_uint_eq(t.far.n_pubacked, 0);
        ck_assert_int_eq(send_telemetry(), 0);
        ck_assert(!find_published("devices/dev1/messages/events/")); /* it waits as well */
        hub_message_stored(t.hub, t.tickets[0]);
        ck_assert(!t.far.held);
        ck_assert_uint_eq(t.far.n_pubacked, 1);
        ck_assert_ptr_nonnull(find_published("devices/dev1/messages/events/"));
        hub_message_stored(t.hub, t.tickets[0]); /* told twice */
        hub_message_failed(t.hub, t.tickets[0]);
        ck_assert(is_connected());
}
END_TEST

START_TEST(what_is_stored_at_once_is_acknowledged_at_once)
{
        t.reply = STORED;
        fake_transport_accept(&t.far);
        deliver(16);
        ck_assert_uint_eq(t.n_messages, 16);
        ck_assert_uint_eq(t.far.n_pubacked, 16);
        ck_assert(!t.far.held);
}
END_TEST

/* Right behind CONNACK, before the SUBACK: a kept session. */
START_TEST(what_a_kept_session_brings_is_taken_before_the_suback)
{
        t.far.withhold_subacks = true;
        hub_want_messages(t.hub, true);
        fake_transport_accept(&t.far);
        deliver(3);
        ck_assert_uint_eq(t.n_messages, 3);
        for (unsigned i = 0; i < 3; i++)
                hub_message_stored(t.hub, t.tickets[i]);
        ck_assert_uint_eq(t.far.n_pubacked, 3);
        t.far.obedient = true;
        sleep_for(10 * USEC_PER_MIN);
        ck_assert_uint_eq(t.far.n_connects, 1);
}
END_TEST

/* n messages in all orders of their ends; the k-th to end may fail, or never does. */
static void play_interleaving(unsigned n, const unsigned *order, unsigned fails_at)
{
        deliver(n);
        ck_assert_uint_eq(t.n_messages, n);
        for (unsigned i = 0; i < n; i++) {
                insist(t.far.held);
                insist(t.far.n_pubacked == 0);
                if (i == fails_at) {
                        hub_message_failed(t.hub, t.tickets[order[i]]);
                        break;
                }
                hub_message_stored(t.hub, t.tickets[order[i]]);
        }
        if (fails_at < n) {
                unsigned late = t.far.n_closes;

                insist(late == 1 && t.far.n_goodbyes == 0);
                insist(!is_connected());
                insist(strstr(status().detail, "could not be stored"));
                for (unsigned i = fails_at; i < n; i++) /* words that come too late */
                        hub_message_stored(t.hub, t.tickets[order[i]]);
                insist(t.far.n_pubacked == 0);
                sleep_for(5 * USEC_PER_SEC);
                fake_transport_accept(&t.far);
                for (unsigned i = 0; i < n; i++) {
                        hub_message_stored(t.hub, t.tickets[order[i]]);
                        hub_message_failed(t.hub, t.tickets[order[i]]);
                }
                insist(is_connected());
        } else {
                insist(!t.far.held && t.far.n_pubacked == n);
                insist(is_connected());
        }
}

static void permute(unsigned n, unsigned k, unsigned *order, unsigned *n_played)
{
        if (k < n) {
                for (unsigned i = k; i < n; i++) {
                        unsigned first = order[k];

                        order[k] = order[i];
                        order[i] = first;
                        permute(n, k + 1, order, n_played);
                        first = order[k];
                        order[k] = order[i];
                        order[i] = first;
                }
                return;
        }
        for (unsigned fails_at = 0; fails_at <= n; fails_at++) {
                teardown();
                setup();
                fake_transport_accept(&t.far);
                play_interleaving(n, order, fails_at);
                ++*n_played;
        }
}

START_TEST(every_interleaving_of_stored_and_failed_keeps_the_promise)
{
        unsigned n_played = 0;

        for (unsigned n = 1; n <= 5; n++) {
                unsigned order[] = {0, 1, 2, 3, 4};

                permute(n, 0, order, &n_played);
        }
        ck_assert_uint_eq(n_played, 1 * 2 + 2 * 3 + 6 * 4 + 24 * 5 + 120 * 6);
}
END_TEST

START_TEST(nothing_more_is_told_of_a_connection_that_was_dropped_within)
{
        t.reply = FAILED;
        fake_transport_accept(&t.far);
        deliver(5);
        ck_assert_uint_eq(t.n_messages, 1);
        ck_assert_uint_eq(t.far.n_pubacked, 0);
        ck_assert_uint_eq(t.far.n_closes, 1);
        ck_assert_uint_eq(t.n_lost, 1);
}
END_TEST

START_TEST(a_reconnect_that_somebody_asks_for_meanwhile_acknowledges_nothing)
{
        t.reply = RECONNECT;
        fake_transport_accept(&t.far);
        deliver(2);
        ck_assert_uint_eq(t.n_messages, 1);
        ck_assert_uint_eq(t.far.n_pubacked, 0);
        ck_assert_uint_eq(t.far.n_connects, 2);
        t.reply = STORED;
        fake_transport_accept(&t.far);
        deliver(2); /* again */
        ck_assert_uint_eq(t.n_messages, 3);
        ck_assert_uint_eq(t.far.n_pubacked, 2);
}
END_TEST

START_TEST(a_hold_has_an_end)
{
        fake_transport_accept(&t.far);
        deliver(1);
        sleep_for(CONNECTION_HOLD_USEC - 1);
        ck_assert(is_connected());
        sleep_for(1);
        ck_assert(!is_connected());
        ck_assert_ptr_nonnull(strstr(status().detail, "stored within 30 s"));
        ck_assert_uint_eq(t.far.n_pubacked, 0);
        ck_assert_uint_eq(t.far.n_goodbyes, 0);
}
END_TEST

/* One stored while another came: the gate was never open. */
START_TEST(a_hold_that_is_handed_on_is_one_hold)
{
        fake_transport_accept(&t.far);
        deliver(1);
        for (unsigned i = 1; i < 4; i++) {
                sleep_for(9 * USEC_PER_SEC);
                deliver(1);
                hub_message_stored(t.hub, t.tickets[i - 1]);
                ck_assert(t.far.held);
        }
        sleep_for(3 * USEC_PER_SEC);
        ck_assert(!is_connected());
        ck_assert_uint_eq(t.far.n_pubacked, 0);
}
END_TEST

/* Telemetry in flight, silence, a hold of nearly half a minute again and again: no deadline of the hub's runs out because
 * of what we keep back ourselves. */
START_TEST(our_own_hold_is_no_silence_of_the_hubs)
{
        fake_transport_accept(&t.far);
        for (unsigned i = 0; i < 40; i++) {
                ck_assert_int_eq(send_telemetry(), 0);
                deliver(1);
                ck_assert_int_eq(send_telemetry(), 0);
                sleep_for(29 * USEC_PER_SEC);
                ck_assert_msg(is_connected(), "%u: %s", i, status().detail);
                hub_message_stored(t.hub, t.tickets[i]);
                sleep_for(10 * USEC_PER_SEC); /* the hub takes its time as well */
                ck_assert_msg(is_connected(), "%u: %s", i, status().detail);
                (void)fake_transport_ack_all(&t.far);
        }
        ck_assert_uint_eq(t.far.n_connects, 1);
}
END_TEST

START_TEST(a_planned_reconnect_waits_for_the_gate)
{
        _cleanup_(connection_string_freep) ConnectionString *cs = NULL;
        const char *error;

        fake_transport_accept(&t.far);
        deliver(1);
        ck_assert_int_eq(connection_string_parse(OTHER_DEVICE, &cs, &error), 0);
        ck_assert_int_eq(hub_configure(t.hub, &t.settings, cs), 0);
        sleep_for(20 * USEC_PER_SEC);
        ck_assert_uint_eq(t.far.n_connects, 1);
        hub_message_stored(t.hub, t.tickets[0]);
        ck_assert_uint_eq(t.far.n_pubacked, 1);
        ck_assert_uint_eq(t.far.n_goodbyes, 1);
        ck_assert_uint_eq(t.far.n_connects, 2);
}
END_TEST

START_TEST(a_stop_while_the_gate_is_shut_acknowledges_nothing)
{
        fake_transport_accept(&t.far);
        deliver(2);
        hub_stop(t.hub);
        ck_assert_uint_eq(t.far.n_pubacked, 0);
        hub_message_stored(t.hub, t.tickets[0]);
        hub_message_failed(t.hub, t.tickets[1]);
        ck_assert_uint_eq(t.far.n_pubacked, 0);
        ck_assert_uint_eq(t.far.n_closes + t.far.n_goodbyes, 1);
}
END_TEST

START_TEST(when_the_link_goes_the_tickets_are_void)
{
        fake_transport_accept(&t.far);
        deliver(2);
        fake_transport_end(&t.far, LINK_REASON_CLOSED, "cut");
        sleep_for(5 * USEC_PER_SEC);
        fake_transport_accept(&t.far);
        ck_assert(!t.far.held);
        deliver(1);
        hub_message_stored(t.hub, t.tickets[0]);
        hub_message_stored(t.hub, t.tickets[1]);
        ck_assert(t.far.held);
        hub_message_stored(t.hub, t.tickets[2]);
        ck_assert_uint_eq(t.far.n_pubacked, 1);
}
END_TEST

/* ---- methods ---- */

START_TEST(a_call_is_answered)
{
        const FakePublish *p;

        t.reply = STORED;
        fake_transport_accept(&t.far);
        fake_transport_message(&t.far, "$iothub/methods/POST/ping/?$rid=a%2Fb", "{\"x\":1}", 0);
        ck_assert_uint_eq(t.n_calls, 1);
        ck_assert_str_eq(t.name, "ping");
        ck_assert_str_eq(t.rid, "a%2Fb");
        ck_assert_str_eq(t.payload, "{\"x\":1}");
        p = find_published("$iothub/methods/res/");
        ck_assert_ptr_nonnull(p);
        ck_assert_str_eq(p->topic, "$iothub/methods/res/200/?$rid=a%2Fb");
        ck_assert_int_eq(p->qos, 0);
        ck_assert_mem_eq(p->body.data, "{}", 2);
        ck_assert(!t.far.held);
}
END_TEST

START_TEST(an_answer_needs_a_link_and_has_a_size)
{
        static char large[METHOD_PAYLOAD_MAX + 1];

        ck_assert_int_eq(hub_answer(t.hub, t.far.generation, "1", 200, "{}", 2), HUB_E_NOT_READY);
        fake_transport_accept(&t.far);
        ck_assert_int_eq(hub_answer(t.hub, t.far.generation, "1", 200, large, sizeof(large)), HUB_E_TOO_LARGE);
        ck_assert_int_eq(hub_answer(t.hub, t.far.generation, "1", -5, large, METHOD_PAYLOAD_MAX), 0);
        ck_assert_ptr_nonnull(find_published("$iothub/methods/res/-5/?$rid=1"));
        ck_assert_int_eq(hub_answer(t.hub, t.far.generation, "2", 200, "", 0), 0);
}
END_TEST

START_TEST(while_the_connection_drains_answers_still_go_out)
{
        _cleanup_(connection_string_freep) ConnectionString *cs = NULL;
        const char *error;

        fake_transport_accept(&t.far);
        ck_assert_int_eq(send_telemetry(), 0);
        ck_assert_int_eq(connection_string_parse(OTHER_DEVICE, &cs, &error), 0);
        ck_assert_int_eq(hub_configure(t.hub, &t.settings, cs), 0);
        ck_assert(!hub_is_ready(t.hub));
        ck_assert_int_eq(hub_answer(t.hub, t.far.generation, "1", 200, "{}", 2), 0);
        ck_assert_ptr_nonnull(find_published("$iothub/methods/res/200/?$rid=1"));
        deliver(1); /* a last one for the old device */
        ck_assert_uint_eq(t.n_messages, 1);
}
END_TEST

START_TEST(a_call_that_nobody_can_be_asked_is_answered_all_the_same)
{
        const FakePublish *p;

        fake_transport_accept(&t.far);
        fake_transport_message(&t.far, "$iothub/methods/POST/a b/?$rid=7", "{}", 0);
        ck_assert_uint_eq(t.n_calls, 0);
        p = find_published("$iothub/methods/res/");
        ck_assert_str_eq(p->topic, "$iothub/methods/res/400/?$rid=7");
        ck_assert_ptr_nonnull(strstr(p->body.data, "\"error\""));
        ck_assert_uint_eq(status().malformed, 1);
        ck_assert_uint_eq(t.n_refused, 1);
        ck_assert_int_eq(t.refused_status, 400);
        ck_assert_str_eq(t.name, "");
        fake_transport_message(&t.far, "$iothub/methods/POST/reboot/?$rid=8", "\xff", 0);
        ck_assert_ptr_nonnull(find_published("$iothub/methods/res/400/?$rid=8"));
        ck_assert_uint_eq(t.n_refused, 2);
        ck_assert_str_eq(t.name, "reboot");
        fake_transport_message(&t.far, "$iothub/methods/POST/reboot/?$rid=9", "{}", 0);
        ck_assert_uint_eq(t.n_calls, 1);
        ck_assert_uint_eq(t.n_refused, 2);
}
END_TEST

/* ---- the twin ---- */

START_TEST(the_twin_is_asked_and_reported_under_numbers_of_our_own)
{
        uint64_t get, report;

        ck_assert_int_eq(hub_twin_get(t.hub, &get), HUB_E_NOT_READY);
        fake_transport_accept(&t.far);
        ck_assert_int_eq(hub_twin_get(t.hub, &get), 0);
        ck_assert_int_eq(hub_twin_report(t.hub, "{\"a\":1}", 7, &report), 0);
        ck_assert_uint_ne(get, report);
        ck_assert_uint_eq(find_published("$iothub/twin/GET/?$rid=1")->body.size, 0);
        ck_assert_mem_eq(find_published("$iothub/twin/PATCH/properties/reported/?$rid=2")->body.data, "{\"a\":1}", 7);
        fake_transport_message(&t.far, "$iothub/twin/res/204/?$rid=2&$version=5", "", 0);
        ck_assert_uint_eq(t.answer.request, report);
        ck_assert_uint_eq(t.answer.version, 5);
        fake_transport_message(&t.far, "$iothub/twin/res/200/?$rid=1", "{\"desired\":{}}", 0);
        ck_assert_uint_eq(t.answer.request, get);
        ck_assert_str_eq(t.body, "{\"desired\":{}}");
        fake_transport_message(&t.far, "$iothub/twin/PATCH/properties/desired/?$version=9", "{\"b\":2}", 0);
        ck_assert_uint_eq(t.version, 9);
        ck_assert_str_eq(t.body, "{\"b\":2}");
}
END_TEST

/* Its version tells whoever keeps the twin that something is missing. */
START_TEST(a_change_that_is_no_text_is_told_without_its_body)
{
        fake_transport_accept(&t.far);
        fake_transport_message(&t.far, "$iothub/twin/PATCH/properties/desired/?$version=9", "{\"b\":\"\xff\"}", 0);
        ck_assert_uint_eq(t.version, 9);
        ck_assert_str_eq(t.body, "");
        ck_assert_uint_eq(status().malformed, 1);
}
END_TEST

/* ---- what is no order ---- */

START_TEST(what_is_no_order_is_counted_told_seldom_and_dropped)
{
        fake_transport_accept(&t.far);
        for (unsigned i = 0; i < 1000; i++)
                fake_transport_message(&t.far, i % 2 ? "$iothub/odd/\x1b[31m" : DEVICEBOUND "a=%ff", "", 1);
        ck_assert_uint_eq(status().malformed, 1000);
        ck_assert_uint_eq(log_capture_count(&t.log, "no order"), 1);
        ck_assert_uint_ge(t.n_changed, 1000);
        ck_assert_uint_eq(t.n_messages, 0);
        ck_assert_uint_eq(t.far.n_pubacked, 1000); /* else they came again for ever */
        t.far.obedient = true;
        sleep_for(2 * USEC_PER_HOUR);
        fake_transport_message(&t.far, "$iothub/odd/\x1b[31m", "", 0);
        ck_assert_uint_eq(log_capture_count(&t.log, "and 999 others"), 1);
        ck_assert(!log_capture_has(&t.log, "\x1b"));
}
END_TEST

int main(void)
{
        Suite *s = suite_create("hub/orders");
        TCase *c = suite_case(s, "subscriptions");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, it_subscribes_right_after_connack_and_keeps_its_session);
        tcase_add_test(c, messages_are_asked_for_while_they_are_wanted);
        tcase_add_test(c, a_hub_that_grants_nothing_in_time_is_left);
        tcase_add_test(c, all_answers_are_awaited_not_only_the_first);
        tcase_add_test(c, a_refused_filter_is_told_and_the_rest_goes_on);
        tcase_add_test(c, a_suback_that_is_too_short_grants_no_more_than_it_says);

        c = suite_case(s, "the gate");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, a_message_is_acknowledged_once_it_is_stored);
        tcase_add_test(c, what_is_stored_at_once_is_acknowledged_at_once);
        tcase_add_test(c, what_a_kept_session_brings_is_taken_before_the_suback);
        tcase_add_test(c, every_interleaving_of_stored_and_failed_keeps_the_promise);
        tcase_add_test(c, nothing_more_is_told_of_a_connection_that_was_dropped_within);
        tcase_add_test(c, a_reconnect_that_somebody_asks_for_meanwhile_acknowledges_nothing);
        tcase_add_test(c, a_hold_has_an_end);
        tcase_add_test(c, a_hold_that_is_handed_on_is_one_hold);
        tcase_add_test(c, our_own_hold_is_no_silence_of_the_hubs);
        tcase_add_test(c, a_planned_reconnect_waits_for_the_gate);
        tcase_add_test(c, a_stop_while_the_gate_is_shut_acknowledges_nothing);
        tcase_add_test(c, when_the_link_goes_the_tickets_are_void);

        c = suite_case(s, "methods, twin, and what is no order");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, a_call_is_answered);
        tcase_add_test(c, an_answer_needs_a_link_and_has_a_size);
        tcase_add_test(c, while_the_connection_drains_answers_still_go_out);
        tcase_add_test(c, a_change_that_is_no_text_is_told_without_its_body);
        tcase_add_test(c, a_call_that_nobody_can_be_asked_is_answered_all_the_same);
        tcase_add_test(c, the_twin_is_asked_and_reported_under_numbers_of_our_own);
        tcase_add_test(c, what_is_no_order_is_counted_told_seldom_and_dropped);
        return suite_run(s);
}
