/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the cloud may set, and that nothing else gets through.
 */

#include "daemon/settings-cloud.h"

#include <string.h>

#include "suite.h"

static const char files[] = "sensors: {\n"
                            "  cpu: { driver = \"file\"; path = \"/proc/loadavg\"; interval = \"10s\";\n"
                            "    channels: { one: { field = 1; }; }; };\n"
                            "  in: { driver = \"socket\"; listen = \"unix-dgram:/run/in.sock\"; };\n"
                            "};\n"
                            "streams: { slow: { properties: { a = \"b\"; }; }; };\n";

static char empty[] = "";

/* ck: the files' settings with this over them; NULL: refused, with these words among its problems. */
static Settings *overlay(const Settings *from, const char *json, const char *words)
{
        _cleanup_(document_freep) Document *desired = NULL;
        _cleanup_free_ char *why = NULL;
        Problems problems = {};
        Settings *s = NULL;
        Buffer text = BUFFER_NULL;
        const char *error;
        bool found = false;
        int r;

        ck_assert_int_eq(document_parse(&desired, json, strlen(json), &error), 0);
        r = settings_cloud_write(desired, &text, &why);
        if (r == 0)
                r = settings_cloud_overlay(&s, from, "/state", &(Overlay){.desired = text.data ?: empty, .intervals = empty}, &problems);
        ck_assert_int_eq(r, words ? SETTINGS_E_BAD : 0);
        for (size_t i = 0; words && i < problems.n; i++)
                found |= strstr(problems.items[i].text, words) != NULL;
        found |= words && why && strstr(why, words);
        ck_assert_msg(!words || problems.n + (why != NULL) == 1, "%s: %zu times", json, problems.n);
        ck_assert_msg(!words || found, "%s: %s", json, problems.n ? problems.items[0].text : why ?: "");
        problems_done(&problems);
        buffer_done(&text);
        return s;
}

static Settings *load(void)
{
        Problems problems = {};
        Settings *s = NULL;

        ck_assert_int_eq(settings_load_text(&s, "x.conf", files, "/state", &problems), 0);
        return s;
}

static bool prints(const Settings *s, const char *words)
{
        Buffer b = BUFFER_NULL;
        bool found;

        settings_print(s, true, &b);
        found = strstr(b.data, words);
        buffer_done(&b);
        return found;
}

START_TEST(what_it_may_set_counts_over_the_files)
{
        _cleanup_(settings_freep) Settings *s = load(), *over = NULL, *other = NULL, *none = NULL;

        over = overlay(s,
                       "{\"__t\":\"c\",\"sensors\":{\"cpu\":{\"interval\":30},\"in\":{\"max_rate\":5}},"
                       "\"streams\":{\"telemetry\":{\"max_latency\":\"1min\"},\"slow\":{\"max_latency\":2.5}},"
                       "\"log\":{\"level\":\"debug\",\"max_lines_per_hour\":0},\"hub\":{\"window\":4}}",
                       NULL);
        ck_assert_uint_eq(over->sensors[0].interval_usec, 30 * USEC_PER_SEC);
        ck_assert_uint_eq(over->sensors[1].max_rate, 5);
        ck_assert_int_eq(over->log.level, LOG_DEBUG);
        ck_assert_uint_eq(over->hub.window, 4);
        ck_assert(prints(over, "# /state/twin.json (desired)\n"));
        ck_assert(prints(over, "# x.conf:2"));

        /* each lies over the files, not over another */
        other = overlay(over, "{\"hub\":{\"window\":2}}", NULL);
        ck_assert_uint_eq(other->hub.window, 2);
        ck_assert_uint_eq(other->sensors[0].interval_usec, 10 * USEC_PER_SEC);
        none = overlay(other, "{}", NULL);
        ck_assert_int_eq(settings_equal(none, s), 1);
        ck_assert(!prints(none, "twin.json"));
}
END_TEST

