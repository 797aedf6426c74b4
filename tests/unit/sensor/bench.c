/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/number.h"

static void put_value(Buffer *b, const Value *v)
{
        char text[NUMBER_TEXT_MAX];

        switch (v->kind) {
        case VALUE_NUMBER:
                (void)number_format(v->number, text);
                buffer_append_string(b, text);
                break;
        case VALUE_INTEGER:
                buffer_printf(b, "%lldi", (long long)v->integer);
                break;
        case VALUE_BOOLEAN:
                buffer_append_string(b, v->boolean ? "true" : "false");
                break;
        case VALUE_TEXT:
                buffer_printf(b, "'%s'", v->text);
                break;
        case _VALUE_KIND_MAX:
                ck_abort();
        }
}

static int on_reading(void *userdata, const char *stream, const Reading *reading)
{
        Bench *b = userdata;
        Buffer line = BUFFER_NULL;

        if (b->full) {
                b->refused[REFUSAL_OVERLOAD]++;
                return 1;
        }
        b->last_wall_usec = reading->wall_usec;
        b->last_wall_trusted = reading->wall_trusted;
        if (b->n_readings++ >= ARRAY_SIZE(b->readings))
                return 0;
        if (stream)
                buffer_printf(&line, "%s|", stream);
        buffer_append_string(&line, reading->sensor);
        for (size_t i = 0; i < reading->n_channels; i++) {
                buffer_printf(&line, " %s=", reading->channels[i].name);
                put_value(&line, &reading->channels[i].value);
        }
        b->readings[b->n_readings - 1] = buffer_steal(&line);
        return 0;
}

static void on_refused(void *userdata, Refusal why)
{
        Bench *b = userdata;

        b->refused[why]++;
        b->n_refused++;
}

static bool on_ready(void *userdata)
{
        return ((Bench *)userdata)->ready;
}

static void on_changed(void *userdata, const SensorStatus *sensor)
{
        Bench *b = userdata;

        b->n_changed++;
        b->state = sensor->state;
}

void bench_init(Bench *b)
{
        *b = (Bench){.ready = true, .state = _SENSOR_STATE_INVALID};
        fake_clock_init(&b->clock);
        fake_random_init(&b->random, 1);
        ck_assert_int_ge(sd_event_new(&b->event), 0);
        b->sink = (ReadingSink){on_reading, on_refused, on_ready, on_changed, b};
}

void bench_done(Bench *b)
{
        for (size_t i = 0; i < MIN(b->n_readings, ARRAY_SIZE(b->readings)); i++)
                free(b->readings[i]);
        sd_event_unref(b->event);
}

void bench_tick(Bench *b, const Ticker *ticker)
{
        ticker->tick(ticker->userdata, b->clock.boot_usec);
}

void bench_next(Bench *b, const Ticker *ticker)
{
        usec_t at = ticker->deadline(ticker->userdata);

        ck_assert_msg(at != USEC_INFINITY, "nothing is due");
        fake_clock_advance(&b->clock, usec_sub(at, b->clock.boot_usec));
        bench_tick(b, ticker);
}

void bench_turn(Bench *b)
{
        while (sd_event_run(b->event, 0) > 0)
                ;
}

static bool another_thread_runs(void)
{
        DIR *dir = opendir("/proc/self/task");
        pid_t self = gettid();
        bool runs = false;

        ck_assert_ptr_nonnull(dir);
        for (struct dirent *e; !runs && (e = readdir(dir));) {
                char path[64], stat[128] = "";
                const char *end;
                int fd;

                if (*e->d_name == '.' || atoi(e->d_name) == self)
                        continue;
                (void)snprintf(path, sizeof(path), "/proc/self/task/%.16s/stat", e->d_name);
                fd = open(path, O_RDONLY | O_CLOEXEC);
                if (fd < 0)
                        continue; /* it has ended */
                if (read(fd, stat, sizeof(stat) - 1) > 0 && (end = strrchr(stat, ')')))
                        runs = end[2] == 'R' || end[2] == 'D';
                close(fd);
        }
        closedir(dir);
        return runs;
}

/* The loop turns until no other thread computes or waits for a disk: time stands still for it. */
static void settle(Bench *b)
{
        for (;;) {
                bool runs = another_thread_runs();

                if (sd_event_run(b->event, runs ? USEC_PER_MSEC / 10 : 0) == 0 && !runs)
                        return;
        }
}

void bench_live(Bench *b, const Ticker *ticker, usec_t usec)
{
        usec_t step = usec < 10 * USEC_PER_SEC ? 50 * USEC_PER_MSEC : 500 * USEC_PER_MSEC;

        for (usec_t t = 0; t < usec; t += step) {
                bench_tick(b, ticker);
                (void)sd_event_run(b->event, 2 * USEC_PER_MSEC);
                settle(b);
                fake_clock_advance(&b->clock, step);
        }
}

void bench_wait_for(Bench *b, const size_t *n, size_t at_least)
{
        while (*n < at_least)
                ck_assert_msg(sd_event_run(b->event, 20 * USEC_PER_SEC) > 0,
                              "nothing came within 20 s (%zu of %zu)", *n, at_least);
}

static usec_t cpu(clockid_t clock)
{
        struct timespec t;

        ck_assert_int_eq(clock_gettime(clock, &t), 0);
        return (usec_t)t.tv_sec * USEC_PER_SEC + (usec_t)t.tv_nsec / 1000;
}

usec_t bench_cpu(void)
{
        return cpu(CLOCK_THREAD_CPUTIME_ID);
}

usec_t bench_cpu_of_others(void)
{
        return usec_sub(cpu(CLOCK_PROCESS_CPUTIME_ID), bench_cpu());
}

const char *bench_last(const Bench *b)
{
        return b->n_readings > 0 && b->n_readings <= ARRAY_SIZE(b->readings) ? b->readings[b->n_readings - 1] : "";
}
