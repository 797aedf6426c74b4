/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/mqtt/judge.h"

#include <errno.h>
#include <string.h>

#include "azure/token.h"
#include "suite.h"

#define HOST      "devhub.example.net"
#define PRIMARY   "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
#define SECONDARY "c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M="
#define OWNER     "b29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb28="
#define NOW_S     1800000000u
#define VERSION   "api-version=2021-04-12"

/* One desk: device dev1, its module mod1, policies owner (may connect) and service (may not). */

static bool desk_broken;

static int find_identity(void *userdata, const char *device_id, const char *module_id, Identity *ret)
{
        if (desk_broken)
                return -EIO;
        if (strcmp(device_id, "dev1") != 0 || (module_id && strcmp(module_id, "mod1") != 0))
                return JUDGE_E_UNKNOWN;
        *ret = (Identity){
                .device_id = strdup(device_id),
                .module_id = module_id ? strdup(module_id) : NULL,
                .primary_key = strdup(PRIMARY),
                .secondary_key = strdup(SECONDARY),
                .generation_id = strdup("123"),
        };
        return 0;
}

static int find_policy(void *userdata, const char *name, Policy *ret)
{
        if (strcmp(name, "iothubowner") != 0 && strcmp(name, "service") != 0)
                return JUDGE_E_UNKNOWN;
        *ret = (Policy){
                .primary_key = strdup(OWNER),
                .secondary_key = strdup(SECONDARY),
                .rights = strcmp(name, "iothubowner") == 0 ? RIGHT_DEVICE_CONNECT : RIGHT_SERVICE_CONNECT,
        };
        return 0;
}

static const JudgeDesk desk = {.find_identity = find_identity, .find_policy = find_policy};

/* What a client says; broken one field at a time. NULL fields take the sane value. */
typedef struct Case {
        const char *what;
        const char *client_id, *username, *password;
        const char *key, *resource, *policy;
        uint64_t expiry;
        int code;
} Case;

static MqttText text(const char *s)
{
        return (MqttText){s, strlen(s)};
}

static void judge(const Case *k, Verdict *v)
{
        _cleanup_(buffer_done) Buffer token = BUFFER_NULL;
        MqttConnect connect = {.level = 4};

        ck_assert_int_eq(token_make(&token, k->key ? k->key : PRIMARY, k->resource ? k->resource : HOST "/devices/dev1",
                                    k->policy, k->expiry ? k->expiry : NOW_S + 3600),
                         0);
        connect.client_id = text(k->client_id ? k->client_id : "dev1");
        connect.username = text(k->username ? k->username : HOST "/dev1/?" VERSION);
        connect.password = text(k->password ? k->password : token.data);
        judge_connect(&connect, NULL, HOST, NOW_S * USEC_PER_SEC, &desk, v);
}

