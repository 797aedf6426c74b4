/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Clocks that are wrong, jump, and are lost with the power: what goes up is right to a second, or says that it is
 * not; and nothing ever waits for a clock. Each reading has the true time as its value.
 */

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "flow/rules.h"
#include "suite.h"
#include "world.h"

#define H   USEC_PER_HOUR
#define DAY USEC_PER_DAY

static World w;
static usec_t truth;
static size_t n_read;

static void setup(void)
{
        world_init(&w);
        w.lossy = true;
        w.link_up = false;
        truth = w.clock.wall_usec;
        n_read = 0;
}

static void teardown(void)
{
        world_done(&w);
}

/* ---- what happens ---- */

static void show(usec_t wall, bool synchronised)
{
        w.clock.wall_usec = wall;
        w.clock.is_synchronised = synchronised;
}

/* A reading each 10 s, now and then an alarm. */
static void live(usec_t usec)
{
        for (usec_t i = 0; i < usec / (10 * USEC_PER_SEC); i++) {
                world_read(&w, i % 7 == 3 ? "alarms" : "telemetry", "cpu", (double)truth / USEC_PER_SEC);
                n_read++;
                world_run(&w, 10 * USEC_PER_SEC);
                truth += 10 * USEC_PER_SEC;
        }
}

static void come_to_rest(void)
{
        truth += 5 * USEC_PER_SEC;
        world_run(&w, 5 * USEC_PER_SEC);
}

/* The machine is off for a while; its clock shows something, 0 for the truth. */
static void reboot(usec_t off, usec_t shows)
{
        come_to_rest();
        truth += off;
        if (shows != 0) {
                world_cut_power_and_clock(&w, FAKE_CUT_LOST, truth, shows);
                return;
        }
        show(truth - 20 * USEC_PER_SEC, true);
        world_cut_power(&w, FAKE_CUT_LOST, truth);
}

static void drain(void)
{
        world_link(&w, true);
        for (int i = 0; i < 100 && (i == 0 || ledger_waiting(&world_ask(&w)->ledger) > 0); i++)
                come_to_rest();
        ck_assert_uint_eq(ledger_waiting(&world_ask(&w)->ledger), 0);
        ck_assert(world_balances(&w));
}

/* ---- what arrived ---- */

typedef struct Arrived {
        size_t right, bounded, unknown, wrong;
} Arrived;

static void judge(const char *at, Arrived *a)
{
        double t = strtod(strstr(at, "\"t\":") + 4, NULL) / 1000, value = strtod(strstr(at, "\"temperature\":") + 14, NULL);
        const char *end = strchr(at, '}'), *q = strstr(at, "\"q\":\"");

        if (q && q < end) {
                a->bounded += strncmp(q + 5, "bounded\"", 8) == 0;
                a->unknown += strncmp(q + 5, "unknown\"", 8) == 0;
        } else if (fabs(t - value) < 1)
                a->right++;
        else
                a->wrong++;
}

static Arrived arrived(void)
{
        Arrived a = {};

        for (size_t i = 0; i < w.n_events; i++)
                for (const char *at = w.events[i].body; (at = strchr(at, '{')); at++)
                        judge(at, &a);
        return a;
}

static usec_t oldest_age(void)
{
        return world_ask(&w)->queue.oldest_age_usec;
}

/* ---- promises ---- */

START_TEST(a_boot_three_days_behind_ends_within_a_second)
{
        static const int64_t off[] = {-3, 400, -20000};

        show(truth + (usec_t)(off[_i] * (int64_t)DAY), false);
        world_start(&w);
        live(H);
        show(truth, true);
        live(10 * USEC_PER_MIN);
        drain();
        ck_assert_uint_eq(arrived().right, n_read);
}
END_TEST

static void on_alarm(void *userdata, const char *channel, const char *state, double value)
{
}

static void on_stale(void *userdata, const char *sensor, const char *why, bool is_news)
{
}

