/* SPDX-License-Identifier: Apache-2.0 */

/* A day without a hub: log lines, wake-ups and memory stay bounded. */

#include <malloc.h>
#include <stdio.h>

#include "suite.h"
#include "world.h"

static World w;

static void setup(void)
{
        world_init(&w);
        w.forget_events = true;
}

static void teardown(void)
{
        world_done(&w);
}

static void add_sensors(void)
{
        world_add_sensor(&w, "cpu", "telemetry", 10 * USEC_PER_SEC);
        world_add_sensor(&w, "load", "telemetry", 10 * USEC_PER_SEC);
        world_add_sensor(&w, "memory", "telemetry", 10 * USEC_PER_SEC);
        world_add_sensor(&w, "wind", "wind", 30 * USEC_PER_SEC);
        world_add_sensor(&w, "door", "alarms", 5 * USEC_PER_MIN);
        world_add_sensor(&w, "room", "telemetry", 8 * USEC_PER_SEC);
}

/* What the program holds, without what the disk of the test remembers. Valgrind's malloc does not tell: 0. */
static size_t memory_in_use(void)
{
        struct mallinfo2 info = mallinfo2();

        return info.uordblks > 0 ? info.uordblks + info.hblkhd - fake_disk_memory(w.disk) : 0;
}

START_TEST(a_day_without_a_hub_is_a_quiet_day)
{
        uint64_t most_wakeups = 0, most_lines = 0;
        size_t after_an_hour = 0, at_the_end;

        world_link(&w, false);
        world_start(&w);
        add_sensors();
        for (int hour = 0; hour < 24; hour++) {
                uint64_t wakeups = w.n_wakeups + w.n_completions, lines = w.log.n_lines;

                world_run(&w, USEC_PER_HOUR);
                most_wakeups = MAX(most_wakeups, w.n_wakeups + w.n_completions - wakeups);
                most_lines = MAX(most_lines, w.log.n_lines - lines);
                if (hour == 0)
                        after_an_hour = memory_in_use();
        }
        at_the_end = memory_in_use();
        (void)printf("# at most %llu log lines and %llu wake-ups in an hour; memory %zu -> %zu bytes\n",
                     (unsigned long long)most_lines, (unsigned long long)most_wakeups, after_an_hour, at_the_end);
        (void)fflush(stdout);
        ck_assert_uint_le(most_lines, 60);
        ck_assert_uint_le(most_wakeups, 3600);
        ck_assert_uint_le(at_the_end, after_an_hour + 16 * 1024);
        ck_assert(world_balances(&w));

        /* and in the evening all of it goes up */
        world_link(&w, true);
        world_run(&w, USEC_PER_HOUR);
        ck_assert_uint_le(ledger_waiting(&world_ask(&w)->ledger), 20);
        ck_assert_uint_eq(ledger_dropped(&world_ask(&w)->ledger), 0);
        ck_assert_uint_eq(w.n_duplicates, 0);
}
END_TEST

START_TEST(a_day_with_a_hub_costs_no_more)
{
        uint64_t most_wakeups = 0, most_lines = 0;

        world_start(&w);
        add_sensors();
        for (int hour = 0; hour < 24; hour++) {
                uint64_t wakeups = w.n_wakeups + w.n_completions, lines = w.log.n_lines;

                world_run(&w, USEC_PER_HOUR);
                most_wakeups = MAX(most_wakeups, w.n_wakeups + w.n_completions - wakeups);
                most_lines = MAX(most_lines, w.log.n_lines - lines);
        }
        printf("# at most %llu log lines and %llu wake-ups in an hour\n", (unsigned long long)most_lines,
               (unsigned long long)most_wakeups);
        ck_assert_uint_le(most_lines, 60);
        ck_assert_uint_le(most_wakeups, 3600);
        ck_assert_uint_le(ledger_waiting(&world_ask(&w)->ledger), 20);
        ck_assert(world_balances(&w));
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/day");
        TCase *c = suite_case(s, "a day");

        tcase_set_timeout(c, 120);
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, a_day_without_a_hub_is_a_quiet_day);
        tcase_add_test(c, a_day_with_a_hub_costs_no_more);
        return suite_run(s);
}
