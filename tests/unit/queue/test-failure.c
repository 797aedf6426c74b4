/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The n-th call of a whole life fails, for every n until none is left to fail. Nothing crashes, nothing hangs,
 * every receipt is answered once and keeps its word, and the books balance.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/log-id.h"
#include "bench.h"
#include "log-capture.h"
#include "suite.h"

typedef struct Life {
        Bench b;
        uint64_t appended;
        uint64_t n; /* the call that fails, for the message */
} Life;

static void append(Life *life, unsigned s, unsigned n, bool receipts)
{
        for (unsigned i = 0; i < n; i++) {
                char text[64];
                int r;

                (void)snprintf(text, sizeof(text), "%s number %llu ....................",
                               receipts ? "submitted" : "read", (unsigned long long)life->appended);
                r = receipts ? bench_submit(&life->b, s, text) : bench_append(&life->b, s, text);
                if (r == 0)
                        life->appended++;
                else if (r != QUEUE_E_DISK && r != QUEUE_E_BUSY)
                        ck_abort_msg("append: %d", r);
        }
}

/* Opening, small and large commits, slots made, filled, settled, used again. */
static void live(Life *life)
{
        Bench *b = &life->b;
        unsigned s, u;

        bench_open(b);
        s = bench_stream(b, "telemetry", QUEUE_LANE_NORMAL);
        u = bench_stream(b, "alarms", QUEUE_LANE_URGENT);
        for (int i = 0; i < 4; i++) {
                append(life, s, 3, true);
                append(life, u, 1, i % 2);
                bench_run(b, 700 * USEC_PER_MSEC);
        }
        for (int i = 0; i < 9; i++) {
                append(life, s, 400, i % 3 == 0);
                if (i % 2)
                        life->appended += bench_append_big(b, s, 9000) == 0;
                bench_run(b, USEC_PER_SEC);
                for (int k = 0; k < 500; k++) {
                        QueueRecord record;

                        if (bench_peek(b, QUEUE_LANE_NORMAL, &record) != 0)
                                break;
                        bench_advance(b, QUEUE_LANE_NORMAL);
                        queue_settle(b->queue, record.stream, record.epoch, record.n, record.n, OUTCOME_ACKNOWLEDGED);
                }
                bench_run(b, USEC_PER_SEC);
        }
        bench_run(b, 10 * USEC_PER_MIN); /* it finds its way back */
}

static void check_life(Life *life)
{
        Bench *b = &life->b;
        QueueStatus status;
        QueueRecord record;
        uint64_t n = 0;
        unsigned s;
        Ledger l;

        /* well again, and it works */
        queue_status(b->queue, &status);
        ck_assert_msg(!status.disk_failed, "call %llu: %s", (unsigned long long)life->n, status.disk_error);
        s = bench_stream(b, "telemetry", QUEUE_LANE_NORMAL);
        ck_assert_int_eq(bench_submit(b, s, "the last one"), 0);
        life->appended++;
        bench_run(b, 2 * USEC_PER_SEC);
        ck_assert_msg(b->n_answered == b->n_receipts, "call %llu: %zu of %zu were answered",
                      (unsigned long long)life->n, b->n_answered, b->n_receipts);
        ck_assert_int_eq(b->receipts[b->n_receipts - 1].error, 0);

        l = bench_ledger(b);
        ck_assert_msg(l.accepted == life->appended, "call %llu: %llu accepted, %llu appended",
                      (unsigned long long)life->n, (unsigned long long)l.accepted, (unsigned long long)life->appended);
        ck_assert_msg(l.settled[OUTCOME_DAMAGED] == 0, "call %llu: damaged", (unsigned long long)life->n);

        /* and so it stays after a kill */
        bench_kill(b);
        bench_open(b);
        l = bench_ledger(b);
        ck_assert_msg(l.accepted == life->appended, "call %llu, reopened: %llu accepted, %llu appended",
                      (unsigned long long)life->n, (unsigned long long)l.accepted, (unsigned long long)life->appended);
        for (int lane = 0; lane < _QUEUE_LANE_MAX; lane++)
                while (bench_peek(b, (QueueLane)lane, &record) == 0) {
                        bench_advance(b, (QueueLane)lane);
                        n++;
                }
        l = bench_ledger(b);
        ck_assert_msg(ledger_waiting(&l) == n && l.settled[OUTCOME_DAMAGED] == 0,
                      "call %llu, reopened: %llu wait, %llu read, %llu damaged", (unsigned long long)life->n,
                      (unsigned long long)ledger_waiting(&l), (unsigned long long)n,
                      (unsigned long long)l.settled[OUTCOME_DAMAGED]);
}