static const Case cases[] = {
        {"sane", .code = 0},
        {"the secondary key", .key = SECONDARY, .code = 0},
        {"no question mark", .username = HOST "/dev1/" VERSION, .code = 0},
        {"other parameters first", .username = HOST "/dev1/?x=y&DeviceClientType=a%2Fb&" VERSION, .code = 0},
        {"an older api", .username = HOST "/dev1/?api-version=2016-11-14", .code = 0},
        {"a preview", .username = HOST "/dev1/?api-version=2025-08-01-preview", .code = 0},
        {"the host in capitals", .username = "DEVHUB.example.NET/dev1/?" VERSION,
         .resource = "DEVHUB.example.NET/devices/dev1", .code = 0},
        {"a token of the whole hub by its owner", .key = OWNER, .policy = "iothubowner", .resource = HOST, .code = 0},
        {"a token of the device by the owner", .key = OWNER, .policy = "iothubowner", .code = 0},
        {"the policy's secondary key", .key = SECONDARY, .policy = "iothubowner", .code = 0},
        {"a deeper resource", .resource = HOST "/devices/dev1/api-version=2016-11-14", .code = 0},
        {"a module", .client_id = "dev1/mod1", .username = HOST "/dev1/mod1/?" VERSION,
         .resource = HOST "/devices/dev1/modules/mod1", .code = 0},
        {"expired within the skew", .expiry = NOW_S - 300, .code = 0},
        {"far in the future", .expiry = UINT64_MAX, .code = 0},

        {"expired", .expiry = NOW_S - 301, .code = 5},
        {"no api-version", .username = HOST "/dev1/?DeviceClientType=a", .code = 5},
        {"an api-version to come", .username = HOST "/dev1/?api-version=2026-11-02-preview", .code = 5},
        {"an api-version of no form", .username = HOST "/dev1/?api-version=latest", .code = 5},
        {"an api-version that goes on", .username = HOST "/dev1/?api-version=2021-04-12x", .code = 5},
        {"an empty api-version", .username = HOST "/dev1/?api-version=", .code = 5},
        {"no device in the user name", .username = HOST, .code = 5},
        {"an empty user name", .username = "", .code = 5},
        {"another client id", .client_id = "dev2", .code = 5},
        {"an empty client id", .client_id = "", .code = 5},
        {"a client id that goes on", .client_id = "dev1x", .code = 5},
        {"the module's id only", .client_id = "mod1", .username = HOST "/dev1/mod1/?" VERSION,
         .resource = HOST "/devices/dev1/modules/mod1", .code = 5},
        {"an unknown device", .client_id = "dev2", .username = HOST "/dev2/?" VERSION, .resource = HOST "/devices/dev2",
         .code = 5},
        {"the id in another case", .client_id = "DEV1", .username = HOST "/DEV1/?" VERSION,
         .resource = HOST "/devices/DEV1", .code = 5},
        {"an unknown module", .client_id = "dev1/mod2", .username = HOST "/dev1/mod2/?" VERSION,
         .resource = HOST "/devices/dev1/modules/mod2", .code = 5},
        {"another key", .key = OWNER, .code = 5},
        {"another device's token", .resource = HOST "/devices/dev2", .code = 5},
        {"a token of a device whose id begins so", .resource = HOST "/devices/dev", .code = 5},
        {"another host's token", .resource = "other.example.net/devices/dev1", .code = 5},
        {"the owner's policy with the device's key", .policy = "iothubowner", .code = 5},
        {"a policy that may not connect", .key = OWNER, .policy = "service", .code = 5},
        {"a policy that does not exist", .key = OWNER, .policy = "nobody", .code = 5},
        {"an empty password", .password = "", .code = 5},
        {"a password that is no token", .password = "secret", .code = 5},
        {"a key as the password", .password = PRIMARY, .code = 5},

        {"another host", .username = "other.example.net/dev1/?" VERSION, .code = 3},
};

START_TEST(each_credential_has_its_code)
{
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                Verdict v;

                judge(&cases[i], &v);
                ck_assert_msg(v.code == cases[i].code, "%s: %u (%s)", cases[i].what, v.code, v.reason);
                ck_assert_msg((v.code == 0) == (*v.reason == 0), "%s: reason '%s'", cases[i].what, v.reason);
                verdict_done(&v);
        }
}
END_TEST

START_TEST(the_verdict_says_who_it_is)
{
        Case k = {.client_id = "dev1/mod1",
                  .username = HOST "/dev1/mod1/?" VERSION "&model-id=dtmi:com:example:T;1&DeviceClientType=a%2F1%20b",
                  .resource = HOST "/devices/dev1/modules/mod1"};
        Verdict v;

        judge(&k, &v);
        ck_assert_str_eq(v.device_id, "dev1");
        ck_assert_str_eq(v.module_id, "mod1");
        ck_assert_str_eq(v.generation_id, "123");
        ck_assert_str_eq(v.model_id, "dtmi:com:example:T;1");
        ck_assert_str_eq(v.product, "a/1 b");
        ck_assert_str_eq(v.auth_method,
                         "{\"scope\":\"module\",\"type\":\"sas\",\"issuer\":\"iothub\","
                         "\"acceptingIpFilterRule\":null}");
        ck_assert_uint_eq(v.ends_usec, (NOW_S + 3600 + 600) * USEC_PER_SEC);
        verdict_done(&v);
}
END_TEST

