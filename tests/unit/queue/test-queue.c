/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
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
                ck_assert_int_eq(bench_peek(&b, QUEUE_LANE_NORMAL, &record), 0);
                ck_assert_uint_eq(record.n, (uint64_t)i + 1);
                ck_assert_uint_eq(record.stream, s);
                ck_assert_uint_eq(record.epoch, queue_epoch(b.queue));
                ck_assert_uint_eq(record.size, strlen(text));
                ck_assert_mem_eq(record.payload, text, record.size);
                ck_assert(record.this_boot && !record.backlog);
                bench_advance(&b, QUEUE_LANE_NORMAL);
        }
        ck_assert_int_eq(bench_peek(&b, QUEUE_LANE_NORMAL, &(QueueRecord){}), QUEUE_E_EMPTY);
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
        ck_assert_int_eq(bench_peek(&b, QUEUE_LANE_NORMAL, &(QueueRecord){}), QUEUE_E_EMPTY);
        while (fake_disk_step(b.disk))
                ;
        ck_assert_uint_gt(b.disk->n_syncs, syncs);
        ck_assert_uint_eq(b.n_answered, 1);
        ck_assert_int_eq(b.receipts[0].error, 0);
        ck_assert_uint_eq(b.receipts[0].n, 1);
        ck_assert_int_eq(bench_peek(&b, QUEUE_LANE_NORMAL, &(QueueRecord){}), 0);
        b.disk->held = false;
        bench_done(&b);
}
END_TEST

/* The reader keeps up with a last page that is written again and again, now here, now there. */
START_TEST(a_reader_at_the_heels_of_the_writer)
{
        for (unsigned pace = 1; pace < 8; pace++) {
                uint64_t n = 0, appended = 0;
                Bench b;
                unsigned s;

                bench_init(&b);
                bench_open(&b);
                s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
                for (int i = 0; i < 600; i++) {
                        QueueRecord record;

                        for (int k = 0; k <= i % 5 * i % 11; k++) {
                                ck_assert_int_eq(bench_append(&b, s,
                                                              "twenty-one degrees in the shade, or so it seems"), 0);
                                appended++;
                        }
                        bench_run(&b, USEC_PER_SEC);
                        b.disk->cold = i % 3 == 0;
                        for (unsigned k = 0; i % (int)pace == 0 && (k < pace * 7 || i % 10 == 0); k++) {
                                int r = bench_peek(&b, QUEUE_LANE_NORMAL, &record);

                                if (r == QUEUE_E_WAIT) {
                                        disk_dispatch(&b.disk->disk);
                                        continue;
                                }
                                if (r == QUEUE_E_EMPTY)
                                        break;
                                ck_assert_uint_eq(record.n, ++n);
                                bench_advance(&b, QUEUE_LANE_NORMAL);
                        }
                }
                b.disk->cold = false;
                bench_run(&b, 2 * USEC_PER_SEC);
                ck_assert_uint_eq(n + bench_read(&b, QUEUE_LANE_NORMAL, NULL), appended);
                ck_assert_uint_eq(bench_ledger(&b).settled[OUTCOME_DAMAGED], 0);
                bench_done(&b);
        }
}
END_TEST

START_TEST(a_cold_disk_is_read_by_the_worker)
{
        QueueRecord record;
        size_t n = 0;
        Bench b;
        unsigned s;

        bench_init(&b);
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        for (int i = 0; i < 500; i++)
                ck_assert_int_eq(bench_append(&b, s, "x"), 0);
        ck_assert_int_eq(bench_append_big(&b, s, QUEUE_PAYLOAD_MAX), 0);
        bench_run(&b, 2 * USEC_PER_SEC);
        b.disk->cold = true;
        for (;;) {
                int r = bench_peek(&b, QUEUE_LANE_NORMAL, &record);

                if (r == QUEUE_E_WAIT) {
                        unsigned before = b.n_readable;

                        ck_assert_int_eq(bench_peek(&b, QUEUE_LANE_NORMAL, &record), QUEUE_E_WAIT);
                        disk_dispatch(&b.disk->disk);
                        ck_assert_uint_gt(b.n_readable, before);
                        continue;
                }
                if (r == QUEUE_E_EMPTY)
                        break;
                ck_assert_int_eq(r, 0);
                n++;
                bench_advance(&b, QUEUE_LANE_NORMAL);
        }
        ck_assert_uint_eq(n, 501);
        bench_done(&b);
}
END_TEST

