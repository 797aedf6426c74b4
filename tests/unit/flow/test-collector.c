/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/collector.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "log-capture.h"
#include "suite.h"
#include "toy-edges.h"

static const StreamSettings streams[] = {{.name = "telemetry"}, {.name = "alarms", .urgent = true}};

static FakeClock the_clock;
static Queue the_queue;
static Collector *collector;
static ReadingSink sink;
static Intake intake;
static LogCapture the_log;

static struct {
        unsigned n;
        RequestError error;
        char detail[256];
        Name stream;
        uint64_t epoch, first, last;
} answered;

static void setup(void)
{
        log_capture_begin(&the_log);
        fake_clock_init(&the_clock);
        toy_queue_init(&the_queue, &the_clock.clock);
        ck_assert_int_eq(collector_new(&collector, &the_queue, &the_clock.clock), 0);
        ck_assert_int_eq(collector_configure(collector, streams, ARRAY_SIZE(streams)), 0);
        sink = collector_reading_sink(collector, NULL, NULL);
        intake = collector_intake(collector);
        memset(&answered, 0, sizeof(answered));
}

static void teardown(void)
{
        collector = collector_free(collector);
        toy_queue_done(&the_queue);
        log_capture_end(&the_log);
}

static void on_answer(void *userdata, const SubmitAnswer *a)
{
        answered.n++;
        answered.error = a->error;
        snprintf(answered.detail, sizeof(answered.detail), "%s", a->detail ? a->detail : "");
        snprintf(answered.stream, sizeof(answered.stream), "%s", a->stream ? a->stream : "");
        answered.epoch = a->epoch;
        answered.first = a->first;
        answered.last = a->last;
}

static const Channel good_channel = {"v", {.kind = VALUE_NUMBER, .number = 1.5}};
static const Reading good = {.sensor = "cpu", .channels = &good_channel, .n_channels = 1};

static Reading decoded(size_t i, ReadingSpace *space)
{
        Reading r;

        ck_assert_int_eq(reading_decode(the_queue.records[i].payload.data, the_queue.records[i].payload.size,
                                        space, &r),
                         0);
        return r;
}

static void assert_refused(Refusal why, uint64_t n)
{
        for (int i = 0; i < _REFUSAL_MAX; i++)
                ck_assert_uint_eq(collector_refused(collector)[i], i == (int)why ? n : 0);
}

START_TEST(a_reading_goes_to_its_stream)
{
        ReadingSpace space;
        Reading r;

        ck_assert_int_eq(sink.reading(sink.userdata, "alarms", &good), 0);
        ck_assert_int_eq(sink.reading(sink.userdata, NULL, &good), 0);
        ck_assert_int_eq(sink.reading(sink.userdata, "", &good), 0);
        ck_assert_uint_eq(the_queue.n_records, 3);
        ck_assert_int_eq(the_queue.records[0].lane, QUEUE_LANE_URGENT);
        ck_assert_str_eq(the_queue.streams[the_queue.records[0].record.stream], "alarms");
        ck_assert_str_eq(the_queue.streams[the_queue.records[1].record.stream], "telemetry");
        r = decoded(2, &space);
        ck_assert_str_eq(r.sensor, "cpu");
        ck_assert(r.channels[0].value.number == 1.5);
        assert_refused(_REFUSAL_INVALID, 0);
}
END_TEST

START_TEST(a_reading_without_a_time_gets_the_present_one)
{
        ReadingSpace space;
        Reading own = good, r;

        own.wall_usec = 5;
        own.wall_trusted = true;
        (void)sink.reading(sink.userdata, NULL, &good);
        the_clock.is_synchronised = false;
        fake_clock_advance(&the_clock, 2 * USEC_PER_SEC);
        (void)sink.reading(sink.userdata, NULL, &good);
        (void)sink.reading(sink.userdata, NULL, &own);
        r = decoded(0, &space);
        ck_assert_uint_eq(r.wall_usec, the_clock.wall_usec - 2 * USEC_PER_SEC);
        ck_assert(r.wall_trusted);
        r = decoded(1, &space);
        ck_assert_uint_eq(r.wall_usec, the_clock.wall_usec);
        ck_assert(!r.wall_trusted);
        r = decoded(2, &space);
        ck_assert_uint_eq(r.wall_usec, 5);
        ck_assert(r.wall_trusted);
}
END_TEST

