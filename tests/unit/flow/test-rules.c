/* SPDX-License-Identifier: Apache-2.0 */

/* The rules together, between sensors that the test plays and a collector that notes what it is given. */

#include "flow/rules.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "fail-alloc.h"
#include "fake-clock.h"
#include "log-capture.h"
#include "model/value-json.h"
#include "suite.h"

#define LINES_MAX 4096

typedef struct Home {
        FakeClock clock;
        LogCapture log;
        Rules *rules;
        ReadingSink sink;
        Ticker ticker;

        char *lines[LINES_MAX]; /* what came: readings, "alarm ...", "stale ..." */
        size_t n_lines;
        bool silent;            /* counts only */
        uint64_t n_readings;
        uint64_t refuse_at;     /* the so many-eth reading, counted from 1; 0: none */
        usec_t last_wall;
        uint64_t last_serial; /* of its source's position */
        double known_temperature, known_load; /* to whoever reads what came */
        void (*look)(const char *stream, const Reading *reading); /* at what came; NULL: nobody does */
} Home;

static Home home;

static void note(Buffer *b)
{
        if (home.silent || home.n_lines == LINES_MAX)
                buffer_done(b);
        else
                home.lines[home.n_lines++] = buffer_steal(b);
}

static void learn(const Reading *reading)
{
        for (size_t i = 0; i < reading->n_channels; i++)
                if (strcmp(reading->channels[i].name, "temperature") == 0)
                        home.known_temperature = reading->channels[i].value.number;
                else if (strcmp(reading->channels[i].name, "load") == 0)
                        home.known_load = reading->channels[i].value.number;
}

/* "telemetry cpu [range] temperature=1 load=2" */
static int on_reading(void *userdata, const char *stream, const Reading *reading)
{
        Buffer b = BUFFER_NULL;

        home.n_readings++;
        home.last_wall = reading->wall_usec > 0 ? reading->wall_usec : home.clock.wall_usec - reading->age_usec;
        home.last_serial = reading->source ? reading->position.serial : 0;
        if (home.n_readings == home.refuse_at)
                return 1;
        learn(reading);
        if (home.look)
                home.look(stream, reading);
        if (home.silent)
                return 0;
        buffer_printf(&b, "%s %s", stream ?: "-", reading->sensor);
        if (reading->quality != QUALITY_GOOD)
                buffer_printf(&b, " [%s]", quality_to_string(reading->quality));
        for (size_t i = 0; i < reading->n_channels; i++) {
                buffer_printf(&b, " %s=", reading->channels[i].name);
                value_to_json(&reading->channels[i].value, &b);
        }
        note(&b);
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
        Buffer b = BUFFER_NULL;

        buffer_printf(&b, "alarm %s %s ", channel, state);
        json_number(&b, value);
        note(&b);
}

static void on_stale(void *userdata, const char *sensor, const char *why, bool is_news)
{
        Buffer b = BUFFER_NULL;

        buffer_printf(&b, "stale %s: %s", sensor, why ?: "no more");
        note(&b);
}

static void forget(void)
{
        for (size_t i = 0; i < home.n_lines; i++)
                free(home.lines[i]);
        home.n_lines = 0;
}

static void begin(void)
{
        const RulesSink sink = {
                {on_reading, on_refused, is_ready, on_changed, NULL}, on_alarm, on_stale, NULL,
        };

        home = (Home){};
        fake_clock_init(&home.clock);
        log_capture_begin(&home.log);
        ck_assert_int_eq(rules_new(&home.rules, &home.clock.clock, &sink), 0);
        home.sink = rules_reading_sink(home.rules);
        home.ticker = rules_ticker(home.rules);
}

static void end(void)
{
        forget();
        rules_free(home.rules);
        log_capture_end(&home.log);
}

static void rule(const RuleSettings *settings, size_t n)
{
        ck_assert_int_eq(rules_configure(home.rules, settings, n), 0);
}

/* Sleeps as the daemon's loop does. */
static void sleep_for(usec_t usec)
{
        usec_t until = home.clock.boot_usec + usec;

        for (unsigned turns = 0; home.ticker.deadline(home.ticker.userdata) <= until; turns++) {
                usec_t due = home.ticker.deadline(home.ticker.userdata);

                insist(turns < 100000);
                if (due > home.clock.boot_usec)
                        fake_clock_advance(&home.clock, due - home.clock.boot_usec);
                home.ticker.tick(home.ticker.userdata, home.clock.boot_usec);
        }
        fake_clock_advance(&home.clock, until - home.clock.boot_usec);
}

static int take(const char *sensor, const Channel *channels, size_t n)
{
        return home.sink.reading(home.sink.userdata, NULL,
                                 &(Reading){.sensor = sensor, .channels = channels, .n_channels = n});
}

#define NUMBER(n, x) {n, {.kind = VALUE_NUMBER, .number = x}}

static int take_one(const char *sensor, const char *channel, double x)
{
        const Channel c = NUMBER(channel, x);

        return take(sensor, &c, 1);
}

/* "cpu.temperature above 80 since 5, ..." */
static void expect_raised(const char *expected)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
        RaisedAlarm list[4], one[1];
        size_t n = rules_raised(home.rules, list, ARRAY_SIZE(list));

        ck_assert_uint_le(n, ARRAY_SIZE(list));
        ck_assert_uint_eq(rules_raised(home.rules, one, 1), n); /* whatever room there is */
        for (size_t i = 0; i < n; i++)
                buffer_printf(&b, "%s%s.%s %s %g since %" PRIu64, i > 0 ? ", " : "", list[i].sensor, list[i].channel,
                              list[i].state, list[i].limit, list[i].since_usec);
        ck_assert_str_eq(b.data ?: "", expected);
}

static void expect(const char *const *lines, size_t n)
{
        for (size_t i = 0; i < n && i < home.n_lines; i++)
                ck_assert_str_eq(home.lines[i], lines[i]);
        ck_assert_msg(home.n_lines == n, "%zu lines instead of %zu, the last is %s", home.n_lines, n,
                      home.n_lines > 0 ? home.lines[home.n_lines - 1] : "none");
        forget();
}

#define EXPECT(...)                                                              \
        do {                                                                     \
                const char *const lines_[] = {__VA_ARGS__};                      \
                expect(lines_, sizeof(lines_) / sizeof(lines_[0]));              \
        } while (0)
#define EXPECT_NOTHING() expect(NULL, 0)

static char cpu[] = "cpu.temperature", load[] = "cpu.load", room[] = "room.temperature";

/* ---- what passes ---- */

START_TEST(without_a_rule_everything_passes_as_it_is)
{
        const RuleSettings other = {.channel = room, .deadband.width = {true, 100}};
        const Channel channels[] = {NUMBER("temperature", 21), {"door", {.kind = VALUE_TEXT, .text = "open"}}};

        begin();
        ck_assert_int_eq(take("cpu", channels, 2), 0);
        EXPECT("- cpu temperature=21 door=\"open\"");
        rule(&other, 1);
        ck_assert_int_eq(take("cpu", channels, 2), 0);
        EXPECT("- cpu temperature=21 door=\"open\"");
        ck_assert(home.ticker.deadline(home.ticker.userdata) == USEC_INFINITY);
        end();
}
END_TEST

START_TEST(of_a_reading_the_channels_go_that_have_news)
{
        const RuleSettings rules[] = {{.channel = cpu, .deadband.width = {true, 1}},
                                      {.channel = load, .deadband.width = {true, 1}}};
        const Channel a[] = {NUMBER("temperature", 21), NUMBER("load", 5), NUMBER("fan", 7)};
        const Channel b[] = {NUMBER("temperature", 21.5), NUMBER("load", 7), NUMBER("fan", 7)};
        const Channel c[] = {NUMBER("load", 7), NUMBER("temperature", 21.5)};

        begin();
        rule(rules, 2);
        take("cpu", a, 3);
        take("cpu", b, 3);
        take("cpu", c, 2);
        EXPECT("- cpu temperature=21 load=5 fan=7", "- cpu load=7 fan=7");
        end();
}
END_TEST

START_TEST(what_is_outside_its_range_goes_marked_and_by_itself)
{
        const RuleSettings rules[] = {{.channel = cpu, .range = {true, -40, 125}},
                                      {.channel = cpu, .alarm = {.above = {true, 80}, .stream = "alarms"}}};
        const Channel a[] = {NUMBER("temperature", 999), NUMBER("load", 5)};
        const Channel b[] = {NUMBER("temperature", 125), NUMBER("load", 5)};

        begin();
        rule(rules, 2);
        take("cpu", a, 2);
        take("cpu", a, 2);
        EXPECT("- cpu [range] temperature=999", "- cpu load=5",
               "stale cpu: temperature is not within -40 to 125: look at the sensor and its wire",
               "- cpu [range] temperature=999", "- cpu load=5");
        ck_assert_uint_eq(log_capture_count(&home.log, "temperature is not within -40 to 125"), 1);
        take("cpu", b, 2);
        EXPECT("- cpu temperature=125 load=5", "alarm cpu.temperature above 125",
               "alarms cpu temperature=125 alarm=\"above\" limit=80");
        end();
}
END_TEST

START_TEST(a_silence_ends_with_the_last_value_at_its_own_time)
{
        const RuleSettings r = {.channel = cpu, .deadband = {.width = {true, 1}, .max_silence_usec = USEC_PER_MIN}};
        usec_t wall;

        begin();
        rule(&r, 1);
        take_one("cpu", "temperature", 20);
        EXPECT("- cpu temperature=20");
        for (unsigned i = 1; i <= 8; i++) {
                sleep_for(7 * USEC_PER_SEC);
                take_one("cpu", "temperature", 20 + i / 100.0);
        }
        wall = home.clock.wall_usec;
        EXPECT_NOTHING();
        sleep_for(10 * USEC_PER_SEC);
        EXPECT("- cpu temperature=20.08");
        ck_assert_uint_eq(home.last_wall, wall);
        sleep_for(USEC_PER_HOUR);
        EXPECT_NOTHING(); /* nothing came that could be told */
        end();
}
END_TEST

