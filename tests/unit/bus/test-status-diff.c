/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/status-diff.h"

#include <string.h>

#include "suite.h"

#define EVERYTHING (MANAGER_LINK_PROPERTIES | MANAGER_COUNTERS)

static Status some_status(void)
{
        return (Status){.version = "1", .hub = "hub", .device_id = "gw", .link_detail = "", .queue.disk_error = ""};
}

/* One change, the properties that it shows in. */
#define CHANGES(change, properties)                                                                         \
        do {                                                                                                \
                Status s = some_status();                                                                   \
                ManagerTold told = {};                                                                      \
                                                                                                            \
                (void)manager_diff(&told, &s, EVERYTHING);                                                  \
                ck_assert_uint_eq(manager_diff(&told, &s, EVERYTHING), 0);                                  \
                change;                                                                                     \
                ck_assert_uint_eq(manager_diff(&told, &s, EVERYTHING), (properties));                       \
                ck_assert_uint_eq(manager_diff(&told, &s, EVERYTHING), 0);                                  \
        } while (0)

START_TEST(each_change_shows_where_it_belongs)
{
        static const RaisedAlarm alarm = {"cpu", "temperature", "above", 80, 7};

        CHANGES(s.link_state = LINK_CONNECTED, 1u << MANAGER_LINK_STATE);
        CHANGES(s.link_reason = LINK_REASON_NAME, 1u << MANAGER_LINK_REASON);
        CHANGES(s.link_detail = "no route", 1u << MANAGER_LINK_DETAIL);
        CHANGES(s.link_since_usec = 5, 1u << MANAGER_LINK_SINCE);
        CHANGES(s.next_attempt_usec = 5, 1u << MANAGER_NEXT_ATTEMPT);
        CHANGES(s.hub = "hug", 1u << MANAGER_HUB);
        CHANGES(s.device_id = "", 1u << MANAGER_DEVICE_ID);
        CHANGES(s.busy = true, 1u << MANAGER_SEND_STATE);
        CHANGES(s.queue.records = 1, 1u << MANAGER_QUEUE_RECORDS);
        CHANGES(s.queue.bytes = 1, 1u << MANAGER_QUEUE_BYTES);
        CHANGES(s.queue.disk_state = DISK_FULL, 1u << MANAGER_DISK_STATE);
        CHANGES(s.queue.fill = 0.5, 0);
        CHANGES(s.queue.disk_error = "full", 1u << MANAGER_DISK_ERROR);
        CHANGES(s.in_flight = 1, 1u << MANAGER_IN_FLIGHT);
        CHANGES(s.last_acknowledged_usec = 1, 1u << MANAGER_LAST_ACKNOWLEDGED);
        CHANGES(s.ledger.accepted = 1, 1u << MANAGER_LEDGER);
        CHANGES(s.queue.oldest_age_usec = 1, 0); /* grows by itself */
        for (int o = 0; o < _OUTCOME_MAX; o++)
                CHANGES(s.ledger.settled[o] = 1,
                        1u << MANAGER_LEDGER | (outcome_is_drop((Outcome)o) ? 1u << MANAGER_DROPPED : 0));
        for (int r = 0; r < _REFUSAL_MAX; r++)
                CHANGES(s.refused[r] = 1, 1u << MANAGER_REFUSED);
        CHANGES(s.malformed_orders = 1, 1u << MANAGER_MALFORMED_ORDERS);
        CHANGES(s.orders = 1, 1u << MANAGER_ORDERS);
        CHANGES(s.method_changes = 1, 1u << MANAGER_METHOD_CHANGES);
        CHANGES(s.settings_problem = "x:1: bad", 1u << MANAGER_SETTINGS_PROBLEM);
        CHANGES(s.state_problem = "/x cannot be read", 1u << MANAGER_STATE_PROBLEM);
        CHANGES(s.queue_problem = "/q/normal-newer-1: not served", 1u << MANAGER_QUEUE_PROBLEM);
        CHANGES(s.metrics_problem = "there is no socket", 1u << MANAGER_METRICS_PROBLEM);
        CHANGES(s.twin.problem = "valve is not taken over", 1u << MANAGER_TWIN_PROBLEM);
        CHANGES((s.alarms = &alarm, s.n_alarms = 1), 1u << MANAGER_ALARMS);
}
END_TEST

