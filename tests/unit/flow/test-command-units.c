/* SPDX-License-Identifier: Apache-2.0 */

/* Methods and messages that start a unit: one run at a time, one answer for each, and none done twice unawares. */

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "command-house.h"
#include "fail-alloc.h"
#include "suite.h"

#define PUMP "hublink-command@pump.service"

static void send(CommandHouse *h, const char *id, const char *body)
{
        (void)inbox_house_send(&h->house, id, body, 0);
        command_house_run(h, 3 * USEC_PER_SEC);
}

/* ---- methods ---- */

START_TEST(a_call_starts_the_unit_and_is_answered_by_it)
{
        CommandHouse h;

        command_house_begin(&h);
        ck_assert_int_eq(command_house_call(&h, "pump", "{\"a\":1}"), 0);
        ck_assert_str_eq(h.unit, PUMP);
        ck_assert_str_eq(h.request, "{\"a\":1}");
        h.response = "{\"speed\":3}";
        command_house_end_run(&h, UNIT_DONE, 0, "");
        ck_assert_int_eq(h.status, 200);
        ck_assert_str_eq(h.json, "{\"speed\":3}");

        h.response = NULL;
        ck_assert_int_eq(command_house_call(&h, "pump", ""), 0);
        ck_assert_str_eq(h.request, "null");
        command_house_end_run(&h, UNIT_DONE, 0, "");
        ck_assert_str_eq(h.json, "{\"status\":0}");
        ck_assert_uint_eq(h.n_answers, 2);
        ck_assert_uint_eq(h.lines.n_lines, 0);
        command_house_end(&h);
}
END_TEST

static const struct {
        UnitOutcome outcome;
        int number;
        const char *detail;
        int status;
        const char *json;   /* where it left no answer */
        const char *reason; /* of a message that is rejected; NULL: it is completed */
} ends[] = {
        {UNIT_DONE, 0, "", 200, "{\"status\":0}", NULL},
        {UNIT_EXITED, 3, "", 500, "{\"status\":3}", PUMP " ended with status 3"},
        {UNIT_KILLED, 9, "", 500, "{\"error\":\"" PUMP " was killed by signal 9\"}", PUMP " was killed by signal 9"},
        {UNIT_FAILED, 0, "oom-kill", 500, "{\"error\":\"" PUMP " failed: oom-kill\"}", PUMP " failed: oom-kill"},
        {UNIT_REFUSED, 0, "no", 503, "{\"error\":\"" PUMP " is not started: no\"}", PUMP " is not started: no"},
        {UNIT_LOST, 0, "gone", 503, "{\"error\":\"" PUMP " was asked for, and how it ends is not known: gone\"}",
         PUMP " was asked for, and how it ends is not known: gone"},
};

START_TEST(every_end_has_its_answer)
{
        CommandHouse h;

        command_house_begin(&h);
        for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
                h.response = NULL;
                (void)command_house_call(&h, "pump", "");
                command_house_end_run(&h, ends[i].outcome, ends[i].number, ends[i].detail);
                ck_assert_int_eq(h.status, ends[i].status);
                ck_assert_str_eq(h.json, ends[i].json);

                /* its own words count where it came to its end */
                h.response = "[1]";
                (void)command_house_call(&h, "pump", "");
                command_house_end_run(&h, ends[i].outcome, ends[i].number, ends[i].detail);
                ck_assert_int_eq(h.status, ends[i].status);
                ck_assert_str_eq(h.json, ends[i].outcome <= UNIT_EXITED ? "[1]" : ends[i].json);
        }
        (void)command_house_call(&h, "pump", "");
        command_house_end_run(&h, UNIT_BUSY, 0, "active");
        ck_assert_int_eq(h.status, 429);
        ck_assert_uint_eq(h.n_answers, 2 * ARRAY_SIZE(ends) + 1);
        command_house_end(&h);
}
END_TEST

