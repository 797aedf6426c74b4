/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "socket-bench.h"
#include "suite.h"

/* ---- datagrams ---- */

START_TEST(datagram_holds_one_line_or_several)
{
        int fd;

        start(socket_settings("dgram"));
        fd = sender(SOCK_DGRAM);
        say_line(fd, "{\"a\":1}");
        say_line(fd, "{\"a\":2}\n");
        say_line(fd, "{\"a\":3}\nbad\n{\"a\":4}");
        say(fd, "", 0);
        say_line(fd, "{\"a\":5");
        bench_turn(&bench);
        ck_assert_uint_eq(bench.n_readings, 4);
        ck_assert_str_eq(bench.readings[2], "apps a=3i");
        ck_assert_str_eq(bench.readings[3], "apps a=4i");
        ck_assert_uint_eq(bench.refused[REFUSAL_MALFORMED], 2);
        ck_assert_uint_eq(capture.n_lines, 1);
        close(fd);
}
END_TEST

START_TEST(bad_datagram_names_its_sender)
{
        char who[64];
        pid_t child;
        int status;

        start(socket_settings("dgram"));
        child = fork();
        if (child == 0) {
                int fd = sender(SOCK_DGRAM);

                (void)send(fd, "nonsense", 8, 0);
                _exit(0);
        }
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        bench_turn(&bench);
        (void)snprintf(who, sizeof(who), "(pid %d, uid %u)", (int)child, (unsigned)getuid());
        ck_assert_msg(log_capture_has(&capture, who), "%s", capture.lines[0]);
        ck_assert(log_capture_has(&capture, "a program that is gone"));
}
END_TEST

START_TEST(datagrams_without_room_are_counted)
{
        int fd;

        start(socket_settings("dgram"));
        fd = sender(SOCK_DGRAM);
        bench.ready = false;
        for (int i = 0; i < 50; i++) {
                say_line(fd, "{\"a\":1}\n{\"a\":2}\n");
                bench_turn(&bench);
        }
        ck_assert_uint_eq(bench.n_readings, 0);
        ck_assert_uint_eq(bench.refused[REFUSAL_OVERLOAD], 100);
        ck_assert_uint_eq(capture.n_lines, 0); /* not the sender's fault */
        bench.ready = true;
        say_line(fd, "{\"a\":3}");
        bench_turn(&bench);
        ck_assert_str_eq(bench_last(&bench), "apps a=3i");
        close(fd);
}
END_TEST

START_TEST(huge_datagram_is_too_long)
{
        static char text[100000];
        int fd, size = sizeof(text) * 2;

        start(socket_settings("dgram"));
        fd = sender(SOCK_DGRAM);
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
        memset(text, ' ', sizeof(text));
        memcpy(text, "{\"a\":1}\n", 8);
        say(fd, text, sizeof(text));
        say(fd, "{\"b\":1}", 7);
        bench_turn(&bench);
        ck_assert_uint_eq(bench.refused[REFUSAL_TOO_LONG], 1);
        ck_assert_uint_eq(bench.n_readings, 1);
        ck_assert_str_eq(bench_last(&bench), "apps b=1i");
        close(fd);
}
END_TEST

START_TEST(rate_is_limited)
{
        SensorSettings s = socket_settings("dgram");
        int fd;

        s.max_rate = 10;
        start(s);
        fd = sender(SOCK_DGRAM);
        for (int i = 0; i < 100; i++) {
                say_line(fd, "{\"a\":1}");
                bench_turn(&bench);
        }
        ck_assert_uint_eq(bench.n_readings, 10);
        ck_assert_uint_eq(bench.refused[REFUSAL_RATE], 90);
        ck_assert_uint_eq(capture.n_lines, 1);
        fake_clock_advance(&bench.clock, USEC_PER_SEC);
        for (int i = 0; i < 100; i++) {
                say_line(fd, "{\"a\":1}");
                bench_turn(&bench);
        }
        ck_assert_uint_eq(bench.n_readings, 20);
        close(fd);
}
END_TEST

