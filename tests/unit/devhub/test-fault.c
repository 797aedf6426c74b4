/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/fault.h"

#include <string.h>

#include "suite.h"

#define NOW USEC_PER_HOUR

static Fault rule(FaultKind kind, const char *device_id)
{
        return (Fault){
                .kind = kind,
                .device_id = (char *)device_id,
                .until_usec = USEC_INFINITY,
                .strikes_left = UINT64_MAX,
        };
}

START_TEST(names_read_back)
{
        static const char *const names[] = {
                "refuse-connect",  "cut",          "delay-puback", "withhold-puback", "silent",    "poison",
                "reset",           "takeover",     "tls-stall",    "cert-wrong-name", "cert-expired", "cert-new-ca",
                "clock-offset",    "token-cut",    "throttle",     "quota",           "duplicate",
                "method-no-answer", "twin-conflict", "dps-busy", "dps-reassign",
        };

        ck_assert_uint_eq(ARRAY_SIZE(names), _FAULT_KIND_MAX);
        for (int i = 0; i < _FAULT_KIND_MAX; i++) {
                ck_assert_str_eq(fault_kind_to_string((FaultKind)i), names[i]);
                ck_assert_int_eq(fault_kind_from_string(names[i]), i);
        }
        ck_assert_int_eq(fault_kind_from_string("Cut"), _FAULT_KIND_INVALID);
}
END_TEST

START_TEST(a_rule_for_all_strikes_all)
{
        Fault cut = rule(FAULT_CUT, NULL);
        Faults f = {};

        ck_assert_ptr_null(faults_strike(&f, FAULT_CUT, "d1", NOW));
        ck_assert_int_eq(faults_set(&f, &cut), 0);
        ck_assert_ptr_nonnull(faults_strike(&f, FAULT_CUT, "d1", NOW));
        ck_assert_ptr_nonnull(faults_strike(&f, FAULT_CUT, NULL, NOW));
        ck_assert_ptr_null(faults_strike(&f, FAULT_SILENT, "d1", NOW));
        ck_assert_uint_eq(f.rules[0].n_strikes, 2);
        faults_done(&f);
}
END_TEST

START_TEST(a_devices_rule_strikes_it_alone_and_first)
{
        Fault all = rule(FAULT_REFUSE_CONNECT, NULL), one = rule(FAULT_REFUSE_CONNECT, "d1");
        Faults f = {};

        one.code = 5;
        one.strikes_left = 1;
        all.code = 3;
        ck_assert_int_eq(faults_set(&f, &one), 0);
        ck_assert_ptr_null(faults_strike(&f, FAULT_REFUSE_CONNECT, "d2", NOW));
        ck_assert_ptr_null(faults_strike(&f, FAULT_REFUSE_CONNECT, NULL, NOW));
        ck_assert_int_eq(faults_set(&f, &all), 0);
        ck_assert_uint_eq(faults_strike(&f, FAULT_REFUSE_CONNECT, "d1", NOW)->code, 5);
        ck_assert_uint_eq(faults_strike(&f, FAULT_REFUSE_CONNECT, "d1", NOW)->code, 3);
        ck_assert_uint_eq(faults_strike(&f, FAULT_REFUSE_CONNECT, "d2", NOW)->code, 3);
        faults_done(&f);
}
END_TEST

START_TEST(rules_end_by_strikes_or_time)
{
        Fault f1 = rule(FAULT_CUT, NULL), f2 = rule(FAULT_SILENT, NULL);
        Faults f = {};

        f1.strikes_left = 2;
        f2.until_usec = NOW + 10;
        ck_assert_int_eq(faults_set(&f, &f1), 0);
        ck_assert_int_eq(faults_set(&f, &f2), 0);
        ck_assert_ptr_nonnull(faults_strike(&f, FAULT_CUT, "d1", NOW));
        ck_assert_ptr_nonnull(faults_strike(&f, FAULT_CUT, "d1", NOW));
        ck_assert_ptr_null(faults_strike(&f, FAULT_CUT, "d1", NOW));
        ck_assert_ptr_nonnull(faults_strike(&f, FAULT_SILENT, "d1", NOW + 9));
        ck_assert_ptr_null(faults_strike(&f, FAULT_SILENT, "d1", NOW + 10));
        faults_expire(&f, NOW + 9);
        ck_assert_uint_eq(f.n_rules, 1);
        faults_expire(&f, NOW + 10);
        ck_assert_uint_eq(f.n_rules, 0);
        faults_done(&f);
}
END_TEST