START_TEST(the_link_is_told_without_the_counters)
{
        Status s = some_status();
        ManagerTold told = {};

        (void)manager_diff(&told, &s, EVERYTHING);
        s.link_state = LINK_WAITING;
        s.queue.records = 3;
        ck_assert_uint_eq(manager_diff(&told, &s, MANAGER_LINK_PROPERTIES), 1u << MANAGER_LINK_STATE);
        ck_assert_uint_eq(manager_diff(&told, &s, MANAGER_COUNTERS), 1u << MANAGER_QUEUE_RECORDS);
        ck_assert_uint_eq(MANAGER_LINK_PROPERTIES & MANAGER_COUNTERS, 0);
        ck_assert_uint_eq(EVERYTHING, (1u << _MANAGER_PROPERTY_MAX) - 1);
}
END_TEST

START_TEST(names_of_the_set)
{
        const char *names[_MANAGER_PROPERTY_MAX + 1], *sensor_names[_SENSOR_PROPERTY_MAX + 1];

        manager_property_names(1u << MANAGER_LINK_STATE | 1u << MANAGER_REFUSED, names);
        ck_assert_str_eq(names[0], "LinkState");
        ck_assert_str_eq(names[1], "Refused");
        ck_assert_ptr_null(names[2]);
        manager_property_names(EVERYTHING, names);
        for (int i = 0; i < _MANAGER_PROPERTY_MAX; i++)
                ck_assert_ptr_nonnull(names[i]);
        ck_assert_ptr_null(names[_MANAGER_PROPERTY_MAX]);
        sensor_property_names((1u << _SENSOR_PROPERTY_MAX) - 1, sensor_names);
        for (int i = 0; i < _SENSOR_PROPERTY_MAX; i++)
                ck_assert_ptr_nonnull(sensor_names[i]);
        ck_assert_ptr_null(sensor_names[_SENSOR_PROPERTY_MAX]);
}
END_TEST

START_TEST(a_sensors_changes)
{
        Channel values[] = {{"a", {.kind = VALUE_NUMBER, .number = 1.5}},
                            {"b", {.kind = VALUE_TEXT, .text = "on"}}};
        const char *units[] = {"Cel", NULL};
        SensorStatus s = {.name = "x", .driver = "file", .values = values, .n_values = 2, .units = units,
                          .last_error = ""};
        SensorTold told = {};

        (void)sensor_diff(&told, &s);
        ck_assert_uint_eq(sensor_diff(&told, &s), 0);
        values[0].value.number = 1.25;
        ck_assert_uint_eq(sensor_diff(&told, &s), 1u << SENSOR_PROPERTY_VALUES);
        values[1].value.text = "off";
        ck_assert_uint_eq(sensor_diff(&told, &s), 1u << SENSOR_PROPERTY_VALUES);
        values[0].value = (Value){.kind = VALUE_INTEGER, .integer = 1};
        ck_assert_uint_eq(sensor_diff(&told, &s), 1u << SENSOR_PROPERTY_VALUES);
        units[1] = "V";
        ck_assert_uint_eq(sensor_diff(&told, &s), 1u << SENSOR_PROPERTY_UNITS);
        s.state = SENSOR_FAILING;
        s.errors = 1;
        s.faults[SENSOR_FAULT_NAK] = 1;
        s.last_error = "gone";
        ck_assert_uint_eq(sensor_diff(&told, &s), 1u << SENSOR_PROPERTY_STATE | 1u << SENSOR_PROPERTY_ERRORS |
                                                          1u << SENSOR_PROPERTY_ERROR_KINDS |
                                                          1u << SENSOR_PROPERTY_LAST_ERROR);
        s.time_usec = 9;
        s.interval_usec = 9;
        ck_assert_uint_eq(sensor_diff(&told, &s), 1u << SENSOR_PROPERTY_TIME | 1u << SENSOR_PROPERTY_INTERVAL);
        s.units = NULL;
        s.n_values = 0;
        ck_assert_uint_eq(sensor_diff(&told, &s), 1u << SENSOR_PROPERTY_VALUES | 1u << SENSOR_PROPERTY_UNITS);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("bus/status-diff");
        TCase *c = suite_case(s, "only what changed is told");

        tcase_add_test(c, each_change_shows_where_it_belongs);
        tcase_add_test(c, the_link_is_told_without_the_counters);
        tcase_add_test(c, names_of_the_set);
        tcase_add_test(c, a_sensors_changes);
        return suite_run(s);
}
