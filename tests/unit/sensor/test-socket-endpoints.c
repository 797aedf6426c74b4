/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "sensor/handed.h"
#include "socket-bench.h"
#include "suite.h"

/* ---- addresses ---- */

START_TEST(addresses_of_both_kinds_are_heard)
{
        for (size_t host = 0; host < 2; host++)
                for (int udp = 0; udp < 2; udp++) {
                        struct sockaddr_storage address = {};
                        socklen_t size;
                        size_t before = bench.n_readings, told = capture.n_lines;
                        int fd;

                        ck_assert_int_eq(start(address_settings(udp ? "udp" : "tcp", host, &address, &size))->state,
                                         SENSOR_OK);
                        fd = sender_to(udp ? SOCK_DGRAM : SOCK_STREAM, &address, size);
                        say_line(fd, "{\"a\":1}\n{\"a\":2}\nnonsense\n");
                        bench_wait_for(&bench, &bench.n_readings, before + 2);
                        bench_turn(&bench);
                        ck_assert_uint_eq(bench.refused[REFUSAL_MALFORMED], 2 * host + (size_t)udp + 1);
                        ck_assert_uint_eq(capture.n_lines, told + 1);
                        ck_assert_msg(strstr(capture.lines[told], host ? "from ::1, port " : "from 127.0.0.1, port "),
                                      "%s", capture.lines[told]);
                        close(fd);
                        ck_assert_int_eq(sensors_configure(sensors, NULL, 0), 0);
                }
}
END_TEST

START_TEST(port_of_another_is_told_and_tried_again)
{
        struct sockaddr_storage address = {};
        socklen_t size;
        SensorSettings s = address_settings("tcp", 0, &address, &size);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, size), 0);
        ck_assert_int_eq(listen(fd, 1), 0);
        ck_assert_int_eq(start(s)->state, SENSOR_FAILING);
        ck_assert_ptr_nonnull(strstr(sensors_status(sensors, 0)->last_error, "another program has this port"));
        close(fd);
        bench_next(&bench, &ticker);
        ck_assert_int_eq(sensors_status(sensors, 0)->state, SENSOR_OK);
}
END_TEST

START_TEST(address_that_is_not_here_says_so)
{
        SensorSettings s = {.name = "apps", .driver = (char *)"socket", .listen = (char *)"udp:192.0.2.1:8094"};

        ck_assert_int_eq(start(s)->state, SENSOR_FAILING);
        ck_assert_ptr_nonnull(strstr(sensors_status(sensors, 0)->last_error, "no interface has this address"));
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
        } kinds[] = {{"dgram", SOCK_DGRAM}, {"stream", SOCK_STREAM}, {"seqpacket", SOCK_SEQPACKET}};

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                struct sockaddr_un address = {.sun_family = AF_UNIX};
                int fd = socket(AF_UNIX, kinds[i].type, 0);

                strcpy(address.sun_path, path);
                ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
                if (kinds[i].type != SOCK_DGRAM)
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

