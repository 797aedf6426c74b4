/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <string.h>

#include "base/log-id.h"
#include "fake-clock.h"
#include "log-capture.h"
#include "suite.h"

typedef struct Fixture {
        FakeClock time;
        LogCapture lines;
} Fixture;

static void begin(Fixture *f, unsigned max_lines_per_hour)
{
        fake_clock_init(&f->time);
        log_open(LOG_TARGET_STDERR, &f->time.clock);
        log_capture_begin(&f->lines);
        log_configure(&(LogSettings){.level = LOG_INFO, .max_lines_per_hour = max_lines_per_hour});
}

static void end(Fixture *f)
{
        log_capture_end(&f->lines);
        log_open(LOG_TARGET_STDERR, &clock_system);
}

START_TEST(the_level_is_kept)
{
        Fixture f;

        begin(&f, 0);
        log_error("error %d", 1);
        log_info("info");
        log_debug("debug");
        ck_assert(log_wants(LOG_INFO));
        ck_assert(!log_wants(LOG_DEBUG));
        ck_assert_uint_eq(f.lines.n_lines, 2);
        ck_assert_str_eq(f.lines.lines[0], "error 1");
        log_configure(&(LogSettings){.level = LOG_ERR});
        log_warning("warning");
        ck_assert_uint_eq(f.lines.n_lines, 2);
        end(&f);
}
END_TEST

START_TEST(an_id_goes_along)
{
        Fixture f;

        begin(&f, 0);
        log_line(LOG_NOTICE, LOG_ID_LINK_DOWN, LOG_FIELDS("HUB=h"), "lost");
        ck_assert_str_eq(f.lines.ids[0], LOG_ID_LINK_DOWN);
        end(&f);
}
END_TEST

/* A line in any second of a whole day: no clock hour has more than its limit, and nothing vanishes untold. */
START_TEST(no_hour_has_more_lines_than_its_limit)
{
        Fixture f;
        size_t before = 0;

        begin(&f, 60);
        for (int hour = 0; hour < 24; hour++) {
                for (int i = 0; i < 3600; i++) {
                        log_warning("again");
                        fake_clock_advance(&f.time, USEC_PER_SEC);
                }
                ck_assert_uint_eq(f.lines.n_lines - before, 60);
                before = f.lines.n_lines;
        }
        end(&f);
}
END_TEST

START_TEST(what_is_held_back_is_told)
{
        Fixture f;

        begin(&f, 10);
        for (int i = 0; i < 100; i++)
                log_info("line %d", i);
        ck_assert_uint_eq(f.lines.n_lines, 10);
        ck_assert(log_capture_has(&f.lines, "line 8"));
        ck_assert(!log_capture_has(&f.lines, "line 9"));
        ck_assert_ptr_nonnull(strstr(f.lines.lines[9], "holding further ones back"));
        ck_assert_str_eq(f.lines.ids[9], LOG_ID_LINES_HELD_BACK);

        fake_clock_advance(&f.time, USEC_PER_HOUR);
        log_info("a new hour");
        ck_assert_uint_eq(f.lines.n_lines, 12);
        ck_assert_str_eq(f.lines.lines[10], "Lines held back in an earlier hour: 91.");
        ck_assert_str_eq(f.lines.lines[11], "a new hour");

        fake_clock_advance(&f.time, USEC_PER_HOUR);
        log_info("a quiet hour");
        ck_assert_uint_eq(f.lines.n_lines, 13);
        end(&f);
}
END_TEST

START_TEST(exactly_the_limit_is_not_cut_silently)
{
        Fixture f;

        begin(&f, 3);
        log_info("one");
        log_info("two");
        ck_assert_uint_eq(f.lines.n_lines, 2);
        log_info("three");
        ck_assert_uint_eq(f.lines.n_lines, 3);
        ck_assert_ptr_nonnull(strstr(f.lines.lines[2], "holding further ones back"));
        fake_clock_advance(&f.time, USEC_PER_HOUR);
        log_info("next");
        ck_assert_str_eq(f.lines.lines[3], "Lines held back in an earlier hour: 1.");
        end(&f);
}
END_TEST

START_TEST(debug_lines_are_free)
{
        Fixture f;

        begin(&f, 5);
        log_configure(&(LogSettings){.level = LOG_DEBUG, .max_lines_per_hour = 5});
        for (int i = 0; i < 50; i++)
                log_debug("debug");
        ck_assert_uint_eq(f.lines.n_lines, 50);
        log_info("info");
        ck_assert_uint_eq(f.lines.n_lines, 51);
        end(&f);
}
END_TEST

START_TEST(a_huge_line_is_cut)
{
        _cleanup_free_ char *text = calloc(1, 100000);
        Fixture f;

        memset(text, 'x', 99999);
        begin(&f, 0);
        log_info("%s", text);
        ck_assert_uint_lt(strlen(f.lines.lines[0]), 2048);
        end(&f);
}
END_TEST

/* A reason that somebody gave is no way to write lines into our log. */
START_TEST(a_line_is_one_line)
{
        Fixture f;

        begin(&f, 0);
        log_info("rejected: %s", "no\nhublinkd is well\r\x1b[2J\t\xc2\x9b\xff\xc3\xa4");
        ck_assert_uint_eq(f.lines.n_lines, 1);
        ck_assert_str_eq(f.lines.lines[0], "rejected: no\\u000ahublinkd is well\\u000d\\u001b[2J\\u0009\\u009b\xef\xbf\xbd\xc3\xa4");
        log_record("id", NULL, "a\nb");
        ck_assert_str_eq(f.lines.lines[1], "a\\u000ab");
        log_info("%s", "");
        ck_assert_str_eq(f.lines.lines[2], "");
        end(&f);
}
END_TEST

/* Somebody has to act on these: an alarm, bad settings. */
START_TEST(errors_are_told_after_a_flood_of_others)
{
        Fixture f;

        begin(&f, 5);
        for (int i = 0; i < 100; i++)
                log_warning("retry %d", i);
        ck_assert_uint_eq(f.lines.n_lines, 5);
        log_error("act");
        ck_assert_uint_eq(f.lines.n_lines, 6);
        ck_assert_str_eq(f.lines.lines[5], "act");
        for (int i = 0; i < 100; i++)
                log_error("act %d", i);
        ck_assert_uint_eq(f.lines.n_lines, 10);
        ck_assert_str_eq(f.lines.lines[9], "5 errors in this hour: holding further ones back (log.max_lines_per_hour).");
        end(&f);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("base/log");
        TCase *c = suite_case(s, "one event, one line");

        tcase_add_test(c, the_level_is_kept);
        tcase_add_test(c, an_id_goes_along);
        tcase_add_test(c, a_huge_line_is_cut);
        tcase_add_test(c, a_line_is_one_line);

        c = suite_case(s, "bounded by the hour");
        tcase_add_test(c, no_hour_has_more_lines_than_its_limit);
        tcase_add_test(c, errors_are_told_after_a_flood_of_others);
        tcase_add_test(c, what_is_held_back_is_told);
        tcase_add_test(c, exactly_the_limit_is_not_cut_silently);
        tcase_add_test(c, debug_lines_are_free);
        return suite_run(s);
}
