/* SPDX-License-Identifier: Apache-2.0 */

/* A stream that changes its lane while records of it wait: none is lost, whatever ends the daemon then. */

#include <stdio.h>

#include "suite.h"
#include "world.h"

static World w;
static StreamSettings streams[3];

static void setup(void)
{
        world_init(&w);
        w.forget_events = true;
        for (unsigned i = 0; i < ARRAY_SIZE(streams); i++)
                streams[i] = world_streams[i];
        w.streams = streams;
}

static void teardown(void)
{
        world_done(&w);
}

static void submit(int n)
{
        for (int i = 0; i < n; i++)
                world_submit(&w, "alarms", "door", i);
        world_run(&w, 5 * USEC_PER_SEC);
}

static void change_lane(void)
{
        streams[1].urgent = !streams[1].urgent;
        ck_assert_int_eq(collector_configure(w.collector, w.streams, w.n_streams), 0);
        ck_assert_int_eq(uplink_configure(w.uplink, &w.uplink_settings, w.streams, w.n_streams), 0);
}

static void end(int how)
{
        switch (how) {
        case 0:
                world_restart(&w);
                break;
        case 1:
                world_kill(&w);
                break;
        default:
                world_cut_power(&w, (FakeCut)(how - 2), 7);
                break;
        }
}

static void check(uint64_t accepted)
{
        const Ledger *l = &world_ask(&w)->ledger;

        ck_assert_uint_eq(l->accepted, accepted);
        ck_assert_uint_eq(l->settled[OUTCOME_DAMAGED], 0);
        ck_assert_uint_eq(ledger_waiting(l), accepted - l->settled[OUTCOME_ACKNOWLEDGED]);
}

/* _i: how it ends, and with what in each lane. */
START_TEST(nothing_is_lost_when_the_daemon_ends_after_it)
{
        int how = _i % (2 + _FAKE_CUT_MAX), shape = _i / (2 + _FAKE_CUT_MAX);

        world_link(&w, shape & 1);
        world_start(&w);
        submit(50);
        world_link(&w, false);
        submit(shape & 2 ? 200 : 0);
        change_lane();
        submit(shape & 4 ? 60 : 0);
        if (shape & 8) {
                change_lane();
                submit(30);
        }
        for (int again = 0; again < 2; again++) {
                uint64_t accepted = world_ask(&w)->ledger.accepted;

                end(how);
                world_run(&w, USEC_PER_SEC);
                check(accepted);
        }
        world_link(&w, true);
        world_run(&w, 10 * USEC_PER_MIN);
        ck_assert_uint_eq(ledger_waiting(&world_ask(&w)->ledger), 0);
        ck_assert_uint_eq(world_missing(&w, "alarms", world_ask(&w)->ledger.accepted), 0);
}
END_TEST

/* The old lane has records that are not on disk; the new one would be quicker. */
START_TEST(no_number_is_accepted_before_those_below_it)
{
        w.queue_settings.commit_interval_usec = 10 * USEC_PER_SEC;
        streams[1].urgent = false;
        world_link(&w, false);
        world_start(&w);
        world_run(&w, USEC_PER_MIN);
        for (int i = 0; i < 20; i++)
                world_read(&w, "alarms", "door", i);
        change_lane();
        world_submit(&w, "alarms", "door", 20);
        world_run(&w, _i * 20 * USEC_PER_MSEC);
        world_cut_power(&w, FAKE_CUT_LOST, 1);
        ck_assert_uint_eq(world_ask(&w)->ledger.settled[OUTCOME_DAMAGED], 0);
        ck_assert_uint_ge(world_ask(&w)->ledger.accepted, w.n_answered > 0 ? 21 : 0);
        ck_assert(world_balances(&w));
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/lanes");
        TCase *c = suite_case(s, "a stream that changes its lane");

        tcase_set_timeout(c, 120);
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_loop_test(c, nothing_is_lost_when_the_daemon_ends_after_it, 0, 16 * (2 + _FAKE_CUT_MAX));
        tcase_add_loop_test(c, no_number_is_accepted_before_those_below_it, 0, 20);
        return suite_run(s);
}
