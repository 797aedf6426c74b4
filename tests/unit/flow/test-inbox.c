/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The inbox on a disk that works: who gets what, once, and what is told of it.
 */

#include <stdio.h>
#include <string.h>

#include "inbox-house.h"
#include "suite.h"

#define ANN ":1.7"
#define BOB ":1.8"

/* ---- in ---- */

START_TEST(the_hub_is_told_when_it_is_on_the_disk)
{
        InboxHouse h;
        uint64_t ticket;

        inbox_house_begin(&h);
        ck_assert(h.wanted);
        h.disk->held = true;
        ticket = inbox_house_send(&h, "m-1", "hello", 0);
        inbox_house_run(&h, 5 * USEC_PER_SEC);
        ck_assert_int_eq(inbox_house_told(&h, ticket), TOLD_NOTHING);
        ck_assert_uint_eq(h.n_arrived, 0);
        ck_assert_ptr_null(inbox_house_find(&h, "m-1"));
        h.disk->held = false;
        inbox_house_run(&h, USEC_PER_SEC);
        ck_assert_int_eq(inbox_house_told(&h, ticket), TOLD_STORED);
        ck_assert_uint_eq(h.n_arrived, 1);
        ck_assert_ptr_nonnull(inbox_house_find(&h, "m-1"));
        ck_assert_uint_eq(inbox_house_status(&h).received, 1);
        ck_assert_uint_eq(inbox_house_status(&h).waiting, 1);
        inbox_house_end(&h);
}
END_TEST

START_TEST(what_comes_again_is_recognised_wherever_it_is)
{
        InboxHouse h;
        InboxGot g;

        inbox_house_begin(&h);
        for (int i = 0; i < 2; i++) /* on its way to the disk */
                (void)inbox_house_send(&h, "m-1", "hello", 0);
        inbox_house_run(&h, 2 * USEC_PER_SEC);
        ck_assert_uint_eq(h.n_told, 2);
        ck_assert_uint_eq(inbox_house_status(&h).waiting, 1);

        ck_assert_int_eq(inbox_house_deliver(&h, "m-1", "hello"), TOLD_STORED); /* it waits */
        g = inbox_house_take(&h, 0, BOB);
        ck_assert_int_eq(inbox_house_deliver(&h, "m-1", "hello"), TOLD_STORED); /* somebody has it */
        ck_assert_int_eq(inbox_house_complete(&h, g.id, BOB), REQUEST_OK);
        ck_assert_int_eq(inbox_house_deliver(&h, "m-1", "hello"), TOLD_STORED); /* it is done */
        ck_assert_uint_eq(inbox_house_status(&h).waiting, 0);
        ck_assert_uint_eq(inbox_house_status(&h).received, 1);
        ck_assert_uint_eq(inbox_house_status(&h).redelivered, 4);
        ck_assert_uint_eq(h.n_arrived, 1);

        inbox_house_close(&h); /* and after a restart */
        inbox_house_open(&h);
        ck_assert_int_eq(inbox_house_deliver(&h, "m-1", "hello"), TOLD_STORED);
        ck_assert_uint_eq(inbox_house_status(&h).waiting, 0);
        inbox_house_end(&h);
}
END_TEST

START_TEST(the_same_id_with_other_words_is_another_message)
{
        InboxHouse h;

        inbox_house_begin(&h);
        ck_assert_int_eq(inbox_house_deliver(&h, "m-1", "hello"), TOLD_STORED);
        ck_assert_int_eq(inbox_house_deliver(&h, "m-1", "world"), TOLD_STORED);
        ck_assert_uint_eq(inbox_house_status(&h).waiting, 2);
        inbox_house_end(&h);
}
END_TEST

START_TEST(without_an_id_nothing_is_recognised)
{
        InboxHouse h;

        inbox_house_begin(&h);
        ck_assert_int_eq(inbox_house_deliver(&h, NULL, "hello"), TOLD_STORED);
        ck_assert_int_eq(inbox_house_deliver(&h, NULL, "hello"), TOLD_STORED);
        ck_assert_int_eq(inbox_house_deliver(&h, "", "hello"), TOLD_STORED);
        ck_assert_int_eq(inbox_house_deliver(&h, "", "hello"), TOLD_STORED);
        ck_assert_uint_eq(inbox_house_status(&h).waiting, 4);
        inbox_house_end(&h);
}
END_TEST

