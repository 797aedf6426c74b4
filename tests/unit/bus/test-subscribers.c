/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/subscribers.h"

#include <stdio.h>
#include <string.h>

#include "suite.h"

#define ANN 1000
#define BOB 1001

static Subscribers s;
static const char *keeper; /* whose name begins so keeps what he has */
static unsigned n_left;
static char last_left[32];

static bool keeps(void *userdata, const char *name)
{
        return strncmp(name, keeper, strlen(keeper)) == 0;
}

static void on_left(void *userdata, const char *name)
{
        n_left++;
        (void)snprintf(last_left, sizeof(last_left), "%s", name);
        ck_assert_int_eq(subscribers_watch(&s, "who is told may look at the row"), 0);
        subscribers_dismiss(&s, "who is told may look at the row");
}

static void setup(void)
{
        keeper = ":";
        s = (Subscribers){.keeps = keeps, .left = on_left};
        n_left = 0;
}

static void teardown(void)
{
        subscribers_clear(&s);
}

static int add(unsigned connection, unsigned n, uid_t user)
{
        char name[32];

        (void)snprintf(name, sizeof(name), ":%u.%u", connection, n);
        return subscribers_add(&s, name, user);
}

/* How many of that user get a place. */
static unsigned fill(unsigned connection, uid_t user)
{
        unsigned n = 0;

        while (n < 1000 && add(connection, n, user) == 0)
                n++;
        return n;
}

START_TEST(one_user_does_not_shut_the_others_out)
{
        ck_assert_uint_eq(fill(1, ANN), SUBSCRIBERS_USER_MAX);
        ck_assert_int_eq(add(1, 500, ANN), SUBSCRIBERS_E_USER);
        ck_assert_int_eq(add(1, 0, ANN), 0); /* who has one has it */
        ck_assert_uint_eq(s.n, SUBSCRIBERS_USER_MAX);
        ck_assert_int_eq(add(2, 0, BOB), 0);
        ck_assert_int_eq(add(3, 0, 0), 0);
        subscribers_remove(&s, ":1.7");
        ck_assert_int_eq(add(1, 500, ANN), 0);
}
END_TEST

START_TEST(all_users_together_do_not_shut_root_out)
{
        (void)fill(1, ANN);
        (void)fill(2, BOB);
        ck_assert_int_eq(add(3, 0, 1002), SUBSCRIBERS_E_FULL);
        ck_assert_uint_eq(s.n, SUBSCRIBERS_MAX - SUBSCRIBERS_ROOT);
        ck_assert_uint_eq(fill(4, 0), SUBSCRIBERS_ROOT);
        ck_assert_int_eq(add(4, 500, 0), SUBSCRIBERS_E_FULL);
}
END_TEST

START_TEST(who_has_nothing_any_more_makes_room)
{
        keeper = ":1.0";
        ck_assert_uint_eq(fill(1, ANN), 1000);
        ck_assert_uint_le(s.n, SUBSCRIBERS_USER_MAX);
        keeper = ":2.";
        for (unsigned n = 0; n < SUBSCRIBERS_USER_MAX; n++)
                ck_assert_int_eq(add(2, n, BOB), 0);
        ck_assert_int_eq(add(2, 500, BOB), SUBSCRIBERS_E_USER);
        ck_assert_uint_eq(s.n, SUBSCRIBERS_USER_MAX);
}
END_TEST

START_TEST(a_guest_has_no_place)
{
        char name[32];

        for (unsigned n = 0; n < 500; n++) {
                (void)snprintf(name, sizeof(name), ":1.%u", n);
                ck_assert_int_eq(subscribers_watch(&s, name), 0);
        }
        ck_assert_uint_eq(s.n, 0);
        ck_assert_int_eq(add(1, 0, ANN), 0);
        ck_assert_uint_eq(s.n, 1);
        subscribers_dismiss(&s, ":1.0"); /* no guest any more */
        ck_assert_uint_eq(s.n, 1);
        for (unsigned n = 1; n < 500; n++) {
                (void)snprintf(name, sizeof(name), ":1.%u", n);
                subscribers_dismiss(&s, name);
        }
        subscribers_remove(&s, ":1.0");
        ck_assert_uint_eq(s.n, 0);
        ck_assert_ptr_null(s.first);
}
END_TEST

START_TEST(who_leaves_is_told_of_once)
{
        ck_assert_int_eq(add(1, 0, ANN), 0);
        ck_assert_int_eq(subscribers_watch(&s, ":1.1"), 0);
        subscribers_left(&s, ":1.10");
        subscribers_left(&s, "org.example.Other");
        ck_assert_uint_eq(n_left, 0);
        subscribers_left(&s, ":1.0");
        subscribers_left(&s, ":1.0");
        ck_assert_uint_eq(n_left, 1);
        ck_assert_str_eq(last_left, ":1.0");
        ck_assert_uint_eq(s.n, 0);
        subscribers_left(&s, ":1.1"); /* a guest, too */
        ck_assert_uint_eq(n_left, 2);
        ck_assert_int_eq(add(1, 2, ANN), 0);
        subscribers_clear(&s); /* when we left */
        ck_assert_uint_eq(n_left, 3);
        ck_assert_str_eq(last_left, ":1.2");
        ck_assert_ptr_null(s.first);
}
END_TEST

START_TEST(those_who_always_keep_share_all_places)
{
        s.keeps = NULL;
        ck_assert_uint_eq(fill(1, SUBSCRIBERS_ANYBODY), SUBSCRIBERS_MAX);
        ck_assert_int_eq(add(2, 0, SUBSCRIBERS_ANYBODY), SUBSCRIBERS_E_FULL);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("bus/subscribers");
        TCase *c = suite_case(suite, "places");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, one_user_does_not_shut_the_others_out);
        tcase_add_test(c, all_users_together_do_not_shut_root_out);
        tcase_add_test(c, who_has_nothing_any_more_makes_room);
        tcase_add_test(c, a_guest_has_no_place);
        tcase_add_test(c, who_leaves_is_told_of_once);
        tcase_add_test(c, those_who_always_keep_share_all_places);
        return suite_run(suite);
}