/* True when the failure struck. */
static bool fail_once(uint64_t n, uint64_t count, int error, unsigned mask)
{
        Life life = {.n = n};
        bool struck;

        bench_init(&life.b);
        life.b.disk->fail_at = n;
        life.b.disk->fail_count = count;
        life.b.disk->fail_errno = error;
        life.b.disk->fail_mask = mask;
        live(&life);
        struck = life.b.disk->fail_count < count;
        if (struck)
                check_life(&life);
        bench_done(&life.b);
        return struck;
}

static void quiet(void *userdata, int priority, const char *id, const char *text, const char *const *fields)
{
}

static const struct {
        int error;
        uint64_t count;
        unsigned mask;
} failures[] = {
        {EIO, 1, 0},
        {EIO, 2, FAKE_ANY & ~FAKE_READ}, /* what cannot be read twice counts as damaged */
        {EIO, 7, FAKE_ANY & ~FAKE_READ},
        {ENOSPC, 3, FAKE_ALLOCATE | FAKE_WRITE | FAKE_OPEN | FAKE_MKDIR},
        {EROFS, 25, FAKE_ALLOCATE | FAKE_WRITE | FAKE_OPEN | FAKE_MKDIR | FAKE_UNLINK | FAKE_SYNC},
        {EINTR, 1, FAKE_WRITE | FAKE_READ},
        {0, 1, FAKE_WRITE}, /* cut short */
};

START_TEST(any_call_may_fail)
{
        uint64_t n = 1;

        log_tap(quiet, NULL);
        while (fail_once(n, failures[_i].count, failures[_i].error, failures[_i].mask))
                n++;
        ck_assert_uint_gt(n, 80);
        log_tap(NULL, NULL);
}
END_TEST

START_TEST(a_failed_sync_sends_the_records_to_another_slot)
{
        LogCapture log;
        Bench b;
        unsigned s;

        log_capture_begin(&log);
        bench_init(&b);
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        ck_assert_int_eq(bench_submit(&b, s, "one"), 0);
        bench_run(&b, 2 * USEC_PER_SEC);
        b.disk->fail_at = b.disk->n_calls + 1;
        b.disk->fail_count = 1;
        b.disk->fail_mask = FAKE_SYNC;
        b.disk->fail_errno = EIO;
        ck_assert_int_eq(bench_submit(&b, s, "two"), 0);
        bench_run(&b, 2 * USEC_PER_SEC);
        ck_assert_uint_eq(b.n_answered, 2);
        ck_assert_int_eq(b.receipts[1].error, 0);
        ck_assert_uint_eq(bench_read(&b, QUEUE_LANE_NORMAL, NULL), 2);
        ck_assert_uint_eq(log_capture_count(&log, "Queue:"), 0); /* the lane has not failed */
        bench_done(&b);
        log_capture_end(&log);
}
END_TEST

/* The program is killed after a sync that failed. What the system shows of it is not on the medium, and a sync would
 * succeed now: it is not taken for accepted, to be gone with the next cut. */
START_TEST(what_a_failed_sync_has_thrown_away_is_not_believed)
{
        QueueRecord record;
        Bench b;
        unsigned s;

        log_configure(&(LogSettings){.level = LOG_EMERG});
        bench_init(&b);
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        ck_assert_int_eq(bench_submit(&b, s, "one"), 0);
        bench_run(&b, 2 * USEC_PER_SEC);
        b.disk->fail_at = b.disk->n_calls + 1;
        b.disk->fail_count = UINT64_MAX;
        b.disk->fail_mask = FAKE_SYNC;
        b.disk->fail_errno = EIO;
        ck_assert_int_eq(bench_submit(&b, s, "two"), 0);
        bench_run(&b, 2 * USEC_PER_SEC);
        ck_assert_int_ne(b.receipts[1].error, 0);
        b.disk->fail_at = 0;
        bench_kill(&b);

        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        ck_assert_int_eq(bench_submit(&b, s, "three"), 0);
        bench_run(&b, 2 * USEC_PER_SEC);
        ck_assert_int_eq(b.receipts[2].error, 0);
        bench_cut(&b, b.disk->n_entries, FAKE_CUT_LOST, 1);
        bench_open(&b);
        ck_assert_uint_eq(bench_read(&b, QUEUE_LANE_NORMAL, &record), 2);
        ck_assert_uint_eq(record.size, strlen("three"));
        ck_assert_uint_eq(bench_ledger(&b).settled[OUTCOME_DAMAGED], 0);
        bench_done(&b);
}
END_TEST