/* Whoever tidies up its folder makes it deaf for a minute at most, or until a reload; its clients notice nothing. */
START_TEST(file_that_was_removed_is_made_anew)
{
        static const struct {
                const char *kind;
                int type;
        } kinds[] = {{"dgram", SOCK_DGRAM}, {"stream", SOCK_STREAM}, {"seqpacket", SOCK_SEQPACKET}};

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                for (unsigned reload = 0; reload < 2; reload++) {
                        SensorSettings s = socket_settings(kinds[i].kind);
                        size_t n = bench.n_readings, n_lines = capture.n_lines;
                        usec_t until = bench.clock.boot_usec + USEC_PER_MIN;
                        int old, new;

                        start(s);
                        old = sender(kinds[i].type);
                        if (kinds[i].type != SOCK_DGRAM) {
                                say_line(old, "{\"x\":1}\n");
                                bench_wait_for(&bench, &bench.n_readings, ++n);
                        }
                        ck_assert_int_eq(unlink(path), 0);
                        if (reload)
                                start(s);
                        else
                                while (access(path, F_OK) < 0 && ticker.deadline(ticker.userdata) <= until)
                                        bench_next(&bench, &ticker);
                        ck_assert_uint_le(bench.clock.boot_usec, until);
                        new = sender(kinds[i].type);
                        say_line(new, "{\"x\":2}\n");
                        bench_wait_for(&bench, &bench.n_readings, ++n);
                        ck_assert_str_eq(bench_last(&bench), "apps x=2i");
                        if (kinds[i].type != SOCK_DGRAM) {
                                say_line(old, "{\"x\":3}\n");
                                bench_wait_for(&bench, &bench.n_readings, ++n);
                                ck_assert_str_eq(bench_last(&bench), "apps x=3i");
                        }
                        ck_assert_int_eq(sensors_status(sensors, 0)->state, SENSOR_OK);
                        ck_assert_uint_eq(capture.n_lines, n_lines + 1);
                        ck_assert(log_capture_has(&capture, "was removed or replaced"));
                        ck_assert_uint_eq(sensors_status(sensors, 0)->errors, 1);
                        start(s); /* and that was that */
                        ck_assert_uint_eq(capture.n_lines, n_lines + 1);
                        close(old);
                        close(new);
                        ck_assert_int_eq(sensors_configure(sensors, NULL, 0), 0);
                        ck_assert_int_lt(access(path, F_OK), 0);
                }
}
END_TEST

/* What took its name is left alone, and said to be in the way; it listens again once that is gone. */
START_TEST(file_that_was_replaced_is_not_taken_away)
{
        SensorSettings s = socket_settings("stream");
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        size_t n = bench.n_readings;
        int other = socket(AF_UNIX, SOCK_STREAM, 0), fd;

        start(s);
        ck_assert_int_eq(unlink(path), 0);
        strcpy(address.sun_path, path);
        ck_assert_int_eq(bind(other, (struct sockaddr *)&address, sizeof(address)), 0);
        ck_assert_int_eq(listen(other, 1), 0);
        ck_assert_int_eq(start(s)->state, SENSOR_FAILING);
        ck_assert_ptr_nonnull(strstr(sensors_status(sensors, 0)->last_error, "another program listens on"));
        close(other);
        ck_assert_int_eq(start(s)->state, SENSOR_OK);
        ck_assert(log_capture_has(&capture, "well again"));
        fd = sender(SOCK_STREAM);
        say_line(fd, "{\"x\":2}\n");
        bench_wait_for(&bench, &bench.n_readings, n + 1);
        close(fd);
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

/* ---- what the service manager hands over ---- */

START_TEST(handed_socket_is_found_by_its_name)
{
        static char *const names[] = {(char *)"one", (char *)"two", (char *)"twin", (char *)"twin", NULL};
        char error[SENSOR_ERROR_MAX];
        size_t i = 99;

        ck_assert_int_eq(handed_pick(names, "two", &i, error), 0);
        ck_assert_uint_eq(i, 1);
        ck_assert_int_eq(handed_pick(names, "twin", &i, error), SENSOR_E_FAILED);
        ck_assert_ptr_nonnull(strstr(error, "handed over 2 sockets \"twin\": one Listen line a unit"));
        ck_assert_int_eq(handed_pick(names, "tw", &i, error), SENSOR_E_FAILED);
        ck_assert_ptr_nonnull(strstr(error, "no socket \"tw\", but \"one\", \"two\""));
        ck_assert_int_eq(handed_pick(NULL, "two", &i, error), SENSOR_E_FAILED);
        ck_assert_ptr_nonnull(strstr(error, "nor any other: start its unit before hublinkd"));
}
END_TEST

static int bound(int family, int type)
{
        union {
                struct sockaddr any;
                struct sockaddr_in in;
                struct sockaddr_in6 in6;
                struct sockaddr_un un;
        } a = {.any.sa_family = (sa_family_t)family};
        int fd = socket(family, type | SOCK_CLOEXEC, 0);

        if (family == AF_UNIX)
                ck_assert_int_lt(snprintf(a.un.sun_path, sizeof(a.un.sun_path), "%s-%d", path, type), 100);
        ck_assert_int_eq(bind(fd, &a.any, family == AF_INET   ? sizeof(a.in)
                                          : family == AF_INET6 ? sizeof(a.in6)
                                                               : sizeof(a.un)),
                         0);
        if (type != SOCK_DGRAM)
                ck_assert_int_eq(listen(fd, 1), 0);
        return fd;
}

START_TEST(handed_socket_may_be_of_any_kind)
{
        static const struct {
                int family, type;
        } kinds[] = {
                {AF_UNIX, SOCK_DGRAM},  {AF_UNIX, SOCK_STREAM}, {AF_UNIX, SOCK_SEQPACKET}, {AF_INET, SOCK_DGRAM},
                {AF_INET, SOCK_STREAM}, {AF_INET6, SOCK_DGRAM}, {AF_INET6, SOCK_STREAM},
        };
        char error[SENSOR_ERROR_MAX];
        Handed h;

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                int fd = bound(kinds[i].family, kinds[i].type);

                ck_assert_int_eq(handed_look(fd, "x", &h, error), 0);
                ck_assert_int_eq(h.fd, fd);
                ck_assert_int_eq(h.family, kinds[i].family);
                ck_assert_int_eq(h.type, kinds[i].type);
                ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
                close(fd);
        }
}
END_TEST

