/* SPDX-License-Identifier: Apache-2.0 */
#include "azure/username.h"

#include <errno.h>
#include <string.h>

#include "fake-clock.h"
#include "suite.h"

#define HOST "devhub.example.net"

START_TEST(ours_is_what_a_hub_reads)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        username_make(&b, HOST, "dev1", NULL, NULL, NULL);
        ck_assert_str_eq(b.data, HOST "/dev1/?api-version=2021-04-12");
        buffer_clear(&b);
        username_make(&b, HOST, "dev1", "mod1", "acme gw/2.1", "dtmi:com:example:Thermostat;1");
        ck_assert_str_eq(b.data, HOST "/dev1/mod1/?api-version=2021-04-12&DeviceClientType=acme%20gw%2F2.1"
                                      "&model-id=dtmi%3Acom%3Aexample%3AThermostat%3B1");
}
END_TEST

START_TEST(every_client_is_understood)
{
        static const struct {
                const char *text;
                struct {
                        const char *device_id, *module_id, *api_version, *device_client_type, *model_id;
                } wanted;
        } cases[] = {
                {HOST "/dev1/?api-version=2021-04-12&model-id=dtmi:com:example:Thermostat;1&"
                      "DeviceClientType=azure-iot-device%2F1.18.4%20(node%20v20.20.2%3B%20Debian%2012%3B%20x64)"
                      "my%20agent%2F1.0",
                 {.device_id = "dev1",
                  .api_version = "2021-04-12",
                  .model_id = "dtmi:com:example:Thermostat;1",
                  .device_client_type = "azure-iot-device/1.18.4 (node v20.20.2; Debian 12; x64)my agent/1.0"}},
                {HOST "/dev1/?api-version=2020-09-30&DeviceClientType=azure-iot-device-iothub-py%2F2.14.0%28x%29dtmi&"
                      "model-id=dtmi%3Acom%3Aexample%3AThermostat%3B1",
                 {.device_id = "dev1",
                  .api_version = "2020-09-30",
                  .model_id = "dtmi:com:example:Thermostat;1",
                  .device_client_type = "azure-iot-device-iothub-py/2.14.0(x)dtmi"}},
                {HOST "/dev1/?api-version=2020-09-30&DeviceClientType=iothubclient%2f1.15.0%20(native%3b%20Linux)",
                 {.device_id = "dev1",
                  .api_version = "2020-09-30",
                  .device_client_type = "iothubclient/1.15.0 (native; Linux)"}},
                {HOST "/dev1/mod1/?DeviceClientType=azsdk-c%2F1&api-version=2020-09-30&auth-chain=x",
                 {.device_id = "dev1", .module_id = "mod1", .api_version = "2020-09-30",
                  .device_client_type = "azsdk-c/1"}},
                /* without the `?` */
                {HOST "/dev1/api-version=2021-04-12", {.device_id = "dev1", .api_version = "2021-04-12"}},
                {HOST "/dev1/DeviceClientType=a&api-version=1",
                 {.device_id = "dev1", .api_version = "1", .device_client_type = "a"}},
                {HOST "/dev1/mod1/api-version=2021-04-12&DeviceClientType=a",
                 {.device_id = "dev1", .module_id = "mod1", .api_version = "2021-04-12", .device_client_type = "a"}},
                /* a slash that was not encoded is no level */
                {HOST "/dev1/?api-version=1&DeviceClientType=a/?b",
                 {.device_id = "dev1", .api_version = "1", .device_client_type = "a/?b"}},
                {HOST "/dev1/api-version=1&DeviceClientType=a/b",
                 {.device_id = "dev1", .api_version = "1", .device_client_type = "a/b"}},
                /* the first of duplicates; unknown names; empty parts; stray percent; a plus is a plus */
                {HOST "/dev1/?api-version=1&api-version=2&x&&y=%zz&xapi-version=3&DeviceClientType=100%+a&",
                 {.device_id = "dev1", .api_version = "1", .device_client_type = "100%+a"}},
                {HOST "/dev1/?api-version=&model-id=", {.device_id = "dev1", .api_version = "", .model_id = ""}},
                /* ids are literal */
                {HOST "/d%41=?*/m'(1)/?api-version=1",
                 {.device_id = "d%41=?*", .module_id = "m'(1)", .api_version = "1"}},
                /* no version: the hub refuses that, not we */
                {HOST "/dev1", {.device_id = "dev1"}},
                {HOST "/dev1/", {.device_id = "dev1"}},
                {HOST "/dev1/?", {.device_id = "dev1"}},
                {HOST "/dev1/mod1", {.device_id = "dev1", .module_id = "mod1"}},
                {HOST "/dev1/?Api-Version=1", {.device_id = "dev1"}},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(username_done) Username u = {};

                ck_assert_msg(username_parse(cases[i].text, &u) == 0, "%s", cases[i].text);
                ck_assert_str_eq(u.host, HOST);
                ck_assert_str_eq(u.device_id, cases[i].wanted.device_id);
                ck_assert_pstr_eq(u.module_id, cases[i].wanted.module_id);
                ck_assert_pstr_eq(u.api_version, cases[i].wanted.api_version);
                ck_assert_pstr_eq(u.device_client_type, cases[i].wanted.device_client_type);
                ck_assert_pstr_eq(u.model_id, cases[i].wanted.model_id);
        }
}
END_TEST

