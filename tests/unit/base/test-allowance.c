/* SPDX-License-Identifier: Apache-2.0 */
#include "base/allowance.h"

#include "suite.h"

START_TEST(a_burst_and_then_one_each_interval)
{
        for (unsigned burst = 1; burst <= 5; burst++) {
                Allowance a = {burst, 10, 0};
                unsigned n = 0;

                for (usec_t now = 1000; now < 2000; now++)
                        if (now >= allowance_next(&a)) {
                                ck_assert_uint_eq(now, n < burst ? 1000 + n : 1000 + 10 * (n - burst + 1));
                                allowance_spend(&a, now);
                                n++;
                        }
                ck_assert_uint_eq(n, burst + 99);
        }
}
END_TEST

START_TEST(it_grows_back_and_no_further)
{
        Allowance a = {3, 10, 0};

        for (unsigned i = 0; i < 3; i++)
                allowance_spend(&a, 100);
        ck_assert_uint_eq(allowance_next(&a), 110);
        for (unsigned i = 0; i < 3; i++) {
                ck_assert_uint_le(allowance_next(&a), 5000);
                allowance_spend(&a, 5000);
        }
        ck_assert_uint_eq(allowance_next(&a), 5010);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("base/allowance");
        TCase *c = suite_case(s, "so many at once");

        tcase_add_test(c, a_burst_and_then_one_each_interval);
        tcase_add_test(c, it_grows_back_and_no_further);
        return suite_run(s);
}
