/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The n-th call of a whole story fails, for each n: of the disk, then of memory; once, or so many times from then on.
 * The story goes on as a daemon would. When the failures are over the queue recovers by itself; what had its
 * receipt is there, also when the power goes right then; and no receipt rests on a file that would not sync.
 *
 * HUBLINK_FAULTS=n: every n-th call only (7; 1 in a campaign).
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "fail-alloc.h"
#include "suite.h"
#include "witness.h"

enum { TELEMETRY, WIND, ALARMS, ROAMER };

static Bench bench;
static Witness witness;

/* ---- the story, told by somebody who takes no for an answer ---- */

static void hand_in_together(unsigned stream, size_t n, size_t size, bool receipt)
{
        for (int tries = 0; tries < 3; tries++) {
                int r = witness_append_all(&witness, stream, size, n, receipt);

                if (r == 0)
                        break;
                insist(r == QUEUE_E_BUSY || r == QUEUE_E_FULL || r == QUEUE_E_DISK);
                bench_run(&bench, USEC_PER_SEC);
        }
}

static void hand_in(unsigned stream, unsigned n, size_t size, bool receipt)
{
        for (unsigned i = 0; i < n; i++)
                hand_in_together(stream, 1, size + i % 13, receipt);
}

static void acknowledge(QueueLane lane, size_t n, unsigned every)
{
        QueueRecord record;

        for (size_t i = 0; i < n && bench_peek(&bench, lane, &record) == 0; i++) {
                bench_advance(&bench, lane);
                if (i % every == 0)
                        queue_settle(bench.queue, record.stream, record.epoch, record.n, record.n,
                                     OUTCOME_ACKNOWLEDGED);
        }
}

/* A queue that does not open for want of memory is opened again. */
static void open_queue(void)
{
        int tries = 0;

        while (bench_try_open(&bench) < 0)
                insist(tries++ < 200);
        while (!witness_streams(&witness))
                insist(tries++ < 200);
}

static void tell(void)
{
        open_queue();
        for (unsigned i = 0; i < 6; i++) {
                hand_in(i % 3, 1 + i % 3, 40, true);
                bench_run(&bench, 600 * USEC_PER_MSEC);
        }
        hand_in(TELEMETRY, 50, 90, false);
        hand_in(ROAMER, 2, 60, true);
        bench_run(&bench, USEC_PER_SEC);
        acknowledge(QUEUE_LANE_NORMAL, 20, 2);
        hand_in_together(TELEMETRY, 16, 700, true); /* over pages, to a batch that has some already */
        hand_in_together(WIND, 3, 60000, false);
        hand_in_together(ALARMS, 5, 40, true);
        bench_run(&bench, USEC_PER_SEC);
        witness.lanes[ROAMER] = QUEUE_LANE_URGENT;
        (void)witness_streams(&witness);
        hand_in(ROAMER, 2, 60, true);
        for (unsigned i = 0; i < 6; i++) {
                hand_in(WIND, 1, 120000, true);
                hand_in(TELEMETRY, 2, 50, true);
                bench_run(&bench, USEC_PER_SEC);
                if (i == 2)
                        queue_split(bench.queue);
                acknowledge(QUEUE_LANE_NORMAL, 60, 1);
        }
        acknowledge(QUEUE_LANE_URGENT, 2, 1);
        bench_run(&bench, 40 * USEC_PER_SEC);
        for (unsigned i = 0; i < 10; i++) { /* over the limit */
                hand_in(WIND, 1, 200000, true);
                hand_in(ALARMS, 1, 50, true);
                bench_run(&bench, 2 * USEC_PER_SEC);
        }
        bench_close(&bench);
        open_queue();
        acknowledge(QUEUE_LANE_NORMAL, 3, 1);
        hand_in(TELEMETRY, 2, 50, true);
        bench_run(&bench, USEC_PER_SEC);
}

/* ---- and its end ---- */

static void set_up(void)
{
        log_configure(&(LogSettings){.level = LOG_EMERG});
        bench_init(&bench);
        bench.settings.max_bytes = 2 << 20;
        witness_init(&witness, 1024);
        witness_attend(&witness, &bench);
}

static void tear_down(void)
{
        witness_done(&witness);
        bench_done(&bench);
}

