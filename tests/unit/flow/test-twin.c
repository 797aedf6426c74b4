/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/twin.h"

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
}

static void teardown(void)
{
        cloud_done(&c);
}

/* ---- local services ---- */

static CloudVerdict report_as(const char *user, const char *section, const char *json)
{
        return cloud_report_as(&c, user, section, json);
}

static CloudVerdict report(const char *section, const char *json)
{
        return report_as("ann", section, json);
}

static const char *desired(const char *section)
{
        TwinDesk desk = twin_desk(c.twin);
        TwinDesired d;

        desk.desired(desk.userdata, section, &d);
        return d.error == REQUEST_OK ? d.json : "error";
}

static TwinStatus status(void)
{
        TwinStatus s;

        twin_status(c.twin, &s);
        return s;
}

/* ---- the desired half ---- */

START_TEST(the_whole_is_asked_for_at_each_connection)
{
        ck_assert_str_eq(desired(""), "error");
        for (uint64_t i = 1; i <= 3; i++) {
                cloud_connect(&c);
                cloud_settle(&c);
                ck_assert_uint_eq(c.gets, i);
                cloud_disconnect(&c);
                cloud_desire(&c, "{\"a\":{\"x\":1}}");
                cloud_run(&c, USEC_PER_MIN);
        }
        ck_assert_str_eq(desired("a"), "{\"x\":1}");
        ck_assert_uint_eq(status().desired_version, 3);
        cloud_restart(&c);
        ck_assert_str_eq(desired("a"), "{\"x\":1}");
}
END_TEST

START_TEST(a_push_is_merged_and_told_by_section)
{
        cloud_desire(&c, "{\"a\":{\"x\":1},\"b\":2}");
        cloud_connect(&c);
        cloud_settle(&c);
        ck_assert_str_eq(c.told, "a={\"x\":1}@2;b=2@2;");
        c.told[0] = 0;
        cloud_desire(&c, "{\"a\":{\"y\":2},\"b\":2}");
        cloud_desire(&c, "{\"a\":null}");
        cloud_settle(&c);
        ck_assert_str_eq(c.told, "a={\"x\":1,\"y\":2}@3;a={}@4;");
        ck_assert_uint_eq(c.gets, 1);
        cloud_disconnect(&c);
        cloud_desire(&c, "{\"b\":null}");
        c.told[0] = 0;
        cloud_run(&c, USEC_PER_MIN);
        cloud_connect(&c);
        cloud_settle(&c);
        ck_assert_str_eq(c.told, "b={}@5;");
}
END_TEST

/* A link that comes and goes every second. What is pushed is heard at once all the same, reports go out, and what is
 * missed in between is there within 10 s. */
START_TEST(a_restless_link_asks_each_10_s)
{
        enum { MINUTES = 20 };
        char json[32];

        cloud_connect(&c);
        cloud_settle(&c);
        for (int i = 1; i <= MINUTES * 60; i++) {
                uint64_t patches;

                cloud_disconnect(&c);
                cloud_connect(&c);
                cloud_settle(&c);
                (void)snprintf(json, sizeof(json), "{\"n\":%d}", i);
                cloud_desire(&c, json);
                cloud_settle(&c);
                (void)snprintf(json, sizeof(json), "%d", i);
                ck_assert_str_eq(desired("n"), json);
                patches = c.patches;
                (void)report("valve", *json % 2 ? "{\"open\":1}" : "{\"open\":2}");
                cloud_run(&c, USEC_PER_SEC);
                insist(c.patches <= patches + 1);
        }
        ck_assert_uint_le(c.gets, MINUTES * 6 + 1);
        ck_assert_uint_ge(c.gets, MINUTES * 5);
        cloud_run(&c, USEC_PER_MIN);
        cloud_disconnect(&c);
        cloud_connect(&c);
        cloud_settle(&c);
        cloud_disconnect(&c);
        cloud_desire(&c, "{\"n\":\"missed\"}");
        cloud_connect(&c);
        cloud_run(&c, 10 * USEC_PER_SEC);
        ck_assert_str_eq(desired("n"), "\"missed\"");
}
END_TEST

/* And then the whole is asked for, without waiting for the 10 s. */
START_TEST(a_push_after_a_rest_that_skips_a_number_asks_at_once)
{
        cloud_connect(&c);
        cloud_settle(&c);
        cloud_disconnect(&c);
        cloud_desire(&c, "{\"a\":1}"); /* nobody hears it */
        cloud_connect(&c);
        cloud_desire(&c, "{\"b\":2}");
        cloud_settle(&c);
        ck_assert_uint_eq(c.gets, 2);
        ck_assert_str_eq(desired(""), "{\"a\":1,\"b\":2}");
}
END_TEST

/* A report whose fate nobody knows is a reason to ask, however young the last answer is. */
START_TEST(what_was_under_way_is_asked_for_at_once)
{
        cloud_connect(&c);
        cloud_settle(&c);
        cloud_run(&c, 11 * USEC_PER_SEC);
        cloud_disconnect(&c);
        cloud_connect(&c);
        cloud_settle(&c);
        (void)report("valve", "{\"open\":1}");
        ck_assert(cloud_hear(&c)); /* the hub has it, and its answer is lost */
        cloud_disconnect(&c);
        cloud_connect(&c);
        cloud_settle(&c);
        ck_assert_uint_eq(c.gets, 3);
        ck_assert_uint_eq(status().pending_bytes, 0);
}
END_TEST

