/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/subscribers.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "suite.h"

#define ANN 1000
#define BOB 1001

/* A connection with nobody behind it: what is asked of the bus is not answered. */
static sd_bus *bus;
static int other = -1;
static Subscribers s;
static const char *keeper; /* whose name begins so keeps what he has */

static bool keeps(void *userdata, const char *name)
{
        return strncmp(name, keeper, strlen(keeper)) == 0;
}

static void setup(void)
{
        int fds[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        other = fds[1];
        ck_assert_int_ge(sd_bus_new(&bus), 0);
        ck_assert_int_ge(sd_bus_set_fd(bus, fds[0], fds[0]), 0);
        ck_assert_int_ge(sd_bus_start(bus), 0);
        keeper = ":";
        s = (Subscribers){.keeps = keeps};
}

static void teardown(void)
{
        subscribers_clear(&s);
        bus = sd_bus_close_unref(bus);
        (void)close(other);
}

static int with_message(const char *name, int (*deed)(sd_bus_message *m, uid_t user), uid_t user)
{
        sd_bus_message *m = NULL;
        int r;

        ck_assert_int_ge(sd_bus_message_new_signal(bus, &m, "/a", "a.b", "C"), 0);
        ck_assert_int_ge(sd_bus_message_set_sender(m, name), 0);
        r = deed(m, user);
        sd_bus_message_unref(m);
        return r;
}

static int do_add(sd_bus_message *m, uid_t user)
{
        return subscribers_add(&s, m, user);
}

static int do_watch(sd_bus_message *m, uid_t user)
{
        return subscribers_watch(&s, m);
}

static int add(unsigned connection, unsigned n, uid_t user)
{
        char name[32];

        (void)snprintf(name, sizeof(name), ":%u.%u", connection, n);
        return with_message(name, do_add, user);
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
                ck_assert_int_eq(with_message(name, do_watch, ANN), 0);
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
        tcase_add_test(c, those_who_always_keep_share_all_places);
        return suite_run(suite);
}