START_TEST(one_runs_at_a_time_of_each)
{
        CommandHouse h;

        command_house_begin(&h);
        ck_assert_int_eq(command_house_call(&h, "pump", "1"), 0);
        for (int i = 0; i < 3; i++) {
                ck_assert_int_eq(command_house_call(&h, "pump", "2"), 429);
                ck_assert_ptr_nonnull(strstr(h.json, "runs already"));
        }
        ck_assert_str_eq(h.request, "1"); /* what it reads is its own */
        ck_assert_uint_eq(h.n_started, 1);
        command_house_end_run(&h, UNIT_DONE, 0, "");
        ck_assert_int_eq(command_house_call(&h, "pump", "3"), 0);
        ck_assert_int_eq(command_house_call(&h, "other", "4"), 0); /* beside it */
        ck_assert_str_eq(h.unit, "hublink-command@other.service");
        ck_assert_uint_eq(h.n_started, 3);
        command_house_end(&h);
}
END_TEST

/* It may be reading what it was asked, or is yet to. */
START_TEST(what_others_started_keeps_its_argument)
{
        CommandHouse h;

        command_house_begin(&h);
        ck_assert_int_eq(command_house_call(&h, "pump", "1"), 0);
        command_house_end_run(&h, UNIT_DONE, 0, "");
        h.taken = true;
        ck_assert_int_eq(command_house_call(&h, "pump", "2"), 0);
        command_house_end_run(&h, UNIT_BUSY, 0, "active");
        ck_assert_int_eq(h.status, 429);
        send(&h, "m-1", "3");
        for (int i = 0; i < 3; i++) {
                command_house_end_run(&h, UNIT_BUSY, 0, "active");
                command_house_run(&h, 5 * USEC_PER_SEC);
        }
        ck_assert_str_eq(h.request, "1");
        command_house_end_run(&h, UNIT_BUSY, 0, "active");
        h.taken = false;
        command_house_run(&h, 5 * USEC_PER_SEC);
        ck_assert_str_eq(h.request, "3");
        command_house_end_run(&h, UNIT_DONE, 0, "");
        command_house_run(&h, USEC_PER_SEC);
        ck_assert_ptr_null(inbox_house_find(&h.house, "m-1"));
        command_house_end(&h);
}
END_TEST

/* What is asked of a run that was given up meanwhile, at its deadline. */
START_TEST(what_nobody_waits_for_does_not_begin)
{
        CommandHouse h;

        command_house_begin(&h);
        h.taken = true;
        (void)command_house_call(&h, "pump", "1");
        command_house_run(&h, 20 * USEC_PER_SEC);
        ck_assert_int_eq(h.status, 504);
        ck_assert_int_lt(command_units_begins(h.commands, h.run), 0);
        ck_assert_str_eq(h.request, "");
        command_house_end(&h);
}
END_TEST

START_TEST(one_that_does_not_end_is_stopped)
{
        CommandHouse h;
        uint64_t late;

        command_house_begin(&h);
        ck_assert_int_eq(command_house_call(&h, "pump", ""), 0);
        late = h.run;
        command_house_run(&h, 20 * USEC_PER_SEC - 1);
        ck_assert_uint_eq(h.n_answers, 0);
        ck_assert_uint_eq(h.n_stopped, 0);
        command_house_run(&h, 1);
        ck_assert_int_eq(h.status, 504);
        ck_assert_ptr_nonnull(strstr(h.json, "within 20s, and is stopped"));
        ck_assert_uint_eq(h.n_stopped, 1);
        ck_assert(log_capture_has(&h.lines, "Command pump: " PUMP " did not end within 20s, and is stopped."));

        /* what it says later is nobody's */
        ck_assert_int_eq(command_house_call(&h, "pump", ""), 0);
        command_units_ended(h.commands, late, &(UnitEnd){UNIT_DONE, 0, ""});
        ck_assert_uint_eq(h.n_answers, 1);
        command_house_end_run(&h, UNIT_DONE, 0, "");
        ck_assert_int_eq(h.status, 200);
        command_house_end(&h);
}
END_TEST

