/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "bench.h"
#include "log-capture.h"
#include "queue/batch.h"
#include "suite.h"

#define RECORDS_MAX 1024

static char bytes[QUEUE_PAYLOAD_MAX];
static struct iovec payloads[RECORDS_MAX];

static const struct iovec *records_of(size_t n, size_t size)
{
        for (size_t i = 0; i < n; i++)
                payloads[i] = (struct iovec){bytes, size};
        return payloads;
}

typedef struct Answer {
        unsigned n;
        int error;
        uint64_t last;
} Answer;

static void on_answer(void *userdata, int error, unsigned stream, uint64_t epoch, uint64_t n)
{
        Answer *a = userdata;

        a->n++;
        a->error = error;
        a->last = n;
}

START_TEST(one_receipt_tells_of_all)
{
        QueueRecord record;
        Answer answer = {};
        uint64_t first;
        Bench b;
        unsigned s;

        bench_init(&b);
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        ck_assert_int_eq(bench_append(&b, s, "before"), 0);
        ck_assert_int_eq(queue_append_all(b.queue, s, QUEUE_KIND_READING, records_of(300, 700), 300,
                                          &(QueueReceipt){on_answer, &answer}, &first), 0);
        ck_assert_uint_eq(first, 2);
        bench_run(&b, USEC_PER_SEC);
        ck_assert_uint_eq(answer.n, 1);
        ck_assert_int_eq(answer.error, 0);
        ck_assert_uint_eq(answer.last, 301);
        ck_assert_int_eq(bench_append(&b, s, "behind"), 0);
        bench_run(&b, USEC_PER_SEC);
        bench_kill(&b);
        bench_open(&b);
        ck_assert_uint_eq(bench_read(&b, QUEUE_LANE_NORMAL, &record), 302);
        ck_assert_uint_eq(record.n, 302);
        bench_done(&b);
}
END_TEST

/* What is told of the pages is never less than it takes, wherever the first one begins. */
START_TEST(pages_are_not_underestimated)
{
        FakeRandom dice;

        fake_random_init(&dice, 5);
        for (int round = 0; round < 3000; round++) {
                size_t n = 1 + dice.random.draw(dice.random.userdata) % 60, before;
                size_t most = (size_t[]){50, 1500, 4100, 20000}[round % 4];
                Batch b = {};

                for (size_t i = 0; i < n; i++)
                        payloads[i] = (struct iovec){bytes, dice.random.draw(dice.random.userdata) % most};
                insist(batch_put(&b, &(Record){.type = RECORD_READING, .stream = 3, .n = 1, .payload = bytes,
                                               .size = dice.random.draw(dice.random.userdata) % 4000}, NULL) == 0);
                before = b.n_pages;
                insist(batch_put_all(&b, &(Record){.type = RECORD_READING, .stream = 3, .n = 2}, payloads, n,
                                     NULL) == 0);
                insist(b.n_pages <= before + record_pages_of(payloads, n));
                insist(b.end[3] == n + 2);
                batch_done(&b);
        }
        for (size_t size = 0; size <= QUEUE_PAYLOAD_MAX; size += 13)
                insist(record_pages_of(&(struct iovec){bytes, size}, 1) == record_pages(size));
}
END_TEST

static void count(void *userdata, const Record *record)
{
        (*(unsigned *)userdata)++;
}

/* What is left is as old as its own first record. */
START_TEST(a_batch_that_lost_its_oldest_is_younger)
{
        unsigned n = 0;
        Batch b = {};

        for (unsigned i = 1; i <= 3; i++)
                ck_assert_int_eq(batch_put(&b, &(Record){.type = RECORD_READING, .stream = 3, .n = i,
                                                         .boot_usec = i * USEC_PER_SEC, .payload = bytes,
                                                         .size = 3000}, NULL), 0);
        ck_assert_uint_eq(batch_since(&b, USEC_PER_MIN), USEC_PER_SEC);
        for (unsigned i = 2; i <= 3; i++) {
                batch_drop_page(&b, count, &n);
                ck_assert_uint_eq(n, i - 1);
                ck_assert_uint_eq(batch_since(&b, USEC_PER_MIN), i * USEC_PER_SEC);
        }
        batch_drop_page(&b, count, &n);
        ck_assert_uint_eq(batch_since(&b, USEC_PER_MIN), USEC_PER_MIN);
        batch_done(&b);
}
END_TEST

/* In whatever state: all or none, and the queue says beforehand when it will not. */
static void assert_all_or_none(Bench *b, unsigned s, size_t n, size_t size, unsigned *told)
{
        bool ready = queue_is_ready(b->queue);
        uint64_t first = 0, next;
        QueueStats before, after;
        int r;

        queue_stats(b->queue, &before);
        r = queue_append_all(b->queue, s, QUEUE_KIND_READING, records_of(n, size), n, NULL, &first);
        queue_stats(b->queue, &after);
        insist(after.records - before.records == (r == 0 ? n : 0));
        insist(r == 0 || r == QUEUE_E_BUSY || r == QUEUE_E_FULL || r == QUEUE_E_TOO_LARGE);
        if (ready && n * size <= QUEUE_READY_BYTES)
                insist(r == 0);
        if (r > 0)
                told[r]++;
        if (r == 0 && queue_append(b->queue, s, QUEUE_KIND_READING, "x", 1, NULL, &next) == 0)
                insist(next == first + n);
}

