/* SPDX-License-Identifier: Apache-2.0 */

/*
 * When records were, whatever befell the machine in between.
 */

#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "suite.h"

#define DAY1 (1767225600 * USEC_PER_SEC)
#define H    USEC_PER_HOUR

static Bench b;
static usec_t truth; /* what a good clock would show */
static unsigned stream;

static void setup(void)
{
        bench_init(&b);
        truth = DAY1;
        b.clock.boot_usec = 0;
}

static void teardown(void)
{
        bench_done(&b);
}

static void tell_truth(bool synchronised)
{
        b.clock.is_synchronised = synchronised;
        if (synchronised)
                b.clock.wall_usec = truth;
}

static void open_queue(void)
{
        bench_open(&b);
        stream = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
}

/* The machine stands still for a while, and starts with a clock that shows something. */
static void reboot(FakeCut cut, usec_t off, usec_t shows, bool synchronised)
{
        if (b.queue)
                bench_cut(&b, b.disk->n_entries, cut, truth);
        else
                b.disk->boot[15]++;
        truth += off;
        b.clock.boot_usec = 0;
        b.clock.wall_usec = shows;
        tell_truth(synchronised);
        open_queue();
}

static void live(usec_t usec)
{
        truth += usec;
        bench_run(&b, usec);
}

/* A record that holds the truth. */
static void append(void)
{
        char text[32];

        (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)truth);
        ck_assert_int_eq(bench_append(&b, stream, text), 0);
        live(2 * USEC_PER_SEC);
}

static usec_t truth_of(const QueueRecord *record)
{
        char text[32] = {};

        ck_assert_uint_lt(record->size, sizeof(text));
        memcpy(text, record->payload, record->size);
        return strtoull(text, NULL, 10);
}

/* All of them are right to a second. Returns how many there are. */
static size_t check_times(QueueTime expected)
{
        QueueRecord r;
        size_t n = 0;

        while (bench_peek(&b, QUEUE_LANE_NORMAL, &r) == 0) {
                ck_assert_int_eq(r.time, expected);
                if (expected == QUEUE_TIME_GOOD) {
                        ck_assert_uint_le(r.wall_usec, truth_of(&r) + USEC_PER_SEC);
                        ck_assert_uint_ge(r.wall_usec, truth_of(&r) - USEC_PER_SEC);
                }
                bench_advance(&b, QUEUE_LANE_NORMAL);
                n++;
        }
        return n;
}

static usec_t oldest_age(void)
{
        QueueStatus status;

        queue_status(b.queue, &status);
        return status.oldest_age_usec;
}

static const FakeCut cuts[] = {FAKE_CUT_LOST, FAKE_CUT_TORN, FAKE_CUT_KEPT};

START_TEST(a_clock_set_late_makes_good_what_came_before)
{
        b.clock.wall_usec = DAY1 - 3 * USEC_PER_DAY;
        tell_truth(false);
        open_queue();
        for (int i = 0; i < 5; i++)
                append();
        tell_truth(true); /* a step of three days */
        append();
        b.clock.wall_usec += 2 * USEC_PER_DAY; /* and others, in either direction */
        append();
        b.clock.wall_usec -= 9 * USEC_PER_DAY;
        append();
        ck_assert_uint_eq(check_times(QUEUE_TIME_GOOD), 8);
}
END_TEST

/* The link is back because the clock is right: what is served then is right, however lately the clock was asked. */
START_TEST(a_split_asks_the_clock_anew)
{
        QueueRecord r;

        b.clock.wall_usec = DAY1 - 3 * USEC_PER_DAY;
        tell_truth(false);
        open_queue();
        append();
        append();
        ck_assert_int_eq(bench_peek(&b, QUEUE_LANE_NORMAL, &r), 0);
        ck_assert_int_eq(r.time, QUEUE_TIME_UNKNOWN);
        tell_truth(true);
        queue_split(b.queue);
        ck_assert_uint_eq(check_times(QUEUE_TIME_GOOD), 2);
}
END_TEST

/* The clock becomes right, there is one commit more, and the power goes. */
START_TEST(what_the_clock_said_once_survives_a_cut)
{
        b.clock.wall_usec = 7 * H;
        tell_truth(false);
        open_queue();
        for (int i = 0; i < 5; i++)
                append();
        tell_truth(true);
        append(); /* at its end the clock is looked at */
        append(); /* the checkpoint is with this one */
        reboot(cuts[_i], 5 * H, 0, false);
        append();
        ck_assert_uint_ge(oldest_age(), 14 * USEC_PER_SEC); /* what was seen of both boots is certain */
        ck_assert_uint_le(oldest_age(), 16 * USEC_PER_SEC);
        reboot(cuts[_i], 5 * H, 0, false);
        live(H);
        tell_truth(true);
        append();
        ck_assert_uint_eq(oldest_age(), truth - DAY1);
        for (int i = 0; i < 7; i++) {
                QueueRecord r;

                ck_assert_int_eq(bench_peek(&b, QUEUE_LANE_NORMAL, &r), 0);
                ck_assert_int_eq(r.time, QUEUE_TIME_GOOD);
                ck_assert_uint_eq(r.wall_usec, truth_of(&r));
                ck_assert(!r.this_boot);
                bench_advance(&b, QUEUE_LANE_NORMAL);
        }
}
END_TEST