START_TEST(an_answer_that_cannot_be_sent_is_told_once)
{
        static const char *const bad[] = {"{\"a\":", "1 2", "{'a':1}", "\xff", "plainly text"};
        CommandHouse h;

        command_house_begin(&h);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                (void)command_house_call(&h, "pump", "");
                h.response = bad[i];
                command_house_end_run(&h, UNIT_DONE, 0, "");
                ck_assert_int_eq(h.status, 200);
                ck_assert_str_eq(h.json, "{\"status\":0}");
        }
        ck_assert_uint_eq(h.lines.n_lines, 1);
        ck_assert(log_capture_has(&h.lines, "Command pump: the answer of " PUMP " is passed over"));
        for (int error = -EFBIG; error != 0; error = error == -EFBIG ? -EACCES : 0) {
                command_house_run(&h, 11 * USEC_PER_MIN);
                h.get_error = error;
                (void)command_house_call(&h, "pump", "");
                command_house_end_run(&h, UNIT_EXITED, 1, "");
                ck_assert_int_eq(h.status, 500);
                ck_assert_str_eq(h.json, "{\"status\":1}");
        }
        ck_assert(log_capture_has(&h.lines, "it has more than 128 KiB (and 4 others"));
        ck_assert(log_capture_has(&h.lines, "Permission denied"));
        command_house_end(&h);
}
END_TEST

START_TEST(one_that_cannot_begin_says_so)
{
        CommandHouse h;

        command_house_begin(&h);
        h.put_error = -ENOSPC;
        ck_assert_int_eq(command_house_call(&h, "pump", ""), 500);
        ck_assert_ptr_nonnull(strstr(h.json, "cannot be written: No space left on device"));
        ck_assert_uint_eq(h.n_started, 0);
        h.put_error = 0;
        h.start_error = -ENOTCONN;
        ck_assert_int_eq(command_house_call(&h, "pump", ""), 503);
        ck_assert_ptr_nonnull(strstr(h.json, "no connection to the message bus"));
        h.start_error = 0;
        ck_assert_int_eq(command_house_call(&h, "pump", ""), 0);
        command_house_end(&h);
}
END_TEST

START_TEST(a_reload_leaves_alone_what_runs)
{
        CommandUnit *pump;
        CommandHouse h;

        command_house_begin(&h);
        pump = command_units_find(h.commands, "pump");
        ck_assert_int_eq(command_house_call(&h, "pump", ""), 0);
        ck_assert_int_eq(command_units_configure(h.commands, h.settings + 1, 1), 0);
        ck_assert_ptr_null(command_units_find(h.commands, "pump"));
        ck_assert_int_eq(command_units_configure(h.commands, h.settings, 2), 0);
        ck_assert_ptr_eq(command_units_find(h.commands, "pump"), pump);
        ck_assert_int_eq(command_house_call(&h, "pump", ""), 429);
        ck_assert_int_eq(command_units_configure(h.commands, NULL, 0), 0);
        command_house_end_run(&h, UNIT_DONE, 0, "");
        ck_assert_int_eq(h.status, 200);
        command_unit_call(pump, "", 0, 99);
        ck_assert_int_eq(h.status, 503);
        command_house_end(&h);
}
END_TEST

/* Told to start, and nobody said yet that it may. */
static size_t in_use_after_a_stop_before_the_begin(const char *argument)
{
        CommandHouse h;

        command_house_begin(&h);
        h.taken = true;
        ck_assert_int_eq(command_house_call(&h, "pump", argument), 0);
        command_units_stop(h.commands);
        ck_assert_int_lt(command_units_begins(h.commands, h.run), 0);
        command_house_end(&h);
        return mallinfo2().uordblks + mallinfo2().hblkhd;
}

/* (With a sanitizer its own count says it, and this one is 0.) */
START_TEST(a_stop_leaves_no_argument_behind)
{
        static char argument[64 * 1024];
        size_t before;

        memset(argument, '1', sizeof(argument) - 1);
        before = in_use_after_a_stop_before_the_begin(argument);
        for (unsigned i = 0; i < 8; i++)
                ck_assert_uint_lt(in_use_after_a_stop_before_the_begin(argument), before + sizeof(argument));
}
END_TEST

