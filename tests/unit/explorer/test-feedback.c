/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/feedback.h"

#include <errno.h>
#include <string.h>

#include "suite.h"

#define RECORD                                                                                                       \
        "{\"originalMessageId\":\"m1\",\"deviceId\":\"d1\",\"deviceGenerationId\":\"63\",\"statusCode\":\"Success\"," \
        "\"description\":\"Success\",\"enqueuedTimeUtc\":\"2026-01-01T00:00:00.0000001Z\"}"

START_TEST(a_batch_is_read_and_told)
{
        static const char body[] = "[" RECORD ",{\"originalMessageId\":\"m2\",\"deviceId\":\"d2\",\"statusCode\":"
                                   "\"Expired\",\"unknown\":[1]}]";
        Buffer b = BUFFER_NULL;
        Feedback f;

        ck_assert_int_eq(feedback_parse(body, strlen(body), &f), 0);
        ck_assert_uint_eq(f.n_records, 2);
        ck_assert(feedback_is_success(&f.records[0]) && !feedback_is_success(&f.records[1]));
        feedback_text(&f.records[0], &b);
        feedback_text(&f.records[1], &b);
        ck_assert_str_eq(b.data, "2026-01-01T00:00:00.0000001Z  d1  m1  Success\n-  d2  m2  Expired\n");
        buffer_clear(&b);
        feedback_line(&f.records[0], &b);
        feedback_line(&f.records[1], &b);
        ck_assert_str_eq(b.data,
                         "{\"originalMessageId\":\"m1\",\"deviceId\":\"d1\",\"deviceGenerationId\":\"63\","
                         "\"enqueuedTimeUtc\":\"2026-01-01T00:00:00.0000001Z\",\"statusCode\":\"Success\","
                         "\"description\":\"Success\"}\n"
                         "{\"originalMessageId\":\"m2\",\"deviceId\":\"d2\",\"statusCode\":\"Expired\"}\n");
        buffer_done(&b);
        feedback_done(&f);
}
END_TEST

/* One client takes the outcome from the description alone, in lower case. */
START_TEST(the_description_may_say_it)
{
        static const char body[] = "[{\"originalMessageId\":\"m\",\"description\":\"success\"}]";
        Feedback f;

        ck_assert_int_eq(feedback_parse(body, strlen(body), &f), 0);
        ck_assert(feedback_is_success(&f.records[0]));
        ck_assert_str_eq(f.records[0].device_id, "");
        feedback_done(&f);
}
END_TEST

START_TEST(what_is_no_batch)
{
        static const char *const bad[] = {"", " ", "{}", RECORD, "[1]", "[{}", "[{}]x", "null", "[[]]", "[" RECORD ",7]"};
        Feedback f;

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                ck_assert_msg(feedback_parse(bad[i], strlen(bad[i]), &f) == -EBADMSG, "%s", bad[i]);
        ck_assert_int_eq(feedback_parse("[]", 2, &f), 0);
        ck_assert_uint_eq(f.n_records, 0);
        feedback_done(&f);
}
END_TEST

START_TEST(nothing_moves_a_cursor)
{
        static const char body[] = "[{\"originalMessageId\":\"\\u001b[2J\\n\",\"deviceId\":\"d\",\"statusCode\":\"S\"}]";
        Buffer b = BUFFER_NULL;
        Feedback f;

        ck_assert_int_eq(feedback_parse(body, strlen(body), &f), 0);
        feedback_text(&f.records[0], &b);
        ck_assert_ptr_null(strchr(b.data, 0x1b));
        ck_assert_ptr_eq(strchr(b.data, '\n'), b.data + b.size - 1);
        buffer_done(&b);
        feedback_done(&f);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("explorer/feedback");
        TCase *c = suite_case(s, "batches");

        tcase_add_test(c, a_batch_is_read_and_told);
        tcase_add_test(c, the_description_may_say_it);
        tcase_add_test(c, what_is_no_batch);
        tcase_add_test(c, nothing_moves_a_cursor);
        return suite_run(s);
}
