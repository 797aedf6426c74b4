/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/twin-facts.h"

#include "suite.h"

static void check(SensorState state, const char *expected)
{
        SensorStatus room = {.name = "room", .driver = "i2c", .state = state};
        const SensorStatus *sensors[] = {&room};
        const Status status = {.version = "1", .sensors = sensors, .n_sensors = 1};
        _cleanup_(document_freep) Document *facts = NULL;
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;

        ck_assert_int_eq(twin_facts(&status, 0, false, &facts), 0);
        document_write(document_member(facts, "sensors"), &text);
        ck_assert_str_eq(text.data, expected);
}

START_TEST(a_sensor_is_told_with_its_state)
{
        check(SENSOR_OK, "{\"room\":{\"driver\":\"i2c\",\"state\":\"ok\"}}");
        check(SENSOR_FAILING, "{\"room\":{\"driver\":\"i2c\",\"state\":\"failing\"}}");
        check(SENSOR_STALE, "{\"room\":{\"driver\":\"i2c\",\"state\":\"stale\"}}");
}
END_TEST

/* Whoever looks at the twin after a restart takes "stopped" for a fault. */
START_TEST(of_one_that_was_not_read_yet_no_state_is_told)
{
        check(SENSOR_STOPPED, "{\"room\":{\"driver\":\"i2c\"}}");
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/twin-facts");
        TCase *c = suite_case(s, "what the daemon tells of itself");

        tcase_add_test(c, a_sensor_is_told_with_its_state);
        tcase_add_test(c, of_one_that_was_not_read_yet_no_state_is_told);
        return suite_run(s);
}
