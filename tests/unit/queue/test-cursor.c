/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Two cursors a lane: every record comes once, from one of them, whatever lies between.
 */

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "bench.h"
#include "queue/queue-core.h"
#include "suite.h"

#define SAMPLE "twenty-one degrees in the shade, or so it seems"

static void append(Bench *b, unsigned stream, unsigned n)
{
        for (unsigned i = 0; i < n; i++) {
                insist(bench_append(b, stream, SAMPLE) == 0);
                if (i % 500 == 499)
                        bench_run(b, USEC_PER_SEC);
        }
}

/* Reads at most `most` records, which are contiguous from `first` on. */
static uint64_t read_on(Bench *b, QueueSource source, uint64_t first, uint64_t most)
{
        uint64_t n = 0;

        while (n < most) {
                QueueRecord record;
                int r = queue_peek(b->queue, QUEUE_LANE_NORMAL, source, &record);

                if (r == QUEUE_E_WAIT) {
                        disk_dispatch(&b->disk->disk);
                        continue;
                }
                if (r != 0)
                        break;
                ck_assert_msg(record.n == first + n, "%llu, not %llu", (unsigned long long)record.n,
                              (unsigned long long)(first + n));
                insist(record.backlog == (source == QUEUE_BACKLOG));
                queue_advance(b->queue, QUEUE_LANE_NORMAL, source);
                n++;
        }
        return n;
}

static void settle(Bench *b, unsigned stream, uint64_t first, uint64_t last)
{
        queue_settle(b->queue, stream, queue_epoch(b->queue), first, last, OUTCOME_ACKNOWLEDGED);
}

static const Lane *normal(const Bench *b)
{
        return b->queue->lanes[QUEUE_LANE_NORMAL];
}

START_TEST(news_do_not_wait_for_the_backlog)
{
        Bench b;
        unsigned s;

        bench_init(&b);
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        append(&b, s, 500);
        bench_close(&b);
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        ck_assert_uint_eq(read_on(&b, QUEUE_NEWS, 0, 1), 0);
        for (uint64_t i = 0; i < 50; i++) {
                append(&b, s, 2);
                bench_run(&b, USEC_PER_SEC);
                ck_assert_uint_eq(read_on(&b, QUEUE_NEWS, 501 + 2 * i, UINT64_MAX), 2);
                ck_assert_uint_eq(read_on(&b, QUEUE_BACKLOG, 1 + 10 * i, 10), 10);
        }
        ck_assert_uint_eq(read_on(&b, QUEUE_BACKLOG, 0, UINT64_MAX), 0);
        ck_assert_uint_eq(bench_ledger(&b).settled[OUTCOME_DAMAGED], 0);
        bench_done(&b);
}
END_TEST

/* A last page that is written again with more at every commit, and a split after each of them. */
START_TEST(a_split_falls_into_a_page_that_is_carried_on)
{
        for (unsigned unread = 0; unread < 4; unread++) {
                uint64_t appended = 0, served = 0;
                Bench b;
                unsigned s;

                bench_init(&b);
                bench_open(&b);
                s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
                for (unsigned i = 0; i < 200; i++) {
                        append(&b, s, 3);
                        bench_run(&b, USEC_PER_SEC);
                        served += read_on(&b, QUEUE_NEWS, appended + 1, 3 - unread % 4);
                        appended += 3;
                        queue_split(b.queue);
                        ck_assert_uint_eq(read_on(&b, QUEUE_NEWS, 0, 1), 0);
                        served += read_on(&b, QUEUE_BACKLOG, appended + 1 - unread, UINT64_MAX);
                        insist(served == appended);
                }
                ck_assert_uint_eq(bench_ledger(&b).settled[OUTCOME_DAMAGED], 0);
                bench_done(&b);
        }
}
END_TEST

