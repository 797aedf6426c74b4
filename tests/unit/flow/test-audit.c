/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/audit.h"

#include <stdio.h>

#include "base/log-id.h"
#include "flow/audit-lines.h"
#include "log-capture.h"
#include "suite.h"

static void add(Audit *a, unsigned i, const char *request)
{
        char name[32];

        (void)snprintf(name, sizeof(name), "m%u", i);
        audit_add(a, &(AuditEntry){
                             .time_usec = i,
                             .caller = "hub",
                             .name = name,
                             .status = (int)i,
                             .took_usec = 5 * USEC_PER_MSEC,
                             .request = request,
                             .answer = "{}",
                     },
                  USEC_PER_HOUR);
}

static void call(Audit *a, const char *caller, const char *name, int status, usec_t now)
{
        audit_add(a, &(AuditEntry){.time_usec = now, .caller = caller, .name = name, .status = status,
                                   .took_usec = USEC_PER_MSEC, .request = "", .answer = ""},
                  now);
}

START_TEST(the_last_thousand_are_at_hand)
{
        Audit *a = audit_new();
        AuditBook book = audit_book(a);
        LogCapture lines;
        char name[32];

        log_capture_begin(&lines);
        ck_assert_ptr_null(book.entry(book.userdata, 0));
        for (unsigned i = 0; i < 2500; i++)
                add(a, i, "1");
        for (unsigned back = 0; back < AUDIT_ENTRIES_MAX; back++) {
                const AuditEntry *e = book.entry(book.userdata, back);

                (void)snprintf(name, sizeof(name), "m%u", 2499 - back);
                insist(e && e->time_usec == 2499 - back && strcmp(e->name, name) == 0);
        }
        ck_assert_ptr_null(book.entry(book.userdata, AUDIT_ENTRIES_MAX));
        ck_assert_str_eq(lines.ids[0], LOG_ID_AUDIT);
        ck_assert_str_eq(lines.lines[7], "Method m7, called by hub: 7 after 5 ms.");
        log_capture_end(&lines);
        audit_free(a);
}
END_TEST

START_TEST(no_line_is_held_back_by_the_hour)
{
        Audit *a = audit_new();
        LogCapture lines;

        log_capture_begin(&lines);
        log_configure(&(LogSettings){.level = LOG_ERR, .max_lines_per_hour = 10});
        for (unsigned i = 0; i < AUDIT_LINES_ROWS; i++)
                add(a, i, "1");
        ck_assert_uint_eq(lines.n_lines, AUDIT_LINES_ROWS);
        log_error("and others have their hour"); /* of which nothing was taken */
        ck_assert(log_capture_has(&lines, "and others have their hour"));
        log_capture_end(&lines);
        audit_free(a);
}
END_TEST

/* Ten thousand calls in a loop, each by a client with another name on the bus. */
START_TEST(those_that_are_alike_are_told_by_their_number)
{
        usec_t now = USEC_PER_HOUR;
        Audit *a = audit_new();
        AuditBook book = audit_book(a);
        Ticker t = audit_ticker(a);
        LogCapture lines;
        char caller[32];

        log_capture_begin(&lines);
        ck_assert_uint_eq(t.deadline(t.userdata), USEC_INFINITY);
        for (unsigned i = 0; i < 10000; i++) {
                (void)snprintf(caller, sizeof(caller), "root (:1.%u)", i);
                call(a, caller, "ping", i == 5000 ? 504 : 200, now);
        }
        ck_assert_uint_eq(lines.n_lines, AUDIT_LINES_ALIKE_MAX + 1);
        ck_assert_str_eq(lines.lines[9], "Method ping, called by root (:1.9): 200 after 1 ms.");
        ck_assert_str_eq(lines.lines[10], "Method ping, called by root (:1.5000): 504 after 1 ms.");
        for (unsigned back = 0; back < AUDIT_ENTRIES_MAX; back++) {
                (void)snprintf(caller, sizeof(caller), "root (:1.%u)", 9999 - back);
                insist(strcmp(book.entry(book.userdata, back)->caller, caller) == 0);
        }
        ck_assert_uint_eq(t.deadline(t.userdata), now + USEC_PER_MIN);
        t.tick(t.userdata, now + USEC_PER_MIN);
        ck_assert_uint_eq(lines.n_lines, AUDIT_LINES_ALIKE_MAX + 2);
        ck_assert_str_eq(lines.lines[11], "Method ping, called by root: 200, 9989 more within a minute, after 1 ms at most.");
        ck_assert_uint_eq(t.deadline(t.userdata), USEC_INFINITY);
        log_capture_end(&lines);
        audit_free(a);
}
END_TEST

