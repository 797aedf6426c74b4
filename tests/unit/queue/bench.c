/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static void on_readable(void *userdata)
{
        ((Bench *)userdata)->n_readable++;
}

static void on_changed(void *userdata)
{
        ((Bench *)userdata)->n_changed++;
}

static void on_settled(void *userdata, const Settled *settled)
{
        Bench *b = userdata;

        if (settled->first > settled->last)
                ck_abort();
        if (b->dead)
                return;
        b->settled[settled->outcome] += settled->last - settled->first + 1;
        if (b->on_settled)
                b->on_settled(b->on_settled_userdata, settled);
}

static void on_pressure(void *userdata, QueueLane lane, double fill)
{
        Bench *b = userdata;

        if (b->on_pressure)
                b->on_pressure(b->on_pressure_userdata, lane, fill);
}

static void on_receipt(void *userdata, int error, unsigned stream, uint64_t epoch, uint64_t n)
{
        BenchReceipt *r = userdata;
        Bench *b;

        if (r->answered || r->stream != stream) /* Check writes a line for every assertion: not here */
                ck_abort_msg("stream %u, %llu: answered %s", stream, (unsigned long long)n,
                             r->answered ? "twice" : "for another");
        r->answered = true;
        r->error = error;
        r->epoch = epoch;
        r->n = n;
        memcpy(&b, &r->entries, sizeof(b));
        r->entries = b->disk->n_entries;
        b->n_answered++;
}

void bench_init(Bench *b)
{
        *b = (Bench){};
        fake_clock_init(&b->clock);
        fake_random_init(&b->random, 1);
        b->disk = fake_disk_new();
        b->settings = (QueueSettings){
                .directory = (char *)"/queue",
                .commit_interval_usec = USEC_PER_SEC,
                .max_bytes = 8 << 20,
                .segment_bytes = 384 << 10,
        };
        b->receipts = calloc(BENCH_MAX, sizeof(*b->receipts));
}

void bench_done(Bench *b)
{
        b->dead = true;
        b->queue = queue_close(b->queue, 0);
        b->disk = fake_disk_free(b->disk);
        free(b->receipts);
}

int bench_try_open(Bench *b)
{
        QueueSink sink = {on_readable, on_settled, on_changed, on_pressure, b};
        int r;

        memset(b->settled, 0, sizeof(b->settled));
        r = queue_open(&b->queue, &b->settings, &b->disk->disk, &b->clock.clock, &b->random.random, &sink);
        if (r == 0)
                queue_set_link(b->queue, b->tells);
        return r;
}

void bench_open(Bench *b)
{
        ck_assert_int_eq(bench_try_open(b), 0);
}

void bench_close(Bench *b)
{
        b->queue = queue_close(b->queue, 5 * USEC_PER_SEC);
}

/* The process is gone with all it knew, the disk stays as it was. */
void bench_kill(Bench *b)
{
        FakeDisk *disk = b->disk;

        disk->fail_at = b->queue ? 1 : 0;
        disk->fail_count = UINT64_MAX;
        disk->fail_mask = 0;
        disk->fail_errno = EIO;
        b->dead = true;
        b->queue = queue_close(b->queue, 0);
        b->dead = false;
        disk->fail_at = disk->stall_at = 0;
        disk->held = disk->cold = disk->locked = false;
}

void bench_cut(Bench *b, size_t n_entries, FakeCut cut, uint64_t seed)
{
        FakeDisk *before = b->disk;

        bench_kill(b);
        b->disk = fake_disk_after_cut(before, n_entries, cut, seed);
        (void)fake_disk_free(before);
}

unsigned bench_stream(Bench *b, const char *name, QueueLane lane)
{
        unsigned stream;

        ck_assert_int_eq(queue_stream(b->queue, name, lane, &stream), 0);
        return stream;
}