START_TEST(what_can_not_be_told_is_refused_and_counted)
{
        static char giant[READING_TEXT_MAX + 2];
        static const Channel twice[] = {{"a", {.kind = VALUE_INTEGER}}, {"a", {.kind = VALUE_INTEGER}}};
        static const Channel nan = {"v", {.kind = VALUE_NUMBER, .number = NAN}};
        static const Channel infinite = {"v", {.kind = VALUE_NUMBER, .number = -INFINITY}};
        static const Channel latin = {"v", {.kind = VALUE_TEXT, .text = "\xe4"}};
        static const Channel lengthy = {"v", {.kind = VALUE_TEXT, .text = giant}};
        static const Channel taken = {"t", {.kind = VALUE_INTEGER}};
        static const Channel nameless = {"", {.kind = VALUE_INTEGER}};
        static const struct {
                Reading reading;
                Refusal refusal;
                RequestError error;
        } cases[] = {
                {{.sensor = "cpu", .channels = &nan, .n_channels = 1}, REFUSAL_NAN, REQUEST_BAD_VALUE},
                {{.sensor = "cpu", .channels = &infinite, .n_channels = 1}, REFUSAL_NAN, REQUEST_BAD_VALUE},
                {{.sensor = "cpu", .channels = &latin, .n_channels = 1}, REFUSAL_MALFORMED, REQUEST_BAD_VALUE},
                {{.sensor = "cpu", .channels = &lengthy, .n_channels = 1}, REFUSAL_TOO_LONG, REQUEST_TOO_LARGE},
                {{.sensor = "cpu", .channels = &taken, .n_channels = 1}, REFUSAL_MALFORMED, REQUEST_BAD_VALUE},
                {{.sensor = "cpu", .channels = &nameless, .n_channels = 1}, REFUSAL_MALFORMED, REQUEST_BAD_VALUE},
                {{.sensor = "cpu", .channels = twice, .n_channels = 2}, REFUSAL_MALFORMED, REQUEST_BAD_VALUE},
                {{.sensor = "cpu", .channels = twice, .n_channels = 0}, REFUSAL_MALFORMED, REQUEST_BAD_VALUE},
                {{.sensor = "no name", .channels = &good_channel, .n_channels = 1}, REFUSAL_MALFORMED,
                 REQUEST_BAD_VALUE},
                {{.sensor = "cpu", .wall_usec = USEC_INFINITY, .channels = &good_channel, .n_channels = 1},
                 REFUSAL_RANGE, REQUEST_BAD_VALUE},
        };

        memset(giant, 'x', READING_TEXT_MAX + 1);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                Reading both[] = {good, cases[i].reading};

                teardown();
                setup();
                ck_assert_int_gt(sink.reading(sink.userdata, NULL, &cases[i].reading), 0);
                assert_refused(cases[i].refusal, 1);
                ck_assert_uint_eq(the_log.n_lines, 1);
                /* the good one beside it is not taken either: the call failed, nothing of it is left behind */
                intake.submit(intake.userdata, both, 2, NULL, on_answer, NULL);
                ck_assert_uint_eq(answered.n, 1);
                ck_assert_int_eq(answered.error, cases[i].error);
                ck_assert_str_ne(answered.detail, "");
                assert_refused(cases[i].refusal, 2);
                ck_assert_uint_eq(the_queue.n_records, 0);
        }
}
END_TEST

START_TEST(refusing_by_the_thousand_costs_one_line)
{
        Channel nan = {"v", {.kind = VALUE_NUMBER, .number = NAN}};
        Reading bad = {.sensor = "cpu", .channels = &nan, .n_channels = 1};

        for (int i = 0; i < 1000; i++)
                (void)sink.reading(sink.userdata, NULL, &bad);
        sink.refused(sink.userdata, REFUSAL_NAN);
        assert_refused(REFUSAL_NAN, 1001);
        ck_assert_uint_eq(the_log.n_lines, 1);
        ck_assert(log_capture_has(&the_log, "cpu.v is not a finite number"));
}
END_TEST

START_TEST(an_answer_comes_with_the_receipt)
{
        Reading readings[] = {good, good, good};

        the_queue.hold_receipts = true;
        intake.submit(intake.userdata, readings, 3, "alarms", on_answer, NULL);
        ck_assert_uint_eq(answered.n, 0);
        toy_queue_give_receipts(&the_queue, 0);
        ck_assert_uint_eq(answered.n, 1);
        ck_assert_int_eq(answered.error, REQUEST_OK);
        ck_assert_str_eq(answered.stream, "alarms");
        ck_assert_uint_eq(answered.epoch, 0xe1);
        ck_assert_uint_eq(answered.first, 1);
        ck_assert_uint_eq(answered.last, 3);

        /* receipts that come within the append */
        the_queue.hold_receipts = false;
        intake.submit(intake.userdata, readings, 2, NULL, on_answer, NULL);
        ck_assert_uint_eq(answered.n, 2);
        ck_assert_str_eq(answered.stream, "telemetry");
        ck_assert_uint_eq(answered.last, 2);
}
END_TEST