START_TEST(the_scope_is_the_signers)
{
        Case owner = {.key = OWNER, .policy = "iothubowner"}, device = {};
        Verdict v;

        judge(&owner, &v);
        ck_assert(strstr(v.auth_method, "\"scope\":\"hub\""));
        verdict_done(&v);
        judge(&device, &v);
        ck_assert(strstr(v.auth_method, "\"scope\":\"device\""));
        verdict_done(&v);
}
END_TEST

START_TEST(trouble_of_our_own_is_code_3)
{
        Case k = {};
        Verdict v;

        desk_broken = true;
        judge(&k, &v);
        desk_broken = false;
        ck_assert_uint_eq(v.code, 3);
        verdict_done(&v);
}
END_TEST

START_TEST(missing_parts_are_refused)
{
        MqttConnect connect = {.level = 4, .client_id = {"dev1", 4}};
        Verdict v;

        judge_connect(&connect, NULL, HOST, NOW_S * USEC_PER_SEC, &desk, &v);
        ck_assert_uint_eq(v.code, 5);
        verdict_done(&v);
        connect.username = text(HOST "/dev1/?" VERSION);
        judge_connect(&connect, NULL, HOST, NOW_S * USEC_PER_SEC, &desk, &v);
        ck_assert_uint_eq(v.code, 5);
        verdict_done(&v);
        connect.level = 5;
        judge_connect(&connect, NULL, HOST, NOW_S * USEC_PER_SEC, &desk, &v);
        ck_assert_uint_eq(v.code, 1);
        verdict_done(&v);
        /* a NUL in a password ends no comparison early */
        connect.level = 4;
        connect.password = (MqttText){"Shared\0Access", 13};
        judge_connect(&connect, NULL, HOST, NOW_S * USEC_PER_SEC, &desk, &v);
        ck_assert_uint_eq(v.code, 5);
        verdict_done(&v);
}
END_TEST

/* sr is signed as it stands: the C SDK writes %2f. The vectors are those of the protocol reference 1.4. */
START_TEST(lower_case_escapes_count_as_they_stand)
{
        Case k = {.password = "SharedAccessSignature sr=devhub.example.net%2fdevices%2fdev1"
                              "&sig=JD53eKQeyM02%2BlNP1fJVg%2BSOBKC7IHu3Aj9a1gBfXyQ%3D&se=1900000000"};
        Case mixed = {.password = "SharedAccessSignature sr=devhub.example.net%2Fdevices%2Fdev1"
                                  "&sig=JD53eKQeyM02%2BlNP1fJVg%2BSOBKC7IHu3Aj9a1gBfXyQ%3D&se=1900000000"};
        Verdict v;

        judge(&k, &v);
        ck_assert_uint_eq(v.code, 0);
        verdict_done(&v);
        judge(&mixed, &v);
        ck_assert_uint_eq(v.code, 5);
        verdict_done(&v);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("devhub/judge");
        TCase *c = suite_case(s, "credentials");

        tcase_add_test(c, each_credential_has_its_code);
        tcase_add_test(c, missing_parts_are_refused);
        tcase_add_test(c, lower_case_escapes_count_as_they_stand);
        tcase_add_test(c, trouble_of_our_own_is_code_3);
        c = suite_case(s, "who it is");
        tcase_add_test(c, the_verdict_says_who_it_is);
        tcase_add_test(c, the_scope_is_the_signers);
        return suite_run(s);
}
