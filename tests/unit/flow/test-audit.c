/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/audit.h"

#include <stdio.h>

#include "base/log-id.h"
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
                     });
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
        ck_assert_uint_eq(lines.n_lines, 2500);
        ck_assert_str_eq(lines.ids[0], LOG_ID_AUDIT);
        ck_assert_str_eq(lines.lines[7], "Method m7, called by hub: 7 after 5 ms.");
        log_capture_end(&lines);
        audit_free(a);
}
END_TEST

START_TEST(no_line_is_held_back)
{
        Audit *a = audit_new();
        LogCapture lines;

        log_capture_begin(&lines);
        log_configure(&(LogSettings){.level = LOG_ERR, .max_lines_per_hour = 10});
        for (unsigned i = 0; i < 100; i++)
                add(a, i, "1");
        ck_assert_uint_eq(lines.n_lines, 100);
        log_error("and others have their hour"); /* of which nothing was taken */
        ck_assert(log_capture_has(&lines, "and others have their hour"));
        log_capture_end(&lines);
        audit_free(a);
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

int main(void)
{
        Suite *s = suite_create("flow/audit");
        TCase *c = suite_case(s, "every order leaves a line");

        tcase_add_test(c, the_last_thousand_are_at_hand);
        tcase_add_test(c, no_line_is_held_back);
        tcase_add_test(c, payloads_only_when_asked_for);
        tcase_add_test(c, long_payloads_are_cut_between_characters);
        return suite_run(s);
}