START_TEST(a_disk_that_fails_later_is_told)
{
        Reading readings[] = {good, good};

        the_queue.hold_receipts = true;
        intake.submit(intake.userdata, readings, 2, NULL, on_answer, NULL);
        toy_queue_give_receipts(&the_queue, -EIO);
        ck_assert_uint_eq(answered.n, 1);
        ck_assert_int_eq(answered.error, REQUEST_DISK_ERROR);
        ck_assert_ptr_nonnull(strstr(answered.detail, strerror(EIO)));
        the_queue.disk_error = "cannot write to seg-1: it is full; free some space";
        intake.submit(intake.userdata, readings, 1, NULL, on_answer, NULL);
        toy_queue_give_receipts(&the_queue, -ENOSPC);
        ck_assert_str_eq(answered.detail, "the queue's disk fails: cannot write to seg-1: it is full; free some space");
        the_queue.refuses = QUEUE_E_DISK;
        intake.submit(intake.userdata, readings, 1, NULL, on_answer, NULL);
        ck_assert_str_eq(answered.detail, "the queue's disk fails: cannot write to seg-1: it is full; free some space");
        ck_assert_uint_eq(answered.n, 3);
}
END_TEST

START_TEST(what_the_queue_says_is_what_the_caller_hears)
{
        static const struct {
                int queue;
                RequestError error;
                Refusal refusal;
                bool only_answered; /* what a caller keeps is not counted; a sensor's reading is gone */
        } cases[] = {
                {QUEUE_E_BUSY, REQUEST_BUSY, REFUSAL_OVERLOAD},
                {QUEUE_E_FULL, REQUEST_QUEUE_FULL, REFUSAL_OVERLOAD},
                {QUEUE_E_DISK, REQUEST_DISK_ERROR, REFUSAL_OVERLOAD, .only_answered = true},
                {QUEUE_E_TOO_LARGE, REQUEST_TOO_LARGE, REFUSAL_TOO_LONG},
                {-ENOMEM, REQUEST_BUSY, REFUSAL_OVERLOAD},
        };
        Reading readings[] = {good, good, good};
        Message message = {};

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                teardown();
                setup();
                the_queue.refuses = cases[i].queue;
                ck_assert(!sink.ready(sink.userdata));
                ck_assert_int_gt(sink.reading(sink.userdata, NULL, &good), 0);
                assert_refused(cases[i].refusal, 1);
                intake.submit(intake.userdata, readings, 3, NULL, on_answer, NULL);
                ck_assert_uint_eq(answered.n, 1);
                ck_assert_int_eq(answered.error, cases[i].error);
                assert_refused(cases[i].refusal, cases[i].only_answered ? 1 : 4);
                intake.submit_message(intake.userdata, &message, NULL, on_answer, NULL);
                ck_assert_uint_eq(answered.n, 2);
                ck_assert_int_eq(answered.error, cases[i].error);
                assert_refused(cases[i].refusal, cases[i].only_answered ? 1 : 5);
        }
}
END_TEST

START_TEST(a_full_queue_tells_which_limit_it_is)
{
        the_queue.refuses = QUEUE_E_FULL;
        intake.submit(intake.userdata, &good, 1, NULL, on_answer, NULL);
        ck_assert_ptr_nonnull(strstr(answered.detail, "queue.max_bytes"));
        ck_assert_ptr_nonnull(strstr(answered.detail, "drop-newest: restore the link"));
        ck_assert_ptr_null(strstr(answered.detail, "disk"));
        the_queue.disk_state = DISK_FULL;
        the_queue.disk_error = "only 2 MiB are free in /q; free some space";
        intake.submit(intake.userdata, &good, 1, NULL, on_answer, NULL);
        ck_assert_str_eq(answered.detail,
                         "the queue is full, and its disk too: only 2 MiB are free in /q; free some space");
}
END_TEST

static void on_taken(void *userdata, const Reading *reading)
{
        ck_assert_str_eq(reading->sensor, "cpu");
        ++*(unsigned *)userdata;
}