/* The backlog lags behind: what the news had of each stretch between two splits is passed by. */
START_TEST(several_splits_in_a_row)
{
        enum { ROUNDS = 12, EACH = 100, OF_NEWS = 30 };
        Bench b;
        unsigned s;

        bench_init(&b);
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        for (uint64_t i = 0; i < ROUNDS; i++) {
                append(&b, s, EACH);
                bench_run(&b, USEC_PER_SEC);
                ck_assert_uint_eq(read_on(&b, QUEUE_NEWS, i * EACH + 1, OF_NEWS), OF_NEWS);
                if (i == 3)
                        ck_assert_uint_eq(read_on(&b, QUEUE_BACKLOG, OF_NEWS + 1, 50), 50);
                queue_split(b.queue);
                queue_split(b.queue);
        }
        ck_assert_uint_eq(read_on(&b, QUEUE_BACKLOG, OF_NEWS + 51, EACH - OF_NEWS - 50), EACH - OF_NEWS - 50);
        for (uint64_t i = 1; i < ROUNDS; i++)
                ck_assert_uint_eq(read_on(&b, QUEUE_BACKLOG, i * EACH + OF_NEWS + 1, EACH - OF_NEWS), EACH - OF_NEWS);
        ck_assert_uint_eq(read_on(&b, QUEUE_BACKLOG, 0, 1), 0);
        ck_assert_uint_eq(read_on(&b, QUEUE_NEWS, 0, 1), 0);
        ck_assert_uint_eq(bench_ledger(&b).settled[OUTCOME_DAMAGED], 0);
        bench_done(&b);
}
END_TEST

/* Peeked and not advanced over is unread: it comes again, from the backlog. */
START_TEST(what_was_only_looked_at_is_backlog)
{
        QueueRecord record;
        Bench b;
        unsigned s;

        bench_init(&b);
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        ck_assert_int_eq(bench_append_big(&b, s, 30000), 0);
        ck_assert_int_eq(bench_append_big(&b, s, 40000), 0);
        bench_run(&b, 2 * USEC_PER_SEC);
        ck_assert_int_eq(queue_peek(b.queue, QUEUE_LANE_NORMAL, QUEUE_NEWS, &record), 0);
        queue_split(b.queue);
        queue_advance(b.queue, QUEUE_LANE_NORMAL, QUEUE_NEWS);
        ck_assert_int_eq(queue_peek(b.queue, QUEUE_LANE_NORMAL, QUEUE_NEWS, &record), QUEUE_E_EMPTY);
        ck_assert_int_eq(queue_peek(b.queue, QUEUE_LANE_NORMAL, QUEUE_BACKLOG, &record), 0);
        ck_assert_uint_eq(record.n, 1);
        ck_assert_uint_eq(record.size, 30000);
        queue_split(b.queue); /* of the backlog's own it says nothing */
        queue_advance(b.queue, QUEUE_LANE_NORMAL, QUEUE_BACKLOG);
        ck_assert_uint_eq(read_on(&b, QUEUE_BACKLOG, 2, UINT64_MAX), 1);
        bench_done(&b);
}
END_TEST

/* Big records on both sides of a split, read from a cold disk, by both in turn. */
START_TEST(big_records_from_both)
{
        Bench b;
        unsigned s;

        bench_init(&b);
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        for (uint64_t i = 0; i < 20; i++) {
                ck_assert_int_eq(bench_append_big(&b, s, 5000 + 3000 * i), 0);
                ck_assert_int_eq(bench_append(&b, s, SAMPLE), 0);
                if (i % 4 != 0)
                        bench_run(&b, 2 * USEC_PER_SEC);
                if (i == 9)
                        queue_split(b.queue);
        }
        bench_run(&b, 2 * USEC_PER_SEC);
        b.disk->cold = true;
        for (uint64_t i = 0; i < 20; i++) {
                ck_assert_uint_eq(read_on(&b, QUEUE_NEWS, 21 + i, 1), 1);
                ck_assert_uint_eq(read_on(&b, QUEUE_BACKLOG, 1 + i, 1), 1);
        }
        ck_assert_uint_eq(read_on(&b, QUEUE_NEWS, 0, UINT64_MAX), 0);
        ck_assert_uint_eq(read_on(&b, QUEUE_BACKLOG, 0, UINT64_MAX), 0);
        ck_assert_uint_eq(bench_ledger(&b).settled[OUTCOME_DAMAGED], 0);
        bench_done(&b);
}
END_TEST

