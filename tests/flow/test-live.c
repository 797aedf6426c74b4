/* SPDX-License-Identifier: Apache-2.0 */

/* After an outage: what is new goes at once, what has waited follows at a pace that the hub sets. Goal G10. */

#include <stdio.h>
#include <string.h>

#include "suite.h"
#include "world.h"

static World w;

static const StreamSettings streams[] = {
        {.name = "telemetry", .format = STREAM_ARRAY, .max_latency_usec = USEC_PER_SEC, .expire_after_usec = USEC_INFINITY},
        {.name = "alarms", .format = STREAM_ARRAY, .urgent = true, .expire_after_usec = USEC_INFINITY},
        {.name = "wind", .format = STREAM_OBJECT, .expire_after_usec = USEC_INFINITY},
};

static void setup(void)
{
        world_init(&w);
        w.streams = streams;
        w.n_streams = ARRAY_SIZE(streams);
        w.forget_events = true;
        w.keep_latencies = true;
        w.puback_delay_usec = 50 * USEC_PER_MSEC;
}

static void teardown(void)
{
        world_done(&w);
}

static uint64_t acknowledged(void)
{
        return w.n_settled[OUTCOME_ACKNOWLEDGED];
}

/* Returns how long it took until no more waits than the sensors have just given. */
static usec_t drain(uint64_t few, usec_t at_most)
{
        usec_t begin = w.clock.boot_usec;

        while (ledger_waiting(&world_ask(&w)->ledger) > few && w.clock.boot_usec < begin + at_most)
                world_run(&w, 100 * USEC_PER_MSEC);
        return w.clock.boot_usec - begin;
}

/* What arrived of a stream, up to there. */
static uint64_t arrived(const char *stream, uint64_t last)
{
        return last - world_missing(&w, stream, last);
}

static uint64_t accepted(const char *stream)
{
        Ledger ledger;
        unsigned id;

        ck_assert_int_eq(queue_stream(w.queue, stream, strcmp(stream, "alarms") == 0, &id), 0);
        queue_ledger(w.queue, id, &ledger);
        return ledger.accepted;
}

static void be_without_a_hub_for_a_day(void)
{
        static const char *const sensors[] = {"cpu", "room", "tank", "pump", "gate", "co2"};

        world_link(&w, false);
        world_start(&w);
        for (size_t i = 0; i < ARRAY_SIZE(sensors); i++)
                world_add_sensor(&w, sensors[i], "telemetry", USEC_PER_SEC);
        world_add_sensor(&w, "door", "alarms", USEC_PER_SEC);
        world_add_sensor(&w, "mast", "wind", USEC_PER_SEC * 10);
        world_run(&w, USEC_PER_DAY);
        ck_assert_uint_eq(w.n_arrived, 0);
        ck_assert_uint_gt(ledger_waiting(&world_ask(&w)->ledger), 600000);
}

static void assert_all_has_arrived(void)
{
        const Ledger *l = &world_ask(&w)->ledger;

        ck_assert_uint_eq(w.n_duplicates, 0);
        ck_assert_uint_eq(ledger_dropped(l) + ledger_dead_lettered(l), 0);
        for (size_t i = 0; i < ARRAY_SIZE(streams); i++)
                ck_assert_uint_le(world_missing(&w, streams[i].name, accepted(streams[i].name)), 16);
        ck_assert(world_balances(&w));
}

static void tell(const char *what)
{
        usec_t p50 = world_latency(&w, 50), p99 = world_latency(&w, 99), most = world_latency(&w, 100);

        (void)printf("# %s: %zu readings were news: p50 %llu ms, p99 %llu ms, at most %llu ms\n", what, w.n_latencies,
                     (unsigned long long)(p50 / USEC_PER_MSEC), (unsigned long long)(p99 / USEC_PER_MSEC),
                     (unsigned long long)(most / USEC_PER_MSEC));
        (void)fflush(stdout);
}