/* One a second, for an hour; then none, and the next one is told again. */
START_TEST(while_they_go_on_there_is_a_line_a_minute)
{
        usec_t now = USEC_PER_HOUR;
        Audit *a = audit_new();
        Ticker t = audit_ticker(a);
        LogCapture lines;

        log_capture_begin(&lines);
        for (unsigned i = 0; i < 3600; i++, now += USEC_PER_SEC) {
                if (t.deadline(t.userdata) <= now)
                        t.tick(t.userdata, now);
                call(a, "hub", "ping", 200, now);
        }
        ck_assert_uint_ge(lines.n_lines, AUDIT_LINES_ALIKE_MAX + 58);
        ck_assert_uint_le(lines.n_lines, AUDIT_LINES_ALIKE_MAX + 60);
        now += USEC_PER_MIN;
        t.tick(t.userdata, now);
        now += USEC_PER_MIN;
        ck_assert_uint_eq(t.deadline(t.userdata), USEC_INFINITY);
        call(a, "hub", "ping", 200, now);
        ck_assert_str_eq(lines.lines[lines.n_lines - 1], "Method ping, called by hub: 200 after 1 ms.");
        log_capture_end(&lines);
        audit_free(a);
}
END_TEST

/* Whatever they are called: each minute has its lines, and all are in one of them. */
START_TEST(other_names_each_time_are_bounded_too)
{
        usec_t now = USEC_PER_HOUR;
        Audit *a = audit_new();
        Ticker t = audit_ticker(a);
        LogCapture lines;
        char name[32];

        log_capture_begin(&lines);
        for (unsigned i = 0; i < 100000; i++) {
                (void)snprintf(name, sizeof(name), "m%u", i % 2 ? i : 0);
                call(a, "hub", name, 404, now);
        }
        ck_assert_uint_le(lines.n_lines, AUDIT_LINES_MAX);
        t.tick(t.userdata, now + USEC_PER_MIN);
        ck_assert_uint_le(lines.n_lines, AUDIT_LINES_MAX + 2);
        ck_assert(log_capture_has(&lines, "Method m0, called by hub: 404, 49990 more within a minute"));
        ck_assert(log_capture_has(&lines, "Other orders: 49937 more within a minute"));
        log_capture_end(&lines);
        audit_free(a);
}
END_TEST

static void on_added(void *userdata)
{
        ++*(unsigned *)userdata;
}

START_TEST(each_that_came_is_counted_and_told)
{
        AuditEntry no_call = {.caller = "hub", .name = "?", .status = 400, .request = "", .answer = ""};
        Audit *a = audit_new();
        unsigned n_told = 0;
        LogCapture lines;

        log_capture_begin(&lines);
        audit_listen(a, on_added, &n_told);
        for (unsigned i = 0; i < 2500; i++)
                add(a, i, "1");
        for (unsigned i = 0; i < 100; i++)
                audit_no_call(a, &no_call, USEC_PER_HOUR); /* most of them are not in it */
        ck_assert_uint_eq(audit_count(a), 2500 + AUDIT_NO_CALLS_MAX);
        ck_assert_uint_eq(n_told, 2500 + AUDIT_NO_CALLS_MAX);
        log_capture_end(&lines);
        audit_free(a);
}
END_TEST

START_TEST(what_was_counted_is_told_at_the_end)
{
        Audit *a = audit_new();
        LogCapture lines;

        log_capture_begin(&lines);
        for (unsigned i = 0; i < 15; i++)
                call(a, "hub", "ping", 200, USEC_PER_HOUR);
        audit_free(a);
        ck_assert_str_eq(lines.lines[lines.n_lines - 1],
                         "Method ping, called by hub: 200, 5 more within a minute, after 1 ms at most.");
        log_capture_end(&lines);
}
END_TEST

START_TEST(payloads_only_when_asked_for)
{
        Audit *a = audit_new();
        AuditBook book = audit_book(a);
        LogCapture lines;

        log_capture_begin(&lines);
        add(a, 1, "\"secret\"");
        ck_assert_str_eq(book.entry(book.userdata, 0)->request, "");
        ck_assert_str_eq(book.entry(book.userdata, 0)->answer, "");
        ck_assert(!log_capture_has(&lines, "secret"));
        audit_configure(a, &(AuditSettings){.payload = true});
        add(a, 2, "\"se\x1b cret\"");
        ck_assert_str_eq(book.entry(book.userdata, 0)->request, "\"se\x1b cret\"");
        ck_assert_str_eq(book.entry(book.userdata, 0)->answer, "{}");
        ck_assert(log_capture_has(&lines, "asked \"se\\u001b cret\"; answered {}."));
        log_capture_end(&lines);
        audit_free(a);
}
END_TEST

