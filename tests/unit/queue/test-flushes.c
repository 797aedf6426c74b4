/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What wears a flash card: in steady state each commit costs one flush, and nothing else costs any. Checkpoints ride
 * along, slots are used again.
 */

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "bench.h"
#include "suite.h"

#define BEHIND 5 /* seconds that the hub's answers come behind */
#define SIZE   900

typedef struct Gateway {
        Bench b;
        unsigned telemetry, alarms;
        struct {
                unsigned stream;
                uint64_t epoch, n;
        } sent[64];
        size_t n_sent, n_settled;
} Gateway;

static void begin(Gateway *g)
{
        log_configure(&(LogSettings){.level = LOG_EMERG});
        *g = (Gateway){};
        bench_init(&g->b);
        bench_open(&g->b);
        g->telemetry = bench_stream(&g->b, "telemetry", QUEUE_LANE_NORMAL);
        g->alarms = bench_stream(&g->b, "alarms", QUEUE_LANE_URGENT);
}

static void send(Gateway *g)
{
        for (QueueLane lane = 0; lane < _QUEUE_LANE_MAX; lane++) {
                QueueRecord record;

                while (bench_peek(&g->b, lane, &record) == 0) {
                        size_t i = g->n_sent++ % ARRAY_SIZE(g->sent);

                        insist(g->n_sent - g->n_settled <= ARRAY_SIZE(g->sent));
                        bench_advance(&g->b, lane);
                        g->sent[i].stream = record.stream;
                        g->sent[i].epoch = record.epoch;
                        g->sent[i].n = record.n;
                }
        }
}

static void acknowledge(Gateway *g, size_t keep)
{
        for (; g->n_sent > g->n_settled + keep; g->n_settled++) {
                size_t i = g->n_settled % ARRAY_SIZE(g->sent);

                queue_settle(g->b.queue, g->sent[i].stream, g->sent[i].epoch, g->sent[i].n, g->sent[i].n,
                             OUTCOME_ACKNOWLEDGED);
        }
}

/* A reading every second, sent at once, acknowledged a little later. */
static void live(Gateway *g, unsigned seconds, unsigned alarm_every)
{
        for (unsigned second = 0; second < seconds; second++) {
                insist(bench_append_big(&g->b, g->telemetry, SIZE) == 0);
                if (alarm_every > 0 && second % alarm_every == 0)
                        insist(bench_append_big(&g->b, g->alarms, SIZE) == 0);
                bench_run(&g->b, USEC_PER_SEC);
                send(g);
                acknowledge(g, BEHIND);
        }
}

static QueueStats stats(const Gateway *g)
{
        QueueStats s;

        queue_stats(g->b.queue, &s);
        return s;
}

START_TEST(an_hour_of_readings_costs_a_flush_a_commit)
{
        QueueStats before, after;
        Gateway g;

        begin(&g);
        live(&g, 10 * 60, 0);
        before = stats(&g);
        live(&g, 60 * 60, 0);
        after = stats(&g);
        ck_assert_uint_eq(after.flushes - before.flushes, after.commits - before.commits);
        ck_assert_uint_ge(after.commits - before.commits, 3599);
        ck_assert_uint_le(after.commits - before.commits, 3601);
        ck_assert_uint_eq(after.checkpoints_alone, before.checkpoints_alone);
        ck_assert_uint_eq(after.slots_made, before.slots_made);
        /* slots went round */
        ck_assert_uint_gt(after.payload_bytes - before.payload_bytes,
                          2 * after.slots_made * g.b.settings.segment_bytes);
        bench_done(&g.b);
}
END_TEST

/* And what the two lanes tell of themselves rides along too, or waits until the lane is idle. */
START_TEST(an_alarm_now_and_then_costs_two_at_most)
{
        enum { EVERY = 120, ALARMS = 30 };
        QueueStats before, after;
        Gateway g;

        begin(&g);
        live(&g, 10 * 60, EVERY);
        before = stats(&g);
        live(&g, EVERY * ALARMS, EVERY);
        after = stats(&g);
        ck_assert_uint_eq(after.flushes - before.flushes, after.commits - before.commits);
        ck_assert_uint_eq(after.slots_made, before.slots_made);
        ck_assert_uint_le(after.checkpoints_alone - before.checkpoints_alone, ALARMS);
        ck_assert_uint_le(after.commits - before.commits, EVERY * ALARMS + 2 * ALARMS + 1);
        bench_done(&g.b);
}
END_TEST