/* On every way to end a boot; the middle one was never synchronised. */
START_TEST(a_boot_between_two_is_bounded_by_them)
{
        usec_t end_of_first, begin_of_last, wall_before = 0;
        QueueRecord r;
        size_t n = 0;

        tell_truth(true);
        open_queue();
        append();
        end_of_first = truth;
        reboot(cuts[_i], 3 * H, 0, false);
        for (int i = 0; i < 20; i++)
                append();
        reboot(cuts[_i], 3 * H, 0, true);
        begin_of_last = truth;
        append();
        while (bench_peek(&b, QUEUE_LANE_NORMAL, &r) == 0) {
                ck_assert_int_eq(r.time, n >= 1 && n <= 20 ? QUEUE_TIME_BOUNDED : QUEUE_TIME_GOOD);
                if (r.time == QUEUE_TIME_GOOD)
                        ck_assert_uint_eq(r.wall_usec, truth_of(&r));
                else {
                        ck_assert_uint_ge(r.wall_usec, end_of_first - 3 * USEC_PER_SEC); /* as far as it was seen */
                        ck_assert_uint_le(r.wall_usec, begin_of_last);
                }
                ck_assert_uint_ge(r.wall_usec, wall_before);
                wall_before = r.wall_usec;
                bench_advance(&b, QUEUE_LANE_NORMAL);
                n++;
        }
        ck_assert_uint_eq(n, 22);
}
END_TEST

START_TEST(a_restart_is_no_reboot)
{
        tell_truth(false);
        open_queue();
        append();
        bench_close(&b);
        open_queue();
        append();
        bench_kill(&b);
        open_queue();
        tell_truth(true);
        append();
        ck_assert_uint_eq(check_times(QUEUE_TIME_GOOD), 3);
        ck_assert_uint_eq(oldest_age(), 6 * USEC_PER_SEC);
}
END_TEST

START_TEST(the_oldest_age_is_of_the_record_that_waits)
{
        QueueRecord r;

        tell_truth(true);
        open_queue();
        ck_assert_uint_eq(oldest_age(), 0);
        for (int i = 0; i < 50; i++) {
                append();
                live(H);
        }
        for (int run = 0; run < 2; run++) {
                usec_t unread = oldest_age();
                size_t n = 0;

                while (n < 20 && bench_peek(&b, QUEUE_LANE_NORMAL, &r) == 0) {
                        usec_t then = truth_of(&r);

                        if (run == 1 && n == 0) /* and before anybody asked for it */
                                ck_assert_uint_le(unread, truth - then + USEC_PER_SEC);

                        ck_assert_uint_ge(oldest_age() + USEC_PER_SEC, truth - then);
                        if (run == 1) /* read from the disk, it is exact */
                                ck_assert_uint_le(oldest_age(), truth - then + USEC_PER_SEC);
                        bench_advance(&b, QUEUE_LANE_NORMAL);
                        queue_settle(b.queue, r.stream, r.epoch, r.n, r.n, OUTCOME_ACKNOWLEDGED);
                        n++;
                }
                ck_assert_uint_eq(n, 20);
                if (run == 0) {
                        live(60 * USEC_PER_SEC);
                        bench_close(&b);
                        reboot(FAKE_CUT_LOST, 100 * H, 0, true);
                        live(USEC_PER_SEC);
                }
        }
        ck_assert_uint_gt(oldest_age(), 100 * H);
        (void)bench_read_and_settle(&b, QUEUE_LANE_NORMAL);
        ck_assert_uint_eq(oldest_age(), 0);
}
END_TEST

/* One boot a day, for longer than the table has rows: what has gone up is forgotten, what waits is not. */
START_TEST(boots_come_and_go)
{
        size_t n = 0;

        tell_truth(true);
        open_queue();
        for (int day = 0; day < 100; day++) {
                append();
                bench_close(&b);
                reboot(FAKE_CUT_LOST, 24 * H, 0, true);
                if (day % 20 == 19) {
                        QueueRecord r;

                        while (bench_peek(&b, QUEUE_LANE_NORMAL, &r) == 0) {
                                insist(r.time == QUEUE_TIME_GOOD);
                                insist(r.wall_usec == truth_of(&r));
                                bench_advance(&b, QUEUE_LANE_NORMAL);
                                queue_settle(b.queue, r.stream, r.epoch, r.n, r.n, OUTCOME_ACKNOWLEDGED);
                                n++;
                        }
                }
        }
        ck_assert_uint_eq(n, 100);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("queue/time");
        TCase *c = suite_case(s, "a record's time outlives what happens to the machine");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, a_clock_set_late_makes_good_what_came_before);
        tcase_add_test(c, a_split_asks_the_clock_anew);
        tcase_add_loop_test(c, what_the_clock_said_once_survives_a_cut, 0, (int)ARRAY_SIZE(cuts));
        tcase_add_loop_test(c, a_boot_between_two_is_bounded_by_them, 0, (int)ARRAY_SIZE(cuts));
        tcase_add_test(c, a_restart_is_no_reboot);
        tcase_add_test(c, the_oldest_age_is_of_the_record_that_waits);
        tcase_add_test(c, boots_come_and_go);
        return suite_run(s);
}