/* Of five values four come too soon, and the last of them goes when the minute is over: eight seconds old. */
START_TEST(what_a_rule_held_back_has_the_time_at_which_it_was_read)
{
        const RuleSettings rule = {.channel = (char *)"cpu.temperature", .deadband.min_interval_usec = USEC_PER_MIN - 1};
        Rules *rules;

        show(truth - 3 * DAY, false);
        world_start(&w);
        ck_assert_int_eq(rules_new(&rules, &w.clock.clock, &(RulesSink){w.sink, on_alarm, on_stale, NULL}), 0);
        ck_assert_int_eq(rules_configure(rules, &rule, 1), 0);
        w.sink = rules_reading_sink(rules);
        w.tickers[w.n_tickers++] = rules_ticker(rules);
        world_run(&w, 7 * USEC_PER_SEC);
        truth += 7 * USEC_PER_SEC;
        for (unsigned i = 0; i < 60; i++) {
                world_read(&w, "telemetry", "cpu", (double)truth / USEC_PER_SEC);
                world_run(&w, 13 * USEC_PER_SEC);
                truth += 13 * USEC_PER_SEC;
        }
        show(truth, true);
        drain();
        ck_assert_uint_eq(arrived().wrong, 0);
        ck_assert_uint_ge(arrived().right, 60 * 13 / 61);
        w.n_tickers--;
        rules_free(rules);
}
END_TEST

START_TEST(nothing_waits_for_the_clock)
{
        size_t n_backfill = 0;

        show(3 * H, false);
        w.link_up = true;
        world_start(&w);
        come_to_rest();
        live(H);
        come_to_rest();
        come_to_rest();
        ck_assert_uint_eq(arrived().unknown, n_read); /* up they go, and say that their time is a guess */
        for (size_t i = 0; i < w.n_events; i++)
                n_backfill += w.events[i].backfill;
        ck_assert_uint_le(n_backfill, 1); /* once an hour the link is renewed */
}
END_TEST

/* While all is connected: no timer hangs or fires early, no time is wrong. */
START_TEST(steps_of_days_do_no_harm)
{
        static const int64_t steps[] = {3, -3, 30, -33, 1, -1};
        size_t wakeups;

        world_start(&w);
        world_link(&w, true);
        live(H);
        for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
                wakeups = w.n_wakeups;
                w.clock.wall_usec += (usec_t)(steps[i] * (int64_t)DAY);
                w.clock.is_synchronised = false; /* the kernel says so after a step by hand */
                live(10 * USEC_PER_MIN);
                show(truth, true);
                live(10 * USEC_PER_MIN);
                ck_assert_uint_lt(w.n_wakeups - wakeups, 20 * 60 * 2);
                ck_assert_uint_lt(oldest_age(), USEC_PER_MIN);
        }
        drain();
        ck_assert_uint_eq(arrived().right, n_read);
        ck_assert_uint_eq(w.n_duplicates, 0);
}
END_TEST

START_TEST(days_without_a_link_and_with_many_boots_end_within_a_second)
{
        world_start(&w);
        live(H);
        reboot(2 * H, 5 * H); /* 1970 */
        live(H);
        show(truth, true);
        live(USEC_PER_MIN);
        world_kill(&w);
        live(USEC_PER_MIN);
        reboot(DAY, truth + 50 * DAY); /* the future */
        live(H);
        world_restart(&w);
        live(H);
        show(truth, true);
        live(USEC_PER_MIN);
        ck_assert_uint_ge(oldest_age() + 5 * USEC_PER_SEC, DAY + 6 * H);
        ck_assert_uint_le(oldest_age(), DAY + 7 * H);
        reboot(H, truth - 10 * DAY);
        live(H);
        w.clock.is_synchronised = true; /* when the link comes, and not before */
        show(truth, true);
        drain();
        ck_assert_uint_eq(arrived().right, n_read);
}
END_TEST

START_TEST(a_boot_that_never_knew_is_bounded_by_those_that_did)
{
        Arrived a;

        world_start(&w);
        live(H);
        reboot(2 * H, 5 * H);
        live(H);
        reboot(2 * H, 0);
        live(USEC_PER_MIN);
        drain();
        a = arrived();
        ck_assert_uint_eq(a.bounded, H / (10 * USEC_PER_SEC));
        ck_assert_uint_eq(a.right, n_read - a.bounded);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/clock");
        TCase *c = suite_case(s, "times are right whatever the clocks do");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_loop_test(c, a_boot_three_days_behind_ends_within_a_second, 0, 3);
        tcase_add_test(c, what_a_rule_held_back_has_the_time_at_which_it_was_read);
        tcase_add_test(c, nothing_waits_for_the_clock);
        tcase_add_test(c, steps_of_days_do_no_harm);
        tcase_add_test(c, days_without_a_link_and_with_many_boots_end_within_a_second);
        tcase_add_test(c, a_boot_that_never_knew_is_bounded_by_those_that_did);
        return suite_run(s);
}