START_TEST(when_it_is_full_the_hub_keeps_the_rest)
{
        InboxHouse h;
        char name[16];

        inbox_house_begin(&h);
        h.settings.max_messages = 8;
        inbox_house_close(&h);
        inbox_house_open(&h);
        inbox_house_run(&h, USEC_PER_SEC);
        for (int i = 1; i <= 10; i++) { /* two were on their way */
                (void)snprintf(name, sizeof(name), "m-%d", i);
                ck_assert_int_eq(inbox_house_deliver(&h, name, "x"), TOLD_STORED);
                ck_assert_int_eq(h.wanted, i < 8);
        }
        ck_assert_uint_eq(inbox_house_status(&h).waiting, 10);
        for (int i = 1; i <= 10; i++) {
                InboxGot g = inbox_house_take(&h, 0, BOB);

                ck_assert_int_eq(inbox_house_complete(&h, g.id, BOB), REQUEST_OK);
                ck_assert_int_eq(h.wanted, 10 - i < 6);
        }
        inbox_house_end(&h);
}
END_TEST

START_TEST(bytes_fill_it_too)
{
        InboxHouse h;
        char big[30001];

        inbox_house_begin(&h);
        h.settings.max_bytes = 64 << 10;
        inbox_house_close(&h);
        inbox_house_open(&h);
        inbox_house_run(&h, USEC_PER_SEC);
        memset(big, 'x', sizeof(big) - 1);
        big[sizeof(big) - 1] = 0;
        ck_assert_int_eq(inbox_house_deliver(&h, "a", big), TOLD_STORED);
        ck_assert_int_eq(inbox_house_deliver(&h, "b", big), TOLD_STORED);
        ck_assert(h.wanted);
        ck_assert_int_eq(inbox_house_deliver(&h, "c", big), TOLD_STORED);
        ck_assert(!h.wanted);
        inbox_house_end(&h);
}
END_TEST

/* ---- out ---- */

START_TEST(it_belongs_to_its_taker)
{
        InboxHouse h;
        InboxGot g;

        inbox_house_begin(&h);
        ck_assert_int_eq(inbox_house_take(&h, 0, ANN).error, REQUEST_NO_SUCH_MESSAGE);
        (void)inbox_house_deliver(&h, "m-1", "one");
        (void)inbox_house_deliver(&h, "m-2", "two");
        g = inbox_house_take(&h, 0, ANN);
        ck_assert_int_eq(g.error, REQUEST_OK);
        ck_assert_str_eq(g.message_id, "m-1");
        ck_assert_str_eq(g.body, "one");
        ck_assert_uint_eq(g.times_taken, 0);
        ck_assert_uint_gt(g.received_usec, 0);
        ck_assert_str_eq(inbox_house_find(&h, "m-1")->taker, ANN);
        ck_assert_ptr_null(inbox_house_find(&h, "m-2")->taker);

        ck_assert_int_eq(inbox_house_take(&h, g.id, BOB).error, REQUEST_NOT_OWNER);
        ck_assert_int_eq(inbox_house_complete(&h, g.id, BOB), REQUEST_NOT_OWNER);
        ck_assert_int_eq(inbox_house_reject(&h, g.id, BOB, "no"), REQUEST_NOT_OWNER);
        ck_assert_int_eq(inbox_house_extend(&h, g.id, BOB, USEC_PER_MIN), REQUEST_NOT_OWNER);
        ck_assert_int_eq(inbox_house_complete(&h, g.id + 1, BOB), REQUEST_NOT_OWNER); /* nobody has it */
        ck_assert_int_eq(inbox_house_complete(&h, 99, BOB), REQUEST_NO_SUCH_MESSAGE);
        ck_assert_int_eq(inbox_house_take(&h, 99, BOB).error, REQUEST_NO_SUCH_MESSAGE);

        ck_assert_str_eq(inbox_house_take(&h, 0, BOB).message_id, "m-2");
        ck_assert_int_eq(inbox_house_complete(&h, g.id, ANN), REQUEST_OK);
        ck_assert_int_eq(inbox_house_complete(&h, g.id, ANN), REQUEST_NO_SUCH_MESSAGE);
        ck_assert_int_eq(inbox_house_reject(&h, g.id + 1, BOB, "never heard of it"), REQUEST_OK);
        ck_assert_uint_eq(inbox_house_status(&h).completed, 1);
        ck_assert_uint_eq(inbox_house_status(&h).rejected, 1);
        ck_assert_uint_eq(inbox_house_status(&h).waiting, 0);
        inbox_house_end(&h);
}
END_TEST