/* Slots that both have done with are used again, below the one and behind the other. */
START_TEST(slots_come_and_go_under_both)
{
        uint64_t news = 0, backlog = 0, appended = 0;
        Bench b;
        unsigned s;

        bench_init(&b);
        b.settings.max_bytes = 4 << 20;
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        append(&b, s, 20000);
        bench_close(&b);
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        for (unsigned i = 0; i < 120; i++) {
                uint64_t n;

                append(&b, s, 400);
                appended += 400;
                bench_run(&b, 2 * USEC_PER_SEC);
                n = read_on(&b, QUEUE_NEWS, 20001 + news, UINT64_MAX);
                settle(&b, s, 20001 + news, 20000 + news + n);
                news += n;
                insist(news == appended);
                n = read_on(&b, QUEUE_BACKLOG, 1 + backlog, 200);
                if (n > 0)
                        settle(&b, s, 1 + backlog, backlog + n);
                backlog += n;
        }
        ck_assert_uint_eq(backlog, 20000);
        ck_assert_uint_eq(bench_ledger(&b).settled[OUTCOME_ACKNOWLEDGED], 20000 + appended);
        ck_assert_uint_lt(b.disk->n_inodes, 100);
        bench_done(&b);
}
END_TEST

/* The oldest is dropped where the backlog's cursor stands, and later where that of the news does. */
START_TEST(eviction_under_both)
{
        uint64_t served = 0, last[_QUEUE_SOURCE_MAX] = {};
        Bench b;
        unsigned s;
        Ledger l;

        log_configure(&(LogSettings){.level = LOG_EMERG});
        bench_init(&b);
        b.settings.max_bytes = 3 << 20;
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        for (unsigned i = 0; i < 300; i++) {
                append(&b, s, 500);
                bench_run(&b, USEC_PER_SEC);
                if (i == 20 || i == 150)
                        queue_split(b.queue);
                for (int source = 0; source < _QUEUE_SOURCE_MAX; source++)
                        for (unsigned k = 0; k < 40; k++) {
                                QueueRecord record;

                                if (queue_peek(b.queue, QUEUE_LANE_NORMAL, (QueueSource)source, &record) != 0)
                                        break;
                                insist(record.n > last[source]);
                                last[source] = record.n;
                                served++;
                                queue_advance(b.queue, QUEUE_LANE_NORMAL, (QueueSource)source);
                                settle(&b, s, record.n, record.n);
                        }
        }
        bench_run(&b, 2 * USEC_PER_SEC);
        served += bench_read_and_settle(&b, QUEUE_LANE_NORMAL);
        l = bench_ledger(&b);
        ck_assert_uint_eq(l.accepted, 150000);
        ck_assert_uint_gt(l.settled[OUTCOME_QUEUE_FULL], 50000);
        ck_assert_uint_eq(l.settled[OUTCOME_DAMAGED], 0);
        ck_assert_uint_eq(l.settled[OUTCOME_ACKNOWLEDGED], served);
        ck_assert_uint_eq(ledger_waiting(&l), 0);
        bench_done(&b);
}
END_TEST

/* Every second record is acknowledged: the ranges near what a checkpoint holds, the lane joins; and finds back. */
START_TEST(the_lane_joins_when_too_much_is_settled_out_of_order)
{
        uint64_t n = 0;
        Bench b;
        unsigned s;

        bench_init(&b);
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        append(&b, s, 100);
        bench_run(&b, USEC_PER_SEC);
        queue_split(b.queue);
        append(&b, s, 200);
        bench_run(&b, USEC_PER_SEC);
        while (read_on(&b, QUEUE_NEWS, 101 + n, 1) == 1) {
                if (++n % 2)
                        settle(&b, s, 100 + n, 100 + n);
                insist(n < 200);
        }
        ck_assert_uint_ge(n, 2 * 48);
        ck_assert_uint_le(n, 2 * 49);
        ck_assert(normal(&b)->joined);
        append(&b, s, 10);
        bench_run(&b, USEC_PER_SEC);
        ck_assert_uint_eq(read_on(&b, QUEUE_NEWS, 0, 1), 0);
        ck_assert_uint_eq(read_on(&b, QUEUE_BACKLOG, 1, 100), 100);
        ck_assert_uint_eq(read_on(&b, QUEUE_BACKLOG, 101 + n, UINT64_MAX), 210 - n);
        ck_assert(!normal(&b)->joined);
        settle(&b, s, 1, 310);
        append(&b, s, 10);
        bench_run(&b, USEC_PER_SEC);
        ck_assert_uint_eq(read_on(&b, QUEUE_BACKLOG, 0, 1), 0);
        ck_assert_uint_eq(read_on(&b, QUEUE_NEWS, 311, UINT64_MAX), 10);
        ck_assert_uint_eq(bench_ledger(&b).settled[OUTCOME_DAMAGED], 0);

        /* without a backlog there is nothing to join, however crowded it is */
        append(&b, s, 200);
        bench_run(&b, USEC_PER_SEC);
        ck_assert_uint_eq(read_on(&b, QUEUE_NEWS, 321, 150), 150);
        for (unsigned i = 0; i < 150; i += 2)
                settle(&b, s, 321 + i, 321 + i);
        ck_assert_uint_eq(read_on(&b, QUEUE_NEWS, 471, UINT64_MAX), 50);
        bench_done(&b);
}
END_TEST

