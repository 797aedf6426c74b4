/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/access.h"

#include <stdio.h>
#include <string.h>

#include "azure/token.h"
#include "devhub-house.h"
#include "devhub/hub/registry.h"
#include "suite.h"

#define HOST "hub.localdomain"

typedef struct Bench {
        DevhubHouse house;
        char token[512];
        Access access;
        const char *reason;
} Bench;

static usec_t now(const Bench *b)
{
        return clock_wall(&b->house.time.clock);
}

static void make_token(Bench *b, const char *key, const char *resource, const char *policy, usec_t ends_usec)
{
        _cleanup_(buffer_done) Buffer token = BUFFER_NULL;

        ck_assert_int_eq(token_make(&token, key, resource, policy, ends_usec / USEC_PER_SEC), 0);
        (void)snprintf(b->token, sizeof(b->token), "%s", token.data);
}

static int check(Bench *b, const char *device_id, const char *module_id, const char *path)
{
        AccessRequest request = {
                .host = HOST,
                .device_id = device_id,
                .module_id = module_id,
                .path = path,
                .token = b->token,
                .wall_now = now(b),
        };

        access_done(&b->access);
        return access_check(&b->house.store, &request, &b->access, &b->reason);
}

static void make_policy_token(Bench *b, const char *name, const char *resource)
{
        _cleanup_(policy_done) Policy policy = {};

        ck_assert_int_eq(policy_find(&b->house.store, name, &policy), 0);
        make_token(b, policy.primary_key, resource, name, now(b) + USEC_PER_HOUR);
}

static void make_device_token(Bench *b, const char *device_id, const char *module_id, const char *resource)
{
        _cleanup_(identity_done) Identity identity = {};

        ck_assert_int_eq(registry_find(&b->house.store, device_id, module_id, &identity), 0);
        make_token(b, identity.secondary_key, resource, NULL, now(b) + USEC_PER_HOUR);
}

static void open_bench(Bench *b)
{
        *b = (Bench){};
        devhub_house_open(&b->house);
}

static void close_bench(Bench *b)
{
        access_done(&b->access);
        devhub_house_close(&b->house);
}

START_TEST(a_policy_gives_its_rights_and_no_more)
{
        static const struct {
                const char *name;
                unsigned rights;
        } policies[] = {
                {"iothubowner", RIGHT_REGISTRY_READ | RIGHT_REGISTRY_WRITE | RIGHT_SERVICE_CONNECT |
                                        RIGHT_DEVICE_CONNECT | RIGHT_ENROLLMENT},
                {"service", RIGHT_SERVICE_CONNECT},
                {"device", RIGHT_DEVICE_CONNECT},
                {"registryRead", RIGHT_REGISTRY_READ},
                {"registryReadWrite", RIGHT_REGISTRY_READ | RIGHT_REGISTRY_WRITE},
        };
        Bench b;

        open_bench(&b);
        for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
                make_policy_token(&b, policies[i].name, HOST);
                ck_assert_int_eq(check(&b, NULL, NULL, NULL), 0);
                ck_assert_uint_eq(b.access.rights, policies[i].rights);
                ck_assert_str_eq(b.access.policy, policies[i].name);
                ck_assert_uint_eq(b.access.ends_usec, (now(&b) + USEC_PER_HOUR) / USEC_PER_SEC * USEC_PER_SEC);
                ck_assert_int_eq(check(&b, "d1", NULL, NULL), 0);
                ck_assert_int_eq(check(&b, "nobody", "m", NULL), 0);
        }
        close_bench(&b);
}
END_TEST

START_TEST(a_policys_key_signs_for_that_policy_alone)
{
        _cleanup_(policy_done) Policy policy = {};
        Bench b;

        open_bench(&b);
        ck_assert_int_eq(policy_find(&b.house.store, "service", &policy), 0);
        make_token(&b, policy.primary_key, HOST, "iothubowner", now(&b) + USEC_PER_HOUR);
        ck_assert_int_eq(check(&b, NULL, NULL, NULL), ACCESS_E_REFUSED);
        make_token(&b, policy.primary_key, HOST, "Service", now(&b) + USEC_PER_HOUR);
        ck_assert_int_eq(check(&b, NULL, NULL, NULL), ACCESS_E_REFUSED);
        make_token(&b, policy.primary_key, HOST, NULL, now(&b) + USEC_PER_HOUR);
        ck_assert_int_eq(check(&b, NULL, NULL, NULL), ACCESS_E_REFUSED);
        ck_assert_int_eq(check(&b, "d1", NULL, NULL), ACCESS_E_REFUSED);
        make_token(&b, policy.secondary_key, HOST, "service", now(&b) + USEC_PER_HOUR);
        ck_assert_int_eq(check(&b, NULL, NULL, NULL), 0);
        close_bench(&b);
}
END_TEST

START_TEST(an_identitys_key_is_for_itself)
{
        Bench b;

        open_bench(&b);
        make_device_token(&b, "d1", NULL, HOST "/devices/d1");
        ck_assert_int_eq(check(&b, "d1", NULL, NULL), 0);
        ck_assert_uint_eq(b.access.rights, RIGHT_DEVICE_CONNECT);
        ck_assert_ptr_null(b.access.policy);
        ck_assert_int_eq(check(&b, "d2", NULL, NULL), ACCESS_E_REFUSED);
        ck_assert_int_eq(check(&b, "d1", "m1", NULL), ACCESS_E_REFUSED);
        ck_assert_int_eq(check(&b, "nobody", NULL, NULL), ACCESS_E_REFUSED);
        ck_assert_int_eq(check(&b, NULL, NULL, NULL), ACCESS_E_REFUSED);
        make_device_token(&b, "d1", "m1", HOST "/devices/d1/modules/m1");
        ck_assert_int_eq(check(&b, "d1", "m1", NULL), 0);
        ck_assert_int_eq(check(&b, "d1", "m2", NULL), ACCESS_E_REFUSED);
        /* the key of another, with the right resource */
        make_device_token(&b, "d2", NULL, HOST "/devices/d1");
        ck_assert_int_eq(check(&b, "d1", NULL, NULL), ACCESS_E_REFUSED);
        close_bench(&b);
}
END_TEST