START_TEST(who_leaves_gives_back_and_the_next_is_told)
{
        InboxHouse h;
        InboxGot g;

        inbox_house_begin(&h);
        (void)inbox_house_deliver(&h, "m-1", "one");
        for (unsigned i = 0; i < 40; i++) { /* more often than it has place for records */
                g = inbox_house_take(&h, 0, ANN);
                ck_assert_int_eq(g.error, REQUEST_OK);
                ck_assert_uint_eq(g.times_taken, i);
                ck_assert_str_eq(g.body, "one");
                h.desk.left(h.desk.userdata, BOB);
                ck_assert_int_eq(inbox_house_take(&h, g.id, BOB).error, REQUEST_NOT_OWNER);
                h.desk.left(h.desk.userdata, ANN);
                ck_assert_uint_eq(h.n_arrived, i + 2);
                inbox_house_run(&h, USEC_PER_SEC);
                if (i % 7 == 6) {
                        inbox_house_close(&h);
                        inbox_house_open(&h);
                        inbox_house_run(&h, USEC_PER_SEC);
                }
        }
        inbox_house_end(&h);
}
END_TEST

/* The taker leaves while the record of his taking is on its way. */
START_TEST(who_leaves_too_early_gives_back_as_well)
{
        InboxGot g = {};
        InboxHouse h;

        inbox_house_begin(&h);
        (void)inbox_house_deliver(&h, "m-1", "one");
        inbox_house_ask_take(&h, 0, ANN, &g);
        h.desk.left(h.desk.userdata, ANN);
        inbox_house_run(&h, 2 * USEC_PER_SEC);
        ck_assert_uint_eq(g.n_answers, 1);
        g = inbox_house_take(&h, 0, BOB);
        ck_assert_int_eq(g.error, REQUEST_OK);
        ck_assert_uint_eq(g.times_taken, 1);
        inbox_house_end(&h);
}
END_TEST

START_TEST(a_lock_runs_out_unless_it_is_extended)
{
        InboxHouse h;
        InboxGot g;

        inbox_house_begin(&h);
        (void)inbox_house_deliver(&h, "m-1", "one");
        g = inbox_house_take(&h, 0, ANN);
        inbox_house_run(&h, INBOX_LOCK_USEC - 2 * USEC_PER_SEC);
        ck_assert_int_eq(inbox_house_take(&h, g.id, BOB).error, REQUEST_NOT_OWNER);
        ck_assert_int_eq(inbox_house_extend(&h, g.id, ANN, USEC_PER_HOUR), REQUEST_OK);
        ck_assert_int_eq(inbox_house_extend(&h, g.id, ANN, INBOX_LOCK_MAX_USEC + 1), REQUEST_BAD_VALUE);
        inbox_house_run(&h, USEC_PER_HOUR - USEC_PER_SEC);
        ck_assert_int_eq(inbox_house_take(&h, g.id, BOB).error, REQUEST_NOT_OWNER);
        inbox_house_run(&h, 2 * USEC_PER_SEC);
        ck_assert_uint_eq(h.n_arrived, 2);
        ck_assert_int_eq(inbox_house_complete(&h, g.id, ANN), REQUEST_NOT_OWNER);
        ck_assert_uint_eq(inbox_house_take(&h, g.id, BOB).times_taken, 1);
        inbox_house_end(&h);
}
END_TEST

