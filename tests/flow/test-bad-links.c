/* SPDX-License-Identifier: Apache-2.0 */

/* A link that the hub breaks again and again, whatever is on its way then, condemns nobody. */

#include "poison-world.h"
#include "suite.h"

START_TEST(a_quota_condemns_nobody)
{
        world_start(&w);
        add_sensors();
        world_run(&w, USEC_PER_MIN);
        w.break_at = 1;
        world_run(&w, 6 * USEC_PER_HOUR);
        ck_assert_uint_gt(w.n_links, 50);
        assert_nobody_is_condemned();
}
END_TEST

START_TEST(a_throttle_condemns_nobody)
{
        for (unsigned n = 2; n <= 40; n += 1 + n / 3) {
                world_start(&w);
                add_sensors();
                w.break_at = n;
                world_run(&w, 2 * USEC_PER_HOUR);
                assert_nobody_is_condemned();
                poison_world_end();
                poison_world_begin();
        }
}
END_TEST

START_TEST(a_dead_link_condemns_nobody)
{
        world_start(&w);
        add_sensors();
        world_run(&w, USEC_PER_MIN);
        w.withhold_pubacks = true;
        world_run(&w, 12 * USEC_PER_HOUR);
        ck_assert_uint_gt(w.n_links, 10);
        assert_nobody_is_condemned();
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/bad-links");
        TCase *c = suite_case(s, "the hub breaks the link");

        tcase_add_checked_fixture(c, poison_world_begin, poison_world_end);
        tcase_set_timeout(c, 60);
        tcase_add_test(c, a_quota_condemns_nobody);
        tcase_add_test(c, a_throttle_condemns_nobody);
        tcase_add_test(c, a_dead_link_condemns_nobody);
        return suite_run(s);
}
