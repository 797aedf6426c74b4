/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Many values in a short text: what the hub does not count, and what each costs here. An empty object takes 3 bytes of
 * text, none of the hub's 32 KiB, and some 800 bytes of memory, several times over.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "log-capture.h"
#include "suite.h"
#include "twin-cloud.h"

static Cloud c;

static void setup(void)
{
        cloud_init(&c, 1);
        cloud_connect(&c);
        cloud_run(&c, USEC_PER_MIN);
}

static void teardown(void)
{
        cloud_done(&c);
}

/* {"NAME":[{},{},...]}, n of them. */
static char *objects(const char *name, size_t n)
{
        char *text = malloc(strlen(name) + 3 * n + 16), *p = text;

        insist(text);
        p += sprintf(p, "{\"%s\":[", name);
        for (size_t i = 0; i < n; i++)
                p = stpcpy(p, i > 0 ? ",{}" : "{}");
        (void)strcpy(p, "]}");
        return text;
}

static CloudVerdict report(const char *section, size_t n)
{
        _cleanup_free_ char *json = objects("a", n);

        return cloud_report_as(&c, "ann", section, json);
}

/* {"SECTION":{"NAME":[{},{},...]}} */
static void desire_within(const char *section, const char *name, size_t n)
{
        _cleanup_free_ char *inner = objects(name, n), *json = NULL;

        insist(asprintf(&json, "{\"%s\":%s}", section, inner) > 0);
        cloud_desire(&c, json);
}

static void desire(const char *name, size_t n)
{
        _cleanup_free_ char *json = objects(name, n);

        cloud_desire(&c, json);
}

static const char *desired(const char *section)
{
        TwinDesk desk = twin_desk(c.twin);
        TwinDesired d;

        desk.desired(desk.userdata, section, &d);
        return d.error == REQUEST_OK ? d.json : "error";
}

/* What it is may be longer than Check can print. */
static bool is_gone(const char *section)
{
        return strcmp(desired(section), "{}") == 0;
}

static const char *problem(void)
{
        TwinStatus s;

        twin_status(c.twin, &s);
        return s.problem;
}

/* ---- reports ---- */

START_TEST(a_report_of_too_many_values_is_refused_in_words)
{
        CloudVerdict v = report("s", 5000);

        ck_assert_int_eq(v.error, REQUEST_BAD_VALUE);
        ck_assert_ptr_nonnull(strstr(v.detail, "4,096 values"));
        ck_assert_int_eq(report("s", 4000).error, REQUEST_OK);
        cloud_run(&c, USEC_PER_MIN);
        ck_assert_str_ne(cloud_reported(&c, "s"), "");
}
END_TEST

START_TEST(many_reports_come_to_no_more)
{
        CloudVerdict v = {};
        char section[16];
        int n;

        for (n = 0; n < 100; n++) {
                (void)snprintf(section, sizeof(section), "s%d", n);
                v = report(section, 500);
                if (v.error != REQUEST_OK)
                        break;
        }
        ck_assert_int_ge(n, 7);
        ck_assert_int_le(n, 8);
        ck_assert_int_eq(v.error, REQUEST_BAD_VALUE);
        ck_assert_ptr_nonnull(strstr(v.detail, "4,096 values"));
        ck_assert_int_eq(cloud_report_as(&c, "ann", "", "{\"s0\":null}").error, REQUEST_OK);
        ck_assert_int_eq(report("s100", 500).error, REQUEST_OK);
}
END_TEST

START_TEST(a_report_that_is_too_long_is_not_even_looked_at)
{
        _cleanup_free_ char *json = malloc(200 * 1024 + 1);
        CloudVerdict v;

        memset(json, 'x', 200 * 1024);
        json[200 * 1024] = 0;
        v = cloud_report_as(&c, "ann", "s", json);
        ck_assert_int_eq(v.error, REQUEST_BAD_VALUE);
        ck_assert_ptr_nonnull(strstr(v.detail, "128 KiB"));
}
END_TEST

/* ---- what is desired ---- */

