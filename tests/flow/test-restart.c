/* SPDX-License-Identifier: Apache-2.0 */

/* Stops, kills and power cuts in the middle: what was accepted arrives. */

#include <stdio.h>

#include "suite.h"
#include "world.h"

static World w;

static void setup(void)
{
        world_init(&w);
        w.forget_events = true;
        w.lossy = true;
}

static void teardown(void)
{
        world_done(&w);
}

static void drain(void)
{
        w.withhold_pubacks = false;
        w.puback_delay_usec = 0;
        w.n_sensors = 0;
        world_link(&w, true);
        for (int i = 0; i < 60 && (i == 0 || ledger_waiting(&world_ask(&w)->ledger) > 0); i++)
                world_run(&w, USEC_PER_MIN);
        ck_assert_uint_eq(ledger_waiting(&world_ask(&w)->ledger), 0);
        ck_assert(world_balances(&w));
}

static void assert_answered_arrived(void)
{
        for (size_t i = 0; i < w.n_receipts; i++) {
                const WorldTally *t = world_tally(&w, w.receipts[i].stream);

                if (w.receipts[i].n >= t->n_counts || t->counts[w.receipts[i].n] == 0)
                        ck_abort_msg("%s %llu was answered and did not arrive", w.receipts[i].stream,
                                     (unsigned long long)w.receipts[i].n);
        }
}

/* Numbers are dense: what a dead machine took with it before it was accepted is numbered anew. So each number up
 * to the ledger's count arrived, or was dropped by a name. */
static void assert_no_gaps(void)
{
        for (unsigned stream = 0; stream < queue_n_streams(w.queue); stream++) {
                const char *name = queue_stream_name(w.queue, stream);
                Ledger ledger;

                queue_ledger(w.queue, stream, &ledger);
                ck_assert_msg(world_missing(&w, name, ledger.accepted) <= ledger_dropped(&ledger),
                              "%s: %llu of %llu are missing, %llu were dropped", name,
                              (unsigned long long)world_missing(&w, name, ledger.accepted),
                              (unsigned long long)ledger.accepted, (unsigned long long)ledger_dropped(&ledger));
        }
}

START_TEST(a_stopped_daemon_sends_the_rest_when_it_is_started_again)
{
        world_start(&w);
        world_run(&w, 5 * USEC_PER_SEC);
        w.withhold_pubacks = true;
        for (int i = 0; i < 1000; i++)
                world_submit(&w, i % 3 ? "telemetry" : "wind", "cpu", i);
        world_run(&w, 3 * USEC_PER_SEC);
        world_restart(&w);
        drain();
        ck_assert_uint_eq(w.n_answered, 1000);
        ck_assert_uint_eq(w.n_arrived, 1000);
        assert_answered_arrived();
        assert_no_gaps();
}
END_TEST

START_TEST(a_clean_stop_settles_for_good)
{
        world_start(&w);
        for (int i = 0; i < 100; i++)
                world_submit(&w, "wind", "cpu", i);
        world_run(&w, USEC_PER_MIN);
        ck_assert_uint_eq(w.n_arrived, 100);
        for (int i = 0; i < 5; i++) {
                world_restart(&w);
                world_run(&w, USEC_PER_MIN);
        }
        ck_assert_uint_eq(w.n_duplicates, 0);
        ck_assert_uint_eq(w.n_arrived, 100);
        ck_assert_uint_eq(world_ask(&w)->ledger.accepted, 100);
}
END_TEST

START_TEST(kills_lose_nothing_that_was_answered)
{
        world_start(&w);
        w.puback_delay_usec = 300 * USEC_PER_MSEC;
        for (int kill = 0; kill < 40; kill++) {
                for (int i = 0; i < 50; i++)
                        world_submit(&w, i % 4 ? "telemetry" : "alarms", "cpu", i);
                world_run(&w, w.dice.random.draw(&w.dice) % (5 * USEC_PER_SEC));
                world_kill(&w);
                ck_assert(world_balances(&w));
        }
        drain();
        assert_answered_arrived();
        assert_no_gaps();
        ck_assert_uint_gt(w.n_answered, 1000);
}
END_TEST

START_TEST(power_cuts_lose_nothing_that_was_answered)
{
        for (int cut = 0; cut < _FAKE_CUT_MAX; cut++) {
                teardown();
                setup();
                world_start(&w);
                w.puback_delay_usec = 300 * USEC_PER_MSEC;
                for (int i = 0; i < 8; i++) {
                        for (int k = 0; k < 50; k++)
                                world_submit(&w, k % 4 ? "telemetry" : "wind", "cpu", k);
                        world_run(&w, w.dice.random.draw(&w.dice) % (5 * USEC_PER_SEC));
                        world_cut_power(&w, (FakeCut)cut, (uint64_t)i);
                        ck_assert(world_balances(&w));
                }
                drain();
                assert_answered_arrived();
                assert_no_gaps();
        }
}
END_TEST

/* Outages, slow hubs, bursts, stops, kills and cuts, a small queue: the ledger balances at each quiet point. */
START_TEST(the_ledger_balances_on_a_random_walk)
{
        for (uint64_t seed = 1; seed <= 5; seed++) {
                teardown();
                setup();
                fake_random_init(&w.dice, seed);
                w.queue_settings.max_bytes = 1 << 20;
                world_start(&w);
                world_add_sensor(&w, "slow", "telemetry", 10 * USEC_PER_SEC);
                for (int step = 0; step < 150; step++) {
                        uint64_t draw = w.dice.random.draw(&w.dice);

                        switch (draw % 12) {
                        case 0:
                                world_link(&w, false);
                                break;
                        case 1:
                        case 2:
                                world_link(&w, true);
                                w.withhold_pubacks = false;
                                break;
                        case 3:
                                w.puback_delay_usec = draw >> 32 & 0x1fffff;
                                break;
                        case 4:
                                w.withhold_pubacks = true;
                                break;
                        case 5:
                                world_restart(&w);
                                break;
                        case 6:
                                world_kill(&w);
                                break;
                        case 7:
                                if (draw >> 60 == 0)
                                        world_cut_power(&w, (FakeCut)((draw >> 40) % _FAKE_CUT_MAX), draw);
                                break;
                        default:
                                for (uint64_t i = 0; i < (draw >> 20) % 2000; i++)
                                        world_submit(&w, i % 10 ? "telemetry" : i % 20 ? "wind" : "alarms", "cpu",
                                                     (double)i);
                                break;
                        }
                        world_run(&w, (draw >> 8) % (20 * USEC_PER_SEC));
                        ck_assert(world_balances(&w));
                        ck_assert_uint_le(w.most_in_flight, 16);
                }
                drain();
                assert_no_gaps();
                (void)printf("# seed %llu: %llu accepted, %llu dropped, %llu duplicates\n", (unsigned long long)seed,
                             (unsigned long long)world_ask(&w)->ledger.accepted,
                             (unsigned long long)ledger_dropped(&world_ask(&w)->ledger),
                             (unsigned long long)w.n_duplicates);
        }
        (void)fflush(stdout);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/restart");
        TCase *c = suite_case(s, "stops, kills and cuts in the middle");

        tcase_set_timeout(c, 120);
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, a_stopped_daemon_sends_the_rest_when_it_is_started_again);
        tcase_add_test(c, a_clean_stop_settles_for_good);
        tcase_add_test(c, kills_lose_nothing_that_was_answered);
        tcase_add_test(c, power_cuts_lose_nothing_that_was_answered);
        tcase_add_test(c, the_ledger_balances_on_a_random_walk);
        return suite_run(s);
}