/* It was written to two slots, and of the second one only page 0 arrived: the number was not given, whatever the
 * first one shows, and is given again. */
START_TEST(what_a_failed_sync_left_behind_is_not_served)
{
        uint8_t *file;
        QueueRecord record;
        size_t size;
        Bench b;
        unsigned s;

        log_configure(&(LogSettings){.level = LOG_EMERG});
        bench_init(&b);
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        ck_assert_int_eq(bench_submit(&b, s, "one"), 0);
        bench_run(&b, 2 * USEC_PER_SEC);
        b.disk->fail_at = b.disk->n_calls + 1;
        b.disk->fail_count = 1;
        b.disk->fail_mask = FAKE_SYNC;
        b.disk->fail_errno = EIO;
        ck_assert_int_eq(bench_submit(&b, s, "two"), 0);
        bench_run(&b, 2 * USEC_PER_SEC);
        bench_kill(&b);
        file = fake_disk_file(b.disk, "/queue/normal/seg-0001", &size);
        ck_assert_ptr_nonnull(file);
        ck_assert_mem_eq(file + 4096 + 44 + 20, "two", 3);
        memset(file + 4096, 0, 4096);
        /* and of the two copies of "one" the second is read, where "two" stands behind it */
        file = fake_disk_file(b.disk, "/queue/normal/seg-0000", &size);
        ck_assert_ptr_nonnull(file);
        memset(file + 4096, 0, 4096);

        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        ck_assert_int_eq(bench_submit(&b, s, "three"), 0);
        bench_run(&b, 2 * USEC_PER_SEC);
        ck_assert_uint_eq(b.receipts[2].n, 2);
        bench_kill(&b);
        bench_open(&b);
        ck_assert_uint_eq(bench_read(&b, QUEUE_LANE_NORMAL, &record), 2);
        ck_assert_uint_eq(record.n, 2);
        ck_assert_uint_eq(record.size, strlen("three"));
        ck_assert_uint_eq(bench_ledger(&b).settled[OUTCOME_DAMAGED], 0);
        bench_done(&b);
}
END_TEST

START_TEST(a_disk_that_fails_for_long_is_told_once_and_ridden_out)
{
        QueueStatus status;
        LogCapture log;
        Bench b;
        unsigned s;
        Ledger l;

        log_capture_begin(&log);
        bench_init(&b);
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        bench_run(&b, USEC_PER_SEC);
        b.disk->fail_at = 1;
        b.disk->fail_count = UINT64_MAX;
        b.disk->fail_mask = FAKE_WRITE | FAKE_SYNC | FAKE_ALLOCATE;
        b.disk->fail_errno = EIO;
        ck_assert_int_eq(bench_submit(&b, s, "waits in vain"), 0);
        bench_run(&b, 3 * USEC_PER_SEC);
        ck_assert_uint_eq(b.n_answered, 1);
        ck_assert_int_eq(b.receipts[0].error, -EIO);
        ck_assert_int_eq(bench_submit(&b, s, "is refused"), QUEUE_E_DISK);
        queue_status(b.queue, &status);
        ck_assert(status.disk_failed);
        ck_assert_ptr_nonnull(strstr(status.disk_error, "/queue/normal/seg-"));
        ck_assert_ptr_nonnull(strstr(status.disk_error, "Input/output error"));
        for (int i = 0; i < 20000; i++) { /* more than the ring takes */
                ck_assert_int_eq(bench_append(&b, s, "a reading taken while the disk was away"), 0);
                if (i % 20 == 0)
                        bench_run(&b, USEC_PER_SEC);
        }
        ck_assert_uint_gt(b.settled[OUTCOME_DISK], 10000);
        ck_assert_uint_eq(log_capture_count(&log, "Queue:"), 1);
        ck_assert_str_eq(log.ids[0], LOG_ID_DISK_FAILED);

        b.disk->fail_at = 0;
        bench_run(&b, 2 * USEC_PER_MIN);
        queue_status(b.queue, &status);
        ck_assert(!status.disk_failed);
        ck_assert_str_eq(status.disk_error, "");
        ck_assert_uint_eq(log_capture_count(&log, "Queue:"), 2);
        ck_assert_str_eq(log.ids[1], LOG_ID_DISK_RECOVERED);
        l = bench_ledger(&b);
        ck_assert_uint_eq(l.accepted, 20001);
        ck_assert_uint_eq(l.settled[OUTCOME_DISK], b.settled[OUTCOME_DISK]);
        ck_assert_uint_eq(bench_read(&b, QUEUE_LANE_NORMAL, NULL), ledger_waiting(&l));
        bench_close(&b);
        bench_open(&b);
        l = bench_ledger(&b);
        ck_assert_uint_eq(l.accepted, 20001);
        ck_assert_uint_eq(bench_read(&b, QUEUE_LANE_NORMAL, NULL), ledger_waiting(&l));
        bench_done(&b);
        log_capture_end(&log);
}
END_TEST

