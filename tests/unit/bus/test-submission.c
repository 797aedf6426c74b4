/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/submission.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "fake-clock.h"
#include "suite.h"

static FakeClock fake;

static void setup(void)
{
        fake_clock_init(&fake);
}

static int add(Submission *s, const char *channel, double number, usec_t t)
{
        return submission_add(s, &fake.clock, channel, &(Value){.kind = VALUE_NUMBER, .number = number}, t);
}

START_TEST(equal_times_are_one_reading)
{
        Submission s = {.sensor = "plc"};
        usec_t t = fake.wall_usec;

        ck_assert_int_eq(add(&s, "a", 1, t), 0);
        ck_assert_int_eq(add(&s, "a", 2, t - 1), 0);
        ck_assert_int_eq(add(&s, "b", 3, t), 0);
        ck_assert_int_eq(add(&s, "a", 4, 0), 0);
        ck_assert_int_eq(add(&s, "b", 5, t - 1), 0);
        ck_assert_uint_eq(s.n_readings, 3);
        ck_assert_uint_eq(s.readings[0].wall_usec, t);
        ck_assert_uint_eq(s.readings[0].n_channels, 2);
        ck_assert_str_eq(s.readings[0].sensor, "plc");
        ck_assert_str_eq(s.readings[0].channels[1].name, "b");
        ck_assert(s.readings[0].channels[1].value.number == 3);
        ck_assert_uint_eq(s.readings[1].n_channels, 2);
        ck_assert(s.readings[0].wall_trusted && s.readings[1].wall_trusted);
        ck_assert(!s.readings[2].wall_trusted && s.readings[2].wall_usec == 0);
        submission_done(&s);
}
END_TEST

START_TEST(what_is_refused_changes_nothing)
{
        Submission s = {.sensor = "plc"};
        char long_text[READING_TEXT_MAX + 2];

        memset(long_text, 'x', sizeof(long_text) - 1);
        long_text[sizeof(long_text) - 1] = 0;
        ck_assert_int_eq(add(&s, "9", 1, 0), SUBMISSION_E_NAME);
        ck_assert_int_eq(add(&s, "a", NAN, 0), SUBMISSION_E_NUMBER);
        ck_assert_int_eq(add(&s, "a", -INFINITY, 0), SUBMISSION_E_NUMBER);
        ck_assert_int_eq(submission_add(&s, &fake.clock, "a", &(Value){.kind = VALUE_TEXT, .text = long_text}, 0),
                         SUBMISSION_E_TEXT);
        ck_assert_int_eq(submission_add(&s, &fake.clock, "a", &(Value){.kind = VALUE_TEXT, .text = long_text + 1}, 0),
                         0);
        ck_assert_int_eq(add(&s, "a", 1, 0), SUBMISSION_E_TWICE);
        ck_assert_int_eq(add(&s, "a", 1, 1), SUBMISSION_E_TIME);
        ck_assert_uint_eq(s.n_readings, 1);
        ck_assert_uint_eq(s.n_values, 1);
        submission_done(&s);
}
END_TEST

START_TEST(bounded)
{
        Submission s = {.sensor = "plc"};
        char name[16];

        for (int i = 0; i < READING_CHANNELS_MAX; i++) {
                (void)snprintf(name, sizeof(name), "c%d", i);
                ck_assert_int_eq(add(&s, strdup(name), i, 0), 0);
        }
        ck_assert_int_eq(add(&s, "d", 1, 0), SUBMISSION_E_CHANNELS);
        for (size_t i = 0; i < READING_CHANNELS_MAX; i++)
                free((char *)s.readings[0].channels[i].name);
        submission_done(&s);

        s = (Submission){.sensor = "plc"};
        for (int i = 0; i < SUBMISSION_READINGS_MAX; i++)
                ck_assert_int_eq(add(&s, "a", i, fake.wall_usec - (usec_t)i), 0);
        ck_assert_int_eq(add(&s, "a", 1, 0), SUBMISSION_E_TOO_LARGE);
        ck_assert_int_eq(add(&s, "b", 1, fake.wall_usec), 0);
        submission_done(&s);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("bus/submission");
        TCase *c = suite_case(s, "values become readings");

        tcase_add_checked_fixture(c, setup, NULL);
        tcase_add_test(c, equal_times_are_one_reading);
        tcase_add_test(c, what_is_refused_changes_nothing);
        tcase_add_test(c, bounded);
        return suite_run(s);
}