START_TEST(integers_stay_integers_and_booleans_booleans)
{
        const RuleSettings rules[] = {{.channel = cpu, .deadband = {{true, 0}, .max_silence_usec = USEC_PER_MIN}},
                                      {.channel = load, .deadband = {{true, 0}, .max_silence_usec = USEC_PER_MIN}}};
        const Channel a[] = {{"temperature", {.kind = VALUE_INTEGER, .integer = INT64_MAX}},
                             {"load", {.kind = VALUE_BOOLEAN, .boolean = true}}};
        const Channel b[] = {{"load", {.kind = VALUE_BOOLEAN, .boolean = false}}};

        begin();
        rule(rules, 2);
        take("cpu", a, 2);
        take("cpu", a, 2);
        EXPECT("- cpu temperature=9223372036854775807 load=true");
        sleep_for(2 * USEC_PER_MIN);
        EXPECT("- cpu temperature=9223372036854775807 load=true");
        take("cpu", b, 1);
        EXPECT("- cpu load=false");
        end();
}
END_TEST

START_TEST(texts_and_what_is_no_number_pass)
{
        const RuleSettings r = {.channel = cpu,
                                .range = {true, 0, 1},
                                .window = {USEC_PER_MIN, 1U << WINDOW_MEAN},
                                .watch.stale_after_usec = USEC_PER_MIN};
        const Channel text = {"temperature", {.kind = VALUE_TEXT, .text = "warm"}};

        begin();
        rule(&r, 1);
        take("cpu", &text, 1);
        take("cpu", &text, 1);
        take_one("cpu", "temperature", NAN); /* the collector refuses it */
        EXPECT("- cpu temperature=\"warm\"", "- cpu temperature=\"warm\"", "- cpu temperature=null");
        sleep_for(2 * USEC_PER_MIN);
        EXPECT("stale cpu: temperature has not come for 1min");
        end();
}
END_TEST

/* A growing file is read from where its readings are known to be on disk. */
START_TEST(how_far_a_source_was_read_travels_with_what_goes_next)
{
        const RuleSettings rules[] = {
                {.channel = cpu, .deadband = {.width = {true, 1}, .max_silence_usec = USEC_PER_MIN}, .range = {true, 0, 50}}};
        const Channel quiet[] = {NUMBER("temperature", 20)}, loud[] = {NUMBER("temperature", 90), NUMBER("fan", 1)};
        Reading r = {.sensor = "cpu", .channels = quiet, .n_channels = 1, .source = "syslog"};

        begin();
        rule(rules, 1);
        for (uint64_t serial = 1; serial <= 3; serial++) {
                r.position.serial = serial;
                (void)home.sink.reading(home.sink.userdata, NULL, &r);
                ck_assert_uint_eq(home.n_readings, 1);
        }
        ck_assert_uint_eq(home.last_serial, 1);
        sleep_for(2 * USEC_PER_MIN);
        ck_assert_uint_eq(home.last_serial, 3);
        r = (Reading){.sensor = "cpu", .channels = loud, .n_channels = 2, .source = "syslog", .position.serial = 4};
        home.refuse_at = 4; /* the second of its two readings, which has the position */
        ck_assert_int_ne(home.sink.reading(home.sink.userdata, NULL, &r), 0);
        take_one("cpu", "fan", 2); /* no further than what was taken */
        ck_assert_uint_eq(home.last_serial, 0);
        ck_assert_int_eq(home.sink.reading(home.sink.userdata, NULL, &r), 0);
        ck_assert_uint_eq(home.last_serial, 4);
        take_one("cpu", "fan", 3);
        ck_assert_uint_eq(home.last_serial, 0);
        end();
}
END_TEST

/* A line every 4 s with a value and a name; its position is its number. */
static void take_line(uint64_t n)
{
        const Channel channels[] = {NUMBER("temperature", (double)n), {"name", {.kind = VALUE_TEXT, .text = "a"}}};

        (void)home.sink.reading(home.sink.userdata, NULL,
                                &(Reading){.sensor = "cpu", .channels = channels, .n_channels = 2, .source = "syslog",
                                           .position.serial = n + 1, .before.serial = n});
}

static uint64_t position_at(uint64_t read)
{
        SourcePosition at = {.serial = read}, other = {.serial = 99};

        rules_limit_position(home.rules, "syslog", &at);
        rules_limit_position(home.rules, "messages", &other);
        ck_assert_uint_eq(other.serial, 99);
        return at.serial;
}

START_TEST(a_source_is_read_on_before_what_waits)
{
        const RuleSettings rules[] = {{.channel = cpu, .deadband.min_interval_usec = 10 * USEC_PER_SEC}};

        begin();
        rule(rules, 1);
        take_line(1);
        EXPECT("- cpu temperature=1 name=\"a\"");
        ck_assert_uint_eq(home.last_serial, 2);
        for (uint64_t n = 2; n <= 3; n++) { /* each takes the place of the last */
                take_line(n);
                EXPECT("- cpu name=\"a\"");
                ck_assert_uint_eq(home.last_serial, n);
                ck_assert_uint_eq(position_at(n + 1), n);
        }
        /* the next sensor of the same source, without a rule */
        (void)home.sink.reading(home.sink.userdata, NULL,
                                &(Reading){.sensor = "fan", .channels = &(Channel)NUMBER("speed", 1), .n_channels = 1,
                                           .source = "syslog", .position.serial = 5, .before.serial = 4});
        EXPECT("- fan speed=1");
        ck_assert_uint_eq(home.last_serial, 3);
        sleep_for(11 * USEC_PER_SEC);
        EXPECT("- cpu temperature=3");
        ck_assert_uint_eq(home.last_serial, 4);
        ck_assert_uint_eq(position_at(5), 5);
        end();
}
END_TEST

START_TEST(what_a_deadband_keeps_is_decided)
{
        const RuleSettings rules[] = {
                {.channel = cpu, .deadband = {.width = {true, 5}, .max_silence_usec = USEC_PER_HOUR}}};

        begin();
        rule(rules, 1);
        for (uint64_t n = 1; n <= 3; n++)
                take_line(n);
        ck_assert_uint_eq(position_at(4), 4);
        rules_release(home.rules);
        ck_assert_uint_eq(home.n_readings, 3);
        end();
}
END_TEST

#define TAIL_LINES 40

static uint64_t n_in_windows;

static void count_window(const char *stream, const Reading *reading)
{
        for (size_t i = 0; i < reading->n_channels; i++)
                if (strcmp(reading->channels[i].name, "temperature_count") == 0)
                        n_in_windows += (uint64_t)reading->channels[i].value.integer;
}

static uint64_t take_lines(uint64_t first, uint64_t last)
{
        for (uint64_t n = first; n <= last; n++) {
                take_line(n);
                sleep_for(4 * USEC_PER_SEC);
        }
        return position_at(last + 1);
}

START_TEST(wherever_it_is_killed_each_line_is_in_one_window)
{
        const RuleSettings rules[] = {{.channel = cpu, .window = {USEC_PER_MIN, 1U << WINDOW_COUNT}}};

        for (uint64_t last = 1; last <= TAIL_LINES; last++) {
                uint64_t position;

                n_in_windows = 0;
                begin();
                rule(rules, 1);
                home.look = count_window;
                position = take_lines(1, last);
                ck_assert_uint_eq(n_in_windows, position - 1);
                end();
                begin();
                rule(rules, 1);
                home.look = count_window;
                (void)take_lines(position, TAIL_LINES);
                rules_release(home.rules); /* the day ends: nothing is left */
                ck_assert_uint_eq(n_in_windows, TAIL_LINES);
                ck_assert_uint_eq(home.last_serial, TAIL_LINES + 1);
                end();
        }
}
END_TEST

START_TEST(whenever_the_rules_change_each_line_is_in_one_window)
{
        const RuleSettings rules[] = {{.channel = cpu, .window = {USEC_PER_MIN, 1U << WINDOW_COUNT}},
                                      {.channel = cpu, .window = {USEC_PER_HOUR, 1U << WINDOW_COUNT}}};

        for (uint64_t last = 1; last < TAIL_LINES; last++) {
                n_in_windows = 0;
                begin();
                rule(rules, 1);
                home.look = count_window;
                (void)take_lines(1, last);
                rule(rules + 1, 1);
                ck_assert_uint_eq(n_in_windows, last);
                ck_assert_uint_eq(home.last_serial, last + 1); /* and is not read again */
                (void)take_lines(last + 1, TAIL_LINES);
                rule(NULL, 0);
                ck_assert_uint_eq(n_in_windows, TAIL_LINES);
                ck_assert_uint_eq(home.last_serial, TAIL_LINES + 1);
                end();
        }
}
END_TEST

START_TEST(at_the_end_of_the_day_goes_what_waits)
{
        const RuleSettings rules[] = {
                {.channel = cpu, .deadband.min_interval_usec = USEC_PER_HOUR},
                {.channel = load, .window = {USEC_PER_HOUR, 1U << WINDOW_MAX}},
        };

        begin();
        rule(rules, 2);
        take_one("cpu", "temperature", 1);
        take_one("cpu", "temperature", 90);
        take_one("cpu", "load", 7);
        EXPECT("- cpu temperature=1");
        rules_release(home.rules);
        EXPECT("- cpu temperature=90", "- cpu load_max=7");
        rules_release(home.rules);
        EXPECT_NOTHING();
        end();
}
END_TEST

/* ---- lines that are given again ---- */

