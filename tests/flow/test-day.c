/* SPDX-License-Identifier: Apache-2.0 */

/* A day without a hub: log lines, wake-ups, memory and processor time stay bounded. */

#include <malloc.h>
#include <stdio.h>
#include <time.h>

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

static double processor_seconds(void)
{
        struct timespec t;

        ck_assert_int_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t), 0);
        return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
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

/* As many as a gateway in a plant has. The disk and the hub of the test are counted too. */
START_TEST(a_day_without_a_hub_takes_a_hundredth_of_a_processor)
{
        uint64_t most_lines = 0, n;
        double began, share;

        world_link(&w, false);
        world_start(&w);
        for (int i = 0; i < 20; i++) {
                Name name;

                (void)snprintf(name, sizeof(name), "s%d", i);
                world_add_sensor(&w, name, "telemetry", USEC_PER_SEC);
        }
        began = processor_seconds();
        for (int hour = 0; hour < 24; hour++) {
                uint64_t lines = w.log.n_lines;

                world_run(&w, USEC_PER_HOUR);
                most_lines = MAX(most_lines, w.log.n_lines - lines);
        }
        share = (processor_seconds() - began) / (24 * 3600);
        n = world_ask(&w)->queue.records;
        (void)printf("# %llu readings wait; at most %llu log lines in an hour; %.3f %% of a processor\n",
                     (unsigned long long)n, (unsigned long long)most_lines, share * 100);
        (void)fflush(stdout);
        ck_assert_uint_ge(n, 20 * 24 * 3600 - 100);
        ck_assert_uint_le(most_lines, 60);
        ck_assert(share <= 0.01);
        ck_assert(world_balances(&w));
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
        tcase_add_test(c, a_day_without_a_hub_takes_a_hundredth_of_a_processor);
        tcase_add_test(c, a_day_with_a_hub_costs_no_more);
        return suite_run(s);
}