START_TEST(without_messages_nobody_wakes_up)
{
        CommandHouse h;
        Ticker t;

        command_house_begin(&h);
        t = command_units_ticker(h.commands);
        ck_assert_uint_eq(t.deadline(t.userdata), USEC_INFINITY);
        h.away = true;
        command_units_arrived(h.commands);
        ck_assert_uint_eq(t.deadline(t.userdata), USEC_INFINITY);
        command_units_stop(h.commands);
        h.away = false;
        ck_assert_uint_eq(t.deadline(t.userdata), USEC_INFINITY);
        command_house_end(&h);
}
END_TEST

/* ---- messages ---- */

static AuditEntry last_audit(CommandHouse *h)
{
        AuditBook book = audit_book(h->house.audit);
        const AuditEntry *e = book.entry(book.userdata, 0);

        ck_assert_ptr_nonnull(e);
        return *e;
}

START_TEST(a_message_starts_the_unit_and_is_completed_by_it)
{
        const InboxItem *m;
        CommandHouse h;
        InboxDesk desk;

        command_house_begin(&h);
        desk = h.house.desk;
        send(&h, "m-1", "{\"a\":1}");
        ck_assert_uint_eq(h.n_started, 1);
        ck_assert_str_eq(h.request, "{\"a\":1}");
        m = inbox_house_find(&h.house, "m-1");
        ck_assert_ptr_nonnull(m);
        ck_assert_str_eq(m->taker, "hublinkd");
        h.response = "{\"it\":\"goes nowhere\"}";
        command_house_end_run(&h, UNIT_DONE, 0, "");
        command_house_run(&h, 2 * USEC_PER_SEC);
        ck_assert_ptr_null(inbox_house_find(&h.house, "m-1"));
        ck_assert_int_eq(last_audit(&h).status, AUDIT_COMPLETED);
        ck_assert_str_eq(last_audit(&h).caller, PUMP);
        ck_assert_uint_eq(h.n_answers, 0);

        send(&h, "m-2", "");
        ck_assert_str_eq(h.request, "null");
        ck_assert_ptr_eq(desk.userdata, h.house.desk.userdata);
        command_house_end(&h);
}
END_TEST

START_TEST(a_message_is_rejected_with_the_reason)
{
        CommandHouse h;

        command_house_begin(&h);
        h.house.settings.report_rejects = true;
        inbox_configure(h.house.inbox, &h.house.settings, &(QueueSettings){.max_bytes = 8 << 20});
        for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
                char id[16];

                (void)snprintf(id, sizeof(id), "m-%zu", i);
                send(&h, id, "1");
                ck_assert_uint_eq(h.n_started, i + 1);
                command_house_end_run(&h, ends[i].outcome, ends[i].number, ends[i].detail);
                command_house_run(&h, 2 * USEC_PER_SEC);
                ck_assert_ptr_null(inbox_house_find(&h.house, id));
                ck_assert_int_eq(last_audit(&h).status, ends[i].reason ? AUDIT_REJECTED : AUDIT_COMPLETED);
                if (!ends[i].reason)
                        continue;
                ck_assert_str_eq(h.house.report_about, id);
                ck_assert_ptr_nonnull(strstr(h.house.report, ends[i].reason));
        }
        send(&h, "late", "1");
        command_house_run(&h, 25 * USEC_PER_SEC);
        ck_assert_str_eq(h.house.report_about, "late");
        ck_assert_ptr_nonnull(strstr(h.house.report, "did not end within 20s, and is stopped"));
        ck_assert_uint_eq(h.n_stopped, 1);
        send(&h, "bad", "{1}");
        ck_assert_str_eq(h.house.report_about, "bad");
        ck_assert_ptr_nonnull(strstr(h.house.report, "the message is not JSON"));
        ck_assert_uint_eq(h.n_started, ARRAY_SIZE(ends) + 1);
        command_house_end(&h);
}
END_TEST

