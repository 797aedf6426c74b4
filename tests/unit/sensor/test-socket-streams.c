/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log-id.h"
#include "socket-bench.h"
#include "suite.h"

START_TEST(stream_may_be_cut_at_every_byte)
{
        static const char text[] = "{\"a\":1,\"b\":2.5}\n{\"s\":\"room\",\"c\":\"x\"}\r\n\nbad\n{\"d\":true}\n";
        size_t n = sizeof(text) - 1;
        int fd;

        start(socket_settings("stream"));
        fd = sender(SOCK_STREAM);
        for (size_t cut = 0; cut <= n; cut++) {
                size_t before = bench.n_readings;

                if (cut > 0)
                        say(fd, text, cut);
                bench_turn(&bench);
                if (cut < n)
                        say(fd, text + cut, n - cut);
                bench_turn(&bench);
                ck_assert_uint_eq(bench.n_readings, before + 3);
                ck_assert_str_eq(bench.readings[before], "apps a=1i b=2.5");
                ck_assert_str_eq(bench.readings[before + 1], "room c='x'");
                ck_assert_str_eq(bench.readings[before + 2], "apps d=true");
                ck_assert_uint_eq(bench.refused[REFUSAL_MALFORMED], cut + 1);
        }
        /* told once, with who it was */
        ck_assert_uint_eq(log_capture_count(&capture, "a line was refused (malformed): column 1"), 1);
        ck_assert(log_capture_has(&capture, "pid "));
        ck_assert_uint_eq(capture.n_lines, 1);
        ck_assert_str_eq(capture.ids[0], LOG_ID_LINE_REFUSED);
        close(fd);
}
END_TEST

START_TEST(last_line_needs_no_end)
{
        int fd;

        start(socket_settings("stream"));
        fd = sender(SOCK_STREAM);
        say_line(fd, "{\"a\":1}\n{\"a\":2}");
        close(fd);
        bench_turn(&bench);
        ck_assert_uint_eq(bench.n_readings, 2);
        /* but what was cut off is not taken for whole */
        fd = sender(SOCK_STREAM);
        say_line(fd, "{\"a\":12");
        close(fd);
        bench_turn(&bench);
        ck_assert_uint_eq(bench.n_readings, 2);
        ck_assert_uint_eq(bench.refused[REFUSAL_MALFORMED], 1);
}
END_TEST

START_TEST(lines_of_influxdb_are_taken)
{
        SensorSettings s = socket_settings("stream");
        int fd;

        s.format = (char *)"influx";
        start(s);
        fd = sender(SOCK_STREAM);
        say_line(fd, "# by hand\nair,mast=2 wind=4.5,gusts=12i 1763647200123456789\n{\"a\":1}\nair wind=nan\n"
                     "air wind=1 1763647200123\nair calm=t\n");
        bench_turn(&bench);
        ck_assert_uint_eq(bench.n_readings, 2);
        ck_assert_str_eq(bench.readings[0], "air mast='2' wind=4.5 gusts=12i");
        ck_assert_str_eq(bench.readings[1], "air calm=true");
        ck_assert_uint_eq(bench.refused[REFUSAL_MALFORMED], 1);
        ck_assert_uint_eq(bench.refused[REFUSAL_NAN], 1);
        ck_assert_uint_eq(bench.refused[REFUSAL_RANGE], 1); /* milliseconds, taken for nanoseconds */
        ck_assert(log_capture_has(&capture, "it counts nanoseconds since 1970"));
        close(fd);
}
END_TEST

START_TEST(status_shows_the_last_values_and_errors)
{
        const SensorStatus *status = start(socket_settings("stream"));
        int fd = sender(SOCK_STREAM);

        ck_assert_int_eq(status->state, SENSOR_OK);
        ck_assert_uint_eq(status->interval_usec, 0);
        say_line(fd, "{\"a\":1,\"text\":\"x\",\"t\":1763647200123}\n{\"a\":}\n");
        bench_turn(&bench);
        status = sensors_status(sensors, 0);
        ck_assert_uint_eq(status->n_values, 2);
        ck_assert_str_eq(status->values[1].value.text, "x");
        ck_assert_uint_eq(status->time_usec, 1763647200123000);
        ck_assert_uint_eq(bench.last_wall_usec, 1763647200123000);
        ck_assert(bench.last_wall_trusted);
        ck_assert_uint_eq(status->errors, 1);
        ck_assert_str_eq(status->last_error, "a line was refused (malformed): column 6: expected a value");
        ck_assert_uint_eq(log_capture_count(&capture, "from there are only counted. The line: {\"a\":}"), 1);
        ck_assert_int_eq(status->state, SENSOR_OK);
        close(fd);
}
END_TEST

