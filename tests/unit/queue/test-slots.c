/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a lane does when a write fails, no slot is free, or there is no memory: which slot it takes next, and that
 * nobody waits longer than need be.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "bench.h"
#include "fail-alloc.h"
#include "suite.h"

#define SAMPLE "a reading that takes some room on the disk, and then a little more of it"

static bool has_slot(Bench *b, unsigned index)
{
        char path[32];

        (void)snprintf(path, sizeof(path), "/queue/normal/seg-%04u", index);
        return fake_disk_file(b->disk, path, NULL);
}

/* Until the newest of three slots is being written, and the two before are full. */
static unsigned fill_three(Bench *b)
{
        unsigned s;

        log_configure(&(LogSettings){.level = LOG_EMERG});
        bench_init(b);
        b->settings.max_bytes = 3 * b->settings.segment_bytes;
        b->settings.n_lanes = 1;
        b->settings.drop_newest = true;
        bench_open(b);
        s = bench_stream(b, "telemetry", QUEUE_LANE_NORMAL);
        for (int second = 0; bench_append_big(b, s, 12000) != QUEUE_E_FULL; second++) {
                bench_run(b, USEC_PER_SEC);
                insist(second < 1000);
        }
        ck_assert(!has_slot(b, 3));
        return s;
}

/* The records of the oldest slot, and a little more. */
static void settle_oldest(Bench *b)
{
        QueueRecord record;

        for (size_t bytes = 0; bytes < b->settings.segment_bytes * 3 / 2; bytes += record.size) {
                insist(bench_peek(b, QUEUE_LANE_NORMAL, &record) == 0);
                bench_advance(b, QUEUE_LANE_NORMAL);
                queue_settle(b->queue, record.stream, record.epoch, record.n, record.n, OUTCOME_ACKNOWLEDGED);
        }
}

static void next_sync_fails(Bench *b, uint64_t count)
{
        b->disk->fail_at = b->disk->n_calls + 1;
        b->disk->fail_count = count;
        b->disk->fail_mask = FAKE_SYNC;
        b->disk->fail_errno = EIO;
}

/* What the oldest slot holds is settled, but only memory knows so. A write fails, and there is no other slot: one is
 * made, over the limit: the oldest is written over when a checkpoint on the disk says that it may. */
START_TEST(a_failed_write_has_a_slot_made_first)
{
        Bench b;
        unsigned s;

        s = fill_three(&b);
        settle_oldest(&b);
        next_sync_fails(&b, 1);
        ck_assert_int_eq(bench_submit(&b, s, "the write of this one fails"), 0);
        bench_run(&b, 100 * USEC_PER_MSEC);
        ck_assert_uint_eq(b.n_answered, 1);
        ck_assert_int_eq(b.receipts[0].error, 0);
        ck_assert(has_slot(&b, 3));
        bench_done(&b);
}
END_TEST

/* Where none can be made, one that holds nothing any more is taken rather than none. */
START_TEST(and_one_that_is_settled_is_the_last_resort)
{
        Bench b;
        unsigned s;

        s = fill_three(&b);
        settle_oldest(&b);
        b.disk->capacity = 1;
        next_sync_fails(&b, 1);
        ck_assert_int_eq(bench_submit(&b, s, "the write of this one fails"), 0);
        bench_run(&b, 100 * USEC_PER_MSEC);
        ck_assert_uint_eq(b.n_answered, 1);
        ck_assert_int_eq(b.receipts[0].error, 0);
        ck_assert(!has_slot(&b, 3));
        bench_done(&b);
}
END_TEST