START_TEST(messages_wait_for_one_another_and_for_calls)
{
        char id[16];
        CommandHouse h;

        command_house_begin(&h);
        ck_assert_int_eq(command_house_call(&h, "pump", "0"), 0);
        for (int i = 1; i <= 3; i++) {
                (void)snprintf(id, sizeof(id), "m-%d", i);
                send(&h, id, id + 2);
        }
        ck_assert_uint_eq(h.n_started, 1);
        for (int i = 1; i <= 3; i++) {
                command_house_end_run(&h, UNIT_DONE, 0, "");
                command_house_run(&h, 2 * USEC_PER_SEC);
                (void)snprintf(id, sizeof(id), "m-%d", i);
                ck_assert_str_eq(h.request, id + 2); /* in their order */
                ck_assert_uint_eq(h.n_started, (unsigned)i + 1);
                ck_assert_int_eq(command_house_call(&h, "pump", "9"), 429);
        }
        command_house_end(&h);
}
END_TEST

/* Taken, and before it could start a call was faster. */
START_TEST(a_call_in_between_goes_first)
{
        CommandHouse h;

        command_house_begin(&h);
        (void)inbox_house_send(&h.house, "m-1", "1", 0);
        for (int i = 0; i < 100 && !(inbox_house_find(&h.house, "m-1") && inbox_house_find(&h.house, "m-1")->taker); i++)
                command_house_run(&h, 10 * USEC_PER_MSEC);
        if (h.n_started == 0) {
                ck_assert_int_eq(command_house_call(&h, "pump", "0"), 0);
                command_house_run(&h, 2 * USEC_PER_SEC);
                ck_assert_str_eq(h.request, "0");
                command_house_end_run(&h, UNIT_DONE, 0, "");
                command_house_run(&h, 2 * USEC_PER_SEC);
        }
        ck_assert_str_eq(h.request, "1");
        command_house_end(&h);
}
END_TEST

START_TEST(a_message_waits_until_what_others_started_has_ended)
{
        CommandHouse h;

        command_house_begin(&h);
        send(&h, "m-1", "1");
        for (unsigned i = 1; i <= 5; i++) {
                ck_assert_uint_eq(h.n_started, i);
                command_house_end_run(&h, UNIT_BUSY, 0, "activating");
                command_house_run(&h, 4 * USEC_PER_SEC);
                ck_assert_uint_eq(h.n_started, i);
                command_house_run(&h, USEC_PER_SEC);
        }
        command_house_end_run(&h, UNIT_DONE, 0, "");
        command_house_run(&h, 2 * USEC_PER_SEC);
        ck_assert_ptr_null(inbox_house_find(&h.house, "m-1"));
        command_house_end(&h);
}
END_TEST

START_TEST(what_is_not_for_it_is_left_alone)
{
        CommandHouse h;

        command_house_begin(&h);
        h.settings[0].c2d = &h.red;
        ck_assert_int_eq(command_units_configure(h.commands, h.settings, 2), 0);
        send(&h, "m-1", "1");
        ck_assert_ptr_null(inbox_house_find(&h.house, "m-1")->taker);
        ck_assert_uint_eq(inbox_house_find(&h.house, "m-1")->times_taken, 0);
        h.settings[0].c2d = &h.blue; /* the settings are others now */
        ck_assert_int_eq(command_units_configure(h.commands, h.settings, 2), 0);
        command_house_run(&h, 2 * USEC_PER_SEC);
        ck_assert_uint_eq(h.n_started, 1);

        /* gone while its message runs */
        send(&h, "m-2", "2");
        ck_assert_int_eq(command_units_configure(h.commands, NULL, 0), 0);
        command_house_end_run(&h, UNIT_DONE, 0, "");
        command_house_run(&h, 2 * USEC_PER_SEC);
        ck_assert_ptr_null(inbox_house_find(&h.house, "m-1"));
        ck_assert_ptr_null(inbox_house_find(&h.house, "m-2")->taker);
        command_house_end(&h);
}
END_TEST

