/* SPDX-License-Identifier: Apache-2.0 */

/* From a sensor to the hub, with a link that does its best or its worst. */

#include <stdio.h>
#include <string.h>

#include "suite.h"
#include "world.h"

static World w;

static void setup(void)
{
        world_init(&w);
}

static void teardown(void)
{
        world_done(&w);
}

static void start_connected(void)
{
        world_start(&w);
        world_run(&w, 5 * USEC_PER_SEC);
        ck_assert(hub_is_ready(w.hub));
}

/* As fast as the queue's buffers take them. */
static void read_many(const char *stream, int n)
{
        for (int i = 0; i < n; i++) {
                if (!queue_make_ready(w.queue))
                        world_run(&w, 100 * USEC_PER_MSEC);
                world_read(&w, stream, "cpu", i);
        }
}

static void assert_all_acknowledged(uint64_t n)
{
        const Ledger *l = &world_ask(&w)->ledger;

        ck_assert_uint_eq(l->accepted, n);
        ck_assert_uint_eq(l->settled[OUTCOME_ACKNOWLEDGED], n);
        ck_assert_uint_eq(ledger_waiting(l), 0);
        ck_assert(world_balances(&w));
}

START_TEST(readings_reach_the_hub_in_order_with_their_ids)
{
        uint64_t next = 1;

        start_connected();
        for (int i = 0; i < 100; i++) {
                world_read(&w, "telemetry", "cpu", i);
                world_run(&w, USEC_PER_SEC);
        }
        world_run(&w, 15 * USEC_PER_SEC);
        for (size_t i = 0; i < w.n_events; i++) {
                const WorldEvent *e = &w.events[i];

                ck_assert_uint_eq(e->first, next);
                ck_assert_uint_eq(e->epoch, queue_epoch(w.queue));
                ck_assert_str_eq(e->content_type, "application/json");
                ck_assert_str_eq(e->content_encoding, "utf-8");
                ck_assert_ptr_nonnull(e->created);
                ck_assert(!e->backfill);
                next = e->last + 1;
        }
        ck_assert_uint_eq(next, 101);
        assert_all_acknowledged(100);
        ck_assert_uint_eq(w.n_settled[OUTCOME_ACKNOWLEDGED], 100);
        ck_assert_str_eq(world_ask(&w)->device_id, "gw-17");
        ck_assert(!world_ask(&w)->busy);
}
END_TEST

START_TEST(the_tutorials_device_is_reproduced)
{
        start_connected();
        for (int i = 1; i <= 3; i++) {
                char expected[64];

                world_read(&w, "wind", "wind", 12.344);
                world_run(&w, 30 * USEC_PER_SEC);
                ck_assert_uint_eq(w.n_events, i);
                snprintf(expected, sizeof(expected), "message_%d", i);
                ck_assert_str_eq(w.events[i - 1].id, expected);
                snprintf(expected, sizeof(expected), "correlation_%d", i);
                ck_assert_str_eq(w.events[i - 1].correlation_id, expected);
                snprintf(expected, sizeof(expected), "PropMsg_%d", i);
                ck_assert_str_eq(w.events[i - 1].property, expected);
                ck_assert_str_eq(w.events[i - 1].body, "{\"deviceId\": \"gw-17\",\"windSpeed\": 12.34}");
        }
        /* the count survives a restart */
        world_restart(&w);
        world_run(&w, 5 * USEC_PER_SEC);
        world_read(&w, "wind", "wind", 1);
        world_run(&w, 30 * USEC_PER_SEC);
        ck_assert_str_eq(w.events[3].id, "message_4");
        ck_assert_str_eq(w.events[3].body, "{\"deviceId\": \"gw-17\",\"windSpeed\": 1.00}");
}
END_TEST

START_TEST(a_lost_link_sends_the_same_ids_again_and_settles_once)
{
        start_connected();
        w.withhold_pubacks = true;
        for (int i = 0; i < 5; i++)
                world_read(&w, "wind", "wind", i);
        world_run(&w, 2 * USEC_PER_SEC);
        ck_assert_uint_eq(w.n_events, 5);
        ck_assert_uint_eq(world_ask(&w)->in_flight, 5);
        ck_assert(world_ask(&w)->busy);
        world_link(&w, false);
        world_run(&w, USEC_PER_MIN);
        ck_assert_uint_eq(w.n_events, 5);
        w.withhold_pubacks = false;
        world_link(&w, true);
        world_run(&w, 10 * USEC_PER_MIN);
        ck_assert_uint_eq(w.n_events, 10);
        for (int i = 0; i < 5; i++) {
                ck_assert_str_eq(w.events[i].id, w.events[i + 5].id);
                ck_assert_str_eq(w.events[i].body, w.events[i + 5].body);
                ck_assert_uint_eq(w.events[i].first, w.events[i + 5].first);
                ck_assert(!w.events[i + 5].backfill);
        }
        assert_all_acknowledged(5);
        ck_assert_uint_eq(w.n_settled[OUTCOME_ACKNOWLEDGED], 5);
}
END_TEST

