/* SPDX-License-Identifier: Apache-2.0 */

/* A recording through the rules: messages as the road makes them, in the recording's own time. */

#include "flow/rules-rehearsal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "azure/billing.h"
#include "fail-alloc.h"
#include "log-capture.h"
#include "suite.h"

#define START (1767225600 * USEC_PER_SEC)

static const StreamSettings streams[] = {
        {.name = "telemetry", .max_latency_usec = 10 * USEC_PER_SEC, .expire_after_usec = USEC_INFINITY},
        {.name = "alarms", .urgent = true, .expire_after_usec = USEC_INFINITY},
        {.name = "wind",
         .format = STREAM_OBJECT,
         .expire_after_usec = USEC_INFINITY,
         .body = (char *)"{\"by\":\"${device}\",\"windSpeed\":${value:.1f}}"},
};

static const RuleSettings rules[] = {
        {.channel = (char *)"cpu.temperature",
         .deadband = {.width = {true, 1}, .max_silence_usec = USEC_PER_HOUR},
         .watch = {.stale_after_usec = 5 * USEC_PER_MIN}},
        {.channel = (char *)"cpu.temperature", .alarm = {.above = {true, 80}, .stream = "alarms"}},
};

typedef struct Notes {
        Buffer text;
        unsigned n_messages;
        uint64_t units;
        usec_t last_usec;
} Notes;

static void on_message(void *userdata, const RehearsalMessage *m)
{
        Notes *n = userdata;

        insist(m->wall_usec >= n->last_usec);
        insist(m->units == billed_messages(m->size, BILLING_CHUNK) && m->size == message_size(m->message));
        n->last_usec = m->wall_usec;
        n->n_messages++;
        n->units += m->units;
        fail_alloc_exempt();
        buffer_printf(&n->text, "%llu %s %.*s\n", (unsigned long long)((m->wall_usec - START) / USEC_PER_SEC),
                      m->message->stream, (int)m->message->body.size, m->message->body.data);
        fail_alloc_resume();
}

static void on_alarm(void *userdata, usec_t wall_usec, const char *channel, const char *state, double value)
{
        Notes *n = userdata;

        fail_alloc_exempt();
        buffer_printf(&n->text, "%llu %s %s %g\n", (unsigned long long)((wall_usec - START) / USEC_PER_SEC), channel,
                      state, value);
        fail_alloc_resume();
}

static void on_stale(void *userdata, usec_t wall_usec, const char *sensor, const char *why)
{
        Notes *n = userdata;

        fail_alloc_exempt();
        buffer_printf(&n->text, "%llu %s %s\n", (unsigned long long)((wall_usec - START) / USEC_PER_SEC), sensor,
                      why ?: "is well");
        fail_alloc_resume();
}

static Rehearsal *begin(Notes *notes, size_t n_rules)
{
        const RehearsalSettings settings = {rules, n_rules, streams, ARRAY_SIZE(streams), USEC_PER_SEC, "gw-17"};
        const RehearsalSink sink = {on_message, on_alarm, on_stale, notes};
        Rehearsal *r = NULL;

        *notes = (Notes){};
        return rehearsal_new(&r, &settings, &sink) == 0 ? r : NULL;
}

static int take(Rehearsal *r, const char *stream, unsigned second, const char *sensor, double value)
{
        const Channel c = {"temperature", {.kind = VALUE_NUMBER, .number = value}};

        return rehearsal_take(r, stream,
                              &(Reading){
                                      .sensor = sensor,
                                      .wall_usec = START + second * USEC_PER_SEC,
                                      .wall_trusted = true,
                                      .channels = &c,
                                      .n_channels = 1,
                              });
}

#define T(second) "{\"t\":" #second "000,\"s\":\"cpu\","

