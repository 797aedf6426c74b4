/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Alarms that outlive the daemon: rules and their book, on a disk that does one job after another, and a hub that knows
 * what has got there. Whenever it crashes, the next value sets right what the hub knows.
 */

#include "flow/alarm-book.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fake-clock.h"
#include "flow/rules.h"
#include "log-capture.h"
#include "suite.h"

#define SEEDS    20000
#define STEPS    80
#define JOBS_MAX 256
#define RECORDS  512
#define HIGH     90.0
#define LOW      20.0

/* What the disk has to do: a text in the place of the file, or all records up to one. */
typedef struct Job {
        char *text; /* NULL: records */
        size_t n_records;
        bool done; /* the loop does not know it yet */
} Job;

typedef struct Record {
        size_t channel;
        bool raised;
        double value;
} Record;

static const char *const sensors[] = {"cpu", "room"};

static FakeClock clock_;
static FakeRandom dice;
static LogCapture capture;
static Rules *rules;
static AlarmBook *book;
static ReadingSink sink;
static Ticker ticker;
static unsigned n_signals;
static int store_error;    /* of the next ones */
static bool store_at_once; /* and the disk is quick */
static bool refuse;        /* records */
static const char *urgent; /* the stream for alarms that there is */
static usec_t hold;

/* on the disk */
static char *file;
static Record records[RECORDS];
static size_t n_durable;

/* in memory */
static size_t n_records;
static Job jobs[JOBS_MAX];
static size_t n_jobs;
static char *at_work, *waiting; /* texts, as a state file has them, and who asked for them */
static unsigned n_askers, n_waiting_askers;

/* ---- the disk ---- */

static void push(char *text)
{
        insist(n_jobs < JOBS_MAX);
        jobs[n_jobs++] = (Job){text, n_records, false};
}

static int on_store(void *userdata, const char *text, size_t size)
{
        char *copy = strndup(text, size);

        if (store_error < 0) {
                free(copy);
                return store_error;
        }
        if (store_at_once) {
                free(file);
                file = copy;
                alarm_book_stored(book, 0);
        } else if (!at_work) {
                push(at_work = copy);
                n_askers = 1;
        } else {
                free(waiting);
                waiting = copy;
                n_waiting_askers++;
        }
        return 0;
}

static bool has_arrived(void *userdata, const char *stream)
{
        ck_assert_str_eq(stream, urgent);
        return n_durable == n_records;
}

static void work(void)
{
        for (size_t i = 0; i < n_jobs; i++) {
                if (jobs[i].done)
                        continue;
                jobs[i].done = true;
                if (jobs[i].text) {
                        free(file);
                        file = strdup(jobs[i].text);
                } else if (jobs[i].n_records > n_durable)
                        n_durable = jobs[i].n_records;
                return;
        }
}

/* The loop hears of a job that is done. */
static void dispatch(void)
{
        Job job = jobs[0];
        unsigned n = n_askers;

        if (n_jobs == 0 || !job.done)
                return;
        memmove(jobs, jobs + 1, --n_jobs * sizeof(*jobs));
        if (!job.text) {
                alarm_book_queue_changed(book);
                return;
        }
        free(at_work);
        at_work = waiting;
        waiting = NULL;
        n_askers = n_waiting_askers;
        n_waiting_askers = 0;
        if (at_work)
                push(at_work);
        for (; n > 0; n--)
                alarm_book_stored(book, 0);
        rules_alarms_stored(rules);
}

/* ---- the daemon ---- */

static int on_reading(void *userdata, const char *stream, const Reading *reading)
{
        if (reading->n_channels == 1)
                return 0;
        if (refuse || strcmp(stream ?: "", urgent) != 0)
                return 1;
        insist(n_records < RECORDS);
        records[n_records++] = (Record){
                strcmp(reading->sensor, sensors[0]) != 0,
                strcmp(reading->channels[1].value.text, "clear") != 0,
                reading->channels[0].value.number,
        };
        return 0;
}

static void on_refused(void *userdata, Refusal why)
{
}

static bool is_ready(void *userdata)
{
        return true;
}

static void on_changed(void *userdata, const SensorStatus *sensor)
{
}

static void on_alarm(void *userdata, const char *channel, const char *state, double value)
{
        n_signals++;
}

static void on_stale(void *userdata, const char *sensor, const char *why, bool is_news)
{
}

