/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "socket-bench.h"
#include "suite.h"

static const struct {
        const char *kind;
        int type;
} kinds[] = {{"dgram", SOCK_DGRAM}, {"stream", SOCK_STREAM}, {"seqpacket", SOCK_SEQPACKET}};

static SensorSettings peer_settings(const char *kind)
{
        SensorSettings s = socket_settings(kind);

        s.peer = true;
        return s;
}

/* As user 1 where that can be had. */
static pid_t child_says(int type, const char *text, uid_t *ret_uid)
{
        pid_t child;
        int status;

        *ret_uid = getuid() == 0 ? 1 : getuid();
        if (getuid() == 0)
                ck_assert_int_eq(chmod(path, 0666) | chmod(folder, 0755), 0);
        child = fork();
        if (child == 0) {
                if (getuid() == 0 && setresuid(1, 1, 1) < 0)
                        _exit(1);
                say_line(sender(type), text);
                _exit(0);
        }
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_int_eq(status, 0);
        bench_turn(&bench);
        return child;
}

START_TEST(readings_tell_who_sent_them)
{
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
                char wanted[64];
                uid_t uid;
                pid_t pid;

                start(peer_settings(kinds[i].kind));
                pid = child_says(kinds[i].type, "{\"a\":1}\n{\"s\":\"b\",\"c\":2}\n", &uid);
                ck_assert_uint_eq(bench.n_readings, 2 * i + 2);
                (void)snprintf(wanted, sizeof(wanted), "apps a=1i uid=%ui pid=%di", (unsigned)uid, (int)pid);
                ck_assert_str_eq(bench.readings[2 * i], wanted);
                (void)snprintf(wanted, sizeof(wanted), "b c=2i uid=%ui pid=%di", (unsigned)uid, (int)pid);
                ck_assert_str_eq(bench.readings[2 * i + 1], wanted);
                ck_assert_int_eq(sensors_configure(sensors, NULL, 0), 0);
        }
}
END_TEST

START_TEST(nobody_claims_to_be_another)
{
        static const char *const lines[] = {"{\"uid\":0,\"a\":1}", "{\"a\":1,\"pid\":1}", "{\"pid\":\"x\"}"};
        SensorSettings s = peer_settings("dgram");
        int fd;

        start(s);
        fd = sender(SOCK_DGRAM);
        for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
                say_line(fd, lines[i]);
        bench_turn(&bench);
        ck_assert_uint_eq(bench.n_readings, 0);
        ck_assert_uint_eq(bench.refused[REFUSAL_MALFORMED], ARRAY_SIZE(lines));
        ck_assert(log_capture_has(&capture, "uid and pid are those of the sender here (peer), a line must not have them"));
        close(fd);
        /* without it they are channels like others */
        s.peer = false;
        start(s);
        fd = sender(SOCK_DGRAM);
        say_line(fd, lines[0]);
        bench_turn(&bench);
        ck_assert_str_eq(bench_last(&bench), "apps uid=0i a=1i");
        close(fd);
}
END_TEST

START_TEST(its_channels_need_room)
{
        for (size_t n = 60; n <= READING_CHANNELS_MAX; n++) {
                size_t before = bench.n_readings;
                Buffer line = BUFFER_NULL;
                int fd;

                start(peer_settings("dgram"));
                fd = sender(SOCK_DGRAM);
                for (size_t i = 0; i < n; i++)
                        buffer_printf(&line, "%s\"c%zu\":1", i > 0 ? "," : "{", i);
                buffer_append_char(&line, '}');
                say(fd, line.data, line.size);
                bench_turn(&bench);
                ck_assert_uint_eq(bench.n_readings - before, n + 2 <= READING_CHANNELS_MAX);
                buffer_done(&line);
                close(fd);
        }
        ck_assert_uint_eq(bench.refused[REFUSAL_MALFORMED], 2);
        ck_assert(log_capture_has(&capture, "too many channels"));
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sensor/socket-peer");
        TCase *c;

        c = suite_case(s, "peer");
        tcase_add_checked_fixture(c, socket_bench_setup, socket_bench_teardown);
        tcase_add_test(c, readings_tell_who_sent_them);
        tcase_add_test(c, nobody_claims_to_be_another);
        tcase_add_test(c, its_channels_need_room);
        return suite_run(s);
}