/* What it left in memory there comes to rest before what follows it, or a kill would leave a hole among the
 * accepted. */
START_TEST(a_stream_leaves_a_lane_that_has_failed)
{
        bool killed = _i;
        QueueStatus status;
        Bench b;
        unsigned s;

        bench_init(&b);
        bench_open(&b);
        s = bench_stream(&b, "alarms", QUEUE_LANE_URGENT);
        ck_assert_int_eq(bench_append(&b, s, "at rest"), 0);
        (void)bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        bench_run(&b, USEC_PER_MIN);
        b.disk->fail_at = 1;
        b.disk->fail_count = UINT64_MAX;
        b.disk->fail_mask = FAKE_WRITE | FAKE_SYNC | FAKE_ALLOCATE;
        b.disk->fail_errno = EIO;
        for (int i = 0; i < 10; i++)
                ck_assert_int_eq(bench_append(&b, s, "in memory"), 0);
        bench_run(&b, 10 * USEC_PER_MIN);
        b.disk->fail_at = 0;

        s = bench_stream(&b, "alarms", QUEUE_LANE_NORMAL);
        for (int i = 0; i < 10; i++)
                ck_assert_int_eq(bench_append(&b, s, "after it"), 0);
        ck_assert_int_eq(bench_submit(&b, s, "is refused"), QUEUE_E_DISK);
        bench_run(&b, 2 * USEC_PER_SEC);
        queue_status(b.queue, &status);
        ck_assert(status.disk_failed); /* it is not tried again before long */
        ck_assert_uint_eq(bench_ledger(&b).accepted, 1);
        if (killed) {
                bench_kill(&b);
                bench_open(&b);
                ck_assert_uint_eq(bench_ledger(&b).accepted, 1);
        } else {
                bench_run(&b, 2 * USEC_PER_MIN);
                ck_assert_uint_eq(bench_ledger(&b).accepted, 21);
                ck_assert_int_eq(bench_submit(&b, s, "where it belongs"), 0);
                bench_run(&b, USEC_PER_SEC);
                ck_assert_uint_eq(bench_read_and_settle(&b, QUEUE_LANE_URGENT), 21);
                ck_assert_uint_eq(bench_read_and_settle(&b, QUEUE_LANE_NORMAL), 1);
        }
        ck_assert_uint_eq(bench_ledger(&b).settled[OUTCOME_DAMAGED], 0);
        bench_done(&b);
}
END_TEST

/* Of the commit that began a slot a cut left the last pages only. The slot looks unused, but its generation is not
 * given again: what is left would pass for a part of what comes next. */
START_TEST(what_is_left_of_a_torn_first_commit_is_known)
{
        uint64_t damaged;
        uint8_t *file;
        size_t size;
        unsigned s;
        Bench b;

        log_configure(&(LogSettings){.level = LOG_EMERG});
        bench_init(&b);
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        for (int i = 0; i < 1000; i++)
                ck_assert_int_eq(bench_append(&b, s, "of the torn commit"), 0);
        bench_run(&b, 2 * USEC_PER_SEC);
        bench_kill(&b);
        file = fake_disk_file(b.disk, "/queue/normal/seg-0000", &size);
        ck_assert_ptr_nonnull(file);
        memset(file, 0, (size_t)_i * 4096);

        for (int i = 0; i < 3; i++) {
                bench_open(&b);
                s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
                ck_assert_int_eq(bench_submit(&b, s, "with a receipt"), 0);
                bench_run(&b, USEC_PER_MIN);
                bench_kill(&b);
        }
        bench_open(&b);
        ck_assert_uint_ge(bench_read(&b, QUEUE_LANE_NORMAL, NULL), 3);
        damaged = bench_ledger(&b).settled[OUTCOME_DAMAGED];
        ck_assert_uint_eq(damaged, 0);
        bench_done(&b);
}
END_TEST