/* A report does not cross the question: the answer to that would take it back. */
START_TEST(one_request_at_a_time)
{
        cloud_connect(&c);
        cloud_settle(&c);
        cloud_run(&c, USEC_PER_MIN);
        cloud_desire(&c, "{\"a\":1}");
        free(c.pushes[--c.n_pushes].body); /* lost: the next skips a number */
        cloud_desire(&c, "{\"b\":1}");
        ck_assert(cloud_push(&c));
        cloud_tick(&c);
        (void)report("valve", "{\"open\":1}");
        ck_assert_uint_eq(c.n_up, 1);
        ck_assert(cloud_hear(&c) && cloud_answer(&c));
        cloud_tick(&c);
        ck_assert_uint_eq(c.n_up, 1); /* now it goes */
        ck_assert_ptr_nonnull(c.requests[0].patch);
        cloud_desire(&c, "{\"c\":1}");
        free(c.pushes[--c.n_pushes].body);
        cloud_desire(&c, "{\"d\":1}");
        ck_assert(cloud_push(&c));
        cloud_tick(&c);
        ck_assert_uint_eq(c.n_up, 1); /* and the question waits for its answer */
        cloud_settle(&c);
        ck_assert_uint_eq(c.gets, 3);
        ck_assert_str_eq(desired("d"), "1");
        ck_assert_ptr_nonnull(strstr(cloud_reported(&c, "valve"), "\"open\":1"));
}
END_TEST

START_TEST(what_is_acknowledged_is_not_acknowledged_anew)
{
        static const char *const wishes[] = {"{\"settings\":{\"s1\":\"good\"}}", "{\"settings\":{\"s1\":\"bad\"}}"};

        for (size_t i = 0; i < ARRAY_SIZE(wishes); i++) {
                cloud_connect(&c);
                cloud_settle(&c);
                cloud_desire(&c, wishes[i]);
                cloud_run(&c, USEC_PER_HOUR);
                ck_assert_uint_eq(c.acknowledgements, i + 1);
                for (int k = 0; k < 5; k++) {
                        cloud_disconnect(&c);
                        cloud_run(&c, 10 * USEC_PER_MIN);
                        if (k % 2)
                                cloud_restart(&c);
                        cloud_connect(&c);
                        cloud_run(&c, 10 * USEC_PER_MIN);
                }
                ck_assert_uint_eq(c.acknowledgements, i + 1);
        }
        ck_assert_uint_eq(c.gets, 1 + 2 * 5);
}
END_TEST

START_TEST(a_push_that_skips_a_number_asks_for_the_whole)
{
        cloud_connect(&c);
        cloud_settle(&c);
        cloud_desire(&c, "{\"a\":1}");
        free(c.pushes[--c.n_pushes].body); /* this one is lost */
        cloud_desire(&c, "{\"b\":2}");
        cloud_settle(&c);
        ck_assert_uint_eq(c.gets, 2);
        ck_assert_str_eq(desired(""), "{\"a\":1,\"b\":2}");
}
END_TEST

START_TEST(an_old_push_is_dropped)
{
        cloud_connect(&c);
        cloud_tick(&c);
        cloud_desire(&c, "{\"a\":1}"); /* before the answer is made: it is in it */
        ck_assert(cloud_hear(&c) && cloud_answer(&c));
        cloud_desire(&c, "{\"a\":2}");
        cloud_settle(&c);
        ck_assert_str_eq(desired("a"), "2");
        ck_assert_uint_eq(c.gets, 1);
}
END_TEST

START_TEST(a_push_that_crosses_the_answer_is_not_missed)
{
        cloud_connect(&c);
        cloud_tick(&c);
        ck_assert(cloud_hear(&c));
        cloud_desire(&c, "{\"a\":1}"); /* not in the answer, and here before it */
        ck_assert(cloud_push(&c));
        cloud_run(&c, USEC_PER_MIN);
        ck_assert_str_eq(desired("a"), "1");
        ck_assert_uint_eq(c.gets, 2);
}
END_TEST

START_TEST(a_hub_that_does_not_give_it_is_asked_again_less_and_less)
{
        static const int statuses[] = {429, 500, 503, 404, 0};
        LogCapture log;

        log_capture_begin(&log);
        cloud_connect(&c);
        for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
                cloud_tick(&c);
                ck_assert_uint_eq(c.n_up, 1);
                c.next_status = statuses[i];
                if (statuses[i] == 0) {
                        ck_assert(cloud_hear(&c) && cloud_drop(&c)); /* no answer at all */
                        fake_clock_advance(&c.clock, USEC_PER_MIN);
                        cloud_tick(&c);
                } else {
                        ck_assert(cloud_hear(&c) && cloud_answer(&c));
                }
                cloud_tick(&c);
                ck_assert_uint_eq(c.n_up, 0);
                fake_clock_advance(&c.clock, 5 * USEC_PER_MIN);
        }
        cloud_settle(&c);
        ck_assert(status().known);
        ck_assert_uint_eq(log_capture_count(&log, "does not give it"), 1);
        ck_assert_uint_le(c.gets, 6);
        log_capture_end(&log);
}
END_TEST

