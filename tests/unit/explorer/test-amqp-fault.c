/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/amqp-fault.h"

#include <errno.h>
#include <proton/codec.h>
#include <string.h>

#include "explorer/amqp-complaint.h"
#include "suite.h"

START_TEST(every_condition_has_its_kind)
{
        static const struct {
                const char *condition;
                AmqpFaultKind kind;
                ExitCode code;
                bool passing;
                const char *advice; /* a part of it; NULL: there is none */
        } cases[] = {
                {"amqp:unauthorized-access", AMQP_FAULT_REFUSED, EXPLORER_REFUSED, false, "ServiceConnect"},
                {"amqp:not-found", AMQP_FAULT_REFUSED, EXPLORER_REFUSED, false, NULL},
                {"amqp:resource-limit-exceeded", AMQP_FAULT_REFUSED, EXPLORER_REFUSED, false, NULL},
                {"amqp:link:message-size-exceeded", AMQP_FAULT_REFUSED, EXPLORER_REFUSED, false, "64 KB"},
                {"amqp:link:stolen", AMQP_FAULT_REFUSED, EXPLORER_REFUSED, false, "consumer group"},
                {"amqp:link:detach-forced", AMQP_FAULT_NETWORK, EXPLORER_FAILED, true, NULL},
                {"amqp:connection:forced", AMQP_FAULT_NETWORK, EXPLORER_FAILED, true, NULL},
                {"amqp:internal-error", AMQP_FAULT_BUSY, EXPLORER_REFUSED, true, "later"},
                {"com.microsoft:quota-exceeded", AMQP_FAULT_REFUSED, EXPLORER_REFUSED, false, "00:00 UTC"},
                {"com.microsoft:device-container-throttled", AMQP_FAULT_BUSY, EXPLORER_REFUSED, true, "a minute"},
                {"com.microsoft:server-busy", AMQP_FAULT_BUSY, EXPLORER_REFUSED, true, "seconds"},
                {"com.microsoft:timeout", AMQP_FAULT_BUSY, EXPLORER_REFUSED, true, "again"},
                {"com.microsoft:iot-hub-suspended", AMQP_FAULT_REFUSED, EXPLORER_REFUSED, false, "subscription"},
                {"com.microsoft:argument-error", AMQP_FAULT_REFUSED, EXPLORER_REFUSED, false, NULL},
                {"of-somebody:else", AMQP_FAULT_REFUSED, EXPLORER_REFUSED, false, NULL},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                AmqpFault f = {};
                const char *advice;

                ck_assert_int_eq(amqp_fault_set_named(&f, cases[i].condition, "so it is"), -ECONNABORTED);
                ck_assert_msg(f.kind == cases[i].kind, "%s", cases[i].condition);
                ck_assert_int_eq(amqp_exit_code(&f), cases[i].code);
                ck_assert_msg(amqp_fault_is_passing(&f) == cases[i].passing, "%s", cases[i].condition);
                ck_assert_str_eq(f.condition, cases[i].condition);
                ck_assert_ptr_nonnull(strstr(f.words, "so it is ("));
                advice = amqp_fault_advice(&f);
                ck_assert_msg(cases[i].advice ? advice && strstr(advice, cases[i].advice) : !advice, "%s: %s",
                              cases[i].condition, advice ? advice : "none");
        }
}
END_TEST

START_TEST(the_first_fault_is_kept)
{
        AmqpFault f = {};

        (void)amqp_fault_set(&f, AMQP_FAULT_TIMEOUT, "%s", "first");
        (void)amqp_fault_set(&f, AMQP_FAULT_NETWORK, "%s", "second");
        (void)amqp_fault_set_named(&f, "amqp:not-found", "third");
        ck_assert_int_eq(f.kind, AMQP_FAULT_TIMEOUT);
        ck_assert_str_eq(f.words, "first");
        ck_assert_str_eq(f.condition, "");
        ck_assert_int_eq(amqp_exit_code(&f), EXPLORER_TIMEOUT);
        amqp_fault_clear(&f);
        (void)amqp_fault_set(&f, AMQP_FAULT_TLS, "%s", "then");
        ck_assert_str_eq(f.words, "then");
}
END_TEST

START_TEST(a_time_to_wait_is_told)
{
        pn_condition_t *c = pn_condition();
        pn_data_t *info = pn_condition_info(c);
        AmqpFault f = {};

        (void)pn_condition_set_name(c, "com.microsoft:quota-exceeded");
        (void)pn_condition_set_description(c, "slowly");
        (void)pn_data_put_map(info);
        (void)pn_data_enter(info);
        (void)pn_data_put_symbol(info, pn_bytes(25, "com.microsoft:tracking-id"));
        (void)pn_data_put_string(info, pn_bytes(1, "x"));
        (void)pn_data_put_symbol(info, pn_bytes(25, "com.microsoft:retry-after"));
        (void)pn_data_put_int(info, 7);
        (void)pn_data_exit(info);
        (void)amqp_fault_set_condition(&f, c);
        ck_assert_ptr_nonnull(strstr(f.words, "try again in 7 s"));
        ck_assert(amqp_fault_is_passing(&f));
        pn_condition_free(c);
}
END_TEST

START_TEST(foreign_words_are_bounded_and_printable)
{
        char giant[4096];
        AmqpFault f = {};

        memset(giant, 'x', sizeof(giant) - 1);
        giant[sizeof(giant) - 1] = 0;
        giant[1] = 0x1b;
        giant[2] = '\n';
        (void)amqp_fault_set_named(&f, giant, giant);
        ck_assert_uint_lt(strlen(f.words), sizeof(f.words));
        ck_assert_uint_lt(strlen(f.condition), sizeof(f.condition));
        ck_assert_ptr_null(strpbrk(f.words, "\x1b\n"));
        ck_assert_ptr_null(strpbrk(f.condition, "\x1b\n"));
}
END_TEST

int main(void)
{
        Suite *s = suite_create("explorer/amqp-fault");
        TCase *c = suite_case(s, "faults");

        tcase_add_test(c, every_condition_has_its_kind);
        tcase_add_test(c, the_first_fault_is_kept);
        tcase_add_test(c, a_time_to_wait_is_told);
        tcase_add_test(c, foreign_words_are_bounded_and_printable);
        return suite_run(s);
}