START_TEST(what_is_no_username_is_refused)
{
        static const char *const bad[] = {
                "",
                "/",
                "//",
                HOST,
                HOST "/",
                HOST "//?api-version=1",
                HOST "//mod1/?api-version=1",
                "/dev1/?api-version=1",
                HOST "/\xff/?api-version=1",
                HOST "/dev1/?api-version=%00",
                HOST "/dev1/?api-version=1&model-id=%FF",
                HOST "/dev1/?api-version=1&DeviceClientType=a%C3",
        };

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                Username u;

                ck_assert_msg(username_parse(bad[i], &u) == -EBADMSG, "%s", bad[i]);
        }
}
END_TEST

START_TEST(what_is_written_is_read)
{
        FakeRandom dice;

        fake_random_init(&dice, 7);
        for (int i = 0; i < 3000; i++) {
                _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
                _cleanup_(username_done) Username u = {};
                char product[32] = "", model[32] = "";

                for (uint64_t k = 0, n = dice.random.draw(&dice) % 31; k < n; k++) {
                        product[k] = (char)(dice.random.draw(&dice) % 127 + 1);
                        model[k] = (char)(dice.random.draw(&dice) % 127 + 1);
                }
                username_make(&b, HOST, "dev1", i % 2 ? "mod1" : NULL, product, model);
                ck_assert_int_eq(username_parse(b.data, &u), 0);
                ck_assert_str_eq(u.device_client_type, product);
                ck_assert_str_eq(u.model_id, model);
                ck_assert_pstr_eq(u.module_id, i % 2 ? "mod1" : NULL);
        }
}
END_TEST

START_TEST(a_huge_username_is_only_long)
{
        size_t size = 1 << 20;
        _cleanup_free_ char *text = malloc(size + 1);
        _cleanup_(username_done) Username u = {};

        memset(text, '&', size);
        text[size] = 0;
        memcpy(text, "h/d/?", 5);
        ck_assert_int_eq(username_parse(text, &u), 0);
        ck_assert_ptr_null(u.api_version);
}
END_TEST

START_TEST(mutations_do_no_harm)
{
        static const char text[] = HOST "/dev1/mod1/?api-version=2021-04-12&model-id=dtmi:a;1"
                                        "&DeviceClientType=%2Fx%C3%BC";
        FakeRandom dice;

        fake_random_init(&dice, 8);
        for (int i = 0; i < 50000; i++) {
                _cleanup_free_ char *mutant = strndup(text, dice.random.draw(&dice) % sizeof(text));
                size_t n = strlen(mutant);
                _cleanup_(username_done) Username u = {};

                for (uint64_t k = dice.random.draw(&dice) % 5; n > 0 && k > 0; k--)
                        mutant[dice.random.draw(&dice) % n] = (char)(dice.random.draw(&dice) % 255 + 1);
                if (username_parse(mutant, &u) == 0) {
                        ck_assert_uint_gt(strlen(u.host), 0);
                        ck_assert_uint_gt(strlen(u.device_id), 0);
                }
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("azure/username");
        TCase *c = suite_case(s, "usernames");

        tcase_add_test(c, ours_is_what_a_hub_reads);
        tcase_add_test(c, every_client_is_understood);
        tcase_add_test(c, what_is_written_is_read);

        c = suite_case(s, "hostile input");
        tcase_add_test(c, what_is_no_username_is_refused);
        tcase_add_test(c, a_huge_username_is_only_long);
        tcase_add_test(c, mutations_do_no_harm);
        return suite_run(s);
}