START_TEST(an_answer_that_is_no_twin_is_none)
{
        static const char *const bodies[] = {"", "[]", "{}", "{\"desired\":{},\"reported\":{}}",
                                             "{\"desired\":{\"$version\":1}}",
                                             "{\"desired\":{\"$version\":\"1\"},\"reported\":{\"$version\":1}}"};

        for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
                cloud_connect(&c);
                cloud_tick(&c);
                ck_assert(cloud_hear(&c));
                free(c.answers[0].body);
                c.answers[0].body = strdup(bodies[i]);
                ck_assert(cloud_answer(&c));
                ck_assert(!status().known);
                cloud_disconnect(&c);
        }
        cloud_connect(&c);
        cloud_run(&c, USEC_PER_MIN);
        ck_assert(status().known);
}
END_TEST

/* ---- settings ---- */

START_TEST(settings_are_applied_and_answered)
{
        cloud_connect(&c);
        cloud_settle(&c);
        cloud_desire(&c, "{\"settings\":{\"__t\":\"c\",\"log\":\"debug\"}}");
        cloud_settle(&c);
        ck_assert_str_eq(cloud_reported(&c, "settings"),
                         "{\"__t\":\"c\",\"log\":{\"ac\":200,\"ad\":\"done\",\"value\":\"debug\",\"av\":2}}");
        cloud_desire(&c, "{\"settings\":{\"log\":\"bad\"}}");
        cloud_settle(&c);
        ck_assert_str_eq(cloud_reported(&c, "settings"),
                         "{\"__t\":\"c\",\"log\":{\"ac\":400,\"ad\":\"bad\",\"value\":\"bad\",\"av\":3}}");
        /* the same value, set once more, is answered once more */
        cloud_desire(&c, "{\"settings\":{\"log\":\"info\"}}");
        cloud_settle(&c);
        cloud_desire(&c, "{\"settings\":{\"log\":\"info\"}}");
        cloud_settle(&c);
        ck_assert_ptr_nonnull(strstr(cloud_reported(&c, "settings"), "\"av\":5"));
        cloud_desire(&c, "{\"settings\":null}");
        cloud_settle(&c);
        ck_assert_str_eq(cloud_reported(&c, "settings"), "");
        ck_assert_uint_eq(document_count(c.applied), 0);
}
END_TEST

START_TEST(an_answer_does_not_wait_for_the_pace_but_for_the_disk)
{
        cloud_connect(&c);
        cloud_settle(&c);
        c.slow_disk = true;
        cloud_desire(&c, "{\"settings\":{\"log\":\"info\"}}");
        cloud_settle(&c);
        ck_assert_str_eq(cloud_reported(&c, "settings"), "");
        cloud_stored(&c);
        cloud_settle(&c);
        ck_assert_str_ne(cloud_reported(&c, "settings"), "");
}
END_TEST

START_TEST(a_disk_that_stalls_does_not_hold_it_up_for_ever)
{
        CloudVerdict v;

        cloud_connect(&c);
        cloud_settle(&c);
        c.slow_disk = true;
        (void)report("s", "{\"x\":1}");
        cloud_run(&c, 9 * USEC_PER_SEC);
        ck_assert_str_eq(cloud_reported(&c, "s"), "");
        cloud_run(&c, 2 * USEC_PER_SEC);
        ck_assert_str_eq(cloud_reported(&c, "s"), "{\"x\":1,\"__t\":\"c\"}");
        v = report("s", "{\"x\":2}");
        ck_assert_int_eq(v.n, 1);
        ck_assert_int_eq(v.error, REQUEST_DISK_ERROR);
}
END_TEST

START_TEST(a_disk_that_fails_is_told_and_tried_again)
{
        LogCapture log;
        CloudVerdict v;

        log_capture_begin(&log);
        c.disk_error = -ENOSPC;
        v = report("s", "{\"x\":1}");
        ck_assert_int_eq(v.error, REQUEST_DISK_ERROR);
        cloud_connect(&c);
        cloud_run(&c, USEC_PER_MIN);
        ck_assert_str_eq(cloud_reported(&c, "s"), "{\"x\":1,\"__t\":\"c\"}");
        ck_assert_uint_eq(log_capture_count(&log, "cannot be stored"), 1);
        c.disk_error = 0;
        cloud_run(&c, USEC_PER_MIN);
        cloud_restart(&c);
        cloud_recreate(&c);
        cloud_connect(&c);
        cloud_run(&c, USEC_PER_MIN);
        ck_assert_str_eq(cloud_reported(&c, "s"), "{\"x\":1,\"__t\":\"c\"}");
        log_capture_end(&log);
}
END_TEST

/* ---- the reported half ---- */