/* What got an outcome after it was looked at is not served any more: small, and big while it is being read. */
START_TEST(what_is_settled_meanwhile_is_not_served)
{
        QueueRecord record;
        Bench b;
        unsigned s;

        bench_init(&b);
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        ck_assert_int_eq(bench_append(&b, s, "one"), 0);
        ck_assert_int_eq(bench_append_big(&b, s, 50000), 0);
        bench_run(&b, 2 * USEC_PER_SEC);
        ck_assert_int_eq(bench_append_big(&b, s, 60000), 0);
        bench_run(&b, 2 * USEC_PER_SEC);
        ck_assert_int_eq(bench_append(&b, s, "four"), 0);
        bench_run(&b, 2 * USEC_PER_SEC);
        ck_assert_int_eq(bench_peek(&b, QUEUE_LANE_NORMAL, &record), 0);
        ck_assert_uint_eq(record.n, 1);
        queue_settle(b.queue, s, record.epoch, 1, 1, OUTCOME_QUEUE_FULL);
        b.disk->cold = true;
        while (bench_peek(&b, QUEUE_LANE_NORMAL, &record) == QUEUE_E_WAIT) {
                queue_settle(b.queue, s, record.epoch, 2, 2, OUTCOME_QUEUE_FULL);
                disk_dispatch(&b.disk->disk);
        }
        ck_assert_uint_eq(record.n, 3);
        ck_assert_uint_eq(record.size, 60000);
        queue_settle(b.queue, s, record.epoch, 3, 3, OUTCOME_QUEUE_FULL);
        while (bench_peek(&b, QUEUE_LANE_NORMAL, &record) == QUEUE_E_WAIT)
                disk_dispatch(&b.disk->disk);
        ck_assert_uint_eq(record.n, 4);
        ck_assert_uint_eq(bench_ledger(&b).settled[OUTCOME_DAMAGED], 0);
        bench_done(&b);
}
END_TEST

START_TEST(records_of_every_size)
{
        static const size_t sizes[] = {0, 1, 4031, 4032, 4033, 4052, 8104, 8105, 100000, QUEUE_PAYLOAD_MAX};
        Bench b;
        unsigned s;

        bench_init(&b);
        for (int run = 0; run < 2; run++) {
                bench_open(&b);
                s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
                for (size_t i = 0; run == 0 && i < ARRAY_SIZE(sizes); i++) {
                        ck_assert_int_eq(bench_append_big(&b, s, sizes[i]), 0);
                        ck_assert_int_eq(bench_append(&b, s, "between"), 0);
                        if (i % 3)
                                bench_run(&b, 2 * USEC_PER_SEC);
                }
                bench_run(&b, 2 * USEC_PER_SEC);
                for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
                        QueueRecord record;

                        ck_assert_int_eq(bench_peek(&b, QUEUE_LANE_NORMAL, &record), 0);
                        ck_assert_uint_eq(record.size, sizes[i]);
                        ck_assert_int_eq(record.kind, QUEUE_KIND_MESSAGE);
                        for (size_t k = 0; k < sizes[i]; k++)
                                ck_assert_uint_eq(((const uint8_t *)record.payload)[k], (uint8_t)(k * 7 + sizes[i]));
                        bench_advance(&b, QUEUE_LANE_NORMAL);
                        ck_assert_int_eq(bench_peek(&b, QUEUE_LANE_NORMAL, &record), 0);
                        ck_assert_uint_eq(record.size, strlen("between"));
                        bench_advance(&b, QUEUE_LANE_NORMAL);
                }
                bench_close(&b);
        }
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        ck_assert_int_eq(bench_append_big(&b, s, QUEUE_PAYLOAD_MAX + 1), QUEUE_E_TOO_LARGE);
        bench_done(&b);
}
END_TEST

