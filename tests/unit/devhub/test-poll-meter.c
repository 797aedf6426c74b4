/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/dps/poll-meter.h"

#include <stdio.h>

#include "suite.h"

#define S USEC_PER_SEC

static PollMeter *meter;

static void setup(void)
{
        ck_assert_int_eq(poll_meter_new(&meter), 0);
}

static void teardown(void)
{
        meter = poll_meter_free(meter);
}

START_TEST(five_within_ten_seconds)
{
        for (usec_t i = 0; i < POLL_METER_MAX; i++)
                ck_assert_uint_eq(poll_meter_take(meter, "dev1", (100 + i) * S), 0);
        ck_assert_uint_eq(poll_meter_take(meter, "dev1", 105 * S), 5 * S);
        /* whom it is told to wait is not counted */
        ck_assert_uint_eq(poll_meter_take(meter, "dev1", 109 * S), S);
        ck_assert_uint_eq(poll_meter_take(meter, "dev1", 110 * S), 0);
        ck_assert_uint_eq(poll_meter_take(meter, "dev1", 110 * S), S);
        ck_assert_uint_eq(poll_meter_take(meter, "dev1", 111 * S), 0);
}
END_TEST

START_TEST(each_device_for_itself)
{
        char name[16];

        for (int i = 0; i < 50; i++) {
                (void)snprintf(name, sizeof(name), "dev%d", i);
                for (int k = 0; k < POLL_METER_MAX; k++)
                        ck_assert_uint_eq(poll_meter_take(meter, name, 100 * S), 0);
        }
        for (int i = 0; i < 50; i++) {
                (void)snprintf(name, sizeof(name), "dev%d", i);
                ck_assert_uint_eq(poll_meter_take(meter, name, 101 * S), 9 * S);
        }
        /* all are forgotten */
        ck_assert_uint_eq(poll_meter_take(meter, "dev0", 110 * S), 0);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("devhub/poll-meter");
        TCase *c = suite_case(s, "polls");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, five_within_ten_seconds);
        tcase_add_test(c, each_device_for_itself);
        return suite_run(s);
}