START_TEST(reports_merge_while_there_is_no_link)
{
        ck_assert_int_eq(report("s", "{\"x\":1,\"y\":{\"z\":1}}").error, REQUEST_OK);
        ck_assert_int_eq(report("s", "{\"x\":null,\"y\":{\"v\":2}}").error, REQUEST_OK);
        ck_assert_int_eq(report("", "{\"plain\":38.7}").error, REQUEST_OK);
        cloud_restart(&c);
        cloud_connect(&c);
        cloud_settle(&c);
        ck_assert_str_eq(cloud_reported(&c, "s"), "{\"y\":{\"z\":1,\"v\":2},\"__t\":\"c\"}");
        ck_assert_str_eq(cloud_reported(&c, "plain"), "38.7");
        ck_assert_uint_eq(c.patches, 1);
        ck_assert_uint_eq(status().pending_bytes, 0);
        ck_assert_uint_eq(status().reports, 1);
}
END_TEST

START_TEST(a_section_is_marked_as_a_component)
{
        ck_assert_int_eq(report("s", "{}").error, REQUEST_OK);
        ck_assert_int_eq(report("", "{\"plain\":{\"x\":1}}").error, REQUEST_OK);
        ck_assert_int_eq(report("own", "{\"x\":1,\"__t\":null}").error, REQUEST_OK);
        cloud_connect(&c);
        cloud_settle(&c);
        ck_assert_str_eq(cloud_reported(&c, "s"), "{\"__t\":\"c\"}");
        ck_assert_str_eq(cloud_reported(&c, "plain"), "{\"x\":1}");
        ck_assert_str_eq(cloud_reported(&c, "own"), "{\"x\":1}");
}
END_TEST

START_TEST(a_section_can_be_deleted_wherever_it_is)
{
        (void)report("s", "{\"x\":1}");
        cloud_connect(&c);
        cloud_run(&c, USEC_PER_MIN);
        cloud_disconnect(&c);
        (void)report("", "{\"s\":null,\"never\":null}");
        (void)report("s", "{\"y\":2}");
        cloud_connect(&c);
        cloud_run(&c, USEC_PER_MIN);
        ck_assert_str_eq(cloud_reported(&c, "s"), "{\"__t\":\"c\",\"y\":2}");
        (void)report("", "{\"s\":null}");
        cloud_run(&c, USEC_PER_MIN);
        ck_assert_str_eq(cloud_reported(&c, "s"), "");
        ck_assert_uint_eq(status().pending_bytes, 0);
}
END_TEST

START_TEST(what_somebody_reported_before_our_time_stays)
{
        static const char before[] = "{\"old\":{\"x\":1},\"hublink\":{\"gone\":1}}";
        const char *error;

        document_free(c.reported);
        ck_assert_int_eq(document_parse(&c.reported, before, strlen(before), &error), 0);
        cloud_connect(&c);
        cloud_run(&c, USEC_PER_MIN);
        (void)report("old", "{\"y\":2}");
        cloud_run(&c, USEC_PER_MIN);
        ck_assert_str_eq(cloud_reported(&c, "old"), "{\"x\":1,\"y\":2,\"__t\":\"c\"}");
        ck_assert_ptr_null(strstr(cloud_reported(&c, "hublink"), "gone"));
}
END_TEST

START_TEST(the_pace_is_one_in_ten_seconds)
{
        char json[32];

        cloud_connect(&c);
        cloud_settle(&c);
        c.patches = 0;
        for (int i = 0; i < 600; i++) {
                (void)snprintf(json, sizeof(json), "{\"n\":%d}", i);
                (void)report("s", json);
                cloud_run(&c, 100 * USEC_PER_MSEC);
        }
        ck_assert_uint_ge(c.patches, 5);
        ck_assert_uint_le(c.patches, 6);
        (void)report("s", "{\"target\":{\"value\":1,\"ac\":200,\"av\":4}}");
        cloud_run(&c, USEC_PER_SEC); /* that of the disk, after so many */
        ck_assert_ptr_nonnull(strstr(cloud_reported(&c, "s"), "target"));
}
END_TEST

START_TEST(what_is_too_large_for_one_patch_goes_in_several)
{
        char json[4200], section[8];

        for (int i = 0; i < 7; i++) { /* escaped, it is six times as long */
                char text[650];

                for (size_t k = 0; k < sizeof(text) - 1; k++)
                        text[k] = (char)(1 + k % 7);
                text[sizeof(text) - 1] = 0;
                size_t n = (size_t)snprintf(json, sizeof(json), "{\"t\":\"");
                for (size_t k = 0; text[k]; k++)
                        n += (size_t)snprintf(json + n, sizeof(json) - n, "\\u%04x", text[k]);
                (void)snprintf(json + n, sizeof(json) - n, "\"}");
                (void)snprintf(section, sizeof(section), "s%d", i);
                ck_assert_int_eq(report(section, json).error, REQUEST_OK);
        }
        for (int i = 0; i < 7; i++) {
                (void)snprintf(json, sizeof(json), "{\"t\":\"%04000d\"}", i);
                (void)snprintf(section, sizeof(section), "l%d", i);
                ck_assert_int_eq(report(section, json).error, REQUEST_OK);
        }
        cloud_connect(&c);
        cloud_settle(&c);
        ck_assert_uint_eq(document_count(c.reported), 15);
        ck_assert_uint_ge(c.patches, 2);
        ck_assert_uint_le(c.largest_patch, 32 * 1024);
}
END_TEST