static unsigned n_fans, n_loads;
static uint64_t furthest;

static void count_channels(const char *stream, const Reading *reading)
{
        count_window(stream, reading);
        for (size_t i = 0; i < reading->n_channels; i++) {
                n_fans += strcmp(reading->channels[i].name, "fan") == 0;
                n_loads += strcmp(reading->channels[i].name, "load") == 0;
        }
        furthest = MAX(furthest, home.last_serial);
}

static int take_from_file(uint64_t serial)
{
        const Channel channels[] = {NUMBER("temperature", 20), NUMBER("fan", 1), NUMBER("load", 500)};

        return home.sink.reading(home.sink.userdata, NULL,
                                 &(Reading){.sensor = "cpu", .channels = channels, .n_channels = 3, .source = "syslog",
                                            .position.serial = serial + 1, .before.serial = serial});
}

/* The queue has no room for one of its readings: the file keeps the line, and gives it again. */
START_TEST(a_line_that_is_given_again_counts_once)
{
        const RuleSettings rules[] = {{.channel = cpu, .window = {USEC_PER_MIN, 1U << WINDOW_COUNT}},
                                      {.channel = load, .range = {true, 0, 100}}};

        for (unsigned refuse_at = 0; refuse_at <= 7; refuse_at++) {
                unsigned n_given = 0;

                n_in_windows = n_fans = n_loads = 0;
                furthest = 0;
                begin();
                rule(rules, 2);
                home.look = count_channels;
                home.refuse_at = refuse_at;
                for (uint64_t line = 1; line <= 3; line++) {
                        insist(furthest <= line);
                        while (take_from_file(line) != 0) {
                                insist(n_given++ < 5);
                                insist(furthest <= line); /* it is read again after a kill */
                        }
                }
                ck_assert_uint_eq(n_given, refuse_at >= 1 && refuse_at <= 6);
                ck_assert_uint_eq(n_fans, 3);
                ck_assert_uint_eq(n_loads, 3);
                home.refuse_at = 0;
                sleep_for(2 * USEC_PER_MIN);
                ck_assert_uint_eq(n_in_windows, 3);
                ck_assert_uint_eq(furthest, 4);
                end();
        }
}
END_TEST

/* ---- lines that tell their time ---- */

#define NIGHT (1767225600 * USEC_PER_SEC - 8 * USEC_PER_HOUR)

static uint64_t walls[LINES_MAX]; /* in seconds of the night, of what came */
static size_t n_walls;

static void look_at_wall(const char *stream, const Reading *reading)
{
        walls[n_walls++ % LINES_MAX] = reading->wall_usec > NIGHT ? (reading->wall_usec - NIGHT) / USEC_PER_SEC : 0;
}

static void take_channel_at(const char *channel, uint64_t msec, double x)
{
        const Channel c = NUMBER(channel, x);

        (void)home.sink.reading(home.sink.userdata, NULL,
                                &(Reading){.sensor = "cpu", .channels = &c, .n_channels = 1, .wall_trusted = true,
                                           .wall_usec = NIGHT + msec * USEC_PER_MSEC});
}

static void take_at(uint64_t msec, double x)
{
        take_channel_at("temperature", msec, x);
}

static void begin_night(const RuleSettings *rules, size_t n)
{
        begin();
        n_walls = 0;
        home.look = look_at_wall;
        rule(rules, n);
}

START_TEST(a_night_at_once_has_the_windows_of_the_night)
{
        const RuleSettings r = {.channel = cpu, .window = {USEC_PER_MIN, 1U << WINDOW_MEAN | 1U << WINDOW_COUNT}};

        begin_night(&r, 1);
        for (uint64_t i = 0; i < 180; i++)
                take_at(i * 1000, (double)(i / 60));
        EXPECT("- cpu temperature_mean=0 temperature_count=60", "- cpu temperature_mean=1 temperature_count=60");
        ck_assert_uint_eq(walls[0], 60);
        ck_assert_uint_eq(walls[1], 120);
        /* the source says no more: its time goes on */
        sleep_for(USEC_PER_SEC);
        EXPECT("- cpu temperature_mean=2 temperature_count=60");
        ck_assert_uint_eq(walls[2], 180);
        /* nothing came for hours */
        take_at(7200500, 5);
        EXPECT_NOTHING();
        sleep_for(USEC_PER_MIN);
        EXPECT("- cpu temperature_mean=5 temperature_count=1");
        ck_assert_uint_eq(walls[3], 7260);
        end();
}
END_TEST

/* However long the reading of them pauses, and wherever: each counts once, and no window is told twice. */
START_TEST(a_pause_within_lines_loses_and_doubles_none)
{
        const RuleSettings r = {.channel = cpu, .window = {10 * USEC_PER_SEC, 1U << WINDOW_COUNT}};

        for (uint64_t pause = 0; pause < 40; pause++) {
                n_in_windows = 0;
                begin_night(&r, 1);
                home.look = count_window;
                for (uint64_t i = 0; i < 40; i++) {
                        if (i == pause)
                                sleep_for(USEC_PER_MIN);
                        take_at(i * 1000, 1);
                }
                sleep_for(30 * USEC_PER_SEC);
                ck_assert_uint_eq(n_in_windows, 40);
                ck_assert_uint_le(home.n_readings, 5);
                end();
        }
}
END_TEST

START_TEST(an_alarm_in_a_night_is_held_as_long_as_it_says)
{
        const RuleSettings r = {.channel = cpu,
                                .deadband.width = {true, 1000},
                                .alarm = {.above = {true, 80}, .hold_usec = 10 * USEC_PER_SEC, .stream = "alarms"}};

        begin_night(&r, 1);
        take_at(0, 20);
        take_at(1000, 90); /* too short */
        take_at(5000, 20);
        take_at(20000, 90);
        take_at(28000, 91);
        take_at(33000, 92);
        take_at(40000, 20);
        EXPECT("- cpu temperature=20", "alarm cpu.temperature above 91",
               "alarms cpu temperature=91 alarm=\"above\" limit=80", "alarm cpu.temperature clear 20",
               "alarms cpu temperature=20 alarm=\"clear\" limit=80");
        ck_assert_uint_eq(walls[1], 30);
        ck_assert_uint_eq(walls[2], 40);
        /* and of what comes last time goes on */
        take_at(50000, 95);
        sleep_for(9 * USEC_PER_SEC);
        EXPECT_NOTHING();
        sleep_for(USEC_PER_SEC);
        EXPECT("alarm cpu.temperature above 95", "alarms cpu temperature=95 alarm=\"above\" limit=80");
        ck_assert_uint_eq(walls[3], 60);
        end();
}
END_TEST

START_TEST(silences_and_intervals_of_lines_are_as_they_say)
{
        const RuleSettings r = {.channel = cpu,
                                .deadband = {.width = {true, 1},
                                             .max_silence_usec = USEC_PER_MIN,
                                             .min_interval_usec = 10 * USEC_PER_SEC}};

        begin_night(&r, 1);
        take_at(0, 20);
        take_at(5000, 30); /* waits until the 10th second, and then goes with its own time */
        take_at(12000, 30.5);
        take_at(3600000, 30.2);
        EXPECT("- cpu temperature=20", "- cpu temperature=30", "- cpu temperature=30.5", "- cpu temperature=30.2");
        ck_assert_uint_eq(walls[1], 5);
        ck_assert_uint_eq(walls[2], 12);
        ck_assert_uint_eq(walls[3], 3600);
        end();
}
END_TEST

START_TEST(lines_that_are_late_or_of_the_future_are_of_the_present)
{
        const RuleSettings r = {.channel = cpu, .window = {USEC_PER_MIN, 1U << WINDOW_COUNT}};

        begin_night(&r, 1);
        take_at(30000, 1);
        take_at(10000, 2); /* late */
        take_at(90000, 3);
        EXPECT("- cpu temperature_count=2");
        /* its clock ran away, and ours says so: 8 hours after the night's begin */
        take_at(UINT64_C(20) * 3600 * 1000, 4);
        EXPECT("- cpu temperature_count=1");
        for (uint64_t i = 0; i < 60; i++) {
                take_at(91000 + i, 5);
                sleep_for(USEC_PER_SEC);
        }
        EXPECT("- cpu temperature_count=61");
        end();
}
END_TEST

/* What was true earlier says nothing of how things are: neither that they are well again, nor that they are not. */
START_TEST(what_is_older_than_what_was_judged_changes_no_alarm)
{
        const RuleSettings r = {.channel = cpu,
                                .deadband.width = {true, 1000},
                                .alarm = {.above = {true, 80}, .hold_usec = 10 * USEC_PER_SEC, .stream = "alarms"}};

        begin_night(&r, 1);
        take_at(20000, 20);
        take_at(10000, 95); /* late */
        sleep_for(USEC_PER_MIN);
        EXPECT("- cpu temperature=20");
        take_at(100000, 90);
        take_at(99000, 20); /* its hold goes on */
        take_at(110000, 91);
        EXPECT("alarm cpu.temperature above 90", "alarms cpu temperature=90 alarm=\"above\" limit=80");
        take_at(109999, 20);
        EXPECT_NOTHING();
        take_at(110000, 20); /* as old is not older */
        EXPECT("alarm cpu.temperature clear 20", "alarms cpu temperature=20 alarm=\"clear\" limit=80");
        end();
}
END_TEST

