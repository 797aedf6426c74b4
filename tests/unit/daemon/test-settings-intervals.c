/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What setInterval set: a settings file of its own, that yields to what the cloud desires anew.
 */

#include "daemon/settings-intervals.h"

#include <string.h>

#include "daemon/settings-cloud.h"
#include "suite.h"

static void expect_text(const Intervals *i, const char *expected)
{
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;

        intervals_write(i, &text);
        ck_assert_str_eq(text.data ?: "", expected);
}

START_TEST(what_is_written_reads_back)
{
        Intervals i = {}, again;
        Buffer text = BUFFER_NULL;

        expect_text(&i, "");
        ck_assert_int_eq(intervals_put(&i, "room", 10 * USEC_PER_SEC), 0);
        ck_assert_int_eq(intervals_put(&i, "cpu", 50 * USEC_PER_MSEC), 0);
        ck_assert_int_eq(intervals_put(&i, "room", 5 * USEC_PER_MIN), 0);
        ck_assert_uint_eq(i.n, 2);
        intervals_write(&i, &text);
        ck_assert_int_eq(intervals_read(&again, text.data), 0);
        ck_assert_uint_eq(again.n, 2);
        ck_assert_uint_eq(intervals_find(&again, "room"), 5 * USEC_PER_MIN);
        ck_assert_uint_eq(intervals_find(&again, "cpu"), 50 * USEC_PER_MSEC);
        ck_assert_uint_eq(intervals_find(&again, "other"), 0);
        intervals_drop(&again, "other");
        intervals_drop(&again, "room");
        expect_text(&again, "sensors: {\n  cpu: {\n    interval = \"50ms\";\n  };\n};\n");
        intervals_drop(&again, "cpu");
        expect_text(&again, "");
        intervals_done(&again);
        intervals_done(&i);
        buffer_done(&text);
}
END_TEST

START_TEST(what_is_not_ours_is_left_out)
{
        static const char *const texts[] = {
                "sensors: { room: { interval = 5; }; cpu: { path = \"/etc/shadow\"; }; x: 7; };\nhub: { window = 1; };\n",
                "sensors: { room: { interval = \"soon\"; }; };\n",
                "sensors = 5;\n",
                "",
        };
        Intervals i;

        for (size_t k = 0; k < ARRAY_SIZE(texts); k++) {
                int r = intervals_read(&i, texts[k]);

                ck_assert_int_ge(r, 0);
                ck_assert_uint_eq(i.n, 0);
                intervals_done(&i);
        }
        ck_assert_int_eq(intervals_read(&i, "sensors: {"), SETTINGS_E_BAD);
        ck_assert_uint_eq(i.n, 0);
}
END_TEST

#define ROOM(value) "sensors: { room: { interval = " value "; }; };\n"

START_TEST(what_the_cloud_changes_is_forgotten)
{
        static const struct {
                const char *before, *after;
                bool stays;
        } cases[] = {
                {"", "", true},
                {ROOM("\"1min\""), ROOM("\"1min\""), true},
                {"", "log: { level = \"debug\"; };\n", true},
                {ROOM("\"1min\""), ROOM("\"1min\"") "log: { level = \"debug\"; };\n", true},
                {"", "sensors: { cpu: { interval = 5; }; room: { max_rate = 7; }; };\n", true},
                {"", ROOM("\"1min\""), false},
                {ROOM("\"1min\""), ROOM("\"2min\""), false},
                {ROOM("60"), ROOM("61"), false},
                {ROOM("\"1min\""), "", false},
                {ROOM("\"1min\""), "sensors: { room: { max_rate = 7; }; };\n", false},
        };

        for (size_t k = 0; k < ARRAY_SIZE(cases); k++) {
                Intervals i = {};

                ck_assert_int_eq(intervals_put(&i, "room", USEC_PER_SEC), 0);
                ck_assert_int_eq(intervals_yield(&i, cases[k].before, cases[k].after), 0);
                ck_assert_msg(intervals_find(&i, "room") == (cases[k].stays ? USEC_PER_SEC : 0), "case %zu", k);
                intervals_done(&i);
        }
}
END_TEST

