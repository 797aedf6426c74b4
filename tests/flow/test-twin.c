/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The twin from the wire to the disk and back, beside telemetry: what the service wished last is here, applied and
 * acknowledged, and the hub knows what is reported, whatever became of links, answers and the daemon. And what that
 * costs, which somebody pays for.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"
#include "twin-world.h"

static TwinWorld t;

static unsigned from_environment(const char *name, unsigned fallback)
{
        const char *value = getenv(name);

        return value ? (unsigned)strtoul(value, NULL, 10) : fallback;
}

static void on_done(void *userdata, RequestError error, const char *detail)
{
        insist(error == REQUEST_OK || t.w.ended);
}

static void report(unsigned i)
{
        TwinDesk desk = twin_desk(t.twin);
        char json[64];

        if (i % 7 == 0)
                (void)snprintf(json, sizeof(json), "{\"valve%u\":null}", i % 3);
        else
                (void)snprintf(json, sizeof(json), "{\"valve%u\":{\"open\":%u,\"k%u\":%s}}", i % 3, i, i % 4,
                               i % 5 ? "true" : "null");
        desk.report(desk.userdata, "", json, ":1.1", on_done, NULL);
}

static uint64_t wish(unsigned i)
{
        static const char *const words[] = {"\"good\"", "\"fine\"", "\"bad\"", "null", "3"};
        char json[96];

        (void)snprintf(json, sizeof(json), "{\"settings\":{\"s%u\":%s},\"other\":{\"n\":%u}}", i % 3,
                       words[twin_world_draw(&t, ARRAY_SIZE(words))], i);
        return twin_world_desire(&t, json);
}

/* ---- the end ---- */

static Document *parse(const char *json)
{
        const char *error;
        Document *d;

        insist(document_parse(&d, json, strlen(json), &error) == 0);
        return d;
}

static bool is_whole_half(const Document *half, void (*ask)(void *, const char *, TwinDesired *))
{
        _cleanup_(document_freep) Document *here = NULL;
        TwinDesired d;

        ask(twin_desk(t.twin).userdata, "", &d);
        insist(d.error == REQUEST_OK);
        here = parse(d.json);
        return document_equal(here, half);
}

/* The wishes are good ones then. */
static void check_end(void)
{
        const Document *settings = document_member(t.desired, TWIN_SETTINGS);
        const Document *answers = document_member(t.reported, TWIN_SETTINGS);
        TwinDesk desk = twin_desk(t.twin);
        DocumentMember m = {};
        TwinStatus s;

        twin_status(t.twin, &s);
        insist(s.known && s.desired_version == t.desired_version && s.pending_bytes == 0);
        insist(s.reported_version == t.reported_version);
        insist(is_whole_half(t.desired, desk.desired));
        insist(is_whole_half(t.reported, desk.reported));
        insist(document_equal(t.applied, settings));
        insist(document_count(answers) == document_count(settings) + 1);
        while (document_next(settings, &m)) {
                const Document *a = document_member(answers, m.name);
                uint64_t v;

                insist(document_unsigned(document_member(a, "ac"), &v) && v == 200);
                insist(document_unsigned(document_member(a, "av"), &v) && v == t.desired_version);
                insist(document_equal(document_member(a, "value"), m.value));
        }
}

/* ---- whatever happens ---- */

typedef struct Bill {
        uint64_t changes, reports, links, faults, messages, bytes, gets, acknowledgements;
} Bill;

static void step(unsigned i, Bill *bill)
{
        switch (twin_world_draw(&t, 16)) {
        case 0 ... 5:
                (void)wish(i);
                break;
        case 6 ... 8:
                report(i);
                bill->reports++;
                break;
        case 9 ... 10:
                world_link(&t.w, false);
                break;
        case 11 ... 13:
                world_link(&t.w, true);
                break;
        case 14:
                if (t.w.far.open && t.w.far.connected)
                        fake_transport_end(&t.w.far, LINK_REASON_CLOSED, "the peer closed the connection");
                break;
        case 15:
                if (twin_world_draw(&t, 3) == 0)
                        world_kill(&t.w);
                else if (twin_world_draw(&t, 3) == 0)
                        world_restart(&t.w);
                break;
        }
        world_run(&t.w, twin_world_draw(&t, 4) ? twin_world_draw(&t, 20000) * USEC_PER_MSEC
                                               : twin_world_draw(&t, 400) * USEC_PER_SEC);
}

