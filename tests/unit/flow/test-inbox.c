/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The inbox on a disk that works: who gets what, once, and what is told of it.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "inbox-house.h"
#include "log-capture.h"
#include "suite.h"

#define ANN ":1.7"
#define BOB ":1.8"

static void on_over(void *userdata, RequestError error, const char *detail)
{
        *(unsigned *)userdata += error == REQUEST_OK ? 1 : 1000;
}

/* And begins again on what the disk had by then. */
static void kill_house(InboxHouse *h)
{
        FakeDisk *after = fake_disk_copy(h->disk);

        h->disk->held = false;
        inbox_house_close(h);
        fake_disk_free(h->disk);
        h->disk = after;
        inbox_house_open(h);
        inbox_house_run(h, USEC_PER_SEC);
}

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

/* A disk that stalls, and a link that is lost for it again and again: each time the hub delivers all it has. */
START_TEST(what_comes_again_while_the_disk_stalls_costs_no_room)
{
        char *text = malloc(60001);
        InboxHouse h;
        bool fails[] = {false, true};

        memset(text, 'x', 60000);
        text[60000] = 0;
        for (unsigned i = 0; i < ARRAY_SIZE(fails); i++) {
                inbox_house_begin(&h);
                h.disk->held = true;
                for (unsigned k = 0; k < 50; k++) {
                        (void)inbox_house_send(&h, "m-1", text, 0);
                        inbox_house_run(&h, 100 * USEC_PER_MSEC);
                }
                ck_assert(h.wanted); /* three times what it may hold, if they counted */
                ck_assert_uint_eq(h.n_told, 0);
                if (fails[i]) {
                        h.disk->fail_at = h.disk->n_calls + 1;
                        h.disk->fail_count = 1000;
                        h.disk->fail_errno = EIO;
                }
                h.disk->held = false;
                inbox_house_run(&h, USEC_PER_MIN);
                ck_assert_uint_eq(h.n_told, 50);
                for (uint64_t ticket = 1; ticket <= 50; ticket++)
                        ck_assert_int_eq(inbox_house_told(&h, ticket), fails[i] ? TOLD_FAILED : TOLD_STORED);
                ck_assert_uint_eq(inbox_house_status(&h).received, !fails[i]);
                ck_assert_uint_eq(inbox_house_status(&h).redelivered, fails[i] ? 0 : 49);
                h.disk->fail_at = 0;
                inbox_house_end(&h);
        }
        free(text);
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

START_TEST(who_extends_by_nothing_gives_it_back)
{
        InboxHouse h;
        InboxGot g;

        inbox_house_begin(&h);
        (void)inbox_house_deliver(&h, "m-1", "x");
        g = inbox_house_take(&h, 0, ANN);
        ck_assert_int_eq(inbox_house_extend(&h, g.id, ANN, 0), REQUEST_OK);
        inbox_house_run(&h, USEC_PER_MSEC);
        ck_assert_uint_eq(h.n_arrived, 2);
        g = inbox_house_take(&h, 0, BOB);
        ck_assert_int_eq(g.error, REQUEST_OK);
        ck_assert_uint_eq(g.times_taken, 1);
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

START_TEST(a_report_that_goes_up_twice_is_known_by_its_id)
{
        InboxHouse h;
        InboxGot g;

        inbox_house_begin(&h);
        h.settings.report_rejects = true;
        inbox_house_close(&h);
        inbox_house_open(&h);
        (void)inbox_house_deliver(&h, "m-1", "hello");
        (void)inbox_house_deliver(&h, "m-2", "hello");
        g = inbox_house_take(&h, 2, BOB);
        h.disk->held = true; /* its end does not get to the disk */
        h.desk.reject(h.desk.userdata, g.id, BOB, "no", on_over, &(unsigned){0});
        ck_assert_uint_eq(h.n_reports, 1);
        ck_assert_str_eq(h.report_id, "2");
        kill_house(&h);
        g = inbox_house_take(&h, 2, BOB);
        ck_assert_uint_eq(g.times_taken, 1);
        ck_assert_int_eq(inbox_house_reject(&h, g.id, BOB, "no"), REQUEST_OK);
        ck_assert_uint_eq(h.n_reports, 2);
        ck_assert_str_eq(h.report_id, "2");
        ck_assert_str_eq(h.report_about, "m-2");
        g = inbox_house_take(&h, 1, BOB);
        ck_assert_int_eq(inbox_house_reject(&h, g.id, BOB, "no"), REQUEST_OK);
        ck_assert_str_eq(h.report_id, "1");
        inbox_house_end(&h);
}
END_TEST

/* ---- the audit ---- */

static const AuditEntry *audited(const InboxHouse *h, size_t back)
{
        AuditBook book = audit_book(h->audit);

        return book.entry(book.userdata, back);
}

START_TEST(the_end_of_each_is_in_the_audit)
{
        const AuditEntry *e;
        LogCapture log;
        InboxHouse h;
        InboxGot g;

        log_capture_begin(&log);
        inbox_house_begin(&h);
        audit_configure(h.audit, &(AuditSettings){.payload = true});
        (void)inbox_house_deliver(&h, "m-1", "hello");
        g = inbox_house_take(&h, 0, BOB);
        ck_assert_int_eq(inbox_house_complete(&h, g.id, BOB), REQUEST_OK);
        e = audited(&h, 0);
        ck_assert_ptr_nonnull(e);
        ck_assert_int_eq(e->status, AUDIT_COMPLETED);
        ck_assert_str_eq(e->name, "message 1 (m-1)");
        ck_assert_str_eq(e->caller, "bin (" BOB ")");

        (void)inbox_house_deliver(&h, "m-2", "hello");
        g = inbox_house_take(&h, 0, BOB);
        ck_assert_int_eq(inbox_house_reject(&h, g.id, BOB, "no valve"), REQUEST_OK);
        e = audited(&h, 0);
        ck_assert_int_eq(e->kind, AUDIT_MESSAGE);
        ck_assert_int_eq(e->status, AUDIT_REJECTED);
        ck_assert_str_eq(e->name, "message 2 (m-2)");
        ck_assert_str_eq(e->caller, "bin (" BOB ")");
        ck_assert_str_eq(e->answer, "no valve");
        ck_assert(log_capture_has(&log, "(m-2) was rejected by bin (" BOB "): no valve"));
        ck_assert_uint_ge(e->took_usec, 2 * USEC_PER_SEC);

        (void)inbox_house_send(&h, NULL, "hello", h.clock.wall_usec + 5 * USEC_PER_SEC);
        inbox_house_run(&h, 10 * USEC_PER_SEC);
        e = audited(&h, 0);
        ck_assert_int_eq(e->status, AUDIT_EXPIRED);
        ck_assert_str_eq(e->name, "message 3 (no message id)");
        ck_assert_str_eq(e->caller, "hublinkd");
        ck_assert_ptr_null(audited(&h, 3));
        inbox_house_end(&h);
        log_capture_end(&log);
}
END_TEST

/* ---- too large ---- */

static char *long_text(size_t size)
{
        char *text = malloc(size + 1);

        memset(text, 'x', size);
        text[size] = 0;
        return text;
}

START_TEST(one_that_no_record_holds_is_refused_and_confirmed)
{
        _cleanup_free_ char *text = long_text(300 << 10);
        const AuditEntry *e;
        InboxHouse h;

        inbox_house_begin(&h);
        h.settings.report_rejects = true;
        inbox_house_close(&h);
        inbox_house_open(&h);
        ck_assert_int_eq(inbox_house_deliver(&h, "big", text), TOLD_STORED);
        ck_assert_uint_eq(inbox_house_status(&h).refused, 1);
        ck_assert_uint_eq(inbox_house_status(&h).received, 0);
        ck_assert_uint_eq(h.n_arrived, 0);
        ck_assert_ptr_null(inbox_house_find(&h, "big"));
        e = audited(&h, 0);
        ck_assert_int_eq(e->status, AUDIT_REFUSED);
        ck_assert_str_eq(e->name, "message (big)");
        ck_assert_uint_eq(h.n_reports, 1);
        ck_assert_str_eq(h.report_about, "big");
        ck_assert_str_eq(h.report_outcome, "rejected");
        ck_assert_str_eq(h.report_id, "");

        h.report_error = REQUEST_QUEUE_FULL; /* no reason to have it again */
        ck_assert_int_eq(inbox_house_deliver(&h, "big", text), TOLD_STORED);
        ck_assert_uint_eq(inbox_house_status(&h).untold, 1);
        ck_assert_uint_eq(inbox_house_status(&h).refused, 2);
        ck_assert_int_eq(inbox_house_deliver(&h, "small", "x"), TOLD_STORED); /* the way is free */
        ck_assert_ptr_nonnull(inbox_house_find(&h, "small"));
        ck_assert(h.wanted);
        inbox_house_end(&h);
}
END_TEST

/* None of any size is left with the hub. */
START_TEST(there_is_no_gap_between_stored_and_refused)
{
        unsigned stored = 0;
        InboxHouse h;

        inbox_house_begin(&h);
        for (size_t size = QUEUE_PAYLOAD_MAX - 150; size < QUEUE_PAYLOAD_MAX + 5; size++) {
                _cleanup_free_ char *text = long_text(size);
                uint64_t ticket = inbox_house_send(&h, "m", text, 0);
                InboxStatus s;

                inbox_house_run(&h, USEC_PER_SEC);
                insist(inbox_house_told(&h, ticket) == TOLD_STORED);
                s = inbox_house_status(&h);
                insist(s.received + s.refused == size - (QUEUE_PAYLOAD_MAX - 150) + 1);
                if (s.waiting > 0) {
                        InboxGot g = {};

                        inbox_house_ask_take(&h, 0, BOB, &g);
                        inbox_house_run(&h, USEC_PER_SEC);
                        insist(g.error == REQUEST_OK);
                        insist(inbox_house_complete(&h, g.id, BOB) == REQUEST_OK);
                        stored++;
                }
        }
        ck_assert_uint_gt(stored, 10);
        ck_assert_uint_gt(inbox_house_status(&h).refused, 10);
        inbox_house_end(&h);
}
END_TEST

/* ---- the pace ---- */

#define DISK_USEC (5 * USEC_PER_MSEC) /* it is looked at so often */

static void work_until(InboxHouse *h, const InboxGot *answer)
{
        Ticker t = inbox_ticker(h->inbox);

        for (unsigned turn = 0; answer->n_answers == 0; turn++) {
                insist(turn < 100);
                t.tick(t.userdata, h->clock.boot_usec);
                fake_clock_advance(&h->clock, DISK_USEC);
                disk_dispatch(&h->disk->disk);
        }
        insist(answer->error == REQUEST_OK);
}

/* One taker, who asks for the next when he is done with the last: two commits for each. */
START_TEST(one_taker_empties_a_full_inbox_at_the_disks_pace)
{
        enum { N = 400 };
        usec_t began;
        InboxHouse h;
        char name[16];

        inbox_house_begin(&h);
        h.settings.max_messages = N;
        inbox_house_close(&h);
        inbox_house_open(&h);
        for (unsigned i = 1; i <= N; i++) {
                (void)snprintf(name, sizeof(name), "m-%u", i);
                ck_assert_int_eq(inbox_house_deliver(&h, name, "x"), TOLD_STORED);
        }
        began = h.clock.boot_usec;
        for (unsigned i = 0; i < N; i++) {
                InboxGot took = {}, over = {};

                inbox_house_ask_take(&h, 0, BOB, &took);
                work_until(&h, &took);
                inbox_house_ask_complete(&h, took.id, BOB, &over);
                work_until(&h, &over);
        }
        printf("# one taker: %.1f messages a second, 5 ms a commit\n",
               N * 1e6 / (double)(h.clock.boot_usec - began));
        ck_assert_uint_le(h.clock.boot_usec - began, N * USEC_PER_SEC / 50);
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
        h.report_error = REQUEST_BUSY; /* then it is not over */
        ck_assert_int_eq(inbox_house_reject(&h, g.id, ANN, "\"no\""), REQUEST_BUSY);
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

/* It would be carried out once more for each try, for as long as the queue stays full: a day of outage is enough. */
START_TEST(a_queue_that_takes_no_report_does_not_keep_a_message)
{
        static const RequestError errors[] = {REQUEST_QUEUE_FULL, REQUEST_NO_SUCH_STREAM, REQUEST_BAD_VALUE};
        static const RequestError passing[] = {REQUEST_DISK_ERROR, REQUEST_BUSY, REQUEST_TOO_LARGE};
        LogCapture log;
        InboxHouse h;
        InboxGot g;

        log_capture_begin(&log);
        inbox_house_begin(&h);
        h.settings.report_rejects = h.settings.report_completions = true;
        inbox_house_close(&h);
        inbox_house_open(&h);
        for (unsigned i = 0; i < ARRAY_SIZE(errors); i++) {
                char id[8], name[64];

                (void)snprintf(id, sizeof(id), "m-%u", i);
                (void)inbox_house_deliver(&h, id, "x");
                g = inbox_house_take(&h, 0, ANN);
                for (unsigned k = 0; k < ARRAY_SIZE(passing); k++) {
                        h.report_error = passing[k];
                        ck_assert_int_eq(inbox_house_complete(&h, g.id, ANN), passing[k]);
                }
                h.report_error = errors[i];
                ck_assert_int_eq(i == 1 ? inbox_house_reject(&h, g.id, ANN, "no") : inbox_house_complete(&h, g.id, ANN),
                                 REQUEST_OK);
                ck_assert_uint_eq(inbox_house_status(&h).waiting, 0);
                ck_assert_uint_eq(inbox_house_status(&h).untold, i + 1);
                (void)snprintf(name, sizeof(name), "message %u (m-%u), the cloud is not told", i + 1, i);
                ck_assert_str_eq(audited(&h, 0)->name, name);
                ck_assert_int_eq(inbox_house_take(&h, 0, ANN).error, REQUEST_NO_SUCH_MESSAGE);
        }
        ck_assert(log_capture_has(&log, "the cloud is not told that message 1 (m-0) was completed: the queue is full"));
        ck_assert_uint_eq(log_capture_count(&log, "the cloud is not told that"), 1);
        ck_assert_uint_eq(h.n_reports, 0);
        inbox_house_end(&h);
        log_capture_end(&log);
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
        tcase_add_test(c, what_comes_again_while_the_disk_stalls_costs_no_room);
        tcase_add_test(c, the_same_id_with_other_words_is_another_message);
        tcase_add_test(c, when_it_is_full_the_hub_keeps_the_rest);
        tcase_add_test(c, bytes_fill_it_too);
        c = suite_case(s, "out");
        tcase_add_test(c, it_belongs_to_its_taker);
        tcase_add_test(c, who_leaves_gives_back_and_the_next_is_told);
        tcase_add_test(c, who_leaves_too_early_gives_back_as_well);
        tcase_add_test(c, a_lock_runs_out_unless_it_is_extended);
        tcase_add_test(c, who_extends_by_nothing_gives_it_back);
        tcase_add_test(c, what_expires_is_gone);
        tcase_add_test(c, nothing_expires_by_a_clock_that_nobody_believes);
        tcase_add_test(c, the_cloud_is_told_if_that_is_asked_for);
        tcase_add_test(c, a_queue_that_takes_no_report_does_not_keep_a_message);
        tcase_add_test(c, a_report_that_goes_up_twice_is_known_by_its_id);
        tcase_add_test(c, the_end_of_each_is_in_the_audit);
        tcase_add_test(c, one_that_no_record_holds_is_refused_and_confirmed);
        tcase_add_test(c, there_is_no_gap_between_stored_and_refused);
        tcase_add_test(c, one_taker_empties_a_full_inbox_at_the_disks_pace);
        c = suite_case(s, "long life");
        tcase_add_test(c, those_that_stay_do_not_fill_the_store);
        return suite_run(s);
}