START_TEST(who_watches_hears_of_all_that_is_handed_in_and_fit)
{
        static const Channel nan = {"v", {.kind = VALUE_NUMBER, .number = NAN}};
        Reading readings[] = {good, good, {.sensor = "cpu", .channels = &nan, .n_channels = 1}};
        unsigned n = 0;

        collector_watch(collector, on_taken, &n);
        (void)sink.reading(sink.userdata, NULL, &good); /* a sensor's: its rules decide what comes here */
        ck_assert_uint_eq(n, 0);
        intake.submit(intake.userdata, readings, 3, NULL, on_answer, NULL); /* all or nothing */
        ck_assert_uint_eq(n, 0);
        intake.submit(intake.userdata, readings, 2, "nowhere", on_answer, NULL);
        ck_assert_uint_eq(n, 0);
        intake.submit(intake.userdata, readings, 2, NULL, on_answer, NULL);
        ck_assert_uint_eq(n, 2);
        the_queue.refuses = QUEUE_E_FULL; /* it was read all the same */
        intake.submit(intake.userdata, readings, 1, NULL, on_answer, NULL);
        ck_assert_uint_eq(n, 3);
}
END_TEST

START_TEST(too_much_for_one_call_is_refused_before_any_is_taken)
{
        static char text[READING_TEXT_MAX + 1];
        const Channel lengthy = {"v", {.kind = VALUE_TEXT, .text = text}};
        Reading readings[65];

        memset(text, 'x', READING_TEXT_MAX);
        for (size_t i = 0; i < ARRAY_SIZE(readings); i++)
                readings[i] = (Reading){.sensor = "cpu", .channels = &lengthy, .n_channels = 1};
        intake.submit(intake.userdata, readings, 65, NULL, on_answer, NULL);
        ck_assert_int_eq(answered.error, REQUEST_TOO_LARGE);
        ck_assert_ptr_nonnull(strstr(answered.detail, "256 KiB"));
        ck_assert_uint_eq(the_queue.n_records, 0);
        intake.submit(intake.userdata, readings, 60, NULL, on_answer, NULL);
        ck_assert_int_eq(answered.error, REQUEST_OK);
        ck_assert_uint_eq(answered.last - answered.first, 59);
        ck_assert_uint_eq(the_queue.n_records, 60);
}
END_TEST

START_TEST(an_unknown_stream_is_no_stream)
{
        Message message = {};

        intake.submit(intake.userdata, &good, 1, "nowhere", on_answer, NULL);
        ck_assert_int_eq(answered.error, REQUEST_NO_SUCH_STREAM);
        intake.submit_message(intake.userdata, &message, "nowhere", on_answer, NULL);
        ck_assert_int_eq(answered.error, REQUEST_NO_SUCH_STREAM);
        ck_assert_uint_eq(answered.n, 2);
        ck_assert_int_gt(sink.reading(sink.userdata, "nowhere", &good), 0);
        assert_refused(REFUSAL_MALFORMED, 3);
        intake.submit(intake.userdata, &good, 0, NULL, on_answer, NULL);
        ck_assert_int_eq(answered.error, REQUEST_BAD_VALUE);
}
END_TEST

START_TEST(the_usual_stream_is_always_there)
{
        ck_assert_int_eq(collector_configure(collector, streams + 1, 1), 0);
        intake.submit(intake.userdata, &good, 1, NULL, on_answer, NULL);
        ck_assert_int_eq(answered.error, REQUEST_OK);
        ck_assert_str_eq(answered.stream, "telemetry");
}
END_TEST

START_TEST(too_many_streams_are_an_error_that_says_so)
{
        StreamSettings one = {};

        for (unsigned i = 0; the_queue.n_streams < QUEUE_STREAMS_MAX; i++) {
                unsigned stream;
                Name name;

                snprintf(name, sizeof(name), "old%u", i);
                ck_assert_int_eq(queue_stream(&the_queue, name, QUEUE_LANE_NORMAL, &stream), 0);
        }
        strcpy(one.name, "new");
        ck_assert_int_eq(collector_configure(collector, &one, 1), -ENOSPC);
        ck_assert(log_capture_has(&the_log, "Stream new"));
        /* the old ones go on */
        ck_assert_int_eq(sink.reading(sink.userdata, "alarms", &good), 0);
}
END_TEST

START_TEST(a_message_is_stored_as_it_is)
{
        _cleanup_(message_freep) Message *m = calloc(1, sizeof(*m)), *back = NULL;

        m->content_type = strdup("text/plain");
        ck_assert_int_eq(message_add_property(m, "a", "b"), 0);
        buffer_append_string(&m->body, "hello");
        intake.submit_message(intake.userdata, m, NULL, on_answer, NULL);
        ck_assert_int_eq(answered.error, REQUEST_OK);
        ck_assert_int_eq(the_queue.records[0].record.kind, QUEUE_KIND_MESSAGE);
        ck_assert_int_eq(message_decode(the_queue.records[0].payload.data, the_queue.records[0].payload.size,
                                        &back), 0);
        ck_assert_str_eq(back->content_type, "text/plain");
        ck_assert_str_eq(back->properties[0].value, "b");
        ck_assert_mem_eq(back->body.data, "hello", 5);
}
END_TEST

