/* SPDX-License-Identifier: Apache-2.0 */
#include "reader/event-line.h"

#include <stdio.h>
#include <string.h>

#include "devhub/cli/event-view.h"
#include "model/json-grammar.h"
#include "suite.h"

#define AUTH "{\"scope\":\"device\"}"

static void add_line(const EventRow *row, Buffer *b)
{
        EventView view;

        ck_assert_int_eq(event_view_init(&view, row), 0);
        event_line(&view.event, b);
        event_view_done(&view);
}

/* The line for a bag and a body, which the caller frees. */
static char *line(const char *bag, const char *body, size_t body_size)
{
        EventRow row = {
                .sequence = 12,
                .enqueued_usec = 1767225600123456,
                .link = {.device_id = "d1", .generation_id = "7", .auth_method = AUTH},
                .bag = bag,
                .bag_size = strlen(bag),
                .body = body,
                .body_size = body_size,
        };
        Buffer b = BUFFER_NULL;

        add_line(&row, &b);
        return buffer_steal(&b);
}

static char *text_line(const char *bag, const char *body)
{
        return line(bag, body, strlen(body));
}

START_TEST(the_line_is_whole)
{
        char *s = text_line("%24.mid=m1&x=y%20z", "{ \"a\" : [ 1 ,\n 2.50 ] }");

        ck_assert_str_eq(s,
                         "{\"device\":\"d1\",\"sequence\":12,\"enqueued\":\"2026-01-01T00:00:00.123Z\","
                         "\"system\":{\"message-id\":\"m1\",\"iothub-connection-device-id\":\"d1\","
                         "\"iothub-connection-auth-generation-id\":\"7\","
                         "\"iothub-connection-auth-method\":\"{\\\"scope\\\":\\\"device\\\"}\","
                         "\"iothub-enqueuedtime\":\"2026-01-01T00:00:00.123Z\","
                         "\"iothub-message-source\":\"Telemetry\"},"
                         "\"properties\":{\"x\":\"y z\"},\"body\":{\"a\":[1,2.50]}}\n");
        free(s);
}
END_TEST

START_TEST(every_system_key_finds_its_name)
{
        static const struct {
                const char *bag, *expected;
        } cases[] = {
                {"%24.mid=v", "\"message-id\":\"v\""},
                {"$.mid=v", "\"message-id\":\"v\""},
                {"%24.cid=v", "\"correlation-id\":\"v\""},
                {"%24.uid=v", "\"user-id\":\"v\""},
                {"%24.to=v", "\"to\":\"v\""},
                {"%24.ct=application%2Fjson", "\"content-type\":\"application/json\""},
                {"%24.ce=utf-8", "\"content-encoding\":\"utf-8\""},
                {"%24.exp=v", "\"absolute-expiry-time\":\"v\""},
                {"%24.ctime=v", "\"iothub-creation-time-utc\":\"v\""},
                {"%24.on=v", "\"iothub-outputname\":\"v\""},
                {"%24.ifid=v", "\"iothub-interface-id\":\"v\""},
                {"%24.sub=v", "\"dt-subject\":\"v\""},
                {"%24.schema=v", "\"iothub-message-schema\":\"v\""},
                {"%24.diagid=v", "\"Diagnostic-Id\":\"v\""},
                {"%24.diagctx=v", "\"Correlation-Context\":\"v\""},
                {"iothub-ack=full", "\"iothub-ack\":\"full\""},
                {"iothub-operation=v", "\"iothub-operation\":\"v\""},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char *s = text_line(cases[i].bag, "1"), *system = strstr(s, "\"system\""),
                     *found = strstr(s, cases[i].expected);

                ck_assert_msg(found && found > system && found < strstr(s, "\"properties\""), "%s: %s",
                              cases[i].bag, s);
                ck_assert_ptr_nonnull(strstr(s, "\"properties\":{}"));
                free(s);
        }
}
END_TEST

START_TEST(a_sender_cannot_speak_for_the_hub)
{
        char *s = text_line("%24.cdid=other&%24.cmid=m&iothub-enqueuedtime=never", "1");

        ck_assert_ptr_null(strstr(s, "other"));
        ck_assert_ptr_null(strstr(s, "module"));
        /* a property of that name is the application's own, and stands among those */
        ck_assert_ptr_nonnull(strstr(s, "\"properties\":{\"iothub-enqueuedtime\":\"never\"}"));
        free(s);
}
END_TEST

