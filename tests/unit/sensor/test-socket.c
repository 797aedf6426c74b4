/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/driver.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/log-id.h"
#include "bench.h"
#include "log-capture.h"
#include "suite.h"

static Bench bench;
static Sensors *sensors;
static Ticker ticker;
static LogCapture capture;
static char folder[32], path[64], listen_text[96];

static void setup(void)
{
        bench_init(&bench);
        log_capture_begin(&capture);
        ck_assert_int_eq(sensors_new(&sensors, bench.event, &bench.clock.clock, &bench.random.random, &i2c_port_kernel,
                                     &bench.sink), 0);
        ticker = sensors_ticker(sensors);
        strcpy(folder, "/tmp/hublink-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        (void)snprintf(path, sizeof(path), "%s/in.sock", folder);
}

static void teardown(void)
{
        char command[64];

        sensors = sensors_free(sensors);
        ck_assert_int_lt(access(path, F_OK), 0); /* nothing is left behind */
        log_capture_end(&capture);
        bench_done(&bench);
        (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
        ck_assert_int_eq(system(command), 0);
}

static SensorSettings socket_settings(const char *kind)
{
        SensorSettings s = {.name = "apps", .driver = (char *)"socket", .listen = listen_text};

        (void)snprintf(listen_text, sizeof(listen_text), "unix-%s:%s", kind, path);
        return s;
}

static const SensorStatus *start(SensorSettings s)
{
        char *error = NULL;

        ck_assert_msg(sensor_settings_check(&s, &error) == 0, "%s", error);
        ck_assert_int_eq(sensors_configure(sensors, &s, 1), 0);
        bench_tick(&bench, &ticker);
        return sensors_status(sensors, 0);
}

static int sender(int type)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

        strcpy(address.sun_path, path);
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        return fd;
}

static void say(int fd, const char *text, size_t n)
{
        ck_assert_int_eq(send(fd, text, n, MSG_NOSIGNAL), (ssize_t)n);
}

static void say_line(int fd, const char *text)
{
        say(fd, text, strlen(text));
}

/* ---- streams ---- */

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
        close(fd);
}
END_TEST

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
        /* the word about the last values, then nobody needs a timer any more */
        while (ticker.deadline(ticker.userdata) != USEC_INFINITY && bench.n_changed < 100)
                bench_next(&bench, &ticker);
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

/* ---- the file ---- */

START_TEST(file_has_mode_and_group)
{
        SensorSettings s = socket_settings("dgram");
        struct stat st;
        mode_t old = umask(0077);

        s.group = (char *)"daemon";
        start(s);
        umask(old);
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0660);
        if (getuid() == 0)
                ck_assert_uint_eq(st.st_gid, getgrnam("daemon")->gr_gid);
}
END_TEST

START_TEST(what_cannot_be_opened_says_why_and_is_tried_again)
{
        SensorSettings s = socket_settings("dgram");
        FILE *f;

        s.group = (char *)"no_such_group";
        ck_assert_int_eq(start(s)->state, SENSOR_FAILING);
        ck_assert_ptr_nonnull(strstr(sensors_status(sensors, 0)->last_error, "there is no group \"no_such_group\""));
        s.group = NULL;
        s.listen = (char *)"unix-dgram:/no/such/folder/in.sock";
        ck_assert_int_eq(start(s)->state, SENSOR_FAILING);
        ck_assert_ptr_nonnull(strstr(sensors_status(sensors, 0)->last_error, "the folder of /no/such/folder/in.sock"));

        s.listen = listen_text;
        f = fopen(path, "w"); /* a file, not ours to remove */
        fclose(f);
        ck_assert_int_eq(start(s)->state, SENSOR_FAILING);
        ck_assert_ptr_nonnull(strstr(sensors_status(sensors, 0)->last_error, "is no socket"));
        ck_assert_int_eq(unlink(path), 0);
        bench_next(&bench, &ticker);
        ck_assert_int_eq(sensors_status(sensors, 0)->state, SENSOR_OK);
        ck_assert(log_capture_has(&capture, "well again"));
}
END_TEST

START_TEST(left_over_socket_is_replaced_but_no_living_one)
{
        static const struct {
                const char *kind;
                int type;
        } kinds[] = {{"dgram", SOCK_DGRAM}, {"stream", SOCK_STREAM}};

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                struct sockaddr_un address = {.sun_family = AF_UNIX};
                int fd = socket(AF_UNIX, kinds[i].type, 0);

                strcpy(address.sun_path, path);
                ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
                if (kinds[i].type == SOCK_STREAM)
                        ck_assert_int_eq(listen(fd, 1), 0);
                ck_assert_int_eq(start(socket_settings(kinds[i].kind))->state, SENSOR_FAILING);
                ck_assert_ptr_nonnull(strstr(sensors_status(sensors, 0)->last_error, "another program listens on"));
                close(fd); /* it dies without cleaning up */
                bench_next(&bench, &ticker);
                ck_assert_int_eq(sensors_status(sensors, 0)->state, SENSOR_OK);
                close(sender(kinds[i].type));
                ck_assert_int_eq(sensors_configure(sensors, NULL, 0), 0);
                ck_assert_int_lt(access(path, F_OK), 0);
        }
}
END_TEST

