/* SPDX-License-Identifier: Apache-2.0 */

/* What the hub bills: goals G12 and G13 of the way up, counted at the far side. */

#include <stdio.h>

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

static uint64_t bytes_of_events(void)
{
        uint64_t bytes = 0;

        for (size_t i = 0; i < w.n_events; i++)
                bytes += w.events[i].size;
        return bytes;
}

/* A load that fills a unit within max_latency. */
START_TEST(a_steady_load_fills_95_percent_of_what_is_billed)
{
        world_start(&w);
        for (int s = 0; s < 12; s++) {
                Name name;

                snprintf(name, sizeof(name), "sensor%d", s);
                world_add_sensor(&w, name, "telemetry", USEC_PER_SEC);
        }
        world_run(&w, USEC_PER_HOUR);
        printf("# G13: %.1f %% of %llu units filled\n", 100.0 * (double)bytes_of_events() / (double)(w.n_units * 4096),
               (unsigned long long)w.n_units);
        ck_assert_uint_gt(w.n_units, 500);
        ck_assert_uint_ge(bytes_of_events() * 100, w.n_units * 4096 * 95);
        /* and nobody waited longer than promised */
        ck_assert_uint_le(ledger_waiting(&world_ask(&w)->ledger), 12 * 12);
}
END_TEST

START_TEST(twelve_sensors_get_75_samples_into_each_unit)
{
        static const char *const sensors[] = {"cpu", "room", "wind", "load", "mem", "disk",
                                              "tank", "pump", "gate", "hum", "co2", "bat"};

        world_start(&w);
        for (size_t s = 0; s < ARRAY_SIZE(sensors); s++)
                world_add_sensor(&w, sensors[s], "telemetry", USEC_PER_SEC);
        world_run(&w, USEC_PER_HOUR);
        printf("# G12: %.1f samples a billed 4 KiB\n", (double)w.n_arrived / (double)w.n_units);
        ck_assert_uint_ge(w.n_arrived, 75 * w.n_units);
}
END_TEST

START_TEST(a_backlog_is_drained_in_full_messages)
{
        world_link(&w, false);
        world_start(&w);
        for (int s = 0; s < 12; s++) {
                Name name;

                snprintf(name, sizeof(name), "s%d", s);
                world_add_sensor(&w, name, "telemetry", USEC_PER_SEC);
        }
        world_run(&w, USEC_PER_HOUR);
        w.n_sensors = 0;
        w.puback_delay_usec = 50 * USEC_PER_MSEC;
        world_link(&w, true);
        world_run(&w, 10 * USEC_PER_MIN);
        ck_assert_uint_eq(ledger_waiting(&world_ask(&w)->ledger), 0);
        printf("# backlog: %llu samples in %zu messages, %.1f %% of %llu units filled\n",
               (unsigned long long)w.n_arrived, w.n_events,
               100.0 * (double)bytes_of_events() / (double)(w.n_units * 4096), (unsigned long long)w.n_units);
        ck_assert_uint_ge(bytes_of_events() * 100, w.n_units * 4096 * 98);
        ck_assert_uint_ge(w.n_arrived, 75 * 7 * w.n_events);
        for (size_t i = 0; i < w.n_events; i++)
                ck_assert(w.events[i].backfill);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/billing");
        TCase *c = suite_case(s, "what the hub bills");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, a_steady_load_fills_95_percent_of_what_is_billed);
        tcase_add_test(c, twelve_sensors_get_75_samples_into_each_unit);
        tcase_add_test(c, a_backlog_is_drained_in_full_messages);
        return suite_run(s);
}
