/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Suite - one main for every Check program
 *
 * A test file ends with
 *
 *     int main(void)
 *     {
 *             Suite *s = suite_create("queue/page");
 *             TCase *c = suite_case(s, "a torn page");
 *             tcase_add_test(c, torn_page_is_passed);
 *             return suite_run(s);
 *     }
 *
 * Results go out as TAP, so that meson counts every test. CK_FORK=no for valgrind.
 */

#include <check.h>

/* As ck_assert(), for inner loops: Check tells its parent of each assertion that it passes, which takes longer
 * than what is tested. */
#define insist(condition)                                                                                            \
        do {                                                                                                         \
                if (!(condition))                                                                                    \
                        ck_abort_msg("%s", #condition);                                                              \
        } while (0)

TCase *suite_case(Suite *s, const char *promise); /* 30 s a test */
int suite_run(Suite *s);