START_TEST(a_stream_may_move_to_another_lane)
{
        uint64_t n = 0, appended = 0;
        Bench b;
        Ledger l;

        bench_init(&b);
        for (int run = 0; run < 8; run++) {
                unsigned s, other;

                bench_open(&b);
                s = bench_stream(&b, "alarms", run % 2 ? QUEUE_LANE_URGENT : QUEUE_LANE_NORMAL);
                other = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
                for (int i = 0; i < 30; i++) {
                        ck_assert_int_eq(bench_append(&b, s, "x"), 0);
                        ck_assert_int_eq(bench_append(&b, other, "y"), 0);
                        appended += 2;
                }
                bench_run(&b, 2 * USEC_PER_SEC);
                if (run == 3) { /* and within a run, there and back */
                        s = bench_stream(&b, "alarms", QUEUE_LANE_NORMAL);
                        ck_assert_int_eq(bench_append(&b, s, "z"), 0);
                        s = bench_stream(&b, "alarms", QUEUE_LANE_URGENT);
                        ck_assert_int_eq(bench_append(&b, s, "z"), QUEUE_E_BUSY); /* the first has not come to rest */
                        bench_run(&b, 2 * USEC_PER_SEC);
                        ck_assert_int_eq(bench_append(&b, s, "z"), 0);
                        s = bench_stream(&b, "alarms", QUEUE_LANE_NORMAL);
                        ck_assert_int_eq(bench_append(&b, s, "z"), QUEUE_E_BUSY);
                        bench_run(&b, 2 * USEC_PER_SEC);
                        ck_assert_int_eq(bench_append(&b, s, "z"), 0);
                        appended += 3;
                        bench_run(&b, 2 * USEC_PER_SEC);
                }
                if (run % 3 == 0)
                        bench_kill(&b);
                else
                        bench_close(&b);
        }
        bench_open(&b);
        l = bench_ledger(&b);
        ck_assert_uint_eq(l.accepted, appended);
        n += bench_read(&b, QUEUE_LANE_NORMAL, NULL);
        n += bench_read(&b, QUEUE_LANE_URGENT, NULL);
        l = bench_ledger(&b);
        ck_assert_uint_eq(n, appended);
        ck_assert_uint_eq(l.settled[OUTCOME_DAMAGED], 0);
        ck_assert_uint_eq(ledger_waiting(&l), appended);
        bench_done(&b);
}
END_TEST

START_TEST(as_many_streams_as_there_may_be)
{
        unsigned streams[QUEUE_STREAMS_MAX], s;
        Bench b;

        bench_init(&b);
        for (int run = 0; run < 3; run++) {
                bench_open(&b);
                for (unsigned i = 0; i < QUEUE_STREAMS_MAX; i++) {
                        char name[] = "X_long_name_as_long_as_it_may_be";

                        name[0] = (char)(i < 26 ? 'A' + i : 'a' + i - 26);
                        ck_assert_uint_eq(strlen(name), NAME_LENGTH_MAX);
                        streams[i] = bench_stream(&b, name, i % 2 ? QUEUE_LANE_URGENT : QUEUE_LANE_NORMAL);
                }
                for (unsigned i = 0; i < QUEUE_STREAMS_MAX; i++) {
                        for (int k = 0; k < 20; k++)
                                ck_assert_int_eq(bench_append(&b, streams[i], "x"), 0);
                        queue_settle(b.queue, streams[i], 1, 1, 5, OUTCOME_ACKNOWLEDGED);
                        if (i % 5 == 0)
                                bench_run(&b, USEC_PER_SEC);
                }
                ck_assert_int_eq(queue_stream(b.queue, "one_more", QUEUE_LANE_NORMAL, &s), -ENOSPC);
                ck_assert_int_eq(queue_stream(b.queue, "no name", QUEUE_LANE_NORMAL, &s), -EINVAL);
                bench_run(&b, USEC_PER_SEC);
                for (unsigned i = 0; i < QUEUE_STREAMS_MAX; i++)
                        for (unsigned n = 2; n < 20; n += 2) /* many ranges: more than a checkpoint holds */
                                queue_settle(b.queue, i, 1, n + 20 * (unsigned)run, n + 20 * (unsigned)run,
                                             OUTCOME_EXPIRED);
                bench_close(&b);
        }
        bench_open(&b);
        ck_assert_uint_eq(queue_n_streams(b.queue), QUEUE_STREAMS_MAX);
        ck_assert_uint_ge(bench_ledger(&b).accepted, 3 * 20 * QUEUE_STREAMS_MAX); /* and some notices */
        bench_done(&b);
}
END_TEST

