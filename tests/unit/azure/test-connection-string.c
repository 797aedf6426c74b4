/* SPDX-License-Identifier: Apache-2.0 */
#include "azure/connection-string.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fake-clock.h"
#include "suite.h"

#define KEY "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="

START_TEST(good_ones_are_read)
{
        static const struct {
                const char *text;
                struct {
                        const char *host_name, *device_id, *module_id;
                        const char *shared_access_key, *shared_access_key_name, *gateway_host_name;
                        bool x509;
                } wanted;
        } cases[] = {
                {"HostName=hub.azure-devices.net;DeviceId=dev1;SharedAccessKey=" KEY,
                 {.host_name = "hub.azure-devices.net", .device_id = "dev1", .shared_access_key = KEY}},
                {" \t\r\nSharedAccessKey=" KEY ";hostname=h.net;DEVICEID=Dev1;\r\n",
                 {.host_name = "h.net", .device_id = "Dev1", .shared_access_key = KEY}},
                {"HostName=h.net;DeviceId=d;ModuleId=m;SharedAccessKey=" KEY ";GatewayHostName=edge.local",
                 {.host_name = "h.net",
                  .device_id = "d",
                  .module_id = "m",
                  .shared_access_key = KEY,
                  .gateway_host_name = "edge.local"}},
                {"HostName=h.net;DeviceId=d;x509=true", {.host_name = "h.net", .device_id = "d", .x509 = true}},
                {"HostName=h.net;DeviceId=d;X509=True", {.host_name = "h.net", .device_id = "d", .x509 = true}},
                {"HostName=h.net;DeviceId=d;x509=false;SharedAccessKey=" KEY,
                 {.host_name = "h.net", .device_id = "d", .shared_access_key = KEY}},
                {"HostName=h.net;SharedAccessKeyName=iothubowner;SharedAccessKey=" KEY,
                 {.host_name = "h.net", .shared_access_key_name = "iothubowner", .shared_access_key = KEY}},
                {"HostName=h.net;DeviceId=d;SharedAccessKeyName=device;SharedAccessKey=" KEY,
                 {.host_name = "h.net", .device_id = "d", .shared_access_key_name = "device",
                  .shared_access_key = KEY}},
                {"HostName=localhost;;DeviceId=a=b-:.%_*?!(),=@$';Unknown=x;SharedAccessKey=" KEY ";;",
                 {.host_name = "localhost", .device_id = "a=b-:.%_*?!(),=@$'", .shared_access_key = KEY}},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(connection_string_freep) ConnectionString *cs = NULL;
                const char *error = NULL;

                ck_assert_msg(connection_string_parse(cases[i].text, &cs, &error) == 0, "%s: %s", cases[i].text, error);
                ck_assert_pstr_eq(cs->host_name, cases[i].wanted.host_name);
                ck_assert_pstr_eq(cs->device_id, cases[i].wanted.device_id);
                ck_assert_pstr_eq(cs->module_id, cases[i].wanted.module_id);
                ck_assert_pstr_eq(cs->shared_access_key, cases[i].wanted.shared_access_key);
                ck_assert_pstr_eq(cs->shared_access_key_name, cases[i].wanted.shared_access_key_name);
                ck_assert_pstr_eq(cs->gateway_host_name, cases[i].wanted.gateway_host_name);
                ck_assert_int_eq(cs->x509, cases[i].wanted.x509);
        }
}
END_TEST