START_TEST(a_message_that_nobody_completed_has_its_line)
{
        AuditEntry e = {.kind = AUDIT_MESSAGE, .caller = ":1.7", .name = "message 4 (or\nder)", .status = AUDIT_REJECTED,
                        .took_usec = USEC_PER_SEC, .request = "", .answer = "no"};
        Audit *a = audit_new();
        LogCapture lines;

        log_capture_begin(&lines);
        audit_add(a, &e, USEC_PER_HOUR);
        ck_assert_str_eq(lines.lines[0], "Cloud message 4 (or\\u000ader), rejected by :1.7: 406 after 1000 ms.");
        e.status = AUDIT_EXPIRED;
        e.caller = "hublinkd";
        audit_configure(a, &(AuditSettings){.payload = true});
        audit_add(a, &e, USEC_PER_HOUR);
        ck_assert_str_eq(lines.lines[1],
                         "Cloud message 4 (or\\u000ader), expired by hublinkd: 410 after 1000 ms; answered no.");
        e.status = AUDIT_REFUSED;
        audit_add(a, &e, USEC_PER_HOUR);
        ck_assert(log_capture_has(&lines, "refused by hublinkd: 413"));
        log_capture_end(&lines);
        audit_free(a);
}
END_TEST

/* Each length around the limit, with a character of three bytes at it. */
START_TEST(long_payloads_are_cut_between_characters)
{
        Audit *a = audit_new();
        AuditBook book = audit_book(a);
        char text[AUDIT_PAYLOAD_MAX + 16];
        LogCapture lines;

        log_capture_begin(&lines);
        audit_configure(a, &(AuditSettings){.payload = true});
        for (size_t n = AUDIT_PAYLOAD_MAX - 6; n < AUDIT_PAYLOAD_MAX + 6; n++) {
                const char *kept;
                size_t size;

                memset(text, 'x', sizeof(text));
                memcpy(text + n, "\xe2\x82\xac", 4);
                add(a, 1, text);
                kept = book.entry(book.userdata, 0)->request;
                size = strlen(kept);
                insist(size <= AUDIT_PAYLOAD_MAX);
                insist(size == (n + 3 <= AUDIT_PAYLOAD_MAX ? n + 3 : MIN(n, (size_t)AUDIT_PAYLOAD_MAX)));
        }
        log_capture_end(&lines);
        audit_free(a);
}
END_TEST

/* Of two thousand in a minute ten are told, and what was there before stays. */
START_TEST(what_is_no_call_drives_nothing_out)
{
        AuditEntry no_call = {.caller = "hub", .name = "?", .status = 400, .request = "", .answer = ""};
        Audit *a = audit_new();
        AuditBook book = audit_book(a);
        LogCapture lines;

        log_capture_begin(&lines);
        add(a, 1, "1");
        for (unsigned i = 0; i < 2000; i++)
                audit_no_call(a, &no_call, USEC_PER_HOUR);
        ck_assert_uint_eq(lines.n_lines, 1 + AUDIT_NO_CALLS_MAX);
        ck_assert_str_eq(book.entry(book.userdata, AUDIT_NO_CALLS_MAX)->name, "m1");
        audit_no_call(a, &no_call, USEC_PER_HOUR + USEC_PER_MIN);
        ck_assert_str_eq(lines.lines[1 + AUDIT_NO_CALLS_MAX],
                         "Method ?, called by hub: 400 after 0 ms (and 1990 others since the last such line).");
        add(a, 2, "1");
        ck_assert_str_eq(lines.lines[2 + AUDIT_NO_CALLS_MAX], "Method m2, called by hub: 2 after 5 ms.");
        log_capture_end(&lines);
        audit_free(a);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/audit");
        TCase *c = suite_case(s, "every order leaves a line");

        tcase_add_test(c, the_last_thousand_are_at_hand);
        tcase_add_test(c, no_line_is_held_back_by_the_hour);
        tcase_add_test(c, those_that_are_alike_are_told_by_their_number);
        tcase_add_test(c, while_they_go_on_there_is_a_line_a_minute);
        tcase_add_test(c, other_names_each_time_are_bounded_too);
        tcase_add_test(c, each_that_came_is_counted_and_told);
        tcase_add_test(c, what_was_counted_is_told_at_the_end);
        tcase_add_test(c, payloads_only_when_asked_for);
        tcase_add_test(c, a_message_that_nobody_completed_has_its_line);
        tcase_add_test(c, long_payloads_are_cut_between_characters);
        tcase_add_test(c, what_is_no_call_drives_nothing_out);
        return suite_run(s);
}
