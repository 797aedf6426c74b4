/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "azure/derived-key.h"
#include "azure/dps-username.h"
#include "azure/token.h"
#include "azure/topic.h"
#include "base/secret.h"
#include "fake-clock.h"
#include "suite.h"

#define GROUP_KEY "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="

/* ---- keys ---- */

START_TEST(a_devices_key_comes_from_the_groups)
{
        _cleanup_(secret_buffer_done) Buffer b = BUFFER_NULL;

        ck_assert_int_eq(derived_key(&b, GROUP_KEY, "dev1"), 0);
        ck_assert_str_eq(b.data, "z+mUo/ygZOm6FEUJyj2VGsOISA0Gh4L5mqwTYXTIaRY=");
        buffer_clear(&b);
        ck_assert_int_eq(derived_key(&b, GROUP_KEY, "dev2"), 0);
        ck_assert_str_ne(b.data, "z+mUo/ygZOm6FEUJyj2VGsOISA0Gh4L5mqwTYXTIaRY=");
        buffer_clear(&b);
        ck_assert_int_eq(derived_key(&b, "not base64!", "dev1"), -EINVAL);
        ck_assert_int_eq(derived_key(&b, "", "dev1"), -EINVAL);
        ck_assert_uint_eq(b.size, 0);
}
END_TEST

/* Both spellings of the slashes that clients are known to sign. */
START_TEST(tokens_of_registrations_are_checked)
{
        static const struct {
                const char *sr, *signature;
        } cases[] = {
                {"0ne00000A%2Fregistrations%2Fdev1", "nffZHQ8%2FJ8eDmawsSkUbrvfXzM2e5Fsh6X37233j6yA%3D"},
                {"0ne00000A/registrations/dev1", "l1iD%2BvUWkKi0HdjQl6kPjZXnI8%2F5n82wA7X57i4jHak%3D"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
                _cleanup_(token_done) Token token = {};

                buffer_printf(&b, "SharedAccessSignature sr=%s&sig=%s&skn=registration&se=1900000000", cases[i].sr,
                              cases[i].signature);
                ck_assert_int_eq(token_parse(b.data, &token), 0);
                ck_assert(token_covers(&token, "0ne00000A/registrations/dev1"));
                ck_assert(!token_covers(&token, "0ne00000A/registrations/dev2"));
                ck_assert(token_is_signed_by(&token, GROUP_KEY));
                ck_assert_str_eq(token.policy, "registration");
        }
}
END_TEST

/* ---- user names ---- */

START_TEST(ours_is_what_dps_reads)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        dps_username_make(&b, "0ne00000A", "dev1", NULL);
        ck_assert_str_eq(b.data, "0ne00000A/registrations/dev1/api-version=2019-03-31");
        buffer_clear(&b);
        dps_username_make(&b, "0ne00000A", "dev1", "acme gw/2.1");
        ck_assert_str_eq(b.data, "0ne00000A/registrations/dev1/api-version=2019-03-31&ClientVersion=acme%20gw%2F2.1");
}
END_TEST

static void check_text(const char *got, const char *wanted)
{
        if (wanted)
                ck_assert_str_eq(got, wanted);
        else
                ck_assert_ptr_null(got);
}

START_TEST(every_client_is_understood)
{
        static const struct {
                const char *text, *id, *api_version, *client_version;
        } cases[] = {
                {"0ne00000A/registrations/dev1/api-version=2019-03-31&ClientVersion=azure-iot-provisioning-device-mqtt"
                 "%2F1.8.1",
                 "dev1", "2019-03-31", "azure-iot-provisioning-device-mqtt/1.8.1"},
                {"0ne00000A/registrations/Dev-1.a_b:c/api-version=2021-06-01", "Dev-1.a_b:c", "2021-06-01", NULL},
                {"s/registrations/d/ClientVersion=&api-version=1&ClientVersion=x&y=z", "d", "1", ""},
                {"s/registrations/d/", "d", NULL, NULL},
                {"s/registrations/d", "d", NULL, NULL},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(dps_username_done) DpsUsername u = {};

                ck_assert_msg(dps_username_is(cases[i].text), "%s", cases[i].text);
                ck_assert_int_eq(dps_username_parse(cases[i].text, &u), 0);
                ck_assert_str_eq(u.registration_id, cases[i].id);
                check_text(u.api_version, cases[i].api_version);
                check_text(u.client_version, cases[i].client_version);
        }
}
END_TEST