START_TEST(what_the_hub_would_refuse_never_leaves_here)
{
        char json[4200];
        CloudVerdict v;

        ck_assert_int_eq(report("s", "[1]").error, REQUEST_BAD_VALUE);
        ck_assert_int_eq(report("s", "{").error, REQUEST_BAD_VALUE);
        ck_assert_int_eq(report("a b", "{}").error, REQUEST_BAD_VALUE);
        ck_assert_int_eq(report("s", "{\"$x\":1}").error, REQUEST_BAD_VALUE);
        ck_assert_int_eq(report("settings", "{\"x\":1}").error, REQUEST_NOT_OWNER);
        ck_assert_int_eq(report("hublink", "{}").error, REQUEST_NOT_OWNER);
        ck_assert_int_eq(report("", "{\"hublink\":null}").error, REQUEST_NOT_OWNER);
        ck_assert_int_eq(report_as(NULL, "settings", "{\"x\":1}").error, REQUEST_OK);
        for (int i = 0;; i++) {
                (void)snprintf(json, sizeof(json), "{\"t%d\":\"%04000d\"}", i, i);
                v = report("s", json);
                if (v.error != REQUEST_OK)
                        break;
                ck_assert_int_lt(i, 9);
        }
        ck_assert_int_eq(v.error, REQUEST_BAD_VALUE);
        ck_assert_ptr_nonnull(strstr(v.detail, "32 KiB"));
}
END_TEST

static CloudVerdict report_filler(unsigned i, int size)
{
        char section[8], json[3700];

        (void)snprintf(section, sizeof(section), "f%u", i);
        (void)snprintf(json, sizeof(json), "{\"t\":\"%0*d\"}", size, 0);
        return report(section, json);
}

/* Sections of a service, as many as are taken: large ones, and then small ones. Gives the number of the large. */
static unsigned fill_half(void)
{
        unsigned n = 0, i;

        while (report_filler(n, 3600).error == REQUEST_OK)
                n++;
        for (i = n; report_filler(i, 30).error == REQUEST_OK; i++)
                ck_assert_uint_lt(i, 200);
        return n;
}

static void desire_large(unsigned n)
{
        char json[3200];

        for (unsigned i = 0; i < n; i++) {
                (void)snprintf(json, sizeof(json), "{\"settings\":{\"s%u\":\"%03000d\"}}", i, 0);
                cloud_desire(&c, json);
        }
}

START_TEST(a_full_half_has_room_for_the_answers_to_settings)
{
        c.half_max = 32 * 1024;
        cloud_connect(&c);
        cloud_run(&c, USEC_PER_MIN);
        (void)fill_half();
        cloud_run(&c, 10 * USEC_PER_MIN);
        ck_assert_int_eq(report_as(NULL, "", "{\"property\":1}").error, REQUEST_OK);
        cloud_desire(&c, "{\"settings\":{\"interval\":5}}");
        cloud_run(&c, USEC_PER_MIN);
        ck_assert_ptr_nonnull(strstr(cloud_reported(&c, "settings"), "\"av\":2"));
        ck_assert_str_eq(cloud_reported(&c, "property"), "1");
        ck_assert_uint_eq(status().refused, 0);
}
END_TEST

/* What was answered well may not be refused because of us. */
START_TEST(the_list_of_sensors_yields_to_what_services_report)
{
        c.half_max = 32 * 1024;
        cloud_connect(&c);
        cloud_run(&c, USEC_PER_MIN);
        ck_assert_uint_eq(fill_half(), 7);
        c.sensors_size = 11000;
        twin_facts_changed(c.twin);
        cloud_run(&c, 10 * USEC_PER_MIN);
        ck_assert_ptr_null(strstr(cloud_reported(&c, "hublink"), "sensors"));
        ck_assert_ptr_nonnull(strstr(cloud_reported(&c, "hublink"), "fact"));
        ck_assert_str_ne(cloud_reported(&c, "f6"), "");
        ck_assert_int_eq(report("f0", "{\"t\":\"other\"}").error, REQUEST_OK);
        ck_assert_uint_eq(status().refused, 0);
        ck_assert_int_eq(report("", "{\"f0\":null,\"f1\":null,\"f2\":null}").error, REQUEST_OK);
        cloud_run(&c, USEC_PER_MIN);
        ck_assert(document_has(document_member(c.reported, "hublink"), "sensors"));
        ck_assert_uint_eq(status().refused, 0);
}
END_TEST

static bool is_acknowledged(const char *key, uint64_t version, bool with_value)
{
        const Document *answer = document_member(document_member(c.reported, "settings"), key);
        uint64_t av = 0;

        return document_unsigned(document_member(answer, "av"), &av) && av == version &&
               document_has(answer, "value") == with_value;
}

