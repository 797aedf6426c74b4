/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/user-names.h"

#include <pwd.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "fake-clock.h"
#include "suite.h"

/* A password database that can be made to hang. It stands before the C library's. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static bool hangs;
static unsigned asked, inside;

int getpwuid_r(uid_t uid, struct passwd *entry, char *space, size_t size, struct passwd **ret)
{
        pthread_mutex_lock(&lock);
        asked++;
        inside++;
        pthread_cond_broadcast(&moved);
        while (hangs)
                pthread_cond_wait(&moved, &lock);
        inside--;
        pthread_cond_broadcast(&moved);
        pthread_mutex_unlock(&lock);
        *ret = NULL;
        if (uid == 404)
                return 0;
        (void)snprintf(space, size, "user%u", (unsigned)uid);
        *entry = (struct passwd){.pw_name = space, .pw_uid = uid};
        *ret = entry;
        return 0;
}

static FakeClock fake;
static sd_event *event;
static UserNames *names;

static struct {
        UserQuestion questions[8];
        size_t n;
        char heard[256];
} client;

static void on_answer(UserQuestion *q, const char *name)
{
        size_t n = strlen(client.heard);

        client.n++;
        (void)snprintf(client.heard + n, sizeof(client.heard) - n, "%td=%s ", q - client.questions, name);
}

static void ask(size_t i, uid_t uid)
{
        client.questions[i] = (UserQuestion){.uid = uid, .answer = on_answer};
        user_names_ask(names, &client.questions[i]);
}

static void wait_for(size_t n)
{
        while (client.n < n)
                ck_assert_msg(sd_event_run(event, 20 * USEC_PER_SEC) > 0, "nothing came within 20 s");
}

static void set_hanging(bool on)
{
        pthread_mutex_lock(&lock);
        hangs = on;
        pthread_cond_broadcast(&moved);
        while (!on && inside > 0)
                pthread_cond_wait(&moved, &lock);
        pthread_mutex_unlock(&lock);
}

static void wait_inside(void)
{
        pthread_mutex_lock(&lock);
        while (inside == 0)
                pthread_cond_wait(&moved, &lock);
        pthread_mutex_unlock(&lock);
}

static void pass(usec_t t)
{
        fake_clock_advance(&fake, t);
        user_names_tick(names, fake.boot_usec);
}

static void setup(void)
{
        memset(&client, 0, sizeof(client));
        asked = 0;
        fake_clock_init(&fake);
        ck_assert_int_ge(sd_event_new(&event), 0);
        ck_assert_int_eq(user_names_new(&names, event, &fake.clock), 0);
}

static void teardown(void)
{
        names = user_names_free(names);
        set_hanging(false);
        event = sd_event_unref(event);
}

START_TEST(a_name_is_asked_for_once_and_kept_for_a_while)
{
        ask(0, 1000);
        wait_for(1);
        ask(1, 1000);
        ck_assert_str_eq(client.heard, "0=user1000 1=user1000 ");
        ck_assert_uint_eq(asked, 1);
        pass(USER_NAME_LIFE);
        ask(2, 1000);
        ck_assert_uint_eq(client.n, 2);
        wait_for(3);
        ck_assert_uint_eq(asked, 2);
}
END_TEST

START_TEST(who_has_no_name_is_his_number)
{
        ask(0, 404);
        wait_for(1);
        ck_assert_str_eq(client.heard, "0=uid 404 ");
}
END_TEST

START_TEST(questions_about_one_user_are_answered_in_their_order)
{
        set_hanging(true);
        ask(0, 7);
        ask(1, 8);
        ask(2, 7);
        ask(3, 7);
        set_hanging(false);
        wait_for(4);
        ck_assert_str_eq(client.heard, "0=user7 2=user7 3=user7 1=user8 ");
        ck_assert_uint_eq(asked, 2);
}
END_TEST

START_TEST(a_database_that_hangs_holds_up_nobody)
{
        set_hanging(true);
        ask(0, 7);
        wait_inside();
        ck_assert_uint_eq(client.n, 0);
        ck_assert_uint_eq(user_names_deadline(names), fake.boot_usec + USER_NAME_TIMEOUT);
        pass(USER_NAME_TIMEOUT);
        ck_assert_str_eq(client.heard, "0=uid 7 ");
        set_hanging(false);
        ask(1, 7);
        wait_for(2);
        ck_assert_str_eq(client.heard, "0=uid 7 1=user7 ");
}
END_TEST

START_TEST(a_name_of_before_is_better_than_none)
{
        ask(0, 7);
        wait_for(1);
        pass(USER_NAME_LIFE);
        set_hanging(true);
        ask(1, 7);
        wait_inside();
        pass(USER_NAME_TIMEOUT);
        ck_assert_str_eq(client.heard, "0=user7 1=user7 ");
}
END_TEST

START_TEST(a_question_that_was_dropped_has_no_answer)
{
        set_hanging(true);
        ask(0, 7);
        ask(1, 7);
        ask(2, 7);
        user_question_drop(&client.questions[2]);
        user_question_drop(&client.questions[0]);
        user_question_drop(&client.questions[0]);
        set_hanging(false);
        wait_for(1);
        ck_assert_str_eq(client.heard, "1=user7 ");
}
END_TEST

START_TEST(more_users_than_are_kept)
{
        for (uid_t uid = 1; uid <= 3 * USER_NAMES_KEPT; uid++) {
                char expected[64];

                memset(&client, 0, sizeof(client));
                ask(0, uid);
                wait_for(1);
                (void)snprintf(expected, sizeof(expected), "0=user%u ", (unsigned)uid);
                ck_assert_str_eq(client.heard, expected);
        }
        ck_assert_uint_eq(asked, 3 * USER_NAMES_KEPT);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("bus/user-names");
        TCase *c = suite_case(s, "what users are called");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, a_name_is_asked_for_once_and_kept_for_a_while);
        tcase_add_test(c, who_has_no_name_is_his_number);
        tcase_add_test(c, questions_about_one_user_are_answered_in_their_order);
        tcase_add_test(c, a_database_that_hangs_holds_up_nobody);
        tcase_add_test(c, a_name_of_before_is_better_than_none);
        tcase_add_test(c, a_question_that_was_dropped_has_no_answer);
        tcase_add_test(c, more_users_than_are_kept);
        return suite_run(s);
}
