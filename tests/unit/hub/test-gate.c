/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/gate.h"

#include "suite.h"

START_TEST(it_is_open_when_all_are_settled)
{
        uint64_t tickets[100], order[100];
        Gate g = {};

        for (unsigned step = 1; step < 100; step++) { /* every order that a step gives */
                if (step % 2 == 0 || step % 5 == 0)
                        continue;
                ck_assert(!gate_is_shut(&g));
                for (unsigned i = 0; i < 100; i++) {
                        ck_assert_int_eq(gate_admit(&g, &tickets[i]), 0);
                        order[i] = i * step % 100;
                }
                for (unsigned i = 0; i < 100; i++) {
                        insist(gate_is_shut(&g));
                        insist(gate_settle(&g, tickets[order[i]]));
                        insist(!gate_settle(&g, tickets[order[i]]));
                }
        }
        ck_assert(!gate_is_shut(&g));
        gate_done(&g);
}
END_TEST

START_TEST(tickets_of_an_earlier_connection_are_void_and_never_given_again)
{
        uint64_t old, new;
        Gate g = {};

        ck_assert_int_eq(gate_admit(&g, &old), 0);
        gate_forget(&g);
        ck_assert(!gate_is_shut(&g));
        ck_assert(!gate_settle(&g, old));
        ck_assert_int_eq(gate_admit(&g, &new), 0);
        ck_assert_uint_ne(old, new);
        ck_assert(!gate_settle(&g, old));
        ck_assert(gate_is_shut(&g));
        ck_assert(gate_settle(&g, new));
        gate_done(&g);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("hub/gate");
        TCase *c = suite_case(s, "what is not stored");

        tcase_add_test(c, it_is_open_when_all_are_settled);
        tcase_add_test(c, tickets_of_an_earlier_connection_are_void_and_never_given_again);
        return suite_run(s);
}
