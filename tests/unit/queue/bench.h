/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Bench - a queue on a fake disk, its sinks and its time
 */

#include "fake-clock.h"
#include "fake-disk.h"
#include "queue/queue.h"

#define BENCH_MAX 20000

typedef struct BenchReceipt {
        bool answered;
        int error;
        unsigned stream;
        uint64_t epoch, n;
        size_t entries; /* changes on the disk when it was answered */
} BenchReceipt;

typedef struct Bench {
        FakeClock clock;
        FakeRandom random;
        FakeDisk *disk;
        Queue *queue;
        QueueSettings settings;
        bool dead;  /* its process: nobody hears what the queue says while it goes */
        bool tells; /* notices: else they are held, as without a link, and numbers are the test's own */
        unsigned n_readable, n_changed;
        QueueSource source; /* that bench_peek() asked last */
        uint64_t settled[_OUTCOME_MAX];
        void (*on_settled)(void *userdata, const Settled *settled); /* who else wants to hear; NULL: nobody */
        void *on_settled_userdata;
        void (*on_pressure)(void *userdata, QueueLane lane, double fill); /* NULL: nobody */
        void *on_pressure_userdata;
        BenchReceipt *receipts; /* in the order of the appends that asked for one */
        size_t n_receipts, n_answered;
} Bench;

void bench_init(Bench *b); /* a fake disk, 8 MiB in slots of 384 KiB, a commit a second */
void bench_done(Bench *b);
void bench_open(Bench *b); /* on b->disk */
int bench_try_open(Bench *b);                                             /* -ENOMEM */
void bench_close(Bench *b);
/* the program dies; the machine and its disk go on */
void bench_kill(Bench *b);
void bench_cut(Bench *b, size_t n_entries, FakeCut cut, uint64_t seed);   /* the power goes */
unsigned bench_stream(Bench *b, const char *name, QueueLane lane);

int bench_append(Bench *b, unsigned stream, const char *text);            /* no receipt */
int bench_append_big(Bench *b, unsigned stream, size_t size);
int bench_submit(Bench *b, unsigned stream, const char *text);            /* with a receipt */
void bench_run(Bench *b, usec_t usec);                                    /* time passes; what is due happens */

/* From the backlog, then from the news. */
int bench_peek(Bench *b, QueueLane lane, QueueRecord *ret);
void bench_advance(Bench *b, QueueLane lane);
/* Reads all there is. Each record is checked: numbers ascend in their stream. */
size_t bench_read(Bench *b, QueueLane lane, QueueRecord *ret_last);
size_t bench_read_and_settle(Bench *b, QueueLane lane);
Ledger bench_ledger(Bench *b);
