/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "socket-bench.h"
#include "suite.h"

#define FLOOD 50000

typedef struct Flood {
        const char *text;
        size_t n; /* times */
        int fd;
} Flood;

static void *flood(void *userdata)
{
        const Flood *f = userdata;

        for (size_t i = 0; i < f->n; i++)
                if (send(f->fd, f->text, strlen(f->text), MSG_NOSIGNAL) != (ssize_t)strlen(f->text))
                        abort();
        return NULL;
}

static double cpu_usec(const struct rusage *u)
{
        return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1e6 +
               (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec);
}

/* Microseconds of CPU a line, the bench's own work included, until the counter is at FLOOD. */
static double take_flood(const char *kind, int type, Flood f, const size_t *counter)
{
        struct rusage before, after;
        pthread_t thread;

        start(socket_settings(kind));
        f.fd = sender(type);
        ck_assert_int_eq(getrusage(RUSAGE_THREAD, &before), 0);
        ck_assert_int_eq(pthread_create(&thread, NULL, flood, &f), 0);
        bench_wait_for(&bench, counter, FLOOD);
        ck_assert_int_eq(getrusage(RUSAGE_THREAD, &after), 0);
        pthread_join(thread, NULL);
        close(f.fd);
        return (cpu_usec(&after) - cpu_usec(&before)) / FLOOD;
}

static void take_readings(const char *kind, int type)
{
        const Flood f = {"{\"temperature\":21.0625,\"humidity\":45.5,\"t\":1763647200123}\n", FLOOD, -1};
        double usec = take_flood(kind, type, f, &bench.n_readings);

        printf("# %s: %.2f us a reading\n", kind, usec);
        ck_assert_uint_eq(bench.n_refused, 0);
        /* A microsecond or three; the bound has room for valgrind, and 2,000 a second still fit into a processor. */
        ck_assert(usec < 400);
}

START_TEST(flood_of_datagrams_is_taken)
{
        take_readings("dgram", SOCK_DGRAM);
}
END_TEST

START_TEST(flood_of_lines_is_taken)
{
        take_readings("stream", SOCK_STREAM);
}
END_TEST

START_TEST(flood_of_nonsense_is_refused)
{
        char text[2 * 1000 + 1];
        double usec;

        for (size_t i = 0; i < sizeof(text) - 1; i += 2)
                memcpy(text + i, "x\n", 2);
        text[sizeof(text) - 1] = 0;
        usec = take_flood("stream", SOCK_STREAM, (Flood){text, FLOOD / 1000, -1}, &bench.n_refused);
        printf("# stream: %.2f us a line that is refused\n", usec);
        ck_assert_uint_eq(bench.n_readings, 0);
        ck_assert(usec < 400);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sensor/socket-load");
        TCase *c;

        c = suite_case(s, "load");
        tcase_add_checked_fixture(c, socket_bench_setup, socket_bench_teardown);
        tcase_add_test(c, flood_of_datagrams_is_taken);
        tcase_add_test(c, flood_of_lines_is_taken);
        tcase_add_test(c, flood_of_nonsense_is_refused);
        return suite_run(s);
}
