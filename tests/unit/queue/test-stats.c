/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "bench.h"
#include "queue/meter.h"
#include "suite.h"

/* What the stats say is what the disk saw: new and recycled slots, checkpoints, failures and openings included. */
START_TEST(every_byte_and_every_flush_is_counted)
{
        uint64_t bytes, flushes;
        QueueStats stats;
        Bench b;
        unsigned s, u;

        log_configure(&(LogSettings){.level = LOG_EMERG});
        bench_init(&b);
        b.settings.max_bytes = 3 << 20;
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        u = bench_stream(&b, "alarms", QUEUE_LANE_URGENT);
        for (int i = 0; i < 300; i++) {
                for (int k = 0; k < 100; k++)
                        ck_assert_int_eq(bench_append(&b, s, "a hundred bytes or so, such as a reading has when it is "
                                                             "in no hurry at all and goes on"), 0);
                if (i % 10 == 0)
                        ck_assert_int_eq(bench_append(&b, u, "alarm"), 0);
                if (i == 100) {
                        b.disk->fail_at = b.disk->n_calls + 3;
                        b.disk->fail_mask = FAKE_SYNC;
                        b.disk->fail_count = 1;
                        b.disk->fail_errno = EIO;
                }
                bench_run(&b, USEC_PER_SEC);
                if (i % 3 == 0)
                        bench_read_and_settle(&b, QUEUE_LANE_NORMAL);
                queue_stats(b.queue, &stats);
                ck_assert_uint_eq(stats.bytes_written, b.disk->bytes_written);
                ck_assert_uint_eq(stats.flushes, b.disk->n_syncs);
        }
        ck_assert_uint_eq(stats.records, 30030);
        ck_assert_uint_eq(stats.payload_bytes, 30000 * 86 + 30 * 5);
        ck_assert_uint_ge(stats.commits, 300);
        ck_assert_uint_ge(stats.slots_made, 4);
        bench_kill(&b);
        bytes = b.disk->bytes_written;
        flushes = b.disk->n_syncs;
        bench_open(&b);
        bench_run(&b, USEC_PER_SEC);
        queue_stats(b.queue, &stats);
        ck_assert_uint_eq(stats.bytes_written, b.disk->bytes_written - bytes);
        ck_assert_uint_eq(stats.flushes, b.disk->n_syncs - flushes);
        ck_assert_uint_ge(stats.flushes, 1);
        ck_assert_uint_eq(stats.records, 0);
        bench_done(&b);
}
END_TEST

START_TEST(latencies_are_those_of_the_last_commits)
{
        Meter m = {};
        QueueStats stats;

        meter_stats(&m, &stats);
        ck_assert_uint_eq(stats.latency_p99_usec, 0);
        meter_commit(&m, 7, false);
        meter_stats(&m, &stats);
        ck_assert_uint_eq(stats.latency_p50_usec, 7);
        ck_assert_uint_eq(stats.latency_p99_usec, 7);
        meter_commit(&m, 1000000, true);
        for (usec_t i = 1; i <= METER_LATENCIES; i++)
                meter_commit(&m, METER_LATENCIES + 1 - i, false);
        meter_stats(&m, &stats);
        ck_assert_uint_eq(stats.commits, METER_LATENCIES + 2);
        ck_assert_uint_eq(stats.checkpoints_alone, 1);
        ck_assert_uint_eq(stats.latency_usec, 1);
        ck_assert_uint_eq(stats.latency_p50_usec, 64);
        ck_assert_uint_eq(stats.latency_p99_usec, 126);
        ck_assert_uint_eq(stats.latency_max_usec, 1000000);
}
END_TEST

START_TEST(one_lane_takes_all_streams)
{
        uint8_t *file;
        size_t size;
        Bench b;
        unsigned s;

        bench_init(&b);
        b.settings.n_lanes = 1;
        b.settings.max_bytes = 1 << 20;
        for (int i = 0; i < 2; i++) {
                bench_open(&b);
                s = bench_stream(&b, "dead", QUEUE_LANE_URGENT);
                ck_assert_int_eq(bench_submit(&b, s, "x"), 0);
                bench_run(&b, USEC_PER_SEC);
                ck_assert_uint_eq(bench_read(&b, QUEUE_LANE_URGENT, NULL), 0);
                ck_assert_uint_eq(bench_read(&b, QUEUE_LANE_NORMAL, NULL), (unsigned)i + 1);
                bench_kill(&b);
        }
        file = fake_disk_file(b.disk, "/queue/urgent/lane", &size);
        ck_assert_ptr_null(file);
        bench_done(&b);
}
END_TEST

START_TEST(it_is_full_before_anything_is_dropped)
{
        double fill = 0;
        Bench b;
        unsigned s;

        log_configure(&(LogSettings){.level = LOG_EMERG});
        bench_init(&b);
        b.settings.max_bytes = 4 << 20;
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        while (b.settled[OUTCOME_QUEUE_FULL] == 0) {
                QueueStatus status;

                queue_status(b.queue, &status);
                ck_assert(status.fill >= fill && status.fill <= 1);
                fill = status.fill;
                for (int k = 0; k < 20; k++)
                        insist(bench_append_big(&b, s, 1000) == 0);
                bench_run(&b, USEC_PER_SEC);
        }
        ck_assert_msg(fill > 0.97, "%f", fill);
        bench_done(&b);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("queue/stats");
        TCase *c = suite_case(s, "what it costs, and how full it is");

        tcase_add_test(c, every_byte_and_every_flush_is_counted);
        tcase_add_test(c, latencies_are_those_of_the_last_commits);
        tcase_add_test(c, one_lane_takes_all_streams);
        tcase_add_test(c, it_is_full_before_anything_is_dropped);
        return suite_run(s);
}