/* Bit 0: the one of cpu, bit 1: of room. */
static void configure(unsigned which)
{
        static char channels[][20] = {"cpu.temperature", "room.temperature"};
        RuleSettings settings[2];
        size_t n = 0;

        for (size_t i = 0; i < 2; i++)
                if (which & (1U << i))
                        settings[n++] = (RuleSettings){
                                .channel = channels[i],
                                .alarm = {.above = {true, 80}, .clear = {true, 75}, .hold_usec = hold, .stream = "alarms"}};
        ck_assert_int_eq(rules_configure(rules, settings, n), 0);
}

static void start(unsigned which)
{
        const AlarmBookPort port = {on_store, has_arrived, NULL};
        const RulesSink down = {{on_reading, on_refused, is_ready, on_changed, NULL}, on_alarm, on_stale, NULL};

        ck_assert_int_eq(alarm_book_new(&book, file ?: "", file ? strlen(file) : 0, &clock_.clock, &port), 0);
        ck_assert_int_eq(rules_new(&rules, &clock_.clock, &down), 0);
        rules_keep_alarms(rules, book);
        sink = rules_reading_sink(rules);
        ticker = rules_ticker(rules);
        configure(which);
}

/* kill -9: what is not on the disk is gone. */
static void crash(void)
{
        rules = rules_free(rules);
        book = alarm_book_free(book);
        n_records = n_durable;
        for (size_t i = 0; i < n_jobs; i++)
                if (jobs[i].text != at_work)
                        free(jobs[i].text);
        n_jobs = 0;
        free(at_work);
        free(waiting);
        at_work = waiting = NULL;
        n_waiting_askers = 0;
}

static void setup(void)
{
        fake_clock_init(&clock_);
        log_capture_begin(&capture);
        n_durable = n_records = 0;
        n_signals = 0;
        store_error = 0;
        store_at_once = true;
        refuse = false;
        urgent = "alarms";
        hold = 0;
}

static void teardown(void)
{
        crash();
        free(file);
        file = NULL;
        log_capture_end(&capture);
}

static void take(size_t channel, double value)
{
        const Channel c = {"temperature", {.kind = VALUE_NUMBER, .number = value}};

        (void)sink.reading(sink.userdata, NULL, &(Reading){.sensor = sensors[channel], .channels = &c, .n_channels = 1});
}

static void sleep_for(usec_t usec)
{
        fake_clock_advance(&clock_, usec);
        if (ticker.deadline(ticker.userdata) <= clock_.boot_usec)
                ticker.tick(ticker.userdata, clock_.boot_usec);
}

static void settle(void)
{
        push(NULL);
        for (unsigned i = 0; i < 10; i++) {
                work();
                dispatch();
        }
}

static bool is_known_raised(size_t channel)
{
        bool raised = false;

        for (size_t i = 0; i < n_durable; i++)
                if (records[i].channel == channel)
                        raised = records[i].raised;
        return raised;
}

static size_t count_told(size_t channel)
{
        size_t n = 0;

        for (size_t i = 0; i < n_records; i++)
                n += records[i].channel == channel;
        return n;
}

/* ---- one by one ---- */

START_TEST(the_next_value_clears_what_was_raised_before_the_start)
{
        start(3);
        take(0, HIGH);
        settle();
        crash();
        start(3);
        sleep_for(USEC_PER_HOUR);
        ck_assert_uint_eq(count_told(0), 1); /* nothing is known of it before a value comes */
        take(0, LOW);
        ck_assert_uint_eq(count_told(0), 2);
        ck_assert(!records[1].raised && records[1].value == LOW);
        ck_assert_uint_eq(n_signals, 2);
        ck_assert(strstr(file, "\nalarm cpu.temperature above 80 75 0 alarms 90\n"));
        settle();
        ck_assert_str_eq(file, "hublink-alarms 1\n");
        take(0, LOW);
        ck_assert_uint_eq(count_told(0), 2);
}
END_TEST

START_TEST(or_tells_it_again)
{
        start(3);
        take(0, HIGH);
        settle();
        for (unsigned i = 1; i < 5; i++) {
                crash();
                start(3);
                take(0, 78 + i); /* not beyond the limit, all of them, but not back either */
                take(0, 78 + i);
                ck_assert_uint_eq(count_told(0), i + 1);
                ck_assert(records[i].raised && records[i].value == 78 + i);
                settle();
        }
        take(0, LOW);
        settle();
        ck_assert(!is_known_raised(0));
        ck_assert_uint_eq(count_told(1), 0);
}
END_TEST