START_TEST(long_line_is_skipped_to_its_end)
{
        SensorSettings s = socket_settings("stream");
        char junk[5000];
        int fd;

        s.max_line = 64;
        start(s);
        fd = sender(SOCK_STREAM);
        memset(junk, 'x', sizeof(junk));
        for (int i = 0; i < 40; i++) {
                say(fd, junk, sizeof(junk));
                bench_turn(&bench);
        }
        say_line(fd, "\n{\"a\":1}\n");
        bench_turn(&bench);
        ck_assert_uint_eq(bench.refused[REFUSAL_TOO_LONG], 1);
        ck_assert_uint_eq(bench.n_refused, 1);
        ck_assert_str_eq(bench_last(&bench), "apps a=1i");
        ck_assert(log_capture_has(&capture, "too-long"));
        ck_assert(log_capture_has(&capture, "The line begins: xxxxxxxx"));
        close(fd);
}
END_TEST

START_TEST(stream_waits_while_there_is_no_room)
{
        int fd, other;
        size_t sent = 0;

        start(socket_settings("stream"));
        fd = sender(SOCK_STREAM);
        other = sender(SOCK_STREAM);
        bench_turn(&bench);
        bench.ready = false;
        fcntl(fd, F_SETFL, O_NONBLOCK);
        /* until the sender itself is held up */
        for (;;) {
                ssize_t n = send(fd, "{\"a\":1}\n", 8, MSG_NOSIGNAL);

                if (n < 0) {
                        ck_assert_int_eq(errno, EAGAIN);
                        break;
                }
                ck_assert_int_eq(n, 8);
                sent++;
                if (sent % 100 == 0)
                        bench_turn(&bench); /* would spin for ever if the descriptor were still watched */
        }
        say_line(other, "{\"b\":1}\n");
        close(other); /* a peer that leaves meanwhile must not spin either */
        bench_turn(&bench);
        ck_assert_uint_eq(bench.n_readings, 0);
        /* looks for room, less and less often, but at least once a second */
        for (int i = 0; i < 10; i++) {
                usec_t before = bench.clock.boot_usec;

                bench_next(&bench, &ticker);
                ck_assert_uint_le(bench.clock.boot_usec - before, USEC_PER_SEC);
                ck_assert(i < 6 || bench.clock.boot_usec - before >= 500 * USEC_PER_MSEC);
        }
        bench.ready = true;
        bench_next(&bench, &ticker);
        bench_wait_for(&bench, &bench.n_readings, sent + 1);
        ck_assert_uint_eq(bench.n_refused, 0);
        close(fd);
        bench_turn(&bench);
        /* the word about the last values, then nobody needs a timer but for a look at the file, once a minute */
        while (ticker.deadline(ticker.userdata) % USEC_PER_MIN != 0 && bench.n_changed < 100)
                bench_next(&bench, &ticker);
        for (usec_t i = 1; i <= 3; i++) {
                bench_next(&bench, &ticker);
                ck_assert_uint_eq(ticker.deadline(ticker.userdata), bench.clock.boot_usec + USEC_PER_MIN);
        }
        ck_assert_uint_lt(bench.n_changed, 10);
}
END_TEST

START_TEST(binary_junk_harms_nobody)
{
        FakeRandom dice;
        int junk, good;

        start(socket_settings("stream"));
        junk = sender(SOCK_STREAM);
        good = sender(SOCK_STREAM);
        fake_random_init(&dice, 5);
        for (size_t i = 0; i < 200; i++) {
                char bytes[500];

                for (size_t k = 0; k < sizeof(bytes); k++)
                        bytes[k] = (char)dice.random.draw(&dice);
                say(junk, bytes, sizeof(bytes));
                say_line(good, "{\"a\":1}\n");
                bench_turn(&bench);
                ck_assert_uint_eq(bench.n_readings, i + 1);
        }
        ck_assert_uint_gt(bench.n_refused, 100);
        /* both are this process: one sender, told once a reason */
        ck_assert_uint_eq(log_capture_count(&capture, "(malformed)"), 1);
        ck_assert_uint_le(capture.n_lines, 3);
        close(junk);
        close(good);
}
END_TEST

START_TEST(sender_may_vanish_at_any_time)
{
        start(socket_settings("stream"));
        for (int i = 0; i < 300; i++) {
                int fd = sender(SOCK_STREAM);

                if (i % 3)
                        say_line(fd, i % 2 ? "{\"a\":" : "{\"a\":1}\n");
                if (i % 5 == 0)
                        bench_turn(&bench);
                close(fd);
        }
        bench_turn(&bench);
        ck_assert_uint_eq(bench.n_readings, 100);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sensor/socket-streams");
        TCase *c;

        c = suite_case(s, "streams");
        tcase_add_checked_fixture(c, socket_bench_setup, socket_bench_teardown);
        tcase_add_test(c, stream_may_be_cut_at_every_byte);
        tcase_add_test(c, last_line_needs_no_end);
        tcase_add_test(c, lines_of_influxdb_are_taken);
        tcase_add_test(c, status_shows_the_last_values_and_errors);
        tcase_add_test(c, long_line_is_skipped_to_its_end);
        tcase_add_test(c, stream_waits_while_there_is_no_room);
        tcase_add_test(c, binary_junk_harms_nobody);
        tcase_add_test(c, sender_may_vanish_at_any_time);
        return suite_run(s);
}
