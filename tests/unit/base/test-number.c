/* SPDX-License-Identifier: Apache-2.0 */
#include "base/number.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "fake-clock.h"
#include "suite.h"

START_TEST(number_is_the_shortest_decimal)
{
        static const struct {
                double x;
                const char *text;
        } cases[] = {
                {0, "0"},
                {-0.0, "-0"},
                {1, "1"},
                {-17, "-17"},
                {48.31, "48.31"},
                {0.1, "0.1"},
                {0.1 + 0.2, "0.30000000000000004"},
                {1e15, "1e15"},
                {123456789012345, "123456789012345"},
                {1.0 / 3, "0.3333333333333333"},
                {1e-7, "1e-7"},
                {5e-324, "5e-324"},
                {1.7976931348623157e308, "1.7976931348623157e308"},
                {5.684341886080802e-14, "5.684341886080802e-14"}, /* 2^-44: the rounded 16 digits miss */
                {9007199254740993.0, "9007199254740992"},
                {21.0625, "21.0625"},
                {-40.000001, "-40.000001"},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                char text[NUMBER_TEXT_MAX];
                size_t n = number_format(cases[i].x, text);

                ck_assert_str_eq(text, cases[i].text);
                ck_assert_uint_eq(n, strlen(text));
        }
}
END_TEST

START_TEST(any_double_reads_back)
{
        FakeRandom dice;

        fake_random_init(&dice, 1);
        for (int i = 0; i < 200000; i++) {
                uint64_t bits = dice.random.draw(&dice);
                char text[NUMBER_TEXT_MAX];
                double x, y;

                memcpy(&x, &bits, sizeof(x));
                if (!isfinite(x))
                        continue;
                if (i % 2)
                        x = (double)(int64_t)(bits >> 24) / 1000; /* as sensors give them */
                (void)number_format(x, text);
                insist(number_parse(text, &y) == 0);
                insist(x == y);
        }
}
END_TEST

START_TEST(only_decimals_are_numbers)
{
        static const char *const bad[] = {"", " ", "x", "1x", "nan", "inf", "-inf", "0x10", "1 2", "--1", "e5", "-"};
        double x;

        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                ck_assert_int_eq(number_parse(bad[i], &x), -EINVAL);
        ck_assert_int_eq(number_parse("1e999", &x), -ERANGE);
        ck_assert_int_eq(number_parse(" -4.5e1\n", &x), 0);
        ck_assert(x == -45);
        ck_assert_int_eq(number_parse(".5", &x), 0);
        ck_assert(x == 0.5);
}
END_TEST

START_TEST(fixed_decimals_are_as_many_as_asked)
{
        static const struct {
                double x;
                unsigned decimals;
                const char *text;
        } cases[] = {
                {12.344, 2, "12.34"}, {12.346, 2, "12.35"}, {3, 2, "3.00"}, {-0.5, 0, "-0"}, {1.5, 0, "2"},
                {0.1, 20, "0.100000000000000"},
        };
        char text[NUMBER_FIXED_TEXT_MAX];

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                ck_assert_uint_eq(number_format_fixed(cases[i].x, cases[i].decimals, text), strlen(cases[i].text));
                ck_assert_str_eq(text, cases[i].text);
        }
        ck_assert_uint_eq(number_format_fixed(-1.7976931348623157e308, NUMBER_DECIMALS_MAX, text), 1 + 309 + 16);
}
END_TEST

START_TEST(a_number_is_rounded_to_what_it_means)
{
        static const struct {
                double x;
                unsigned decimals;
                double rounded;
        } cases[] = {
                {25.0026703256, 2, 25}, {-0.126, 2, -0.13}, {24.68 - 1e-14, 2, 24.68}, {1e300, 9, 1e300}, {0.5, 1, 0.5},
                {1e-12, 9, 0}, {123456789.987654321, 9, 123456789.987654321}, {21.5, 0, 22},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                ck_assert_double_eq(number_rounded(cases[i].x, cases[i].decimals), cases[i].rounded);
        ck_assert(!signbit(number_rounded(-0.3, 0)));
        ck_assert_double_eq(number_rounded(5, 400), 5); /* a power that no number holds */
}
END_TEST

START_TEST(a_number_has_the_decimals_that_somebody_wrote)
{
        static const struct {
                double x;
                unsigned decimals;
        } cases[] = {
                {0, 0}, {-3, 0}, {21.5, 1}, {-0.001, 3}, {3 * 0.1, 1}, {48312 * 0.001, 3}, {1e-7, 7}, {1.1 * 100, 0},
                {1e300, 0}, {64 / 3.0, 16}, {1e-20, 16}, {(double)21.3F, 16}, {0.123456789012, 12},
                {1763647200.123, 3},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                ck_assert_msg(number_decimals(cases[i].x) == cases[i].decimals, "%.17g: %u", cases[i].x,
                              number_decimals(cases[i].x));
        for (unsigned raw = 0; raw < 200000; raw++) /* a file in thousandths, as a channel's scale makes it whole */
                insist(number_decimals(raw * 0.001) <= 3);
}
END_TEST

START_TEST(a_mean_has_a_decimal_more_for_each_digit_of_their_number)
{
        ck_assert_double_eq(number_mean(64 / 3.0, 3, 0), 21.3);
        ck_assert_double_eq(number_mean(64 / 3.0, 9, 1), 21.33);
        ck_assert_double_eq(number_mean(64 / 3.0, 10, 1), 21.333);
        ck_assert_double_eq(number_mean(64 / 3.0, 3, 14), 64 / 3.0); /* a double has no more itself */
        ck_assert_double_eq(number_mean(64 / 3.0, 3, NUMBER_DECIMALS_MAX + 1), 64 / 3.0);
        ck_assert_double_eq(number_mean(1e-20, 1, NUMBER_DECIMALS_MAX + 1), 1e-20);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("base/number");
        TCase *c = suite_case(s, "doubles as text");

        tcase_add_test(c, number_is_the_shortest_decimal);
        tcase_add_test(c, any_double_reads_back);
        tcase_add_test(c, fixed_decimals_are_as_many_as_asked);
        tcase_add_test(c, only_decimals_are_numbers);
        tcase_add_test(c, a_number_is_rounded_to_what_it_means);
        tcase_add_test(c, a_mean_has_a_decimal_more_for_each_digit_of_their_number);
        tcase_add_test(c, a_number_has_the_decimals_that_somebody_wrote);
        return suite_run(s);
}