START_TEST(both_at_the_same_place)
{
        QueueRecord record;
        Bench b;
        unsigned s;

        bench_init(&b);
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        queue_split(b.queue); /* before there is anything */
        ck_assert_int_eq(queue_peek(b.queue, QUEUE_LANE_NORMAL, QUEUE_BACKLOG, &record), QUEUE_E_EMPTY);
        ck_assert_int_eq(queue_peek(b.queue, QUEUE_LANE_NORMAL, QUEUE_NEWS, &record), QUEUE_E_EMPTY);
        append(&b, s, 10);
        bench_run(&b, USEC_PER_SEC);
        queue_split(b.queue);
        append(&b, s, 10); /* the same page */
        bench_run(&b, USEC_PER_SEC);
        for (uint64_t i = 0; i < 10; i++) {
                ck_assert_uint_eq(read_on(&b, QUEUE_BACKLOG, 1 + i, 1), 1);
                ck_assert_uint_eq(read_on(&b, QUEUE_NEWS, 11 + i, 1), 1);
        }
        queue_split(b.queue);
        queue_split(b.queue);
        ck_assert_int_eq(queue_peek(b.queue, QUEUE_LANE_NORMAL, QUEUE_BACKLOG, &record), QUEUE_E_EMPTY);
        ck_assert_int_eq(queue_peek(b.queue, QUEUE_LANE_NORMAL, QUEUE_NEWS, &record), QUEUE_E_EMPTY);
        /* who has nothing to do keeps nothing in memory */
        for (int source = 0; source < _QUEUE_SOURCE_MAX; source++)
                ck_assert_ptr_null(normal(&b)->cursors[source].reader.near.bytes);
        bench_done(&b);
}
END_TEST

/* Nothing of the backlog's pages is read again for news that the link's next coming makes backlog. */
START_TEST(a_backlog_that_is_empty_goes_on_from_the_news)
{
        uint64_t reads;
        Bench b;
        unsigned s;

        bench_init(&b);
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        append(&b, s, 4000);
        bench_run(&b, 2 * USEC_PER_SEC);
        ck_assert_uint_eq(read_on(&b, QUEUE_NEWS, 1, UINT64_MAX), 4000);
        append(&b, s, 3);
        bench_run(&b, 2 * USEC_PER_SEC);
        reads = b.disk->bytes_read;
        queue_split(b.queue);
        ck_assert_uint_eq(read_on(&b, QUEUE_BACKLOG, 4001, UINT64_MAX), 3);
        ck_assert_uint_le(b.disk->bytes_read - reads, 3 * 4096);
        bench_done(&b);
}
END_TEST

/* Its numbers are in both lanes, here and there; each lane draws its own line. */
START_TEST(a_stream_changes_lanes_between_splits)
{
        static bool served[1000];
        uint64_t appended = 0, n = 0;
        Bench b;

        bench_init(&b);
        memset(served, 0, sizeof(served));
        bench_open(&b);
        for (unsigned i = 0; i < 16; i++) {
                unsigned s = bench_stream(&b, "alarms", i % 2 ? QUEUE_LANE_URGENT : QUEUE_LANE_NORMAL);
                unsigned other = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);

                append(&b, other, 20);
                append(&b, s, 10);
                appended += 10;
                if (i % 3) /* or a split comes while its last records are not durable yet */
                        bench_run(&b, 2 * USEC_PER_SEC);
                if (i % 4 == 2)
                        queue_split(b.queue);
                for (int k = 0; k < 4; k++)
                        for (unsigned m = 0; m < 4; m++) {
                                QueueRecord record;
                                QueueLane lane = k / 2 ? QUEUE_LANE_URGENT : QUEUE_LANE_NORMAL;
                                QueueSource source = k % 2 ? QUEUE_BACKLOG : QUEUE_NEWS;

                                if (queue_peek(b.queue, lane, source, &record) != 0)
                                        break;
                                queue_advance(b.queue, lane, source);
                                if (record.stream != s)
                                        continue;
                                insist(!served[record.n]);
                                served[record.n] = true;
                                n++;
                        }
                bench_run(&b, 2 * USEC_PER_SEC);
        }
        for (int lane = 0; lane < _QUEUE_LANE_MAX; lane++) {
                QueueRecord record;

                while (bench_peek(&b, (QueueLane)lane, &record) == 0) {
                        bench_advance(&b, (QueueLane)lane);
                        if (strcmp(queue_stream_name(b.queue, record.stream), "alarms") != 0)
                                continue;
                        insist(!served[record.n]);
                        served[record.n] = true;
                        n++;
                }
        }
        ck_assert_uint_eq(n, appended);
        ck_assert_uint_eq(bench_ledger(&b).settled[OUTCOME_DAMAGED], 0);
        bench_done(&b);
}
END_TEST