/* A file that is in the way is half made, and goes. If it cannot, the reason is the disk's, not that it is there. */
START_TEST(what_is_in_the_way_tells_why_it_stays)
{
        QueueStatus status;
        unsigned s;
        Bench b;

        log_configure(&(LogSettings){.level = LOG_EMERG});
        bench_init(&b);
        bench_open(&b);
        disk_close(&b.disk->disk, disk_open(&b.disk->disk, "/queue/normal/seg-0000", O_RDWR | O_CREAT));
        b.disk->fail_at = 1;
        b.disk->fail_count = UINT64_MAX;
        b.disk->fail_mask = FAKE_UNLINK;
        b.disk->fail_errno = EROFS;
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        ck_assert_int_eq(bench_submit(&b, s, "waits in vain"), 0);
        bench_run(&b, 3 * USEC_PER_SEC);
        ck_assert_uint_eq(b.n_answered, 1);
        ck_assert_int_eq(b.receipts[0].error, -EROFS);
        queue_status(b.queue, &status);
        ck_assert_int_eq(status.disk_state, DISK_READ_ONLY);
        ck_assert_ptr_nonnull(strstr(status.disk_error, "remount it writable"));
        bench_done(&b);
}
END_TEST

/* All slots are full, and the oldest is freed by a checkpoint first: whoever waits for the disk does not wait for
 * the interval as well. */
START_TEST(who_is_put_aside_stays_urgent)
{
        Bench b;
        unsigned s;

        s = fill_three(&b);
        b.settings.commit_interval_usec = USEC_PER_MIN;
        queue_configure(b.queue, &b.settings);
        settle_oldest(&b);
        for (int i = 0; b.n_receipts == 0; i++) {
                int r = bench_submit(&b, s, SAMPLE);

                insist((r == 0 || r == QUEUE_E_BUSY) && i < 100);
        }
        (void)bench_append_big(&b, s, 60000); /* so that it does not fit behind the others */
        bench_run(&b, USEC_PER_SEC);
        ck_assert_uint_eq(b.n_answered, 1);
        ck_assert_int_eq(b.receipts[0].error, 0);
        bench_done(&b);
}
END_TEST

/* A write fails, and there is no memory to put its records before those that came meanwhile. */
START_TEST(what_comes_back_waits_for_memory)
{
        enum { RECORDS = 40, SIZE = 4000 };

        for (uint64_t count = 1; count < 200; count = count * 3 + 1) {
                uint64_t n_calls;
                Bench b;
                unsigned s;
                Ledger l;

                log_configure(&(LogSettings){.level = LOG_EMERG});
                bench_init(&b);
                bench_open(&b);
                s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
                ck_assert_int_eq(bench_append(&b, s, "so that there are slots"), 0);
                bench_run(&b, 2 * USEC_PER_SEC);
                b.disk->held = true;
                for (int i = 0; i < RECORDS; i++) {
                        insist(bench_append_big(&b, s, SIZE) == 0);
                        if (i == RECORDS / 2) {
                                ck_assert_int_eq(bench_submit(&b, s, "waits for all of it"), 0);
                                bench_run(&b, 2 * USEC_PER_SEC);
                        }
                }
                b.disk->held = false;
                next_sync_fails(&b, 1);
                fail_alloc(1, count);
                bench_run(&b, 10 * USEC_PER_SEC);
                n_calls = b.disk->n_calls;
                bench_run(&b, USEC_PER_MIN);
                ck_assert(fail_alloc_stop());
                ck_assert_uint_le(b.disk->n_calls, n_calls + 100);
                ck_assert_uint_eq(b.n_answered, 1);
                ck_assert_int_eq(b.receipts[0].error, 0);
                ck_assert_uint_eq(bench_read(&b, QUEUE_LANE_NORMAL, NULL), RECORDS + 2);
                l = bench_ledger(&b);
                ck_assert_uint_eq(ledger_waiting(&l), RECORDS + 2);
                bench_done(&b);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("queue/slots");
        TCase *c = suite_case(s, "a lane finds a slot, and its time");

        tcase_set_timeout(c, 60);
        tcase_add_test(c, a_failed_write_has_a_slot_made_first);
        tcase_add_test(c, and_one_that_is_settled_is_the_last_resort);
        tcase_add_test(c, what_is_in_the_way_tells_why_it_stays);
        tcase_add_test(c, who_is_put_aside_stays_urgent);
        tcase_add_test(c, what_comes_back_waits_for_memory);
        return suite_run(s);
}