/* The hub's has a `?`, or a query at once, where that of DPS has a registration id. */
START_TEST(trap_8_no_question_mark)
{
        static const char *const hubs[] = {
                "devhub.example.net/dev1/?api-version=2021-04-12",
                "devhub.example.net/registrations/?api-version=2021-04-12",
                "devhub.example.net/registrations/api-version=2021-04-12",
                "devhub.example.net/registrations/mod1/?api-version=2021-04-12",
                "devhub.example.net/registrations",
                "registrations/dev1/api-version=1",
                "/registrations/dev1/api-version=1",
                "",
        };
        DpsUsername u;

        for (size_t i = 0; i < ARRAY_SIZE(hubs); i++) {
                ck_assert_msg(!dps_username_is(hubs[i]), "%s", hubs[i]);
                ck_assert_int_eq(dps_username_parse(hubs[i], &u), -EBADMSG);
        }
        ck_assert_int_eq(dps_username_parse("s/registrations//api-version=1", &u), -EBADMSG);
        ck_assert_int_eq(dps_username_parse("s/registrations/d\xff/api-version=1", &u), -EBADMSG);
        ck_assert_int_eq(dps_username_parse("s/registrations/d/ClientVersion=%00", &u), -EBADMSG);
}
END_TEST

/* ---- topics ---- */

START_TEST(topics_are_built)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        topic_dps_register(&b, "1");
        ck_assert_str_eq(b.data, "$dps/registrations/PUT/iotdps-register/?$rid=1");
        buffer_clear(&b);
        topic_dps_poll(&b, "2", "5.ab.cd");
        ck_assert_str_eq(b.data, "$dps/registrations/GET/iotdps-get-operationstatus/?$rid=2&operationId=5.ab.cd");
        buffer_clear(&b);
        topic_dps_response(&b, 200, "x%20y", 5, 0);
        ck_assert_str_eq(b.data, "$dps/registrations/res/200/?$rid=x%20y");
}
END_TEST

START_TEST(trap_53_retry_after_is_lower_case_and_last)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        topic_dps_response(&b, 202, "12", 1, 3);
        ck_assert_str_eq(b.data, "$dps/registrations/res/202/?$rid=1&retry-after=3");
}
END_TEST

static bool is(const char *text, size_t size, const char *wanted)
{
        return wanted ? text && size == strlen(wanted) && memcmp(text, wanted, size) == 0 : !text && size == 0;
}

