/* SPDX-License-Identifier: Apache-2.0 */
#include "base/backoff.h"

#include "fake-clock.h"
#include "suite.h"

static usec_t ceiling_of(unsigned try)
{
        usec_t ceiling = USEC_PER_SEC;

        while (try-- > 0 && ceiling < 5 * USEC_PER_MIN)
                ceiling *= 2;
        return MIN(ceiling, 5 * USEC_PER_MIN);
}

#define BACKOFF ((Backoff){.first_usec = USEC_PER_SEC, .max_usec = 5 * USEC_PER_MIN})

/* Over many clients the n-th delay fills its whole span, and its mean is the middle: full jitter. */
START_TEST(delays_fill_their_span_evenly)
{
        enum { CLIENTS = 4000, TRIES = 14 };
        double sum[TRIES] = {};
        usec_t least[TRIES], most[TRIES] = {};
        FakeRandom dice;

        fake_random_init(&dice, 13);
        for (unsigned n = 0; n < TRIES; n++)
                least[n] = USEC_INFINITY;
        for (int client = 0; client < CLIENTS; client++) {
                Backoff b = BACKOFF;

                for (unsigned n = 0; n < TRIES; n++) {
                        usec_t delay = backoff_next(&b, &dice.random);

                        ck_assert_uint_le(delay, ceiling_of(n));
                        sum[n] += (double)delay;
                        least[n] = MIN(least[n], delay);
                        most[n] = MAX(most[n], delay);
                }
        }
        for (unsigned n = 0; n < TRIES; n++) {
                double ceiling = (double)ceiling_of(n);

                ck_assert_double_ge_tol(sum[n] / CLIENTS, 0.48 * ceiling, 0);
                ck_assert_double_le_tol(sum[n] / CLIENTS, 0.52 * ceiling, 0);
                ck_assert((double)least[n] < 0.01 * ceiling);
                ck_assert((double)most[n] > 0.99 * ceiling);
        }
}
END_TEST

START_TEST(a_floor_is_kept)
{
        FakeRandom dice;
        Backoff b = BACKOFF;

        b.floor_usec = 500 * USEC_PER_MSEC;
        fake_random_init(&dice, 14);
        for (int i = 0; i < 1000; i++)
                ck_assert_uint_ge(backoff_next(&b, &dice.random), b.floor_usec);
        b = (Backoff){.first_usec = 10, .max_usec = 20, .floor_usec = 1000};
        for (int i = 0; i < 100; i++)
                ck_assert_uint_le(backoff_next(&b, &dice.random), 20);
}
END_TEST

START_TEST(a_reset_begins_anew)
{
        FakeRandom dice;
        Backoff b = BACKOFF;

        fake_random_init(&dice, 15);
        for (int round = 0; round < 100; round++) {
                for (int i = 0; i < 9; i++)
                        (void)backoff_next(&b, &dice.random);
                backoff_reset(&b);
                ck_assert_uint_le(backoff_next(&b, &dice.random), USEC_PER_SEC);
                backoff_reset(&b);
        }
}
END_TEST

START_TEST(no_number_of_tries_overflows)
{
        FakeRandom dice;
        Backoff b = {.first_usec = 1, .max_usec = USEC_INFINITY - 1};

        fake_random_init(&dice, 16);
        for (int i = 0; i < 200; i++)
                (void)backoff_next(&b, &dice.random);
        b = BACKOFF;
        b.tries = UINT32_MAX;
        ck_assert_uint_le(backoff_next(&b, &dice.random), b.max_usec);
        ck_assert_uint_eq(b.tries, UINT32_MAX);
}
END_TEST

START_TEST(the_kernels_dice_differ)
{
        ck_assert_uint_ne(random_system.draw(NULL), random_system.draw(NULL));
}
END_TEST

int main(void)
{
        Suite *s = suite_create("base/backoff");
        TCase *c = suite_case(s, "how long to wait");

        tcase_add_test(c, delays_fill_their_span_evenly);
        tcase_add_test(c, a_floor_is_kept);
        tcase_add_test(c, a_reset_begins_anew);
        tcase_add_test(c, no_number_of_tries_overflows);
        tcase_add_test(c, the_kernels_dice_differ);
        return suite_run(s);
}
