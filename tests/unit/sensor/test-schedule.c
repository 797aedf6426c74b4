/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/schedule.h"

#include "fake-clock.h"
#include "suite.h"

#define START (USEC_PER_HOUR + 123457)

START_TEST(thirty_days_do_not_drift)
{
        static const usec_t intervals[] = {250 * USEC_PER_MSEC, USEC_PER_SEC, 7 * USEC_PER_SEC, 10 * USEC_PER_SEC,
                                           USEC_PER_MIN, USEC_PER_HOUR};
        FakeRandom dice;

        fake_random_init(&dice, 1);
        for (size_t i = 0; i < ARRAY_SIZE(intervals); i++) {
                usec_t interval = intervals[i], now = START, end, reads = 0, last, wrong = 0;
                Schedule s;

                schedule_start(&s, interval, now);
                ck_assert_uint_gt(s.due_usec, now);
                ck_assert_uint_le(s.due_usec, now + USEC_PER_SEC);
                now = s.due_usec;
                schedule_good(&s, now);
                last = s.due_usec;
                end = last + 30 * USEC_PER_DAY;
                while (s.due_usec < end) {
                        wrong += s.due_usec % interval != 0 || s.due_usec != last;
                        last += interval;
                        /* the loop is late and the read takes its time, together less than an interval */
                        now = s.due_usec + dice.random.draw(&dice) % interval;
                        schedule_begin(&s);
                        wrong += schedule_is_due(&s, now);
                        schedule_good(&s, now);
                        reads++;
                }
                ck_assert_uint_eq(wrong, 0);
                ck_assert_uint_eq(reads, (30 * USEC_PER_DAY + interval - 1) / interval);
        }
}
END_TEST

START_TEST(what_was_slept_through_is_skipped)
{
        Schedule s;

        schedule_start(&s, 10 * USEC_PER_SEC, START);
        schedule_good(&s, s.due_usec);
        /* the lid was closed for 5 h and 3 s */
        schedule_good(&s, s.due_usec + 5 * USEC_PER_HOUR + 3 * USEC_PER_SEC);
        ck_assert_uint_eq(s.due_usec % (10 * USEC_PER_SEC), 0);
        ck_assert_uint_eq(s.due_usec, USEC_PER_HOUR + 10 * USEC_PER_SEC + 5 * USEC_PER_HOUR + 10 * USEC_PER_SEC);
}
END_TEST

/* How often must somebody wake up for these sensors within a time, from their second reads on? */
static unsigned wake_ups(const usec_t *intervals, size_t n, usec_t duration)
{
        Schedule s[16];
        usec_t now = START + 2 * USEC_PER_SEC, end = now + duration;
        unsigned wakes = 0;

        for (size_t i = 0; i < n; i++) {
                schedule_start(&s[i], intervals[i], START + i * 77777);
                schedule_good(&s[i], s[i].due_usec);
        }
        for (;;) {
                now = USEC_INFINITY;
                for (size_t i = 0; i < n; i++)
                        now = MIN(now, s[i].due_usec);
                if (now >= end)
                        return wakes;
                wakes++;
                for (size_t i = 0; i < n; i++)
                        if (schedule_is_due(&s[i], now))
                                schedule_good(&s[i], now + 1000);
        }
}

START_TEST(equal_intervals_cost_one_wake_up)
{
        static const usec_t equal[] = {10 * USEC_PER_SEC, 10 * USEC_PER_SEC, 10 * USEC_PER_SEC, 10 * USEC_PER_SEC,
                                       10 * USEC_PER_SEC, 10 * USEC_PER_SEC, 10 * USEC_PER_SEC, 10 * USEC_PER_SEC};
        static const usec_t nested[] = {10 * USEC_PER_SEC, 30 * USEC_PER_SEC, 60 * USEC_PER_SEC, USEC_PER_HOUR};

        ck_assert_uint_eq(wake_ups(equal, ARRAY_SIZE(equal), USEC_PER_HOUR), 360);
        ck_assert_uint_eq(wake_ups(nested, ARRAY_SIZE(nested), USEC_PER_HOUR), 360);
}
END_TEST