START_TEST(all_or_none)
{
        static const uint64_t segments[] = {384 << 10, 1 << 20};
        LogCapture log;

        log_capture_begin(&log);
        for (int newest = 0; newest < 2; newest++)
                for (size_t i = 0; i < ARRAY_SIZE(segments); i++) {
                        unsigned told[QUEUE_E_WAIT + 1] = {}, s;
                        FakeRandom dice;
                        Bench b;

                        fake_random_init(&dice, 7 + i);
                        bench_init(&b);
                        b.settings.segment_bytes = segments[i];
                        b.settings.max_bytes = 6 * segments[i];
                        b.settings.drop_newest = newest;
                        bench_open(&b);
                        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
                        for (int k = 0; k < 2000; k++) {
                                uint64_t draw = dice.random.draw(dice.random.userdata);
                                size_t size = (size_t[]){1, 80, 800, 3000, 8000}[draw % 5];

                                b.disk->held = draw / 8 % 4 == 0; /* a disk that takes its time */
                                assert_all_or_none(&b, s, 1 + draw / 64 % (k % 2 ? 4 : 70), size, told);
                                if (draw / 4096 % 4 == 0)
                                        bench_run(&b, USEC_PER_SEC);
                                if (draw / 65536 % 200 == 0) {
                                        b.disk->held = false;
                                        bench_run(&b, USEC_PER_SEC);
                                        (void)bench_read_and_settle(&b, QUEUE_LANE_NORMAL);
                                }
                        }
                        b.disk->held = false;
                        bench_run(&b, USEC_PER_MIN);
                        ck_assert_uint_gt(told[QUEUE_E_BUSY], 0);
                        ck_assert_uint_gt(told[QUEUE_E_TOO_LARGE], 0);
                        ck_assert(!newest || told[QUEUE_E_FULL] > 0);
                        ck_assert_uint_eq(b.settled[OUTCOME_DAMAGED], 0);
                        bench_done(&b);
                }
        log_capture_end(&log);
}
END_TEST

/* What is promised at most is taken by a queue that has nothing to do, however small its slots. */
START_TEST(the_promise_is_kept_at_any_size)
{
        for (uint64_t segment = 384 << 10; segment <= 4 << 20; segment *= 2)
                for (size_t n = 1; n <= RECORDS_MAX; n *= 2) {
                        size_t size = MIN((size_t)QUEUE_PAYLOAD_MAX / n, (size_t)4000);
                        Bench b;
                        unsigned s;

                        while (record_pages_of(records_of(n, size), n) > record_pages(QUEUE_PAYLOAD_MAX))
                                size--;
                        bench_init(&b);
                        b.settings.segment_bytes = segment;
                        b.settings.max_bytes = 8 * segment;
                        bench_open(&b);
                        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
                        bench_run(&b, USEC_PER_SEC);
                        for (int k = 0; k < 20; k++) {
                                ck_assert_int_eq(queue_append_all(b.queue, s, QUEUE_KIND_READING,
                                                                  records_of(n, size), n, NULL, NULL), 0);
                                bench_run(&b, 3 * USEC_PER_SEC);
                                ck_assert_uint_eq(bench_read_and_settle(&b, QUEUE_LANE_NORMAL), n);
                        }
                        bench_done(&b);
                }
}
END_TEST

START_TEST(in_hand_is_no_room_and_says_so)
{
        LogCapture log;
        QueueRecord record;
        Bench b;
        unsigned s;

        log_capture_begin(&log);
        bench_init(&b);
        b.tells = true; /* there is a link */
        b.settings.store_of = QUEUE_OF_DEAD_LETTERS;
        b.settings.max_bytes = 2 << 20;
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        for (int i = 0; i < 2000; i++) {
                bool ready = queue_is_ready(b.queue);
                int r = bench_append_big(&b, s, 3000);

                insist(!ready || r == 0);
                bench_run(&b, USEC_PER_SEC);
                while (bench_peek(&b, QUEUE_LANE_NORMAL, &record) == 0)
                        bench_advance(&b, QUEUE_LANE_NORMAL);
        }
        ck_assert(!queue_is_ready(b.queue));
        ck_assert_int_eq(bench_append_big(&b, s, 3000), QUEUE_E_BUSY);
        queue_settle(b.queue, s, queue_epoch(b.queue), 1, 2000, OUTCOME_ACKNOWLEDGED);
        bench_run(&b, USEC_PER_MIN);
        ck_assert(queue_is_ready(b.queue));
        ck_assert_int_eq(bench_append_big(&b, s, 3000), 0);
        bench_done(&b);
        log_capture_end(&log);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("queue/together");
        TCase *c = suite_case(s, "all of them or none");

        tcase_add_test(c, a_batch_that_lost_its_oldest_is_younger);
        tcase_add_test(c, one_receipt_tells_of_all);
        tcase_add_test(c, pages_are_not_underestimated);
        tcase_add_test(c, all_or_none);
        tcase_add_test(c, the_promise_is_kept_at_any_size);
        tcase_add_test(c, in_hand_is_no_room_and_says_so);
        return suite_run(s);
}
