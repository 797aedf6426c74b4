/* SPDX-License-Identifier: Apache-2.0 */

/* A message that breaks the link is found and set aside. */

#include <stdio.h>

#include "poison-world.h"
#include "suite.h"

START_TEST(one_reading_of_ten_thousand_ends_alone)
{
        static const int poisons[] = {1, 4321, 9999, 10000};

        for (size_t i = 0; i < ARRAY_SIZE(poisons); i++) {
                usec_t begin;
                unsigned links;

                world_link(&w, false);
                world_start(&w);
                read_many(10000, poisons[i]);
                world_run(&w, 5 * USEC_PER_MIN);
                add_sensors();
                w.poison = "\"poison\"";
                begin = w.clock.boot_usec;
                links = w.n_links;
                world_link(&w, true);
                run_until_dead(1, 3 * USEC_PER_HOUR);
                (void)printf("# reading %d: found after %u links and %llu s\n", poisons[i], w.n_links - links,
                             (unsigned long long)((w.clock.boot_usec - begin) / USEC_PER_SEC));
                (void)fflush(stdout);
                ck_assert_int_eq(world_outcome(&w, "telemetry", (uint64_t)poisons[i]), OUTCOME_BREAKS_LINK);
                links = w.n_links;
                world_run(&w, USEC_PER_HOUR);
                ck_assert_uint_le(w.n_links, links + 2); /* quiet again: those are new tokens */
                ck_assert_uint_eq(dead_letters(), 1);
                ck_assert_uint_eq(world_missing(&w, "telemetry", 10000), 1);
                ck_assert_uint_le(ledger_waiting(&world_ask(&w)->ledger), 40);
                ck_assert(world_balances(&w));
                poison_world_end();
                poison_world_begin();
        }
}
END_TEST

/* It comes while all is well, as a message of its own, again and again. */
START_TEST(poison_that_comes_by_and_by_is_found_each_time)
{
        w.poison = "666.66";
        world_start(&w);
        add_sensors();
        world_run(&w, USEC_PER_MIN);
        for (uint64_t i = 1; i <= 3; i++) {
                world_read(&w, "wind", "mast", 666.66);
                run_until_dead(i, 2 * USEC_PER_HOUR);
                world_run(&w, 10 * USEC_PER_MIN);
        }
        ck_assert_uint_eq(w.n_settled[OUTCOME_BREAKS_LINK], 3);
        ck_assert_uint_le(ledger_waiting(&world_ask(&w)->ledger), 40);
        ck_assert(world_balances(&w));
}
END_TEST

/* One reading in ten minutes, and nobody else: proof takes its hours, and the others do not wait for it. */
START_TEST(one_in_sparse_traffic_is_found)
{
        usec_t begin, end;
        uint64_t most = 0, n;

        w.poison = "666.66";
        world_start(&w);
        world_add_sensor(&w, "cpu", "telemetry", 10 * USEC_PER_MIN);
        world_run(&w, 3 * USEC_PER_HOUR + USEC_PER_MIN);
        n = ledger_of("telemetry").accepted + 1;
        world_read(&w, "telemetry", "cpu", 666.66);
        begin = w.clock.boot_usec;
        end = usec_add(begin, 2 * USEC_PER_DAY);
        while (dead_letters() == 0 && w.clock.boot_usec < end) {
                world_run(&w, USEC_PER_MIN);
                most = MAX(most, missing("telemetry"));
        }
        (void)printf("# sparse: found after %llu min; at most %llu readings had not arrived\n",
                     (unsigned long long)((w.clock.boot_usec - begin) / USEC_PER_MIN), (unsigned long long)most);
        (void)fflush(stdout);
        ck_assert_uint_le(most, 2); /* with itself */
        world_run(&w, 6 * USEC_PER_HOUR);
        ck_assert_uint_eq(dead_letters(), 1);
        ck_assert_int_eq(world_outcome(&w, "telemetry", n), OUTCOME_BREAKS_LINK);
        ck_assert_uint_eq(missing("telemetry"), 1);
        ck_assert(world_balances(&w));
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/poison");
        TCase *c = suite_case(s, "who breaks the link is found");

        tcase_add_checked_fixture(c, poison_world_begin, poison_world_end);
        tcase_set_timeout(c, 60);
        tcase_add_test(c, one_reading_of_ten_thousand_ends_alone);
        tcase_add_test(c, poison_that_comes_by_and_by_is_found_each_time);
        tcase_add_test(c, one_in_sparse_traffic_is_found);
        return suite_run(s);
}
