/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/refusal.h"

#include <string.h>

#include "suite.h"

static Refusal read_text(unsigned status, const char *header, const char *body)
{
        Refusal r;

        refusal_read(status, header, body, strlen(body), &r);
        return r;
}

START_TEST(every_dialect_is_read)
{
        static const struct {
                const char *header, *body;
        } cases[] = {
                {"DeviceNotFound", "{\"Message\":\"ErrorCode:DeviceNotFound;gone\",\"ExceptionMessage\":"
                                   "\"Tracking ID:abc-G:1-TimeStamp:x and more\"}"},
                {NULL, "{\"Message\":\"ErrorCode:DeviceNotFound;gone\",\"ExceptionMessage\":\"Tracking ID:abc-G:1-TimeStamp:x\"}"},
                {NULL, "{\"Message\":\"{\\\"errorCode\\\":404001,\\\"trackingId\\\":\\\"abc-G:1-TimeStamp:x\\\","
                       "\\\"message\\\":\\\"gone\\\",\\\"timestampUtc\\\":\\\"t\\\"}\",\"ExceptionMessage\":\"\"}"},
                {NULL, "{\"errorCode\":404001,\"trackingId\":\"abc-G:1-TimeStamp:x\",\"message\":\"gone\"}"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(refusal_done) Refusal r = read_text(404, cases[i].header, cases[i].body);

                ck_assert_uint_eq(r.number, 404001);
                ck_assert_str_eq(r.name, "DeviceNotFound");
                ck_assert_str_eq(r.message, "gone");
                ck_assert_str_eq(r.tracking_id, "abc-G:1-TimeStamp:x");
                ck_assert(refusal_is(&r, "DeviceNotFound"));
                ck_assert(!refusal_is(&r, "ModuleNotFound"));
        }
}
END_TEST

START_TEST(a_tracking_id_goes_to_the_end_of_its_time)
{
        static const struct {
                const char *body, *id;
        } cases[] = {
                {"{\"ExceptionMessage\":\"Tracking ID:ab-G:15-TimeStamp:11/03/2020 07:18:24\"}",
                 "ab-G:15-TimeStamp:11/03/2020 07:18:24"},
                {"{\"ExceptionMessage\":\"Tracking ID:ab-G:15-TimeStamp:11/03/2020 07:18:24 and more\"}",
                 "ab-G:15-TimeStamp:11/03/2020 07:18:24"},
                {"{\"ExceptionMessage\":\"Tracking ID:ab \"}", "ab"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(refusal_done) Refusal r = read_text(404, NULL, cases[i].body);

                ck_assert_str_eq(r.tracking_id, cases[i].id);
        }
}
END_TEST

START_TEST(no_body_is_too_broken)
{
        static const char *const bodies[] = {
                "", "<html>", "null", "7", "[]", "{}", "{\"Message\":7}", "{\"Message\":\"\"}", "{\"Message\":\"ErrorCode:\"}",
                "{\"Message\":\"ErrorCode:;\"}", "{\"Message\":\"{\"}", "{\"errorCode\":-5}", "{\"errorCode\":1e99}",
                "{\"errorCode\":\"x\"}", "{\"ExceptionMessage\":\"Tracking ID:\"}", "{\"Message\":null}",
        };
        const Subject s = {.what = "device 'd'", .right = "RegistryRead", .host = "h", .policy = "p"};

        for (size_t i = 0; i < ARRAY_SIZE(bodies); i++)
                for (unsigned status = 300; status < 600; status++) {
                        _cleanup_(refusal_done) Refusal r = read_text(status, NULL, bodies[i]);
                        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

                        refusal_words(&r, &s, &b);
                        insist(b.size > 0);
                }
}
END_TEST

START_TEST(a_long_message_is_cut)
{
        _cleanup_(buffer_done) Buffer body = BUFFER_NULL;
        _cleanup_(refusal_done) Refusal r = {};

        buffer_append_string(&body, "{\"Message\":\"ErrorCode:X;");
        for (unsigned i = 0; i < 5000; i++)
                buffer_append_char(&body, 'x');
        buffer_append_string(&body, "\"}");
        refusal_read(400, NULL, body.data, body.size, &r);
        ck_assert_uint_le(strlen(r.message), 400);
}
END_TEST

/* Which words follow from which refusal. */
START_TEST(words_name_the_remedy)
{
        static const struct {
                Refusal refusal;
                const char *right, *policy, *said;
        } cases[] = {
                {{.status = 401}, "RegistryWrite", "service", "has not the right RegistryWrite"},
                {{.status = 401}, "ServiceConnect", "registryRead", "iothubowner or service"},
                {{.status = 401}, "ServiceConnect", "service", "the key of the policy 'service' is not the one"},
                {{.status = 401}, "RegistryRead", "mine", "has not the right RegistryRead"},
                {{.status = 401}, "EnrollmentWrite", "mine", "provisioningserviceowner"},
                {{.status = 401, .skew_sec = 301}, "RegistryRead", "service", "5 min ahead of the hub's"},
                {{.status = 401, .skew_sec = -400 * 86400}, "RegistryRead", "service", "400 days behind the hub's"},
                {{.status = 401, .skew_sec = 300}, "RegistryRead", "iothubowner", "the key of the policy"},
                {{.status = 403, .number = 403002}, "ServiceConnect", "service", "midnight UTC"},
                {{.status = 403, .number = 403004}, "ServiceConnect", "service", "50 messages waiting"},
                {{.status = 404, .number = 404001}, "RegistryRead", "service", "there is no device 'd' in h"},
                {{.status = 404, .number = 404010}, "RegistryRead", "service", "there is no device 'd' in h"},
                {{.status = 404, .number = 404103}, "ServiceConnect", "service", "--connect-timeout"},
                {{.status = 404}, "EnrollmentRead", "service", "is it a provisioning service?"},
                {{.status = 404}, "RegistryRead", "service", "is it a hub?"},
                {{.status = 409, .number = 409001}, "RegistryWrite", "service", "exists already"},
                {{.status = 412}, "RegistryWrite", "service", "changed by somebody else"},
                {{.status = 429}, "RegistryWrite", "service", "--timeout"},
                {{.status = 429, .retry_after_usec = 30 * USEC_PER_SEC}, "RegistryWrite", "service", "try again in 30 s"},
                {{.status = 504, .number = 504101}, "ServiceConnect", "service", "did not answer in time"},
                {{.status = 503}, "ServiceConnect", "service", "try again later"},
                {{.status = 418}, "ServiceConnect", "service", "is the host right?"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                Subject s = {.what = "device 'd'", .right = cases[i].right, .host = "h", .policy = cases[i].policy};
                _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

                refusal_words(&cases[i].refusal, &s, &b);
                ck_assert_msg(strstr(b.data, cases[i].said), "%zu: %s", i, b.data);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("explorer/refusal");
        TCase *c = suite_case(s, "what the hub says is read");

        tcase_add_test(c, every_dialect_is_read);
        tcase_add_test(c, a_tracking_id_goes_to_the_end_of_its_time);
        tcase_add_test(c, no_body_is_too_broken);
        tcase_add_test(c, a_long_message_is_cut);
        c = suite_case(s, "and told with its remedy");
        tcase_add_test(c, words_name_the_remedy);
        return suite_run(s);
}
