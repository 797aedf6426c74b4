/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/driver.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log-id.h"
#include "bench.h"
#include "log-capture.h"
#include "suite.h"

static Bench bench;
static Sensors *sensors;
static Ticker ticker;
static LogCapture capture;
static char folder[32], path[64];
static SensorSettings settings;

/* What the book knows, and was told. */
static PositionAnswer known;
static SourcePosition position, passed;
static unsigned n_passed;

/* The positions of the readings, as they came. */
static SourcePosition came[4096], before[4096];
static size_t n_came;
static int (*bench_reading)(void *userdata, const char *stream, const Reading *reading);

static PositionAnswer on_find(void *userdata, const char *source, uint32_t place, SourcePosition *ret)
{
        ck_assert_uint_eq(place, source_place(path));
        ck_assert_str_eq(source, "meter");
        *ret = position;
        return known;
}

static void on_passed(void *userdata, const char *source, const SourcePosition *at)
{
        ck_assert_str_eq(source, "meter");
        passed = *at;
        n_passed++;
}

static int on_reading(void *userdata, const char *stream, const Reading *reading)
{
        int r = bench_reading(userdata, stream, reading);

        ck_assert_str_eq(reading->source, "meter");
        if (r == 0 && n_came < ARRAY_SIZE(came)) {
                before[n_came] = reading->before;
                came[n_came++] = reading->position;
        }
        return r;
}

static void begin(void)
{
        const PositionBook book = {on_find, on_passed, NULL};

        ck_assert_int_eq(sensors_new(&sensors, bench.event, &bench.clock.clock, &bench.random.random, &i2c_port_kernel,
                                     &bench.sink), 0);
        sensors_keep_positions(sensors, &book);
        ticker = sensors_ticker(sensors);
}