START_TEST(too_much_that_is_desired_is_left_out_until_it_changes)
{
        uint64_t gets;
        LogCapture log;

        log_capture_begin(&log);
        cloud_desire(&c, "{\"valve\":1,\"settings\":{\"log\":1}}");
        cloud_settle(&c);
        desire("many", 20000);
        cloud_run(&c, USEC_PER_MIN);
        ck_assert_str_eq(desired("valve"), "1");
        ck_assert(is_gone("many"));
        ck_assert_str_eq(problem(), "more than 4,096 values are desired: many is not taken over");
        /* each asking costs its size: that is done when it may be another */
        gets = c.gets;
        cloud_run(&c, USEC_PER_DAY);
        ck_assert_uint_eq(c.gets, gets);
        ck_assert(log_capture_has(&log, "4,096 values"));
        log_capture_end(&log);
        /* reports go out meanwhile, and the next change brings all that was missed */
        ck_assert_int_eq(report("s", 1).error, REQUEST_OK);
        cloud_run(&c, USEC_PER_MIN);
        ck_assert_str_ne(cloud_reported(&c, "s"), "");
        cloud_desire(&c, "{\"many\":null,\"settings\":{\"log\":2}}");
        cloud_settle(&c);
        ck_assert(document_equal(c.applied, document_member(c.desired, "settings")));
        ck_assert_str_eq(desired(""), "{\"valve\":1,\"settings\":{\"log\":2}}");
        ck_assert_str_eq(problem(), "");
}
END_TEST

START_TEST(many_changes_come_to_no_more)
{
        char name[16];
        LogCapture log;

        log_capture_begin(&log);
        for (int i = 0; i < 40; i++) {
                (void)snprintf(name, sizeof(name), "m%d", i);
                desire(name, 500);
                cloud_run(&c, USEC_PER_MIN);
        }
        ck_assert(!is_gone("m6"));
        ck_assert(is_gone("m9"));
        ck_assert_str_eq(problem(), "more than 4,096 values are desired: m8, m9, m10 and 29 others are not taken over");
        log_capture_end(&log);
}
END_TEST

START_TEST(so_it_is_after_a_new_connection)
{
        LogCapture log;

        log_capture_begin(&log);
        cloud_disconnect(&c);
        desire("many", 20000);
        cloud_connect(&c);
        cloud_run(&c, USEC_PER_MIN);
        ck_assert(is_gone("many"));
        cloud_desire(&c, "{\"many\":null,\"valve\":2}");
        cloud_settle(&c);
        ck_assert_str_eq(desired(""), "{\"valve\":2}");
        log_capture_end(&log);
}
END_TEST

/* A link that began anew, or a daemon, knows nothing of what the hub has before the answer. */
static void check_all_else_goes_on(size_t n)
{
        desire("many", n);
        cloud_restart(&c);
        ck_assert_int_eq(report("s", 1).error, REQUEST_OK);
        cloud_connect(&c);
        cloud_run(&c, USEC_PER_MIN);
        ck_assert_str_ne(cloud_reported(&c, "s"), "");
        cloud_desire(&c, "{\"valve\":1,\"settings\":{\"log\":1}}");
        cloud_run(&c, USEC_PER_MIN);
        ck_assert_str_eq(desired("valve"), "1");
        ck_assert_ptr_nonnull(strstr(c.told, "valve=1@3;"));
        ck_assert_str_eq(cloud_reported(&c, "settings"),
                         "{\"log\":{\"ac\":200,\"ad\":\"done\",\"value\":1,\"av\":3},\"__t\":\"c\"}");
        ck_assert(is_gone("many"));
        ck_assert_ptr_nonnull(strstr(problem(), ": many is not"));
        ck_assert_uint_eq(c.gets, 2);
}

START_TEST(after_a_restart_all_else_goes_on)
{
        LogCapture log;

        log_capture_begin(&log);
        check_all_else_goes_on(5000);
        ck_assert(log_capture_has(&log, "4,096 values are desired: many is not taken over"));
        log_capture_end(&log);
}
END_TEST

START_TEST(so_it_does_beside_more_than_can_be_parsed)
{
        LogCapture log;

        log_capture_begin(&log);
        check_all_else_goes_on(60000);
        log_capture_end(&log);
}
END_TEST