START_TEST(file_of_another_is_not_removed)
{
        int fd;

        start(socket_settings("dgram"));
        ck_assert_int_eq(unlink(path), 0);
        fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        close(fd);
        ck_assert_int_eq(sensors_configure(sensors, NULL, 0), 0);
        ck_assert_int_eq(access(path, F_OK), 0);
        ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(settings_are_checked)
{
        static const struct {
                const char *member;
                SensorSettings sensor;
        } cases[] = {
                {"listen", {}},
                {"listen", {.listen = (char *)"/run/x"}},
                {"listen", {.listen = (char *)"tcp:127.0.0.1:8094"}},
                {"listen", {.listen = (char *)"unix-dgram:run/x"}},
                {"listen", {.listen = (char *)"unix-dgram:/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                                                "aaaaaaaaaaaaaa"
                                                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}},
                {"format", {.listen = (char *)"unix-dgram:/x", .format = (char *)"xml"}},
                {"interval", {.listen = (char *)"unix-dgram:/x", .interval_usec = USEC_PER_SEC}},
                {"max_line", {.listen = (char *)"unix-dgram:/x", .max_line = 10}},
                {"max_clients", {.listen = (char *)"unix-stream:/x", .max_clients = 100000}},
                {"path", {.listen = (char *)"unix-stream:/x", .path = (char *)"/x"}},
                {NULL, {.listen = (char *)"unix-stream:/x", .format = (char *)"json", .max_line = 64,
                        .max_clients = 1}},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                SensorSettings s = cases[i].sensor;
                char *error = NULL;

                strcpy(s.name, "apps");
                s.driver = (char *)"socket";
                ck_assert_int_eq(sensor_settings_check(&s, &error), cases[i].member ? SENSOR_E_BAD : 0);
                ck_assert_msg(!cases[i].member || strncmp(error, cases[i].member, strlen(cases[i].member)) == 0, "%s",
                              error);
                free(error);
        }
}
END_TEST

/* ---- load ---- */

#define FLOOD 50000

static void *flood(void *userdata)
{
        static const char line[] = "{\"temperature\":21.0625,\"humidity\":45.5,\"t\":1763647200123}\n";
        int fd = *(int *)userdata;

        for (int i = 0; i < FLOOD; i++)
                if (send(fd, line, sizeof(line) - 1, MSG_NOSIGNAL) != sizeof(line) - 1)
                        abort();
        return NULL;
}

static double cpu_usec(const struct rusage *u)
{
        return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1e6 +
               (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec);
}

static void take_flood(const char *kind, int type)
{
        struct rusage before, after;
        pthread_t thread;
        double usec;
        int fd;

        start(socket_settings(kind));
        fd = sender(type);
        ck_assert_int_eq(getrusage(RUSAGE_THREAD, &before), 0);
        ck_assert_int_eq(pthread_create(&thread, NULL, flood, &fd), 0);
        bench_wait_for(&bench, &bench.n_readings, FLOOD);
        ck_assert_int_eq(getrusage(RUSAGE_THREAD, &after), 0);
        pthread_join(thread, NULL);
        usec = cpu_usec(&after) - cpu_usec(&before);
        printf("# %s: %.2f us of CPU a reading, the bench's own work included\n", kind, usec / FLOOD);
        ck_assert_uint_eq(bench.n_refused, 0);
        /* A microsecond or three; the bound has room for valgrind, and 2,000 a second still fit into a processor. */
        ck_assert(usec / FLOOD < 400);
        close(fd);
}

START_TEST(flood_of_datagrams_is_taken)
{
        take_flood("dgram", SOCK_DGRAM);
}
END_TEST

START_TEST(flood_of_lines_is_taken)
{
        take_flood("stream", SOCK_STREAM);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sensor/socket");
        TCase *c = suite_case(s, "streams");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, stream_may_be_cut_at_every_byte);
        tcase_add_test(c, last_line_needs_no_end);
        tcase_add_test(c, status_shows_the_last_values_and_errors);
        tcase_add_test(c, long_line_is_skipped_to_its_end);
        tcase_add_test(c, one_client_too_many_is_turned_away);
        tcase_add_test(c, stream_waits_while_there_is_no_room);
        tcase_add_test(c, binary_junk_harms_nobody);
        tcase_add_test(c, sender_may_vanish_at_any_time);
        c = suite_case(s, "datagrams");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, datagram_holds_one_line_or_several);
        tcase_add_test(c, bad_datagram_names_its_sender);
        tcase_add_test(c, datagrams_without_room_are_counted);
        tcase_add_test(c, huge_datagram_is_too_long);
        tcase_add_test(c, rate_is_limited);
        tcase_add_test(c, each_fault_of_a_sender_is_told_once);
        tcase_add_test(c, client_turned_away_hides_no_bad_line);
        tcase_add_test(c, time_that_nobody_means_is_refused);
        c = suite_case(s, "the file");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, file_has_mode_and_group);
        tcase_add_test(c, what_cannot_be_opened_says_why_and_is_tried_again);
        tcase_add_test(c, left_over_socket_is_replaced_but_no_living_one);
        tcase_add_test(c, file_of_another_is_not_removed);
        c = suite_case(s, "settings");
        tcase_add_test(c, settings_are_checked);
        c = suite_case(s, "load");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, flood_of_datagrams_is_taken);
        tcase_add_test(c, flood_of_lines_is_taken);
        return suite_run(s);
}