START_TEST(messages_are_made_when_they_are_due)
{
        LogCapture log;
        Notes n;
        Rehearsal *r = begin(&n, 2);

        log_capture_begin(&log);
        ck_assert_int_eq(take(r, NULL, 0, "cpu", 20), 0);
        ck_assert_int_eq(take(r, NULL, 3, "cpu", 22), 0);
        ck_assert_int_eq(take(r, NULL, 5, "cpu", 22.5), 0);
        ck_assert_int_eq(take(r, "nowhere", 11, "cpu", 81), 0);
        ck_assert_int_eq(take(r, "wind", 12, "roof", 3.14159), 0);
        ck_assert_int_eq(take(r, NULL, 400, "cpu", 81), 0);
        ck_assert_int_eq(take(r, NULL, 300, "cpu", 82.5), 0); /* the past is now */
        ck_assert_int_eq(rehearsal_end(r), 0);
        ck_assert_str_eq(n.text.data,
                         "10 telemetry [" T(1767225600) "\"temperature\":20}," T(1767225603) "\"temperature\":22}]\n"
                         "11 cpu.temperature above 81\n"
                         "12 alarms [" T(1767225611) "\"temperature\":81,\"alarm\":\"above\",\"limit\":80}]\n"
                         "12 wind {\"by\":\"gw-17\",\"windSpeed\":3.1}\n"
                         "21 telemetry [" T(1767225611) "\"temperature\":81}]\n"
                         "311 cpu temperature has not come for 5min\n"
                         "321 telemetry [{\"t\":1767225911000,\"s\":\"cpu\",\"q\":\"stale\",\"temperature\":81}]\n"
                         "400 cpu is well\n"
                         "400 telemetry [" T(1767226000) "\"temperature\":81}," T(1767225900) "\"temperature\":82.5}]\n");
        ck_assert_uint_eq(rehearsal_sums(r)->taken, 7);
        ck_assert_uint_eq(rehearsal_sums(r)->sent, 8);
        ck_assert_uint_eq(rehearsal_sums(r)->messages, n.n_messages);
        ck_assert_uint_eq(rehearsal_sums(r)->units, n.units);
        ck_assert_uint_eq(rehearsal_sums(r)->first_usec, START);
        ck_assert_uint_eq(rehearsal_sums(r)->last_usec, START + 400 * USEC_PER_SEC);
        buffer_done(&n.text);
        rehearsal_free(r);
        log_capture_end(&log);
}
END_TEST

START_TEST(much_at_once_fills_whole_units)
{
        Notes n;
        Rehearsal *r = begin(&n, 0);

        for (unsigned i = 0; i < 1000; i++)
                ck_assert_int_eq(take(r, NULL, 1 + i / 500, "cpu", 20 + i), 0);
        ck_assert_int_eq(rehearsal_end(r), 0);
        ck_assert_uint_eq(rehearsal_sums(r)->sent, 1000);
        ck_assert_uint_eq(n.units, n.n_messages);
        ck_assert_uint_le(n.units, rehearsal_sums(r)->bytes / 4000 + 2);
        buffer_done(&n.text);
        rehearsal_free(r);
}
END_TEST

START_TEST(what_no_message_can_hold_is_counted)
{
        Notes n;
        Rehearsal *r = begin(&n, 0);

        ck_assert_int_eq(take(r, NULL, 1, "no name", 20), 0);
        ck_assert_int_eq(take(r, NULL, 1, "cpu", 20), 0);
        ck_assert_uint_eq(rehearsal_sums(r)->refused, 1);
        buffer_done(&n.text);
        rehearsal_free(r);
}
END_TEST

static int rehearse(Notes *n)
{
        Rehearsal *r = begin(n, 2);
        int error = r ? 0 : -ENOMEM;

        for (unsigned i = 0; i < 40 && error >= 0; i++)
                error = take(r, i % 4 == 0 ? "wind" : NULL, i * 4, i % 4 == 0 ? "roof" : "cpu", i * 4);
        if (error >= 0)
                error = rehearsal_end(r);
        rehearsal_free(r);
        return error;
}

/* An alarm's line in the log may go without. */
START_TEST(without_memory_it_ends_and_says_so)
{
        for (uint64_t k = 1;; k++) {
                LogCapture log;
                bool struck;
                Notes n;
                int r;

                log_capture_begin(&log);
                fail_alloc(k, 1);
                r = rehearse(&n);
                struck = fail_alloc_stop();
                insist(r == 0 || (r == -ENOMEM && struck));
                buffer_done(&n.text);
                log_capture_end(&log);
                if (!struck) {
                        ck_assert_uint_gt(k, 100);
                        return;
                }
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/rules-rehearsal");
        TCase *c = suite_case(s, "a rehearsal");

        tcase_add_test(c, messages_are_made_when_they_are_due);
        tcase_add_test(c, much_at_once_fills_whole_units);
        tcase_add_test(c, what_no_message_can_hold_is_counted);
        tcase_add_test(c, without_memory_it_ends_and_says_so);
        return suite_run(s);
}