static void walk(uint64_t seed, Bill *bill)
{
        twin_world_begin(&t, seed);
        t.weather = (TwinWeather){.late = 5, .lost = 5, .refused = 5, .dropped = 5};
        for (unsigned i = 1; i <= 150; i++)
                step(i, bill);
        world_link(&t.w, seed % 2);
        world_run(&t.w, 5 * USEC_PER_MIN);
        t.weather = (TwinWeather){.dropped = 100};
        (void)twin_world_desire(&t, "{\"other\":{\"lost\":1}}");
        t.weather = (TwinWeather){}; /* the last one is pushed, or missed: each shows what was missed before */
        twin_world_desire(&t, "{\"settings\":{\"s0\":\"end\",\"s1\":\"end\",\"s2\":null}}");
        world_link(&t.w, true);
        world_run(&t.w, 30 * USEC_PER_MIN);
        check_end();
        t.w.n_sensors = 0;
        world_run(&t.w, 5 * USEC_PER_MIN);
        insist(world_missing(&t.w, "telemetry", world_ask(&t.w)->ledger.accepted) == 0);
        bill->changes += t.desired_version - 1;
        bill->links += t.w.n_links;
        bill->faults += t.faults;
        bill->messages += twin_world_messages(&t);
        bill->bytes += t.bytes;
        bill->gets += t.gets;
        bill->acknowledgements += t.acknowledgements;
        twin_world_end(&t);
}

/* Of each change the push, its answer and the hub's; of each connection a question and a report of the statistics, both
 * with their answers; a fault of the hub's costs a question and a report more. */
START_TEST(the_last_word_is_heard)
{
        unsigned seeds = from_environment("HUBLINK_SEEDS", 40);
        Bill b = {};

        for (uint64_t seed = 1; seed <= seeds; seed++)
                walk(seed, &b);
        printf("# %u walks: %llu changes and %llu reports on %llu links with %llu faults of the hub cost %llu messages, %.0f bytes a change; "
               "%llu times the whole, %llu acknowledgements\n",
               seeds, (unsigned long long)b.changes, (unsigned long long)b.reports, (unsigned long long)b.links, (unsigned long long)b.faults,
               (unsigned long long)b.messages, (double)b.bytes / (double)b.changes, (unsigned long long)b.gets,
               (unsigned long long)b.acknowledgements);
        ck_assert_uint_le(b.messages, 3 * b.changes + 2 * b.reports + 4 * b.links + 4 * b.faults);
        ck_assert_uint_le(b.bytes, 1000 * b.changes);
}
END_TEST

/* ---- what it costs ---- */

START_TEST(a_change_costs_three_messages)
{
        enum { N = 500 };
        uint64_t messages, bytes;
        char json[64];

        twin_world_begin(&t, 1);
        world_run(&t.w, 5 * USEC_PER_MIN);
        messages = twin_world_messages(&t);
        bytes = t.bytes;
        for (unsigned i = 0; i < N; i++) {
                (void)snprintf(json, sizeof(json), "{\"settings\":{\"interval\":%u}}", i);
                twin_world_desire(&t, json);
                world_run(&t.w, 5 * USEC_PER_SEC);
        }
        check_end();
        messages = twin_world_messages(&t) - messages;
        bytes = t.bytes - bytes;
        printf("# %d changes in a row: %.2f messages and %.0f bytes each\n", N, (double)messages / N, (double)bytes / N);
        ck_assert_uint_eq(t.acknowledgements, N);
        ck_assert_uint_eq(t.gets, 1);
        ck_assert_uint_le(messages, 3 * N + 4); /* an hour's statistics among them */
        ck_assert_uint_le(bytes, 400 * N);
        twin_world_end(&t);
}
END_TEST

START_TEST(a_quiet_day_costs_a_report_an_hour)
{
        uint64_t messages, bytes;

        twin_world_begin(&t, 1);
        t.w.forget_events = true;
        twin_world_desire(&t, "{\"settings\":{\"interval\":5}}");
        world_run(&t.w, 5 * USEC_PER_MIN);
        messages = twin_world_messages(&t);
        bytes = t.bytes;
        world_run(&t.w, USEC_PER_DAY);
        messages = twin_world_messages(&t) - messages;
        bytes = t.bytes - bytes;
        printf("# a quiet day, %u links: %llu messages, %llu bytes, %llu times the whole\n", t.w.n_links,
               (unsigned long long)messages, (unsigned long long)bytes, (unsigned long long)t.gets);
        ck_assert_uint_eq(t.acknowledgements, 1);
        ck_assert_uint_le(messages, 2 * 25 + 4 * t.w.n_links);
        check_end();
        twin_world_end(&t);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/twin, whole");
        TCase *c = suite_case(s, "from the wire to the disk and back");

        tcase_set_timeout(c, 0);
        tcase_add_test(c, the_last_word_is_heard);
        c = suite_case(s, "what it costs");
        tcase_add_test(c, a_change_costs_three_messages);
        tcase_add_test(c, a_quiet_day_costs_a_report_an_hour);
        return suite_run(s);
}
