/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/https-reply.h"

#include "suite.h"

#define NOW 1763733600 /* Fri, 21 Nov 2025 14:00:00 GMT */

static HttpsReply read_lines(const char *const lines[])
{
        HttpsReply r = {};

        for (; *lines; lines++)
                https_reply_header(&r, *lines, strlen(*lines), NOW);
        return r;
}

START_TEST(what_matters_is_taken)
{
        static const char *const lines[] = {"HTTP/1.1 200 OK\r\n", "ETag:  \"AAAA\" \r\n", "X-MS-Continuation: a b=\r\n",
                                            "x-ms-item-type: twin", "IotHub-ErrorCode: DeviceNotFound\r\n", "\r\n", NULL};
        _cleanup_(https_reply_done) HttpsReply r = read_lines(lines);

        ck_assert_str_eq(r.etag, "\"AAAA\"");
        ck_assert_str_eq(r.continuation, "a b=");
        ck_assert_str_eq(r.item_type, "twin");
        ck_assert_str_eq(r.error_name, "DeviceNotFound");
}
END_TEST

START_TEST(what_is_empty_or_another_is_not)
{
        static const char *const lines[] = {"etag:", "etag: \r\n", "x-ms-continuation", "etagged: x", ":", "", "date:", "Date: soon",
                                            "retry-after:", NULL};
        _cleanup_(https_reply_done) HttpsReply r = read_lines(lines);

        ck_assert_ptr_null(r.etag);
        ck_assert_ptr_null(r.continuation);
        ck_assert_int_eq(r.skew_sec, 0);
        ck_assert_uint_eq(r.retry_after_usec, 0);
}
END_TEST

START_TEST(the_last_of_several_counts)
{
        static const char *const lines[] = {"etag: one", "etag: two", "retry-after: 1", "retry-after: 2", NULL};
        _cleanup_(https_reply_done) HttpsReply r = read_lines(lines);

        ck_assert_str_eq(r.etag, "two");
        ck_assert_uint_eq(r.retry_after_usec, 2 * USEC_PER_SEC);
}
END_TEST

START_TEST(the_clocks_are_compared)
{
        static const struct {
                const char *line;
                int64_t skew_sec;
        } cases[] = {
                {"Date: Fri, 21 Nov 2025 14:00:00 GMT\r\n", 0},
                {"Date: Fri, 21 Nov 2025 13:59:55 GMT", 0}, /* the way of the answer */
                {"Date: Fri, 21 Nov 2025 13:59:54 GMT", 6},
                {"Date: Fri, 21 Nov 2025 15:00:00 GMT", -3600},
                {"Date: Thu, 20 Nov 2025 14:00:00 GMT", 86400},
                {"Date: Thu, 01 Jan 1970 00:00:00 GMT", 0}, /* a hub that does not know the time says nothing of ours */
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *const lines[] = {cases[i].line, NULL};
                _cleanup_(https_reply_done) HttpsReply r = read_lines(lines);

                ck_assert_msg(r.skew_sec == cases[i].skew_sec, "%s: %lld", cases[i].line, (long long)r.skew_sec);
        }
}
END_TEST

START_TEST(wishes_to_wait)
{
        static const struct {
                const char *line;
                uint64_t seconds;
        } cases[] = {
                {"Retry-After: 0", 0},
                {"retry-after: 30\r\n", 30},
                {"RETRY-AFTER: 99999999999999999999", 86400},
                {"retry-after: -5", 0},
                {"retry-after: +5", 0},
                {"retry-after: 5 minutes", 0},
                {"retry-after: Fri, 21 Nov 2025 14:01:00 GMT", 60},
                {"retry-after: Fri, 21 Nov 2025 13:00:00 GMT", 0},
                {"retry-after: Fri, 21 Nov 2042 14:00:00 GMT", 86400},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *const lines[] = {cases[i].line, NULL};
                _cleanup_(https_reply_done) HttpsReply r = read_lines(lines);

                ck_assert_msg(r.retry_after_usec == cases[i].seconds * USEC_PER_SEC, "%s: %llu", cases[i].line,
                              (unsigned long long)r.retry_after_usec);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("explorer/https-reply");
        TCase *c = suite_case(s, "the head of an answer is read");

        tcase_add_test(c, what_matters_is_taken);
        tcase_add_test(c, what_is_empty_or_another_is_not);
        tcase_add_test(c, the_last_of_several_counts);
        tcase_add_test(c, the_clocks_are_compared);
        tcase_add_test(c, wishes_to_wait);
        return suite_run(s);
}