/* However the settings came: the first by name of those that it fits, one command for each message. */
START_TEST(one_that_fits_several_starts_the_first_by_name)
{
        Property both[] = {{(char *)"colour", (char *)"blue"}, {(char *)"size", (char *)"7"}};
        CommandHouse h;

        command_house_begin(&h);
        h.settings[2] = (CommandUnitSettings){.name = "later", .timeout_usec = USEC_PER_SEC, .c2d = both, .n_c2d = 2};
        h.settings[1].c2d = &h.blue; /* "other" comes before "pump" */
        h.settings[1].n_c2d = 1;
        ck_assert_int_eq(command_units_configure(h.commands, h.settings, 3), 0);
        send(&h, "m-1", "1");
        ck_assert_str_eq(h.unit, "hublink-command@other.service");
        ck_assert_uint_eq(h.n_started, 1);
        command_house_end_run(&h, UNIT_DONE, 0, "");
        both[1] = both[0]; /* all that it asks for is there now, and it is the first of the three */
        send(&h, "m-2", "2");
        ck_assert_str_eq(h.unit, "hublink-command@later.service");
        ck_assert_uint_eq(h.n_started, 2);
        command_house_end(&h);
}
END_TEST

START_TEST(without_systemd_messages_stay_where_they_are)
{
        CommandHouse h;

        command_house_begin(&h);
        h.away = true;
        send(&h, "m-1", "1");
        command_house_run(&h, USEC_PER_HOUR);
        ck_assert_uint_eq(inbox_house_find(&h.house, "m-1")->times_taken, 0);
        ck_assert_ptr_null(inbox_house_find(&h.house, "m-1")->taker);
        h.away = false;
        command_house_run(&h, 2 * USEC_PER_SEC);
        ck_assert_uint_eq(h.n_started, 1);
        command_house_end(&h);
}
END_TEST

/* ---- cut off ---- */

/* A reboot that was asked for, or a crash: the message comes back as taken. */
START_TEST(what_was_begun_is_not_done_twice)
{
        CommandHouse h;

        for (int idempotent = 0; idempotent < 2; idempotent++) {
                command_house_begin(&h);
                h.settings[0].idempotent = idempotent;
                send(&h, "m-1", "1");
                ck_assert_uint_eq(h.n_started, 1);
                command_house_close(&h);
                inbox_house_open(&h.house);
                command_house_open(&h);
                command_house_run(&h, 5 * USEC_PER_SEC);
                ck_assert_uint_eq(h.n_started, idempotent ? 2 : 1);
                if (idempotent) {
                        command_house_end_run(&h, UNIT_DONE, 0, "");
                        command_house_run(&h, 5 * USEC_PER_SEC);
                }
                ck_assert_ptr_null(inbox_house_find(&h.house, "m-1"));
                ck_assert_int_eq(last_audit(&h).status, idempotent ? AUDIT_COMPLETED : AUDIT_REJECTED);
                command_house_end(&h);
        }
}
END_TEST

START_TEST(one_that_somebody_else_had_is_not_done)
{
        CommandHouse h;

        command_house_begin(&h);
        h.away = true;
        send(&h, "m-1", "1");
        ck_assert_int_eq(inbox_house_take(&h.house, 0, ":1.7").error, REQUEST_OK);
        h.away = false;
        command_house_run(&h, 10 * USEC_PER_SEC);
        ck_assert_uint_eq(h.n_started, 0); /* he has it */
        h.house.desk.left(h.house.desk.userdata, ":1.7");
        command_house_run(&h, 10 * USEC_PER_SEC);
        ck_assert_uint_eq(h.n_started, 0);
        ck_assert_ptr_null(inbox_house_find(&h.house, "m-1"));
        ck_assert_int_eq(last_audit(&h).status, AUDIT_REJECTED);
        command_house_end(&h);
}
END_TEST

