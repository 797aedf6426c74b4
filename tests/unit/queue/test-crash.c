/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The power goes at every change of the disk, in six ways. What had its receipt is there, in order and unharmed;
 * nothing is counted as damaged; the books balance; and the queue goes on.
 */

#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "suite.h"

#define STREAMS 3

typedef struct Story {
        Bench b;
        unsigned streams[STREAMS];
        uint64_t acknowledged[STREAMS]; /* the numbers below were settled, sooner or later */
} Story;

static void text_of(char text[static 64], unsigned stream, uint64_t serial)
{
        (void)snprintf(text, 64, "stream %u, the %llu-th of them", stream, (unsigned long long)serial);
}

static void submit(Story *t, unsigned i, unsigned n)
{
        for (unsigned k = 0; k < n; k++) {
                char text[64];
                uint64_t serial = 1;

                for (size_t r = 0; r < t->b.n_receipts; r++)
                        serial += t->b.receipts[r].stream == t->streams[i];
                text_of(text, i, serial);
                ck_assert_int_eq(bench_submit(&t->b, t->streams[i], text), 0);
        }
}

static void acknowledge(Story *t, QueueLane lane, size_t n)
{
        QueueRecord record;

        for (; n > 0 && bench_peek(&t->b, lane, &record) == 0; n--) {
                bench_advance(&t->b, lane);
                queue_settle(t->b.queue, record.stream, record.epoch, record.n, record.n, OUTCOME_ACKNOWLEDGED);
                for (unsigned i = 0; i < STREAMS; i++)
                        if (t->streams[i] == record.stream)
                                t->acknowledged[i] = record.n + 1;
        }
}

/* Small commits that are carried, larger ones, two lanes, a second opening, slots that fill and are used again. */
static void tell(Story *t)
{
        bench_init(&t->b);
        for (int run = 0; run < 2; run++) {
                bench_open(&t->b);
                t->streams[0] = bench_stream(&t->b, "telemetry", QUEUE_LANE_NORMAL);
                t->streams[1] = bench_stream(&t->b, "wind", QUEUE_LANE_NORMAL);
                t->streams[2] = bench_stream(&t->b, "alarms", QUEUE_LANE_URGENT);
                for (int i = 0; i < 12; i++) {
                        submit(t, (unsigned)i % 3, 1 + (unsigned)i % 4);
                        bench_run(&t->b, 400 * USEC_PER_MSEC);
                        if (i == 6)
                                acknowledge(t, QUEUE_LANE_NORMAL, 9);
                }
                for (int i = 0; i < 6; i++) {
                        submit(t, 0, 300);
                        submit(t, 1, 60);
                        bench_run(&t->b, USEC_PER_SEC);
                        acknowledge(t, QUEUE_LANE_NORMAL, 330);
                }
                acknowledge(t, QUEUE_LANE_URGENT, 5);
                bench_run(&t->b, 40 * USEC_PER_SEC);
                if (run == 0)
                        bench_close(&t->b);
        }
}

static void check(const Story *t, size_t entries, FakeCut cut, uint64_t seed)
{
        static bool there[STREAMS][8192];
        uint64_t n_read = 0;
        Bench b = t->b; /* its clock and settings; another disk, another queue */
        QueueRecord record;
        Ledger l;

        b.queue = NULL;
        b.receipts = NULL;
        b.disk = fake_disk_after_cut(t->b.disk, entries, cut, seed);
        b.clock.clock = t->b.clock.clock;
        fake_random_init(&b.random, seed + 77);
        memset(there, 0, sizeof(there));
        bench_open(&b);
        for (int lane = 0; lane < _QUEUE_LANE_MAX; lane++) {
                uint64_t last[QUEUE_STREAMS_MAX] = {};

                while (bench_peek(&b, (QueueLane)lane, &record) == 0) {
                        const char *name = queue_stream_name(b.queue, record.stream);
                        unsigned i = strcmp(name, "telemetry") == 0 ? 0 : strcmp(name, "wind") == 0 ? 1 : 2;
                        char text[64];

                        ck_assert_uint_gt(record.n, last[record.stream]);
                        last[record.stream] = record.n;
                        text_of(text, i, record.n);
                        ck_assert_uint_eq(record.size, strlen(text));
                        ck_assert_mem_eq(record.payload, text, record.size);
                        ck_assert(record.backlog);
                        there[i][record.n] = true;
                        n_read++;
                        bench_advance(&b, (QueueLane)lane);
                }
        }
        for (size_t r = 0; r < t->b.n_receipts; r++) {
                const BenchReceipt *receipt = &t->b.receipts[r];
                unsigned i = 0;

                while (t->streams[i] != receipt->stream)
                        i++;
                if (receipt->answered && receipt->entries <= entries && receipt->n >= t->acknowledged[i])
                        ck_assert_msg(there[i][receipt->n], "cut %d at %zu: stream %u, %llu is gone", cut, entries, i,
                                      (unsigned long long)receipt->n);
        }
        l = bench_ledger(&b);
        ck_assert_msg(ledger_waiting(&l) == n_read, "cut %d at %zu: %llu wait, %llu were read", cut, entries,
                      (unsigned long long)ledger_waiting(&l), (unsigned long long)n_read);
        ck_assert_msg(l.settled[OUTCOME_DAMAGED] == 0, "cut %d at %zu: %llu damaged", cut, entries,
                      (unsigned long long)l.settled[OUTCOME_DAMAGED]);

        /* and on it goes */
        unsigned s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        ck_assert_int_eq(bench_append(&b, s, "after the cut"), 0);
        bench_run(&b, 2 * USEC_PER_SEC);
        ck_assert_uint_eq(bench_read(&b, QUEUE_LANE_NORMAL, &record), 1);
        ck_assert_uint_eq(record.size, strlen("after the cut"));
        l = bench_ledger(&b);
        ck_assert_uint_eq(ledger_waiting(&l), n_read + 1);
        bench_done(&b);
}