/* The directory cannot be opened at first, though it holds a backlog. */
START_TEST(a_disk_that_comes_late)
{
        QueueRecord last;
        LogCapture log;
        unsigned s, w;
        Bench b;
        Ledger l;

        log_capture_begin(&log);
        bench_init(&b);
        bench_open(&b);
        (void)bench_stream(&b, "wind", QUEUE_LANE_NORMAL);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        for (int i = 0; i < 50; i++)
                ck_assert_int_eq(bench_append(&b, s, "before"), 0);
        bench_close(&b);

        b.disk->fail_at = 1;
        b.disk->fail_count = UINT64_MAX;
        b.disk->fail_errno = EROFS;
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        w = bench_stream(&b, "gust", QUEUE_LANE_URGENT);
        ck_assert_int_eq(bench_submit(&b, s, "refused"), QUEUE_E_DISK);
        for (int i = 0; i < 10000; i++)
                ck_assert_int_eq(bench_append(&b, s, "meanwhile, a reading of some length"), 0);
        ck_assert_int_eq(bench_append(&b, w, "a gust"), 0);
        bench_run(&b, USEC_PER_HOUR);
        ck_assert_uint_eq(log_capture_count(&log, "Read-only file system"), 1);

        b.disk->fail_at = 0;
        bench_run(&b, 2 * USEC_PER_MIN);
        ck_assert_int_eq(bench_submit(&b, s, "after"), 0);
        bench_run(&b, 2 * USEC_PER_SEC);
        ck_assert_int_eq(b.receipts[0].error, 0);
        ck_assert_uint_eq(b.receipts[0].n, 10051);
        ck_assert_str_eq(queue_stream_name(b.queue, s), "telemetry");
        l = bench_ledger(&b);
        ck_assert_uint_eq(l.accepted, 10052);
        ck_assert_uint_gt(l.settled[OUTCOME_DISK], 0);
        ck_assert_uint_eq(bench_read(&b, QUEUE_LANE_URGENT, NULL), 1);
        ck_assert_uint_eq(bench_read(&b, QUEUE_LANE_NORMAL, &last) + 1, ledger_waiting(&l));
        ck_assert_uint_eq(last.n, 10051);
        ck_assert_uint_eq(last.stream, s);
        bench_done(&b);
        log_capture_end(&log);
}
END_TEST

START_TEST(a_directory_in_other_hands)
{
        QueueStatus status;
        Bench b;

        log_tap(quiet, NULL);
        bench_init(&b);
        b.disk->locked = true;
        bench_open(&b);
        queue_status(b.queue, &status);
        ck_assert(status.disk_failed && status.unknown);
        ck_assert_int_eq(status.disk_state, DISK_IN_USE);
        ck_assert_str_eq(status.disk_error, "/queue is in use by another process");
        ck_assert_ptr_eq(queue_in_use(b.queue), status.disk_error);
        b.disk->locked = false;
        bench_run(&b, 2 * USEC_PER_MIN);
        queue_status(b.queue, &status);
        ck_assert(!status.disk_failed && !status.unknown);
        ck_assert_ptr_null(queue_in_use(b.queue));
        bench_done(&b);
        log_tap(NULL, NULL);
}
END_TEST

static void fill(Bench *b, uint64_t n)
{
        unsigned s;

        log_configure(&(LogSettings){.level = LOG_EMERG});
        bench_init(b);
        bench_open(b);
        s = bench_stream(b, "telemetry", QUEUE_LANE_NORMAL);
        for (uint64_t i = 0; i < n; i++) {
                if (bench_append(b, s, "a reading that takes some room on the disk, and then a little more of it") != 0)
                        ck_abort();
                if (i % 500 == 499)
                        bench_run(b, USEC_PER_SEC);
        }
        bench_run(b, USEC_PER_SEC);
        bench_close(b);
}