static void must_be_well(const char *words, uint64_t n)
{
        size_t before;
        QueueStatus status;

        bench_run(&bench, 5 * USEC_PER_MIN);
        queue_status(bench.queue, &status);
        if (status.disk_failed)
                ck_abort_msg("%s %llu: it does not recover: %s", words, (unsigned long long)n, status.disk_error);
        for (unsigned lane = 0; lane < _QUEUE_LANE_MAX; lane++) { /* so that nothing is in hand, and there is room */
                acknowledge((QueueLane)lane, SIZE_MAX, 1);
                bench_run(&bench, USEC_PER_MIN);
        }
        before = witness.n_rows;
        for (unsigned stream = 0; stream < WITNESS_STREAMS; stream++) {
                hand_in(stream, 1, 50, true);
                bench_run(&bench, USEC_PER_MIN);
        }
        if (witness.n_rows != before + WITNESS_STREAMS)
                ck_abort_msg("%s %llu: it takes no more", words, (unsigned long long)n);
        for (size_t i = 0; i < witness.n_rows; i++)
                if (i >= before && witness.rows[i].promised == WITNESS_NEVER)
                        ck_abort_msg("%s %llu: it gives no more receipts", words, (unsigned long long)n);
        if (bench.disk->n_trusted > 0)
                ck_abort_msg("%s %llu: a file was written to after its sync had failed", words,
                             (unsigned long long)n);
}

static void must_have_kept_its_word(const char *words, uint64_t n, WitnessMercy mercy)
{
        size_t entries = bench.disk->n_entries, n_rows = witness.n_rows;
        FakeDisk *disk = fake_disk_after_cut(bench.disk, entries, FAKE_CUT_LOST, n);
        Bench after = bench;
        WitnessFinding finding;
        const char *complaint;

        bench_kill(&bench);
        after.queue = NULL;
        after.receipts = NULL;
        after.disk = disk;
        fake_random_init(&after.random, n + 77);
        witness_branch(&witness, &after);
        bench_open(&after);
        bench_run(&after, USEC_PER_MIN);
        complaint = witness_examine(&witness, &after, entries, mercy, &finding);
        if (complaint)
                ck_abort_msg("%s %llu: %s", words, (unsigned long long)n, complaint);
        witness_return(&witness, &bench, n_rows);
        bench_done(&after);
}

static unsigned step(void)
{
        const char *e = getenv("HUBLINK_FAULTS");

        return e ? (unsigned)strtoul(e, NULL, 10) : 7;
}

/* ---- the disk ---- */

static const struct {
        int error;
        const char *words;
} errors[] = {
        {EIO, "EIO at call"},
        {ENOSPC, "ENOSPC at call"},
        {EINTR, "EINTR at call"},
        {EROFS, "EROFS at call"},
        {0, "short write at call"},
};
static const uint64_t times[] = {1, 3, 12, 60};

/* False when the story made fewer calls. */
static bool disk_fails(uint64_t n, uint64_t count, size_t error)
{
        bool struck;

        set_up();
        bench.disk->fail_at = n;
        bench.disk->fail_count = count;
        bench.disk->fail_errno = errors[error].error;
        tell();
        struck = bench.disk->fail_count < count;
        bench.disk->fail_at = 0;
        must_be_well(errors[error].words, n);
        /* A page that would not be read five times over half a minute may be given up for lost: then it is counted. */
        must_have_kept_its_word(errors[error].words, n, count > 5 ? WITNESS_HARMED : WITNESS_STRICT);
        tear_down();
        return struck;
}

START_TEST(a_disk_call_fails)
{
        size_t error = (size_t)_i % ARRAY_SIZE(errors);
        uint64_t count = times[(size_t)_i / ARRAY_SIZE(errors)], n = 1 + (uint64_t)_i % step();

        for (; disk_fails(n, count, error); n += step())
                ;
        (void)printf("# %s 1 to %llu, %llu at a time\n", errors[error].words, (unsigned long long)n,
                     (unsigned long long)count);
}
END_TEST

/* ---- memory ---- */

static bool memory_fails(uint64_t n, uint64_t count)
{
        bool struck;

        set_up();
        fail_alloc(n, count);
        tell();
        struck = fail_alloc_stop();
        must_be_well("allocation", n);
        must_have_kept_its_word("allocation", n, WITNESS_STRICT);
        tear_down();
        return struck;
}

START_TEST(an_allocation_fails)
{
        uint64_t n = 1 + (uint64_t)_i % step();

        for (; memory_fails(n, times[_i]); n += step())
                ;
        (void)printf("# allocations 1 to %llu, %llu at a time\n", (unsigned long long)n,
                     (unsigned long long)times[_i]);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("queue/faults");
        TCase *c = suite_case(s, "a call that fails breaks no promise");

        tcase_set_timeout(c, 3600);
        tcase_add_loop_test(c, a_disk_call_fails, 0, (int)(ARRAY_SIZE(errors) * ARRAY_SIZE(times)));
        tcase_add_loop_test(c, an_allocation_fails, 0, (int)ARRAY_SIZE(times));
        return suite_run(s);
}