static void assert_message_refused(const Message *m, RequestError error)
{
        unsigned n = answered.n;

        intake.submit_message(intake.userdata, m, NULL, on_answer, NULL);
        ck_assert_uint_eq(answered.n, n + 1);
        ck_assert_int_eq(answered.error, error);
        ck_assert_uint_eq(the_queue.n_records, 0);
}

START_TEST(a_message_that_could_never_go_is_refused)
{
        static const char *const bad[][2] = {{"", "x"}, {"hl", "x"}, {"hl-backfill", "1"},
                                             {"hl-notice", "1"}, {"\xff", "x"}, {"x", "\xff"}};
        Message *m;

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                m = calloc(1, sizeof(*m));
                ck_assert_int_eq(message_add_property(m, bad[i][0], bad[i][1]), 0);
                assert_message_refused(m, REQUEST_BAD_VALUE);
                m = message_free(m);
        }
        m = calloc(1, sizeof(*m));
        m->content_type = strdup("\xff");
        assert_message_refused(m, REQUEST_BAD_VALUE);
        m = message_free(m);

        m = calloc(1, sizeof(*m));
        for (int i = 0; i < 256; i++)
                ck_assert_int_eq(message_add_property(m, "x", "y"), 0);
        assert_message_refused(m, REQUEST_BAD_VALUE);
        m = message_free(m);

        m = calloc(1, sizeof(*m));
        ck_assert_ptr_nonnull(buffer_extend(&m->body, MESSAGE_SIZE_MAX));
        assert_message_refused(m, REQUEST_TOO_LARGE);
        m = message_free(m);
}
END_TEST

START_TEST(it_knows_whether_a_stream_is_on_the_disk)
{
        const Reading reading = {.sensor = "cpu", .channels = &good_channel, .n_channels = 1};

        ck_assert(collector_has_stored(collector, "alarms") && collector_has_stored(collector, NULL));
        ck_assert(collector_has_stored(collector, "nowhere"));
        ck_assert_int_eq(sink.reading(sink.userdata, "alarms", &reading), 0);
        ck_assert(!collector_has_stored(collector, "alarms") && collector_has_stored(collector, NULL));
        ck_assert(!collector_has_stored(collector, "nowhere")); /* it may have gone there under another name */
        intake.submit(intake.userdata, &reading, 1, "telemetry", on_answer, NULL);
        ck_assert(!collector_has_stored(collector, NULL));
        the_queue.n_durable = 1;
        ck_assert(collector_has_stored(collector, "alarms") && !collector_has_stored(collector, NULL));
        the_queue.n_durable = 2;
        ck_assert(collector_has_stored(collector, NULL) && collector_has_stored(collector, "nowhere"));
        the_queue.refuses = QUEUE_E_FULL;
        (void)sink.reading(sink.userdata, "alarms", &reading);
        ck_assert(collector_has_stored(collector, "alarms"));
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/collector");
        TCase *c = suite_case(s, "readings into the queue");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, a_reading_goes_to_its_stream);
        tcase_add_test(c, a_reading_without_a_time_gets_the_present_one);
        tcase_add_test(c, what_can_not_be_told_is_refused_and_counted);
        tcase_add_test(c, refusing_by_the_thousand_costs_one_line);
        tcase_add_test(c, an_answer_comes_with_the_receipt);
        tcase_add_test(c, a_disk_that_fails_later_is_told);
        tcase_add_test(c, what_the_queue_says_is_what_the_caller_hears);
        tcase_add_test(c, a_full_queue_tells_which_limit_it_is);
        tcase_add_test(c, who_watches_hears_of_all_that_is_handed_in_and_fit);
        tcase_add_test(c, too_much_for_one_call_is_refused_before_any_is_taken);
        tcase_add_test(c, an_unknown_stream_is_no_stream);
        tcase_add_test(c, the_usual_stream_is_always_there);
        tcase_add_test(c, too_many_streams_are_an_error_that_says_so);
        tcase_add_test(c, a_message_is_stored_as_it_is);
        tcase_add_test(c, a_message_that_could_never_go_is_refused);
        tcase_add_test(c, it_knows_whether_a_stream_is_on_the_disk);
        return suite_run(s);
}