START_TEST(streams_that_are_no_longer_named_are_served)
{
        QueueRecord record;
        Bench b;
        unsigned s;

        bench_init(&b);
        bench_open(&b);
        s = bench_stream(&b, "removed", QUEUE_LANE_NORMAL);
        ck_assert_int_eq(bench_append(&b, s, "still here"), 0);
        bench_close(&b);
        bench_open(&b);
        (void)bench_stream(&b, "another", QUEUE_LANE_NORMAL);
        ck_assert_int_eq(bench_peek(&b, QUEUE_LANE_NORMAL, &record), 0);
        ck_assert_str_eq(queue_stream_name(b.queue, record.stream), "removed");
        ck_assert(record.backlog);
        bench_done(&b);
}
END_TEST

static bool has_stream(const Queue *q, const char *name)
{
        for (unsigned s = 0; s < queue_n_streams(q); s++)
                if (strcmp(queue_stream_name(q, s), name) == 0)
                        return true;
        return false;
}

/* More names than there are identities, one after another, each with all that ever had a record. */
START_TEST(a_name_that_left_nothing_makes_room_for_another)
{
        enum { N_NAMES = 100 };
        uint64_t appended = 0;
        QueueRecord record;
        Bench b;

        log_configure(&(LogSettings){.level = LOG_EMERG});
        bench_init(&b);
        for (unsigned i = 0; i < N_NAMES; i++) {
                QueueLane lane = i % 3 ? QUEUE_LANE_NORMAL : QUEUE_LANE_URGENT;
                char name[16];
                Ledger l;
                unsigned s;

                (void)snprintf(name, sizeof(name), "name_%u", i);
                b.disk->fail_at = i % 7 == 3 ? b.disk->n_calls + 1 : 0; /* the directory comes late, for some */
                b.disk->fail_mask = FAKE_LOCK;
                b.disk->fail_count = 1;
                b.disk->fail_errno = EIO;
                bench_open(&b);
                queue_expect_stream(b.queue, "name_0");
                s = bench_stream(&b, name, lane);
                if (i > 0)
                        (void)bench_stream(&b, "name_0", QUEUE_LANE_NORMAL);
                for (unsigned k = 0; k <= i; k++)
                        appended += bench_append(&b, s, name) == 0;
                bench_run(&b, 5 * USEC_PER_SEC);

                /* killed before anything was read: it is served under its name */
                bench_kill(&b);
                bench_open(&b);
                for (unsigned k = 0; k <= i; k++) {
                        ck_assert_int_eq(bench_peek(&b, lane, &record), 0);
                        ck_assert_str_eq(queue_stream_name(b.queue, record.stream), name);
                        ck_assert_mem_eq(record.payload, name, strlen(name));
                        bench_advance(&b, lane);
                        queue_settle(b.queue, record.stream, record.epoch, record.n, record.n, OUTCOME_ACKNOWLEDGED);
                }
                ck_assert_int_eq(bench_peek(&b, lane, &record), QUEUE_E_EMPTY);
                bench_close(&b);
                bench_open(&b);
                l = bench_ledger(&b);
                ck_assert_uint_eq(l.accepted, appended);
                ck_assert_uint_eq(l.settled[OUTCOME_ACKNOWLEDGED], appended);
                ck_assert_uint_le(queue_n_streams(b.queue), QUEUE_STREAMS_MAX);
                ck_assert_msg(has_stream(b.queue, "name_0"), "what is expected stays");
                bench_close(&b);
        }
        bench_done(&b);
}
END_TEST