/* Each channel for itself, whatever the others' lines say; and what does not say when it was is of the present. */
START_TEST(the_order_of_one_channel_is_not_that_of_another)
{
        const RuleSettings rules[] = {{.channel = cpu, .alarm = {.above = {true, 80}, .stream = "alarms"}},
                                      {.channel = load, .alarm = {.above = {true, 80}, .stream = "alarms"}}};

        begin_night(rules, 2);
        take_at(20000, 95);
        take_channel_at("load", 10000, 95);
        take_channel_at("load", 9000, 20);
        EXPECT("- cpu temperature=95", "alarm cpu.temperature above 95",
               "alarms cpu temperature=95 alarm=\"above\" limit=80", "- cpu load=95", "alarm cpu.load above 95",
               "alarms cpu load=95 alarm=\"above\" limit=80", "- cpu load=20");
        take_one("cpu", "temperature", 20);
        EXPECT("- cpu temperature=20", "alarm cpu.temperature clear 20",
               "alarms cpu temperature=20 alarm=\"clear\" limit=80");
        end();
}
END_TEST

/* A clock that was set back, or was years ahead while ours was not to be believed, does not silence the alarms. */
START_TEST(a_clock_that_was_set_back_is_followed)
{
        const RuleSettings r = {.channel = cpu, .deadband.width = {true, 1000},
                                .alarm = {.above = {true, 80}, .stream = "alarms"}};

        for (uint64_t ahead = 3600; ahead < UINT64_C(100000000000); ahead *= 1000)
                for (int trusted = 0; trusted < 2; trusted++) {
                        begin_night(&r, 1);
                        home.clock.is_synchronised = trusted;
                        take_at(ahead * 1000, 20);
                        for (uint64_t i = 0; i < 20; i++) {
                                sleep_for(USEC_PER_MIN);
                                take_at(i * 60000, 90);
                        }
                        ck_assert_uint_eq(home.n_lines, 3);
                        ck_assert_str_eq(home.lines[1], "alarm cpu.temperature above 90");
                        end();
                }
}
END_TEST

/* A source whose clock stands still does not stop its windows, whatever our own clock is worth. */
START_TEST(a_clock_that_stands_stops_nothing)
{
        const RuleSettings r = {.channel = cpu, .window = {10 * USEC_PER_SEC, 1U << WINDOW_COUNT}};

        for (int trusted = 0; trusted < 2; trusted++) {
                begin_night(&r, 1);
                home.clock.is_synchronised = trusted;
                for (int i = 0; i < 30; i++) {
                        take_at(0, 1);
                        sleep_for(USEC_PER_SEC);
                }
                EXPECT("- cpu temperature_count=10", "- cpu temperature_count=10", "- cpu temperature_count=10");
                end();
        }
}
END_TEST

/* ---- clocks that are wrong ---- */

#define FUTURE_MSEC (UINT64_C(73) * 365 * 86400 * 1000)

/* As a source whose clock is right says it. */
static void take_now(double x)
{
        take_at((home.clock.wall_usec - NIGHT) / USEC_PER_MSEC, x);
}

static void live_for(unsigned seconds, double x)
{
        for (unsigned i = 0; i < seconds; i++) {
                take_now(x);
                sleep_for(USEC_PER_SEC);
        }
}

/* All that came tells no time of its own, or is at most so many seconds old. */
static void expect_no_future(size_t n, uint64_t age)
{
        uint64_t now = (home.clock.wall_usec - NIGHT) / USEC_PER_SEC;

        ck_assert_uint_ge(n_walls, n);
        for (size_t i = 0; i < n_walls; i++)
                ck_assert_msg(walls[i] == 0 || (walls[i] <= now && walls[i] + age >= now),
                              "the %zu. is of %" PRIu64 ", and it is %" PRIu64, i, walls[i], now);
        forget();
        n_walls = 0;
}

/* One line of the future, before the clock was known to be right, dates nothing that comes later. */
START_TEST(a_line_of_the_future_dates_none_but_itself)
{
        const RuleSettings r = {.channel = cpu, .window = {10 * USEC_PER_SEC, 1U << WINDOW_COUNT}};

        begin_night(&r, 1);
        home.clock.is_synchronised = false;
        live_for(15, 1);
        take_at(FUTURE_MSEC, 1);
        live_for(30, 1);
        expect_no_future(3, 60);
        home.clock.is_synchronised = true;
        live_for(15, 1);
        forget();
        n_walls = 0;
        live_for(30, 1);
        ck_assert_uint_eq(n_walls, 3);
        for (size_t i = 0; i < 3; i++)
                ck_assert_uint_ne(walls[i], 0);
        expect_no_future(3, 30);
        end();
}
END_TEST

/* Each counts once all the same, whenever the clock is set right. */
START_TEST(a_clock_that_is_set_right_loses_and_doubles_none)
{
        const RuleSettings r = {.channel = cpu, .window = {10 * USEC_PER_SEC, 1U << WINDOW_COUNT}};

        for (unsigned at = 0; at < 40; at++) {
                n_in_windows = 0;
                begin_night(&r, 1);
                home.look = count_window;
                home.clock.is_synchronised = false;
                take_at(FUTURE_MSEC, 1);
                live_for(at, 1);
                home.clock.is_synchronised = true;
                live_for(40 - at, 1);
                sleep_for(30 * USEC_PER_SEC);
                ck_assert_uint_eq(n_in_windows, 41);
                ck_assert_uint_le(home.n_readings, 8);
                end();
        }
}
END_TEST

/* Nor does a source that says no more, and one that is ahead by less than its lines would be refused for. */
START_TEST(a_window_of_the_future_ends_in_the_present)
{
        const RuleSettings r = {.channel = cpu, .window = {USEC_PER_MIN, 1U << WINDOW_COUNT}};

        for (uint64_t ahead = 3600000; ahead < 2 * FUTURE_MSEC; ahead *= 1000) {
                begin_night(&r, 1);
                home.clock.is_synchronised = false;
                take_at((home.clock.wall_usec - NIGHT) / USEC_PER_MSEC + MIN(ahead, FUTURE_MSEC), 1);
                sleep_for(USEC_PER_SEC);
                home.clock.is_synchronised = true;
                sleep_for(USEC_PER_MIN);
                EXPECT("- cpu temperature_count=1");
                ck_assert_uint_eq(walls[0], 0);
                end();
        }
}
END_TEST

START_TEST(an_alarm_does_not_carry_the_time_of_another_line)
{
        const RuleSettings r = {.channel = cpu,
                                .deadband.width = {true, 1000},
                                .alarm = {.above = {true, 80}, .hold_usec = 10 * USEC_PER_SEC, .stream = "alarms"}};

        begin_night(&r, 1);
        home.clock.is_synchronised = false;
        take_at(FUTURE_MSEC, 20);
        home.clock.is_synchronised = true;
        live_for(20, 90);
        EXPECT("- cpu temperature=20", "alarm cpu.temperature above 90",
               "alarms cpu temperature=90 alarm=\"above\" limit=80");
        walls[0] = 0;
        expect_no_future(2, 15);
        end();
}
END_TEST

/* Nor does it silence the alarms until then, and however often such lines come. What is merely late says nothing all the
 * same. */
START_TEST(a_line_of_the_future_silences_no_alarm)
{
        const RuleSettings r = {.channel = cpu,
                                .deadband.width = {true, 1000},
                                .alarm = {.above = {true, 80}, .clear = {true, 75}, .stream = "alarms"}};

        for (unsigned every = 0; every <= 60; every += 20) {
                begin_night(&r, 1);
                home.clock.is_synchronised = false;
                live_for(5, 20);
                EXPECT("- cpu temperature=20");
                for (unsigned i = 0; i < 20 * 60; i++) {
                        uint64_t now = (home.clock.wall_usec - NIGHT) / USEC_PER_MSEC;
                        bool hot = i >= 30;

                        if (every == 0 ? i == 20 : i % every == 0)
                                take_at(FUTURE_MSEC + i * 1000, hot ? 90 : 20);
                        take_at(now, hot ? 90 : 20);
                        if (i == 30)
                                EXPECT("alarm cpu.temperature above 90",
                                       "alarms cpu temperature=90 alarm=\"above\" limit=80");
                        take_at(now - 5000, hot ? 20 : 90);
                        EXPECT_NOTHING();
                        sleep_for(USEC_PER_SEC);
                }
                take_now(20);
                EXPECT("alarm cpu.temperature clear 20", "alarms cpu temperature=20 alarm=\"clear\" limit=80");
                end();
        }
}
END_TEST

/* Without any time server the source itself says in the end that its clock was set back. */
START_TEST(lines_that_stay_in_the_past_are_followed)
{
        const RuleSettings r = {.channel = cpu, .window = {10 * USEC_PER_SEC, 1U << WINDOW_COUNT}};

        begin_night(&r, 1);
        home.clock.is_synchronised = false;
        take_at(FUTURE_MSEC, 1);
        live_for(11 * 60, 1);
        forget();
        n_walls = 0;
        live_for(30, 1);
        ck_assert_uint_eq(n_walls, 3);
        for (size_t i = 0; i < 3; i++)
                ck_assert_uint_ne(walls[i], 0);
        expect_no_future(3, 30);
        end();
}
END_TEST

/* A gateway that has no clock of its own, and a source that has: it is believed. */
START_TEST(a_clock_that_is_right_dates_windows_before_ours_does)
{
        const RuleSettings r = {.channel = cpu, .window = {USEC_PER_MIN, 1U << WINDOW_COUNT}};

        begin_night(&r, 1);
        home.clock.is_synchronised = false;
        home.clock.wall_usec = USEC_PER_DAY;
        for (uint64_t i = 0; i < 180; i++)
                take_at(i * 1000, 1);
        EXPECT("- cpu temperature_count=60", "- cpu temperature_count=60");
        ck_assert_uint_eq(walls[0], 60);
        ck_assert_uint_eq(walls[1], 120);
        end();
}
END_TEST

