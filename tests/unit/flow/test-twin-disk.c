/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The twin and its disk: what is acknowledged is there, and neither the disk nor the bill bears more than so much, whatever
 * local services report.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "flow/twin.h"
#include "log-capture.h"
#include "suite.h"
#include "twin-cloud.h"

static Cloud c;

static void setup(void)
{
        cloud_init(&c, 1);
}

static void teardown(void)
{
        cloud_done(&c);
}

/* ---- local services ---- */

static CloudVerdict report(const char *section, const char *json)
{
        return cloud_report_as(&c, "ann", section, json);
}

/* ---- acknowledged ---- */

/* What the hub has as the value of the setting "log" is what it desires. */
static bool is_acknowledged(void)
{
        const Document *answer = document_member(document_member(c.reported, "settings"), "log");

        return document_equal(document_member(answer, "value"), document_member(document_member(c.desired, "settings"), "log"));
}

START_TEST(settings_are_acknowledged_once_they_are_on_the_disk)
{
        static const int errors[] = {-EIO, -ENOSPC, -EROFS};
        LogCapture log;

        log_capture_begin(&log);
        cloud_connect(&c);
        cloud_settle(&c);
        for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
                char wish[64], told[32], json[40];
                TwinStatus status;

                c.disk_error = errors[i];
                (void)snprintf(wish, sizeof(wish), "{\"settings\":{\"log\":%zu}}", i);
                (void)snprintf(told, sizeof(told), "{\"x\":%zu", i);
                (void)snprintf(json, sizeof(json), "%s}", told);
                cloud_desire(&c, wish);
                cloud_settle(&c);
                ck_assert(document_equal(c.applied, document_member(c.desired, "settings"))); /* it counts already */
                (void)report("s", json);
                cloud_run(&c, 5 * USEC_PER_MIN);
                ck_assert_ptr_nonnull(strstr(cloud_reported(&c, "s"), told)); /* the others go on */
                ck_assert(!is_acknowledged());
                twin_status(c.twin, &status);
                ck_assert_uint_gt(status.pending_bytes, 0);

                c.disk_error = 0;
                cloud_run(&c, 11 * USEC_PER_SEC);
                ck_assert(is_acknowledged());
                cloud_restart(&c); /* without a network */
                ck_assert(document_equal(c.applied, document_member(c.desired, "settings")));
                cloud_connect(&c);
                cloud_run(&c, USEC_PER_MIN);
        }
        log_capture_end(&log);
}
END_TEST

START_TEST(a_disk_that_stalls_acknowledges_no_settings)
{
        cloud_connect(&c);
        cloud_settle(&c);
        cloud_run(&c, USEC_PER_MIN);
        c.slow_disk = true;
        cloud_desire(&c, "{\"settings\":{\"log\":1}}");
        cloud_run(&c, USEC_PER_HOUR);
        ck_assert_str_eq(cloud_reported(&c, "settings"), "");
        cloud_stored(&c);
        cloud_run(&c, USEC_PER_SEC);
        ck_assert_str_ne(cloud_reported(&c, "settings"), "");
}
END_TEST

/* ---- so often ---- */

/* A service in a tight loop does not wear the flash out, and waits for its answer a second at most. */
START_TEST(the_disk_is_written_once_a_second_after_a_burst)
{
        static CloudVerdict v[600];
        TwinDesk desk = twin_desk(c.twin);
        unsigned late = 0;
        char json[32];

        for (int i = 0; i < 600; i++) {
                v[i] = (CloudVerdict){};
                (void)snprintf(json, sizeof(json), "{\"n\":%d}", i);
                desk.report(desk.userdata, "s", json, "ann", cloud_verdict, &v[i]);
                cloud_run(&c, 100 * USEC_PER_MSEC);
                late += i >= 10 && v[i - 10].n == 0;
        }
        ck_assert_uint_eq(late, 0);
        ck_assert_uint_le(c.stores, 20 + 61);
        cloud_run(&c, USEC_PER_SEC);
        for (int i = 0; i < 600; i++)
                ck_assert(v[i].n == 1 && v[i].error == REQUEST_OK);
        ck_assert_ptr_nonnull(strstr(c.stored, "\"n\":599"));
        cloud_run(&c, USEC_PER_MIN); /* it grows back */
        c.stores = 0;
        for (unsigned i = 0; i < 20; i++) {
                (void)snprintf(json, sizeof(json), "{\"n\":%u}", 1000 + i);
                ck_assert_int_eq(report("s", json).n, 1);
        }
        ck_assert_uint_eq(c.stores, 20);
}
END_TEST

static void on_kept(void *userdata, RequestError error, const char *detail)
{
        CloudVerdict *v = userdata;

        v->n++;
        v->error = error;
}