/* Reads fail from the n-th on, for a while: what could not be read is not lost. */
START_TEST(a_passing_read_error_at_opening_loses_nothing)
{
        for (uint64_t count = 1; count < 300; count = count * 3 / 2 + 1)
                for (uint64_t n = 1; n < 60; n += n < 12 ? 1 : 7) {
                        Bench b;
                        Ledger l;

                        fill(&b, 9000);
                        b.disk->fail_at = b.disk->n_calls + n;
                        b.disk->fail_count = count;
                        b.disk->fail_mask = FAKE_READ;
                        b.disk->fail_errno = EIO;
                        bench_open(&b);
                        bench_run(&b, USEC_PER_MIN);
                        b.disk->fail_at = 0;
                        ck_assert_uint_eq(bench_read(&b, QUEUE_LANE_NORMAL, NULL), 9000);
                        l = bench_ledger(&b);
                        ck_assert_uint_eq(l.accepted, 9000);
                        ck_assert_uint_eq(l.settled[OUTCOME_DAMAGED], 0);
                        bench_done(&b);
                }
}
END_TEST

/* What cannot be read for minutes keeps nobody from collecting. */
START_TEST(a_lasting_read_error_at_opening_is_ridden_out)
{
        QueueStatus status;
        unsigned s;
        Bench b;
        Ledger l;

        fill(&b, 9000);
        b.disk->fail_at = 1;
        b.disk->fail_count = UINT64_MAX;
        b.disk->fail_mask = FAKE_READ;
        b.disk->fail_errno = EIO;
        bench_open(&b);
        queue_status(b.queue, &status);
        ck_assert(status.disk_failed);
        ck_assert_ptr_nonnull(strstr(status.disk_error, "cannot read /queue/normal"));
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        ck_assert_int_eq(bench_append(&b, s, "meanwhile"), 0);
        bench_run(&b, 10 * USEC_PER_MIN);
        queue_status(b.queue, &status);
        ck_assert_msg(!status.disk_failed, "%s", status.disk_error);
        b.disk->fail_at = 0;
        ck_assert_int_eq(bench_submit(&b, s, "and on it goes"), 0);
        bench_run(&b, USEC_PER_SEC);
        ck_assert_uint_eq(bench_read(&b, QUEUE_LANE_NORMAL, NULL), 2);
        bench_close(&b);
        bench_open(&b);
        ck_assert_uint_eq(bench_read(&b, QUEUE_LANE_NORMAL, NULL), 2);
        l = bench_ledger(&b);
        ck_assert_uint_eq(ledger_waiting(&l), 2);
        bench_done(&b);
}
END_TEST

/* The backlog is read once it can be; what cannot for half a minute is damaged, and counted. */
START_TEST(a_read_error_in_the_backlog_may_pass)
{
        for (int lasting = 0; lasting < 2; lasting++) {
                size_t n = 0;
                Bench b;
                Ledger l;

                fill(&b, 3000);
                bench_open(&b);
                (void)bench_append_big(&b, 0, 50000);
                bench_run(&b, USEC_PER_SEC);
                b.disk->fail_at = 1;
                b.disk->fail_count = UINT64_MAX;
                b.disk->fail_mask = FAKE_READ;
                b.disk->fail_errno = EIO;
                for (int second = 0; second < (lasting ? 300 : 20); second++) {
                        n += bench_read(&b, QUEUE_LANE_NORMAL, NULL);
                        bench_run(&b, USEC_PER_SEC);
                }
                ck_assert_uint_eq(n, 0);
                b.disk->fail_at = 0;
                for (int second = 0; second < 60; second++) {
                        n += bench_read(&b, QUEUE_LANE_NORMAL, NULL);
                        bench_run(&b, USEC_PER_SEC);
                }
                l = bench_ledger(&b);
                ck_assert_uint_eq(n + l.settled[OUTCOME_DAMAGED], 3001);
                if (lasting)
                        ck_assert_uint_gt(l.settled[OUTCOME_DAMAGED], 0);
                else
                        ck_assert_uint_eq(l.settled[OUTCOME_DAMAGED], 0);
                bench_done(&b);
        }
}
END_TEST

START_TEST(what_is_gone_at_opening_is_told)
{
        LogCapture log;
        Bench b;
        Ledger l;

        fill(&b, 12000);
        ck_assert_int_eq(disk_unlink(&b.disk->disk, "/queue/normal/seg-0000"), 0);
        log_capture_begin(&log);
        bench_open(&b);
        l = bench_ledger(&b);
        ck_assert_uint_gt(l.settled[OUTCOME_DAMAGED], 0);
        ck_assert_uint_eq(log_capture_count(&log, "records of stream telemetry (1-"), 1);
        log_capture_end(&log);
        bench_done(&b);
}
END_TEST