START_TEST(with_the_first_line_that_tells_its_time_measuring_begins_anew)
{
        const RuleSettings rules[] = {
                {.channel = cpu,
                 .window = {USEC_PER_MIN, 1U << WINDOW_COUNT},
                 .alarm = {.above = {true, 80}, .hold_usec = 10 * USEC_PER_SEC, .stream = "alarms"}}};

        begin_night(rules, 1);
        take_one("cpu", "temperature", 90);
        sleep_for(USEC_PER_SEC);
        take_at(0, 90);
        EXPECT("- cpu temperature_count=1");
        sleep_for(8 * USEC_PER_SEC);
        EXPECT_NOTHING(); /* of the hold the rest goes on */
        take_one("cpu", "temperature", 90); /* as time does for those that do not tell it */
        sleep_for(52 * USEC_PER_SEC);
        EXPECT("alarm cpu.temperature above 90", "alarms cpu temperature=90 alarm=\"above\" limit=80",
               "- cpu temperature_count=2");
        end();
}
END_TEST

/* Whether something comes is a matter of the present. */
START_TEST(lines_of_the_past_are_a_sign_of_life)
{
        const RuleSettings r = {.channel = cpu, .watch.stale_after_usec = 5 * USEC_PER_MIN};

        begin_night(&r, 1);
        take_at(0, 1);
        take_at(3600000, 1);
        EXPECT("- cpu temperature=1", "- cpu temperature=1");
        sleep_for(5 * USEC_PER_MIN);
        EXPECT("- cpu [stale] temperature=1", "stale cpu: temperature has not come for 5min");
        end();
}
END_TEST

/* A loose wire does not make a sensor well again with each good value. */
START_TEST(a_sensor_outside_its_range_is_in_trouble_until_it_is_good_for_a_while)
{
        const RuleSettings r = {.channel = cpu, .range = {true, 0, 100}, .deadband.width = {true, 1000}};

        begin();
        rule(&r, 1);
        take_one("cpu", "temperature", 20);
        EXPECT("- cpu temperature=20");
        for (int i = 0; i < 10; i++) {
                take_one("cpu", "temperature", i % 2 ? 20 : 101);
                sleep_for(USEC_PER_MIN);
        }
        ck_assert_str_eq(home.lines[1], "stale cpu: temperature is not within 0 to 100: look at the sensor and its wire");
        ck_assert_str_ne(home.lines[home.n_lines - 1], "stale cpu: no more");
        forget();
        sleep_for(3 * USEC_PER_MIN);
        EXPECT_NOTHING();
        take_one("cpu", "temperature", 20);
        EXPECT("stale cpu: no more");
        /* the rule without its range has nothing to say of it */
        take_one("cpu", "temperature", 101);
        forget();
        rule(&(RuleSettings){.channel = cpu, .deadband.width = {true, 1000}}, 1);
        take_one("cpu", "temperature", 101);
        ck_assert_str_eq(home.lines[home.n_lines - 1], "stale cpu: no more");
        end();
}
END_TEST

/* ---- decimals ---- */

START_TEST(what_goes_is_rounded_and_what_is_judged_is_not)
{
        const RuleSettings rules[] = {
                {.channel = cpu, .deadband.width = {true, 0.5}, .decimals = {true, 0}, .range = {true, -40, 80.4}},
                {.channel = cpu, .alarm = {.above = {true, 80}, .stream = "alarms"}},
                {.channel = load, .decimals = {true, 2}}};
        const Channel a[] = {NUMBER("temperature", 20.4), NUMBER("load", 21.299999237060547), NUMBER("fan", 0.123)};
        const Channel b[] = {{"load", {.kind = VALUE_INTEGER, .integer = INT64_MAX}}};
        const Channel c[] = {{"load", {.kind = VALUE_BOOLEAN, .boolean = true}}};
        const Channel d[] = {{"load", {.kind = VALUE_TEXT, .text = "high"}}};

        begin();
        rule(rules, ARRAY_SIZE(rules));
        take("cpu", a, 3);
        EXPECT("- cpu temperature=20 load=21.3 fan=0.123");
        take_one("cpu", "temperature", 20.85); /* 21, but it is no news */
        EXPECT_NOTHING();
        take_one("cpu", "temperature", 20.95);
        EXPECT("- cpu temperature=21");
        take_one("cpu", "temperature", 80.25); /* beyond the limit, though as what goes it is at it */
        EXPECT("- cpu temperature=80", "alarm cpu.temperature above 80.25",
               "alarms cpu temperature=80.25 alarm=\"above\" limit=80");
        take_one("cpu", "temperature", 80.41); /* as what would go it is within the range */
        EXPECT("- cpu [range] temperature=80.41",
               "stale cpu: temperature is not within -40 to 80.4: look at the sensor and its wire");
        take("cpu", b, 1);
        take("cpu", c, 1);
        take("cpu", d, 1);
        take_one("cpu", "load", NAN); /* the collector refuses it */
        take_one("cpu", "load", 1e300);
        take_one("cpu", "load", -0.001);
        EXPECT("- cpu load=9223372036854775807", "- cpu load=true", "- cpu load=\"high\"", "- cpu load=null",
               "- cpu load=1e300", "- cpu load=0");
        end();
}
END_TEST

START_TEST(windows_and_what_goes_once_more_are_rounded_as_well)
{
        const RuleSettings rules[] = {
                {.channel = cpu, .window = {USEC_PER_MIN, 1U << WINDOW_MEAN | 1U << WINDOW_MAX | 1U << WINDOW_COUNT}},
                {.channel = cpu, .decimals = {true, 1}},
                {.channel = load, .watch.stale_after_usec = USEC_PER_MIN, .decimals = {true, 1}}};
        const Channel a[] = {NUMBER("temperature", 21.26), NUMBER("load", 0.26)};
        const Channel b[] = {NUMBER("temperature", 21.27)};

        begin();
        rule(rules, ARRAY_SIZE(rules));
        take("cpu", a, 2);
        take("cpu", b, 1);
        EXPECT("- cpu load=0.3");
        sleep_for(USEC_PER_MIN);
        EXPECT("- cpu temperature_mean=21.3 temperature_max=21.3 temperature_count=2", "- cpu [stale] load=0.3",
               "stale cpu: load has not come for 1min");
        end();
}
END_TEST

/* ---- windows ---- */

START_TEST(a_mean_goes_up_with_the_digits_that_it_has)
{
        const RuleSettings r = {.channel = cpu,
                                .window = {USEC_PER_MIN, 1U << WINDOW_MEAN},
                                .deadband.width = {true, 0.03}};

        begin();
        rule(&r, 1);
        take_one("cpu", "temperature", 21);
        take_one("cpu", "temperature", 21);
        take_one("cpu", "temperature", 22);
        sleep_for(USEC_PER_MIN);
        EXPECT("- cpu temperature_mean=21.3");
        /* what was told is off by 0.033, but the deadband is of the means as they are */
        for (unsigned i = 0; i < 12; i++)
                take_one("cpu", "temperature", i < 4 ? 22 : 21);
        sleep_for(USEC_PER_MIN);
        EXPECT_NOTHING();
        end();
}
END_TEST

START_TEST(windows_of_equal_length_end_together_in_one_reading)
{
        const unsigned all = (1U << WINDOW_MEAN) | (1U << WINDOW_MIN) | (1U << WINDOW_MAX) | (1U << WINDOW_COUNT);
        const RuleSettings rules[] = {{.channel = cpu, .window = {USEC_PER_MIN, all}},
                                      {.channel = load, .window = {USEC_PER_MIN, 1U << WINDOW_MAX}}};

        begin();
        rule(rules, 2);
        for (unsigned i = 1; i <= 4; i++) {
                const Channel c[] = {NUMBER("temperature", i), NUMBER("load", 10 * i), NUMBER("fan", 7)};

                sleep_for(10 * USEC_PER_SEC);
                take("cpu", c, 3);
        }
        EXPECT("- cpu fan=7", "- cpu fan=7", "- cpu fan=7", "- cpu fan=7");
        sleep_for(20 * USEC_PER_SEC);
        EXPECT("- cpu temperature_mean=2.5 temperature_min=1 temperature_max=4 temperature_count=4 load_max=40");
        ck_assert(home.clock.boot_usec % USEC_PER_MIN == 0);
        sleep_for(USEC_PER_HOUR);
        EXPECT_NOTHING();
        end();
}
END_TEST

/* The loop was busy when the window ended: its values are not mixed with the next one's. */
START_TEST(a_value_that_comes_late_belongs_to_the_next_window)
{
        const RuleSettings r = {.channel = cpu, .window = {USEC_PER_MIN, 1U << WINDOW_COUNT}};

        begin();
        rule(&r, 1);
        take_one("cpu", "temperature", 1);
        fake_clock_advance(&home.clock, 90 * USEC_PER_SEC);
        take_one("cpu", "temperature", 2);
        EXPECT("- cpu temperature_count=1");
        end();
}
END_TEST

START_TEST(windows_that_say_nothing_new_stay)
{
        const RuleSettings r = {.channel = cpu,
                                .window = {USEC_PER_MIN, (1U << WINDOW_MEAN) | (1U << WINDOW_COUNT)},
                                .deadband = {.width = {true, 1}, .max_silence_usec = 5 * USEC_PER_MIN}};

        begin();
        rule(&r, 1);
        for (unsigned i = 0; i < 11; i++) {
                take_one("cpu", "temperature", i == 8 ? 30 : 20);
                sleep_for(USEC_PER_MIN);
        }
        EXPECT("- cpu temperature_mean=20 temperature_count=1", "- cpu temperature_mean=20 temperature_count=1",
               "- cpu temperature_mean=30 temperature_count=1", "- cpu temperature_mean=20 temperature_count=1");
        end();
}
END_TEST