START_TEST(an_idle_queue_writes_once_more)
{
        QueueStats before, half, after;
        Gateway g;

        begin(&g);
        live(&g, 10 * 60, 0);
        bench_run(&g.b, USEC_PER_SEC);
        before = stats(&g);
        acknowledge(&g, 0);
        bench_run(&g.b, 28 * USEC_PER_SEC);
        half = stats(&g);
        ck_assert_uint_eq(half.flushes, before.flushes);
        bench_run(&g.b, USEC_PER_DAY);
        after = stats(&g);
        ck_assert_uint_eq(after.flushes, before.flushes + 1);
        ck_assert_uint_eq(after.checkpoints_alone, before.checkpoints_alone + 1);
        bench_kill(&g.b);
        bench_open(&g.b); /* and it was worth it */
        ck_assert_uint_eq(bench_read(&g.b, QUEUE_LANE_NORMAL, NULL), 0);
        bench_done(&g.b);
}
END_TEST

/* ---- callers that wait for receipts ---- */

#define SECOND_MOST 21 /* flushes in any second, whatever callers do */
#define MSEC        10000

typedef struct Callers {
        Bench b;
        unsigned streams[_QUEUE_LANE_MAX];
        uint64_t taken, answered;
        uint64_t flushes[MSEC + 1], most; /* in a second */
} Callers;

static void on_receipt(void *userdata, int error, unsigned stream, uint64_t epoch, uint64_t n)
{
        Callers *c = userdata;

        insist(error == 0);
        c->answered++;
}

/* Until it is told that the queue is busy. */
static void submit_in_a_loop(Callers *c, unsigned stream, const void *payload, size_t size)
{
        int r;

        while ((r = queue_append(c->b.queue, stream, QUEUE_KIND_MESSAGE, payload, size, &(QueueReceipt){on_receipt, c},
                                 NULL)) == 0)
                c->taken++;
        insist(r == QUEUE_E_BUSY);
}

static void callers_init(Callers *c, uint64_t max_bytes)
{
        log_configure(&(LogSettings){.level = LOG_EMERG});
        *c = (Callers){};
        bench_init(&c->b);
        c->b.settings.max_bytes = max_bytes;
        c->b.settings.segment_bytes = 0;
        bench_open(&c->b);
        c->streams[QUEUE_LANE_NORMAL] = bench_stream(&c->b, "telemetry", QUEUE_LANE_NORMAL);
        c->streams[QUEUE_LANE_URGENT] = bench_stream(&c->b, "alarms", QUEUE_LANE_URGENT);
        bench_run(&c->b, USEC_PER_MIN); /* the first slots are there */
}

static void count_flushes(Callers *c, size_t ms)
{
        QueueStats stats;

        queue_stats(c->b.queue, &stats);
        c->flushes[ms] = stats.flushes;
        if (ms >= 1000)
                c->most = MAX(c->most, c->flushes[ms] - c->flushes[ms - 1000]);
}

static const struct {
        size_t size;
        uint64_t max_bytes;
} loops[] = {
        {1 << 10, 4 << 20},   {1 << 10, 256 << 20},   {64 << 10, 4 << 20},   {64 << 10, 256 << 20},
        {190 << 10, 4 << 20}, {190 << 10, 256 << 20}, {250 << 10, 16 << 20},
};

/* However much each of them brings, and while sensors, which wait for nothing, are not held up by them. */
START_TEST(callers_in_tight_loops_force_no_more)
{
        size_t size = loops[_i].size;
        uint8_t *payload = calloc(1, size);
        static Callers c;

        callers_init(&c, loops[_i].max_bytes);
        for (size_t ms = 0; ms <= MSEC; ms++) {
                count_flushes(&c, ms);
                for (QueueLane lane = 0; lane < _QUEUE_LANE_MAX; lane++) {
                        submit_in_a_loop(&c, c.streams[lane], payload, size);
                        if (ms >= MSEC / 2 && ms % 20 == 0)
                                insist(bench_append_big(&c.b, c.streams[lane], SIZE) == 0);
                }
                bench_run(&c.b, USEC_PER_MSEC);
        }
        (void)printf("# %zu KiB: %.1f a second are taken, with %.1f flushes, %llu at most\n", size >> 10, c.taken / (MSEC / 1e3),
                     c.flushes[MSEC] / (MSEC / 1e3), (unsigned long long)c.most);
        ck_assert_uint_le(c.most, SECOND_MOST);
        ck_assert_uint_ge(c.most, 12); /* it was tried */
        ck_assert_uint_ge(c.taken, 2 * MSEC / 1000); /* and each lane has its turn */
        bench_run(&c.b, USEC_PER_SEC);
        ck_assert_uint_eq(c.answered, c.taken);
        free(payload);
        bench_done(&c.b);
}
END_TEST

