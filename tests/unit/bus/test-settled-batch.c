/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/settled-batch.h"

#include "fake-clock.h"
#include "suite.h"

static void add(SettledBatch *b, const char *stream, uint64_t epoch, uint64_t first, uint64_t last, Outcome outcome)
{
        settled_batch_add(b, &(Settled){stream, epoch, first, last, outcome});
}

static void is_range(const SettledBatch *b, size_t i, const char *stream, uint64_t first, uint64_t last)
{
        ck_assert_str_eq(b->ranges[i].stream, stream);
        ck_assert_uint_eq(b->ranges[i].first, first);
        ck_assert_uint_eq(b->ranges[i].last, last);
}

START_TEST(neighbours_of_one_fate_are_one)
{
        SettledBatch b = {};

        add(&b, "telemetry", 7, 1, 5, OUTCOME_ACKNOWLEDGED);
        add(&b, "telemetry", 7, 6, 6, OUTCOME_ACKNOWLEDGED);
        ck_assert_uint_eq(b.n_ranges, 1);
        is_range(&b, 0, "telemetry", 1, 6);
        add(&b, "telemetry", 7, 10, 12, OUTCOME_ACKNOWLEDGED); /* overtook 7 to 9 */
        ck_assert_uint_eq(b.n_ranges, 2);
        add(&b, "telemetry", 7, 7, 9, OUTCOME_ACKNOWLEDGED); /* closes the gap */
        ck_assert_uint_eq(b.n_ranges, 1);
        is_range(&b, 0, "telemetry", 1, 12);
}
END_TEST

START_TEST(nothing_else_is_made_one)
{
        SettledBatch b = {};

        add(&b, "telemetry", 7, 1, 5, OUTCOME_ACKNOWLEDGED);
        add(&b, "wind", 7, 6, 6, OUTCOME_ACKNOWLEDGED);
        add(&b, "telemetry", 8, 6, 6, OUTCOME_ACKNOWLEDGED);
        add(&b, "telemetry", 7, 6, 6, OUTCOME_EXPIRED);
        add(&b, "telemetry", 7, 8, 8, OUTCOME_ACKNOWLEDGED);
        ck_assert_uint_eq(b.n_ranges, 5);
        is_range(&b, 0, "telemetry", 1, 5);
        is_range(&b, 1, "wind", 6, 6);
        ck_assert_int_eq(b.ranges[3].outcome, OUTCOME_EXPIRED);
}
END_TEST

/* Whatever the order, each number is told once. */
START_TEST(any_order_covers_the_same_numbers)
{
        FakeRandom dice;

        fake_random_init(&dice, 3);
        for (int round = 0; round < 200; round++) {
                SettledBatch b = {};
                unsigned order[200], seen[200] = {};

                for (unsigned i = 0; i < 200; i++) {
                        unsigned j = (unsigned)(dice.random.draw(&dice) % (i + 1));

                        order[i] = order[j];
                        order[j] = i;
                }
                for (unsigned i = 0; i < 200; i++) {
                        add(&b, "telemetry", 1, order[i] + 1, order[i] + 1, OUTCOME_ACKNOWLEDGED);
                        if (i == 100)
                                for (size_t k = 0; k < b.n_ranges; k++)
                                        for (uint64_t n = b.ranges[k].first; n <= b.ranges[k].last; n++)
                                                seen[n - 1]++;
                        if (i == 100)
                                settled_batch_told(&b, 1);
                }
                for (size_t k = 0; k < b.n_ranges; k++)
                        for (uint64_t n = b.ranges[k].first; n <= b.ranges[k].last; n++)
                                seen[n - 1]++;
                for (unsigned i = 0; i < 200; i++)
                        ck_assert_uint_eq(seen[i], 1);
        }
}
END_TEST

START_TEST(four_times_a_second)
{
        SettledBatch b = {};

        ck_assert(settled_batch_deadline(&b) == USEC_INFINITY);
        add(&b, "telemetry", 1, 1, 1, OUTCOME_ACKNOWLEDGED);
        ck_assert(settled_batch_deadline(&b) == 0); /* the first at once */
        settled_batch_told(&b, 1000 * USEC_PER_SEC);
        ck_assert(settled_batch_deadline(&b) == USEC_INFINITY);
        add(&b, "telemetry", 1, 2, 2, OUTCOME_ACKNOWLEDGED);
        ck_assert(settled_batch_deadline(&b) == 1000 * USEC_PER_SEC + USEC_PER_SEC / 4);
}
END_TEST

START_TEST(full_is_full)
{
        SettledBatch b = {};

        for (unsigned i = 0; i < SETTLED_BATCH_MAX; i++) {
                ck_assert(!settled_batch_is_full(&b));
                add(&b, "telemetry", 1, 2 * i + 1, 2 * i + 1, OUTCOME_ACKNOWLEDGED);
        }
        ck_assert(settled_batch_is_full(&b));
        settled_batch_told(&b, 1);
        ck_assert(!settled_batch_is_full(&b));
}
END_TEST

int main(void)
{
        Suite *s = suite_create("bus/settled-batch");
        TCase *c = suite_case(s, "confirmations are told together");

        tcase_add_test(c, neighbours_of_one_fate_are_one);
        tcase_add_test(c, nothing_else_is_made_one);
        tcase_add_test(c, any_order_covers_the_same_numbers);
        tcase_add_test(c, four_times_a_second);
        tcase_add_test(c, full_is_full);
        return suite_run(s);
}
