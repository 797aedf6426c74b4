/* SPDX-License-Identifier: Apache-2.0 */

/* The grammar of the text, and what of the facts stands in it. A whole one is read by two other parsers in
 * tests/system/test_metrics.py. */

#include "flow/metrics.h"

#include <string.h>

#include "flow/audit.h"
#include "flow/metric-text.h"
#include "suite.h"

static const MetricFamily family = {"a_bytes", METRIC_COUNTER, "bytes", "Help."};

START_TEST(a_counter_and_its_labels)
{
        Buffer b = BUFFER_NULL;

        metric_family(&b, METRICS_OPEN, &family);
        metric_count(&b, &family, METRIC_LABELS(), UINT64_MAX);
        metric_count(&b, &family, METRIC_LABELS({"x", "a\"b\\c\nd"}, {"y", ""}), 0);
        metric_end(&b, METRICS_OPEN);
        ck_assert_str_eq(b.data, "# TYPE a_bytes counter\n# UNIT a_bytes bytes\n# HELP a_bytes Help.\n"
                                 "a_bytes_total 18446744073709551615\n"
                                 "a_bytes_total{x=\"a\\\"b\\\\c\\nd\",y=\"\"} 0\n# EOF\n");

        /* there the type is that of the sample, or of none */
        buffer_clear(&b);
        metric_family(&b, METRICS_TEXTFILE, &family);
        metric_count(&b, &family, METRIC_LABELS(), 1);
        metric_end(&b, METRICS_TEXTFILE);
        ck_assert_str_eq(b.data, "# TYPE a_bytes_total counter\n# HELP a_bytes_total Help.\na_bytes_total 1\n");
        buffer_done(&b);
}
END_TEST

START_TEST(states_and_words_in_either_form)
{
        static const MetricFamily state = {"s", METRIC_STATES, NULL, "S."}, info = {"i", METRIC_INFO, NULL, "I."};
        static const char *const expected[] = {
                [METRICS_OPEN] = "# TYPE s stateset\n# HELP s S.\ns{s=\"on\"} 1\ns{s=\"off\",of=\"x\"} 0\n"
                                 "# TYPE i info\n# HELP i I.\ni_info{v=\"1\"} 1\n",
                [METRICS_TEXTFILE] = "# TYPE s gauge\n# HELP s S.\ns{s=\"on\"} 1\ns{s=\"off\",of=\"x\"} 0\n"
                                     "# TYPE i_info gauge\n# HELP i_info I.\ni_info{v=\"1\"} 1\n",
        };

        for (MetricsForm form = METRICS_OPEN; form <= METRICS_TEXTFILE; form++) {
                Buffer b = BUFFER_NULL;

                metric_family(&b, form, &state);
                metric_state(&b, &state, (MetricLabel){}, "on", true);
                metric_state(&b, &state, (MetricLabel){"of", "x"}, "off", false);
                metric_family(&b, form, &info);
                metric_count(&b, &info, METRIC_LABELS({"v", "1"}), 1);
                ck_assert_str_eq(b.data, expected[form]);
                buffer_done(&b);
        }
}
END_TEST

static void expect_line(const Buffer *b, const char *line)
{
        const char *at = strstr(b->data, line);

        ck_assert_msg(at && at[-1] == '\n' && at[strlen(line)] == '\n', "no line %s in\n%s", line, b->data);
}

START_TEST(the_facts_stand_in_it)
{
        SensorStatus room = {.name = "room", .state = SENSOR_STALE, .time_usec = 1500000, .faults[SENSOR_FAULT_NAK] = 7},
                     new = {.name = "new", .state = SENSOR_STOPPED};
        const SensorStatus *sensors[] = {&room, &new};
        Status s = {
                .version = "1.2",
                .link_state = LINK_WAITING,
                .link_reason = LINK_REASON_NAME,
                .in_flight = 3,
                .queue = {.records = 5, .oldest_age_usec = 2500000, .disk_state = DISK_FULL},
                .refused[REFUSAL_NAN] = 9,
                .inbox.expired = 4,
                .sensors = sensors,
                .n_sensors = ARRAY_SIZE(sensors),
        };
        HubStatus link = {.connections = 2, .failures[LINK_REASON_NAME] = 11};
        UplinkTraffic traffic = {10, 4097, 8, 9};
        uint64_t calls[AUDIT_HUNDREDS] = {[5] = 6};
        MetricsFacts facts = {.status = &s, .link = &link, .traffic = &traffic, .calls = calls, .wakeups = 12};
        Buffer b = BUFFER_NULL;

        metrics_write(&facts, METRICS_OPEN, &b);
        expect_line(&b, "hublink_build_info{version=\"1.2\"} 1");
        expect_line(&b, "hublink_link_state{hublink_link_state=\"waiting\"} 1");
        expect_line(&b, "hublink_link_state{hublink_link_state=\"connected\"} 0");
        expect_line(&b, "hublink_link_reason{hublink_link_reason=\"name\"} 1");
        expect_line(&b, "hublink_link_connections_total 2");
        expect_line(&b, "hublink_link_failures_total{reason=\"name\"} 11");
        expect_line(&b, "hublink_messages_in_flight 3");
        expect_line(&b, "hublink_messages_sent_total 10");
        expect_line(&b, "hublink_messages_sent_bytes_total 4097");
        expect_line(&b, "hublink_messages_acknowledged_total 8");
        expect_line(&b, "hublink_messages_billed_total 9");
        expect_line(&b, "hublink_queue_records 5");
        expect_line(&b, "hublink_queue_oldest_age_seconds 2.5");
        expect_line(&b, "hublink_disk_state{hublink_disk_state=\"full\"} 1");
        expect_line(&b, "hublink_records_refused_total{reason=\"nan\"} 9");
        expect_line(&b, "hublink_sensor_state{hublink_sensor_state=\"stale\",sensor=\"room\"} 1");
        expect_line(&b, "hublink_sensor_errors_total{sensor=\"room\",kind=\"nak\"} 7");
        expect_line(&b, "hublink_sensor_last_reading_timestamp_seconds{sensor=\"room\"} 1.5");
        ck_assert_ptr_null(strstr(b.data, "hublink_sensor_last_reading_timestamp_seconds{sensor=\"new\"}"));
        ck_assert_ptr_null(strstr(b.data, "hublink_last_acknowledged_timestamp_seconds"));
        expect_line(&b, "hublink_inbox_messages_total{event=\"expired\"} 4");
        expect_line(&b, "hublink_method_calls_total{status=\"5xx\"} 6");
        expect_line(&b, "hublink_wakeups_total 12");
        ck_assert_str_eq(b.data + b.size - 6, "# EOF\n");

        /* of a queue that nobody has seen nothing is told */
        s.queue.unknown = true;
        buffer_clear(&b);
        metrics_write(&facts, METRICS_OPEN, &b);
        ck_assert_ptr_null(strstr(b.data, "hublink_queue_"));
        buffer_done(&b);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/metrics");
        TCase *c = suite_case(s, "OpenMetrics");

        tcase_add_test(c, a_counter_and_its_labels);
        tcase_add_test(c, states_and_words_in_either_form);
        tcase_add_test(c, the_facts_stand_in_it);
        return suite_run(s);
}