/* Beside a caller's record of nearly a page there is no room for a reading: the page that it opens is the caller's. */
START_TEST(callers_do_not_fill_the_sensors_room)
{
        static const size_t size = 3900;
        uint8_t payload[4096] = {};
        static Callers c;

        callers_init(&c, 256 << 20);
        for (size_t ms = 0; ms <= MSEC; ms++) {
                count_flushes(&c, ms);
                for (QueueLane lane = 0; lane < _QUEUE_LANE_MAX; lane++) {
                        if (queue_append(c.b.queue, c.streams[lane], QUEUE_KIND_MESSAGE, payload, size,
                                         &(QueueReceipt){on_receipt, &c}, NULL) == 0)
                                c.taken++;
                        insist(bench_append_big(&c.b, c.streams[lane], 200) == 0);
                }
                bench_run(&c.b, USEC_PER_MSEC);
        }
        (void)printf("# with readings: %llu flushes at most\n", (unsigned long long)c.most);
        ck_assert_uint_le(c.most, SECOND_MOST);
        bench_run(&c.b, 3 * USEC_PER_SEC);
        bench_done(&c.b);
}
END_TEST

/* In a small queue a batch has to fit a slot, with the room that is kept for sensors. */
START_TEST(callers_leave_sensors_their_room)
{
        static const uint64_t limits[] = {4 << 20, 6 << 20, 256 << 20};
        static uint8_t payload[250 << 10];
        static Callers c;

        callers_init(&c, limits[_i]);
        for (size_t ms = 0; ms <= MSEC; ms++) {
                for (unsigned i = 0; i < 58; i++)
                        c.taken += queue_append(c.b.queue, c.streams[QUEUE_LANE_NORMAL], QUEUE_KIND_MESSAGE, payload, 3900,
                                                &(QueueReceipt){on_receipt, &c}, NULL) == 0;
                c.taken += queue_append(c.b.queue, c.streams[QUEUE_LANE_NORMAL], QUEUE_KIND_MESSAGE, payload,
                                        sizeof(payload), &(QueueReceipt){on_receipt, &c}, NULL) == 0;
                if (ms % 10 == 0)
                        insist(bench_append_big(&c.b, c.streams[QUEUE_LANE_NORMAL], 900) == 0);
                bench_run(&c.b, USEC_PER_MSEC);
        }
        bench_run(&c.b, 3 * USEC_PER_SEC);
        bench_done(&c.b);
}
END_TEST

START_TEST(the_largest_is_taken_by_the_smallest_queue)
{
        static uint8_t payload[QUEUE_PAYLOAD_MAX];
        static Callers c;

        callers_init(&c, 4 << 20);
        ck_assert_int_eq(queue_append(c.b.queue, c.streams[QUEUE_LANE_NORMAL], QUEUE_KIND_MESSAGE, payload,
                                      sizeof(payload), &(QueueReceipt){on_receipt, &c}, NULL), 0);
        bench_run(&c.b, 2 * USEC_PER_SEC);
        ck_assert_uint_eq(c.answered, 1);
        bench_done(&c.b);
}
END_TEST

