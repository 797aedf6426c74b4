/* SPDX-License-Identifier: Apache-2.0 */
#include "base/iso-time.h"

#include <errno.h>

#include "suite.h"

START_TEST(instants_are_written_in_utc_with_milliseconds)
{
        static const struct {
                usec_t usec;
                const char *text;
        } cases[] = {
                {0, "1970-01-01T00:00:00.000Z"},
                {1767225600123999, "2026-01-01T00:00:00.123Z"},
                {1709164800 * USEC_PER_SEC, "2024-02-29T00:00:00.000Z"},
                {(((usec_t)1 << 31) - 1) * USEC_PER_SEC, "2038-01-19T03:14:07.000Z"},
                {((usec_t)1 << 31) * USEC_PER_SEC, "2038-01-19T03:14:08.000Z"},
                {((usec_t)1 << 32) * USEC_PER_SEC + 5000, "2106-02-07T06:28:16.005Z"},
                {253402300799999999, "9999-12-31T23:59:59.999Z"},
                {USEC_INFINITY, "9999-12-31T23:59:59.999Z"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char text[ISO_TIME_MAX];

                ck_assert_uint_eq(iso_time_format(cases[i].usec, text), 24);
                ck_assert_str_eq(text, cases[i].text);
        }
}
END_TEST

START_TEST(seven_digits_for_readers_that_take_no_other_form)
{
        char text[ISO_TIME_MAX];

        ck_assert_uint_eq(iso_time_format_7(1767225600000001, text), 28);
        ck_assert_str_eq(text, "2026-01-01T00:00:00.0000010Z");
        ck_assert_uint_eq(iso_time_format_7(1767225600123456, text), 28);
        ck_assert_str_eq(text, "2026-01-01T00:00:00.1234560Z");
        ck_assert_uint_eq(iso_time_format_7(USEC_INFINITY, text), 28);
        ck_assert_str_eq(text, "9999-12-31T23:59:59.9999990Z");
}
END_TEST

START_TEST(text_is_read_back)
{
        static const struct {
                const char *text;
                usec_t usec;
        } cases[] = {
                {"1970-01-01T00:00:00Z", 0},
                {"2026-01-01T00:00:00.123Z", 1767225600123000},
                {"2026-01-01T00:00:00.1234567Z", 1767225600123456},
                {"2026-01-01T00:00Z", 1767225600000000},
                {"2026-01-01T01:00:00+01:00", 1767225600000000},
                {"2025-12-31T19:30:00-04:30", 1767225600000000},
                {"2024-02-29T00:00:00Z", 1709164800 * USEC_PER_SEC},
                {"9999-12-31T23:59:59.999Z", 253402300799999000},
        };
        static const char *const bad[] = {
                "",           "now",  "2026-01-01", "2026-01-01T00:00:00",  "2026-01-01 00:00:00Z", "2026-13-01T00:00:00Z",
                "2026-00-01T00:00:00Z", "2025-02-29T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
                "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00Zx", "2026-1-1T00:00:00Z", "1969-02-29T00:00:00Z",
                "0000-00-01T00:00:00Z", "2026-01-01T00:00:00+1", "-026-01-01T00:00:00Z",
        };
        static const char *const early[] = {
                "1969-12-31T23:59:59.999Z", "1970-01-01T00:00:00+01:00", "0001-01-01T00:00:00Z", "0000-01-01T00:00Z",
                "1968-02-29T12:00:00Z",
        };
        usec_t usec;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                ck_assert_msg(iso_time_parse(cases[i].text, &usec) == 0, "%s", cases[i].text);
                ck_assert_uint_eq(usec, cases[i].usec);
        }
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                ck_assert_msg(iso_time_parse(bad[i], &usec) == -EINVAL, "%s", bad[i]);
        for (size_t i = 0; i < ARRAY_SIZE(early); i++)
                ck_assert_msg(iso_time_parse(early[i], &usec) == -ERANGE, "%s", early[i]);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("base/iso-time");
        TCase *c = suite_case(s, "instants as text");

        tcase_add_test(c, instants_are_written_in_utc_with_milliseconds);
        tcase_add_test(c, seven_digits_for_readers_that_take_no_other_form);
        tcase_add_test(c, text_is_read_back);
        return suite_run(s);
}