START_TEST(what_nobody_asks_for_after_the_start_is_cleared)
{
        start(3);
        take(0, HIGH);
        take(1, HIGH);
        settle();
        crash();
        refuse = true;
        start(2);
        sleep_for(1);
        sleep_for(100 * USEC_PER_MSEC);
        ck_assert_uint_eq(log_capture_count(&capture, "its rule was removed or changed. The last value was 90."), 1);
        ck_assert_uint_eq(n_signals, 3);
        refuse = false;
        sleep_for(USEC_PER_SEC);
        ck_assert_uint_eq(count_told(0), 2);
        settle();
        ck_assert(!is_known_raised(0) && is_known_raised(1));
        ck_assert(!strstr(file, "cpu") && strstr(file, "room"));
        ck_assert_uint_eq(log_capture_count(&capture, "was removed or changed"), 1);
        ck_assert(ticker.deadline(ticker.userdata) == USEC_INFINITY);
}
END_TEST

static void know_streams(const char *name, bool is_urgent)
{
        StreamSettings streams[] = {{.name = STREAM_DEFAULT}, {.urgent = is_urgent}};

        urgent = is_urgent ? name : STREAM_DEFAULT;
        (void)snprintf(streams[1].name, sizeof(Name), "%s", name);
        ck_assert_int_eq(rules_know_streams(rules, streams, ARRAY_SIZE(streams)), 0);
}

/* One reload takes the rule and its stream, or the stream goes while the queue does not take the end. */
START_TEST(the_end_of_an_alarm_finds_another_stream)
{
        for (unsigned way = 0; way < 4; way++) {
                urgent = "alarms";
                start(1);
                take(0, HIGH);
                settle();
                refuse = way & 1;
                know_streams("others", way & 2);
                configure(0);
                refuse = false;
                sleep_for(USEC_PER_SEC);
                ck_assert_uint_eq(count_told(0), 2);
                settle();
                ck_assert(!is_known_raised(0));
                ck_assert(!strstr(file, "cpu"));
                ck_assert(ticker.deadline(ticker.userdata) == USEC_INFINITY);
                crash();
                n_records = n_durable = 0;
        }
        start(1);
}
END_TEST

/* The queue does not take that it is over; then the rule comes back. */
START_TEST(a_rule_that_comes_back_finds_its_alarm)
{
        for (unsigned back = 0; back < 2; back++) {
                start(1);
                take(0, HIGH);
                settle();
                refuse = true;
                configure(0);
                sleep_for(USEC_PER_SEC);
                configure(1);
                refuse = false;
                sleep_for(USEC_PER_SEC);
                ck_assert_uint_eq(count_told(0), 1);
                take(0, back ? LOW : HIGH);
                settle();
                ck_assert_uint_eq(count_told(0), 2);
                ck_assert(is_known_raised(0) == !back);
                crash();
                free(file);
                file = NULL;
                n_records = n_durable = 0;
        }
        start(1);
}
END_TEST

START_TEST(an_alarm_waits_for_its_book)
{
        store_at_once = false;
        start(3);
        take(0, HIGH);
        ck_assert_uint_eq(count_told(0), 0);
        ck_assert_uint_eq(n_signals, 1);
        work();
        dispatch();
        sleep_for(0);
        ck_assert_uint_eq(count_told(0), 1);

        take(0, LOW); /* which says that it is over, and waits for nothing */
        ck_assert_uint_eq(count_told(0), 2);
        take(0, HIGH);
        take(1, HIGH);
        for (unsigned i = 0; i < 5; i++) /* the disk does not answer */
                sleep_for(USEC_PER_SEC);
        ck_assert_uint_eq(count_told(0) + count_told(1), 2);
        ck_assert_uint_eq(n_signals, 4);
        for (unsigned i = 0; i < 2; i++) {
                work();
                dispatch();
                sleep_for(0);
                ck_assert_uint_eq(count_told(i), i == 0 ? 3 : 1);
        }
}
END_TEST

