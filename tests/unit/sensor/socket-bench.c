/* SPDX-License-Identifier: Apache-2.0 */
#include "socket-bench.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "suite.h"

Bench bench;
Sensors *sensors;
Ticker ticker;
LogCapture capture;
char folder[32], path[64], listen_text[96];

void socket_bench_setup(void)
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

void socket_bench_teardown(void)
{
        char command[64];

        sensors = sensors_free(sensors);
        ck_assert_int_lt(access(path, F_OK), 0); /* nothing is left behind */
        log_capture_end(&capture);
        bench_done(&bench);
        (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
        ck_assert_int_eq(system(command), 0);
}

SensorSettings socket_settings(const char *kind)
{
        SensorSettings s = {.name = "apps", .driver = (char *)"socket", .listen = listen_text};

        (void)snprintf(listen_text, sizeof(listen_text), "unix-%s:%s", kind, path);
        return s;
}

const SensorStatus *start(SensorSettings s)
{
        char *error = NULL;

        ck_assert_msg(sensor_settings_check(&s, &error) == 0, "%s", error);
        ck_assert_int_eq(sensors_configure(sensors, &s, 1), 0);
        bench_tick(&bench, &ticker);
        return sensors_status(sensors, 0);
}

int sender(int type)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

        strcpy(address.sun_path, path);
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        return fd;
}

void say(int fd, const char *text, size_t n)
{
        ck_assert_int_eq(send(fd, text, n, MSG_NOSIGNAL), (ssize_t)n);
}

void say_line(int fd, const char *text)
{
        say(fd, text, strlen(text));
}

bool is_closed(int fd)
{
        char byte;

        return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

/* A port that nobody has at the moment. */
SensorSettings address_settings(const char *scheme, size_t host, struct sockaddr_storage *ret, socklen_t *ret_size)
{
        union {
                struct sockaddr any;
                struct sockaddr_in in;
                struct sockaddr_in6 in6;
        } a = {};
        SensorSettings s = {.name = "apps", .driver = (char *)"socket", .listen = listen_text};
        static const char *const hosts[] = {"127.0.0.1", "[::1]"};
        bool six = host == 1;
        int fd = socket(six ? AF_INET6 : AF_INET, strcmp(scheme, "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM, 0);

        a.any.sa_family = six ? AF_INET6 : AF_INET;
        *ret_size = six ? sizeof(a.in6) : sizeof(a.in);
        if (six)
                a.in6.sin6_addr = in6addr_loopback;
        else
                a.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ck_assert_int_eq(bind(fd, &a.any, *ret_size), 0);
        ck_assert_int_eq(getsockname(fd, &a.any, ret_size), 0);
        close(fd);
        (void)snprintf(listen_text, sizeof(listen_text), "%s:%s:%u", scheme, hosts[host],
                       ntohs(six ? a.in6.sin6_port : a.in.sin_port));
        memcpy(ret, &a, *ret_size);
        return s;
}

int sender_to(int type, const struct sockaddr_storage *address, socklen_t size)
{
        int fd = socket(address->ss_family, type | SOCK_CLOEXEC, 0);

        ck_assert_int_eq(connect(fd, (const struct sockaddr *)address, size), 0);
        return fd;
}

int sender_from(const char *host, const struct sockaddr_storage *address, socklen_t size)
{
        struct sockaddr_in from = {.sin_family = AF_INET};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        ck_assert_int_eq(inet_pton(AF_INET, host, &from.sin_addr), 1);
        ck_assert_int_eq(bind(fd, (const struct sockaddr *)&from, sizeof(from)), 0);
        ck_assert_int_eq(connect(fd, (const struct sockaddr *)address, size), 0);
        return fd;
}