START_TEST(looking_is_no_strike)
{
        Fault quota = rule(FAULT_QUOTA, "d1");
        Faults f = {};

        quota.strikes_left = 1;
        quota.until_usec = 50;
        ck_assert_uint_eq(faults_deadline(&f), USEC_INFINITY);
        ck_assert_int_eq(faults_set(&f, &quota), 0);
        ck_assert_uint_eq(faults_deadline(&f), 50);
        for (int i = 0; i < 3; i++)
                ck_assert_ptr_nonnull(faults_look(&f, FAULT_QUOTA, "d1", 10));
        ck_assert_ptr_null(faults_look(&f, FAULT_QUOTA, "d2", 10));
        ck_assert_ptr_nonnull(faults_strike(&f, FAULT_QUOTA, "d1", 10));
        ck_assert_ptr_null(faults_look(&f, FAULT_QUOTA, "d1", 10));
        faults_done(&f);
}
END_TEST

START_TEST(setting_again_replaces)
{
        Fault a = rule(FAULT_CUT, "d1"), b = rule(FAULT_CUT, "d1"), c = rule(FAULT_CUT, "d2");
        Faults f = {};

        a.strikes_left = 1;
        b.strikes_left = 7;
        ck_assert_int_eq(faults_set(&f, &a), 0);
        ck_assert_int_eq(faults_set(&f, &c), 0);
        ck_assert_int_eq(faults_set(&f, &b), 0);
        ck_assert_uint_eq(f.n_rules, 2);
        ck_assert_uint_eq(faults_strike(&f, FAULT_CUT, "d1", NOW)->strikes_left, 6);
        faults_done(&f);
}
END_TEST

START_TEST(clearing_takes_one_kind_or_all)
{
        Fault a = rule(FAULT_CUT, "d1"), b = rule(FAULT_CUT, NULL), c = rule(FAULT_SILENT, NULL);
        Faults f = {};

        ck_assert_int_eq(faults_set(&f, &a), 0);
        ck_assert_int_eq(faults_set(&f, &c), 0);
        ck_assert_int_eq(faults_set(&f, &b), 0);
        faults_clear(&f, FAULT_CUT);
        ck_assert_uint_eq(f.n_rules, 1);
        ck_assert_int_eq(f.rules[0].kind, FAULT_SILENT);
        faults_clear(&f, _FAULT_KIND_MAX);
        ck_assert_uint_eq(f.n_rules, 0);
        faults_done(&f);
}
END_TEST

START_TEST(poison_is_in_the_body)
{
        Faults f = {};
        Fault bad = {.kind = FAULT_POISON, .match = (char *)"bad", .until_usec = USEC_INFINITY, .strikes_left = 1};

        ck_assert(!faults_poison(&f, "d1", "bad", 3, 0));
        ck_assert_int_eq(faults_set(&f, &bad), 0);
        ck_assert(!faults_poison(&f, "d1", "good", 4, 0));
        ck_assert(!faults_poison(&f, "d1", "ba", 2, 0));
        ck_assert(!faults_poison(&f, "d1", NULL, 0, 0));
        ck_assert(faults_poison(&f, "d1", "a bad one", 9, 0));
        ck_assert(!faults_poison(&f, "d1", "a bad one", 9, 0)); /* that was the one strike */
        bad.match = NULL;
        ck_assert_int_eq(faults_set(&f, &bad), 0);
        ck_assert(faults_poison(&f, "d1", NULL, 0, 0));
        faults_done(&f);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("devhub/fault");
        TCase *c = suite_case(s, "rules");

        tcase_add_test(c, names_read_back);
        tcase_add_test(c, a_rule_for_all_strikes_all);
        tcase_add_test(c, a_devices_rule_strikes_it_alone_and_first);
        tcase_add_test(c, rules_end_by_strikes_or_time);
        tcase_add_test(c, looking_is_no_strike);
        tcase_add_test(c, setting_again_replaces);
        tcase_add_test(c, clearing_takes_one_kind_or_all);
        tcase_add_test(c, poison_is_in_the_body);
        return suite_run(s);
}