START_TEST(settings_are_acknowledged_whatever_else_there_is)
{
        c.half_max = 32 * 1024;
        c.sensors_size = 11000;
        cloud_connect(&c);
        cloud_run(&c, USEC_PER_MIN);
        (void)fill_half();
        cloud_run(&c, 10 * USEC_PER_MIN);
        cloud_desire(&c, "{\"settings\":{\"level\":\"debug\"}}");
        desire_large(3);
        cloud_run(&c, 10 * USEC_PER_MIN);
        ck_assert(is_acknowledged("s0", 5, false));
        ck_assert(is_acknowledged("level", 5, true));
        ck_assert_uint_eq(status().refused, 0);
        ck_assert_uint_eq(status().pending_bytes, 0);
        ck_assert_int_eq(report("", "{\"f0\":null,\"f1\":null,\"f2\":null}").error, REQUEST_OK);
        cloud_run(&c, USEC_PER_MIN);
        ck_assert(is_acknowledged("s0", 5, true));
}
END_TEST

START_TEST(settings_go_before_the_others)
{
        cloud_connect(&c);
        cloud_run(&c, USEC_PER_MIN);
        ck_assert_int_eq(report("a", "{\"x\":1}").error, REQUEST_OK);
        ck_assert_int_eq(report("b", "{\"x\":1}").error, REQUEST_OK);
        cloud_settle(&c);
        ck_assert_int_eq(report("b", "{\"x\":2}").error, REQUEST_OK);
        cloud_desire(&c, "{\"settings\":{\"interval\":5}}");
        ck_assert(cloud_push(&c));
        cloud_tick(&c);
        ck_assert_uint_eq(c.n_up, 1);
        ck_assert_int_eq(strncmp(c.requests[0].patch, "{\"settings\"", 11), 0);
}
END_TEST

START_TEST(what_was_refused_for_want_of_room_goes_when_there_is_some)
{
        LogCapture log;

        log_capture_begin(&log);
        c.half_max = 20 * 1024; /* another's count, or what we do not know of */
        cloud_connect(&c);
        cloud_run(&c, USEC_PER_MIN);
        (void)fill_half();
        cloud_run(&c, 10 * USEC_PER_MIN);
        ck_assert_uint_gt(status().refused, 0);
        ck_assert_str_eq(cloud_reported(&c, "f6"), "");
        ck_assert_ptr_nonnull(strstr(status().problem, "the hub refuses what is reported: f5, f6"));
        ck_assert_int_eq(report("f0", "{\"t\":\"short\"}").error, REQUEST_OK); /* which is not enough */
        ck_assert_int_eq(report("", "{\"f1\":null,\"f2\":null,\"f3\":null}").error, REQUEST_OK);
        cloud_run(&c, 5 * USEC_PER_MIN);
        ck_assert_str_ne(cloud_reported(&c, "f6"), "");
        ck_assert_uint_eq(status().pending_bytes, 0);
        ck_assert_str_eq(status().problem, "");
        log_capture_end(&log);
}
END_TEST

/* Those who report go on as if nothing were. */
START_TEST(what_is_refused_is_not_tried_again_with_each_report)
{
        LogCapture log;
        uint64_t refused = 0;
        char json[32];

        log_capture_begin(&log);
        c.half_max = 20 * 1024;
        cloud_connect(&c);
        cloud_run(&c, USEC_PER_MIN);
        (void)fill_half();
        cloud_run(&c, 10 * USEC_PER_MIN);
        for (unsigned i = 0; i < 50; i++) {
                (void)snprintf(json, sizeof(json), "{\"t\":\"%02u\"}", i);
                ck_assert_int_eq(report("f0", json).error, REQUEST_OK);
                cloud_run(&c, 5 * USEC_PER_MIN);
                refused = i == 0 ? status().refused : refused; /* this one made one of 3.6 KB smaller */
        }
        ck_assert_uint_gt(refused, 0);
        ck_assert_uint_eq(status().refused, refused);
        log_capture_end(&log);
}
END_TEST

/* It may be too large from a time before ours. */
START_TEST(what_makes_a_half_smaller_is_always_taken)
{
        char json[3700];

        for (unsigned i = 0; i < 9; i++) {
                Document *d = NULL;
                const char *error;

                (void)snprintf(json, sizeof(json), "{\"f%u\":{\"__t\":\"c\",\"t\":\"%03600d\"}}", i, 0);
                ck_assert_int_eq(document_parse(&d, json, strlen(json), &error), 0);
                ck_assert_int_eq(document_merge(c.reported, d), 0);
                document_free(d);
        }
        cloud_connect(&c);
        cloud_run(&c, USEC_PER_MIN);
        ck_assert_int_eq(report("f0", "{\"t\":\"short\"}").error, REQUEST_OK);
        ck_assert_int_eq(report("f0", "{\"t\":\"short, but longer\"}").error, REQUEST_BAD_VALUE);
        ck_assert_int_eq(report("f0", "{\"t\":\"shirt\"}").error, REQUEST_OK);
        ck_assert_int_eq(report("", "{\"f1\":null}").error, REQUEST_OK);
}
END_TEST

