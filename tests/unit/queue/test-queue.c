/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "suite.h"

START_TEST(what_was_appended_is_read_in_order)
{
        Bench b;
        unsigned s;

        bench_init(&b);
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        for (int i = 0; i < 1000; i++) {
                char text[32];

                (void)snprintf(text, sizeof(text), "reading %d", i);
                ck_assert_int_eq(bench_append(&b, s, text), 0);
                if (i % 7 == 0)
                        bench_run(&b, 300 * USEC_PER_MSEC);
        }
        bench_run(&b, 2 * USEC_PER_SEC);
        for (int i = 0; i < 1000; i++) {
                QueueRecord record;
                char text[32];

                (void)snprintf(text, sizeof(text), "reading %d", i);
                ck_assert_int_eq(queue_peek(b.queue, QUEUE_LANE_NORMAL, &record), 0);
                ck_assert_uint_eq(record.n, (uint64_t)i + 1);
                ck_assert_uint_eq(record.stream, s);
                ck_assert_uint_eq(record.epoch, queue_epoch(b.queue));
                ck_assert_uint_eq(record.size, strlen(text));
                ck_assert_mem_eq(record.payload, text, record.size);
                ck_assert(record.this_boot && !record.backlog);
                queue_advance(b.queue, QUEUE_LANE_NORMAL);
        }
        ck_assert_int_eq(queue_peek(b.queue, QUEUE_LANE_NORMAL, &(QueueRecord){}), QUEUE_E_EMPTY);
        ck_assert_uint_eq(bench_ledger(&b).accepted, 1000);
        bench_done(&b);
}
END_TEST

START_TEST(order_and_numbers_go_on_after_a_restart)
{
        uint64_t epochs[5];
        Bench b;

        bench_init(&b);
        for (int run = 0; run < 5; run++) {
                QueueRecord last;
                unsigned s;

                bench_open(&b);
                epochs[run] = queue_epoch(b.queue);
                s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
                ck_assert_uint_eq(bench_ledger(&b).accepted, (uint64_t)run * 100);
                for (int i = 0; i < 100; i++)
                        ck_assert_int_eq(bench_append(&b, s, "twenty-one degrees"), 0);
                bench_run(&b, USEC_PER_SEC);
                ck_assert_uint_eq(bench_read(&b, QUEUE_LANE_NORMAL, &last), (size_t)run * 100 + 100);
                ck_assert_uint_eq(last.n, (uint64_t)run * 100 + 100);
                for (int k = 0; k < run; k++)
                        ck_assert_uint_ne(epochs[k], epochs[run]);
                if (run % 2)
                        bench_close(&b);
                else
                        bench_kill(&b);
        }
        bench_done(&b);
}
END_TEST

START_TEST(settled_stays_settled)
{
        Bench b;
        unsigned s;

        bench_init(&b);
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        for (int i = 0; i < 100; i++)
                ck_assert_int_eq(bench_append(&b, s, "x"), 0);
        bench_run(&b, USEC_PER_SEC);
        ck_assert_uint_eq(bench_read(&b, QUEUE_LANE_NORMAL, NULL), 100);
        queue_settle(b.queue, s, queue_epoch(b.queue), 1, 40, OUTCOME_ACKNOWLEDGED);
        queue_settle(b.queue, s, queue_epoch(b.queue), 51, 60, OUTCOME_EXPIRED);
        queue_settle(b.queue, s, queue_epoch(b.queue), 1, 70, OUTCOME_ACKNOWLEDGED); /* the first outcome wins */
        bench_close(&b);
        bench_open(&b);
        ck_assert_uint_eq(bench_ledger(&b).accepted, 100);
        ck_assert_uint_eq(bench_ledger(&b).settled[OUTCOME_ACKNOWLEDGED], 60);
        ck_assert_uint_eq(bench_ledger(&b).settled[OUTCOME_EXPIRED], 10);
        ck_assert_uint_eq(bench_read(&b, QUEUE_LANE_NORMAL, NULL), 30);
        bench_done(&b);
}
END_TEST

START_TEST(a_receipt_fires_only_after_the_sync)
{
        uint64_t syncs;
        Bench b;
        unsigned s;

        bench_init(&b);
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        bench_run(&b, USEC_PER_SEC);
        b.disk->held = true;
        syncs = b.disk->n_syncs;
        ck_assert_int_eq(bench_submit(&b, s, "x"), 0);
        bench_run(&b, 0);
        ck_assert_uint_eq(b.n_answered, 0);
        ck_assert_int_eq(queue_peek(b.queue, QUEUE_LANE_NORMAL, &(QueueRecord){}), QUEUE_E_EMPTY);
        while (fake_disk_step(b.disk))
                ;
        ck_assert_uint_gt(b.disk->n_syncs, syncs);
        ck_assert_uint_eq(b.n_answered, 1);
        ck_assert_int_eq(b.receipts[0].error, 0);
        ck_assert_uint_eq(b.receipts[0].n, 1);
        ck_assert_int_eq(queue_peek(b.queue, QUEUE_LANE_NORMAL, &(QueueRecord){}), 0);
        b.disk->held = false;
        bench_done(&b);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("queue/queue");
        TCase *c = suite_case(s, "records rest until they are settled");

        tcase_add_test(c, what_was_appended_is_read_in_order);
        tcase_add_test(c, order_and_numbers_go_on_after_a_restart);
        tcase_add_test(c, settled_stays_settled);
        tcase_add_test(c, a_receipt_fires_only_after_the_sync);
        return suite_run(s);
}
