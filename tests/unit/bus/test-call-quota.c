/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/call-quota.h"

#include <stdio.h>

#include "suite.h"

START_TEST(one_sender_has_its_share)
{
        CallQuota q = {};

        for (int i = 0; i < CALL_QUOTA_SENDER; i++)
                ck_assert_int_eq(call_quota_take(&q, ":1.1"), 0);
        ck_assert_int_eq(call_quota_take(&q, ":1.1"), CALL_QUOTA_E_SENDER);
        ck_assert_int_eq(call_quota_take(&q, ":1.2"), 0);
        call_quota_give(&q, ":1.1");
        ck_assert_int_eq(call_quota_take(&q, ":1.1"), 0);
        ck_assert_int_eq(call_quota_take(&q, ":1.1"), CALL_QUOTA_E_SENDER);
        call_quota_done(&q);
}
END_TEST

START_TEST(all_together_have_a_limit_too)
{
        CallQuota q = {};
        char name[32];

        for (int i = 0; i < CALL_QUOTA_ALL; i++) {
                (void)snprintf(name, sizeof(name), ":1.%d", i);
                ck_assert_int_eq(call_quota_take(&q, name), 0);
        }
        ck_assert_int_eq(call_quota_take(&q, ":1.0"), CALL_QUOTA_E_ALL);
        ck_assert_int_eq(call_quota_take(&q, ":9.9"), CALL_QUOTA_E_ALL);
        call_quota_give(&q, ":1.500");
        ck_assert_int_eq(call_quota_take(&q, ":9.9"), 0);
        ck_assert_int_eq(call_quota_take(&q, ":1.0"), CALL_QUOTA_E_ALL);
        call_quota_done(&q);
}
END_TEST

/* A gateway runs for years and unique names never come back. */
START_TEST(senders_without_calls_leave_nothing)
{
        CallQuota q = {};
        char name[32];

        for (int i = 0; i < 10000; i++) {
                (void)snprintf(name, sizeof(name), ":1.%d", i);
                ck_assert_int_eq(call_quota_take(&q, name), 0);
                ck_assert_int_eq(call_quota_take(&q, name), 0);
                call_quota_give(&q, name);
                ck_assert_uint_eq(q.n_senders, 1);
                call_quota_give(&q, name);
                ck_assert_uint_eq(q.n_senders, 0);
                ck_assert_uint_eq(q.n_calls, 0);
        }
        call_quota_done(&q);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("bus/call-quota");
        TCase *c = suite_case(s, "calls that wait are bounded");

        tcase_add_test(c, one_sender_has_its_share);
        tcase_add_test(c, all_together_have_a_limit_too);
        tcase_add_test(c, senders_without_calls_leave_nothing);
        return suite_run(s);
}