START_TEST(nothing_else_gets_through)
{
        static const char *const bad[][2] = {
                {"{\"hub\":{\"address\":\"evil:1\"}}", "hub.address: this cannot be set"},
                {"{\"hub\":{\"backoff\":{\"max\":\"1s\"}}}", "hub.backoff.max: this cannot be set"},
                {"{\"hub\":\"x\"}", "hub: this cannot be set"},
                {"{\"queue\":{\"max_bytes\":\"much\"}}", "queue.max_bytes: this cannot be set"},
                {"{\"queue\":{\"directory\":\"/\"}}", "queue.directory: this cannot be set"},
                {"{\"sensors\":{\"cpu\":{\"path\":\"/etc/shadow\"}}}", "sensors.cpu.path: this cannot be set"},
                {"{\"sensors\":{\"new\":{\"interval\":\"1s\"}}}", "sensors.new: there is none"},
                {"{\"sensors\":{\"cpu\":{\"channels\":{\"c\":{\"field\":1}}}}}", "sensors.cpu.channels.c: there is none"},
                {"{\"sensors\":{\"cpu\":5}}", "sensors.cpu: this cannot be set"},
                {"{\"sensors\":5}", "sensors: this cannot be set"},
                {"{\"streams\":{\"slow\":{\"properties\":{\"a\":\"c\"}}}}", "properties.a: this cannot be set"},
                {"{\"streams\":{\"other\":{\"max_latency\":\"1s\"}}}", "streams.other: there is none"},
                {"{\"clock\":{\"trust\":true}}", "clock.trust: this cannot be set"},
                {"{\"log\":{\"level\":\"loud\"}}", "log.level: expected"},
                {"{\"log\":{\"level\":7}}", "log.level: expected"},
                {"{\"log\":{\"lvel\":\"info\"}}", "log.lvel: unknown setting; did you mean \"level\"?"},
                {"{\"hub\":{\"window\":17}}", "hub.window: expected"},
                {"{\"hub\":{\"window\":-1}}", "hub.window: expected"},
                {"{\"hub\":{\"window\":1e2}}", "hub.window: expected"},
                {"{\"hub\":{\"window\":[1]}}", "hub.window: a setting is"},
                {"{\"hub\":{\"window = 3; address = \\\"evil\\\"; x\":1}}", "unknown setting"},
                {"{\"@include \\\"/etc/shadow\\\"\":1}", "unknown setting"},
                {"{\"log\":{\"level\":\"in\\u0000fo\"}}", "log.level: a text with a NUL"},
                {"{\"log\":{\"level\":\"info\\\"; }; hub: { window = 2; }; log: { level = \\\"debug\"}}", "log.level: expected"},
                {"{\"sensors\":{\"in\":{\"interval\":\"1s\"}}}", "a socket sensor has no such setting"},
        };
        _cleanup_(settings_freep) Settings *s = load();

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                ck_assert_ptr_null(overlay(s, bad[i][0], bad[i][1]));
}
END_TEST

static int take(Settings **s, const char *desired, Problems *problems)
{
        const Overlay overlay = {.desired = (char *)(uintptr_t)desired, .intervals = empty};

        return settings_cloud_take(s, "/state", &overlay, problems);
}

START_TEST(what_does_not_fit_leaves_the_files_alone)
{
        _cleanup_(settings_freep) Settings *s = load();
        const Settings *before = s;
        Problems problems = {};

        ck_assert_int_eq(take(&s, "sensors: { gone: { interval = 1; }; };", &problems),
                         SETTINGS_E_BAD);
        ck_assert_ptr_eq(s, before);
        ck_assert_uint_eq(problems.n, 1);
        problems_done(&problems);
        problems = (Problems){};
        ck_assert_int_eq(take(&s, "sensors: {", &problems), SETTINGS_E_BAD);
        problems_done(&problems);
        problems = (Problems){};
        ck_assert_int_eq(take(&s, "hub: { window = 1; };", &problems), 0);
        ck_assert_uint_eq(s->hub.window, 1);
        problems_done(&problems);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("daemon/settings-cloud");
        TCase *c = suite_case(s, "few settings, and only where they fit");

        tcase_add_test(c, what_it_may_set_counts_over_the_files);
        tcase_add_test(c, nothing_else_gets_through);
        tcase_add_test(c, what_does_not_fit_leaves_the_files_alone);
        return suite_run(s);
}