/* The settings refuse what is shorter: with it each window goes, for the next one would be too late. */
START_TEST(a_silence_of_two_windows_holds_one_of_them_back)
{
        RuleSettings r = {.channel = cpu,
                          .window = {USEC_PER_MIN, 1U << WINDOW_MEAN},
                          .deadband = {.width = {true, 1}, .max_silence_usec = 2 * USEC_PER_MIN}};

        for (unsigned shorter = 0; shorter < 2; shorter++) {
                r.deadband.max_silence_usec -= shorter;
                begin();
                rule(&r, 1);
                for (unsigned i = 0; i < 12; i++) {
                        take_one("cpu", "temperature", 20);
                        sleep_for(USEC_PER_MIN);
                }
                ck_assert_uint_eq(home.n_lines, shorter ? 12 : 6);
                end();
        }
}
END_TEST

START_TEST(beside_a_window_what_is_out_of_range_is_told_once)
{
        const RuleSettings r = {.channel = cpu, .range = {true, 0, 100}, .window = {USEC_PER_MIN, 1U << WINDOW_MAX}};

        begin();
        rule(&r, 1);
        for (unsigned i = 0; i < 10; i++) {
                take_one("cpu", "temperature", i == 0 || i == 9 ? 50 : 1000 + i);
                sleep_for(USEC_PER_SEC);
        }
        take_one("cpu", "temperature", -1);
        sleep_for(USEC_PER_MIN);
        EXPECT("- cpu [range] temperature=1001",
               "stale cpu: temperature is not within 0 to 100: look at the sensor and its wire",
               "- cpu [range] temperature=-1", "- cpu temperature_max=50");
        end();
}
END_TEST

/* ---- dead men ---- */

START_TEST(a_sensor_that_says_nothing_is_stale_and_that_is_told)
{
        const RuleSettings rules[] = {{.channel = cpu, .watch.stale_after_usec = USEC_PER_MIN},
                                      {.channel = load, .watch.stale_after_usec = 2 * USEC_PER_MIN}};
        const Channel both[] = {NUMBER("temperature", 20), NUMBER("load", 1)};

        begin();
        rule(rules, 2);
        sleep_for(3 * USEC_PER_MIN);
        EXPECT("stale cpu: temperature has not come for 1min"); /* a value that never came cannot be told */
        take("cpu", both, 2);
        EXPECT("- cpu temperature=20 load=1", "stale cpu: no more");
        sleep_for(5 * USEC_PER_MIN);
        EXPECT("- cpu [stale] temperature=20", "stale cpu: temperature has not come for 1min", "- cpu [stale] load=1");
        take_one("cpu", "load", 1);
        EXPECT("- cpu load=1");
        take_one("cpu", "temperature", 20);
        EXPECT("- cpu temperature=20", "stale cpu: no more");
        end();
}
END_TEST

START_TEST(after_a_silence_the_first_value_goes_though_it_is_the_same)
{
        const RuleSettings r = {
                .channel = cpu, .watch.stale_after_usec = USEC_PER_MIN, .deadband.width = {true, 10}};

        begin();
        rule(&r, 1);
        take_one("cpu", "temperature", 20);
        sleep_for(2 * USEC_PER_MIN);
        take_one("cpu", "temperature", 20);
        take_one("cpu", "temperature", 21);
        EXPECT("- cpu temperature=20", "- cpu [stale] temperature=20", "stale cpu: temperature has not come for 1min",
               "- cpu temperature=20", "stale cpu: no more");
        end();
}
END_TEST

START_TEST(a_sensor_that_repeats_itself_is_stale_too)
{
        const RuleSettings r = {
                .channel = cpu, .watch.frozen_after_usec = USEC_PER_MIN, .deadband.width = {true, 10}};

        begin();
        rule(&r, 1);
        for (unsigned i = 0; i < 20; i++) {
                take_one("cpu", "temperature", 20);
                sleep_for(10 * USEC_PER_SEC);
        }
        take_one("cpu", "temperature", 20.1);
        EXPECT("- cpu temperature=20", "- cpu [stale] temperature=20",
               "stale cpu: temperature has been the same for 1min", "- cpu temperature=20.1", "stale cpu: no more");
        rules_tell_stale(home.rules);
        EXPECT_NOTHING();
        end();
}
END_TEST

/* ---- alarms ---- */

START_TEST(an_alarm_goes_into_its_own_stream_and_to_whoever_listens)
{
        const RuleSettings rules[] = {
                {.channel = cpu,
                 .alarm = {.above = {true, 80}, .clear = {true, 75}, .hold_usec = 10 * USEC_PER_SEC, .stream = "alarms"}},
                {.channel = cpu, .deadband.width = {true, 1000}},
                {.channel = cpu, .alarm = {.below = {true, 0}, .stream = "frost"}}};

        begin();
        rule(rules, 3);
        take_one("cpu", "temperature", 81);
        take_one("cpu", "temperature", 79);
        sleep_for(20 * USEC_PER_SEC);
        EXPECT("- cpu temperature=81"); /* not for so long */
        take_one("cpu", "temperature", 81);
        sleep_for(20 * USEC_PER_SEC); /* it says nothing more */
        EXPECT("alarm cpu.temperature above 81", "alarms cpu temperature=81 alarm=\"above\" limit=80");
        take_one("cpu", "temperature", 76);
        EXPECT_NOTHING();
        take_one("cpu", "temperature", -1);
        EXPECT("alarm cpu.temperature clear -1", "alarms cpu temperature=-1 alarm=\"clear\" limit=80",
               "alarm cpu.temperature below -1", "frost cpu temperature=-1 alarm=\"below\" limit=0");
        ck_assert_uint_eq(log_capture_count(&home.log, "Alarm: cpu.temperature is 81, above 80."), 1);
        ck_assert_uint_eq(log_capture_count(&home.log, "Alarm cleared: cpu.temperature is -1."), 1);
        end();
}
END_TEST

START_TEST(those_that_are_raised_are_listed_with_their_beginning)
{
        const RuleSettings rules[] = {
                {.channel = cpu, .alarm = {.above = {true, 80}, .clear = {true, 75}, .hold_usec = USEC_PER_SEC, .stream = "a"}},
                {.channel = cpu, .alarm = {.above = {true, 90}, .stream = "a"}},
                {.channel = room, .alarm = {.below = {true, 5}, .stream = "a"}}};
        char expected[200];
        usec_t frost, heat;

        begin();
        rule(rules, 3);
        expect_raised("");
        frost = home.clock.wall_usec;
        take_one("room", "temperature", 4);
        take_one("cpu", "temperature", 81);
        (void)snprintf(expected, sizeof(expected), "room.temperature below 5 since %" PRIu64, frost);
        expect_raised(expected); /* the other one is held */
        sleep_for(USEC_PER_SEC);
        heat = home.clock.wall_usec;
        sleep_for(USEC_PER_MIN);
        take_one("cpu", "temperature", 79); /* still */
        (void)snprintf(expected, sizeof(expected),
                       "cpu.temperature above 80 since %" PRIu64 ", room.temperature below 5 since %" PRIu64, heat, frost);
        expect_raised(expected);
        rule(rules + 1, 2); /* the reload takes the first away and leaves the others */
        (void)snprintf(expected, sizeof(expected), "room.temperature below 5 since %" PRIu64, frost);
        expect_raised(expected);
        take_one("room", "temperature", 6);
        expect_raised("");
        end();
}
END_TEST

START_TEST(an_alarm_that_is_refused_is_tried_until_it_is_taken)
{
        const RuleSettings r = {.channel = cpu, .alarm = {.above = {true, 80}, .stream = "alarms"}};

        begin();
        rule(&r, 1);
        home.refuse_at = 2;
        take_one("cpu", "temperature", 81);
        EXPECT("- cpu temperature=81", "alarm cpu.temperature above 81");
        sleep_for(USEC_PER_SEC);
        EXPECT("alarms cpu temperature=81 alarm=\"above\" limit=80");
        ck_assert(home.ticker.deadline(home.ticker.userdata) == USEC_INFINITY);
        end();
}
END_TEST

/* ---- refusals ---- */

/* Whichever reading the collector refuses, the next value makes up for it. */
START_TEST(what_was_refused_is_not_taken_for_sent)
{
        const RuleSettings rules[] = {{.channel = cpu, .deadband.width = {true, 1}},
                                      {.channel = load, .deadband.width = {true, 1}, .range = {true, 0, 50}}};
        uint64_t n = 1;

        do {
                begin();
                rule(rules, 2);
                home.silent = true;
                home.refuse_at = n++;
                for (unsigned i = 0; i < 20; i++) {
                        const Channel c[] = {NUMBER("temperature", i / 8.0), NUMBER("load", 45 + i / 2.0)};

                        if (take("cpu", c, 2) != 0)
                                continue;
                        insist(fabs(home.known_temperature - i / 8.0) <= 1);
                        insist(fabs(home.known_load - (45 + i / 2.0)) <= 1);
                }
                insist(home.n_readings >= 8);
                end();
        } while (home.n_readings >= home.refuse_at);
        ck_assert_uint_gt(n, 8);
}
END_TEST

/* ---- reload ---- */

