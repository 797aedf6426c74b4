/* SPDX-License-Identifier: Apache-2.0 */

/* The words that programs outside rely on: names, states, reasons. */

#include <string.h>

#include "base/macro.h"
#include "model/link.h"
#include "model/name.h"
#include "model/status.h"
#include "suite.h"

START_TEST(names_fit_everywhere)
{
        static const char *const good[] = {"a", "Z", "room", "a_b", "cpu0", "a1234567890123456789012345678901"};
        static const char *const bad[] = {
                "",    "0a",   "_a",   "a-b",  "a.b", "a b", "a/b", "a\n", "\xc3\xbc", "a\xc3\xbc",
                "a:b", "a\"b", "a%41", "a1234567890123456789012345678901x",
        };

        for (size_t i = 0; i < ARRAY_SIZE(good); i++)
                ck_assert_msg(name_is_valid(good[i]), "%s", good[i]);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                ck_assert_msg(!name_is_valid(bad[i]), "%s", bad[i]);
}
END_TEST

START_TEST(every_byte_is_judged)
{
        for (int v = 1; v < 256; v++) {
                char first[] = {(char)v, 0}, later[] = {'a', (char)v, 0};
                bool letter = (v >= 'A' && v <= 'Z') || (v >= 'a' && v <= 'z');

                ck_assert_int_eq(name_is_valid(first), letter);
                ck_assert_int_eq(name_is_valid(later), letter || (v >= '0' && v <= '9') || v == '_');
        }
}
END_TEST

START_TEST(link_words)
{
        static const char *const states[] = {"stopped", "offline", "connecting", "connected", "waiting"};
        static const char *const reasons[] = {
                "none",       "no-credential",   "network", "name",     "refused",
                "tls-untrusted", "tls-hostname", "tls-expired",
                "credential", "hub-unavailable", "clock",   "takeover", "throttled", "quota", "silent",
                "provisioning", "closed",
        };

        ck_assert_uint_eq(ARRAY_SIZE(states), _LINK_STATE_MAX);
        for (int i = 0; i < _LINK_STATE_MAX; i++)
                ck_assert_str_eq(link_state_to_string((LinkState)i), states[i]);
        ck_assert_uint_eq(ARRAY_SIZE(reasons), _LINK_REASON_MAX);
        for (int i = 0; i < _LINK_REASON_MAX; i++)
                ck_assert_str_eq(link_reason_to_string((LinkReason)i), reasons[i]);
        ck_assert_ptr_null(link_state_to_string(_LINK_STATE_MAX));
        ck_assert_ptr_null(link_state_to_string(_LINK_STATE_INVALID));
        ck_assert_ptr_null(link_reason_to_string(_LINK_REASON_MAX));
        ck_assert_ptr_null(link_reason_to_string(_LINK_REASON_INVALID));
}
END_TEST

START_TEST(sensor_words)
{
        static const char *const states[] = {"ok", "failing", "stale", "stopped"};

        ck_assert_uint_eq(ARRAY_SIZE(states), _SENSOR_STATE_MAX);
        for (int i = 0; i < _SENSOR_STATE_MAX; i++)
                ck_assert_str_eq(sensor_state_to_string((SensorState)i), states[i]);
        ck_assert_ptr_null(sensor_state_to_string(_SENSOR_STATE_MAX));
        ck_assert_ptr_null(sensor_state_to_string(_SENSOR_STATE_INVALID));
}
END_TEST

START_TEST(a_method_has_the_name_that_the_hub_passes_on)
{
        static const char *const good[] = {"a", "0", "Re-Boot_2.0", "room*getMaxMinReport", "a!b#c%d&e'f+g^h`i|j~"};
        static const char bad[] = "$()<>@,;:\\\"/[]?={} \t\n\x7f\x80";
        char name[METHOD_NAME_MAX + 2] = "axb";

        for (size_t i = 0; i < ARRAY_SIZE(good); i++)
                ck_assert_msg(name_is_of_method(good[i]), "%s", good[i]);
        for (size_t i = 0; i < sizeof(bad) - 1; i++) {
                name[1] = bad[i];
                ck_assert_msg(!name_is_of_method(name), "%s", name);
        }
        ck_assert(!name_is_of_method(""));
        memset(name, 'a', METHOD_NAME_MAX);
        ck_assert(name_is_of_method(name));
        name[METHOD_NAME_MAX] = 'a';
        ck_assert(!name_is_of_method(name));
}
END_TEST

START_TEST(faults)
{
        static const char *const words[] = {"other", "timeout", "nak", "crc", "unplugged", "driver-held"};

        ck_assert_uint_eq(ARRAY_SIZE(words), _SENSOR_FAULT_MAX);
        for (int i = 0; i < _SENSOR_FAULT_MAX; i++)
                ck_assert_str_eq(sensor_fault_to_string((SensorFault)i), words[i]);
        ck_assert_ptr_null(sensor_fault_to_string(_SENSOR_FAULT_MAX));
        ck_assert_ptr_null(sensor_fault_to_string(_SENSOR_FAULT_INVALID));
}
END_TEST

int main(void)
{
        Suite *s = suite_create("model/words");
        TCase *c = suite_case(s, "words that stay");

        tcase_add_test(c, names_fit_everywhere);
        tcase_add_test(c, every_byte_is_judged);
        tcase_add_test(c, a_method_has_the_name_that_the_hub_passes_on);
        tcase_add_test(c, link_words);
        tcase_add_test(c, sensor_words);
        tcase_add_test(c, faults);
        return suite_run(s);
}