START_TEST(what_the_hub_knows_is_told)
{
        EventRow row = {
                .sequence = 1,
                .link = {.device_id = "d1", .module_id = "m1", .generation_id = "7", .auth_method = AUTH,
                         .model_id = "dtmi:a;1"},
        };
        Buffer b = BUFFER_NULL;

        add_line(&row, &b);
        ck_assert_ptr_nonnull(strstr(b.data, "\"iothub-connection-module-id\":\"m1\""));
        ck_assert_ptr_nonnull(strstr(b.data, "\"dt-dataschema\":\"dtmi:a;1\""));
        ck_assert_ptr_nonnull(strstr(b.data, ",\"body_base64\":\"\"}\n"));
        buffer_done(&b);
}
END_TEST

START_TEST(properties_keep_null_and_empty_and_the_first_of_two)
{
        char *s = text_line("null&empty=&a=1&a=2&%C3%BC=%22", "1");

        ck_assert_ptr_nonnull(strstr(s, "\"properties\":{\"null\":null,\"empty\":\"\",\"a\":\"1\","
                                        "\"\xc3\xbc\":\"\\\"\"}"));
        free(s);
}
END_TEST

static const struct {
        const char *body;
        const char *expected; /* NULL: base64 */
} bodies[] = {
        {"1", "1"},
        {"-0.50", "-0.50"},
        {" true ", "true"},
        {"null", "null"},
        {"\"a b\"", "\"a b\""},
        {"\"a\\\" : b\"", "\"a\\\" : b\""},
        {"\"\\\\\" ", "\"\\\\\""},
        {"[1, {\"a\": \"x  y\"}]\n", "[1,{\"a\":\"x  y\"}]"},
        {"\"\xc3\xbc\"", "\"\xc3\xbc\""},
        {"12345678901234567890123", "12345678901234567890123"},

        {"hello", NULL},
        {"", NULL},
        {"{", NULL},
        {"{}x", NULL},
        {"1 2", NULL},
        {"[1,]", NULL},
        {"'a'", NULL},
        {"\"a\nb\"", NULL},
        {"\"\xc3\x28\"", NULL},
        {"NaN", NULL},
        {"-Infinity", NULL},
        {"{\"a\":1,}", NULL},
        {"01", NULL},
        {"\xef\xbb\xbf{}", NULL},
};

START_TEST(a_body_is_json_or_base64)
{
        for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
                char *s = text_line("", bodies[i].body), *at = strstr(s, "\"properties\":{}") + 15;
                char expected[128];

                if (bodies[i].expected) {
                        (void)snprintf(expected, sizeof(expected), ",\"body\":%s}\n", bodies[i].expected);
                        ck_assert_str_eq(at, expected);
                } else {
                        ck_assert_msg(strncmp(at, ",\"body_base64\":\"", 16) == 0, "%s: %s", bodies[i].body, at);
                }
                /* whatever it is, the line is valid and one line */
                ck_assert_ptr_eq(strchr(s, '\n'), s + strlen(s) - 1);
                ck_assert_msg(!json_grammar_fault(s, strlen(s) - 1), "%s", s);
                free(s);
        }
}
END_TEST

START_TEST(bytes_come_as_base64)
{
        char *s = line("", "\0\xff", 2);

        ck_assert_ptr_nonnull(strstr(s, ",\"body_base64\":\"AP8=\"}"));
        free(s);
}
END_TEST

START_TEST(deep_nesting_is_no_json_of_ours)
{
        char body[4001];
        char *s;

        memset(body, '[', 2000);
        memset(body + 2000, ']', 2000);
        body[4000] = 0;
        s = text_line("", body);
        ck_assert_ptr_nonnull(strstr(s, "body_base64"));
        free(s);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("devhub/event-line");
        TCase *c = suite_case(s, "properties");

        tcase_add_test(c, the_line_is_whole);
        tcase_add_test(c, every_system_key_finds_its_name);
        tcase_add_test(c, a_sender_cannot_speak_for_the_hub);
        tcase_add_test(c, what_the_hub_knows_is_told);
        tcase_add_test(c, properties_keep_null_and_empty_and_the_first_of_two);
        c = suite_case(s, "bodies");
        tcase_add_test(c, a_body_is_json_or_base64);
        tcase_add_test(c, bytes_come_as_base64);
        tcase_add_test(c, deep_nesting_is_no_json_of_ours);
        return suite_run(s);
}