START_TEST(topics_are_taken_apart)
{
        static const struct {
                const char *topic;
                TopicKind kind;
                const char *rid, *operation_id;
                int status;
                uint64_t retry_after;
        } cases[] = {
                {"$dps/registrations/PUT/iotdps-register/?$rid=1", TOPIC_DPS_REGISTER, "1", NULL, 0, 0},
                {"$dps/registrations/PUT/iotdps-register/?x&$rid=a-b=c", TOPIC_DPS_REGISTER, "a-b=c", NULL, 0, 0},
                {"$dps/registrations/GET/iotdps-get-operationstatus/?$rid=1&operationId=5.a.b", TOPIC_DPS_POLL, "1",
                 "5.a.b", 0, 0},
                {"$dps/registrations/GET/iotdps-get-operationstatus/?operationId=5.a.b&$rid=1", TOPIC_DPS_POLL, "1",
                 "5.a.b", 0, 0},
                {"$dps/registrations/GET/iotdps-get-operationstatus/?$rid=1", TOPIC_DPS_POLL, "1", NULL, 0, 0},
                {"$dps/registrations/res/202/?$rid=1&retry-after=3", TOPIC_DPS_RESPONSE, "1", NULL, 202, 3},
                {"$dps/registrations/res/200/?$rid=1", TOPIC_DPS_RESPONSE, "1", NULL, 200, 0},

                {.topic = "", .kind = TOPIC_UNKNOWN},
                {.topic = "$dps/registrations/", .kind = TOPIC_UNKNOWN},
                {.topic = "$dps/registrations/PUT/iotdps-register/", .kind = TOPIC_UNKNOWN},
                {.topic = "$dps/registrations/PUT/iotdps-register/?", .kind = TOPIC_UNKNOWN},
                {.topic = "$dps/registrations/PUT/iotdps-register/?$rid=", .kind = TOPIC_UNKNOWN},
                {.topic = "$dps/registrations/PUT/iotdps-register?$rid=1", .kind = TOPIC_UNKNOWN},
                {.topic = "$dps/registrations/POST/iotdps-register/?$rid=1", .kind = TOPIC_UNKNOWN},
                {.topic = "$dps/registrations/res//?$rid=1", .kind = TOPIC_UNKNOWN},
                {.topic = "$dps/registrations/res/200/?$rid=1&retry-after=x", .kind = TOPIC_UNKNOWN},
                {.topic = "$dps/registrations/res/99999999999/?$rid=1", .kind = TOPIC_UNKNOWN},
                {.topic = "$dps/registration/res/200/?$rid=1", .kind = TOPIC_UNKNOWN},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *topic = cases[i].topic;
                TopicParts parts = topic_parse(topic, strlen(topic));

                ck_assert_msg(parts.kind == cases[i].kind, "%s", topic);
                ck_assert_msg(is(parts.rid, parts.rid_size, cases[i].rid), "%s", topic);
                ck_assert_msg(is(parts.operation_id, parts.operation_id_size, cases[i].operation_id), "%s", topic);
                ck_assert_msg(parts.status == cases[i].status, "%s", topic);
                ck_assert_msg(parts.retry_after == cases[i].retry_after, "%s", topic);
        }
}
END_TEST

/* Cut anywhere, in memory that ends just there. */
START_TEST(truncations_and_mutations_do_no_harm)
{
        static const char *const texts[] = {
                "$dps/registrations/GET/iotdps-get-operationstatus/?$rid=1&operationId=5.a.b",
                "$dps/registrations/res/202/?$rid=1&retry-after=3",
                "0ne00000A/registrations/dev1/api-version=2019-03-31&ClientVersion=a%20b",
        };
        FakeRandom dice;

        fake_random_init(&dice, 8);
        for (int i = 0; i < 60000; i++) {
                const char *text = texts[(size_t)i % ARRAY_SIZE(texts)];
                size_t n = (size_t)i / ARRAY_SIZE(texts) % (strlen(text) + 1);
                _cleanup_free_ char *mutant = malloc(n + 1);
                _cleanup_(dps_username_done) DpsUsername u = {};
                TopicParts parts;

                memcpy(mutant, text, n);
                for (uint64_t k = i < 300 ? 0 : dice.random.draw(&dice) % 4; n > 0 && k > 0; k--)
                        mutant[dice.random.draw(&dice) % n] = (char)dice.random.draw(&dice);
                parts = topic_parse(mutant, n);
                if (parts.rid)
                        insist((size_t)(parts.rid - mutant) + parts.rid_size <= n);
                if (parts.operation_id)
                        insist((size_t)(parts.operation_id - mutant) + parts.operation_id_size <= n);
                mutant[n] = 0;
                if (dps_username_parse(mutant, &u) == 0)
                        insist(u.registration_id[0] && u.id_scope[0]);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("azure/dps");
        TCase *c = suite_case(s, "keys and tokens");

        tcase_add_test(c, a_devices_key_comes_from_the_groups);
        tcase_add_test(c, tokens_of_registrations_are_checked);

        c = suite_case(s, "user names");
        tcase_add_test(c, ours_is_what_dps_reads);
        tcase_add_test(c, every_client_is_understood);
        tcase_add_test(c, trap_8_no_question_mark);

        c = suite_case(s, "topics");
        tcase_add_test(c, topics_are_built);
        tcase_add_test(c, trap_53_retry_after_is_lower_case_and_last);
        tcase_add_test(c, topics_are_taken_apart);

        c = suite_case(s, "hostile input");
        tcase_add_test(c, truncations_and_mutations_do_no_harm);
        return suite_run(s);
}
