/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The inbox while the hub delivers faster than its disk takes it: whoever works on what is there waits a moment, and is
 * not sent away.
 */

#include <stdio.h>
#include <string.h>

#include "inbox-house.h"
#include "suite.h"

#define ANN ":1.7"
#define BOB ":1.8"

#define RUSH 48 /* more of the largest than the buffers hold */

/* m-1 is taken, m-2 and m-3 wait; then the disk stands still, and many come. */
static void begin(InboxHouse *h)
{
        static char text[60001];

        inbox_house_begin(h);
        h->settings.max_bytes = 16 << 20;
        inbox_house_close(h);
        inbox_house_open(h);
        inbox_house_run(h, USEC_PER_SEC);
        for (unsigned i = 1; i <= 3; i++) {
                char name[16];

                (void)snprintf(name, sizeof(name), "m-%u", i);
                ck_assert_int_eq(inbox_house_deliver(h, name, "x"), TOLD_STORED);
        }
        ck_assert_uint_eq(inbox_house_take(h, 0, ANN).id, 1);
        h->disk->held = true;
        memset(text, 'x', sizeof(text) - 1);
        for (unsigned i = 0; i < RUSH; i++) {
                char name[16];

                (void)snprintf(name, sizeof(name), "r-%u", i);
                (void)inbox_house_send(h, name, text, 0);
        }
        inbox_house_run(h, USEC_PER_SEC);
}

static void go_on(InboxHouse *h)
{
        h->disk->held = false;
        inbox_house_run(h, 10 * USEC_PER_SEC);
}

START_TEST(who_takes_and_completes_waits_for_the_disk)
{
        InboxGot take = {}, complete = {};
        InboxHouse h;

        begin(&h);
        inbox_house_ask_complete(&h, 1, ANN, &complete);
        inbox_house_ask_take(&h, 0, BOB, &take);
        inbox_house_run(&h, 10 * USEC_PER_SEC);
        ck_assert_uint_eq(complete.n_answers + take.n_answers, 0);
        go_on(&h);
        ck_assert_uint_eq(complete.n_answers, 1);
        ck_assert_int_eq(complete.error, REQUEST_OK);
        ck_assert_uint_eq(take.n_answers, 1);
        ck_assert_int_eq(take.error, REQUEST_OK);
        ck_assert_str_eq(take.message_id, "m-2");
        ck_assert_ptr_null(inbox_house_find(&h, "m-1"));
        ck_assert_uint_eq(inbox_house_status(&h).waiting, 2 + RUSH);
        inbox_house_end(&h);
}
END_TEST

START_TEST(who_leaves_meanwhile_gives_back)
{
        InboxGot take = {}, complete = {};
        InboxHouse h;

        begin(&h);
        inbox_house_ask_complete(&h, 1, ANN, &complete);
        inbox_house_ask_take(&h, 0, BOB, &take);
        h.desk.left(h.desk.userdata, ANN);
        h.desk.left(h.desk.userdata, BOB);
        go_on(&h);
        ck_assert_int_eq(complete.error, REQUEST_OK); /* it was asked for in time */
        ck_assert_int_eq(take.error, REQUEST_OK);
        ck_assert_uint_eq(inbox_house_find(&h, "m-2")->times_taken, 1);
        ck_assert(!h.desk.has(h.desk.userdata, BOB));
        inbox_house_end(&h);
}
END_TEST

START_TEST(who_waits_at_the_end_is_told)
{
        InboxGot take = {}, complete = {};
        InboxHouse h;

        begin(&h);
        inbox_house_ask_complete(&h, 1, ANN, &complete);
        inbox_house_ask_take(&h, 0, BOB, &take);
        inbox_house_run(&h, USEC_PER_SEC);
        inbox_stop(h.inbox, 5 * USEC_PER_SEC);
        ck_assert_uint_eq(complete.n_answers, 1);
        ck_assert_int_eq(complete.error, REQUEST_BUSY);
        ck_assert_str_eq(complete.detail, "the daemon is stopping");
        ck_assert_uint_eq(take.n_answers, 1);
        ck_assert_int_eq(take.error, REQUEST_BUSY);
        h.disk->held = false;
        inbox_house_close(&h);
        inbox_house_open(&h);
        inbox_house_run(&h, USEC_PER_SEC);
        ck_assert_ptr_nonnull(inbox_house_find(&h, "m-1"));
        ck_assert_uint_eq(inbox_house_find(&h, "m-2")->times_taken, 0);
        inbox_house_end(&h);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/inbox-rush");
        TCase *c = suite_case(s, "the disk stands still");

        tcase_add_test(c, who_takes_and_completes_waits_for_the_disk);
        tcase_add_test(c, who_leaves_meanwhile_gives_back);
        tcase_add_test(c, who_waits_at_the_end_is_told);
        return suite_run(s);
}