START_TEST(what_expires_is_gone)
{
        InboxHouse h;
        InboxGot g;
        usec_t now;

        inbox_house_begin(&h);
        now = clock_wall(&h.clock.clock);
        (void)inbox_house_send(&h, "m-1", "one", now + 10 * USEC_PER_SEC);
        (void)inbox_house_send(&h, "m-2", "two", now + 10 * USEC_PER_SEC);
        (void)inbox_house_send(&h, "m-3", "three", 0);
        inbox_house_run(&h, 2 * USEC_PER_SEC);
        g = inbox_house_take(&h, 0, ANN); /* his until his lock ends */
        ck_assert_str_eq(g.message_id, "m-1");
        inbox_house_run(&h, 10 * USEC_PER_SEC);
        ck_assert_uint_eq(h.n_expired, 1);
        ck_assert_ptr_null(inbox_house_find(&h, "m-2"));
        ck_assert_ptr_nonnull(inbox_house_find(&h, "m-1"));
        ck_assert_ptr_nonnull(inbox_house_find(&h, "m-3"));
        h.desk.left(h.desk.userdata, ANN);
        inbox_house_run(&h, 5 * USEC_PER_SEC);
        ck_assert_uint_eq(h.n_expired, 2);
        ck_assert_uint_eq(inbox_house_status(&h).expired, 2);
        ck_assert_uint_eq(inbox_house_status(&h).waiting, 1);
        inbox_house_end(&h);
}
END_TEST

START_TEST(nothing_expires_by_a_clock_that_nobody_believes)
{
        InboxHouse h;

        inbox_house_begin(&h);
        h.clock.is_synchronised = false;
        inbox_house_run(&h, 2 * USEC_PER_SEC);
        (void)inbox_house_send(&h, "m-1", "one", 1);
        inbox_house_run(&h, USEC_PER_HOUR);
        ck_assert_uint_eq(h.n_expired, 0);
        ck_assert_ptr_nonnull(inbox_house_find(&h, "m-1"));
        h.clock.is_synchronised = true;
        inbox_house_run(&h, 2 * USEC_PER_MIN);
        ck_assert_uint_eq(h.n_expired, 1);
        inbox_house_end(&h);
}
END_TEST

/* ---- reports ---- */

START_TEST(the_cloud_is_told_if_that_is_asked_for)
{
        InboxHouse h;
        InboxGot g;

        inbox_house_begin(&h);
        (void)inbox_house_deliver(&h, "m-1", "one");
        (void)inbox_house_deliver(&h, "m-2", "two");
        (void)inbox_house_deliver(&h, NULL, "three");
        g = inbox_house_take(&h, 0, ANN);
        ck_assert_int_eq(inbox_house_reject(&h, g.id, ANN, "no"), REQUEST_OK);
        ck_assert_uint_eq(h.n_reports, 0);
        h.settings.report_rejects = h.settings.report_completions = true;
        inbox_house_close(&h);
        inbox_house_open(&h);
        inbox_house_run(&h, USEC_PER_SEC);

        g = inbox_house_take(&h, 0, ANN);
        h.report_error = REQUEST_QUEUE_FULL; /* then it is not over */
        ck_assert_int_eq(inbox_house_reject(&h, g.id, ANN, "\"no\""), REQUEST_QUEUE_FULL);
        ck_assert_uint_eq(inbox_house_status(&h).waiting, 2);
        h.report_error = REQUEST_OK;
        ck_assert_int_eq(inbox_house_reject(&h, g.id, ANN, "\"no\""), REQUEST_OK);
        ck_assert_uint_eq(h.n_reports, 1);
        ck_assert_str_eq(h.report_about, "m-2");
        ck_assert_str_eq(h.report_outcome, "rejected");
        ck_assert_str_eq(h.report, "{\"outcome\":\"rejected\",\"reason\":\"\\\"no\\\"\"}");

        g = inbox_house_take(&h, 0, ANN); /* nothing to name it by */
        ck_assert_int_eq(inbox_house_complete(&h, g.id, ANN), REQUEST_OK);
        ck_assert_uint_eq(h.n_reports, 1);
        (void)inbox_house_deliver(&h, "m-4", "four");
        g = inbox_house_take(&h, 0, ANN);
        ck_assert_int_eq(inbox_house_complete(&h, g.id, ANN), REQUEST_OK);
        ck_assert_uint_eq(h.n_reports, 2);
        ck_assert_str_eq(h.report_outcome, "completed");
        inbox_house_end(&h);
}
END_TEST

