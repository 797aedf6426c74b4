/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/sensors.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log-id.h"
#include "bench.h"
#include "log-capture.h"
#include "sensor/driver.h"
#include "suite.h"

static Bench bench;
static Sensors *sensors;
static Ticker ticker;
static LogCapture capture;
static char folder[32];

static void setup(void)
{
        bench_init(&bench);
        log_capture_begin(&capture);
        ck_assert_int_eq(sensors_new(&sensors, bench.event, &bench.clock.clock, &bench.random.random, &i2c_port_kernel,
                                     &bench.sink), 0);
        ticker = sensors_ticker(sensors);
        strcpy(folder, "/tmp/hublink-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
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

static SensorSettings simulated(const char *name, usec_t interval)
{
        SensorSettings s = {.driver = (char *)"simulated", .model = (char *)"wind", .interval_usec = interval,
                            .seed = 42};

        strcpy(s.name, name);
        return s;
}

static char file_path[64];
static ChannelSettings file_channel = {.name = "level", .scale = 0.5, .unit = (char *)"m"};

static SensorSettings file(const char *name, usec_t interval)
{
        SensorSettings s = {.driver = (char *)"file", .path = file_path, .interval_usec = interval,
                            .channels = &file_channel, .n_channels = 1};

        (void)snprintf(file_path, sizeof(file_path), "%s/level", folder);
        strcpy(s.name, name);
        return s;
}

static void write_file(const char *text)
{
        FILE *f = fopen(file_path, "w");

        ck_assert_ptr_nonnull(f);
        ck_assert_int_ge(fputs(text, f), 0);
        ck_assert_int_eq(fclose(f), 0);
}

static void configure(const SensorSettings *settings, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                char *error = NULL;

                ck_assert_msg(sensor_settings_check(&settings[i], &error) == 0, "%s", error);
        }
        ck_assert_int_eq(sensors_configure(sensors, settings, n), 0);
}

START_TEST(reading_reaches_the_sink_and_the_status)
{
        SensorSettings s = simulated("wind", 30 * USEC_PER_SEC);
        const SensorStatus *status;

        strcpy(s.stream, "wind");
        configure(&s, 1);
        ck_assert_uint_eq(sensors_count(sensors), 1);
        ck_assert_int_eq(sensors_status(sensors, 0)->state, SENSOR_STOPPED);
        bench_next(&bench, &ticker);
        ck_assert_str_eq(bench_last(&bench), "wind|wind windSpeed=12.966259515087293");
        status = sensors_status(sensors, 0);
        ck_assert_int_eq(status->state, SENSOR_OK);
        ck_assert_str_eq(status->name, "wind");
        ck_assert_str_eq(status->driver, "simulated");
        ck_assert_uint_eq(status->n_values, 1);
        ck_assert_str_eq(status->values[0].name, "windSpeed");
        ck_assert_str_eq(status->units[0], "m/s");
        ck_assert_uint_eq(status->time_usec, bench.clock.wall_usec);
        ck_assert_uint_eq(status->errors, 0);
        ck_assert_str_eq(status->last_error, "");
        ck_assert_uint_eq(bench.n_changed, 1);
        ck_assert_int_eq(bench.state, SENSOR_OK);
        ck_assert_uint_eq(capture.n_lines, 0);
}
END_TEST

START_TEST(failing_is_told_once_and_so_is_its_end)
{
        SensorSettings s = file("tank", 10 * USEC_PER_SEC);
        const SensorStatus *status;

        configure(&s, 1);
        for (size_t i = 1; i <= 20; i++) {
                bench_next(&bench, &ticker);
                bench_wait_for(&bench, &bench.n_refused, i);
        }
        status = sensors_status(sensors, 0);
        ck_assert_int_eq(status->state, SENSOR_FAILING);
        ck_assert_uint_eq(status->errors, 20);
        ck_assert_ptr_nonnull(strstr(status->last_error, "level does not exist"));
        ck_assert_uint_eq(status->n_values, 0);
        ck_assert_uint_eq(bench.refused[REFUSAL_UNREADABLE], 20);
        ck_assert_uint_eq(capture.n_lines, 1);
        ck_assert_str_eq(capture.ids[0], LOG_ID_SENSOR_FAILING);
        ck_assert(log_capture_has(&capture, "sensor tank: "));

        write_file("17\n");
        bench_next(&bench, &ticker);
        bench_wait_for(&bench, &bench.n_readings, 1);
        ck_assert_str_eq(bench_last(&bench), "tank level=8.5");
        status = sensors_status(sensors, 0);
        ck_assert_int_eq(status->state, SENSOR_OK);
        ck_assert_str_eq(status->units[0], "m");
        ck_assert_uint_eq(status->errors, 20);
        ck_assert_uint_eq(capture.n_lines, 2);
        ck_assert_str_eq(capture.ids[1], LOG_ID_SENSOR_RECOVERED);
        ck_assert(log_capture_has(&capture, "after 21 tries"));
}
END_TEST

START_TEST(one_that_is_called_stale_is_until_it_is_not)
{
        SensorSettings s = simulated("wind", 30 * USEC_PER_SEC);
        size_t changed;

        configure(&s, 1);
        bench_next(&bench, &ticker);
        changed = bench.n_changed;
        sensors_set_stale(sensors, "wind", "windSpeed has been the same for 1min");
        sensors_set_stale(sensors, "wind", "windSpeed has been the same for 1min");
        ck_assert(!sensors_set_stale(sensors, "nobody", "never"));
        ck_assert_int_eq(sensors_status(sensors, 0)->state, SENSOR_STALE);
        ck_assert_str_eq(sensors_status(sensors, 0)->last_error, "windSpeed has been the same for 1min");
        ck_assert_uint_eq(sensors_status(sensors, 0)->errors, 0);
        ck_assert_uint_eq(bench.n_changed, changed + 1);
        bench_next(&bench, &ticker); /* it is read all the same */
        ck_assert_int_eq(sensors_status(sensors, 0)->state, SENSOR_STALE);
        sensors_set_stale(sensors, "wind", NULL);
        ck_assert_int_eq(sensors_status(sensors, 0)->state, SENSOR_OK);
        ck_assert_uint_eq(capture.n_lines, 2);
        ck_assert_str_eq(capture.ids[0], LOG_ID_SENSOR_STALE);
        ck_assert_str_eq(capture.ids[1], LOG_ID_SENSOR_FRESH);
}
END_TEST

START_TEST(failing_says_more_than_stale)
{
        SensorSettings s = file("tank", 10 * USEC_PER_SEC);

        configure(&s, 1);
        bench_next(&bench, &ticker);
        bench_wait_for(&bench, &bench.n_refused, 1);
        sensors_set_stale(sensors, "tank", "level has not come for 1min");
        ck_assert_int_eq(sensors_status(sensors, 0)->state, SENSOR_FAILING);
        ck_assert_ptr_nonnull(strstr(sensors_status(sensors, 0)->last_error, "level does not exist"));
        write_file("17\n");
        bench_next(&bench, &ticker);
        bench_wait_for(&bench, &bench.n_readings, 1);
        ck_assert_int_eq(sensors_status(sensors, 0)->state, SENSOR_STALE);
        sensors_set_stale(sensors, "tank", NULL);
        ck_assert_int_eq(sensors_status(sensors, 0)->state, SENSOR_OK);
}
END_TEST

START_TEST(last_good_values_stay_visible_while_failing)
{
        SensorSettings s = file("tank", 10 * USEC_PER_SEC);

        configure(&s, 1);
        write_file("4");
        bench_next(&bench, &ticker);
        bench_wait_for(&bench, &bench.n_readings, 1);
        write_file("four");
        bench_next(&bench, &ticker);
        bench_wait_for(&bench, &bench.n_refused, 1);
        ck_assert_uint_eq(bench.refused[REFUSAL_MALFORMED], 1);
        ck_assert_int_eq(sensors_status(sensors, 0)->state, SENSOR_FAILING);
        ck_assert_uint_eq(sensors_status(sensors, 0)->n_values, 1);
        ck_assert(sensors_status(sensors, 0)->values[0].value.number == 2);
}
END_TEST

START_TEST(neighbours_of_a_failing_one_keep_their_times)
{
        SensorSettings s[] = {file("tank", 10 * USEC_PER_SEC), simulated("wind", 10 * USEC_PER_SEC)};
        size_t refused = 0;
        usec_t start;

        configure(s, 2);
        bench_next(&bench, &ticker);
        bench_wait_for(&bench, &bench.n_refused, ++refused);
        start = bench.clock.boot_usec / (10 * USEC_PER_SEC) * (10 * USEC_PER_SEC);
        for (size_t i = 1; i <= 360; i++) {
                bench_next(&bench, &ticker);
                ck_assert_uint_eq(bench.clock.boot_usec, start + i * 10 * USEC_PER_SEC);
                ck_assert_uint_eq(bench.n_readings, 1 + i);
                /* the file's turn: its read has to end before time goes on */
                if (ticker.deadline(ticker.userdata) < start + (i + 1) * 10 * USEC_PER_SEC)
                        bench_wait_for(&bench, &bench.n_refused, ++refused);
        }
        ck_assert_uint_ge(refused, 10); /* 0 10 30 70 150 310 630 1230 1830 2430 3030 s */
        ck_assert_uint_le(refused, 12);
}
END_TEST

START_TEST(unchanged_sensors_go_on_undisturbed)
{
        SensorSettings s[] = {simulated("a", 10 * USEC_PER_SEC), simulated("b", 10 * USEC_PER_SEC)}, swapped[2];
        usec_t time;

        configure(s, 2);
        bench_next(&bench, &ticker);
        time = sensors_status(sensors, 1)->time_usec;
        ck_assert_uint_gt(time, 0);
        swapped[0] = s[1];
        swapped[1] = simulated("a", 20 * USEC_PER_SEC);
        configure(swapped, 2);
        ck_assert_str_eq(sensors_status(sensors, 0)->name, "b");
        ck_assert_uint_eq(sensors_status(sensors, 0)->time_usec, time);
        /* what it read stays though it is read less often */
        ck_assert_uint_eq(sensors_status(sensors, 1)->time_usec, time);
        ck_assert_uint_eq(sensors_status(sensors, 1)->interval_usec, 20 * USEC_PER_SEC);
        ck_assert_int_eq(sensors_status(sensors, 1)->state, SENSOR_OK);
        swapped[1].seed++;
        configure(swapped, 2);
        ck_assert_uint_eq(sensors_status(sensors, 1)->time_usec, 0);
        configure(NULL, 0);
        ck_assert_uint_eq(sensors_count(sensors), 0);
        ck_assert_uint_eq(ticker.deadline(ticker.userdata), USEC_INFINITY);
}
END_TEST

START_TEST(sensor_may_go_while_it_is_read)
{
        SensorSettings s = file("tank", 10 * USEC_PER_SEC);

        /* from every point of a read: begun, done and not yet taken */
        for (int i = 0; i < 50; i++) {
                configure(&s, 1);
                write_file("1");
                bench_next(&bench, &ticker);
                if (i % 2)
                        usleep(500);
                configure(NULL, 0);
                bench_turn(&bench);
        }
        ck_assert_uint_eq(bench.n_readings, 0);
}
END_TEST

START_TEST(refused_for_want_of_room_is_not_an_error)
{
        SensorSettings s = simulated("wind", USEC_PER_SEC);

        configure(&s, 1);
        bench.full = true;
        bench_next(&bench, &ticker);
        ck_assert_uint_eq(bench.refused[REFUSAL_OVERLOAD], 1);
        ck_assert_uint_eq(bench.n_refused, 0); /* counted by the sink, not twice */
        ck_assert_int_eq(sensors_status(sensors, 0)->state, SENSOR_OK);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sensor/sensors");
        TCase *c = suite_case(s, "all together");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, reading_reaches_the_sink_and_the_status);
        tcase_add_test(c, failing_is_told_once_and_so_is_its_end);
        tcase_add_test(c, one_that_is_called_stale_is_until_it_is_not);
        tcase_add_test(c, failing_says_more_than_stale);
        tcase_add_test(c, last_good_values_stay_visible_while_failing);
        tcase_add_test(c, neighbours_of_a_failing_one_keep_their_times);
        tcase_add_test(c, unchanged_sensors_go_on_undisturbed);
        tcase_add_test(c, sensor_may_go_while_it_is_read);
        tcase_add_test(c, refused_for_want_of_room_is_not_an_error);
        return suite_run(s);
}