/* As in a night's lines, which come at once. */
START_TEST(an_alarm_that_is_over_before_it_is_in_the_book_is_told)
{
        store_at_once = false;
        start(3);
        for (size_t i = 1; i <= 3; i++) {
                take(0, HIGH + (double)i);
                take(0, LOW);
                ck_assert_uint_eq(count_told(0), 0);
                ck_assert_uint_eq(n_signals, 2 * i);
        }
        settle();
        sleep_for(USEC_PER_MIN);
        /* as one: it began with the first of them and ended with the last */
        ck_assert_uint_eq(count_told(0), 2);
        ck_assert(records[0].raised && records[0].value == HIGH + 1);
        ck_assert(!records[1].raised && records[1].value == LOW);
        settle();
        sleep_for(USEC_PER_MIN);
        settle();
        ck_assert_uint_eq(count_told(0), 2);
        ck_assert(!strstr(file, "cpu.temperature"));
}
END_TEST

START_TEST(a_book_that_cannot_be_stored_holds_nothing_up)
{
        store_error = -EROFS;
        start(3);
        take(0, HIGH);
        take(0, LOW);
        take(0, HIGH);
        ck_assert_uint_eq(count_told(0), 3);
        ck_assert_uint_eq(log_capture_count(&capture, "cannot be stored: Read-only file system"), 1);
        settle();
        ck_assert_ptr_null(file);
        store_error = 0;
        settle();
        ck_assert_ptr_null(file); /* not yet */
        sleep_for(10 * USEC_PER_SEC);
        settle();
        ck_assert(strstr(file, "cpu.temperature"));
        ck_assert_uint_eq(log_capture_count(&capture, "is stored again"), 1);
}
END_TEST

START_TEST(what_cannot_be_read_is_passed_over)
{
        static const char text[] = "hublink-alarms 1\n"
                                   "\n"
                                   "alarm\n"
                                   "alarm cpu above 80 75 0 alarms 90\n"
                                   "alarm cpu.temperature above 80 75 0\n"
                                   "alarm cpu.temperature above - 75 0 alarms 90\n"
                                   "alarm cpu.temperature above x 75 0 alarms 90\n"
                                   "alarm cpu.temperature above 80 75 x alarms 90\n"
                                   "alarm cpu.temperature above 80 75 0 9 90\n"
                                   "alarm cpu.temperature above 80 75 0 alarms nan\n"
                                   "alarms cpu.temperature above 80 75 0 alarms 90\n"
                                   "beyond cpu.temperature above 80 75 0 alarms 90\n"
                                   "beyond cpu.temperature above 80 75 0 alarms x 1 2\n"
                                   "beyond cpu.temperature above 80 75 0 alarms 90 1\n"
                                   "alarm room.temperature below -1e-7 - 5000000 alarms -3.25\n"
                                   "alarm cpu.temperature above 80 75 0 alarms 90";
        const AlarmBookPort port = {on_store, has_arrived, NULL};
        const AlarmEntry *e;

        ck_assert_int_eq(alarm_book_new(&book, text, strlen(text), &clock_.clock, &port), 0);
        ck_assert_uint_eq(alarm_book_count(book), 2);
        e = alarm_book_entry(book, 0);
        ck_assert_str_eq(e->channel, "room.temperature");
        ck_assert(e->settings.below.is_set && e->settings.below.value == -1e-7 && !e->settings.above.is_set);
        ck_assert(!e->settings.clear.is_set && e->settings.hold_usec == 5 * USEC_PER_SEC && e->value == -3.25);
        ck_assert_str_eq(e->settings.stream, "alarms");
        alarm_book_enter(book, "a.b", &(AlarmSettings){.above = {true, 1}, .stream = "alarms"}, 2);
        ck_assert_str_eq(file, "hublink-alarms 1\n"
                               "alarm room.temperature below -1e-7 - 5000000 alarms -3.25\n"
                               "alarm cpu.temperature above 80 75 0 alarms 90\n"
                               "alarm a.b above 1 - 0 alarms 2\n");
}
END_TEST

static size_t draw(size_t n)
{
        return dice.random.draw(&dice) % n;
}

START_TEST(no_changed_byte_does_harm)
{
        static const char good[] = "hublink-alarms 1\nalarm cpu.temperature above 80 75 0 alarms 90\n"
                                   "beyond room.temperature below -1e-7 - 5000000 alarms -3.25 1800000000000000 77\n";
        const AlarmBookPort port = {on_store, has_arrived, NULL};

        fake_random_init(&dice, 3);
        for (unsigned i = 0; i < 20000; i++) {
                char *text = strdup(good);

                for (size_t k = draw(4); k > 0; k--)
                        text[draw(sizeof(good) - 1)] = (char)draw(256);
                ck_assert_int_eq(alarm_book_new(&book, text, draw(sizeof(good)), &clock_.clock, &port), 0);
                for (size_t k = 0; k < alarm_book_count(book); k++) {
                        const AlarmEntry *e = alarm_book_entry(book, k);
                        Name sensor, channel;

                        if (!e)
                                continue;
                        insist(rule_channel_split(e->channel, sensor, channel) && alarm_is_set(&e->settings));
                        insist(name_is_valid(e->settings.stream));
                }
                free(text);
                book = alarm_book_free(book);
        }
}
END_TEST