START_TEST(who_is_disabled_or_without_keys_has_no_access)
{
        _cleanup_(identity_done) Identity identity = {};
        Bench b;

        open_bench(&b);
        make_device_token(&b, "d1", NULL, HOST "/devices/d1");
        ck_assert_int_eq(registry_find(&b.house.store, "d1", NULL, &identity), 0);
        identity.disabled = true;
        ck_assert_int_eq(registry_update(&b.house.store, &identity, NULL, now(&b)), 0);
        ck_assert_int_eq(check(&b, "d1", NULL, NULL), ACCESS_E_REFUSED);
        ck_assert_str_eq(b.reason, "the device is disabled");
        make_device_token(&b, "d1", "m1", HOST "/devices/d1/modules/m1");
        ck_assert_int_eq(check(&b, "d1", "m1", NULL), ACCESS_E_REFUSED);
        identity.disabled = false;
        identity.authentication = AUTHENTICATION_CERTIFICATE_AUTHORITY;
        ck_assert_int_eq(registry_update(&b.house.store, &identity, NULL, now(&b)), 0);
        make_device_token(&b, "d1", NULL, HOST "/devices/d1");
        ck_assert_int_eq(check(&b, "d1", NULL, NULL), ACCESS_E_REFUSED);
        close_bench(&b);
}
END_TEST

START_TEST(a_resource_covers_what_lies_below_it)
{
        static const struct {
                const char *resource;
                const char *device_id, *path;
                bool covers;
        } cases[] = {
                {HOST, NULL, NULL, true},
                {HOST "/", NULL, NULL, true},
                {"HUB.localDomain", NULL, NULL, true},
                {HOST ".evil", NULL, NULL, false},
                {"hub.local", NULL, NULL, false},
                {"x", NULL, NULL, false},
                {HOST "/devices", NULL, NULL, false},
                {HOST "/devices/d1", NULL, NULL, false},
                {HOST "/devices", "d1", NULL, true},
                {HOST "/devices/d1", "d1", NULL, true},
                {"HUB.localdomain/devices/d1", "d1", NULL, true},
                {HOST "/devices/D1", "d1", NULL, false},
                {HOST "/devices/d", "d1", NULL, false},
                {HOST "/devices/d1x", "d1", NULL, false},
                {HOST, NULL, "/messages/devicebound", true},
                {HOST "/messages", NULL, "/messages/devicebound", true},
                {HOST "/messages/events", NULL, "/messages/devicebound", false},
                {HOST "/devices/d1", NULL, "/messages/devicebound", false},
        };
        Bench b;

        open_bench(&b);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                make_policy_token(&b, "iothubowner", cases[i].resource);
                ck_assert_msg((check(&b, cases[i].device_id, NULL, cases[i].path) == 0) == cases[i].covers, "case %zu",
                              i);
        }
        close_bench(&b);
}
END_TEST

START_TEST(a_token_ends_with_some_grace_for_clocks)
{
        _cleanup_(policy_done) Policy policy = {};
        Bench b;

        open_bench(&b);
        ck_assert_int_eq(policy_find(&b.house.store, "service", &policy), 0);
        make_token(&b, policy.primary_key, HOST, "service", now(&b));
        ck_assert_int_eq(check(&b, NULL, NULL, NULL), 0);
        fake_clock_advance(&b.house.time, ACCESS_SKEW_USEC);
        ck_assert_int_eq(check(&b, NULL, NULL, NULL), 0);
        fake_clock_advance(&b.house.time, USEC_PER_SEC);
        ck_assert_int_eq(check(&b, NULL, NULL, NULL), ACCESS_E_REFUSED);
        ck_assert_str_eq(b.reason, "the token has expired");
        /* a time that no microseconds can hold */
        (void)snprintf(b.token, sizeof(b.token), "SharedAccessSignature sr=%s&sig=AAAA&se=18446744073709551615", HOST);
        ck_assert_int_eq(check(&b, NULL, NULL, NULL), ACCESS_E_REFUSED);
        close_bench(&b);
}
END_TEST

START_TEST(what_is_no_token_is_refused)
{
        static const char *const texts[] = {
                "", "Bearer x", "SharedAccessSignature", "SharedAccessSignature ", "SharedAccessSignature sr=a",
                "SharedAccessSignature sr=" HOST "&sig=&se=1", "sharedaccesssignature sr=" HOST "&sig=a&se=1",
        };
        Bench b;

        open_bench(&b);
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                (void)snprintf(b.token, sizeof(b.token), "%s", texts[i]);
                ck_assert_int_eq(check(&b, "d1", NULL, NULL), ACCESS_E_REFUSED);
                ck_assert(*b.reason);
        }
        close_bench(&b);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("devhub/access");
        TCase *c = suite_case(s, "tokens and rights");

        tcase_add_test(c, a_policy_gives_its_rights_and_no_more);
        tcase_add_test(c, a_policys_key_signs_for_that_policy_alone);
        tcase_add_test(c, an_identitys_key_is_for_itself);
        tcase_add_test(c, who_is_disabled_or_without_keys_has_no_access);
        tcase_add_test(c, a_resource_covers_what_lies_below_it);
        tcase_add_test(c, a_token_ends_with_some_grace_for_clocks);
        tcase_add_test(c, what_is_no_token_is_refused);
        return suite_run(s);
}