START_TEST(a_busy_hub_gets_it_later)
{
        static const int statuses[] = {429, 500, 503};

        cloud_connect(&c);
        cloud_run(&c, USEC_PER_MIN);
        for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
                char json[32];

                (void)snprintf(json, sizeof(json), "{\"n\":%zu}", i);
                (void)report("s", json);
                cloud_tick(&c);
                c.next_status = statuses[i];
                ck_assert(cloud_hear(&c) && cloud_answer(&c));
                cloud_tick(&c);
                ck_assert_uint_eq(c.n_up, 0);
                cloud_run(&c, 5 * USEC_PER_MIN);
                ck_assert_str_eq(cloud_reported(&c, "s"), i == 0 ? "{\"n\":0,\"__t\":\"c\"}" : i == 1 ? "{\"n\":1,\"__t\":\"c\"}" : "{\"n\":2,\"__t\":\"c\"}");
        }
        ck_assert_uint_eq(status().refused, 0);
}
END_TEST

START_TEST(a_section_that_is_refused_does_not_hold_up_the_others)
{
        LogCapture log;

        log_capture_begin(&log);
        c.poison = "poison";
        (void)report("a", "{\"x\":1}");
        (void)report("b", "{\"x\":\"poison\"}");
        (void)report("c", "{\"x\":1}");
        cloud_connect(&c);
        cloud_run(&c, 10 * USEC_PER_MIN);
        ck_assert_str_eq(cloud_reported(&c, "a"), "{\"x\":1,\"__t\":\"c\"}");
        ck_assert_str_eq(cloud_reported(&c, "b"), "");
        ck_assert_str_eq(cloud_reported(&c, "c"), "{\"x\":1,\"__t\":\"c\"}");
        ck_assert_uint_eq(status().refused, 1);
        ck_assert_uint_eq(log_capture_count(&log, "refuses the reported section b"), 1);
        cloud_disconnect(&c);
        cloud_connect(&c);
        cloud_run(&c, 10 * USEC_PER_MIN);
        ck_assert_uint_eq(status().refused, 2); /* another hub may take it */
        (void)report("b", "{\"x\":2}");
        cloud_run(&c, USEC_PER_MIN);
        ck_assert_str_eq(cloud_reported(&c, "b"), "{\"x\":2,\"__t\":\"c\"}");
        log_capture_end(&log);
}
END_TEST

START_TEST(a_cure_that_crosses_the_refusal_is_sent)
{
        LogCapture log;

        log_capture_begin(&log);
        c.poison = "poison";
        cloud_connect(&c);
        cloud_settle(&c);
        cloud_run(&c, USEC_PER_MIN);
        (void)report("b", "{\"x\":\"poison\"}");
        cloud_tick(&c);
        ck_assert_uint_eq(c.n_up, 1);
        (void)report("b", "{\"x\":\"good\"}"); /* before the answer is here */
        ck_assert(cloud_hear(&c) && cloud_answer(&c));
        cloud_run(&c, USEC_PER_MIN);
        ck_assert_str_eq(cloud_reported(&c, "b"), "{\"x\":\"good\",\"__t\":\"c\"}");
        log_capture_end(&log);
}
END_TEST

/* 403: the day's messages are used up, and so on. */
START_TEST(what_is_no_verdict_on_the_content_is_tried_again)
{
        static const int statuses[] = {401, 403, 404, 408, 412, 429, 500};

        for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
                char json[32], expected[48];

                cloud_connect(&c);
                cloud_run(&c, USEC_PER_MIN);
                (void)snprintf(json, sizeof(json), "{\"x\":%zu}", i);
                (void)report("s", json);
                cloud_tick(&c);
                c.next_status = statuses[i];
                cloud_run(&c, 10 * USEC_PER_MIN);
                (void)snprintf(expected, sizeof(expected), "{\"x\":%zu,\"__t\":\"c\"}", i);
                ck_assert_str_eq(cloud_reported(&c, "s"), expected);
                ck_assert_uint_eq(status().refused, 0);
                cloud_disconnect(&c);
        }
}
END_TEST

START_TEST(after_a_lost_answer_the_hub_is_asked_what_it_has)
{
        (void)report("s", "{\"x\":1}");
        cloud_connect(&c);
        cloud_tick(&c);
        ck_assert(cloud_hear(&c) && cloud_answer(&c));
        cloud_tick(&c);
        ck_assert(cloud_hear(&c) && cloud_drop(&c));
        cloud_run(&c, 2 * USEC_PER_MIN);
        ck_assert_uint_eq(c.gets, 2);
        ck_assert_uint_eq(c.patches, 1); /* it had been taken */
        ck_assert_uint_eq(status().pending_bytes, 0);
}
END_TEST