START_TEST(a_reload_leaves_alone_what_did_not_change)
{
        RuleSettings rules[] = {
                {.channel = cpu,
                 .alarm = {.above = {true, 80}, .hold_usec = 10 * USEC_PER_SEC, .stream = "alarms"},
                 .window = {USEC_PER_MIN, 1U << WINDOW_COUNT}},
                {.channel = room, .deadband.width = {true, 5}, .watch.stale_after_usec = USEC_PER_MIN},
        };

        begin();
        rule(rules, 2);
        for (unsigned i = 0; i < 6; i++) {
                sleep_for(8 * USEC_PER_SEC);
                take_one("cpu", "temperature", 81);
                take_one("room", "temperature", 20 + i / 10.0);
                rule(rules, 2);
                if (i == 1)
                        EXPECT("- room temperature=20");
                if (i == 2)
                        EXPECT("alarm cpu.temperature above 81", "alarms cpu temperature=81 alarm=\"above\" limit=80");
        }
        sleep_for(12 * USEC_PER_SEC);
        EXPECT("- cpu temperature_count=6");
        rules[1].deadband.width.value = 0.1; /* a new rule begins anew; the others go on */
        rule(rules, 2);
        take_one("room", "temperature", 20.5);
        take_one("room", "temperature", 20.5);
        EXPECT("- room temperature=20.5");
        sleep_for(2 * USEC_PER_MIN);
        EXPECT("- room [stale] temperature=20.5", "stale room: temperature has not come for 1min");
        rule(rules, 2);
        rules_tell_stale(home.rules);
        EXPECT("stale room: temperature has not come for 1min");
        rule(rules, 1);
        EXPECT("stale room: no more");
        rule(rules + 1, 1);
        EXPECT("alarm cpu.temperature clear 81", "alarms cpu temperature=81 alarm=\"clear\" limit=80");
        /* nobody knows that it is well again */
        ck_assert_uint_eq(log_capture_count(&home.log, "Alarm cleared"), 0);
        ck_assert_uint_eq(log_capture_count(&home.log, "cpu.temperature, above 80, ends: its rule was removed or changed"), 1);
        end();
}
END_TEST

START_TEST(a_window_whose_rule_changes_goes_as_far_as_it_is)
{
        enum { LONGER, OTHER_VALUES, NO_WINDOW, OTHER_CHANNEL, NO_RULE, _CHANGES };
        const RuleSettings before = {.channel = cpu,
                                     .window = {USEC_PER_MIN, 1U << WINDOW_MAX | 1U << WINDOW_COUNT},
                                     .decimals = {true, 0}};
        const Channel c[] = {NUMBER("temperature", 20.4), NUMBER("load", 5)};

        for (unsigned change = 0; change < _CHANGES; change++) {
                RuleSettings after = {.channel = change == OTHER_CHANNEL ? load : cpu, .window = before.window};

                begin();
                rule(&before, 1);
                sleep_for(50 * USEC_PER_SEC);
                take("cpu", c, 2);
                take_one("cpu", "temperature", 19);
                EXPECT("- cpu load=5");
                if (change == LONGER)
                        after.window.length_usec *= 2;
                else if (change == OTHER_VALUES)
                        after.window.send = 1U << WINDOW_MIN;
                else if (change == NO_WINDOW)
                        after = (RuleSettings){.channel = cpu, .range = {true, 0, 100}};
                rule(&after, change != NO_RULE);
                EXPECT("- cpu temperature_max=20 temperature_count=2"); /* by the old rule: rounded */
                sleep_for(5 * USEC_PER_MIN);
                EXPECT_NOTHING(); /* and once */
                end();
        }
}
END_TEST

START_TEST(a_window_that_was_due_goes_as_of_its_end_before_its_rule_does)
{
        const RuleSettings r = {.channel = cpu, .window = {USEC_PER_MIN, 1U << WINDOW_COUNT}};

        begin_night(&r, 1);
        take_at(30000, 1);
        fake_clock_advance(&home.clock, 40 * USEC_PER_SEC); /* and the loop did not turn meanwhile */
        rule(NULL, 0);
        EXPECT("- cpu temperature_count=1");
        ck_assert_uint_eq(walls[0], 60);
        end();
}
END_TEST

/* Whatever becomes of its rule: the one that did not change goes on waiting. */
START_TEST(a_value_that_waits_goes_before_its_interval_does)
{
        const DeadbandSettings band = {.width = {true, 0.5}, .min_interval_usec = 5 * USEC_PER_SEC};
        const RuleSettings stays = {.channel = room, .deadband = band};
        const RuleSettings changes[] = {
                {.channel = cpu, .deadband = {.width = {true, 0.5}, .min_interval_usec = 6 * USEC_PER_SEC}},
                {.channel = cpu, .deadband = {.width = {true, 100}, .min_interval_usec = 5 * USEC_PER_SEC}},
                {.channel = cpu, .deadband.width = {true, 0.5}},
                {.channel = cpu, .window = {USEC_PER_MIN, 1U << WINDOW_MAX}, .deadband = band},
                {.channel = cpu, .range = {true, 0, 10}},
                {.channel = load, .deadband = band},
                stays, /* its sensor has no rule at all any more */
        };

        for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
                const RuleSettings before[] = {{.channel = cpu, .deadband = band}, stays}, after[] = {stays, changes[i]};

                begin();
                rule(before, 2);
                for (double x = 1; x <= 50; x += 49) {
                        take_one("cpu", "temperature", x);
                        take_one("room", "temperature", x);
                        sleep_for(USEC_PER_SEC);
                }
                EXPECT("- cpu temperature=1", "- room temperature=1");
                rule(after, changes[i].channel == room ? 1 : 2);
                EXPECT("- cpu temperature=50");
                sleep_for(USEC_PER_MIN);
                EXPECT("- room temperature=50"); /* and the other once */
                end();
        }
}
END_TEST

START_TEST(what_outlives_its_stream_goes_by_the_usual_one)
{
        const RuleSettings r = {.channel = cpu, .window = {USEC_PER_MIN, 1U << WINDOW_COUNT}};
        const Channel c = NUMBER("temperature", 20);

        for (unsigned gone = 0; gone < 2; gone++) {
                const StreamSettings streams[] = {{.name = STREAM_DEFAULT}, {.name = "own"}};

                begin();
                ck_assert_int_eq(rules_know_streams(home.rules, streams, 2), 0);
                rule(&r, 1);
                (void)home.sink.reading(home.sink.userdata, "own",
                                        &(Reading){.sensor = "cpu", .channels = &c, .n_channels = 1});
                ck_assert_int_eq(rules_know_streams(home.rules, streams, 2 - gone), 0);
                rule(NULL, 0);
                EXPECT(gone ? "- cpu temperature_count=1" : "own cpu temperature_count=1");
                end();
        }
}
END_TEST

static uint64_t dice_state;

static uint64_t dice(uint64_t n)
{
        dice_state = dice_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (dice_state >> 33) % n;
}

static char *const some_channels[] = {cpu, load, room};

static RuleSettings some_rule(size_t i)
{
        RuleSettings r = {.channel = some_channels[i]};

        if (dice(2))
                r.range = (NumberRange){true, -20, 60};
        if (dice(2))
                r.watch.stale_after_usec = USEC_PER_SEC * (10 + dice(60));
        if (dice(2))
                r.watch.frozen_after_usec = USEC_PER_SEC * (10 + dice(60));
        if (dice(2))
                r.alarm = (AlarmSettings){
                        .above = {true, 40}, .clear = {dice(2), 30}, .hold_usec = USEC_PER_SEC * dice(20), .stream = "alarms"};
        if (dice(3) == 0)
                r.window = (WindowSettings){USEC_PER_SEC * (5 + dice(60)), (unsigned)dice(15) + 1};
        else if (dice(3) == 0)
                r.deadband.min_interval_usec = USEC_PER_SEC * (1 + dice(20));
        if (dice(2))
                r.deadband.width = (NumberLimit){true, (double)dice(40) / 10};
        if (r.deadband.width.is_set && dice(2))
                r.deadband.max_silence_usec = USEC_PER_SEC * (5 + dice(100));
        return r;
}

/* Rules, readings and pauses of all kinds; with_reloads: the same rules again and again. */
static RuleSettings live_rules[3];

static void live(uint64_t seed, bool with_reloads, void (*look)(const char *stream, const Reading *reading))
{
        RuleSettings *rules = live_rules;
        double t = 20, l = 1;

        begin();
        home.look = look;
        dice_state = seed * 7919 + 1;
        for (size_t i = 0; i < 3; i++)
                rules[i] = some_rule(i);
        rule(rules, 3);
        for (unsigned i = 0; i < 300; i++) {
                const Channel channels[] = {NUMBER("temperature", t), NUMBER("load", l), NUMBER("fan", 7)};
                size_t from = dice(2);

                t += dice(4) == 0 ? (double)dice(600) / 10 - 30 : dice(3) == 0 ? 0 : (double)dice(20) / 10 - 1;
                t = CLAMP(t, -40.0, 80.0);
                l = dice(3) == 0 ? (double)dice(50) : l;
                (void)take(dice(3) == 0 ? "room" : "cpu", channels + from, 3 - from);
                insist(home.ticker.deadline(home.ticker.userdata) > home.clock.boot_usec);
                if (with_reloads && i % 7 == 0)
                        rule(rules, 3);
                sleep_for(USEC_PER_SEC * (dice(20) == 0 ? dice(200) : dice(12)) + dice(1000));
        }
}

START_TEST(the_same_rules_again_change_nothing_whenever_they_come)
{
        for (uint64_t seed = 1; seed <= 40; seed++) {
                char *lines[LINES_MAX];
                size_t n;

                live(seed, false, NULL);
                n = home.n_lines;
                memcpy(lines, home.lines, n * sizeof(*lines));
                home.n_lines = 0;
                end();
                live(seed, true, NULL);
                insist(n > 20 && n < LINES_MAX && home.n_lines == n);
                for (size_t i = 0; i < n; i++) {
                        ck_assert_str_eq(home.lines[i], lines[i]);
                        free(lines[i]);
                }
                end();
        }
}
END_TEST

static uint64_t n_marked, n_unmarked, n_windows, n_alarms;

/* The rule of this channel, or of what a window makes of it; NULL: it has none. */
static const RuleSettings *rule_of(const char *sensor, const char *channel)
{
        for (size_t i = 0; i < ARRAY_SIZE(live_rules); i++) {
                const char *name = strchr(live_rules[i].channel, '.') + 1;

                if (strncmp(live_rules[i].channel, sensor, strlen(sensor)) == 0 &&
                    strncmp(channel, name, strlen(name)) == 0)
                        return &live_rules[i];
        }
        return NULL;
}

