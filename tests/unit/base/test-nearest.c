/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nearest.h"

#include <limits.h>
#include <string.h>

#include "suite.h"

START_TEST(distances)
{
        ck_assert_uint_eq(nearest_distance("", ""), 0);
        ck_assert_uint_eq(nearest_distance("", "abc"), 3);
        ck_assert_uint_eq(nearest_distance("interval", "interval"), 0);
        ck_assert_uint_eq(nearest_distance("Interval", "interval"), 0);
        ck_assert_uint_eq(nearest_distance("intreval", "interval"), 1); /* neighbours swapped */
        ck_assert_uint_eq(nearest_distance("intervall", "interval"), 1);
        ck_assert_uint_eq(nearest_distance("nterval", "interval"), 1);
        ck_assert_uint_eq(nearest_distance("inteval", "interval"), 1);
        ck_assert_uint_eq(nearest_distance("kitten", "sitting"), 3);
        ck_assert_uint_eq(nearest_distance("abc",
                                           "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnop"),
                          UINT_MAX);
}
END_TEST

static const char *nearest_of(const char *wanted, const char *const *words)
{
        Nearest n = nearest_begin(wanted);

        for (; *words; words++)
                nearest_offer(&n, *words);
        return n.found;
}

START_TEST(a_suggestion_only_where_one_helps)
{
        static const char *const words[] = {"address", "bus", "bytes", "interval", "path", NULL};

        ck_assert_str_eq(nearest_of("adress", words), "address");
        ck_assert_str_eq(nearest_of("intervall", words), "interval");
        ck_assert_str_eq(nearest_of("byte", words), "bytes");
        ck_assert_str_eq(nearest_of("BUS", words), "bus");
        ck_assert_ptr_null(nearest_of("temperature", words));
        ck_assert_ptr_null(nearest_of("x", words));
}
END_TEST

int main(void)
{
        Suite *s = suite_create("base/nearest");
        TCase *c = suite_case(s, "the word that was meant");

        tcase_add_test(c, distances);
        tcase_add_test(c, a_suggestion_only_where_one_helps);
        return suite_run(s);
}