START_TEST(handed_thing_of_a_wrong_kind_is_named)
{
        char error[SENSOR_ERROR_MAX];
        int pair[2], fd;
        Handed h;

        ck_assert_int_eq(pipe(pair), 0);
        ck_assert_int_eq(handed_look(pair[0], "fifo", &h, error), SENSOR_E_FAILED);
        ck_assert_ptr_nonnull(strstr(error, "as \"fifo\" is no socket"));
        ck_assert_ptr_nonnull(strstr(error, "ListenDatagram="));
        close(pair[0]);
        close(pair[1]);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        ck_assert_int_eq(handed_look(pair[0], "one", &h, error), SENSOR_E_FAILED);
        ck_assert_ptr_nonnull(strstr(error, "is one connection: its unit must not say Accept=yes"));
        close(pair[0]);
        close(pair[1]);
        fd = socket(AF_NETLINK, SOCK_RAW, 0);
        ck_assert_int_eq(handed_look(fd, "odd", &h, error), SENSOR_E_FAILED);
        ck_assert_ptr_nonnull(strstr(error, "of a kind that sensors do not have"));
        close(fd);
}
END_TEST

/* The whole of it is with a real launcher, in the system tests. */
START_TEST(without_a_service_manager_it_says_so)
{
        SensorSettings s = {.name = "apps", .driver = (char *)"socket", .listen = (char *)"systemd:ingest"};

        unsetenv("LISTEN_PID");
        ck_assert_int_eq(start(s)->state, SENSOR_FAILING);
        ck_assert_ptr_nonnull(strstr(sensors_status(sensors, 0)->last_error, "systemd handed over no socket \"ingest\""));
}
END_TEST

/* ---- settings ---- */