START_TEST(a_late_puback_is_as_good_as_any)
{
        start_connected();
        w.puback_delay_usec = 10 * USEC_PER_SEC;
        for (int i = 0; i < 40; i++)
                world_read(&w, "wind", "wind", i);
        world_run(&w, 2 * USEC_PER_MIN);
        assert_all_acknowledged(40);
        ck_assert_uint_eq(w.n_duplicates, 0);
        ck_assert_uint_eq(w.n_events, 40);
}
END_TEST

START_TEST(the_window_is_never_exceeded)
{
        start_connected();
        w.puback_delay_usec = USEC_PER_SEC;
        for (int i = 0; i < 200; i++)
                world_read(&w, "wind", "wind", i);
        read_many("telemetry", 20000);
        world_run(&w, 5 * USEC_PER_MIN);
        assert_all_acknowledged(20200);
        ck_assert_uint_le(w.most_in_flight, 16);
        ck_assert_uint_ge(w.most_in_flight, 15);
        ck_assert_uint_le(w.most_bytes_in_flight, 512 * 1024);
}
END_TEST

START_TEST(urgent_goes_first_and_normal_goes_on)
{
        size_t first_normal = SIZE_MAX, last_urgent = 0;

        world_link(&w, false);
        world_start(&w);
        for (int i = 0; i < 300; i++)
                world_read(&w, "wind", "wind", i);
        read_many("alarms", 20000);
        world_run(&w, USEC_PER_MIN);
        w.puback_delay_usec = USEC_PER_SEC;
        world_link(&w, true);
        world_run(&w, 10 * USEC_PER_MIN);
        assert_all_acknowledged(20300);
        ck_assert_str_eq(w.events[0].stream, "alarms");
        for (size_t i = 0; i < w.n_events; i++) {
                if (strcmp(w.events[i].stream, "wind") == 0)
                        first_normal = MIN(first_normal, i);
                else
                        last_urgent = i;
        }
        ck_assert_uint_lt(first_normal, last_urgent); /* the flood did not stop the others */
}
END_TEST

START_TEST(latency_is_kept)
{
        start_connected();
        for (int i = 0; i < 50; i++) {
                usec_t begin = w.clock.boot_usec;
                size_t n = w.n_events;

                world_read(&w, "telemetry", "cpu", i);
                world_run(&w, 9 * USEC_PER_SEC);
                ck_assert_uint_eq(w.n_events, n);
                world_run(&w, USEC_PER_SEC + 1);
                ck_assert_uint_eq(w.n_events, n + 1);
                ck_assert_uint_le(w.events[n].at, begin + 10 * USEC_PER_SEC);

                /* without latency it goes when it is on disk */
                begin = w.clock.boot_usec;
                world_read(&w, "alarms", "door", i);
                world_run(&w, 2 * USEC_PER_SEC);
                ck_assert_uint_eq(w.n_events, n + 2);
                ck_assert_uint_le(w.events[n + 1].at, begin + USEC_PER_SEC);
                world_run(&w, 137 * USEC_PER_MSEC * (usec_t)(i % 7));
        }
}
END_TEST

START_TEST(what_waited_through_an_outage_is_marked)
{
        start_connected();
        world_link(&w, false);
        for (int i = 0; i < 10; i++) {
                world_read(&w, "telemetry", "cpu", i);
                world_run(&w, USEC_PER_SEC);
        }
        world_link(&w, true);
        world_run(&w, 10 * USEC_PER_MIN);
        world_read(&w, "telemetry", "cpu", 11);
        world_run(&w, USEC_PER_MIN);
        ck_assert_uint_eq(w.n_events, 2);
        ck_assert_uint_eq(w.events[0].last, 10);
        ck_assert(w.events[0].backfill);
        ck_assert(!w.events[1].backfill);
        assert_all_acknowledged(11);
}
END_TEST

static const StreamSettings short_lived = {.name = "wind", .format = STREAM_OBJECT,
                                           .expire_after_usec = 10 * USEC_PER_SEC};