static Story story;

static void cut_everywhere(FakeCut cut)
{
        size_t n;

        tell(&story);
        n = story.b.disk->n_entries;
        ck_assert_uint_gt(n, 100);
        for (size_t k = 0; k <= n; k++)
                check(&story, k, cut, k * 13 + 1);
        bench_done(&story.b);
}

START_TEST(a_cut_at_any_change)
{
        cut_everywhere((FakeCut)_i);
}
END_TEST

/* The last commit is torn at any byte of it: what came before is whole. */
START_TEST(a_tail_torn_at_any_byte)
{
        size_t size, page = 0;
        Bench b;

        bench_init(&b);
        bench_open(&b);
        unsigned s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        for (int i = 0; i < 5; i++) { /* the last page is written again and again, beside itself */
                ck_assert_int_eq(bench_submit(&b, s, "rests"), 0);
                bench_run(&b, USEC_PER_SEC);
        }
        ck_assert_uint_eq(b.n_answered, 5);
        for (size_t cut = 0; cut < 4096; cut += cut < 400 ? 1 : 37) {
                FakeDisk *copy = fake_disk_copy(b.disk);
                uint8_t *file = fake_disk_file(copy, "/queue/normal/seg-0000", &size);
                Bench after = b;
                Ledger l;

                /* the sixth would go to the position of the fourth: as far as it got, it is noise */
                for (page = 1; page < 3 && file[page * 4096 + 32] != file[32] + 3; page++)
                        ;
                ck_assert_uint_lt(page, 3);
                for (size_t i = cut; i < 4096; i++)
                        file[page * 4096 + i] = (uint8_t)(i * 7 + 3);
                after.queue = NULL;
                after.receipts = NULL;
                after.disk = copy;
                bench_open(&after);
                ck_assert_uint_eq(bench_read(&after, QUEUE_LANE_NORMAL, NULL), 5);
                l = bench_ledger(&after);
                ck_assert_uint_eq(l.accepted, 5);
                ck_assert_uint_eq(ledger_waiting(&l), 5);
                bench_done(&after);
        }
        bench_done(&b);
}
END_TEST

/* A checkpoint that rode in the last page goes on riding: slots were freed by it. */
START_TEST(a_checkpoint_is_never_left_behind)
{
        for (int more = 0; more < 250; more += more < 4 ? 1 : 3) {
                Bench b;
                Ledger l;

                bench_init(&b);
                bench_open(&b);
                unsigned s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
                for (int i = 0; i < 10; i++)
                        ck_assert_int_eq(bench_append(&b, s, "rests"), 0);
                bench_run(&b, USEC_PER_SEC);
                ck_assert_uint_eq(bench_read_and_settle(&b, QUEUE_LANE_NORMAL), 10);
                bench_run(&b, 40 * USEC_PER_SEC);
                for (int i = 0; i < MIN(more, 4); i++) { /* the first one leaves little room beside it, or none */
                        if (i == 0)
                                ck_assert_int_eq(bench_append_big(&b, s, (size_t)(3700 + more)), 0);
                        else
                                ck_assert_int_eq(bench_append(&b, s, "x"), 0);
                        bench_run(&b, USEC_PER_SEC);
                }
                bench_kill(&b);
                bench_open(&b);
                l = bench_ledger(&b);
                ck_assert_uint_eq(l.settled[OUTCOME_ACKNOWLEDGED], 10);
                ck_assert_uint_eq(ledger_waiting(&l), (uint64_t)MIN(more, 4));
                bench_done(&b);
        }
}
END_TEST

/* Without its last checkpoint the queue serves again what was settled since, and balances. */
START_TEST(a_stale_checkpoint_only_resends)
{
        Bench b;
        Ledger l;

        bench_init(&b);
        bench_open(&b);
        unsigned s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        for (int i = 0; i < 100; i++)
                ck_assert_int_eq(bench_append(&b, s, "rests"), 0);
        bench_run(&b, USEC_PER_SEC);
        ck_assert_uint_eq(bench_read_and_settle(&b, QUEUE_LANE_NORMAL), 100);
        bench_kill(&b);
        bench_open(&b);
        l = bench_ledger(&b);
        ck_assert_uint_eq(l.accepted, 100);
        ck_assert_uint_eq(ledger_waiting(&l), 100);
        ck_assert_uint_eq(bench_read_and_settle(&b, QUEUE_LANE_NORMAL), 100);
        bench_close(&b);
        bench_open(&b);
        l = bench_ledger(&b);
        ck_assert_uint_eq(ledger_waiting(&l), 0);
        bench_done(&b);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("queue/crash");
        TCase *c = suite_case(s, "what had a receipt survives any power cut");

        tcase_set_timeout(c, 300);
        tcase_add_loop_test(c, a_cut_at_any_change, 0, _FAKE_CUT_MAX);
        tcase_add_test(c, a_tail_torn_at_any_byte);
        tcase_add_test(c, a_checkpoint_is_never_left_behind);
        tcase_add_test(c, a_stale_checkpoint_only_resends);
        return suite_run(s);
}
