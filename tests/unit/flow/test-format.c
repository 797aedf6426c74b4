/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/format.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "log-capture.h"
#include "queue/notices.h"
#include "suite.h"

#define WALL 1767225600123000

static const Channel wind_channels[] = {
        {"windSpeed", {.kind = VALUE_NUMBER, .number = 12.344}},
        {"gust", {.kind = VALUE_INTEGER, .integer = 20}},
};
static const Reading wind = {.sensor = "wind", .channels = wind_channels, .n_channels = 2};

static Format *format_of(StreamSettings settings)
{
        Format *f;

        ck_assert_int_eq(format_new(&f, &settings), 0);
        return f;
}

static const char *property(const Message *m, const char *name)
{
        for (size_t i = 0; i < m->n_properties; i++)
                if (strcmp(m->properties[i].name, name) == 0)
                        return m->properties[i].value;
        return NULL;
}

START_TEST(a_pack_names_stream_epoch_and_range)
{
        _cleanup_(format_freep) Format *f = NULL;
        _cleanup_(message_freep) Message *m = NULL;
        Cargo cargo = {.epoch = 0xabc, .first = 7, .last = 12, .wall_usec = WALL, .device = "gw"};

        ck_assert_int_eq(format_new_usual(&f, "telemetry"), 0);
        ck_assert_int_eq(format_pack(f, &cargo, &m), 0);
        ck_assert_str_eq(m->message_id, "telemetry.0000000000000abc.7-12");
        ck_assert_str_eq(m->content_type, "application/json");
        ck_assert_str_eq(m->content_encoding, "utf-8");
        ck_assert_str_eq(m->stream, "telemetry");
        ck_assert_uint_eq(m->created_usec, WALL);
        ck_assert_uint_eq(m->n_properties, 0);
        ck_assert_uint_eq(m->body.size, 0);
}
END_TEST

START_TEST(the_tutorial_is_reproduced)
{
        Property properties[] = {{(char *)"Property", (char *)"PropMsg_${count}"}};
        _cleanup_(format_freep) Format *f = format_of((StreamSettings){
                .name = "wind",
                .format = STREAM_OBJECT,
                .body = (char *)"{\"deviceId\": \"${device}\",\"windSpeed\": ${value:.2f}}",
                .message_id = (char *)"message_${count}",
                .correlation_id = (char *)"correlation_${count}",
                .properties = properties,
                .n_properties = 1,
        });
        _cleanup_(message_freep) Message *m = NULL;
        Cargo cargo = {.epoch = 1, .first = 3, .last = 3, .wall_usec = WALL, .device = "gw-17"};

        ck_assert_int_eq(format_reading(f, &cargo, &wind, &m), 0);
        ck_assert_str_eq(m->message_id, "message_3");
        ck_assert_str_eq(m->correlation_id, "correlation_3");
        ck_assert_str_eq(property(m, "Property"), "PropMsg_3");
        ck_assert_str_eq(property(m, "hl"), "wind.0000000000000001.3-3");
        ck_assert_str_eq(m->body.data, "{\"deviceId\": \"gw-17\",\"windSpeed\": 12.34}");
        ck_assert_ptr_null(property(m, "hl-backfill"));
}
END_TEST

START_TEST(without_a_template_an_object_has_all_channels)
{
        _cleanup_(format_freep) Format *f = format_of((StreamSettings){.name = "w", .format = STREAM_OBJECT});
        _cleanup_(message_freep) Message *m = NULL;
        Cargo cargo = {.epoch = 1, .first = 3, .last = 3, .backfill = true};

        ck_assert_int_eq(format_reading(f, &cargo, &wind, &m), 0);
        ck_assert_str_eq(m->body.data, "{\"windSpeed\":12.344,\"gust\":20}");
        ck_assert_str_eq(m->message_id, "w.0000000000000001.3-3");
        ck_assert_str_eq(property(m, "hl-backfill"), "1");
        ck_assert_ptr_null(property(m, "hl"));
}
END_TEST

