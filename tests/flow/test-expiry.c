/* SPDX-License-Identifier: Apache-2.0 */

/* A record that nobody wants any more is dropped, in whatever boot it was appended: and only when that is certain. */

#include "suite.h"
#include "world.h"

#define MINUTE USEC_PER_MIN
#define HOUR   USEC_PER_HOUR

static World w;

static const StreamSettings streams[] = {
        {.name = "telemetry", .format = STREAM_ARRAY, .max_latency_usec = USEC_PER_SEC, .expire_after_usec = 2 * USEC_PER_HOUR},
        {.name = "wind", .format = STREAM_OBJECT, .expire_after_usec = 2 * USEC_PER_HOUR},
};

static void setup(void)
{
        world_init(&w);
        w.streams = streams;
        w.n_streams = ARRAY_SIZE(streams);
        w.link_up = false;
        w.forget_events = true;
        w.keep_outcomes = true;
        world_start(&w);
}

static void teardown(void)
{
        ck_assert(world_balances(&w));
        world_done(&w);
}

/* One of each stream a minute. */
static void live(usec_t usec)
{
        for (usec_t i = 0; i < usec / MINUTE; i++) {
                world_read(&w, "telemetry", "cpu", 1);
                world_read(&w, "wind", "mast", 1);
                world_run(&w, MINUTE);
        }
}

/* The machine is off for a while. What its clock shows then is the truth, whether it can tell or not. */
static void reboot(usec_t off, bool synchronised)
{
        world_run(&w, 15 * USEC_PER_SEC);
        w.clock.wall_usec += off;
        w.clock.is_synchronised = synchronised;
        world_cut_power(&w, FAKE_CUT_LOST, off + 1);
}

static void assert_outcomes(uint64_t first, uint64_t last, Outcome outcome)
{
        for (uint64_t n = first; n <= last; n++)
                for (size_t i = 0; i < ARRAY_SIZE(streams); i++)
                        ck_assert_msg(world_outcome(&w, streams[i].name, n) == outcome, "record %llu of %s: %d",
                                      (unsigned long long)n, streams[i].name,
                                      (int)world_outcome(&w, streams[i].name, n));
}

/* Both with a link and without one. */
START_TEST(what_the_reboot_made_too_old_is_dropped)
{
        live(30 * MINUTE);
        reboot(4 * HOUR, true);
        if (_i)
                world_link(&w, true);
        world_run(&w, 10 * MINUTE);
        assert_outcomes(1, 30, OUTCOME_EXPIRED);
        for (size_t i = 0; i < ARRAY_SIZE(streams); i++)
                ck_assert_uint_eq(world_missing(&w, streams[i].name, 30), 30); /* what arrives are notices */
}
END_TEST

START_TEST(each_by_its_own_age)
{
        live(30 * MINUTE);
        reboot(105 * MINUTE, true); /* the last of them is 105 minutes old now, the first 135 */
        world_link(&w, true);
        world_run(&w, MINUTE);
        assert_outcomes(1, 14, OUTCOME_EXPIRED);
        assert_outcomes(18, 30, OUTCOME_ACKNOWLEDGED);
}
END_TEST

/* Without a link, too, each goes at its time. */
START_TEST(what_is_not_old_yet_grows_old)
{
        live(30 * MINUTE);
        reboot(HOUR, true);
        world_run(&w, 10 * MINUTE);
        assert_outcomes(1, 30, _OUTCOME_INVALID);
        world_run(&w, 30 * MINUTE);
        assert_outcomes(1, 8, OUTCOME_EXPIRED);
        assert_outcomes(12, 30, _OUTCOME_INVALID);
        world_run(&w, 30 * MINUTE);
        assert_outcomes(1, 30, OUTCOME_EXPIRED);
}
END_TEST

/* How long the machine was off nobody knows: what the boot clocks have counted is all that is certain. */
START_TEST(nothing_goes_while_that_is_a_guess)
{
        live(30 * MINUTE);
        reboot(4 * HOUR, false);
        live(10 * MINUTE);
        assert_outcomes(1, 30, _OUTCOME_INVALID);
        world_link(&w, true);
        world_run(&w, 10 * MINUTE);
        assert_outcomes(1, 40, OUTCOME_ACKNOWLEDGED);
}
END_TEST

/* A clock that comes right makes certain what was not. */
START_TEST(it_goes_when_the_clock_comes_right)
{
        live(30 * MINUTE);
        reboot(4 * HOUR, false);
        live(10 * MINUTE);
        w.clock.is_synchronised = true;
        world_run(&w, MINUTE);
        world_link(&w, true);
        world_run(&w, 10 * MINUTE);
        assert_outcomes(1, 30, OUTCOME_EXPIRED);
        assert_outcomes(31, 40, OUTCOME_ACKNOWLEDGED);
}
END_TEST

/* Boots of half an hour each, none of which knows the time: their own clocks add up. */
START_TEST(boots_add_up)
{
        w.clock.is_synchronised = false;
        for (unsigned i = 0; i < 5; i++) {
                live(30 * MINUTE);
                reboot(0, false);
        }
        world_link(&w, true);
        world_run(&w, MINUTE);
        assert_outcomes(1, 28, OUTCOME_EXPIRED);
        assert_outcomes(35, 150, OUTCOME_ACKNOWLEDGED);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/expiry");
        TCase *c = suite_case(s, "older than its stream's expire_after, across reboots");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_loop_test(c, what_the_reboot_made_too_old_is_dropped, 0, 2);
        tcase_add_test(c, each_by_its_own_age);
        tcase_add_test(c, what_is_not_old_yet_grows_old);
        tcase_add_test(c, nothing_goes_while_that_is_a_guess);
        tcase_add_test(c, it_goes_when_the_clock_comes_right);
        tcase_add_test(c, boots_add_up);
        return suite_run(s);
}