START_TEST(what_is_too_old_is_dropped_by_that_name)
{
        w.streams = &short_lived;
        w.n_streams = 1;
        start_connected();
        world_link(&w, false);
        for (int i = 0; i < 5; i++) {
                world_read(&w, "wind", "wind", i);
                world_run(&w, 5 * USEC_PER_SEC);
        }
        /* read 25, 20, 15, 10 and 5 seconds ago */
        ck_assert_uint_ge(w.n_settled[OUTCOME_EXPIRED], 3);
        world_run(&w, USEC_PER_MIN);
        ck_assert_uint_eq(w.n_settled[OUTCOME_EXPIRED], 5);
        world_link(&w, true);
        world_run(&w, 10 * USEC_PER_MIN);
        ck_assert_uint_eq(w.n_events, 1); /* the notice of them */
        world_read(&w, "wind", "wind", 6);
        world_run(&w, USEC_PER_MIN);
        ck_assert_uint_eq(w.n_events, 2);
        ck_assert_uint_eq(ledger_dropped(&world_ask(&w)->ledger), 5);
        ck_assert(world_balances(&w));
}
END_TEST

START_TEST(what_was_sent_never_counts_as_dropped)
{
        w.streams = &short_lived;
        w.n_streams = 1;
        start_connected();
        w.withhold_pubacks = true;
        world_read(&w, "wind", "wind", 1);
        world_run(&w, 2 * USEC_PER_SEC);
        ck_assert_uint_eq(w.n_events, 1);
        world_link(&w, false);
        world_run(&w, USEC_PER_HOUR);
        w.withhold_pubacks = false;
        world_link(&w, true);
        world_run(&w, 10 * USEC_PER_MIN);
        ck_assert_uint_eq(w.n_events, 2);
        assert_all_acknowledged(1);
}
END_TEST

static unsigned n_done;
static RequestError done_error;

static void on_done(void *userdata, RequestError error, const char *detail)
{
        n_done++;
        done_error = error;
}

START_TEST(flush_means_what_it_says)
{
        n_done = 0;
        start_connected();
        for (int i = 0; i < 3; i++)
                world_submit(&w, "telemetry", "cpu", i);
        world_run(&w, 2 * USEC_PER_SEC);
        ck_assert_uint_eq(w.n_answered, 3);
        ck_assert_uint_eq(w.n_events, 0);
        uplink_flush(w.uplink, on_done, NULL);
        world_run(&w, 0);
        ck_assert_uint_eq(n_done, 1);
        ck_assert_int_eq(done_error, REQUEST_OK);
        assert_all_acknowledged(3);

        world_submit(&w, "telemetry", "cpu", 4);
        world_run(&w, 2 * USEC_PER_SEC);
        w.withhold_pubacks = true;
        uplink_flush(w.uplink, on_done, NULL);
        world_run(&w, USEC_PER_SEC);
        ck_assert_uint_eq(n_done, 1);
        world_link(&w, false);
        ck_assert_uint_eq(n_done, 2);
        ck_assert_int_eq(done_error, REQUEST_NOT_CONNECTED);
        uplink_flush(w.uplink, on_done, NULL);
        ck_assert_uint_eq(n_done, 3);
        ck_assert_int_eq(done_error, REQUEST_NOT_CONNECTED);
}
END_TEST

START_TEST(what_was_refused_is_counted_beside_the_ledger)
{
        Channel nan = {"v", {.kind = VALUE_NUMBER, .number = __builtin_nan("")}};
        Reading bad = {.sensor = "cpu", .channels = &nan, .n_channels = 1};

        start_connected();
        ck_assert_int_gt(w.sink.reading(w.sink.userdata, NULL, &bad), 0);
        w.sink.refused(w.sink.userdata, REFUSAL_UNREADABLE);
        world_read(&w, "telemetry", "cpu", 1);
        world_run(&w, USEC_PER_MIN);
        ck_assert_uint_eq(world_ask(&w)->refused[REFUSAL_NAN], 1);
        ck_assert_uint_eq(world_ask(&w)->refused[REFUSAL_UNREADABLE], 1);
        assert_all_acknowledged(1);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/journey");
        TCase *c = suite_case(s, "from a sensor to the hub");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, readings_reach_the_hub_in_order_with_their_ids);
        tcase_add_test(c, the_tutorials_device_is_reproduced);
        tcase_add_test(c, a_lost_link_sends_the_same_ids_again_and_settles_once);
        tcase_add_test(c, a_late_puback_is_as_good_as_any);
        tcase_add_test(c, the_window_is_never_exceeded);
        tcase_add_test(c, urgent_goes_first_and_normal_goes_on);
        tcase_add_test(c, latency_is_kept);
        tcase_add_test(c, what_waited_through_an_outage_is_marked);
        tcase_add_test(c, what_is_too_old_is_dropped_by_that_name);
        tcase_add_test(c, what_was_sent_never_counts_as_dropped);
        tcase_add_test(c, flush_means_what_it_says);
        tcase_add_test(c, what_was_refused_is_counted_beside_the_ledger);
        return suite_run(s);
}