/* The turns of odd intervals, each by its number: none is left out, and none is far from its multiple. */
START_TEST(odd_intervals_are_late_by_a_hundredth_at_most)
{
        FakeRandom dice;

        fake_random_init(&dice, 2);
        for (unsigned i = 0; i < 300; i++) {
                usec_t interval = 10 * USEC_PER_MSEC + dice.random.draw(&dice) % (USEC_PER_SEC << i % 12);
                usec_t most = MIN(interval / 100, 250 * USEC_PER_MSEC), k;
                Schedule s;

                schedule_start(&s, interval, START);
                schedule_good(&s, s.due_usec);
                k = s.due_usec / interval;
                for (unsigned n = 0; n < 2000; n++, k++) {
                        usec_t due = s.due_usec;

                        insist(due >= k * interval && due - k * interval <= most);
                        schedule_begin(&s);
                        if (dice.random.draw(&dice) % 5 == 0) { /* once in a row: its next turn is as usual */
                                s.failures = 0;
                                schedule_failed(&s, due + dice.random.draw(&dice) % (interval / 2));
                        } else
                                schedule_good(&s, due + dice.random.draw(&dice) % (interval / 2));
                }
        }
}
END_TEST

START_TEST(odd_intervals_share_their_wake_ups)
{
        usec_t odd[16], alone = 0;

        for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
                odd[i] = 25 * USEC_PER_SEC + i * 1234567;
                alone += USEC_PER_HOUR * 4 / odd[i];
        }
        ck_assert_uint_lt(wake_ups(odd, ARRAY_SIZE(odd), 4 * USEC_PER_HOUR) * 100, alone * 95);
}
END_TEST

START_TEST(first_reads_come_together_and_soon)
{
        static const usec_t intervals[] = {10 * USEC_PER_SEC, 30 * USEC_PER_SEC, USEC_PER_HOUR, USEC_PER_DAY};
        Schedule s;

        for (size_t i = 0; i < ARRAY_SIZE(intervals); i++) {
                schedule_start(&s, intervals[i], START + i);
                ck_assert_uint_eq(s.due_usec, USEC_PER_HOUR + USEC_PER_SEC);
        }
}
END_TEST

START_TEST(failing_is_read_less_and_less_often)
{
        static const unsigned waits[] = {1, 2, 4, 8, 16, 32, 60, 60, 60}; /* of 10 s, up to 10 min */
        usec_t interval = 10 * USEC_PER_SEC, now;
        Schedule s;

        schedule_start(&s, interval, START);
        now = s.due_usec + 9 * USEC_PER_SEC; /* onto a multiple */
        for (size_t i = 0; i < ARRAY_SIZE(waits); i++) {
                schedule_begin(&s);
                schedule_failed(&s, now + 5000); /* the read took 5 ms */
                ck_assert_uint_eq(s.due_usec, now + waits[i] * interval);
                now = s.due_usec;
        }
        schedule_good(&s, now);
        ck_assert_uint_eq(s.failures, 0);
        ck_assert_uint_eq(s.due_usec, now + interval);
        schedule_failed(&s, now + interval);
        ck_assert_uint_eq(s.due_usec, now + 2 * interval);
}
END_TEST

START_TEST(slow_sensors_are_not_hurried_by_the_cap)
{
        Schedule s;
        usec_t now;

        schedule_start(&s, USEC_PER_HOUR, START);
        for (int i = 0; i < 5; i++) {
                now = s.due_usec;
                schedule_failed(&s, now);
                ck_assert_uint_eq(s.due_usec, (now / USEC_PER_HOUR + 1) * USEC_PER_HOUR);
        }
}
END_TEST

START_TEST(failures_without_end_do_not_overflow)
{
        Schedule s;

        schedule_start(&s, 10 * USEC_PER_MSEC, START);
        s.failures = 10;
        for (int i = 0; i < 1000; i++) {
                usec_t now = s.due_usec;

                schedule_failed(&s, now);
                ck_assert_uint_gt(s.due_usec, now);
                ck_assert_uint_le(s.due_usec, now + SCHEDULE_CAP_USEC);
                ck_assert_uint_eq(s.due_usec % s.interval_usec, 0);
                if (i == 500)
                        s.failures = UINT32_MAX - 2;
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sensor/schedule");
        TCase *c = suite_case(s, "times");

        tcase_add_test(c, thirty_days_do_not_drift);
        tcase_add_test(c, what_was_slept_through_is_skipped);
        tcase_add_test(c, equal_intervals_cost_one_wake_up);
        tcase_add_test(c, odd_intervals_are_late_by_a_hundredth_at_most);
        tcase_add_test(c, odd_intervals_share_their_wake_ups);
        tcase_add_test(c, first_reads_come_together_and_soon);
        c = suite_case(s, "failures");
        tcase_add_test(c, failing_is_read_less_and_less_often);
        tcase_add_test(c, slow_sensors_are_not_hurried_by_the_cap);
        tcase_add_test(c, failures_without_end_do_not_overflow);
        return suite_run(s);
}