/* Whoever ends the queue learns what ends with it: of a disk that fails, of one that never opened, of none. */
START_TEST(what_could_not_be_stored_is_known)
{
        for (int how = 0; how < 3; how++) {
                unsigned s, alarms;
                Bench b;

                log_configure(&(LogSettings){.level = LOG_EMERG});
                bench_init(&b);
                b.disk->fail_count = UINT64_MAX;
                b.disk->fail_mask = how == 1 ? FAKE_MKDIR : FAKE_WRITE | FAKE_ALLOCATE;
                b.disk->fail_errno = EROFS;
                b.disk->fail_at = how == 1;
                bench_open(&b);
                s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
                alarms = bench_stream(&b, "alarms", QUEUE_LANE_URGENT);
                bench_run(&b, USEC_PER_SEC);
                ck_assert_int_eq(bench_append(&b, s, "stored, if the disk opened"), 0);
                bench_run(&b, 2 * USEC_PER_SEC);
                b.disk->fail_at = how != 0;
                for (int i = 0; i < 4; i++)
                        ck_assert_int_eq(bench_append(&b, s, "in memory"), 0);
                ck_assert_int_eq(bench_append(&b, alarms, "the same"), 0);
                bench_run(&b, 4 * USEC_PER_SEC);
                queue_finish(b.queue, 2 * USEC_PER_SEC);
                ck_assert_uint_eq(queue_unstored(b.queue), how == 0 ? 0 : how == 1 ? 6 : 5);
                bench_done(&b);
        }
}
END_TEST

START_TEST(closing_does_not_wait_for_a_stalled_disk)
{
        Bench b;
        unsigned s;

        bench_init(&b);
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        bench_run(&b, USEC_PER_SEC);
        b.disk->stall_at = b.disk->n_calls + 1;
        ck_assert_int_eq(bench_submit(&b, s, "x"), 0);
        bench_run(&b, 30 * USEC_PER_SEC);
        ck_assert_uint_eq(b.n_answered, 0);
        bench_close(&b);
        ck_assert_uint_eq(b.n_answered, 1);
        ck_assert_int_eq(b.receipts[0].error, -ETIMEDOUT);
        bench_done(&b);
}
END_TEST

START_TEST(a_stall_is_told_and_passes)
{
        QueueStatus status;
        LogCapture log;
        Bench b;
        unsigned s;

        log_capture_begin(&log);
        bench_init(&b);
        b.clock.wall_usec = 1763647200 * USEC_PER_SEC;
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        bench_run(&b, USEC_PER_SEC);
        b.disk->stall_at = b.disk->n_calls + 1;
        ck_assert_int_eq(bench_submit(&b, s, "x"), 0);
        bench_run(&b, 4 * USEC_PER_SEC);
        queue_status(b.queue, &status);
        ck_assert_int_eq(status.disk_state, DISK_WELL);
        bench_run(&b, 2 * USEC_PER_SEC);
        queue_status(b.queue, &status);
        ck_assert_int_eq(status.disk_state, DISK_STALLED);
        ck_assert(!status.disk_failed);
        ck_assert_ptr_nonnull(strstr(status.disk_error, "since 2025-11-20 14:00:01 UTC"));
        for (int i = 0; i < 24; i++) { /* it goes on to collect */
                ck_assert_int_eq(bench_append(&b, s, "taken meanwhile"), 0);
                bench_run(&b, USEC_PER_SEC);
        }
        ck_assert_uint_eq(b.n_answered, 0);
        fake_disk_resume(b.disk);
        bench_run(&b, 2 * USEC_PER_SEC);
        ck_assert_uint_eq(b.n_answered, 1);
        ck_assert_int_eq(b.receipts[0].error, 0);
        queue_status(b.queue, &status);
        ck_assert_int_eq(status.disk_state, DISK_WELL);
        ck_assert_str_eq(status.disk_error, "");
        ck_assert_uint_eq(bench_ledger(&b).accepted, 25);
        ck_assert_uint_eq(log_capture_count(&log, "Queue:"), 2);
        ck_assert_str_eq(log.ids[0], LOG_ID_DISK_STALLED);
        ck_assert_str_eq(log.ids[1], LOG_ID_DISK_RECOVERED);
        bench_done(&b);
        log_capture_end(&log);
}
END_TEST