START_TEST(bad_ones_are_told_what_is_wrong)
{
        static const struct {
                const char *text;
                const char *part; /* of the error */
        } cases[] = {
                {"", "empty"},
                {" \n", "empty"},
                {";", "HostName is missing"},
                {"hub.azure-devices.net", "no `=`"},
                {"HostName=h.net;DeviceId;SharedAccessKey=" KEY, "no `=`"},
                {"DeviceId=d;SharedAccessKey=" KEY, "HostName is missing"},
                {"HostName=;DeviceId=d;SharedAccessKey=" KEY, "HostName is not"},
                {"HostName=h.net/x;DeviceId=d;SharedAccessKey=" KEY, "HostName is not"},
                {"HostName=h.net:8883;DeviceId=d;SharedAccessKey=" KEY, "HostName is not"},
                {"HostName=h net;DeviceId=d;SharedAccessKey=" KEY, "HostName is not"},
                {"HostName=h.net;DeviceId=d;GatewayHostName=a b;SharedAccessKey=" KEY, "GatewayHostName is not"},
                {"HostName=h.net;DeviceId=d", "SharedAccessKey is missing"},
                {"HostName=h.net;DeviceId=d;x509=false", "SharedAccessKey is missing"},
                {"HostName=h.net;DeviceId=d;SharedAccessKey=", "not base64"},
                {"HostName=h.net;DeviceId=d;SharedAccessKey=abc", "not base64"},
                {"HostName=h.net;DeviceId=d;SharedAccessKey=" KEY "x", "not base64"},
                {"HostName=h.net;DeviceId=d;SharedAccessKey=<your key>", "not base64"},
                {"HostName=h.net;SharedAccessKey=" KEY, "DeviceId is missing"},
                {"HostName=h.net;ModuleId=m;SharedAccessKey=" KEY, "without a DeviceId"},
                {"HostName=h.net;DeviceId=;SharedAccessKey=" KEY, "DeviceId is empty"},
                {"HostName=h.net;DeviceId=a/b;SharedAccessKey=" KEY, "no topic can carry"},
                {"HostName=h.net;DeviceId=a+b;SharedAccessKey=" KEY, "no topic can carry"},
                {"HostName=h.net;DeviceId=a#;SharedAccessKey=" KEY, "no topic can carry"},
                {"HostName=h.net;DeviceId=\xc3\xbc;SharedAccessKey=" KEY, "no topic can carry"},
                {"HostName=h.net;DeviceId=d;ModuleId=a b;SharedAccessKey=" KEY, "ModuleId is empty"},
                {"HostName=h.net;DeviceId=d;x509=yes", "neither true nor false"},
                {"HostName=h.net;DeviceId=d;x509=", "neither true nor false"},
                {"HostName=h.net;DeviceId=d;x509=true;SharedAccessKey=" KEY, "exclude each other"},
                {"HostName=h.net;DeviceId=d;deviceid=e;SharedAccessKey=" KEY, "twice"},
                {"HostName=h.net;DeviceId=d;SharedAccessKey=" KEY ";SharedAccessKey=" KEY, "twice"},
                {"HostName=h.net;SharedAccessKeyName=;SharedAccessKey=" KEY, "SharedAccessKeyName is empty"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                ConnectionString *cs = NULL;
                const char *error = NULL;

                ck_assert_msg(connection_string_parse(cases[i].text, &cs, &error) == -EINVAL, "%s", cases[i].text);
                ck_assert_ptr_null(cs);
                ck_assert_msg(error && strstr(error, cases[i].part), "%s: %s", cases[i].text, error);
                ck_assert_ptr_null(strstr(error, KEY));
        }
}
END_TEST

START_TEST(ids_have_128_characters_at_most)
{
        for (int length = 1; length < 140; length++) {
                char text[512];
                ConnectionString *cs = NULL;
                const char *error = NULL;
                int r;

                (void)snprintf(text, sizeof(text), "HostName=h.net;SharedAccessKey=" KEY ";DeviceId=%0*d", length, 0);
                r = connection_string_parse(text, &cs, &error);
                ck_assert_int_eq(r, length <= 128 ? 0 : -EINVAL);
                connection_string_free(cs);
        }
}
END_TEST

START_TEST(mutations_do_no_harm)
{
        static const char text[] = "HostName=h.net;DeviceId=d;ModuleId=m;SharedAccessKeyName=p;GatewayHostName=g;"
                                   "x509=false;SharedAccessKey=" KEY;
        FakeRandom dice;

        fake_random_init(&dice, 9);
        for (int i = 0; i < 50000; i++) {
                _cleanup_free_ char *mutant = strndup(text, dice.random.draw(&dice) % sizeof(text));
                _cleanup_(connection_string_freep) ConnectionString *cs = NULL;
                size_t n = strlen(mutant);
                const char *error = NULL;

                for (uint64_t k = dice.random.draw(&dice) % 5; n > 0 && k > 0; k--)
                        mutant[dice.random.draw(&dice) % n] = (char)(dice.random.draw(&dice) % 255 + 1);
                if (connection_string_parse(mutant, &cs, &error) < 0)
                        ck_assert_ptr_nonnull(error);
                else
                        ck_assert_ptr_nonnull(cs->host_name);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("azure/connection-string");
        TCase *c = suite_case(s, "connection strings");

        tcase_add_test(c, good_ones_are_read);
        tcase_add_test(c, ids_have_128_characters_at_most);

        c = suite_case(s, "hostile input");
        tcase_add_test(c, bad_ones_are_told_what_is_wrong);
        tcase_add_test(c, mutations_do_no_harm);
        return suite_run(s);
}
