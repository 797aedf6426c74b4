/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A stream of which messages were condemned is believed less for some hours. What it sends then over a bad link is
 * innocent all the same.
 */

#include <stdio.h>
#include <stdlib.h>

#include "poison-world.h"
#include "suite.h"

static unsigned seeds(void)
{
        const char *n = getenv("HUBLINK_SEEDS");

        return n ? (unsigned)strtoul(n, NULL, 10) : 1;
}

static unsigned draw(unsigned below)
{
        return (unsigned)(w.dice.random.draw(&w.dice) % below);
}

/* Each message is the link's last with a chance of one in so many. */
static void break_by_chance(unsigned one_in, usec_t how_long)
{
        usec_t end = w.clock.boot_usec + how_long;
        unsigned link = w.n_links + 1;

        while (w.clock.boot_usec < end) {
                if (link != w.n_links) {
                        link = w.n_links;
                        for (w.break_at = w.n_given + 1; draw(one_in) > 0;)
                                w.break_at++;
                }
                world_run(&w, 20 * USEC_PER_MSEC);
        }
        w.break_at = 0;
}

static void cut(usec_t how_long)
{
        world_link(&w, false);
        world_run(&w, how_long);
        world_link(&w, true);
}

/* The other one with our id takes the link each time that we have it. */
static void take_over(unsigned times)
{
        for (unsigned i = 0; i < times; i++) {
                cut(0);
                for (unsigned k = 0; k < 600 && !hub_is_ready(w.hub); k++)
                        world_run(&w, USEC_PER_SEC);
                world_run(&w, (10 + draw(2000)) * USEC_PER_MSEC);
        }
}

static void time_out(usec_t how_long)
{
        w.withhold_pubacks = true;
        world_run(&w, how_long);
        w.withhold_pubacks = false;
}

static void have_a_bad_link(usec_t how_long)
{
        usec_t end = w.clock.boot_usec + how_long;

        while (w.clock.boot_usec < end) {
                switch (draw(5)) {
                case 0:
                        cut(draw(60) * USEC_PER_SEC);
                        break;
                case 1:
                        time_out(draw(300) * USEC_PER_SEC);
                        break;
                case 2:
                        take_over(1 + draw(10));
                        break;
                case 3:
                        break_by_chance(2 + draw(100), (1 + draw(30)) * USEC_PER_MIN);
                        break;
                default:
                        world_run(&w, draw(120) * USEC_PER_SEC);
                        break;
                }
        }
}

static void be_condemned(uint64_t times)
{
        w.poison = "666.66";
        world_start(&w);
        add_others();
        world_run(&w, USEC_PER_MIN);
        for (uint64_t i = 0; i < times; i++)
                world_read(&w, "wind", "mast", 666.66);
        run_until_dead(times, 6 * USEC_PER_HOUR);
        world_add_sensor(&w, "mast", "wind", 5 * USEC_PER_SEC);
}

static void assert_the_rest_arrives(uint64_t dead)
{
        w.n_sensors = 0;
        world_run(&w, 2 * USEC_PER_HOUR);
        ck_assert_uint_eq(dead_letters(), dead);
        ck_assert_uint_eq(ledger_waiting(&world_ask(&w)->ledger), 0);
        ck_assert_uint_eq(ledger_dropped(&world_ask(&w)->ledger), 0);
        ck_assert(world_balances(&w));
}

static void be_notorious(uint64_t times, void (*suffer)(void), unsigned first_seed)
{
        for (unsigned seed = first_seed; seed < first_seed + seeds(); seed++) {
                fake_random_init(&w.dice, seed);
                be_condemned(times);
                suffer();
                (void)printf("# seed %u: %u links, %llu dead letters\n", seed, w.n_links,
                             (unsigned long long)dead_letters());
                (void)fflush(stdout);
                assert_the_rest_arrives(times);
                poison_world_end();
                poison_world_begin();
        }
}

/* The first seeds are such that rules which asked for less proof condemned somebody. */

static void everything(void)
{
        have_a_bad_link(6 * USEC_PER_HOUR);
}

static void one_in_fifty(void)
{
        break_by_chance(50, 6 * USEC_PER_HOUR);
}

static void one_in_ten(void)
{
        break_by_chance(10, 6 * USEC_PER_HOUR);
}

START_TEST(one_was_condemned_and_the_link_is_bad)
{
        be_notorious(1, everything, 17);
}
END_TEST

START_TEST(one_was_condemned_and_each_fiftieth_breaks_the_link)
{
        be_notorious(1, one_in_fifty, 41);
}
END_TEST

START_TEST(three_were_condemned_and_each_tenth_breaks_the_link)
{
        be_notorious(3, one_in_ten, 1);
}
END_TEST

START_TEST(three_were_condemned_and_the_link_is_bad)
{
        be_notorious(3, everything, 7);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/notorious");
        TCase *c = suite_case(s, "innocents of a stream with a past");

        tcase_add_checked_fixture(c, poison_world_begin, poison_world_end);
        tcase_set_timeout(c, seeds() * 100);
        tcase_add_test(c, one_was_condemned_and_the_link_is_bad);
        tcase_add_test(c, one_was_condemned_and_each_fiftieth_breaks_the_link);
        tcase_add_test(c, three_were_condemned_and_each_tenth_breaks_the_link);
        tcase_add_test(c, three_were_condemned_and_the_link_is_bad);
        return suite_run(s);
}
