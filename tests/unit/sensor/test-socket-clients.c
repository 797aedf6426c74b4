/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/socket.h>

#include "socket-bench.h"
#include "suite.h"

/* ---- as many as there may be ---- */

START_TEST(one_client_too_many_is_turned_away)
{
        int fds[33];
        char byte;

        start(socket_settings("stream"));
        for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
                fds[i] = sender(SOCK_STREAM);
                bench_turn(&bench);
        }
        ck_assert_int_eq(recv(fds[32], &byte, 1, 0), 0); /* closed */
        ck_assert(log_capture_has(&capture, "a client was turned away: there are 32 (max_clients)"));
        for (size_t i = 0; i < 32; i++)
                say_line(fds[i], "{\"a\":1}\n");
        bench_turn(&bench);
        ck_assert_uint_eq(bench.n_readings, 32);
        close(fds[0]);
        bench_turn(&bench);
        close(fds[32]);
        fds[32] = sender(SOCK_STREAM);
        say_line(fds[32], "{\"a\":33}\n");
        bench_turn(&bench);
        ck_assert_str_eq(bench_last(&bench), "apps a=33i");
        for (size_t i = 1; i < ARRAY_SIZE(fds); i++)
                close(fds[i]);
}
END_TEST

START_TEST(client_turned_away_hides_no_bad_line)
{
        SensorSettings s = socket_settings("stream");
        int in, out;

        s.max_clients = 1;
        start(s);
        in = sender(SOCK_STREAM);
        out = sender(SOCK_STREAM);
        bench_turn(&bench);
        say_line(in, "nonsense\n");
        bench_turn(&bench);
        ck_assert_uint_eq(log_capture_count(&capture, "a client was turned away"), 1);
        ck_assert_uint_eq(log_capture_count(&capture, "(malformed)"), 1);
        close(in);
        close(out);
}
END_TEST

START_TEST(longest_quiet_client_makes_room)
{
        SensorSettings s = socket_settings("stream");
        int fds[3], more, junk = 2;

        s.max_clients = ARRAY_SIZE(fds);
        start(s);
        for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
                fds[i] = sender(SOCK_STREAM);
                say_line(fds[i], "{\"a\":0}\n");
                bench_turn(&bench);
                fake_clock_advance(&bench.clock, USEC_PER_SEC);
        }
        fake_clock_advance(&bench.clock, 55 * USEC_PER_SEC);
        more = sender(SOCK_STREAM); /* nobody was quiet for a minute yet */
        bench_turn(&bench);
        ck_assert(is_closed(more));
        close(more);
        fake_clock_advance(&bench.clock, 5 * USEC_PER_SEC);
        say_line(fds[0], "{\"a\":1}\n");
        say_line(fds[junk], "nonsense\n"); /* is as good as silence */
        bench_turn(&bench);
        for (int i = 1; i < 3; i++) {
                more = sender(SOCK_STREAM);
                bench_turn(&bench);
                ck_assert(!is_closed(more) && !is_closed(fds[0]) && is_closed(fds[i]));
                ck_assert(i == 2 || !is_closed(fds[2]));
                say_line(more, "{\"b\":1}\n");
                bench_turn(&bench);
                close(fds[i]);
                fds[i] = more;
        }
        ck_assert_uint_eq(bench.n_readings, 6);
        ck_assert_uint_eq(log_capture_count(&capture, "a client made room for another: there are 3 (max_clients)"), 1);
        for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
                close(fds[i]);
}
END_TEST

/* One address takes all places and goes on knocking; others that come later work as if it were not there. */
START_TEST(greedy_address_gives_way_to_others)
{
        struct sockaddr_storage address = {};
        socklen_t size;
        SensorSettings s = address_settings("tcp", 0, &address, &size);
        int greedy[500], others[5];
        const SensorStatus *status;

        start(s);
        for (size_t i = 0; i < ARRAY_SIZE(greedy); i++) {
                greedy[i] = sender_from("127.0.0.2", &address, size);
                bench_turn(&bench);
        }
        ck_assert(!is_closed(greedy[31]) && is_closed(greedy[32]));
        for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
                others[i] = sender_from("127.0.0.1", &address, size);
                say_line(others[i], "{\"a\":1}\n");
                bench_wait_for(&bench, &bench.n_readings, i + 1);
                close(greedy[499 - i]);
                greedy[499 - i] = sender_from("127.0.0.2", &address, size);
                bench_turn(&bench);
        }
        for (size_t i = 0; i < ARRAY_SIZE(others); i++)
                ck_assert(!is_closed(others[i]));
        status = sensors_status(sensors, 0);
        ck_assert_uint_eq(status->errors, 468 + 2 * ARRAY_SIZE(others));
        ck_assert_str_eq(status->last_error, "a client was turned away: there are 32 (max_clients)");
        ck_assert_uint_eq(bench.n_refused, 0);
        /* each is told once */
        ck_assert_uint_eq(capture.n_lines, 2);
        ck_assert(log_capture_has(&capture, "a client made room for another: there are 32 (max_clients), and its address has "
                                            "32 of them, from 127.0.0.2"));
        for (size_t i = 0; i < ARRAY_SIZE(greedy); i++)
                close(greedy[i]);
        for (size_t i = 0; i < ARRAY_SIZE(others); i++)
                close(others[i]);
}
END_TEST

