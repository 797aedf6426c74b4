/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log-id.h"
#include "bench.h"
#include "log-capture.h"
#include "sensor/driver.h"
#include "suite.h"

static Bench bench;
static Sensors *sensors;
static Ticker ticker;
static LogCapture capture;
static char folder[32], path[96], beside[128];
static SensorSettings settings;

static void setup(void)
{
        bench_init(&bench);
        log_capture_begin(&capture);
        ck_assert_int_eq(sensors_new(&sensors, bench.event, &bench.clock.clock, &bench.random.random, &i2c_port_kernel,
                                     &bench.sink), 0);
        ticker = sensors_ticker(sensors);
        strcpy(folder, "/tmp/hublink-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        (void)snprintf(path, sizeof(path), "%s/state", folder);
        (void)snprintf(beside, sizeof(beside), "%s/state.new", folder);
        settings = (SensorSettings){.name = "plant", .driver = (char *)"watch", .path = path,
                                    .settle_usec = 200 * USEC_PER_MSEC};
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

static void write_to(const char *to, const char *text)
{
        FILE *f = fopen(to, "w");

        ck_assert_ptr_nonnull(f);
        ck_assert_int_ge(fputs(text, f), 0);
        ck_assert_int_eq(fclose(f), 0);
}

static void live(usec_t usec)
{
        bench_live(&bench, &ticker, usec);
}

static void live_until(size_t n)
{
        for (int i = 0; i < 4000 && bench.n_readings < n; i++)
                live(50 * USEC_PER_MSEC);
        ck_assert_uint_eq(bench.n_readings, n);
}

START_TEST(each_version_is_one_reading)
{
        write_to(path, "{\n  \"level\": 1,\n  \"open\": true\n}\n");
        configure();
        live_until(1);
        ck_assert_str_eq(bench_last(&bench), "plant level=1i open=true");
        live(USEC_PER_MIN);
        ck_assert_uint_eq(bench.n_readings, 1); /* looked at, and the same */
        write_to(path, "{\"level\":2}");
        live_until(2);
        ck_assert_str_eq(bench_last(&bench), "plant level=2i");
        /* replaced, as whoever is careful does it */
        write_to(beside, "{\"level\":3}");
        ck_assert_int_eq(rename(beside, path), 0);
        live_until(3);
        ck_assert_str_eq(bench_last(&bench), "plant level=3i");
        live(USEC_PER_MIN);
        ck_assert_uint_eq(bench.n_readings, 3);
        ck_assert_uint_eq(capture.n_lines, 0);
}
END_TEST

START_TEST(what_is_written_in_pieces_is_read_once_it_settled)
{
        write_to(path, "{\"level\":1}");
        configure();
        live_until(1);
        for (int i = 0; i < 20; i++) {
                write_to(path, i % 2 ? "{\"level\":7}" : "{\"lev");
                live(100 * USEC_PER_MSEC);
        }
        live_until(2);
        ck_assert_str_eq(bench_last(&bench), "plant level=7i");
        live(USEC_PER_MIN);
        ck_assert_uint_eq(bench.n_readings, 2);
        ck_assert_uint_eq(bench.n_refused, 0);
}
END_TEST

START_TEST(what_never_settles_is_read_all_the_same)
{
        settings.settle_usec = 2 * USEC_PER_SEC;
        write_to(path, "{\"level\":1}");
        configure();
        live_until(1);
        for (int i = 0; i < 60 && bench.n_readings == 1; i++) {
                char text[32];

                (void)snprintf(text, sizeof(text), "{\"level\":%d}", 100 + i);
                write_to(path, text);
                live(500 * USEC_PER_MSEC);
        }
        ck_assert_uint_eq(bench.n_readings, 2);
}
END_TEST

START_TEST(channels_pick_their_parts)
{
        ChannelSettings channels[] = {{.name = "a", .scale = 1, .field = 1}, {.name = "b", .scale = 0.5, .field = 2}};

        settings.channels = channels;
        settings.n_channels = 2;
        write_to(path, "3 4\n");
        configure();
        live_until(1);
        ck_assert_str_eq(bench_last(&bench), "plant a=3 b=2");
}
END_TEST

/* It takes the pattern some 0.7 s to find nothing in it. */
static void write_digits(void)
{
        static ChannelSettings channel = {.name = "v", .scale = 1, .pattern = (char *)"([0-9.]+) *Cel"};
        char text[16000];

        memset(text, '0', sizeof(text) - 1);
        text[sizeof(text) - 1] = 0;
        write_to(path, text);
        settings.channels = &channel;
        settings.n_channels = 1;
}

START_TEST(a_pattern_that_takes_long_does_not_hold_up_the_loop)
{
        usec_t before;

        write_digits();
        configure();
        before = bench_cpu();
        for (int i = 0; i < 100 && bench.n_refused == 0; i++)
                live(50 * USEC_PER_MSEC);
        ck_assert_uint_eq(bench.refused[REFUSAL_MALFORMED], 1);
        ck_assert_uint_lt(bench_cpu() - before, 200 * USEC_PER_MSEC);
        write_to(path, "21.5 Cel");
        live_until(1);
        ck_assert_str_eq(bench_last(&bench), "plant v=21.5");
}
END_TEST

START_TEST(a_pattern_without_an_end_is_told)
{
        usec_t before = bench_cpu_of_others();

        write_digits();
        configure();
        bench_tick(&bench, &ticker);
        while (usec_sub(bench_cpu_of_others(), before) < 100 * USEC_PER_MSEC) /* it is within the pattern */
                (void)sd_event_run(bench.event, USEC_PER_MSEC);
        fake_clock_advance(&bench.clock, 3 * USEC_PER_SEC);
        bench_tick(&bench, &ticker);
        ck_assert_int_eq(sensors_status(sensors, 0)->state, SENSOR_FAILING);
        ck_assert_ptr_nonnull(strstr(sensors_status(sensors, 0)->last_error, "no answer within 2 s, for `pattern`"));
        write_to(path, "21.5 Cel");
        live_until(1);
        ck_assert_int_eq(sensors_status(sensors, 0)->state, SENSOR_OK);
}
END_TEST

START_TEST(loss_makes_one_line_and_return_another)
{
        configure();
        live(USEC_PER_MIN);
        ck_assert_uint_eq(capture.n_lines, 1);
        ck_assert_str_eq(capture.ids[0], LOG_ID_SENSOR_FAILING);
        write_to(path, "{\"level\":1}");
        live_until(1);
        ck_assert_uint_eq(capture.n_lines, 2);
        ck_assert_str_eq(capture.ids[1], LOG_ID_SENSOR_RECOVERED);
        /* what is not to be understood is a loss as well, however often it changes */
        for (int i = 0; i < 5; i++) {
                write_to(path, i % 2 ? "nonsense" : "other nonsense");
                live(2 * USEC_PER_SEC);
        }
        ck_assert_uint_eq(bench.refused[REFUSAL_MALFORMED], 5);
        ck_assert_uint_eq(capture.n_lines, 3);
        live(USEC_PER_MIN);
        ck_assert_uint_eq(capture.n_lines, 3);
        write_to(path, "{\"level\":2}");
        live_until(2);
        ck_assert_uint_eq(capture.n_lines, 4);
        ck_assert_int_eq(unlink(path), 0);
        live(2 * USEC_PER_MIN);
        ck_assert_uint_eq(capture.n_lines, 5);
        ck_assert_int_eq(sensors_status(sensors, 0)->state, SENSOR_FAILING);
}
END_TEST

START_TEST(a_folder_that_comes_later_is_found)
{
        char deep[80];

        (void)snprintf(deep, sizeof(deep), "%s/deep", folder);
        (void)snprintf(path, sizeof(path), "%s/deep/state", folder);
        configure();
        live(USEC_PER_SEC);
        (void)snprintf(beside, sizeof(beside), "mkdir %s", deep);
        ck_assert_int_eq(system(beside), 0);
        write_to(path, "{\"level\":1}");
        live_until(1);
        write_to(path, "{\"level\":2}");
        live(USEC_PER_SEC); /* by its watch: sooner than the next look without one */
        live_until(2);
}
END_TEST

START_TEST(while_there_is_no_room_the_last_version_counts)
{
        write_to(path, "{\"level\":1}");
        bench.ready = false;
        configure();
        live(5 * USEC_PER_SEC);
        write_to(path, "{\"level\":2}");
        live(5 * USEC_PER_SEC);
        ck_assert_uint_eq(bench.n_readings, 0);
        bench.ready = true;
        live_until(1);
        ck_assert_str_eq(bench_last(&bench), "plant level=2i");
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sensor/watch");
        TCase *c = suite_case(s, "a whole file when it changes");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, each_version_is_one_reading);
        tcase_add_test(c, what_is_written_in_pieces_is_read_once_it_settled);
        tcase_add_test(c, what_never_settles_is_read_all_the_same);
        tcase_add_test(c, channels_pick_their_parts);
        tcase_add_test(c, a_pattern_that_takes_long_does_not_hold_up_the_loop);
        tcase_add_test(c, a_pattern_without_an_end_is_told);
        tcase_add_test(c, loss_makes_one_line_and_return_another);
        tcase_add_test(c, a_folder_that_comes_later_is_found);
        tcase_add_test(c, while_there_is_no_room_the_last_version_counts);
        return suite_run(s);
}