/* As for the dead letters, which nobody waits for with a clock in hand. */
START_TEST(a_queue_without_hurry_commits_by_the_interval)
{
        uint8_t payload[64] = {};
        static Callers c;

        callers_init(&c, 256 << 20);
        bench_close(&c.b);
        c.b.settings.unhurried = true;
        bench_open(&c.b);
        c.streams[QUEUE_LANE_NORMAL] = bench_stream(&c.b, "telemetry", QUEUE_LANE_NORMAL);
        bench_run(&c.b, USEC_PER_MIN);
        for (size_t ms = 0; ms <= MSEC; ms++) {
                count_flushes(&c, ms);
                submit_in_a_loop(&c, c.streams[QUEUE_LANE_NORMAL], payload, sizeof(payload));
                bench_run(&c.b, USEC_PER_MSEC);
        }
        ck_assert_uint_le(c.most, 3); /* one, and a new slot */
        ck_assert_uint_gt(c.answered, 0);
        bench_run(&c.b, 3 * USEC_PER_SEC);
        bench_done(&c.b);
}
END_TEST

/* Nor does a real clock stand still between the question and the tick. */
START_TEST(an_early_commit_is_not_put_off_by_asking_for_it)
{
        static Callers c;
        Ticker t;

        callers_init(&c, 256 << 20);
        t = queue_ticker(c.b.queue);
        c.b.clock.step_usec = 1;
        for (unsigned i = 1; i <= 5; i++) {
                insist(queue_append(c.b.queue, c.streams[QUEUE_LANE_NORMAL], QUEUE_KIND_MESSAGE, "x", 1,
                                    &(QueueReceipt){on_receipt, &c}, NULL) == 0);
                for (int turn = 0; turn < 3; turn++) { /* as base/pulse does */
                        usec_t now = clock_boot(&c.b.clock.clock);

                        if (t.deadline(t.userdata) <= now)
                                t.tick(t.userdata, now);
                        disk_dispatch(&c.b.disk->disk);
                }
                ck_assert_uint_eq(c.answered, i);
        }
        c.b.clock.step_usec = 0;
        bench_done(&c.b);
}
END_TEST

/* One who asks for the next thing when the last one is answered: so many at once, then two more a second. */
START_TEST(a_store_may_have_another_burst)
{
        enum { BURST = 500, SECONDS = 30 };
        uint64_t at_once = 0;
        static Callers c;

        callers_init(&c, 256 << 20);
        bench_close(&c.b);
        c.b.settings.receipt_burst = BURST;
        c.b.settings.commit_interval_usec = 10 * USEC_PER_SEC;
        bench_open(&c.b);
        c.streams[QUEUE_LANE_NORMAL] = bench_stream(&c.b, "message", QUEUE_LANE_NORMAL);
        for (size_t ms = 0; ms < SECONDS * 1000; ms++) {
                if (c.taken == c.answered) {
                        insist(queue_append(c.b.queue, c.streams[QUEUE_LANE_NORMAL], QUEUE_KIND_MESSAGE, "x", 1,
                                            &(QueueReceipt){on_receipt, &c}, NULL) == 0);
                        c.taken++;
                }
                bench_run(&c.b, USEC_PER_MSEC);
                if (ms == 1000)
                        at_once = c.answered;
        }
        ck_assert_uint_ge(at_once, BURST - 10); /* a slot that is made takes some */
        ck_assert_uint_le(at_once, BURST + 4);
        ck_assert_uint_ge(c.answered, at_once + 2 * (SECONDS - 2));
        ck_assert_uint_le(c.answered, at_once + 3 * SECONDS);
        bench_run(&c.b, 20 * USEC_PER_SEC);
        bench_done(&c.b);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("queue/flushes");
        TCase *c = suite_case(s, "what a commit costs, and that nothing else costs any");

        tcase_set_timeout(c, 60);
        tcase_add_test(c, an_hour_of_readings_costs_a_flush_a_commit);
        tcase_add_test(c, an_alarm_now_and_then_costs_two_at_most);
        tcase_add_test(c, an_idle_queue_writes_once_more);
        tcase_add_loop_test(c, callers_in_tight_loops_force_no_more, 0, ARRAY_SIZE(loops));
        tcase_add_test(c, callers_do_not_fill_the_sensors_room);
        tcase_add_loop_test(c, callers_leave_sensors_their_room, 0, 3);
        tcase_add_test(c, the_largest_is_taken_by_the_smallest_queue);
        tcase_add_test(c, a_queue_without_hurry_commits_by_the_interval);
        tcase_add_test(c, an_early_commit_is_not_put_off_by_asking_for_it);
        tcase_add_test(c, a_store_may_have_another_burst);
        return suite_run(s);
}
