/* SPDX-License-Identifier: Apache-2.0 */

/* Many messages that break the link: each is found, and the others go on meanwhile. */

#include <stdio.h>
#include <string.h>

#include "poison-world.h"
#include "suite.h"

typedef struct Worst {
        uint64_t telemetry, alarms;
        usec_t took;
        unsigned links;
} Worst;

/* Until so many are dead letters. Looks each minute at what the others wait for. */
static Worst watch_until_dead(uint64_t n, usec_t at_most)
{
        Worst worst = {.took = w.clock.boot_usec, .links = w.n_links};
        usec_t end = w.clock.boot_usec + at_most;

        while (dead_letters() < n && w.clock.boot_usec < end) {
                world_run(&w, USEC_PER_MIN);
                worst.telemetry = MAX(worst.telemetry, missing("telemetry"));
                worst.alarms = MAX(worst.alarms, missing("alarms"));
        }
        worst.took = w.clock.boot_usec - worst.took;
        worst.links = w.n_links - worst.links;
        return worst;
}

static void tell(const char *what, const Worst *worst)
{
        (void)printf("# %s: %llu dead letters, %llu s, %u links; at most %llu readings of telemetry (1 s) and %llu of "
                     "alarms (3 s) had not arrived\n",
                     what, (unsigned long long)dead_letters(), (unsigned long long)(worst->took / USEC_PER_SEC),
                     worst->links, (unsigned long long)worst->telemetry, (unsigned long long)worst->alarms);
        (void)fflush(stdout);
}

static void assert_the_rest_arrives(void)
{
        w.n_sensors = 0;
        world_run(&w, USEC_PER_HOUR);
        ck_assert_uint_eq(missing("telemetry"), 0);
        ck_assert_uint_eq(missing("alarms"), 0);
        ck_assert_uint_eq(ledger_waiting(&world_ask(&w)->ledger), 0);
        ck_assert_uint_eq(ledger_dropped(&world_ask(&w)->ledger), 0);
        ck_assert(world_balances(&w));
}

START_TEST(every_twentieth_of_five_thousand)
{
        Worst worst;

        w.poison = "666.66";
        world_link(&w, false);
        world_start(&w);
        for (int i = 1; i <= 5000; i++) {
                if (!queue_make_ready(w.queue))
                        world_run(&w, 100 * USEC_PER_MSEC);
                world_read(&w, "wind", "mast", i % 20 == 0 ? 666.66 : i % 600);
        }
        world_run(&w, USEC_PER_MIN);
        add_others();
        world_link(&w, true);
        worst = watch_until_dead(250, 24 * USEC_PER_HOUR);
        tell("each twentieth of 5,000", &worst);
        ck_assert_uint_eq(dead_letters(), 250);
        assert_the_rest_arrives();
        for (uint64_t n = 1; n <= 5000; n++)
                insist(world_outcome(&w, "wind", n) == (n % 20 == 0 ? OUTCOME_BREAKS_LINK : OUTCOME_ACKNOWLEDGED));
        ck_assert_uint_eq(dead_letters(), 250);
        ck_assert_uint_le(worst.took, 12 * USEC_PER_HOUR);
}
END_TEST

/* A property of its template makes the hub close the connection. */
static void be_poisoned_for(usec_t interval, usec_t how_long, Worst *worst)
{
        Ledger wind;

        w.poison = "windSpeed";
        world_start(&w);
        add_others();
        world_add_sensor(&w, "mast", "wind", interval);
        *worst = watch_until_dead(UINT64_MAX, how_long);
        w.n_sensors--;
        wind = ledger_of("wind");
        (void)printf("# %llu were set aside, and %llu wait\n", (unsigned long long)ledger_dead_lettered(&wind),
                     (unsigned long long)ledger_waiting(&wind));
        (void)watch_until_dead(how_long / interval, 24 * USEC_PER_HOUR);
        assert_the_rest_arrives();
        ck_assert_uint_eq(dead_letters(), how_long / interval); /* what else was there, and arrived, are notices */
}

START_TEST(a_whole_stream_for_a_day)
{
        Worst worst;

        be_poisoned_for(30 * USEC_PER_SEC, USEC_PER_DAY, &worst);
        tell("each 30 s for a day", &worst);
        ck_assert_uint_le(worst.telemetry, 60);
        ck_assert_uint_le(worst.alarms, 20);
}
END_TEST

/* Faster than they can be proved. */
START_TEST(a_whole_stream_that_floods)
{
        Worst worst;

        be_poisoned_for(2 * USEC_PER_SEC, 2 * USEC_PER_HOUR, &worst);
        tell("each 2 s for two hours", &worst);
        ck_assert_uint_le(worst.telemetry, 60);
        ck_assert_uint_le(worst.alarms, 20);
}
END_TEST

/* So fast that the link breaks again and again between two readings of the queue. */
START_TEST(a_whole_stream_that_floods_faster)
{
        Worst worst;

        be_poisoned_for(USEC_PER_SEC / 2, USEC_PER_HOUR / 2, &worst);
        tell("each 0.5 s for half an hour", &worst);
        ck_assert_uint_le(worst.telemetry, 60);
        ck_assert_uint_le(worst.alarms, 20);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/storm");
        TCase *c = suite_case(s, "many that break the link");

        tcase_add_checked_fixture(c, poison_world_begin, poison_world_end);
        tcase_set_timeout(c, 60);
        tcase_add_test(c, every_twentieth_of_five_thousand);
        tcase_add_test(c, a_whole_stream_for_a_day);
        tcase_add_test(c, a_whole_stream_that_floods);
        tcase_add_test(c, a_whole_stream_that_floods_faster);
        return suite_run(s);
}