/* ---- over the others ---- */

static const char files[] = "sensors: {\n"
                            "  room: { driver = \"simulated\"; model = \"wind\"; interval = \"10s\"; };\n"
                            "  in: { driver = \"socket\"; listen = \"unix-dgram:/run/in.sock\"; };\n"
                            "};\n";

START_TEST(it_lies_over_what_the_cloud_desires)
{
        Overlay overlay = {.desired = (char *)(uintptr_t) ROOM("\"1min\""),
                           .intervals = (char *)(uintptr_t) ROOM("\"5s\"")};
        _cleanup_(settings_freep) Settings *s = NULL, *over = NULL, *under = NULL;
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
        Problems problems = {};

        ck_assert_int_eq(settings_load_text(&s, "x.conf", files, "/state", &problems), 0);
        ck_assert_int_eq(settings_cloud_overlay(&over, s, "/state", &overlay, &problems), 0);
        ck_assert_uint_eq(over->sensors[0].interval_usec, 5 * USEC_PER_SEC);
        settings_print(over, true, &b);
        ck_assert_ptr_nonnull(strstr(b.data, "# /state/twin.json (setInterval)"));
        overlay.intervals = (char *)(uintptr_t) "";
        ck_assert_int_eq(settings_cloud_overlay(&under, over, "/state", &overlay, &problems), 0);
        ck_assert_uint_eq(under->sensors[0].interval_usec, USEC_PER_MIN);
}
END_TEST

START_TEST(of_sensors_without_an_interval_it_is_passed_over)
{
        static const char text[] = "sensors: {\n gone: { interval = \"1s\"; };\n in: { interval = \"1s\"; };\n"
                                   " room: { interval = \"5s\"; };\n also: { interval = \"1s\"; };\n};\n";
        const Overlay overlay = {.desired = (char *)(uintptr_t) "", .intervals = (char *)(uintptr_t)text};
        _cleanup_(settings_freep) Settings *s = NULL;
        Problems problems = {};

        ck_assert_int_eq(settings_load_text(&s, "x.conf", files, "/state", &problems), 0);
        ck_assert_int_eq(settings_cloud_take(&s, "/state", &overlay, &problems), 0);
        ck_assert_uint_eq(s->n_sensors, 2);
        ck_assert_uint_eq(s->sensors[0].interval_usec, 5 * USEC_PER_SEC);
}
END_TEST

START_TEST(it_counts_beside_wishes_that_do_not_fit_any_more)
{
        const Overlay overlay = {(char *)(uintptr_t) "sensors: { gone: { interval = 1; }; };\n",
                                 (char *)(uintptr_t) ROOM("\"5s\"")};
        _cleanup_(settings_freep) Settings *s = NULL;
        Problems problems = {};

        ck_assert_int_eq(settings_load_text(&s, "x.conf", files, "/state", &problems), 0);
        ck_assert_int_eq(settings_cloud_take(&s, "/state", &overlay, &problems), SETTINGS_E_BAD);
        ck_assert_uint_gt(problems.n, 0);
        ck_assert_uint_eq(s->sensors[0].interval_usec, 5 * USEC_PER_SEC);
        problems_done(&problems);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("daemon/settings-intervals");
        TCase *c = suite_case(s, "what setInterval set");

        tcase_add_test(c, what_is_written_reads_back);
        tcase_add_test(c, what_is_not_ours_is_left_out);
        tcase_add_test(c, what_the_cloud_changes_is_forgotten);
        tcase_add_test(c, it_lies_over_what_the_cloud_desires);
        tcase_add_test(c, of_sensors_without_an_interval_it_is_passed_over);
        tcase_add_test(c, it_counts_beside_wishes_that_do_not_fit_any_more);
        return suite_run(s);
}