START_TEST(settings_are_checked)
{
        static const struct {
                const char *member;
                SensorSettings sensor;
        } cases[] = {
                {"listen", {}},
                {"listen", {.listen = (char *)"/run/x"}},
                {"listen", {.listen = (char *)"sctp:127.0.0.1:8094"}},
                {"listen", {.listen = (char *)"tcp:127.0.0.1"}},
                {"listen", {.listen = (char *)"tcp:127.0.0.1:"}},
                {"listen", {.listen = (char *)"tcp:127.0.0.1:0"}},
                {"listen", {.listen = (char *)"tcp:127.0.0.1:65536"}},
                {"listen", {.listen = (char *)"tcp:127.0.0.1:+80"}},
                {"listen", {.listen = (char *)"tcp:127.0.0.1:000080"}},
                {"listen", {.listen = (char *)"tcp:127.0.0:80"}},
                {"listen", {.listen = (char *)"tcp::80"}},
                {"listen", {.listen = (char *)"tcp:80"}},
                {"listen", {.listen = (char *)"udp:localhost:80"}},
                {"listen", {.listen = (char *)"udp:::1:80"}},
                {"listen", {.listen = (char *)"udp:[::1]"}},
                {"listen", {.listen = (char *)"udp:[::1:80"}},
                {"listen", {.listen = (char *)"udp:[]:80"}},
                {"listen", {.listen = (char *)"udp:[127.0.0.1]:80"}},
                {"listen", {.listen = (char *)"udp:[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]:80"}},
                {"listen", {.listen = (char *)"unix-seqpacket:x"}},
                {"group", {.listen = (char *)"udp:127.0.0.1:80", .group = (char *)"daemon"}},
                {"group", {.listen = (char *)"systemd:x", .group = (char *)"daemon"}},
                {"peer", {.listen = (char *)"udp:127.0.0.1:80", .peer = true}},
                {"peer", {.listen = (char *)"tcp:[::1]:80", .peer = true}},
                {"listen", {.listen = (char *)"systemd:"}},
                {"listen", {.listen = (char *)"systemd:a:b"}},
                {"listen", {.listen = (char *)"systemd:a\nb"}},
                {NULL, {.listen = (char *)"systemd:my socket.socket", .peer = true}},
                {NULL, {.listen = (char *)"unix-dgram:/x", .peer = true}},
                {NULL, {.listen = (char *)"unix-stream:/x", .peer = true}},
                {NULL, {.listen = (char *)"udp:0.0.0.0:1"}},
                {NULL, {.listen = (char *)"tcp:[::1]:65535", .format = (char *)"influx"}},
                {NULL, {.listen = (char *)"tcp:[fe80:0000:0000:0000:0000:0000:0000:0001]:8094"}},
                {NULL, {.listen = (char *)"unix-seqpacket:/x", .group = (char *)"daemon"}},
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

int main(void)
{
        Suite *s = suite_create("sensor/socket-endpoints");
        TCase *c;

        c = suite_case(s, "addresses");
        tcase_add_checked_fixture(c, socket_bench_setup, socket_bench_teardown);
        tcase_add_test(c, addresses_of_both_kinds_are_heard);
        tcase_add_test(c, port_of_another_is_told_and_tried_again);
        tcase_add_test(c, address_that_is_not_here_says_so);
        c = suite_case(s, "the file");
        tcase_add_checked_fixture(c, socket_bench_setup, socket_bench_teardown);
        tcase_add_test(c, file_has_mode_and_group);
        tcase_add_test(c, what_cannot_be_opened_says_why_and_is_tried_again);
        tcase_add_test(c, left_over_socket_is_replaced_but_no_living_one);
        tcase_add_test(c, file_that_was_removed_is_made_anew);
        tcase_add_test(c, file_that_was_replaced_is_not_taken_away);
        tcase_add_test(c, file_of_another_is_not_removed);
        c = suite_case(s, "handed over");
        tcase_add_checked_fixture(c, socket_bench_setup, socket_bench_teardown);
        tcase_add_test(c, handed_socket_is_found_by_its_name);
        tcase_add_test(c, handed_socket_may_be_of_any_kind);
        tcase_add_test(c, handed_thing_of_a_wrong_kind_is_named);
        tcase_add_test(c, without_a_service_manager_it_says_so);
        c = suite_case(s, "settings");
        tcase_add_test(c, settings_are_checked);
        return suite_run(s);
}