/* Who set something that is kept beside the twin waits for the disk as a reporter does. */
START_TEST(what_is_kept_beside_it_can_be_waited_for)
{
        CloudVerdict v = {};
        LogCapture log;

        log_capture_begin(&log);
        cloud_run(&c, USEC_PER_SEC);
        ck_assert_int_eq(twin_await_disk(c.twin, on_kept, &v), 0);
        ck_assert(v.n == 1 && v.error == REQUEST_OK); /* nothing is on its way */
        c.slow_disk = true;
        twin_keep_changed(c.twin);
        ck_assert_int_eq(twin_await_disk(c.twin, on_kept, &v), 0);
        cloud_run(&c, USEC_PER_SEC);
        ck_assert_uint_eq(v.n, 1);
        cloud_stored(&c);
        ck_assert(v.n == 2 && v.error == REQUEST_OK);
        twin_keep_changed(c.twin);
        ck_assert_int_eq(twin_await_disk(c.twin, on_kept, &v), 0);
        cloud_run(&c, USEC_PER_MIN); /* it has no end */
        ck_assert(v.n == 3 && v.error == REQUEST_DISK_ERROR);
        cloud_stored(&c);
        c.slow_disk = false;
        c.disk_error = -ENOSPC;
        twin_keep_changed(c.twin);
        ck_assert_int_eq(twin_await_disk(c.twin, on_kept, &v), 0);
        cloud_run(&c, USEC_PER_SEC);
        ck_assert(v.n == 4 && v.error == REQUEST_DISK_ERROR);
        log_capture_end(&log);
}
END_TEST

START_TEST(the_end_waits_for_no_pace)
{
        char json[32];

        for (int i = 0; i < 100; i++) {
                (void)snprintf(json, sizeof(json), "{\"n\":%d}", i);
                (void)report("s", json);
        }
        twin_stop(c.twin);
        ck_assert_ptr_nonnull(strstr(c.stored, "\"n\":99"));
}
END_TEST

START_TEST(answers_have_a_pace_after_a_burst)
{
        char json[80];

        cloud_connect(&c);
        cloud_settle(&c);
        cloud_run(&c, USEC_PER_MIN);
        c.patches = 0;
        for (int i = 0; i < 600; i++) {
                (void)snprintf(json, sizeof(json), "{\"t\":{\"value\":%d,\"ac\":200,\"av\":4}}", i);
                (void)report("s", json);
                cloud_run(&c, 100 * USEC_PER_MSEC);
                if (i < 10)
                        ck_assert_uint_eq(c.patches, (unsigned)i + 1); /* each at once */
        }
        ck_assert_uint_le(c.patches, 10 + 30 + 1);
        cloud_run(&c, 2 * USEC_PER_SEC);
        ck_assert_ptr_nonnull(strstr(cloud_reported(&c, "s"), "599"));
}
END_TEST

/* ---- so much ---- */

/* Control characters, of which each is six on the disk, and none with the hub. */
static const char *control_characters(size_t n)
{
        static char text[64 * 1024];
        char *p = text;

        p += sprintf(p, "{\"t\":\"");
        for (size_t i = 0; i < n; i++)
                p += sprintf(p, "\\u0001");
        (void)sprintf(p, "\"}");
        return text;
}

START_TEST(what_is_taken_can_be_read_after_a_restart)
{
        CloudVerdict v = {};
        char name[16];
        int n;

        for (n = 0; n < 200; n++) {
                (void)snprintf(name, sizeof(name), "s%d", n);
                v = report(name, control_characters(4000));
                cloud_run(&c, USEC_PER_SEC);
                if (v.error != REQUEST_OK)
                        break;
        }
        ck_assert_int_ge(n, 3);
        ck_assert_int_eq(v.error, REQUEST_BAD_VALUE);
        ck_assert_ptr_nonnull(strstr(v.detail, "128 KiB"));
        ck_assert_uint_le(strlen(c.stored), TWIN_STATE_MAX);
        cloud_restart(&c);
        cloud_connect(&c);
        cloud_run(&c, USEC_PER_MIN);
        for (int i = 0; i < n; i++) {
                (void)snprintf(name, sizeof(name), "s%d", i);
                ck_assert(document_has(c.reported, name));
        }
}
END_TEST

START_TEST(a_desired_half_too_large_for_the_disk_takes_nothing_else_along)
{
        char *wish = NULL;
        TwinStatus status;

        cloud_connect(&c);
        cloud_settle(&c);
        for (int i = 0; i < 30; i++) {
                insist(asprintf(&wish, "{\"d%d\":%s}", i, control_characters(4000)) > 0);
                cloud_desire(&c, wish);
                cloud_settle(&c);
                free(wish);
        }
        cloud_desire(&c, "{\"settings\":{\"log\":1}}");
        (void)report("s", "{\"x\":1}");
        cloud_run(&c, USEC_PER_MIN);
        ck_assert_uint_le(strlen(c.stored), TWIN_STATE_MAX);
        ck_assert_str_ne(cloud_reported(&c, "settings"), "");
        cloud_restart(&c);
        ck_assert(document_equal(c.applied, document_member(c.desired, "settings")));
        twin_status(c.twin, &status);
        ck_assert(!status.known); /* it has to be asked for */
        cloud_recreate(&c);
        cloud_connect(&c);
        cloud_run(&c, USEC_PER_MIN);
        ck_assert_str_eq(cloud_reported(&c, "s"), "{\"x\":1,\"__t\":\"c\"}");
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/twin-disk");
        TCase *t = suite_case(s, "acknowledged");

        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_test(t, settings_are_acknowledged_once_they_are_on_the_disk);
        tcase_add_test(t, a_disk_that_stalls_acknowledges_no_settings);
        t = suite_case(s, "so often");
        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_test(t, the_disk_is_written_once_a_second_after_a_burst);
        tcase_add_test(t, what_is_kept_beside_it_can_be_waited_for);
        tcase_add_test(t, the_end_waits_for_no_pace);
        tcase_add_test(t, answers_have_a_pace_after_a_burst);
        t = suite_case(s, "so much");
        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_test(t, what_is_taken_can_be_read_after_a_restart);
        tcase_add_test(t, a_desired_half_too_large_for_the_disk_takes_nothing_else_along);
        return suite_run(s);
}