START_TEST(each_fault_of_a_sender_is_told_once)
{
        SensorSettings s = socket_settings("dgram");
        int fd;

        s.max_rate = 10;
        s.max_line = 64;
        start(s);
        fd = sender(SOCK_DGRAM);
        for (int i = 0; i < 13; i++) {
                say_line(fd, "nonsense");
                bench_turn(&bench);
        }
        for (int i = 0; i < 3; i++)
                say_line(fd, "{\"a\":\"0123456789012345678901234567890123456789012345678901234567890123456789\"}");
        bench_turn(&bench);
        for (int i = 0; i < 30; i++) {
                say_line(fd, "{\"a\":1}");
                bench_turn(&bench);
        }
        ck_assert_uint_eq(bench.refused[REFUSAL_MALFORMED], 13);
        ck_assert_uint_eq(bench.refused[REFUSAL_TOO_LONG], 3);
        ck_assert_uint_eq(bench.refused[REFUSAL_RATE], 20);
        ck_assert_uint_eq(log_capture_count(&capture, "(malformed)"), 1);
        ck_assert_uint_eq(log_capture_count(&capture, "(too-long)"), 1);
        ck_assert_uint_eq(log_capture_count(&capture, "(rate)"), 1);
        ck_assert_uint_eq(capture.n_lines, 3);
        close(fd);
}
END_TEST

START_TEST(time_that_nobody_means_is_refused)
{
        static const char *const bad[] = {
                "{\"t\":1,\"a\":1}", "{\"a\":1,\"t\":1763647200}", "{\"t\":1763647200123000,\"a\":1}",
                "{\"t\":4102444800000,\"a\":1}", "{\"t\":253402300799000,\"a\":1}",
        };
        int fd;

        start(socket_settings("dgram"));
        fd = sender(SOCK_DGRAM);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                say_line(fd, bad[i]);
        say_line(fd, "{\"t\":1763647200123,\"a\":1}");
        bench_turn(&bench);
        ck_assert_uint_eq(bench.n_readings, 1);
        ck_assert_uint_eq(bench.last_wall_usec, 1763647200123000);
        ck_assert_uint_eq(bench.refused[REFUSAL_RANGE], ARRAY_SIZE(bad));
        ck_assert_uint_eq(capture.n_lines, 1);
        close(fd);
}
END_TEST

/* A stranger who could speak for a sensor of ours could end its alarm. */
START_TEST(nobody_speaks_for_a_sensor_that_is_read)
{
        char file[] = "file", nowhere[] = "/nonexistent";
        ChannelSettings channel = {.name = "temperature"};
        SensorSettings both[] = {
                socket_settings("dgram"),
                {.name = "cpu", .driver = file, .path = nowhere, .channels = &channel, .n_channels = 1,
                 .interval_usec = USEC_PER_HOUR},
        };
        int fd;

        ck_assert_int_eq(sensors_configure(sensors, both, ARRAY_SIZE(both)), 0);
        bench_next(&bench, &ticker);
        fd = sender(SOCK_DGRAM);
        say_line(fd, "{\"s\":\"cpu\",\"temperature\":20}\n{\"s\":\"plc\",\"temperature\":21}\n{\"s\":\"apps\",\"temperature\":22}");
        bench_wait_for(&bench, &bench.n_readings, 2);
        ck_assert_str_eq(bench.readings[0], "plc temperature=21i");
        ck_assert_str_eq(bench.readings[1], "apps temperature=22i");
        ck_assert_uint_eq(bench.refused[REFUSAL_MALFORMED], 1);
        ck_assert(log_capture_has(&capture, "it names sensor cpu, which is read by driver file and by nobody else"));
        close(fd);
}
END_TEST

/* ---- packets ---- */