/* The power goes at every moment of a run: that it was taken is on the disk before the unit is started. */
START_TEST(at_every_moment_of_a_power_cut_it_is_started_once_at_most)
{
        size_t n, completed;
        CommandHouse h;

        command_house_begin(&h);
        send(&h, "m-1", "1");
        ck_assert_uint_eq(h.n_started, 1);
        command_house_end_run(&h, UNIT_DONE, 0, "");
        command_house_run(&h, 2 * USEC_PER_SEC);
        completed = h.house.disk->n_entries;
        command_house_run(&h, 40 * USEC_PER_SEC);
        n = h.house.disk->n_entries;
        for (size_t at = 0; at <= n; at++)
                for (FakeCut cut = 0; cut < _FAKE_CUT_MAX; cut++) {
                        CommandHouse after = h;
                        bool begun = at >= h.started_at;

                        after.house = (InboxHouse){.clock = h.house.clock, .random = h.house.random, .settings = h.house.settings,
                                                   .disk = fake_disk_after_cut(h.house.disk, at, cut, at), .audit = NULL};
                        after.house.audit = audit_new();
                        after.n_started = after.n_arrived = 0;
                        after.settings[0].c2d = &after.blue;
                        inbox_house_open(&after.house);
                        command_house_open(&after);
                        command_house_run(&after, 5 * USEC_PER_SEC);
                        insist(after.n_started == 0 || !begun);
                        if (after.n_started > 0)
                                command_house_end_run(&after, UNIT_DONE, 0, "");
                        command_house_run(&after, 5 * USEC_PER_SEC);
                        insist(!inbox_house_find(&after.house, "m-1"));
                        command_units_stop(after.commands);
                        inbox_house_end(&after.house);
                        command_units_free(after.commands);
                }
        (void)printf("# %zu moments, %zu of them after the start, %zu after the end\n", n + 1, n + 1 - h.started_at, n + 1 - completed);
        command_house_end(&h);
}
END_TEST

/* Each change of the disk fails, once and for a while: in the end it is done, once, and gone. */
START_TEST(whatever_the_disk_does_it_is_done_once)
{
        static const uint64_t counts[] = {1, 3, 40};
        unsigned n_struck = 0;

        for (size_t k = 0; k < ARRAY_SIZE(counts); k++)
                for (uint64_t at = 1;; at++) {
                        CommandHouse h;
                        uint64_t last;
                        bool struck;

                        command_house_begin(&h);
                        send(&h, "before", "0"); /* so that the store is there */
                        command_house_end_run(&h, UNIT_DONE, 0, "");
                        command_house_run(&h, 2 * USEC_PER_SEC);
                        h.away = true;
                        send(&h, "m-1", "1");
                        insist(inbox_house_find(&h.house, "m-1"));
                        h.house.disk->fail_at = last = h.house.disk->n_calls + at;
                        h.house.disk->fail_count = counts[k];
                        h.house.disk->fail_errno = EIO;
                        h.house.disk->fail_mask = FAKE_ANY & ~(unsigned)FAKE_READ; /* what cannot be read stays where it is */
                        h.away = false;
                        command_house_run(&h, 30 * USEC_PER_SEC);
                        if (h.n_started == 2)
                                command_house_end_run(&h, UNIT_DONE, 0, "");
                        command_house_run(&h, USEC_PER_MIN);
                        for (int i = 0; i < 50 && (h.n_started < 2 || inbox_house_find(&h.house, "m-1")); i++) {
                                if (h.n_started == 2)
                                        command_house_end_run(&h, UNIT_DONE, 0, "");
                                command_house_run(&h, 30 * USEC_PER_SEC);
                        }
                        struck = h.house.disk->n_calls >= last;
                        insist(h.n_started == 2);
                        insist(!inbox_house_find(&h.house, "m-1"));
                        command_house_end(&h);
                        n_struck += struck;
                        if (!struck || at > 60)
                                break;
                }
        (void)printf("# %u faults struck\n", n_struck);
        insist(n_struck > 10);
}
END_TEST

