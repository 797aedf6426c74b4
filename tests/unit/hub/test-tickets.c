/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/tickets.h"

#include "suite.h"

static void add(Tickets *t, uint64_t ticket, int mid, usec_t now)
{
        ck_assert_int_eq(tickets_reserve(t), 0);
        tickets_add(t, ticket, mid, now);
}

START_TEST(a_ticket_is_found_by_its_mid_once)
{
        Tickets t = {};
        uint64_t ticket;

        ck_assert(!tickets_take(&t, 1, &ticket));
        for (int i = 1; i <= 100; i++)
                add(&t, 1000 + (uint64_t)i, i, (usec_t)i);
        for (int i = 100; i >= 1; i -= 2) {
                ck_assert(tickets_take(&t, i, &ticket));
                ck_assert_uint_eq(ticket, 1000 + (uint64_t)i);
                ck_assert(!tickets_take(&t, i, &ticket));
        }
        ck_assert_uint_eq(t.n_entries, 50);
        tickets_done(&t);
}
END_TEST

START_TEST(the_oldest_is_the_first_that_was_sent)
{
        Tickets t = {};
        uint64_t ticket;

        ck_assert_uint_eq(tickets_oldest(&t), USEC_INFINITY);
        add(&t, 1, 65535, 10);
        add(&t, 2, 1, 20); /* mids begin again */
        add(&t, 3, 2, 30);
        ck_assert_uint_eq(tickets_oldest(&t), 10);
        ck_assert(tickets_take(&t, 1, &ticket));
        ck_assert_uint_eq(tickets_oldest(&t), 10);
        ck_assert(tickets_take(&t, 65535, &ticket));
        ck_assert_uint_eq(tickets_oldest(&t), 30);
        tickets_clear(&t);
        ck_assert_uint_eq(tickets_oldest(&t), USEC_INFINITY);
        ck_assert(!tickets_take(&t, 2, &ticket));
        tickets_done(&t);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("hub/tickets");
        TCase *c = suite_case(s, "what is not acknowledged");

        tcase_add_test(c, a_ticket_is_found_by_its_mid_once);
        tcase_add_test(c, the_oldest_is_the_first_that_was_sent);
        return suite_run(s);
}
