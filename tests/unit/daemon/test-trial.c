/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/trial.h"

#include <string.h>

#include "daemon/credential.h"
#include "suite.h"

#define KEY    "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
#define DEVICE "HostName=h.example;DeviceId=dev1;SharedAccessKey=" KEY

static HubSettings settings;

static void setup(void)
{
        settings = (HubSettings){
                .connection_string_file = strdup("device.cs"),
                .dps = {.id_scope = strdup("0ne1"), .key_file = strdup("k"), .host = strdup("dps.example")},
        };
}

static void teardown(void)
{
        free(settings.connection_string_file);
        free(settings.dps.id_scope);
        free(settings.dps.registration_id);
        free(settings.dps.key_file);
        free(settings.dps.host);
}

static void set(const char *name, const char *value)
{
        ck_assert_int_eq(value ? setenv(name, value, 1) : unsetenv(name), 0);
}

static void set_dps(void)
{
        set("IOTHUB_DEVICE_SECURITY_TYPE", "DPS");
        set("IOTHUB_DEVICE_DPS_ENDPOINT", NULL);
        set("IOTHUB_DEVICE_DPS_ID_SCOPE", "0ne2");
        set("IOTHUB_DEVICE_DPS_DEVICE_ID", "gw-17");
        set("IOTHUB_DEVICE_DPS_DEVICE_KEY", KEY);
}

static void expect_unfit(const char *words)
{
        _cleanup_free_ char *error = NULL;
        ConnectionString *cs = NULL;

        ck_assert(trial_is_wanted());
        ck_assert_int_eq(trial_apply(&settings), 0);
        ck_assert_int_eq(trial_credential(&cs, &error), CREDENTIAL_E_UNFIT);
        ck_assert_ptr_null(cs);
        ck_assert_msg(strstr(error, words), "%s: expected %s", error, words);
        ck_assert_ptr_null(strstr(error, "a2tr"));
}

START_TEST(without_a_type_the_environment_says_nothing)
{
        set_dps();
        for (int i = 0; i < 2; i++) {
                set("IOTHUB_DEVICE_SECURITY_TYPE", i == 0 ? NULL : "");
                ck_assert(!trial_is_wanted());
                ck_assert_int_eq(trial_apply(&settings), 0);
                ck_assert_str_eq(settings.dps.id_scope, "0ne1");
                ck_assert_str_eq(settings.dps.key_file, "k");
        }
}
END_TEST

START_TEST(dps_takes_the_place_of_what_the_settings_say)
{
        _cleanup_(connection_string_freep) ConnectionString *cs = NULL;
        _cleanup_free_ char *error = NULL;

        set_dps();
        ck_assert_int_eq(trial_apply(&settings), 0);
        ck_assert_str_eq(settings.dps.id_scope, "0ne2");
        ck_assert_str_eq(settings.dps.registration_id, "gw-17");
        ck_assert_str_eq(settings.dps.host, DPS_HOST);
        ck_assert_ptr_null(settings.dps.key_file);
        ck_assert_int_eq(trial_credential(&cs, &error), 0);
        ck_assert_str_eq(cs->shared_access_key, KEY);
        set("IOTHUB_DEVICE_DPS_ENDPOINT", "dps2.example");
        ck_assert_int_eq(trial_apply(&settings), 0);
        ck_assert_str_eq(settings.dps.host, "dps2.example");
}
END_TEST

START_TEST(a_connection_string_ends_dps)
{
        static const char *const spellings[] = {"connectionString", "connectionstring"};

        for (size_t i = 0; i < ARRAY_SIZE(spellings); i++) {
                _cleanup_(connection_string_freep) ConnectionString *cs = NULL;
                _cleanup_free_ char *error = NULL;

                set("IOTHUB_DEVICE_SECURITY_TYPE", spellings[i]);
                set("IOTHUB_DEVICE_CONNECTION_STRING", DEVICE);
                ck_assert_int_eq(trial_apply(&settings), 0);
                ck_assert_ptr_null(settings.dps.id_scope);
                ck_assert_int_eq(trial_credential(&cs, &error), 0);
                ck_assert_str_eq(cs->device_id, "dev1");
        }
}
END_TEST

START_TEST(what_is_missing_is_named)
{
        static const char *const needed[] = {"IOTHUB_DEVICE_DPS_ID_SCOPE", "IOTHUB_DEVICE_DPS_DEVICE_ID",
                                             "IOTHUB_DEVICE_DPS_DEVICE_KEY"};

        for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
                set_dps();
                set(needed[i], NULL);
                expect_unfit(needed[i]);
        }
        set_dps();
        set("IOTHUB_DEVICE_DPS_DEVICE_KEY", "a2tra2tr a2tra2tr");
        expect_unfit("holds no key");
        set("IOTHUB_DEVICE_SECURITY_TYPE", "x509");
        expect_unfit("neither connectionString nor DPS");
        set("IOTHUB_DEVICE_SECURITY_TYPE", "connectionString");
        set("IOTHUB_DEVICE_CONNECTION_STRING", NULL);
        expect_unfit("IOTHUB_DEVICE_CONNECTION_STRING is not set");
        set("IOTHUB_DEVICE_CONNECTION_STRING", "rubbish");
        expect_unfit("IOTHUB_DEVICE_CONNECTION_STRING");
        set("IOTHUB_DEVICE_CONNECTION_STRING", "HostName=h;SharedAccessKeyName=owner;SharedAccessKey=" KEY);
        expect_unfit("not a device's");
}
END_TEST

int main(void)
{
        Suite *s = suite_create("daemon/trial");
        TCase *c = suite_case(s, "the samples' variables");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, without_a_type_the_environment_says_nothing);
        tcase_add_test(c, dps_takes_the_place_of_what_the_settings_say);
        tcase_add_test(c, a_connection_string_ends_dps);
        tcase_add_test(c, what_is_missing_is_named);
        return suite_run(s);
}
