/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/extremes.h"

#include <float.h>
#include <math.h>

#include "suite.h"

static uint64_t dice_state;

static double dice(void)
{
        dice_state = dice_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (double)(dice_state >> 40) / 1000;
}

/* All readings, looked through. Times are 1, 2, 3 ... */
static ExtremesReport searched(const double *values, size_t n, size_t since)
{
        ExtremesReport report = {-INFINITY, INFINITY, 0};
        size_t from = since > 0 ? since - 1 : 0, counted = 0;

        for (size_t i = from; i < n; i++) {
                report.max = fmax(report.max, values[i]);
                report.min = fmin(report.min, values[i]);
                if (i + EXTREMES_LAST >= n) {
                        report.mean += values[i];
                        counted++;
                }
        }
        report.mean /= (double)counted;
        return report;
}

START_TEST(without_a_reading_there_is_nothing)
{
        Extremes e = {};
        ExtremesReport report;

        ck_assert(!extremes_since(&e, 0, &report));
        ck_assert(isnan(extremes_last(&e)));
        extremes_add(&e, 10, -3);
        ck_assert(extremes_since(&e, 10, &report));
        ck_assert(report.max == -3 && report.min == -3 && report.mean == -3 && extremes_last(&e) == -3);
        ck_assert(!extremes_since(&e, 11, &report));
}
END_TEST

START_TEST(since_every_moment_it_is_as_if_all_were_kept)
{
        static double values[1000];
        ExtremesReport report, truth;
        Extremes e = {};

        for (size_t n = 1; n <= 1000; n++) {
                values[n - 1] = dice();
                extremes_add(&e, n, values[n - 1]);
                insist(e.highest.n < EXTREMES_MAX && e.lowest.n < EXTREMES_MAX);
                insist(extremes_last(&e) == values[n - 1]);
                if (n % 50 != 0 && n > 30)
                        continue;
                for (size_t since = 0; since <= n; since++) {
                        insist(extremes_since(&e, since, &report));
                        truth = searched(values, n, since);
                        insist(report.max == truth.max && report.min == truth.min);
                        insist(fabs(report.mean - truth.mean) < 0.6e-4); /* values in thousandths, and a digit for each of their number */
                }
        }
}
END_TEST

/* A day that only cools down: more than can be kept. */
START_TEST(one_that_only_falls_is_bounded_and_nearly_right)
{
        static double values[10000];
        ExtremesReport report, truth;
        Extremes e = {};

        for (size_t n = 1; n <= 10000; n++) {
                values[n - 1] = 100 - (double)n / 100;
                extremes_add(&e, n, values[n - 1]);
                insist(e.highest.n <= EXTREMES_MAX);
        }
        for (size_t since = 0; since <= 10000; since++) {
                insist(extremes_since(&e, since, &report));
                truth = searched(values, 10000, since);
                insist(report.min == truth.min);
                insist(report.max >= truth.max && report.max - truth.max < 4);
        }
        insist(extremes_since(&e, 0, &report) && report.max == values[0]);
        insist(extremes_since(&e, 1, &report) && report.max == values[0]);
        insist(extremes_since(&e, 10000, &report) && report.max == values[9999]);
}
END_TEST

START_TEST(the_mean_is_of_the_last_ten)
{
        ExtremesReport report;
        Extremes e = {};

        for (unsigned n = 1; n <= 25; n++) {
                extremes_add(&e, n, n);
                insist(extremes_since(&e, 0, &report));
                insist(report.mean == (n <= 10 ? (1 + n) / 2.0 : n - 4.5));
        }
        ck_assert(extremes_since(&e, 24, &report));
        ck_assert(report.mean == 24.5 && report.max == 25 && report.min == 24);
}
END_TEST

START_TEST(the_mean_has_the_digits_that_its_readings_justify)
{
        ExtremesReport report;
        Extremes e = {};

        extremes_add(&e, 1, 21);
        extremes_add(&e, 2, 21);
        extremes_add(&e, 3, 22.5);
        ck_assert(extremes_since(&e, 1, &report) && report.mean == 21.5);
        extremes_add(&e, 4, 21.5);
        extremes_add(&e, 5, 20);
        extremes_add(&e, 6, 20);
        ck_assert(extremes_since(&e, 1, &report) && report.mean == 21);
        extremes_add(&e, 7, 21.5);
        ck_assert(extremes_since(&e, 1, &report) && report.mean == 21.07); /* 21.071428571428573 */
}
END_TEST

START_TEST(zero_is_not_negative_and_giants_are_not_infinite)
{
        ExtremesReport report;
        Extremes e = {}, giants = {};

        extremes_add(&e, 1, 0.0);
        ck_assert(extremes_since(&e, 0, &report));
        ck_assert(!signbit(report.min) && !signbit(report.max));
        for (unsigned n = 1; n <= 20; n++)
                extremes_add(&giants, n, DBL_MAX);
        ck_assert(extremes_since(&giants, 0, &report));
        ck_assert(isfinite(report.mean) && report.mean > DBL_MAX / 2);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/extremes");
        TCase *c = suite_case(s, "the highest and the lowest");

        tcase_add_test(c, without_a_reading_there_is_nothing);
        tcase_add_test(c, since_every_moment_it_is_as_if_all_were_kept);
        tcase_add_test(c, one_that_only_falls_is_bounded_and_nearly_right);
        tcase_add_test(c, zero_is_not_negative_and_giants_are_not_infinite);
        c = suite_case(s, "the mean");
        tcase_add_test(c, the_mean_is_of_the_last_ten);
        tcase_add_test(c, the_mean_has_the_digits_that_its_readings_justify);
        return suite_run(s);
}