/* ---- on the way to being raised ---- */

/* The machine was off in between, or only the daemon. */
static void start_again(bool reboot, usec_t wall_step)
{
        crash();
        if (reboot)
                clock_.boot_usec = 3 * USEC_PER_SEC;
        clock_.wall_usec += wall_step;
        start(3);
}

START_TEST(the_hold_time_goes_on_after_a_crash)
{
        hold = USEC_PER_MIN;
        for (usec_t at = 1; at < 70; at++)
                for (int reboot = 0; reboot < 2; reboot++) {
                        start(3);
                        take(1, HIGH);
                        sleep_for(at * USEC_PER_SEC);
                        settle();
                        start_again(reboot, 0);
                        ck_assert_uint_eq(count_told(1), at >= 60);
                        for (usec_t t = at; t < 59; t++)
                                sleep_for(USEC_PER_SEC);
                        ck_assert_uint_eq(count_told(1), at >= 60);
                        sleep_for(USEC_PER_SEC);
                        sleep_for(USEC_PER_SEC);
                        ck_assert_uint_eq(count_told(1), 1);
                        ck_assert(records[0].raised && records[0].value == HIGH);
                        take(1, LOW);
                        settle();
                        ck_assert_str_eq(file, "hublink-alarms 1\n");
                        n_durable = n_records = 0;
                        crash();
                }
        start(3);
}
END_TEST

START_TEST(one_that_came_back_is_not_raised_after_a_crash)
{
        hold = USEC_PER_MIN;
        start(3);
        take(0, HIGH);
        ck_assert(strstr(file, "\nbeyond cpu.temperature above 80 75 60000000 alarms 90 "));
        take(0, LOW);
        sleep_for(2 * USEC_PER_SEC);
        ck_assert_str_eq(file, "hublink-alarms 1\n");
        take(1, HIGH);
        crash();
        start(1); /* nobody asks for that one any more */
        sleep_for(2 * USEC_PER_SEC);
        ck_assert_str_eq(file, "hublink-alarms 1\n");
        configure(3);
        sleep_for(USEC_PER_HOUR);
        ck_assert_uint_eq(n_records, 0);
}
END_TEST

START_TEST(a_stop_puts_nothing_off)
{
        hold = USEC_PER_MIN;
        start(3);
        take(0, HIGH);
        take(1, HIGH);
        ck_assert(!strstr(file, "room"));
        alarm_book_stop(book);
        ck_assert(strstr(file, "beyond room.temperature"));
}
END_TEST

START_TEST(a_clock_that_was_set_raises_nothing_too_soon)
{
        hold = USEC_PER_MIN;
        for (int back = 0; back < 2; back++) {
                start(3);
                take(0, HIGH);
                sleep_for(10 * USEC_PER_SEC);
                start_again(false, back ? -USEC_PER_HOUR : USEC_PER_HOUR);
                sleep_for(49 * USEC_PER_SEC);
                ck_assert_uint_eq(n_records, 0);
                sleep_for(5 * USEC_PER_SEC);
                ck_assert_uint_eq(n_records, !back); /* one that was set back begins anew */
                sleep_for(49 * USEC_PER_SEC);
                ck_assert_uint_eq(n_records, 1);
                take(0, LOW);
                settle();
                n_durable = n_records = 0;
                crash();
        }
        start(3);
}
END_TEST

/* ---- whatever happens ---- */

static void live_a_little(unsigned *rules_there)
{
        switch (draw(32)) {
        case 0:
                crash();
                *rules_there = (unsigned)draw(8) ? 3 : (unsigned)draw(4);
                start(*rules_there);
                break;
        case 1:
                *rules_there = (unsigned)draw(4);
                configure(*rules_there);
                break;
        case 2:
                refuse = !refuse;
                break;
        case 3 ... 5:
                sleep_for(draw(2 * USEC_PER_SEC));
                break;
        case 6 ... 10:
                push(NULL);
                break;
        case 11 ... 16:
                work();
                break;
        case 17 ... 21:
                dispatch();
                break;
        default:
                take(draw(2), draw(2) ? HIGH : LOW);
        }
}