START_TEST(telemetry_tells_its_component_and_a_notice_does_not)
{
        _cleanup_(format_freep) Format *f = format_of((StreamSettings){.name = "w", .component = "thermostat1"});
        _cleanup_(message_freep) Message *pack = NULL, *one = NULL, *own = NULL, *notice = NULL;
        Cargo cargo = {.epoch = 1, .first = 3, .last = 3};
        _cleanup_(buffer_done) Buffer record = BUFFER_NULL;
        uint8_t lost[NOTICE_BYTES_MAX];
        size_t size;
        Message bare = {};

        ck_assert_int_eq(format_pack(f, &cargo, &pack), 0);
        ck_assert_str_eq(pack->component, "thermostat1");
        ck_assert_int_eq(format_reading(f, &cargo, &wind, &one), 0);
        ck_assert_str_eq(one->component, "thermostat1");
        message_encode(&bare, &record);
        ck_assert_int_eq(format_message(f, &cargo, record.data, record.size, &own), 0);
        ck_assert_str_eq(own->component, "thermostat1");
        size = notice_encode(OUTCOME_EXPIRED, &(NoticeRange){1, 2}, 1, lost);
        ck_assert_int_eq(format_notice(f, &cargo, lost, size, &notice), 0);
        ck_assert_str_eq(notice->component, "");
}
END_TEST

START_TEST(a_message_id_holds_only_what_the_hub_takes)
{
        _cleanup_(format_freep) Format *f = format_of((StreamSettings){
                .name = "w", .format = STREAM_OBJECT, .message_id = (char *)"${unit} ${value}/${count}-'x'\xc3\xbc"});
        _cleanup_(format_freep) Format *lengthy = format_of((StreamSettings){
                .name = "w", .format = STREAM_OBJECT,
                .message_id = (char *)"0123456789012345678901234567890123456789012345678901234567890123456789"
                                      "012345678901234567890123456789012345678901234567890123456789"});
        _cleanup_(message_freep) Message *m = NULL, *n = NULL;
        Cargo cargo = {.epoch = 1, .first = 3, .last = 3, .unit = "m/s"};

        ck_assert_int_eq(format_reading(f, &cargo, &wind, &m), 0);
        ck_assert_str_eq(m->message_id, "m_s_12.344_3-'x'__");
        ck_assert_int_eq(format_reading(lengthy, &cargo, &wind, &n), 0);
        ck_assert_uint_eq(strlen(n->message_id), 128);
}
END_TEST

START_TEST(the_overhead_of_a_pack_is_never_guessed_too_small)
{
        Property properties[] = {{(char *)"device", (char *)"${device}"}, {(char *)"n", (char *)"${count}"}};
        _cleanup_(format_freep) Format *f = format_of((StreamSettings){
                .name = "telemetry", .properties = properties, .n_properties = 2, .message_id = (char *)"x${count}"});

        for (uint64_t first = 1; first < 10000000000; first = first * 3 + 1)
                for (int backfill = 0; backfill < 2; backfill++) {
                        Cargo cargo = {.epoch = ~0u, .first = first, .last = first, .backfill = backfill,
                                       .device = "gw", .wall_usec = WALL};
                        size_t overhead;

                        ck_assert_int_eq(format_overhead(f, &cargo, &overhead), 0);
                        for (cargo.last = first; cargo.last < first + 2000; cargo.last += 400) {
                                _cleanup_(message_freep) Message *m = NULL;

                                ck_assert_int_eq(format_pack(f, &cargo, &m), 0);
                                ck_assert_uint_le(message_size(m), overhead);
                                ck_assert_uint_le(overhead, message_size(m) + 16);
                        }
                }
}
END_TEST

