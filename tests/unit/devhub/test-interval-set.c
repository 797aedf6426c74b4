/* SPDX-License-Identifier: Apache-2.0 */
#include "reader/interval-set.h"

#include <string.h>

#include "fake-clock.h"
#include "suite.h"

START_TEST(neighbours_melt)
{
        IntervalSet s = {};
        uint64_t n;

        ck_assert_int_eq(interval_set_add(&s, 10, 12, &n), 0);
        ck_assert_uint_eq(n, 3);
        ck_assert_int_eq(interval_set_add(&s, 14, 20, &n), 0);
        ck_assert_uint_eq(s.n_items, 2);
        ck_assert_int_eq(interval_set_add(&s, 13, 13, &n), 0);
        ck_assert_uint_eq(n, 1);
        ck_assert_uint_eq(s.n_items, 1);
        ck_assert_uint_eq(s.items[0].first, 10);
        ck_assert_uint_eq(s.items[0].last, 20);
        ck_assert_int_eq(interval_set_add(&s, 9, 9, &n), 0);
        ck_assert_int_eq(interval_set_add(&s, 21, 21, &n), 0);
        ck_assert_uint_eq(s.n_items, 1);
        ck_assert_int_eq(interval_set_add(&s, 1, 100, &n), 0);
        ck_assert_uint_eq(n, 100 - 13);
        ck_assert_uint_eq(s.n_items, 1);
        interval_set_done(&s);
}
END_TEST

START_TEST(the_ends_of_the_numbers_are_numbers)
{
        IntervalSet s = {};
        uint64_t n;

        ck_assert_int_eq(interval_set_add(&s, 0, 0, &n), 0);
        ck_assert_uint_eq(n, 1);
        ck_assert_int_eq(interval_set_add(&s, UINT64_MAX, UINT64_MAX, &n), 0);
        ck_assert_uint_eq(n, 1);
        ck_assert_int_eq(interval_set_add(&s, UINT64_MAX - 5, UINT64_MAX, &n), 0);
        ck_assert_uint_eq(n, 5);
        ck_assert_uint_eq(s.n_items, 2);
        ck_assert_uint_eq(interval_set_count(&s, 0, UINT64_MAX), 7);
        interval_set_done(&s);
}
END_TEST

/* Against a row of flags, with ranges thrown at random. */
START_TEST(it_counts_like_a_row_of_flags)
{
        enum { SPAN = 400 };
        FakeRandom dice;

        fake_random_init(&dice, 3);
        for (int round = 0; round < 300; round++) {
                bool flags[SPAN] = {};
                IntervalSet s = {};

                for (int i = 0; i < 60; i++) {
                        uint64_t draw = dice.random.draw(&dice), n, expected = 0;
                        uint64_t first = draw % SPAN, last = MIN(first + (draw >> 32) % 20, (uint64_t)SPAN - 1);

                        for (uint64_t k = first; k <= last; k++) {
                                expected += !flags[k];
                                flags[k] = true;
                        }
                        ck_assert_int_eq(interval_set_add(&s, first, last, &n), 0);
                        ck_assert_uint_eq(n, expected);
                        for (size_t k = 0; k + 1 < s.n_items; k++)
                                ck_assert_uint_lt(s.items[k].last + 1, s.items[k + 1].first);
                }
                for (uint64_t first = 0; first < SPAN; first += 37) {
                        uint64_t expected = 0;

                        for (uint64_t k = first; k < MIN(first + 50, (uint64_t)SPAN); k++)
                                expected += flags[k];
                        ck_assert_uint_eq(interval_set_count(&s, first, MIN(first + 49, (uint64_t)SPAN - 1)), expected);
                }
                interval_set_done(&s);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("devhub/interval-set");
        TCase *c = suite_case(s, "ranges");

        tcase_add_test(c, neighbours_melt);
        tcase_add_test(c, the_ends_of_the_numbers_are_numbers);
        tcase_add_test(c, it_counts_like_a_row_of_flags);
        return suite_run(s);
}