static void setup(void)
{
        bench_init(&bench);
        bench_reading = bench.sink.reading;
        bench.sink.reading = on_reading;
        log_capture_begin(&capture);
        strcpy(folder, "/tmp/hublink-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        (void)snprintf(path, sizeof(path), "%s/meter.log", folder);
        settings = (SensorSettings){.name = "meter", .driver = (char *)"tail", .path = path};
        known = POSITION_NONE;
        position = passed = (SourcePosition){};
        n_passed = 0;
        n_came = 0;
        begin();
}

static void teardown(void)
{
        char command[64];

        sensors = sensors_free(sensors);
        log_capture_end(&capture);
        bench_done(&bench);
        (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
        ck_assert_int_eq(system(command), 0);
}

static void configure(void)
{
        char *error = NULL;

        ck_assert_msg(sensor_settings_check(&settings, &error) == 0, "%s", error);
        ck_assert_int_eq(sensors_configure(sensors, &settings, 1), 0);
}

static void append(const char *text)
{
        FILE *f = fopen(path, "a");

        ck_assert_ptr_nonnull(f);
        ck_assert_int_ge(fputs(text, f), 0);
        ck_assert_int_eq(fclose(f), 0);
}

static void live(usec_t usec)
{
        bench_live(&bench, &ticker, usec);
}

static void live_until(const size_t *n, size_t at_least)
{
        for (int i = 0; i < 4000 && *n < at_least; i++)
                live(50 * USEC_PER_MSEC);
        ck_assert_msg(*n >= at_least, "%zu of %zu", *n, at_least);
}

static SensorState state(void)
{
        return sensors_status(sensors, 0)->state;
}

START_TEST(each_line_is_a_reading_once_it_ends)
{
        append("{\"a\":1}\n\n  \r\n{\"a\":2,\"s\":\"other\",\"t\":1767225600000}\n{\"a\":");
        configure();
        live_until(&bench.n_readings, 2);
        live(USEC_PER_SEC);
        ck_assert_uint_eq(bench.n_readings, 2);
        ck_assert_str_eq(bench.readings[0], "meter a=1i");
        ck_assert_str_eq(bench.readings[1], "other a=2i");
        ck_assert_uint_eq(bench.last_wall_usec, 1767225600000 * USEC_PER_MSEC);
        append("3}\r\n");
        live_until(&bench.n_readings, 3);
        ck_assert_str_eq(bench_last(&bench), "meter a=3i");
        ck_assert_int_eq(state(), SENSOR_OK);
        ck_assert_uint_eq(capture.n_lines, 0);
        for (size_t i = 1; i < n_came; i++)
                ck_assert(came[i].serial > came[i - 1].serial && came[i].offset > came[i - 1].offset);
        ck_assert_uint_eq(came[0].offset, 8);
        /* said also where each was delivered: rules may have kept one back */
        ck_assert_uint_eq(passed.serial, came[n_came - 1].serial);
        ck_assert_uint_ne(came[0].file, 0);
        ck_assert_uint_eq(came[0].place, source_place(path));
        ck_assert_uint_eq(before[1].place, source_place(path));
}
END_TEST

START_TEST(channels_pick_their_parts)
{
        ChannelSettings channels[] = {{.name = "level", .scale = 0.1, .field = 2},
                                      {.name = "valve", .scale = 1, .text = true, .pattern = (char *)"valve=([a-z]+)"}};

        settings.channels = channels;
        settings.n_channels = ARRAY_SIZE(channels);
        append("10:00 125 valve=open\n10:01 x valve=open\n10:02 130 valve=shut\n");
        configure();
        live_until(&bench.n_readings, 2);
        ck_assert_str_eq(bench.readings[0], "meter level=12.5 valve='open'");
        ck_assert_str_eq(bench.readings[1], "meter level=13 valve='shut'");
        ck_assert_uint_eq(bench.refused[REFUSAL_MALFORMED], 1);
        ck_assert_uint_eq(log_capture_count(&capture, "was refused (malformed)"), 1);
        ck_assert_uint_eq(log_capture_count(&capture, "only counted. The line: 10:01 x valve=open"), 1);
}
END_TEST

static ChannelSettings slow_channels[8];

/* It takes one of them some 0.2 s to find no number in a line of 8,000 digits. */
static void use_slow_patterns(size_t n)
{
        for (size_t i = 0; i < n; i++) {
                slow_channels[i] = (ChannelSettings){.scale = 1, .pattern = (char *)"([0-9.]+) *Cel|end"};
                (void)snprintf(slow_channels[i].name, sizeof(slow_channels[i].name), "c%zu", i);
        }
        settings.channels = slow_channels;
        settings.n_channels = n;
}

static void append_digits(void)
{
        char digits[8000 + 1];

        memset(digits, '0', sizeof(digits));
        strcpy(digits + sizeof(digits) - 5, "end\n");
        append(digits);
}

START_TEST(a_pattern_that_takes_long_does_not_hold_up_the_loop)
{
        usec_t cpu;

        use_slow_patterns(1);
        append("1 Cel\n");
        for (int i = 0; i < 4; i++)
                append_digits();
        append("2 Cel\n");
        configure();
        cpu = bench_cpu();
        live_until(&bench.n_readings, 2);
        ck_assert_uint_lt(bench_cpu() - cpu, 200 * USEC_PER_MSEC);
        ck_assert_str_eq(bench_last(&bench), "meter c0=2");
        ck_assert_uint_eq(bench.refused[REFUSAL_MALFORMED], 4);
        ck_assert_uint_eq(came[1].offset, 6 + 4 * 8000 + 6);
}
END_TEST

/* Until the worker's thread is at the long line; then it does not come back in time. */
static void give_up_a_line(void)
{
        usec_t cpu = bench_cpu_of_others();

        while (usec_sub(bench_cpu_of_others(), cpu) < 50 * USEC_PER_MSEC) {
                bench_tick(&bench, &ticker);
                (void)sd_event_run(bench.event, USEC_PER_MSEC);
        }
        fake_clock_advance(&bench.clock, 11 * USEC_PER_SEC);
        bench_tick(&bench, &ticker);
}

START_TEST(a_line_that_a_pattern_does_not_come_back_from_is_passed_over)
{
        use_slow_patterns(ARRAY_SIZE(slow_channels));
        append("1 Cel\n2 Cel\n");
        append_digits();
        append("3 Cel\n");
        configure();
        give_up_a_line();
        ck_assert_int_eq(state(), SENSOR_FAILING);
        ck_assert_ptr_nonnull(strstr(sensors_status(sensors, 0)->last_error, "within 10 s, for `pattern` is not"));
        ck_assert_uint_eq(bench.n_readings, 0);
        live(50 * USEC_PER_MSEC); /* the thread comes back after all */
        fake_clock_advance(&bench.clock, USEC_PER_SEC);
        give_up_a_line();
        ck_assert_uint_eq(bench.n_readings, 2);
        ck_assert_uint_eq(bench.refused[REFUSAL_TOO_LONG], 1);
        ck_assert_uint_eq(passed.offset, 6 + 6 + 8000);
        live_until(&bench.n_readings, 3);
        ck_assert_int_eq(state(), SENSOR_OK);
        ck_assert_str_eq(bench_last(&bench), "meter c0=3 c1=3 c2=3 c3=3 c4=3 c5=3 c6=3 c7=3");
        ck_assert_uint_eq(bench.n_refused, 1);
        ck_assert_uint_eq(log_capture_count(&capture, "did not come to an end within 10 s, twice"), 1);
}
END_TEST

START_TEST(lines_of_influxdb_are_taken)
{
        settings.format = (char *)"influx";
        append("# by hand\nair,mast=2 wind=4.5 1763647200123456789\n{\"a\":1}\nair wind=1 1763647200123\nair calm=t\n");
        configure();
        live_until(&bench.n_readings, 2);
        ck_assert_str_eq(bench.readings[0], "air mast='2' wind=4.5");
        ck_assert_str_eq(bench.readings[1], "air calm=true");
        ck_assert_uint_eq(came[0].offset, 10 + 40);
        ck_assert_uint_eq(bench.refused[REFUSAL_MALFORMED], 1);
        ck_assert_uint_eq(bench.refused[REFUSAL_RANGE], 1);
}
END_TEST

/* Too short to be known by what it holds; but it was seen to come while the file had its name. */
START_TEST(a_copy_that_somebody_makes_is_not_read)
{
        char command[256];

        append("{\"a\":1}\n{\"a\":2}\n");
        configure();
        live_until(&bench.n_readings, 2);
        live(USEC_PER_SEC);
        (void)snprintf(command, sizeof(command), "cp %s %s-20261122", path, path);
        ck_assert_int_eq(system(command), 0);
        live(USEC_PER_SEC);
        (void)snprintf(command, sizeof(command), "mv %s %s.1", path, path);
        ck_assert_int_eq(system(command), 0);
        append("{\"a\":3}\n");
        live(11 * USEC_PER_SEC);
        ck_assert_uint_eq(bench.n_readings, 3);
        ck_assert_str_eq(bench_last(&bench), "meter a=3i");
}
END_TEST

START_TEST(it_goes_on_where_it_was)
{
        append("{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n");
        configure();
        live_until(&bench.n_readings, 3);
        for (size_t from = 0; from < 3; from++) {
                sensors = sensors_free(sensors);
                known = POSITION_FOUND;
                position = came[from];
                begin();
                configure();
                live_until(&bench.n_readings, bench.n_readings + 2 - from);
                live(USEC_PER_SEC);
                ck_assert_str_eq(bench_last(&bench), "meter a=3i");
        }
        ck_assert_uint_eq(bench.n_readings, 3 + 2 + 1);
        /* each line begins where the one before ended */
        ck_assert_uint_gt(before[0].serial, 0);
        ck_assert_uint_eq(before[0].offset, 0);
        for (size_t i = 1; i < 3; i++)
                ck_assert_mem_eq(&before[i], &came[i - 1], sizeof(before[i]));
        /* serials go on, too */
        ck_assert_uint_gt(came[3].serial, came[0].serial);
}
END_TEST

START_TEST(nothing_is_read_before_it_is_known_where)
{
        append("{\"a\":1}\n");
        known = POSITION_WAIT;
        configure();
        live(2 * USEC_PER_SEC);
        ck_assert_uint_eq(bench.n_readings, 0);
        known = POSITION_NONE;
        live_until(&bench.n_readings, 1);
}
END_TEST

START_TEST(from_the_end_is_a_position_of_its_own)
{
        append("{\"a\":1}\n{\"a\":2}\n");
        settings.from_end = true;
        configure();
        live(2 * USEC_PER_SEC);
        ck_assert_uint_eq(bench.n_readings, 0);
        ck_assert_uint_eq(n_passed, 1);
        ck_assert_uint_eq(passed.offset, 16);
        /* killed, before any line was taken */
        sensors = sensors_free(sensors);
        append("{\"a\":3}\n");
        known = POSITION_FOUND;
        position = passed;
        begin();
        configure();
        live_until(&bench.n_readings, 1);
        ck_assert_str_eq(bench_last(&bench), "meter a=3i");
}
END_TEST

START_TEST(rotation_of_both_kinds_is_followed)
{
        char to[80], command[512];

        (void)snprintf(to, sizeof(to), "%s.1", path);
        append("{\"a\":1}\n");
        configure();
        live_until(&bench.n_readings, 1);
        append("{\"a\":2}\n{\"a\":3}"); /* its end never comes: the rest of the file is a line */
        ck_assert_int_eq(rename(path, to), 0);
        append("{\"a\":4}\n");
        live_until(&bench.n_readings, 4);
        ck_assert_str_eq(bench.readings[2], "meter a=3i");
        append("{\"a\":5}\n");
        (void)snprintf(command, sizeof(command), "mv %s %s.2; cp %s %s && : > %s", to, path, path, to, path);
        ck_assert_int_eq(system(command), 0);
        append("{\"a\":6}\n");
        live_until(&bench.n_readings, 6);
        for (size_t i = 0; i < 6; i++) {
                char line[32];

                (void)snprintf(line, sizeof(line), "meter a=%zui", i + 1);
                ck_assert_str_eq(bench.readings[i], line);
        }
        ck_assert_uint_eq(capture.n_lines, 0);
        ck_assert_int_eq(truncate(path, 0), 0);
        live(15 * USEC_PER_SEC);
        append("{\"a\":7}\n");
        live_until(&bench.n_readings, 7);
        ck_assert_uint_eq(log_capture_count(&capture, "was cut or replaced"), 1);
}
END_TEST

START_TEST(a_lost_file_makes_one_line_and_its_return_another)
{
        configure();
        live(2 * USEC_PER_MIN);
        ck_assert_int_eq(state(), SENSOR_FAILING);
        ck_assert_uint_eq(capture.n_lines, 1);
        ck_assert_str_eq(capture.ids[0], LOG_ID_SENSOR_FAILING);
        ck_assert_ptr_nonnull(strstr(sensors_status(sensors, 0)->last_error, "does not exist"));
        append("{\"a\":1}\n");
        live_until(&bench.n_readings, 1);
        ck_assert_int_eq(state(), SENSOR_OK);
        ck_assert_uint_eq(capture.n_lines, 2);
        ck_assert_str_eq(capture.ids[1], LOG_ID_SENSOR_RECOVERED);
        /* away for the time of a rotation is not lost */
        ck_assert_int_eq(unlink(path), 0);
        live(USEC_PER_SEC);
        append("{\"a\":2}\n");
        live_until(&bench.n_readings, 2);
        ck_assert_uint_eq(capture.n_lines, 2);
        ck_assert_int_eq(unlink(path), 0);
        live(2 * USEC_PER_MIN);
        ck_assert_uint_eq(capture.n_lines, 3);
        append("{\"a\":3}\n");
        live_until(&bench.n_readings, 3);
        ck_assert_uint_eq(capture.n_lines, 4);
}
END_TEST

START_TEST(bad_lines_are_passed_over_and_told_once)
{
        settings.max_line = 64;
        append("nonsense\n{\"a\":1}\n");
        for (int i = 0; i < 500; i++)
                append("more nonsense\n");
        for (int i = 0; i < 3000; i++)
                append("a line without an end that is far longer than is allowed ");
        append("\n{\"a\":2}\n{\"t\":5,\"a\":3}\n");
        configure();
        live_until(&bench.n_readings, 2);
        live(USEC_PER_SEC);
        ck_assert_str_eq(bench.readings[1], "meter a=2i");
        ck_assert_uint_eq(bench.refused[REFUSAL_MALFORMED], 501);
        ck_assert_uint_eq(bench.refused[REFUSAL_TOO_LONG], 1);
        ck_assert_uint_eq(bench.refused[REFUSAL_RANGE], 1);
        ck_assert_uint_eq(capture.n_lines, 3);
        /* what came after the last reading is said as well */
        ck_assert_uint_gt(passed.serial, came[1].serial);
        ck_assert_uint_gt(passed.offset, came[1].offset);
}
END_TEST

START_TEST(without_room_lines_wait_in_their_file)
{
        for (int i = 0; i < 1000; i++)
                append("{\"a\":1}\n");
        bench.ready = false;
        configure();
        live(5 * USEC_PER_SEC);
        ck_assert_uint_eq(bench.n_readings, 0);
        bench.ready = true;
        live_until(&bench.n_readings, 1000);
        live(2 * USEC_PER_SEC);
        ck_assert_uint_eq(bench.n_readings, 1000);
        ck_assert_uint_eq(bench.n_refused, 0);
        /* refused in the last moment: it comes again */
        append("{\"a\":2}\n");
        bench.ready = true;
        bench.full = true;
        live(USEC_PER_SEC);
        bench.full = false;
        append("{\"a\":3}\n");
        live_until(&bench.n_readings, 1001);
        ck_assert_str_eq(bench_last(&bench), "meter a=3i"); /* it said it had room: the line itself was at fault */
}
END_TEST

START_TEST(the_rate_is_kept)
{
        usec_t began;

        settings.max_rate = 100;
        for (int i = 0; i < 500; i++)
                append("{\"a\":1}\n");
        configure();
        live_until(&bench.n_readings, 1);
        began = bench.clock.boot_usec;
        live_until(&bench.n_readings, 500);
        ck_assert_uint_ge(bench.clock.boot_usec - began, 3900 * USEC_PER_MSEC);
        ck_assert_uint_le(bench.clock.boot_usec - began, 8 * USEC_PER_SEC);
}
END_TEST

START_TEST(while_it_may_not_read_on_writes_wake_nobody)
{
        unsigned n = 0;

        settings.max_rate = 1;
        for (int i = 0; i < 8; i++)
                append("{\"a\":1}\n");
        configure();
        live_until(&bench.n_readings, 2);
        for (int i = 0; i < 100; i++) {
                append("{\"a\":2}\n");
                n += sd_event_run(bench.event, 0) > 0;
                fake_clock_advance(&bench.clock, 10 * USEC_PER_MSEC);
                bench_tick(&bench, &ticker);
        }
        ck_assert_uint_eq(n, 0);
        live_until(&bench.n_readings, 108);
        ck_assert_str_eq(bench_last(&bench), "meter a=2i");
        append("{\"a\":3}\n"); /* and now they do, at once */
        live(USEC_PER_SEC);
        live_until(&bench.n_readings, 109);
        append("{\"a\":4}\n");
        live(2 * USEC_PER_SEC);
        ck_assert_uint_eq(bench.n_readings, 110);
}
END_TEST

START_TEST(settings_are_checked)
{
        static ChannelSettings channel = {.name = "a", .scale = 1, .field = 1};
        static ChannelSettings matched = {.name = "a", .scale = 1, .pattern = (char *)"a=([0-9]+)"};
        static const struct {
                const char *member;
                SensorSettings sensor;
        } cases[] = {
                {"path", {}},
                {"path", {.path = (char *)"x"}},
                {"format", {.path = (char *)"/x", .format = (char *)"xml"}},
                {"format", {.path = (char *)"/x", .format = (char *)"json", .channels = &channel, .n_channels = 1}},
                {"max_line", {.path = (char *)"/x", .max_line = 1}},
                {"max_line", {.path = (char *)"/x", .max_line = 8193, .channels = &matched, .n_channels = 1}},
                {NULL, {.path = (char *)"/x", .max_line = 8192, .channels = &matched, .n_channels = 1}},
                {NULL, {.path = (char *)"/x", .max_line = 8193, .channels = &channel, .n_channels = 1}},
                {"interval", {.path = (char *)"/x", .interval_usec = USEC_PER_SEC}},
                {"model", {.path = (char *)"/x", .model = (char *)"wind"}},
                {NULL, {.path = (char *)"/x", .format = (char *)"json"}},
                {NULL, {.path = (char *)"/x", .channels = &channel, .n_channels = 1}},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                SensorSettings s = cases[i].sensor;
                char *error = NULL;

                strcpy(s.name, "x");
                s.driver = (char *)"tail";
                ck_assert_int_eq(sensor_settings_check(&s, &error), cases[i].member ? SENSOR_E_BAD : 0);
                ck_assert_msg(!cases[i].member || strncmp(error, cases[i].member, strlen(cases[i].member)) == 0, "%s",
                              error);
                free(error);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sensor/tail");
        TCase *c = suite_case(s, "lines of a growing file");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, each_line_is_a_reading_once_it_ends);
        tcase_add_test(c, channels_pick_their_parts);
        tcase_add_test(c, a_pattern_that_takes_long_does_not_hold_up_the_loop);
        tcase_add_test(c, a_line_that_a_pattern_does_not_come_back_from_is_passed_over);
        tcase_add_test(c, lines_of_influxdb_are_taken);
        tcase_add_test(c, a_copy_that_somebody_makes_is_not_read);
        tcase_add_test(c, it_goes_on_where_it_was);
        tcase_add_test(c, nothing_is_read_before_it_is_known_where);
        tcase_add_test(c, from_the_end_is_a_position_of_its_own);
        tcase_add_test(c, rotation_of_both_kinds_is_followed);
        tcase_add_test(c, a_lost_file_makes_one_line_and_its_return_another);
        tcase_add_test(c, bad_lines_are_passed_over_and_told_once);
        tcase_add_test(c, without_room_lines_wait_in_their_file);
        tcase_add_test(c, the_rate_is_kept);
        tcase_add_test(c, while_it_may_not_read_on_writes_wake_nobody);
        tcase_add_test(c, settings_are_checked);
        return suite_run(s);
}