START_TEST(facts_follow_within_a_minute_and_statistics_each_hour)
{
        cloud_connect(&c);
        cloud_run(&c, USEC_PER_SEC);
        ck_assert_ptr_nonnull(strstr(cloud_reported(&c, "hublink"), "\"fact\":0"));
        c.fact = 1;
        twin_facts_changed(c.twin);
        cloud_run(&c, USEC_PER_MIN);
        ck_assert_ptr_nonnull(strstr(cloud_reported(&c, "hublink"), "\"fact\":1"));
        c.patches = 0;
        for (int i = 0; i < 24 * 60; i++) {
                twin_facts_changed(c.twin);
                cloud_run(&c, USEC_PER_MIN);
        }
        ck_assert_uint_ge(c.patches, 23);
        ck_assert_uint_le(c.patches, 25);
        ck_assert_uint_eq(c.stores, 1); /* nothing of this is on the disk */
}
END_TEST

START_TEST(a_new_twin_of_the_same_name_gets_everything)
{
        (void)report("s", "{\"x\":1}");
        for (int i = 0; i < 5; i++)
                cloud_desire(&c, "{\"a\":1}");
        cloud_connect(&c);
        cloud_run(&c, USEC_PER_MIN);
        cloud_recreate(&c);
        cloud_desire(&c, "{\"b\":1}");
        cloud_connect(&c);
        cloud_run(&c, USEC_PER_MIN);
        ck_assert_str_eq(desired(""), "{\"b\":1}");
        ck_assert_uint_eq(status().desired_version, 2);
        ck_assert_str_eq(cloud_reported(&c, "s"), "{\"x\":1,\"__t\":\"c\"}");
}
END_TEST

START_TEST(a_state_that_cannot_be_read_begins_anew)
{
        static const char *const states[] = {"x", "[]", "{}", "{\"desired\":1,\"reported\":[]}", "{\"desiredVersion\":-1}"};

        for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
                free(c.stored);
                c.stored = strdup(states[i]);
                cloud_restart(&c);
                ck_assert(!status().known);
                cloud_connect(&c);
                cloud_run(&c, USEC_PER_MIN);
                ck_assert(status().known);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/twin");
        TCase *t = suite_case(s, "the desired half");

        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_test(t, the_whole_is_asked_for_at_each_connection);
        tcase_add_test(t, a_push_is_merged_and_told_by_section);
        tcase_add_test(t, a_push_that_skips_a_number_asks_for_the_whole);
        tcase_add_test(t, a_restless_link_asks_each_10_s);
        tcase_add_test(t, a_push_after_a_rest_that_skips_a_number_asks_at_once);
        tcase_add_test(t, what_was_under_way_is_asked_for_at_once);
        tcase_add_test(t, one_request_at_a_time);
        tcase_add_test(t, what_is_acknowledged_is_not_acknowledged_anew);
        tcase_add_test(t, an_old_push_is_dropped);
        tcase_add_test(t, a_push_that_crosses_the_answer_is_not_missed);
        tcase_add_test(t, a_hub_that_does_not_give_it_is_asked_again_less_and_less);
        tcase_add_test(t, an_answer_that_is_no_twin_is_none);
        t = suite_case(s, "settings, and the disk");
        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_test(t, settings_are_applied_and_answered);
        tcase_add_test(t, an_answer_does_not_wait_for_the_pace_but_for_the_disk);
        tcase_add_test(t, a_disk_that_stalls_does_not_hold_it_up_for_ever);
        tcase_add_test(t, a_disk_that_fails_is_told_and_tried_again);
        tcase_add_test(t, a_state_that_cannot_be_read_begins_anew);
        t = suite_case(s, "the reported half");
        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_test(t, reports_merge_while_there_is_no_link);
        tcase_add_test(t, a_section_is_marked_as_a_component);
        tcase_add_test(t, a_section_can_be_deleted_wherever_it_is);
        tcase_add_test(t, what_somebody_reported_before_our_time_stays);
        tcase_add_test(t, the_pace_is_one_in_ten_seconds);
        tcase_add_test(t, what_is_too_large_for_one_patch_goes_in_several);
        tcase_add_test(t, what_the_hub_would_refuse_never_leaves_here);
        tcase_add_test(t, a_full_half_has_room_for_the_answers_to_settings);
        tcase_add_test(t, the_list_of_sensors_yields_to_what_services_report);
        tcase_add_test(t, settings_are_acknowledged_whatever_else_there_is);
        tcase_add_test(t, settings_go_before_the_others);
        tcase_add_test(t, what_was_refused_for_want_of_room_goes_when_there_is_some);
        tcase_add_test(t, what_is_refused_is_not_tried_again_with_each_report);
        tcase_add_test(t, what_makes_a_half_smaller_is_always_taken);
        tcase_add_test(t, a_busy_hub_gets_it_later);
        tcase_add_test(t, a_section_that_is_refused_does_not_hold_up_the_others);
        tcase_add_test(t, a_cure_that_crosses_the_refusal_is_sent);
        tcase_add_test(t, what_is_no_verdict_on_the_content_is_tried_again);
        tcase_add_test(t, after_a_lost_answer_the_hub_is_asked_what_it_has);
        tcase_add_test(t, facts_follow_within_a_minute_and_statistics_each_hour);
        tcase_add_test(t, a_new_twin_of_the_same_name_gets_everything);
        return suite_run(s);
}