START_TEST(whenever_it_crashes_the_next_value_sets_right_what_is_known)
{
        unsigned n_crashes = 0;

        for (uint64_t seed = 0; seed < SEEDS; seed++) {
                unsigned there = 3;

                fake_random_init(&dice, seed);
                store_at_once = false;
                refuse = false;
                n_records = n_durable = 0;
                start(there);
                for (unsigned i = 0, n = (unsigned)draw(STEPS); i < n; i++)
                        live_a_little(&there);
                crash();
                n_crashes++;
                refuse = false;
                start(there);
                sleep_for(USEC_PER_SEC);
                for (size_t c = 0; c < 2; c++) {
                        bool high = draw(2);

                        take(c, high ? HIGH : LOW);
                        for (unsigned i = 0; i < 4; i++) {
                                settle();
                                sleep_for(USEC_PER_SEC);
                        }
                        settle();
                        if (is_known_raised(c) != (high && (there & (1U << c))))
                                ck_abort_msg("seed %llu: %s is known to be %s", (unsigned long long)seed, sensors[c],
                                             high ? "well" : "raised");
                }
                crash();
                free(file);
                file = NULL;
        }
        printf("# %u crashes\n", n_crashes);
        start(0);
}
END_TEST

static void give_time(void)
{
        for (unsigned i = 0; i < 8; i++) {
                settle();
                sleep_for(USEC_PER_SEC);
        }
        settle();
}

/* One that was on its way through its hold time, raised, cleared, or all of these in turn. */
START_TEST(whenever_it_crashes_no_further_value_is_needed)
{
        hold = 5 * USEC_PER_SEC;
        for (uint64_t seed = 0; seed < SEEDS / 4; seed++) {
                double last[2] = {LOW, LOW};

                fake_random_init(&dice, seed);
                store_at_once = refuse = false;
                n_records = n_durable = 0;
                start(3);
                for (unsigned i = 0, n = (unsigned)draw(STEPS); i < n; i++) {
                        size_t c = draw(2);

                        switch (draw(8)) {
                        case 0:
                                sleep_for(draw(4 * USEC_PER_SEC));
                                break;
                        case 1:
                                push(NULL);
                                break;
                        case 2:
                                work();
                                break;
                        case 3:
                                dispatch();
                                break;
                        default:
                                take(c, last[c] = draw(2) ? HIGH : LOW);
                        }
                }
                sleep_for(USEC_PER_SEC);
                for (unsigned i = 0; i < 4; i++) { /* what goes on is on the disk */
                        settle();
                        sleep_for(0);
                }
                settle();
                crash();
                start(3);
                give_time();
                give_time();
                for (size_t c = 0; c < 2; c++)
                        if (last[c] == HIGH && !is_known_raised(c))
                                ck_abort_msg("seed %llu: %s is not known to be raised", (unsigned long long)seed, sensors[c]);
                crash();
                free(file);
                file = NULL;
        }
        start(0);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/alarm-book");
        TCase *c = suite_case(s, "alarms that outlive the daemon");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, the_next_value_clears_what_was_raised_before_the_start);
        tcase_add_test(c, or_tells_it_again);
        tcase_add_test(c, what_nobody_asks_for_after_the_start_is_cleared);
        tcase_add_test(c, the_end_of_an_alarm_finds_another_stream);
        tcase_add_test(c, a_rule_that_comes_back_finds_its_alarm);
        tcase_add_test(c, an_alarm_waits_for_its_book);
        tcase_add_test(c, an_alarm_that_is_over_before_it_is_in_the_book_is_told);
        tcase_add_test(c, a_book_that_cannot_be_stored_holds_nothing_up);
        tcase_add_test(c, what_cannot_be_read_is_passed_over);
        tcase_add_test(c, no_changed_byte_does_harm);
        tcase_add_test(c, the_hold_time_goes_on_after_a_crash);
        tcase_add_test(c, one_that_came_back_is_not_raised_after_a_crash);
        tcase_add_test(c, a_stop_puts_nothing_off);
        tcase_add_test(c, a_clock_that_was_set_raises_nothing_too_soon);
        tcase_add_test(c, whenever_it_crashes_no_further_value_is_needed);
        tcase_add_test(c, whenever_it_crashes_the_next_value_sets_right_what_is_known);
        return suite_run(s);
}