/* A page goes bad that holds both sides of a split. Each side counts its own, and only its own. */
START_TEST(damage_is_counted_by_whom_it_concerns)
{
        for (int news_first = 0; news_first < 2; news_first++) {
                uint64_t n_news, n_backlog;
                uint8_t *file;
                Bench b;
                unsigned s;
                Ledger l;

                log_configure(&(LogSettings){.level = LOG_EMERG});
                bench_init(&b);
                bench_open(&b);
                s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
                append(&b, s, 1000);
                bench_run(&b, 2 * USEC_PER_SEC);
                queue_split(b.queue);
                append(&b, s, 1000);
                bench_run(&b, 2 * USEC_PER_SEC);
                /* the page of the backlog's end and of the first news, in both its copies; and one on each side */
                file = fake_disk_file(b.disk, "/queue/normal/seg-0000", NULL);
                for (size_t page = 1; page < 96; page++)
                        if (page == 3 || page == 20 || (page >= 14 && page <= 16))
                                file[page * 4096 + 100] ^= 1;
                if (news_first) {
                        n_news = bench_read_and_settle(&b, QUEUE_LANE_NORMAL); /* backlog, then news */
                        n_backlog = 0;
                } else {
                        n_news = 0;
                        for (QueueRecord record; queue_peek(b.queue, QUEUE_LANE_NORMAL, QUEUE_NEWS, &record) == 0;
                             n_news++) {
                                queue_advance(b.queue, QUEUE_LANE_NORMAL, QUEUE_NEWS);
                                insist(record.n > 1000);
                        }
                        l = bench_ledger(&b);
                        ck_assert_uint_eq(n_news + l.settled[OUTCOME_DAMAGED], 1000);
                        n_backlog = 0;
                        for (QueueRecord record; queue_peek(b.queue, QUEUE_LANE_NORMAL, QUEUE_BACKLOG, &record) == 0;
                             n_backlog++) {
                                queue_advance(b.queue, QUEUE_LANE_NORMAL, QUEUE_BACKLOG);
                                insist(record.n <= 1000);
                        }
                }
                ck_assert_int_eq(bench_peek(&b, QUEUE_LANE_NORMAL, &(QueueRecord){}), QUEUE_E_EMPTY);
                l = bench_ledger(&b);
                ck_assert_uint_gt(l.settled[OUTCOME_DAMAGED], 100);
                ck_assert_uint_lt(l.settled[OUTCOME_DAMAGED], 500);
                ck_assert_uint_eq(n_news + n_backlog + l.settled[OUTCOME_DAMAGED], 2000);
                bench_done(&b);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("queue/cursor");
        TCase *c = suite_case(s, "two readers a lane, each record once");

        tcase_add_test(c, news_do_not_wait_for_the_backlog);
        tcase_add_test(c, a_split_falls_into_a_page_that_is_carried_on);
        tcase_add_test(c, several_splits_in_a_row);
        tcase_add_test(c, what_was_only_looked_at_is_backlog);
        tcase_add_test(c, big_records_from_both);
        tcase_add_test(c, slots_come_and_go_under_both);
        tcase_add_test(c, eviction_under_both);
        tcase_add_test(c, the_lane_joins_when_too_much_is_settled_out_of_order);
        tcase_add_test(c, both_at_the_same_place);
        tcase_add_test(c, a_backlog_that_is_empty_goes_on_from_the_news);
        tcase_add_test(c, a_stream_changes_lanes_between_splits);
        tcase_add_test(c, damage_is_counted_by_whom_it_concerns);
        return suite_run(s);
}
