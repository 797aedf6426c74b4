/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Bench - what every test of sensors stands on
 *
 * A fake clock, a real event loop, and a sink that keeps what falls into it: readings as lines of text
 * ("stream|sensor a=1.5 b=text"), refusals as counters. Threads are real, so what they bring is waited for; time is
 * not.
 */

#include "fake-clock.h"
#include "sensor/sensors.h"

typedef struct Bench {
        FakeClock clock;
        FakeRandom random;
        sd_event *event;
        ReadingSink sink;

        char *readings[4096]; /* the first ones */
        size_t n_readings;    /* all */
        usec_t last_wall_usec;
        bool last_wall_trusted;
        uint64_t refused[_REFUSAL_MAX];
        size_t n_refused;
        size_t n_changed;
        SensorState state; /* as told last */
        bool ready;        /* what the sink answers */
        bool full;         /* it takes nothing */
} Bench;

void bench_init(Bench *b);
void bench_done(Bench *b);

/* Time goes to t, or stays if that is past; what is due is called. */
void bench_tick(Bench *b, const Ticker *ticker);           /* now */
void bench_next(Bench *b, const Ticker *ticker);           /* at its next deadline */
void bench_turn(Bench *b);                                 /* the loop turns for as long as something is ready */
/* Time goes on by so much, in small steps. A worker's thread and inotify are real: it stands still while they work. */
void bench_live(Bench *b, const Ticker *ticker, usec_t usec);
void bench_wait_for(Bench *b, const size_t *n, size_t at_least); /* the loop turns until the counter is there */
usec_t bench_cpu(void);                                    /* what this thread, the loop's, has computed so far */
usec_t bench_cpu_of_others(void);                          /* and what all other threads have */
const char *bench_last(const Bench *b);                    /* reading; "" for none */