START_TEST(news_arrive_while_a_days_backlog_drains)
{
        uint64_t urgent, normal;
        usec_t took;

        be_without_a_hub_for_a_day();
        urgent = accepted("alarms");
        normal = accepted("telemetry");
        world_link(&w, true);
        /* urgent before normal, and the normal ones are not left out */
        while (arrived("alarms", urgent) < urgent / 2)
                world_run(&w, 20 * USEC_PER_MSEC);
        ck_assert_uint_gt(arrived("telemetry", normal), 0);
        while (arrived("alarms", urgent) < urgent)
                world_run(&w, 20 * USEC_PER_MSEC);
        ck_assert_uint_lt(arrived("telemetry", normal), normal);
        took = drain(40, USEC_PER_HOUR);
        (void)printf("# a day of %llu readings in %.1f s\n", (unsigned long long)acknowledged(), (double)took / 1e6);
        tell("50 ms");
        ck_assert_uint_le(world_latency(&w, 99), 2 * USEC_PER_SEC);
        assert_all_has_arrived();
        ck_assert_uint_le(w.most_in_flight, 16);
}
END_TEST

/* How many messages of the backlog arrive. */
static uint64_t backfilled_in(usec_t usec)
{
        uint64_t before = w.n_backfilled;

        world_run(&w, usec);
        return w.n_backfilled - before;
}

START_TEST(the_backlog_gives_way_to_a_hub_that_slows_down)
{
        uint64_t before, during, after;

        be_without_a_hub_for_a_day();
        world_link(&w, true);
        while (w.n_backfilled == 0)
                world_run(&w, USEC_PER_SEC);
        before = backfilled_in(5 * USEC_PER_SEC);
        w.puback_delay_usec = 2 * USEC_PER_SEC;
        world_run(&w, 10 * USEC_PER_SEC);
        during = backfilled_in(30 * USEC_PER_SEC);
        w.puback_delay_usec = 50 * USEC_PER_MSEC;
        world_run(&w, 15 * USEC_PER_SEC);
        after = backfilled_in(5 * USEC_PER_SEC);
        (void)printf("# %.1f messages a second before, %.1f while it is slow, %.1f after\n", (double)before / 5,
                     (double)during / 30, (double)after / 5);
        ck_assert_uint_ge(before, 5 * 250);
        ck_assert_uint_le(during, 30);
        ck_assert_uint_ge(during, 3);
        ck_assert_uint_ge(after, 5 * 250);
        (void)drain(40, USEC_PER_HOUR);
        tell("2 s for a while");
        ck_assert_uint_le(world_latency(&w, 99), 2 * USEC_PER_SEC);
        assert_all_has_arrived();
}
END_TEST

START_TEST(the_pace_does_not_slow_a_good_link)
{
        uint64_t before;

        world_link(&w, false);
        world_start(&w);
        for (int i = 0; i < 20000; i++) {
                if (!queue_make_ready(w.queue))
                        world_run(&w, 100 * USEC_PER_MSEC);
                world_read(&w, "wind", "mast", i);
        }
        world_run(&w, USEC_PER_MIN);
        world_link(&w, true);
        while (w.n_arrived == 0)
                world_run(&w, 100 * USEC_PER_MSEC);
        before = acknowledged();
        world_run(&w, 30 * USEC_PER_SEC);
        (void)printf("# G10: %.3f of window / round trip\n", (double)(acknowledged() - before) / 30 / (16 / 0.05));
        ck_assert_uint_ge(acknowledged() - before, 30 * 16 * 20 * 9 / 10);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/live");
        TCase *c = suite_case(s, "news first, and then the backlog");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_set_timeout(c, 60);
        tcase_add_test(c, news_arrive_while_a_days_backlog_drains);
        tcase_add_test(c, the_backlog_gives_way_to_a_hub_that_slows_down);
        tcase_add_test(c, the_pace_does_not_slow_a_good_link);
        return suite_run(s);
}