START_TEST(an_opening_that_stalls_is_told_and_passes)
{
        QueueStatus status;
        LogCapture log;
        Bench b;
        unsigned s;

        log_capture_begin(&log);
        bench_init(&b);
        b.disk->fail_at = 1;
        b.disk->fail_count = UINT64_MAX;
        b.disk->fail_errno = EIO;
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        b.disk->fail_at = 0;
        b.disk->stall_at = b.disk->n_calls + 1;
        bench_run(&b, 4 * USEC_PER_SEC);
        queue_status(b.queue, &status);
        ck_assert_int_eq(status.disk_state, DISK_FAILED);
        bench_run(&b, 30 * USEC_PER_SEC);
        queue_status(b.queue, &status);
        ck_assert_int_eq(status.disk_state, DISK_STALLED);
        ck_assert(status.disk_failed);
        ck_assert_ptr_nonnull(strstr(status.disk_error, "opening /queue has not ended since"));
        ck_assert_int_eq(bench_append(&b, s, "taken meanwhile"), 0);
        fake_disk_resume(b.disk);
        bench_run(&b, 2 * USEC_PER_SEC);
        queue_status(b.queue, &status);
        ck_assert_int_eq(status.disk_state, DISK_WELL);
        ck_assert(!status.disk_failed);
        ck_assert_uint_eq(bench_ledger(&b).accepted, 1);
        ck_assert_uint_eq(log_capture_count(&log, "Queue:"), 3);
        ck_assert_str_eq(log.ids[1], LOG_ID_DISK_STALLED);
        bench_done(&b);
        log_capture_end(&log);
}
END_TEST

START_TEST(each_failure_has_its_state)
{
        static const struct {
                int error;
                DiskState state;
        } cases[] = {{EIO, DISK_FAILED}, {EROFS, DISK_READ_ONLY}, {ENOSPC, DISK_FULL}, {EDQUOT, DISK_FULL}};

        log_configure(&(LogSettings){.level = LOG_EMERG});
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                QueueStatus status;
                Bench b;
                unsigned s;

                bench_init(&b);
                bench_open(&b);
                s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
                bench_run(&b, USEC_PER_SEC);
                b.disk->fail_at = 1;
                b.disk->fail_count = UINT64_MAX;
                b.disk->fail_mask = FAKE_WRITE | FAKE_SYNC | FAKE_ALLOCATE | FAKE_OPEN;
                b.disk->fail_errno = cases[i].error;
                ck_assert_int_eq(bench_append(&b, s, "x"), 0);
                bench_run(&b, 3 * USEC_PER_SEC);
                queue_status(b.queue, &status);
                ck_assert_int_eq(status.disk_state, cases[i].state);
                ck_assert(status.disk_failed);
                b.disk->fail_at = 0;
                bench_run(&b, 2 * USEC_PER_MIN);
                queue_status(b.queue, &status);
                ck_assert_int_eq(status.disk_state, DISK_WELL);
                ck_assert_uint_eq(bench_ledger(&b).accepted, 1);
                bench_done(&b);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("queue/failure");
        TCase *c = suite_case(s, "any call of the disk may fail");

        tcase_set_timeout(c, 300);
        tcase_add_loop_test(c, any_call_may_fail, 0, (int)ARRAY_SIZE(failures));
        tcase_add_test(c, a_failed_sync_sends_the_records_to_another_slot);
        tcase_add_test(c, what_a_failed_sync_left_behind_is_not_served);
        tcase_add_test(c, what_a_failed_sync_has_thrown_away_is_not_believed);
        tcase_add_test(c, a_disk_that_fails_for_long_is_told_once_and_ridden_out);
        tcase_add_loop_test(c, a_stream_leaves_a_lane_that_has_failed, 0, 2);
        tcase_add_loop_test(c, what_is_left_of_a_torn_first_commit_is_known, 2, 5);
        tcase_add_test(c, a_disk_that_comes_late);
        tcase_add_test(c, a_directory_in_other_hands);
        tcase_add_test(c, a_passing_read_error_at_opening_loses_nothing);
        tcase_add_test(c, a_lasting_read_error_at_opening_is_ridden_out);
        tcase_add_test(c, a_read_error_in_the_backlog_may_pass);
        tcase_add_test(c, what_is_gone_at_opening_is_told);
        tcase_add_test(c, a_stall_is_told_and_passes);
        tcase_add_test(c, an_opening_that_stalls_is_told_and_passes);
        tcase_add_test(c, each_failure_has_its_state);
        tcase_add_test(c, what_could_not_be_stored_is_known);
        tcase_add_test(c, closing_does_not_wait_for_a_stalled_disk);
        return suite_run(s);
}