START_TEST(packet_holds_one_line_or_several)
{
        static char huge[100000];
        int fd, size = sizeof(huge) * 2;

        start(socket_settings("seqpacket"));
        fd = sender(SOCK_SEQPACKET);
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
        say_line(fd, "{\"a\":1}");
        say_line(fd, "{\"a\":2}\n{\"a\":3}\n");
        say_line(fd, "{\"a\":"); /* what one packet lacks no other one has */
        say_line(fd, "4}");
        memset(huge, ' ', sizeof(huge));
        memcpy(huge, "{\"a\":5}\n", 8);
        say(fd, huge, sizeof(huge));
        say_line(fd, "{\"a\":6}");
        bench_turn(&bench);
        ck_assert_uint_eq(bench.n_readings, 4);
        ck_assert_str_eq(bench.readings[2], "apps a=3i");
        ck_assert_str_eq(bench.readings[3], "apps a=6i");
        ck_assert_uint_eq(bench.refused[REFUSAL_MALFORMED], 2);
        ck_assert_uint_eq(bench.refused[REFUSAL_TOO_LONG], 1);
        ck_assert(log_capture_has(&capture, "pid "));
        close(fd);
        bench_turn(&bench);
        ck_assert_uint_eq(bench.n_readings, 4);
}
END_TEST

/* It is no end, wherever it comes: not even as the first of some that were left behind. */
START_TEST(empty_packet_is_an_empty_line)
{
        for (unsigned way = 0; way < 3; way++) { /* the sender stays; says that it is done; leaves */
                size_t n = bench.n_readings;
                int fd;

                start(socket_settings("seqpacket"));
                fd = sender(SOCK_SEQPACKET);
                say_line(fd, "");
                if (way == 0)
                        bench_turn(&bench);
                say_line(fd, "{\"a\":1}");
                say_line(fd, "");
                say_line(fd, "");
                say_line(fd, "{\"a\":2}");
                if (way == 1)
                        ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
                if (way == 2)
                        close(fd);
                bench_turn(&bench);
                ck_assert_uint_eq(bench.n_readings, n + 2);
                ck_assert_uint_eq(bench.n_refused, 0);
                if (way == 0)
                        say_line(fd, "{\"a\":3}");
                if (way == 1)
                        ck_assert(is_closed(fd));
                if (way != 2)
                        close(fd);
                bench_turn(&bench);
                ck_assert_uint_eq(bench.n_readings, n + 2 + (way == 0));
                ck_assert_int_eq(sensors_configure(sensors, NULL, 0), 0);
        }
}
END_TEST

START_TEST(packets_wait_while_there_is_no_room)
{
        int fd;

        start(socket_settings("seqpacket"));
        fd = sender(SOCK_SEQPACKET);
        bench_turn(&bench);
        bench.ready = false;
        for (int i = 0; i < 10; i++)
                say_line(fd, "{\"a\":1}\n{\"a\":2}");
        bench_turn(&bench);
        ck_assert_uint_eq(bench.n_readings, 0);
        bench.ready = true;
        bench_next(&bench, &ticker);
        bench_wait_for(&bench, &bench.n_readings, 20);
        ck_assert_uint_eq(bench.n_refused, 0);
        close(fd);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sensor/socket-packets");
        TCase *c;

        c = suite_case(s, "datagrams");
        tcase_add_checked_fixture(c, socket_bench_setup, socket_bench_teardown);
        tcase_add_test(c, datagram_holds_one_line_or_several);
        tcase_add_test(c, bad_datagram_names_its_sender);
        tcase_add_test(c, datagrams_without_room_are_counted);
        tcase_add_test(c, huge_datagram_is_too_long);
        tcase_add_test(c, rate_is_limited);
        tcase_add_test(c, each_fault_of_a_sender_is_told_once);
        tcase_add_test(c, time_that_nobody_means_is_refused);
        tcase_add_test(c, nobody_speaks_for_a_sensor_that_is_read);
        c = suite_case(s, "packets");
        tcase_add_checked_fixture(c, socket_bench_setup, socket_bench_teardown);
        tcase_add_test(c, packet_holds_one_line_or_several);
        tcase_add_test(c, empty_packet_is_an_empty_line);
        tcase_add_test(c, packets_wait_while_there_is_no_room);
        return suite_run(s);
}