/* The machine started anew: boot times of before are of another clock. */
START_TEST(a_record_knows_whether_its_boot_is_this_one)
{
        QueueRecord record;
        Bench b;

        bench_init(&b);
        for (int run = 0; run < 4; run++) {
                unsigned s;

                if (run == 2)
                        b.disk->boot[0]++;
                bench_open(&b);
                s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
                ck_assert_int_eq(bench_append(&b, s, "x"), 0);
                bench_run(&b, USEC_PER_SEC);
                for (int i = 0; i <= run; i++) {
                        ck_assert_int_eq(bench_peek(&b, QUEUE_LANE_NORMAL, &record), 0);
                        ck_assert_int_eq(record.this_boot, (i < 2) == (run < 2));
                        ck_assert_int_eq(record.backlog, i < run);
                        bench_advance(&b, QUEUE_LANE_NORMAL);
                }
                bench_close(&b);
        }
        bench_done(&b);
}
END_TEST

/* A page that was receipted is harmed: its records are counted, the others served. */
START_TEST(damage_is_passed_and_counted)
{
        uint8_t *file;
        Bench b;
        unsigned s;
        Ledger l;

        log_configure(&(LogSettings){.level = LOG_EMERG});
        bench_init(&b);
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        for (int i = 0; i < 60; i++) {
                for (int k = 0; k < 100; k++)
                        ck_assert_int_eq(bench_append(&b, s, "a reading that takes some room on the disk"), 0);
                bench_run(&b, USEC_PER_SEC);
        }
        bench_close(&b);
        file = fake_disk_file(b.disk, "/queue/normal/seg-0000", NULL);
        file[7 * 4096 + 100] ^= 1;
        file[8 * 4096 + 4000] ^= 1;
        bench_open(&b);
        ck_assert_uint_eq(bench_ledger(&b).accepted, 6000);
        (void)bench_read(&b, QUEUE_LANE_NORMAL, NULL);
        l = bench_ledger(&b);
        ck_assert_uint_gt(l.settled[OUTCOME_DAMAGED], 10);
        ck_assert_uint_lt(l.settled[OUTCOME_DAMAGED], 200);
        ck_assert_uint_eq(b.settled[OUTCOME_DAMAGED], l.settled[OUTCOME_DAMAGED]);

        /* page 0 of a slot in the middle, and a slot that is gone */
        bench_close(&b);
        file = fake_disk_file(b.disk, "/queue/normal/seg-0001", NULL);
        memset(file, 0xee, 4096);
        bench_open(&b);
        ck_assert_uint_eq(bench_ledger(&b).accepted, 6000);
        ck_assert_uint_eq(bench_read(&b, QUEUE_LANE_NORMAL, NULL), 6000 - l.settled[OUTCOME_DAMAGED]);
        ck_assert_uint_eq(bench_ledger(&b).settled[OUTCOME_DAMAGED], l.settled[OUTCOME_DAMAGED]);
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
        tcase_add_test(c, a_reader_at_the_heels_of_the_writer);
        tcase_add_test(c, a_cold_disk_is_read_by_the_worker);
        tcase_add_test(c, what_is_settled_meanwhile_is_not_served);
        tcase_add_test(c, records_of_every_size);
        tcase_add_test(c, a_stream_may_move_to_another_lane);
        tcase_add_test(c, as_many_streams_as_there_may_be);
        tcase_add_test(c, streams_that_are_no_longer_named_are_served);
        tcase_add_test(c, a_name_that_left_nothing_makes_room_for_another);
        tcase_add_test(c, a_record_knows_whether_its_boot_is_this_one);
        tcase_add_test(c, damage_is_passed_and_counted);
        return suite_run(s);
}