START_TEST(what_was_known_of_it_stays)
{
        LogCapture log;

        log_capture_begin(&log);
        cloud_desire(&c, "{\"many\":{\"x\":1},\"valve\":1}");
        cloud_settle(&c);
        desire_within("many", "a", 5000);
        cloud_run(&c, USEC_PER_MIN);
        ck_assert_str_eq(desired("many"), "{\"x\":1}");
        cloud_restart(&c);
        cloud_connect(&c);
        cloud_run(&c, USEC_PER_MIN);
        ck_assert_str_eq(desired("many"), "{\"x\":1}");
        /* a patch of it makes sense to who has all of it */
        cloud_desire(&c, "{\"many\":{\"y\":2}}");
        cloud_run(&c, USEC_PER_MIN);
        ck_assert_str_eq(desired("many"), "{\"x\":1}");
        cloud_desire(&c, "{\"many\":{\"a\":null}}");
        cloud_run(&c, USEC_PER_MIN);
        ck_assert_str_eq(desired("many"), "{\"x\":1,\"y\":2}");
        ck_assert_str_eq(problem(), "");
        log_capture_end(&log);
}
END_TEST

START_TEST(the_settings_come_first_and_then_the_smallest)
{
        LogCapture log;

        log_capture_begin(&log);
        desire("a", 2500);
        desire("b", 1000);
        desire("c", 1000);
        cloud_run(&c, USEC_PER_MIN);
        ck_assert_ptr_nonnull(strstr(problem(), ": a is not"));
        ck_assert(!is_gone("b") && !is_gone("c"));
        cloud_desire(&c, "{\"a\":null}");
        cloud_run(&c, USEC_PER_MIN);
        desire_within("settings", "x", 3000);
        cloud_run(&c, USEC_PER_MIN);
        ck_assert_ptr_nonnull(strstr(problem(), ": c is not"));
        ck_assert(document_equal(c.applied, document_member(c.desired, "settings")));
        ck_assert(!is_gone("b"));
        log_capture_end(&log);
}
END_TEST

/* Of these nothing could be answered but what is not true. */
START_TEST(settings_that_are_too_much_are_not_answered)
{
        LogCapture log;

        log_capture_begin(&log);
        cloud_desire(&c, "{\"settings\":{\"log\":1}}");
        cloud_run(&c, USEC_PER_MIN);
        desire_within("settings", "log", 5000);
        cloud_run(&c, USEC_PER_MIN);
        twin_reapply(c.twin);
        cloud_run(&c, USEC_PER_MIN);
        ck_assert_ptr_nonnull(strstr(cloud_reported(&c, "settings"), "\"av\":2"));
        ck_assert_ptr_nonnull(strstr(problem(), ": settings is not"));
        log_capture_end(&log);
}
END_TEST

/* ---- what is stored ---- */

/* By a version that took anything. */
START_TEST(too_much_that_was_stored_is_asked_for_and_the_rest_stays)
{
        _cleanup_free_ char *many = objects("many", 60000);
        char *state = NULL;
        TwinStatus status;

        insist(asprintf(&state,
                        "{\"desired\":%s,\"desiredVersion\":7,\"reported\":{\"s\":{\"x\":1}},"
                        "\"owners\":{\"s\":\"ann\"}}",
                        many) > 0);
        cloud_disconnect(&c);
        free(c.stored);
        c.stored = state;
        cloud_restart(&c);
        twin_status(c.twin, &status);
        ck_assert(!status.known);
        ck_assert_str_eq(desired(""), "error");
        ck_assert_int_eq(cloud_report_as(&c, "bob", "s", "{\"x\":2}").error, REQUEST_NOT_OWNER);
        cloud_connect(&c);
        cloud_run(&c, USEC_PER_MIN);
        ck_assert_str_eq(cloud_reported(&c, "s"), "{\"x\":1}");
        ck_assert_uint_lt(strlen(c.stored), 4096);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/twin-many");
        TCase *t = suite_case(s, "reports");

        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_test(t, a_report_of_too_many_values_is_refused_in_words);
        tcase_add_test(t, many_reports_come_to_no_more);
        tcase_add_test(t, a_report_that_is_too_long_is_not_even_looked_at);
        t = suite_case(s, "what is desired");
        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_test(t, too_much_that_is_desired_is_left_out_until_it_changes);
        tcase_add_test(t, many_changes_come_to_no_more);
        tcase_add_test(t, so_it_is_after_a_new_connection);
        tcase_add_test(t, after_a_restart_all_else_goes_on);
        tcase_add_test(t, so_it_does_beside_more_than_can_be_parsed);
        tcase_add_test(t, what_was_known_of_it_stays);
        tcase_add_test(t, the_settings_come_first_and_then_the_smallest);
        tcase_add_test(t, settings_that_are_too_much_are_not_answered);
        t = suite_case(s, "what is stored");
        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_test(t, too_much_that_was_stored_is_asked_for_and_the_rest_stays);
        return suite_run(s);
}
