/* SPDX-License-Identifier: Apache-2.0 */

/* A token ends each few minutes: the reconnects lose nothing, and send nothing twice without need. */

#include <string.h>

#include "suite.h"
#include "world.h"

#define TIME   (3 * USEC_PER_HOUR)
#define LIFE   (10 * USEC_PER_MIN)
#define WITHIN (LIFE - LIFE / 5) /* it is renewed by then */

static World w;

static void setup(void)
{
        world_init(&w);
        w.hub_settings.token_life_usec = LIFE;
        world_add_sensor(&w, "room", "telemetry", USEC_PER_SEC);
        world_add_sensor(&w, "door", "alarms", 700 * USEC_PER_MSEC);
        world_link(&w, true);
}

static void teardown(void)
{
        world_done(&w);
}

static uint64_t missing(const char *stream)
{
        Ledger ledger;

        for (unsigned i = 0; i < queue_n_streams(w.queue); i++)
                if (strcmp(queue_stream_name(w.queue, i), stream) == 0) {
                        queue_ledger(w.queue, i, &ledger);
                        return world_missing(&w, stream, ledger.accepted);
                }
        ck_abort_msg("no stream %s", stream);
}

static void assert_all_arrived(void)
{
        w.n_sensors = 0;
        world_run(&w, 5 * USEC_PER_MIN);
        ck_assert_uint_eq(missing("telemetry"), 0);
        ck_assert_uint_eq(missing("alarms"), 0);
        ck_assert_uint_eq(ledger_waiting(&world_ask(&w)->ledger), 0);
        ck_assert_uint_eq(ledger_dropped(&world_ask(&w)->ledger), 0);
        ck_assert(world_balances(&w));
}

/* As long as the hub answers within the time that the window has to empty itself. */
static const usec_t delays[] = {0, 50 * USEC_PER_MSEC, USEC_PER_SEC, 4 * USEC_PER_SEC, 9 * USEC_PER_SEC};

START_TEST(renewals_send_nothing_twice)
{
        w.puback_delay_usec = delays[_i];
        w.forget_events = true;
        world_start(&w);
        world_run(&w, TIME);
        ck_assert_uint_ge(w.n_links, TIME / LIFE);
        ck_assert_uint_le(w.n_links, TIME / (WITHIN - 20 * USEC_PER_SEC) + 1);
        assert_all_arrived();
        ck_assert_uint_eq(w.n_duplicates, 0);
        ck_assert_uint_eq(w.n_settled[OUTCOME_ACKNOWLEDGED], w.n_arrived);
        /* nobody is called to see it */
        ck_assert(!log_capture_has(&w.log, "Lost the connection"));
        ck_assert_uint_eq(log_capture_count(&w.log, "Connected to"), 1);
}
END_TEST

/* Who leaves the last messages unanswered is not waited for: those, and only those, are sent again. */
START_TEST(a_hub_that_does_not_answer_costs_a_window_at_most)
{
        unsigned links;

        world_start(&w);
        world_run(&w, WITHIN - 5 * USEC_PER_SEC);
        links = w.n_links;
        w.withhold_pubacks = true;
        world_run(&w, 20 * USEC_PER_SEC);
        ck_assert_uint_eq(w.n_links, links + 1);
        w.withhold_pubacks = false;
        assert_all_arrived();
        ck_assert_uint_gt(w.n_duplicates, 0);
        ck_assert_uint_le(w.n_duplicates, (15 + 15 * 10 / 7 + 20) * 2);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/renewal");
        TCase *c = suite_case(s, "tokens");

        tcase_set_timeout(c, 60);
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_loop_test(c, renewals_send_nothing_twice, 0, ARRAY_SIZE(delays));
        tcase_add_test(c, a_hub_that_does_not_answer_costs_a_window_at_most);
        return suite_run(s);
}
