/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/metrics-request.h"

#include <string.h>

#include "suite.h"

static const struct {
        const char *head;
        int status;
} heads[] = {
        {"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n", 200},
        {"GET /metrics HTTP/1.0\r\n\r\n", 200},
        {"GET /metrics HTTP/1.1\n\n", 200},
        {"GET /metrics?name[]=x HTTP/1.1\r\n\r\n", 200},
        {"GET / HTTP/1.1\r\n\r\n", 404},
        {"GET /metrics/ HTTP/1.1\r\n\r\n", 404},
        {"GET /metric HTTP/1.1\r\n\r\n", 404},
        {"GET ?/metrics HTTP/1.1\r\n\r\n", 404},
        {"POST /metrics HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 405},
        {"HEAD /metrics HTTP/1.1\r\n\r\n", 405},
        {"get /metrics HTTP/1.1\r\n\r\n", 405},
        {"GET /metrics HTTP/2.0\r\n\r\n", 400},
        {"GET /metrics HTTP/1.11\r\n\r\n", 400},
        {"GET /metrics HTTP/1.\r\n\r\n", 400},
        {"GET  /metrics HTTP/1.1\r\n\r\n", 400},
        {"GET /metrics  HTTP/1.1\r\n\r\n", 400},
        {"GET /met\trics HTTP/1.1\r\n\r\n", 400},
        {"GET /metrics\r\n\r\n", 400},
        {"GET\r\n\r\n", 400},
        {" \r\n\r\n", 400},
        {"  \n\n", 400},
        {"\r\n\r\n", 400},
        {"\n\n", 400},
        {"\x16\x03\x01\x02\n\n", 400},
};

/* Until it is whole nothing is said, however it is cut. The copy ends where it ends: a sanitizer sees who reads on. */
START_TEST(each_is_judged_when_it_is_whole)
{
        for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
                size_t size = strlen(heads[i].head);

                for (size_t n = 0; n <= size; n++) {
                        _cleanup_free_ char *part = malloc(n + 1);
                        int status = metrics_request_judge(memcpy(part, heads[i].head, n), n);

                        ck_assert_msg(status == (n == size ? heads[i].status : 0), "%zu bytes of \"%s\": %d", n,
                                      heads[i].head, status);
                }
        }
}
END_TEST

START_TEST(what_does_not_end_is_too_large)
{
        char head[METRICS_REQUEST_MAX];

        memset(head, 'x', sizeof(head));
        ck_assert_int_eq(metrics_request_judge(head, sizeof(head) - 1), 0);
        ck_assert_int_eq(metrics_request_judge(head, sizeof(head)), 431);
        memcpy(head, "GET /metrics HTTP/1.1\r\nX: ", 26);
        ck_assert_int_eq(metrics_request_judge(head, sizeof(head)), 431);
        memcpy(head + sizeof(head) - 4, "\r\n\r\n", 4);
        ck_assert_int_eq(metrics_request_judge(head, sizeof(head)), 200);
        head[100] = 0;
        ck_assert_int_eq(metrics_request_judge(head, sizeof(head)), 400);
}
END_TEST

START_TEST(answers_tell_their_length)
{
        static const int statuses[] = {200, 400, 404, 405, 431};

        for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
                Buffer body = BUFFER_NULL, b = BUFFER_NULL;
                const char *end, *length;

                buffer_append_string(&body, "# EOF\n");
                metrics_request_answer(statuses[i], &body, &b);
                end = strstr(b.data, "\r\n\r\n");
                length = strstr(b.data, "Content-Length: ");
                ck_assert(end && length && length < end);
                ck_assert_uint_eq(strtoul(length + 16, NULL, 10), strlen(end + 4));
                ck_assert_int_eq(strtol(b.data + strlen("HTTP/1.1 "), NULL, 10), statuses[i]);
                ck_assert_int_eq(strstr(b.data, "application/openmetrics-text; version=1.0.0; charset=utf-8") != NULL,
                                 statuses[i] == 200);
                buffer_done(&body);
                buffer_done(&b);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("daemon/metrics-request");
        TCase *c = suite_case(s, "as much of HTTP as one question needs");

        tcase_add_test(c, each_is_judged_when_it_is_whole);
        tcase_add_test(c, what_does_not_end_is_too_large);
        tcase_add_test(c, answers_tell_their_length);
        return suite_run(s);
}