int bench_append(Bench *b, unsigned stream, const char *text)
{
        return queue_append(b->queue, stream, QUEUE_KIND_READING, text, strlen(text), NULL, NULL);
}

int bench_append_big(Bench *b, unsigned stream, size_t size)
{
        uint8_t *payload = malloc(size);
        int r;

        for (size_t i = 0; i < size; i++)
                payload[i] = (uint8_t)(i * 7 + size);
        r = queue_append(b->queue, stream, QUEUE_KIND_MESSAGE, payload, size, NULL, NULL);
        free(payload);
        return r;
}

int bench_submit(Bench *b, unsigned stream, const char *text)
{
        BenchReceipt *r = &b->receipts[b->n_receipts];
        uint64_t n;
        int error;

        if (b->n_receipts == BENCH_MAX)
                ck_abort();
        *r = (BenchReceipt){.stream = stream};
        memcpy(&r->entries, &b, sizeof(b));
        error = queue_append(b->queue, stream, QUEUE_KIND_READING, text, strlen(text),
                             &(QueueReceipt){on_receipt, r}, &n);
        if (error != 0)
                return error;
        r->n = n;
        b->n_receipts++;
        return 0;
}

void bench_run(Bench *b, usec_t usec)
{
        Ticker t = queue_ticker(b->queue);
        usec_t end = b->clock.boot_usec + usec;
        unsigned spins = 0;

        for (;;) {
                usec_t due;

                disk_dispatch(&b->disk->disk);
                due = t.deadline(t.userdata);
                if (due > b->clock.boot_usec) {
                        if (due > end)
                                break;
                        fake_clock_advance(&b->clock, due - b->clock.boot_usec);
                        spins = 0;
                }
                if (spins++ == 1000)
                        ck_abort_msg("something wants to be called for ever");
                t.tick(t.userdata, b->clock.boot_usec);
        }
        fake_clock_advance(&b->clock, end - b->clock.boot_usec);
}

int bench_peek(Bench *b, QueueLane lane, QueueRecord *ret)
{
        int r;

        b->source = QUEUE_BACKLOG;
        r = queue_peek(b->queue, lane, QUEUE_BACKLOG, ret);
        if (r != QUEUE_E_EMPTY)
                return r;
        b->source = QUEUE_NEWS;
        return queue_peek(b->queue, lane, QUEUE_NEWS, ret);
}

void bench_advance(Bench *b, QueueLane lane)
{
        queue_advance(b->queue, lane, b->source);
}

size_t bench_read(Bench *b, QueueLane lane, QueueRecord *ret_last)
{
        uint64_t last[QUEUE_STREAMS_MAX] = {};
        QueueRecord record;
        size_t n = 0;

        for (;; n++) {
                int r = bench_peek(b, lane, &record);

                if (r == QUEUE_E_WAIT) {
                        disk_dispatch(&b->disk->disk);
                        r = bench_peek(b, lane, &record);
                }
                if (r != 0)
                        return n;
                if (record.n <= last[record.stream])
                        ck_abort_msg("%llu after %llu", (unsigned long long)record.n,
                                     (unsigned long long)last[record.stream]);
                last[record.stream] = record.n;
                bench_advance(b, lane);
                if (ret_last)
                        *ret_last = record;
        }
}

size_t bench_read_and_settle(Bench *b, QueueLane lane)
{
        QueueRecord record;
        size_t n = 0;

        while (bench_peek(b, lane, &record) == 0) {
                bench_advance(b, lane);
                queue_settle(b->queue, record.stream, record.epoch, record.n, record.n, OUTCOME_ACKNOWLEDGED);
                n++;
        }
        return n;
}

Ledger bench_ledger(Bench *b)
{
        Ledger sum = {};

        for (unsigned s = 0; s < queue_n_streams(b->queue); s++) {
                Ledger l;

                queue_ledger(b->queue, s, &l);
                ledger_add(&sum, &l);
        }
        return sum;
}