/* ---- long life ---- */

#define STUCK_EVERY 7
#define PASSING     4000

/* Some wait for a service that does not come, while thousands of others pass between them. */
START_TEST(those_that_stay_do_not_fill_the_store)
{
        unsigned n_stuck = 0;
        const InboxItem *items;
        char name[16], body[600];
        FakeDisk *after;
        InboxHouse h;

        inbox_house_begin(&h);
        memset(body, 'x', sizeof(body) - 1);
        body[sizeof(body) - 1] = 0;
        for (unsigned i = 0; i < PASSING; i++) {
                InboxGot g = {}, done = {};
                bool stays = i % STUCK_EVERY == 0 && n_stuck < 200;
                uint64_t ticket;

                (void)snprintf(name, sizeof(name), "%s-%u", stays ? "stuck" : "m", i);
                ticket = inbox_house_send(&h, name, body, 0);
                for (int k = 0; k < 20 && inbox_house_told(&h, ticket) == TOLD_NOTHING; k++)
                        inbox_house_run(&h, 50 * USEC_PER_MSEC);
                insist(inbox_house_told(&h, ticket) == TOLD_STORED);
                n_stuck += stays;
                if (stays)
                        continue;
                inbox_house_ask_take(&h, h.last_arrived, ANN, &g);
                for (int k = 0; k < 20 && g.n_answers == 0; k++)
                        inbox_house_run(&h, 50 * USEC_PER_MSEC);
                insist(g.error == REQUEST_OK && g.times_taken == 0);
                for (int k = 0; k < 40 && done.n_answers == 0; k++) {
                        inbox_house_ask_complete(&h, g.id, ANN, &done);
                        for (int j = 0; j < 20 && done.n_answers == 0; j++)
                                inbox_house_run(&h, 50 * USEC_PER_MSEC);
                        if (done.error == REQUEST_BUSY) /* it is being written anew */
                                done = (InboxGot){};
                }
                insist(done.error == REQUEST_OK && done.n_answers == 1);
                if (i % 1000 == 999) {
                        inbox_house_close(&h);
                        inbox_house_open(&h);
                        inbox_house_run(&h, USEC_PER_SEC);
                }
                insist(inbox_house_list(&h, &items) == n_stuck);
        }
        for (size_t i = 0; i < n_stuck; i++)
                insist(strncmp(items[i].message->message_id, "stuck", 5) == 0 && items[i].times_taken == 0);
        /* a machine that is switched off at once, without a last word */
        after = fake_disk_after_cut(h.disk, h.disk->n_entries, FAKE_CUT_LOST, 1);
        inbox_house_close(&h);
        (void)fake_disk_free(h.disk);
        h.disk = after;
        inbox_house_open(&h);
        inbox_house_run(&h, USEC_PER_SEC);
        ck_assert_uint_eq(inbox_house_list(&h, &items), n_stuck);
        inbox_house_end(&h);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/inbox");
        TCase *c = suite_case(s, "in");

        tcase_add_test(c, the_hub_is_told_when_it_is_on_the_disk);
        tcase_add_test(c, what_comes_again_is_recognised_wherever_it_is);
        tcase_add_test(c, the_same_id_with_other_words_is_another_message);
        tcase_add_test(c, without_an_id_nothing_is_recognised);
        tcase_add_test(c, when_it_is_full_the_hub_keeps_the_rest);
        tcase_add_test(c, bytes_fill_it_too);
        c = suite_case(s, "out");
        tcase_add_test(c, it_belongs_to_its_taker);
        tcase_add_test(c, who_leaves_gives_back_and_the_next_is_told);
        tcase_add_test(c, who_leaves_too_early_gives_back_as_well);
        tcase_add_test(c, a_lock_runs_out_unless_it_is_extended);
        tcase_add_test(c, what_expires_is_gone);
        tcase_add_test(c, nothing_expires_by_a_clock_that_nobody_believes);
        tcase_add_test(c, the_cloud_is_told_if_that_is_asked_for);
        c = suite_case(s, "long life");
        tcase_add_test(c, those_that_stay_do_not_fill_the_store);
        return suite_run(s);
}
