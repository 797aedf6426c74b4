/* SPDX-License-Identifier: Apache-2.0 */
#include "base/quantity.h"

#include <errno.h>
#include <string.h>

#include "suite.h"

START_TEST(times_are_read)
{
        static const struct {
                const char *text;
                usec_t usec;
        } cases[] = {
                {"0", 0},
                {"0s", 0},
                {"17", 17 * USEC_PER_SEC},
                {"250us", 250},
                {"200ms", 200 * USEC_PER_MSEC},
                {"10s", 10 * USEC_PER_SEC},
                {"10 s", 10 * USEC_PER_SEC},
                {"5min", 5 * USEC_PER_MIN},
                {"1h", USEC_PER_HOUR},
                {"30d", 30 * USEC_PER_DAY},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                usec_t t;

                ck_assert_int_eq(quantity_parse_time(cases[i].text, &t), 0);
                ck_assert_uint_eq(t, cases[i].usec);
        }
}
END_TEST

START_TEST(sizes_are_read)
{
        uint64_t size;

        ck_assert_int_eq(quantity_parse_size("64K", &size), 0);
        ck_assert_uint_eq(size, 64 * 1024);
        ck_assert_int_eq(quantity_parse_size("256M", &size), 0);
        ck_assert_uint_eq(size, 256 * 1024 * 1024);
        ck_assert_int_eq(quantity_parse_size("3G", &size), 0);
        ck_assert_uint_eq(size, 3ULL << 30);
        ck_assert_int_eq(quantity_parse_size("512B", &size), 0);
        ck_assert_uint_eq(size, 512);
        ck_assert_int_eq(quantity_parse_size("512", &size), 0);
        ck_assert_uint_eq(size, 512);
}
END_TEST

START_TEST(what_is_no_quantity_is_refused)
{
        static const char *const bad[] = {"",    " ",   "s",  "-1s",  "+1s", " 1s",  "1 ",     "1  s", "1m",
                                          "1.5h", "1h ", "1S", "0x1s", "1sec", "1h30min", "10 ss"};
        usec_t t;
        uint64_t size;

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                ck_assert_int_eq(quantity_parse_time(bad[i], &t), -EINVAL);
        ck_assert_int_eq(quantity_parse_size("1s", &size), -EINVAL);
        ck_assert_int_eq(quantity_parse_size("1k", &size), -EINVAL);
        ck_assert_int_eq(quantity_parse_time("18446744073709551615d", &t), -ERANGE);
        ck_assert_int_eq(quantity_parse_time("99999999999999999999s", &t), -ERANGE);
}
END_TEST

START_TEST(what_is_printed_reads_back)
{
        static const struct {
                usec_t usec;
                const char *text;
        } cases[] = {
                {0, "0s"},
                {1, "1us"},
                {90 * USEC_PER_SEC, "90s"},
                {240 * USEC_PER_SEC, "4min"},
                {3600 * USEC_PER_SEC, "1h"},
                {30 * USEC_PER_DAY, "30d"},
                {1500 * USEC_PER_MSEC, "1500ms"},
                {USEC_INFINITY, "never"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                Buffer b = BUFFER_NULL;
                usec_t t;

                quantity_print_time(&b, cases[i].usec);
                ck_assert_str_eq(b.data, cases[i].text);
                if (cases[i].usec != USEC_INFINITY) {
                        ck_assert_int_eq(quantity_parse_time(b.data, &t), 0);
                        ck_assert_uint_eq(t, cases[i].usec);
                }
                buffer_done(&b);
        }
        for (uint64_t size = 0; size < 1 << 22; size += 1021) {
                Buffer b = BUFFER_NULL;
                uint64_t back;

                quantity_print_size(&b, size);
                ck_assert_int_eq(quantity_parse_size(b.data, &back), 0);
                ck_assert_uint_eq(back, size);
                buffer_done(&b);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("base/quantity");
        TCase *c = suite_case(s, "times and sizes");

        tcase_add_test(c, times_are_read);
        tcase_add_test(c, sizes_are_read);
        tcase_add_test(c, what_is_no_quantity_is_refused);
        tcase_add_test(c, what_is_printed_reads_back);
        return suite_run(s);
}
