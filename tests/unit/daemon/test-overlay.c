/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What lies over the settings files, as a start finds it in the state folder.
 */

#include "daemon/overlay.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log-capture.h"
#include "suite.h"

#define WISH "log: {\n  level = \"debug\";\n};\n"
#define SET  "sensors: {\n  cpu: {\n    interval = \"5s\";\n  };\n};\n"

static char folder[] = "/tmp/hublink-overlay-XXXXXX";

static const char *path_of(const char *file)
{
        static char path[128];

        (void)snprintf(path, sizeof(path), "%s/%s", folder, file);
        return path;
}

static void put(const char *file, const char *text)
{
        FILE *f = fopen(path_of(file), "we");

        ck_assert_ptr_nonnull(f);
        ck_assert_int_ge(fputs(text, f), 0);
        ck_assert_int_eq(fclose(f), 0);
}

static void setup(void)
{
        (void)strcpy(folder, "/tmp/hublink-overlay-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void teardown(void)
{
        static const char *const files[] = {OVERLAY_FILE, "twin.conf", "intervals.conf"};

        for (size_t i = 0; i < ARRAY_SIZE(files); i++)
                (void)remove(path_of(files[i]));
        ck_assert_int_eq(rmdir(folder), 0);
}

static void expect(const char *desired, const char *intervals, bool is_old)
{
        Overlay o;

        ck_assert_int_eq(overlay_load(folder, &o), 0);
        ck_assert_str_eq(o.desired, desired);
        ck_assert_str_eq(o.intervals, intervals);
        ck_assert(o.is_old == is_old);
        ck_assert_ptr_null(o.unread);
        overlay_done(&o);
}

/* As the twin stores it, beside what is its own. */
static void keep(const char *desired, const char *intervals)
{
        const Overlay o = {.desired = (char *)(uintptr_t)desired, .intervals = (char *)(uintptr_t)intervals};
        _cleanup_(document_freep) Document *state = document_new();
        Buffer b = BUFFER_NULL;

        ck_assert_int_eq(document_put_new(state, "desiredVersion", document_new_unsigned(7)), 0);
        ck_assert_int_eq(overlay_keep(&o, state), 0);
        document_write(state, &b);
        put(OVERLAY_FILE, b.data);
        buffer_done(&b);
}

START_TEST(what_was_kept_is_found)
{
        expect("", "", false);
        keep(WISH, SET);
        expect(WISH, SET, false);
        keep("", "");
        expect("", "", false);
}
END_TEST

START_TEST(files_of_an_older_build_count_until_it_is_kept)
{
        put(OVERLAY_FILE, "{\"desired\":{\"a\":1},\"desiredVersion\":3}");
        put("twin.conf", WISH);
        expect(WISH, "", true);
        put("intervals.conf", SET);
        expect(WISH, SET, true);
        keep(WISH, "");
        expect(WISH, "", false);
        overlay_drop_old(folder);
        ck_assert_int_ne(access(path_of("twin.conf"), F_OK), 0);
        ck_assert_int_ne(access(path_of("intervals.conf"), F_OK), 0);
        overlay_drop_old(folder); /* there are none */
        expect(WISH, "", false);
}
END_TEST

START_TEST(what_cannot_be_read_is_begun_anew)
{
        static const char *const bad[] = {"", "{", "[]", "{\"overlay\":5}", "{\"overlay\":{\"desired\":1,\"intervals\":null}}",
                                          "\xff"};
        LogCapture log;

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                put(OVERLAY_FILE, bad[i]);
                expect("", "", false);
        }
        log_capture_begin(&log);
        keep(WISH, "sensors: {");
        expect(WISH, "", false);
        ck_assert_uint_eq(log_capture_count(&log, "what setInterval set is lost"), 1);
        log_capture_end(&log);
}
END_TEST

/* Whoever stores later has the text from here, and knows where there is more than he was given. */
START_TEST(what_was_read_is_all_that_is_known)
{
        Overlay o;

        keep(WISH, SET);
        ck_assert_int_eq(overlay_load(folder, &o), 0);
        ck_assert_ptr_nonnull(strstr(o.text.data, "\"desiredVersion\":7"));
        ck_assert_ptr_null(o.unread);
        overlay_done(&o);
}
END_TEST

static void expect_unread(const char *file, const char *desired, bool has_text)
{
        Overlay o;

        ck_assert_int_eq(overlay_load(folder, &o), 0);
        ck_assert_str_eq(o.unread, file);
        ck_assert_int_eq(o.error, -EISDIR);
        ck_assert_str_eq(o.desired, desired);
        ck_assert_str_eq(o.intervals, "");
        ck_assert(!o.is_kept && !o.is_damaged);
        ck_assert((o.text.size > 0) == has_text);
        overlay_done(&o);
}

START_TEST(what_is_not_given_is_not_taken_for_nothing)
{
        put("twin.conf", WISH);
        put("intervals.conf", SET);
        /* it may say that they do not count any more */
        ck_assert_int_eq(mkdir(path_of(OVERLAY_FILE), 0700), 0);
        expect_unread(OVERLAY_FILE, "", false);
        ck_assert_int_eq(rmdir(path_of(OVERLAY_FILE)), 0);

        put(OVERLAY_FILE, "{\"desired\":{\"a\":1},\"desiredVersion\":3}");
        ck_assert_int_eq(unlink(path_of("intervals.conf")), 0);
        ck_assert_int_eq(mkdir(path_of("intervals.conf"), 0700), 0);
        expect_unread("intervals.conf", WISH, true);
        /* which nobody asks once it is kept */
        keep(WISH, SET);
        expect(WISH, SET, false);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("daemon/overlay");
        TCase *c = suite_case(s, "found in the state folder");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, what_was_kept_is_found);
        tcase_add_test(c, files_of_an_older_build_count_until_it_is_kept);
        tcase_add_test(c, what_cannot_be_read_is_begun_anew);
        tcase_add_test(c, what_was_read_is_all_that_is_known);
        tcase_add_test(c, what_is_not_given_is_not_taken_for_nothing);
        return suite_run(s);
}