static void look_at_range(const char *stream, const Reading *reading)
{
        bool alarm = strcmp(stream ?: "", "alarms") == 0;

        for (size_t i = 0; i < reading->n_channels; i++) {
                const Channel *c = &reading->channels[i];
                const RuleSettings *s = rule_of(reading->sensor, c->name);
                bool window = s && strchr(c->name, '_'), inside = true;

                if (s && c->value.kind == VALUE_NUMBER)
                        inside = number_range_has(&s->range, c->value.number);
                insist(inside == (reading->quality != QUALITY_RANGE) ||
                       (!inside && reading->quality == QUALITY_STALE && !window)); /* the last one that came */
                insist(inside || !alarm);
                n_marked += !inside;
                n_unmarked += inside && s && s->range.is_set;
                n_windows += window && s->range.is_set;
                n_alarms += alarm && s && s->range.is_set;
        }
}

START_TEST(nobody_believes_what_is_outside_its_range)
{
        for (uint64_t seed = 1; seed <= 400; seed++) {
                live(seed, seed % 2, look_at_range);
                end();
        }
        printf("# %llu values marked, %llu not, %llu of windows and %llu of alarms among them\n",
               (unsigned long long)n_marked, (unsigned long long)n_unmarked, (unsigned long long)n_windows,
               (unsigned long long)n_alarms);
        ck_assert(n_marked > 1000 && n_unmarked > 1000 && n_windows > 1000 && n_alarms > 1000);
}
END_TEST

START_TEST(without_memory_the_rules_stay_as_they_are)
{
        const RuleSettings old = {.channel = cpu, .deadband.width = {true, 1}};
        const RuleSettings rules[] = {{.channel = cpu, .alarm = {.above = {true, 1}, .stream = "alarms"}},
                                      {.channel = load, .range = {true, 0, 1}},
                                      {.channel = room, .alarm = {.above = {true, 1}, .stream = "alarms"}}};

        for (uint64_t n = 1;; n++) {
                int r;

                begin();
                rule(&old, 1);
                take_one("cpu", "temperature", 20);
                fail_alloc(n, 1);
                r = rules_configure(home.rules, rules, 3);
                if (!fail_alloc_stop()) {
                        ck_assert_int_eq(r, 0);
                        ck_assert_uint_gt(n, 5);
                        end();
                        return;
                }
                ck_assert_int_eq(r, -ENOMEM);
                take_one("cpu", "temperature", 20.5);
                take_one("room", "temperature", 20);
                EXPECT("- cpu temperature=20", "- room temperature=20");
                end();
        }
}
END_TEST

/* ---- cost ---- */

static double cpu_seconds(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The best of several rounds: a busy machine only makes them worse. */
static double nanoseconds_a_reading(const Channel *channels, size_t n_channels)
{
        const unsigned n = 20000;
        double best = INFINITY;

        for (unsigned round = 0; round < 10; round++) {
                double before = cpu_seconds();

                for (unsigned i = 0; i < n; i++)
                        (void)take("cpu", channels, n_channels);
                best = fmin(best, (cpu_seconds() - before) / n * 1e9);
        }
        return best;
}

START_TEST(a_rule_costs_less_than_a_microsecond)
{
        const RuleSettings whole = {
                .range = {true, -40, 125},
                .watch = {USEC_PER_MIN, USEC_PER_MIN},
                .alarm = {.above = {true, 80}, .clear = {true, 75}, .hold_usec = USEC_PER_SEC, .stream = "alarms"},
                .deadband = {.width = {true, 0.5}, .max_silence_usec = USEC_PER_MIN},
        };
        RuleSettings rules[32];
        char names[32][16];
        Name channel_names[32];
        Channel channels[32];
        double none, all;

        begin();
        home.silent = true;
        for (unsigned i = 0; i < 32; i++) {
                (void)snprintf(channel_names[i], sizeof(Name), "c%u", i);
                (void)snprintf(names[i], sizeof(names[i]), "cpu.c%u", i);
                rules[i] = whole;
                rules[i].channel = names[i];
                channels[i] = (Channel)NUMBER(channel_names[i], 20);
        }
        none = nanoseconds_a_reading(channels, 32);
        rule(rules, 32);
        all = nanoseconds_a_reading(channels, 32);
        printf("# a reading of 32 channels: %.0f ns without rules, %.0f ns with 32 rules of five parts: %.0f ns a rule\n",
               none, all, (all - none) / 32);
        ck_assert(all - none < 32 * 1000);
        end();
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/rules");
        TCase *c = suite_case(s, "what passes");

        tcase_add_test(c, without_a_rule_everything_passes_as_it_is);
        tcase_add_test(c, of_a_reading_the_channels_go_that_have_news);
        tcase_add_test(c, what_is_outside_its_range_goes_marked_and_by_itself);
        tcase_add_test(c, nobody_believes_what_is_outside_its_range);
        tcase_add_test(c, a_silence_ends_with_the_last_value_at_its_own_time);
        tcase_add_test(c, integers_stay_integers_and_booleans_booleans);
        tcase_add_test(c, texts_and_what_is_no_number_pass);
        tcase_add_test(c, how_far_a_source_was_read_travels_with_what_goes_next);
        tcase_add_test(c, a_source_is_read_on_before_what_waits);
        tcase_add_test(c, what_a_deadband_keeps_is_decided);
        tcase_add_test(c, wherever_it_is_killed_each_line_is_in_one_window);
        tcase_add_test(c, whenever_the_rules_change_each_line_is_in_one_window);
        tcase_add_test(c, at_the_end_of_the_day_goes_what_waits);
        c = suite_case(s, "lines that are given again");
        tcase_add_test(c, a_line_that_is_given_again_counts_once);
        c = suite_case(s, "lines that tell their time");
        tcase_add_test(c, a_night_at_once_has_the_windows_of_the_night);
        tcase_add_test(c, a_pause_within_lines_loses_and_doubles_none);
        tcase_add_test(c, an_alarm_in_a_night_is_held_as_long_as_it_says);
        tcase_add_test(c, silences_and_intervals_of_lines_are_as_they_say);
        tcase_add_test(c, lines_that_are_late_or_of_the_future_are_of_the_present);
        tcase_add_test(c, what_is_older_than_what_was_judged_changes_no_alarm);
        tcase_add_test(c, the_order_of_one_channel_is_not_that_of_another);
        tcase_add_test(c, a_clock_that_was_set_back_is_followed);
        tcase_add_test(c, a_clock_that_stands_stops_nothing);
        tcase_add_test(c, with_the_first_line_that_tells_its_time_measuring_begins_anew);
        tcase_add_test(c, lines_of_the_past_are_a_sign_of_life);
        c = suite_case(s, "clocks that are wrong");
        tcase_add_test(c, a_line_of_the_future_dates_none_but_itself);
        tcase_add_test(c, a_clock_that_is_set_right_loses_and_doubles_none);
        tcase_add_test(c, a_window_of_the_future_ends_in_the_present);
        tcase_add_test(c, an_alarm_does_not_carry_the_time_of_another_line);
        tcase_add_test(c, a_line_of_the_future_silences_no_alarm);
        tcase_add_test(c, lines_that_stay_in_the_past_are_followed);
        tcase_add_test(c, a_clock_that_is_right_dates_windows_before_ours_does);
        c = suite_case(s, "decimals");
        tcase_add_test(c, what_goes_is_rounded_and_what_is_judged_is_not);
        tcase_add_test(c, windows_and_what_goes_once_more_are_rounded_as_well);
        c = suite_case(s, "windows");
        tcase_add_test(c, a_mean_goes_up_with_the_digits_that_it_has);
        tcase_add_test(c, windows_of_equal_length_end_together_in_one_reading);
        tcase_add_test(c, a_value_that_comes_late_belongs_to_the_next_window);
        tcase_add_test(c, windows_that_say_nothing_new_stay);
        tcase_add_test(c, a_silence_of_two_windows_holds_one_of_them_back);
        tcase_add_test(c, beside_a_window_what_is_out_of_range_is_told_once);
        c = suite_case(s, "dead men's switches");
        tcase_add_test(c, a_sensor_that_says_nothing_is_stale_and_that_is_told);
        tcase_add_test(c, after_a_silence_the_first_value_goes_though_it_is_the_same);
        tcase_add_test(c, a_sensor_that_repeats_itself_is_stale_too);
        tcase_add_test(c, a_sensor_outside_its_range_is_in_trouble_until_it_is_good_for_a_while);
        c = suite_case(s, "alarms");
        tcase_add_test(c, an_alarm_goes_into_its_own_stream_and_to_whoever_listens);
        tcase_add_test(c, those_that_are_raised_are_listed_with_their_beginning);
        tcase_add_test(c, an_alarm_that_is_refused_is_tried_until_it_is_taken);
        c = suite_case(s, "refusals");
        tcase_add_test(c, what_was_refused_is_not_taken_for_sent);
        c = suite_case(s, "a reload");
        tcase_add_test(c, a_reload_leaves_alone_what_did_not_change);
        tcase_add_test(c, a_window_whose_rule_changes_goes_as_far_as_it_is);
        tcase_add_test(c, a_window_that_was_due_goes_as_of_its_end_before_its_rule_does);
        tcase_add_test(c, a_value_that_waits_goes_before_its_interval_does);
        tcase_add_test(c, what_outlives_its_stream_goes_by_the_usual_one);
        tcase_add_test(c, the_same_rules_again_change_nothing_whenever_they_come);
        tcase_add_test(c, without_memory_the_rules_stay_as_they_are);
        c = suite_case(s, "the cost");
        tcase_add_test(c, a_rule_costs_less_than_a_microsecond);
        return suite_run(s);
}