/* However many send nonsense and have more of it at hand: a good line waits for none of them. */
START_TEST(nonsense_is_heard_last)
{
        char nonsense[64 * 1024];
        int bad[20], good;

        memset(nonsense, 'x', sizeof(nonsense));
        for (size_t i = 1; i < sizeof(nonsense); i += 2)
                nonsense[i] = '\n';
        start(socket_settings("stream"));
        good = sender(SOCK_STREAM);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                bad[i] = sender(SOCK_STREAM);
                say(bad[i], nonsense, sizeof(nonsense));
        }
        while (bench.n_refused < ARRAY_SIZE(bad) * 4096 / 2) /* each had its turn */
                ck_assert_int_gt(sd_event_run(bench.event, 0), 0);
        say_line(good, "{\"a\":1}\n");
        ck_assert_int_gt(sd_event_run(bench.event, 0), 0);
        ck_assert_uint_eq(bench.n_readings, 1);
        /* nor is one heard last for ever */
        bench_turn(&bench);
        ck_assert_uint_eq(bench.n_refused, ARRAY_SIZE(bad) * sizeof(nonsense) / 2);
        say_line(bad[0], "{\"b\":1}\n");
        bench_turn(&bench);
        for (size_t i = 1; i < ARRAY_SIZE(bad); i++)
                say(bad[i], nonsense, 4096);
        say_line(bad[0], "{\"b\":2}\n");
        ck_assert_int_gt(sd_event_run(bench.event, 0), 0);
        ck_assert_str_eq(bench_last(&bench), "apps b=2i");
        close(good);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                close(bad[i]);
}
END_TEST

/* Good lines without end from one address leave another what it needs of max_rate. */
START_TEST(flood_of_one_address_leaves_others_theirs)
{
        struct sockaddr_storage address = {};
        socklen_t size;
        SensorSettings s = address_settings("tcp", 0, &address, &size);
        size_t good = 0;
        int flood, other;

        s.max_rate = 100;
        start(s);
        flood = sender_from("127.0.0.2", &address, size);
        other = sender_from("127.0.0.1", &address, size);
        for (size_t step = 0; step < 30; step++) {
                for (int i = 0; i < 100; i++)
                        say_line(flood, "{\"flood\":1}\n");
                bench_turn(&bench);
                say_line(other, "{\"good\":1}\n");
                bench_turn(&bench);
                fake_clock_advance(&bench.clock, USEC_PER_SEC / 10);
        }
        for (size_t i = 0; i < bench.n_readings; i++)
                good += strcmp(bench.readings[i], "apps good=1i") == 0;
        ck_assert_uint_eq(good, 30);
        ck_assert_uint_le(bench.n_readings, 200 + 300);
        ck_assert_uint_ge(bench.n_readings, 300);
        ck_assert_uint_eq(bench.refused[REFUSAL_RATE] + bench.n_readings, 30 * 101);
        close(flood);
        close(other);
}
END_TEST

/* ---- slow ones ---- */

/* A byte a second, for ever: dropped 30 s after the line's beginning, and nobody else is. */
START_TEST(line_without_end_drops_its_client)
{
        int slow, good, idle;
        unsigned second = 0;

        start(socket_settings("stream"));
        slow = sender(SOCK_STREAM);
        good = sender(SOCK_STREAM);
        idle = sender(SOCK_STREAM);
        for (; second < 40 && !is_closed(slow); second++) {
                say_line(slow, second == 0 ? "{\"a\":1}\n{" : " ");
                say_line(good, second % 2 ? "1}\n" : "{\"a\":"); /* slow too, but it ends its lines */
                bench_turn(&bench);
                fake_clock_advance(&bench.clock, USEC_PER_SEC);
                bench_tick(&bench, &ticker);
        }
        ck_assert_uint_eq(second, 30);
        ck_assert_uint_eq(bench.refused[REFUSAL_MALFORMED], 1);
        ck_assert(log_capture_has(&capture, "its end did not come within 30 seconds"));
        ck_assert(!is_closed(good) && !is_closed(idle));
        ck_assert_uint_eq(bench.n_readings, 16);
        say_line(idle, "{\"b\":1}\n");
        bench_turn(&bench);
        ck_assert_str_eq(bench_last(&bench), "apps b=1i");
        close(slow);
        close(good);
        close(idle);
}
END_TEST

START_TEST(client_that_waits_for_room_is_not_slow)
{
        int fd;

        start(socket_settings("stream"));
        fd = sender(SOCK_STREAM);
        say_line(fd, "{\"a\":");
        bench_turn(&bench);
        bench.ready = false;
        say_line(fd, "1}\n{\"a\":2}\n{\"a\"");
        bench_turn(&bench);
        fake_clock_advance(&bench.clock, USEC_PER_HOUR);
        bench_tick(&bench, &ticker);
        bench.ready = true;
        bench_next(&bench, &ticker);
        ck_assert_uint_eq(bench.n_readings, 2);
        fake_clock_advance(&bench.clock, 29 * USEC_PER_SEC);
        bench_tick(&bench, &ticker);
        say_line(fd, ":3}\n");
        bench_turn(&bench);
        ck_assert_uint_eq(bench.n_readings, 3);
        ck_assert_uint_eq(bench.n_refused, 0);
        close(fd);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sensor/socket-clients");
        TCase *c;

        c = suite_case(s, "places");
        tcase_add_checked_fixture(c, socket_bench_setup, socket_bench_teardown);
        tcase_add_test(c, one_client_too_many_is_turned_away);
        tcase_add_test(c, client_turned_away_hides_no_bad_line);
        tcase_add_test(c, longest_quiet_client_makes_room);
        tcase_add_test(c, greedy_address_gives_way_to_others);
        tcase_add_test(c, nonsense_is_heard_last);
        tcase_add_test(c, flood_of_one_address_leaves_others_theirs);
        c = suite_case(s, "slow clients");
        tcase_add_checked_fixture(c, socket_bench_setup, socket_bench_teardown);
        tcase_add_test(c, line_without_end_drops_its_client);
        tcase_add_test(c, client_that_waits_for_room_is_not_slow);
        return suite_run(s);
}