START_TEST(a_services_own_message_goes_as_it_is)
{
        _cleanup_(format_freep) Format *f = format_of((StreamSettings){
                .name = "telemetry", .format = STREAM_OBJECT, .message_id = (char *)"m", .body = (char *)"x"});
        _cleanup_(message_freep) Message *own = calloc(1, sizeof(*own)), *m = NULL;
        Cargo cargo = {.epoch = 1, .first = 9, .last = 9, .backfill = true, .wall_usec = WALL};
        Buffer record = BUFFER_NULL;

        own->content_type = strdup("text/plain");
        own->correlation_id = strdup("c7");
        ck_assert_int_eq(message_add_property(own, "a", "1"), 0);
        buffer_append(&own->body, "\0\1body", 6);
        message_encode(own, &record);
        ck_assert_int_eq(format_message(f, &cargo, record.data, record.size, &m), 0);
        ck_assert_str_eq(m->message_id, "telemetry.0000000000000001.9-9");
        ck_assert_str_eq(m->content_type, "text/plain");
        ck_assert_ptr_null(m->content_encoding);
        ck_assert_str_eq(m->correlation_id, "c7");
        ck_assert_str_eq(property(m, "a"), "1");
        ck_assert_str_eq(property(m, "hl-backfill"), "1");
        ck_assert_mem_eq(m->body.data, "\0\1body", 6);
        ck_assert_int_eq(format_message(f, &cargo, "garbage", 7, &m), -EBADMSG);
        buffer_done(&record);
}
END_TEST

START_TEST(a_notice_tells_what_went)
{
        static const NoticeRange ranges[] = {{7, 9}, {12, 12}};
        _cleanup_(format_freep) Format *f = format_of((StreamSettings){
                .name = "telemetry", .format = STREAM_OBJECT, .message_id = (char *)"m", .body = (char *)"x"});
        _cleanup_(message_freep) Message *m = NULL;
        Cargo cargo = {.epoch = 0xe1, .first = 20, .last = 20, .wall_usec = WALL};
        uint8_t record[NOTICE_BYTES_MAX];
        size_t size = notice_encode(OUTCOME_QUEUE_FULL, ranges, ARRAY_SIZE(ranges), record);

        ck_assert_int_eq(format_notice(f, &cargo, record, size, &m), 0);
        ck_assert_str_eq(m->message_id, "telemetry.00000000000000e1.20-20");
        ck_assert_str_eq(m->content_type, "application/json");
        ck_assert_str_eq(m->content_encoding, "utf-8");
        ck_assert_str_eq(property(m, "hl-notice"), "1");
        ck_assert_str_eq(m->body.data, "{\"stream\":\"telemetry\",\"epoch\":\"00000000000000e1\","
                                       "\"ranges\":[[7,9],[12,12]],\"reason\":\"queue-full\"}");
        for (size_t cut = 0; cut < size; cut++)
                ck_assert_int_eq(format_notice(f, &cargo, record, cut, &m), -EBADMSG);
}
END_TEST

START_TEST(a_bad_template_is_an_error_that_says_where)
{
        LogCapture log;
        Format *f;

        log_capture_begin(&log);
        ck_assert_int_eq(format_new(&f, &(StreamSettings){.name = "w", .body = (char *)"${x}"}), -EINVAL);
        ck_assert(log_capture_has(&log, "Stream w has a bad template: at character 1: no such variable"));
        log_capture_end(&log);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/format");
        TCase *c = suite_case(s, "records dressed as messages");

        tcase_add_test(c, a_pack_names_stream_epoch_and_range);
        tcase_add_test(c, the_tutorial_is_reproduced);
        tcase_add_test(c, without_a_template_an_object_has_all_channels);
        tcase_add_test(c, telemetry_tells_its_component_and_a_notice_does_not);
        tcase_add_test(c, a_message_id_holds_only_what_the_hub_takes);
        tcase_add_test(c, the_overhead_of_a_pack_is_never_guessed_too_small);
        tcase_add_test(c, a_services_own_message_goes_as_it_is);
        tcase_add_test(c, a_notice_tells_what_went);
        tcase_add_test(c, a_bad_template_is_an_error_that_says_where);
        return suite_run(s);
}