/* One that cannot be read any more is tried each minute, and does not keep those behind it. */
START_TEST(one_that_cannot_be_taken_keeps_nobody)
{
        CommandHouse h;

        command_house_begin(&h);
        h.away = true;
        send(&h, "m-1", "1");
        send(&h, "m-2", "2");
        h.stubborn = inbox_house_find(&h.house, "m-1")->id;
        h.away = false;
        command_house_run(&h, 10 * USEC_PER_SEC);
        ck_assert_uint_eq(h.n_started, 1);
        ck_assert_str_eq(h.request, "2");
        command_house_end_run(&h, UNIT_DONE, 0, "");
        command_house_run(&h, USEC_PER_HOUR);
        ck_assert_uint_ge(h.n_refused, 50);
        ck_assert_uint_le(h.n_refused, 70);
        h.stubborn = 0;
        command_house_run(&h, 2 * USEC_PER_MIN);
        ck_assert_str_eq(h.request, "1");
        command_house_end(&h);
}
END_TEST

/* Without memory a call has an answer all the same, and a message is done in the end. */
START_TEST(each_allocation_may_fail)
{
        bool struck = true;

        for (uint64_t n = 1; struck; n++) {
                CommandHouse h;
                unsigned started;

                command_house_begin(&h);
                fail_alloc(n, 1);
                (void)command_house_call(&h, "pump", "1");
                if (h.n_started > 0)
                        command_house_end_run(&h, UNIT_EXITED, 3, "");
                (void)inbox_house_send(&h.house, "m-1", "1", 0);
                command_house_run(&h, 3 * USEC_PER_SEC);
                struck = fail_alloc_stop();
                insist(h.n_answers == 1);
                started = h.n_started;
                if (started > 1)
                        command_house_end_run(&h, UNIT_DONE, 0, "");
                command_house_run(&h, 20 * USEC_PER_SEC);
                if (h.n_started > started)
                        command_house_end_run(&h, UNIT_DONE, 0, "");
                command_house_run(&h, 20 * USEC_PER_SEC);
                insist(!inbox_house_find(&h.house, "m-1"));
                command_house_end(&h);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/command-units");
        TCase *c = suite_case(s, "a method");

        tcase_add_test(c, a_call_starts_the_unit_and_is_answered_by_it);
        tcase_add_test(c, every_end_has_its_answer);
        tcase_add_test(c, one_runs_at_a_time_of_each);
        tcase_add_test(c, what_others_started_keeps_its_argument);
        tcase_add_test(c, what_nobody_waits_for_does_not_begin);
        tcase_add_test(c, one_that_does_not_end_is_stopped);
        tcase_add_test(c, a_stop_leaves_no_argument_behind);
        tcase_add_test(c, an_answer_that_cannot_be_sent_is_told_once);
        tcase_add_test(c, one_that_cannot_begin_says_so);
        tcase_add_test(c, a_reload_leaves_alone_what_runs);
        tcase_add_test(c, without_messages_nobody_wakes_up);

        c = suite_case(s, "a message");
        tcase_add_test(c, a_message_starts_the_unit_and_is_completed_by_it);
        tcase_add_test(c, a_message_is_rejected_with_the_reason);
        tcase_add_test(c, messages_wait_for_one_another_and_for_calls);
        tcase_add_test(c, a_call_in_between_goes_first);
        tcase_add_test(c, a_message_waits_until_what_others_started_has_ended);
        tcase_add_test(c, what_is_not_for_it_is_left_alone);
        tcase_add_test(c, one_that_fits_several_starts_the_first_by_name);
        tcase_add_test(c, without_systemd_messages_stay_where_they_are);

        c = suite_case(s, "what is cut off");
        tcase_add_test(c, what_was_begun_is_not_done_twice);
        tcase_add_test(c, one_that_somebody_else_had_is_not_done);
        tcase_add_test(c, at_every_moment_of_a_power_cut_it_is_started_once_at_most);
        tcase_add_test(c, whatever_the_disk_does_it_is_done_once);
        tcase_add_test(c, one_that_cannot_be_taken_keeps_nobody);
        tcase_add_test(c, each_allocation_may_fail);
        return suite_run(s);
}
