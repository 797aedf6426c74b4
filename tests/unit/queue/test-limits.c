/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/log-id.h"
#include "bench.h"
#include "log-capture.h"
#include "suite.h"

#define SAMPLE "{\"t\":1763647200123,\"s\":\"cpu\",\"temperature\":48.31," \
               "\"and\":\"so on and so forth, up to a hundred\"}"

static size_t files_bytes(Bench *b)
{
        size_t sum = 0;

        for (int lane = 0; lane < 2; lane++)
                for (unsigned i = 0; i < 100; i++) {
                        char path[64];
                        size_t size = 0;

                        (void)snprintf(path, sizeof(path), "/queue/%s/seg-%04u", lane ? "urgent" : "normal", i);
                        if (fake_disk_file(b->disk, path, &size))
                                sum += size;
                }
        return sum;
}

START_TEST(slots_are_used_again)
{
        Bench b;
        unsigned s;
        size_t before;

        bench_init(&b);
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        for (int i = 0; i < 200; i++) {
                for (int k = 0; k < 256; k++)
                        ck_assert_int_eq(bench_append(&b, s, SAMPLE), 0);
                bench_run(&b, USEC_PER_SEC);
                ck_assert_uint_eq(bench_read_and_settle(&b, QUEUE_LANE_NORMAL), 256);
                if (i == 100)
                        before = files_bytes(&b);
        }
        ck_assert_uint_eq(files_bytes(&b), before); /* no growth */
        ck_assert_uint_le(before, 4 * (384 << 10));
        bench_close(&b);
        bench_open(&b);
        ck_assert_uint_eq(bench_ledger(&b).accepted, 51200);
        ck_assert_uint_eq(bench_ledger(&b).settled[OUTCOME_ACKNOWLEDGED], 51200);
        ck_assert_uint_eq(bench_read(&b, QUEUE_LANE_NORMAL, NULL), 0);
        bench_done(&b);
}
END_TEST

START_TEST(the_oldest_go_when_full)
{
        QueueRecord record;
        LogCapture log;
        uint64_t dropped;
        Bench b;
        unsigned s;
        Ledger l;

        log_capture_begin(&log);
        bench_init(&b);
        b.settings.max_bytes = 3 << 20;
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        for (int i = 0; i < 400; i++) {
                for (int k = 0; k < 200; k++)
                        ck_assert_int_eq(bench_append(&b, s, SAMPLE), 0);
                bench_run(&b, USEC_PER_SEC);
                ck_assert_uint_le(files_bytes(&b), 3 << 20);
        }
        l = bench_ledger(&b);
        dropped = l.settled[OUTCOME_QUEUE_FULL];
        ck_assert_uint_eq(l.accepted, 80000);
        ck_assert_uint_gt(dropped, 40000);
        ck_assert_uint_eq(dropped, b.settled[OUTCOME_QUEUE_FULL]);
        ck_assert_uint_eq(log_capture_count(&log, "queue.max_bytes"), 2);
        ck_assert_str_eq(log.ids[0], LOG_ID_QUEUE_PRESSURE);
        ck_assert_str_eq(log.ids[1], LOG_ID_QUEUE_FULL);
        ck_assert_int_eq(bench_peek(&b, QUEUE_LANE_NORMAL, &record), 0);
        ck_assert_uint_eq(record.n, dropped + 1); /* the count is exact */
        bench_kill(&b);
        bench_open(&b);
        l = bench_ledger(&b);
        ck_assert_uint_eq(l.accepted, 80000);
        ck_assert_uint_eq(bench_read(&b, QUEUE_LANE_NORMAL, NULL), ledger_waiting(&l));
        ck_assert_uint_eq(l.settled[OUTCOME_DAMAGED], 0);
        bench_done(&b);
        log_capture_end(&log);
}
END_TEST

/* A record that finds no room behind the others has the oldest go, however little of the slot is used. */
START_TEST(the_oldest_go_for_a_large_one)
{
        for (size_t size = 1000; size < 200000; size += 9000) {
                Bench b;
                unsigned s;

                bench_init(&b);
                b.settings.max_bytes = 2 << 20;
                bench_open(&b);
                s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
                for (int i = 0; i < 20; i++) {
                        ck_assert_int_eq(bench_append_big(&b, s, i % 2 ? 200000 : size), 0);
                        bench_run(&b, 3 * USEC_PER_SEC);
                }
                ck_assert_uint_gt(b.settled[OUTCOME_QUEUE_FULL], 0);
                bench_done(&b);
        }
}
END_TEST

START_TEST(what_is_in_hand_is_not_dropped)
{
        QueueRecord record;
        Bench b;
        unsigned s;
        Ledger l;

        log_configure(&(LogSettings){.level = LOG_EMERG});
        bench_init(&b);
        b.settings.max_bytes = 3 << 20;
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        for (int i = 0; i < 400; i++) {
                for (int k = 0; k < 200; k++)
                        (void)bench_append(&b, s, SAMPLE);
                bench_run(&b, USEC_PER_SEC);
                if (i == 0)
                        for (int k = 0; k < 10; k++) {
                                ck_assert_int_eq(bench_peek(&b, QUEUE_LANE_NORMAL, &record), 0);
                                bench_advance(&b, QUEUE_LANE_NORMAL);
                        }
        }
        l = bench_ledger(&b);
        ck_assert_uint_gt(l.settled[OUTCOME_QUEUE_FULL], 0);
        queue_settle(b.queue, s, record.epoch, 1, 10, OUTCOME_ACKNOWLEDGED);
        ck_assert_uint_eq(bench_ledger(&b).settled[OUTCOME_ACKNOWLEDGED], 10);
        bench_done(&b);
}
END_TEST

/* As a link that is cut leaves it: what is in hand stays there for days. It goes too, when nothing else can. */
START_TEST(without_a_link_what_is_in_hand_goes_last)
{
        QueueRecord record;
        unsigned s;
        Ledger l;
        Bench b;

        log_configure(&(LogSettings){.level = LOG_EMERG});
        bench_init(&b);
        b.settings.n_lanes = 1;
        b.settings.max_bytes = 2 * b.settings.segment_bytes;
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        ck_assert_int_eq(bench_append_big(&b, s, 100000), 0);
        bench_run(&b, 2 * USEC_PER_SEC);
        ck_assert_int_eq(bench_peek(&b, QUEUE_LANE_NORMAL, &record), 0);
        bench_advance(&b, QUEUE_LANE_NORMAL);
        for (int i = 0; i < 20; i++) {
                ck_assert_int_eq(bench_append_big(&b, s, 200000), 0);
                bench_run(&b, 3 * USEC_PER_SEC);
        }
        l = bench_ledger(&b);
        ck_assert_uint_eq(l.accepted, 21);
        queue_settle(b.queue, s, record.epoch, 1, 1, OUTCOME_ACKNOWLEDGED); /* too late */
        ck_assert_uint_eq(bench_ledger(&b).settled[OUTCOME_ACKNOWLEDGED], 0);
        bench_done(&b);
}
END_TEST

static uint64_t bytes_in_use(Bench *b)
{
        QueueStatus status;

        queue_status(b->queue, &status);
        return status.bytes;
}

/* So many slots of 2 MiB hold something, some of it in hand, and the limit is 4 MiB from now on. */
static unsigned lower_limit(Bench *b, unsigned n_slots, bool drop_newest, uint64_t *ret_before)
{
        QueueRecord record;
        unsigned s;

        log_configure(&(LogSettings){.level = LOG_EMERG});
        bench_init(b);
        b->settings.max_bytes = 64 << 20;
        b->settings.segment_bytes = 2 << 20;
        bench_open(b);
        s = bench_stream(b, "telemetry", QUEUE_LANE_NORMAL);
        while (bytes_in_use(b) < n_slots * (2 << 20)) {
                ck_assert_int_eq(bench_append_big(b, s, 50000), 0);
                bench_run(b, USEC_PER_SEC);
        }
        *ret_before = bytes_in_use(b);
        bench_close(b);
        b->settings.max_bytes = 4 << 20;
        b->settings.segment_bytes = 0;
        b->settings.drop_newest = drop_newest;
        bench_open(b);
        s = bench_stream(b, "telemetry", QUEUE_LANE_NORMAL);
        for (int i = 0; i < 20; i++) {
                while (bench_peek(b, QUEUE_LANE_NORMAL, &record) == QUEUE_E_WAIT)
                        bench_run(b, USEC_PER_SEC);
                bench_advance(b, QUEUE_LANE_NORMAL);
        }
        return s;
}

static int submit_big(Bench *b, unsigned s, void (*fn)(void *userdata, int error, unsigned stream, uint64_t epoch,
                                                       uint64_t n), void *userdata)
{
        static char text[240000];
        QueueReceipt receipt = {fn, userdata};

        memset(text, 'x', sizeof(text));
        return queue_append(b->queue, s, QUEUE_KIND_MESSAGE, text, sizeof(text), &receipt, NULL);
}

static void count_answer(void *userdata, int error, unsigned stream, uint64_t epoch, uint64_t n)
{
        unsigned *answers = userdata;

        ck_assert_int_eq(error, 0);
        (*answers)++;
}

/* Everyone is answered soon, yes or no, without a link and with messages in hand; and nothing grows. */
START_TEST(a_lowered_limit_takes_hold)
{
        for (unsigned n_slots = 2; n_slots <= 18; n_slots += 4)
                for (int drop_newest = 0; drop_newest < 2; drop_newest++) {
                        unsigned s, answers = 0, taken = 0, full = 0;
                        uint64_t before;
                        Bench b;

                        s = lower_limit(&b, n_slots, drop_newest, &before);
                        for (int i = 0; i < 40; i++) {
                                int r = submit_big(&b, s, count_answer, &answers);

                                for (int k = 0; k < 10 && r == QUEUE_E_BUSY; k++) {
                                        bench_run(&b, USEC_PER_SEC);
                                        r = submit_big(&b, s, count_answer, &answers);
                                }
                                ck_assert_msg(r == 0 || (drop_newest && r == QUEUE_E_FULL), "%u slots, %d: %d", n_slots,
                                              i, r);
                                taken += r == 0;
                                full += r == QUEUE_E_FULL;
                                bench_run(&b, 10 * USEC_PER_SEC);
                                ck_assert_msg(answers == taken, "%u slots, drop %s: the %dth is not answered", n_slots,
                                              drop_newest ? "newest" : "oldest", i);
                                ck_assert_uint_le(bytes_in_use(&b), MAX(before, b.settings.max_bytes));
                        }
                        if (drop_newest)
                                ck_assert_uint_gt(full, 0);
                        else
                                ck_assert_uint_le(files_bytes(&b), b.settings.max_bytes);
                        bench_done(&b);
                }
}
END_TEST

/* Whoever asks whether there is room does not make it. */
START_TEST(a_question_drops_nothing)
{
        unsigned s, no = 0;
        Bench b;

        log_configure(&(LogSettings){.level = LOG_EMERG});
        bench_init(&b);
        b.settings.max_bytes = 2 << 20;
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        for (int i = 0; i < 3000; i++) {
                uint64_t dropped = b.settled[OUTCOME_QUEUE_FULL];

                no += !queue_is_ready(b.queue);
                insist(b.settled[OUTCOME_QUEUE_FULL] == dropped);
                (void)bench_append_big(&b, s, 3000);
                if (i % 50 == 0)
                        bench_run(&b, USEC_PER_SEC);
        }
        ck_assert_uint_gt(no, 0);
        ck_assert_uint_gt(b.settled[OUTCOME_QUEUE_FULL], 0);
        bench_done(&b);
}
END_TEST

START_TEST(or_the_newest_are_refused)
{
        uint64_t taken = 0, refused = 0;
        Bench b;
        unsigned s;
        Ledger l;

        bench_init(&b);
        b.settings.max_bytes = 3 << 20;
        b.settings.drop_newest = true;
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        for (int round = 0; round < 3; round++) {
                for (int i = 0; i < 200; i++) {
                        for (int k = 0; k < 200; k++) {
                                int r = bench_append(&b, s, SAMPLE);

                                ck_assert(r == 0 || r == QUEUE_E_FULL);
                                taken += r == 0;
                                refused += r == QUEUE_E_FULL;
                        }
                        bench_run(&b, USEC_PER_SEC);
                }
                ck_assert_uint_gt(refused, 0);
                ck_assert_int_eq(bench_append(&b, s, SAMPLE), QUEUE_E_FULL);
                l = bench_ledger(&b);
                ck_assert_uint_eq(l.accepted, taken);
                ck_assert_uint_eq(ledger_dropped(&l), 0);
                ck_assert_uint_gt(bench_read_and_settle(&b, QUEUE_LANE_NORMAL), 1000);
                bench_run(&b, 3 * USEC_PER_SEC); /* a checkpoint makes room */
                ck_assert_int_eq(bench_append(&b, s, SAMPLE), 0);
                taken++;
        }
        bench_done(&b);
}
END_TEST

START_TEST(urgent_takes_room_from_normal)
{
        Bench b;
        unsigned s, u;
        Ledger l;

        log_configure(&(LogSettings){.level = LOG_EMERG});
        bench_init(&b);
        b.settings.max_bytes = 4 << 20;
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        u = bench_stream(&b, "alarms", QUEUE_LANE_URGENT);
        for (int i = 0; i < 200; i++) {
                for (int k = 0; k < 200; k++)
                        ck_assert_int_eq(bench_append(&b, s, SAMPLE), 0);
                bench_run(&b, USEC_PER_SEC);
        }
        for (int i = 0; i < 50; i++) {
                for (int k = 0; k < 150; k++)
                        ck_assert_int_eq(bench_append(&b, u, SAMPLE), 0);
                bench_run(&b, 3 * USEC_PER_SEC);
                ck_assert_uint_le(files_bytes(&b), 4 << 20);
        }
        queue_ledger(b.queue, u, &l);
        ck_assert_uint_eq(l.accepted, 7500);
        ck_assert_uint_eq(ledger_dropped(&l), 0);
        ck_assert_uint_eq(bench_read(&b, QUEUE_LANE_URGENT, NULL), 7500);
        bench_done(&b);
}
END_TEST

/* The disk is full before the limit is reached: nobody said that what was accepted may go for that. */
START_TEST(a_full_disk_refuses_and_loses_nothing)
{
        uint64_t accepted = 0, refused = 0;
        QueueStatus status;
        Bench b;
        unsigned s;
        Ledger l;

        log_configure(&(LogSettings){.level = LOG_EMERG});
        bench_init(&b);
        b.settings.drop_newest = true;
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        b.disk->capacity = 2 << 20;
        for (int i = 0; i < 300; i++) {
                for (int k = 0; k < 200; k++) {
                        int r = bench_append(&b, s, SAMPLE);

                        insist(r == 0 || r == QUEUE_E_FULL);
                        *(r == 0 ? &accepted : &refused) += 1;
                }
                bench_run(&b, USEC_PER_SEC);
        }
        ck_assert_uint_gt(accepted, 5000);
        ck_assert_uint_gt(refused, 5000);
        queue_status(b.queue, &status);
        ck_assert_msg(!status.disk_failed, "%s", status.disk_error);
        ck_assert_int_eq(status.disk_state, DISK_FULL);
        l = bench_ledger(&b);
        ck_assert_uint_eq(l.accepted, accepted);
        ck_assert_uint_eq(ledger_waiting(&l), accepted);
        ck_assert_uint_eq(bench_read(&b, QUEUE_LANE_NORMAL, NULL), accepted);

        /* room again: acknowledged slots come free, or somebody cleaned up */
        b.disk->capacity = 64 << 20;
        bench_run(&b, 2 * USEC_PER_MIN);
        ck_assert_int_eq(bench_append(&b, s, SAMPLE), 0);
        bench_done(&b);
}
END_TEST

/* What was accepted goes only for what comes, and by its own name; nothing goes merely because others fill the disk. */
START_TEST(on_a_full_disk_the_oldest_give_way)
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
        for (int i = 0; i < 40; i++) {
                for (int k = 0; k < 200; k++)
                        insist(bench_append(&b, s, SAMPLE) == 0);
                bench_run(&b, USEC_PER_SEC);
        }
        b.disk->capacity = 1;
        bench_run(&b, USEC_PER_HOUR);
        l = bench_ledger(&b);
        ck_assert_uint_eq(ledger_waiting(&l), 8000);
        for (int i = 0; i < 200; i++) {
                for (int k = 0; k < 200; k++)
                        insist(bench_append(&b, s, SAMPLE) == 0);
                bench_run(&b, USEC_PER_SEC);
        }
        l = bench_ledger(&b);
        ck_assert_uint_eq(l.accepted, 48000);
        ck_assert_uint_gt(l.settled[OUTCOME_FREE_SPACE], 30000);
        ck_assert_uint_eq(ledger_dropped(&l), l.settled[OUTCOME_FREE_SPACE]);
        queue_status(b.queue, &status);
        ck_assert_int_eq(status.disk_state, DISK_FULL);
        ck_assert_uint_eq(log_capture_count(&log, "Until then the queue does not grow"), 1);

        b.disk->capacity = 64 << 20;
        for (int i = 0; i < 200; i++) {
                for (int k = 0; k < 200; k++)
                        insist(bench_append(&b, s, SAMPLE) == 0);
                bench_run(&b, USEC_PER_SEC);
        }
        queue_status(b.queue, &status);
        ck_assert_int_eq(status.disk_state, DISK_WELL);
        ck_assert_uint_eq(log_capture_count(&log, "can be written to again"), 1);
        ck_assert_uint_gt(files_bytes(&b), 5 << 20); /* it grew again */
        bench_done(&b);
        log_capture_end(&log);
}
END_TEST

/* The kernel lets write on what is open for writing, and no file be made: the queue is as large as it may become, not
 * because of its own limit, and says why. */
START_TEST(on_a_disk_that_became_read_only_the_queue_does_not_grow)
{
        bool drop_newest = _i;
        uint64_t accepted = 0;
        QueueStatus status;
        LogCapture log;
        Bench b;
        unsigned s;
        Ledger l;

        log_capture_begin(&log);
        bench_init(&b);
        b.settings.drop_newest = drop_newest;
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        for (; accepted < 8000; bench_run(&b, USEC_PER_SEC))
                for (int k = 0; k < 200; k++, accepted++)
                        insist(bench_append(&b, s, SAMPLE) == 0);
        b.disk->fail_at = 1;
        b.disk->fail_count = UINT64_MAX;
        b.disk->fail_mask = FAKE_OPEN | FAKE_MKDIR;
        b.disk->fail_errno = EROFS;
        for (int i = 0; i < 200; i++) {
                for (int k = 0; k < 200; k++) {
                        int r = bench_append(&b, s, SAMPLE);

                        insist(r == 0 || (r == QUEUE_E_FULL && drop_newest));
                        accepted += r == 0;
                }
                bench_run(&b, USEC_PER_SEC);
        }
        queue_status(b.queue, &status);
        ck_assert_int_eq(status.disk_state, DISK_READ_ONLY);
        ck_assert_msg(strstr(status.disk_error, "remount it writable"), "%s", status.disk_error);
        ck_assert(!status.disk_failed);
        l = bench_ledger(&b);
        ck_assert_uint_eq(l.accepted, accepted);
        ck_assert_uint_eq(ledger_dropped(&l), l.settled[OUTCOME_FREE_SPACE]);
        ck_assert_uint_eq(ledger_dropped(&l) > 0, !drop_newest);
        ck_assert_uint_eq(log_capture_count(&log, "remount it writable"), 1);
        ck_assert_uint_eq(log_capture_count(&log, "queue.max_bytes"), 0);

        b.disk->fail_at = 0;
        bench_run(&b, 2 * USEC_PER_MIN);
        for (int i = 0; i < 200; i++)
                ck_assert_int_eq(bench_append(&b, s, SAMPLE), 0);
        bench_run(&b, USEC_PER_SEC);
        queue_status(b.queue, &status);
        ck_assert_int_eq(status.disk_state, DISK_WELL);
        ck_assert_uint_eq(log_capture_count(&log, "can be written to again"), 1);
        bench_done(&b);
        log_capture_end(&log);
}
END_TEST

/* The floor in bytes, and that in inodes: the queue does not grow into it, and gives back what it does not need. */
START_TEST(a_floor_is_left_to_others)
{
        QueueStatus status;
        size_t before;
        LogCapture log;
        Bench b;
        unsigned s;
        Ledger l;

        log_capture_begin(&log);
        bench_init(&b);
        b.settings.min_free_bytes = 4 << 20;
        if (_i == 0)
                b.disk->capacity = 6 << 20;
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        for (int i = 0; i < 300; i++) {
                for (int k = 0; k < 100; k++)
                        insist(bench_append(&b, s, SAMPLE) == 0);
                bench_run(&b, USEC_PER_SEC);
                if (i == 100 && _i == 1)
                        b.disk->inodes_left = 10;
                if (i == 150)
                        before = files_bytes(&b);
                insist(_i != 0 || files_bytes(&b) <= 2 << 20);
        }
        ck_assert_uint_eq(files_bytes(&b), before);
        l = bench_ledger(&b);
        ck_assert_uint_eq(l.accepted, 30000);
        ck_assert_uint_gt(l.settled[OUTCOME_FREE_SPACE], 1000);
        ck_assert_uint_eq(ledger_dropped(&l), l.settled[OUTCOME_FREE_SPACE]);
        queue_status(b.queue, &status);
        ck_assert_int_eq(status.disk_state, DISK_FULL);
        ck_assert(!status.disk_failed);

        /* all is sent: what is free goes back, one slot a lane excepted */
        (void)bench_read_and_settle(&b, QUEUE_LANE_NORMAL);
        b.disk->inodes_left = 10;
        bench_run(&b, 2 * USEC_PER_MIN);
        ck_assert_uint_le(files_bytes(&b), 4 * (384 << 10));

        b.disk->capacity = 64 << 20;
        b.disk->inodes_left = 0;
        bench_run(&b, USEC_PER_MIN);
        queue_status(b.queue, &status);
        ck_assert_int_eq(status.disk_state, DISK_WELL);
        ck_assert_uint_le(log_capture_count(&log, "can be written to again"), 1);
        bench_done(&b);
        log_capture_end(&log);
}
END_TEST

START_TEST(what_is_too_old_goes)
{
        uint64_t n = 0;
        Bench b;
        unsigned s, u;
        Ledger l;

        bench_init(&b);
        b.settings.max_age_usec = USEC_PER_HOUR;
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        u = bench_stream(&b, "alarms", QUEUE_LANE_URGENT);
        for (int i = 0; i < 3 * 360; i++) { /* three hours, one each ten seconds */
                ck_assert_int_eq(bench_append(&b, i % 7 ? s : u, SAMPLE), 0);
                n++;
                bench_run(&b, 10 * USEC_PER_SEC);
                b.clock.wall_usec += i % 100 == 50 ? USEC_PER_DAY : 0; /* no matter to it */
                l = bench_ledger(&b);
                if (ledger_waiting(&l) > 362 || ledger_waiting(&l) + 3 < MIN(n, (uint64_t)360))
                        ck_abort_msg("%llu of %llu wait", (unsigned long long)ledger_waiting(&l),
                                     (unsigned long long)n);
        }
        ck_assert_uint_eq(ledger_dropped(&l), l.settled[OUTCOME_AGE]);
        ck_assert_uint_gt(l.settled[OUTCOME_AGE], 700);

        /* across a restart of the program the boot clock goes on; nothing of it is young again */
        bench_kill(&b);
        fake_clock_advance(&b.clock, USEC_PER_HOUR);
        bench_open(&b);
        bench_run(&b, 10 * USEC_PER_SEC);
        l = bench_ledger(&b);
        ck_assert_uint_eq(ledger_waiting(&l), 0);
        ck_assert_uint_eq(bench_read(&b, QUEUE_LANE_NORMAL, NULL), 0);
        bench_done(&b);
}
END_TEST

/* With a clock that is right the time that the machine was off counts; with one that never was, it is only known how
 * long the record has been here. Nothing goes too early. */
START_TEST(it_ages_while_the_machine_is_off)
{
        for (int right = 0; right < 2; right++) {
                Bench b;
                unsigned s;
                Ledger l;

                bench_init(&b);
                b.clock.is_synchronised = right;
                b.clock.wall_usec = 1763647200 * USEC_PER_SEC;
                b.settings.max_age_usec = USEC_PER_DAY;
                bench_open(&b);
                s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
                for (int k = 0; k < 50; k++) {
                        ck_assert_int_eq(bench_append(&b, s, SAMPLE), 0);
                        bench_run(&b, USEC_PER_SEC);
                }
                bench_run(&b, USEC_PER_MIN);
                bench_cut(&b, b.disk->n_entries, FAKE_CUT_LOST, 1);

                b.clock.wall_usec += 23 * USEC_PER_HOUR;
                b.clock.boot_usec = 10 * USEC_PER_SEC;
                b.disk->boot[0] ^= 1;
                bench_open(&b);
                bench_run(&b, 30 * USEC_PER_MIN);
                l = bench_ledger(&b);
                ck_assert_uint_eq(ledger_waiting(&l), 50);
                bench_run(&b, USEC_PER_HOUR);
                l = bench_ledger(&b);
                ck_assert_uint_eq(ledger_waiting(&l), right ? 0 : 50);
                bench_run(&b, 23 * USEC_PER_HOUR);
                l = bench_ledger(&b);
                ck_assert_uint_eq(ledger_waiting(&l), 0);
                ck_assert_uint_eq(l.settled[OUTCOME_AGE], 50);
                bench_done(&b);
        }
}
END_TEST

START_TEST(ten_thousand_old_ones_go_in_steps)
{
        Ticker t;
        uint64_t before = 0;
        Bench b;
        unsigned s;
        Ledger l;

        bench_init(&b);
        b.settings.max_age_usec = USEC_PER_HOUR;
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        for (int i = 0; i < 100; i++) {
                for (int k = 0; k < 100; k++)
                        insist(bench_append(&b, s, SAMPLE) == 0);
                bench_run(&b, USEC_PER_SEC);
        }
        t = queue_ticker(b.queue);
        fake_clock_advance(&b.clock, 2 * USEC_PER_HOUR);
        for (int i = 0; i < 1000; i++) {
                t.tick(t.userdata, b.clock.boot_usec);
                disk_dispatch(&b.disk->disk);
                l = bench_ledger(&b);
                insist(l.settled[OUTCOME_AGE] - before <= 256);
                before = l.settled[OUTCOME_AGE];
        }
        ck_assert_uint_eq(before, 10000);
        bench_done(&b);
}
END_TEST

START_TEST(what_is_in_hand_does_not_age)
{
        QueueRecord record;
        Bench b;
        unsigned s;
        Ledger l;

        bench_init(&b);
        b.settings.max_age_usec = USEC_PER_HOUR;
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        for (int k = 0; k < 10; k++)
                ck_assert_int_eq(bench_append(&b, s, SAMPLE), 0);
        bench_run(&b, USEC_PER_SEC);
        ck_assert_int_eq(queue_peek(b.queue, QUEUE_LANE_NORMAL, QUEUE_NEWS, &record), 0);
        queue_advance(b.queue, QUEUE_LANE_NORMAL, QUEUE_NEWS);
        bench_run(&b, 2 * USEC_PER_HOUR);
        l = bench_ledger(&b);
        ck_assert_uint_eq(ledger_waiting(&l), 1); /* and what came after it does age */
        ck_assert_uint_eq(l.settled[OUTCOME_AGE], 9);
        queue_settle(b.queue, s, record.epoch, 1, 1, OUTCOME_ACKNOWLEDGED);
        bench_run(&b, 2 * USEC_PER_HOUR);
        l = bench_ledger(&b);
        ck_assert_uint_eq(l.settled[OUTCOME_ACKNOWLEDGED], 1);
        ck_assert_uint_eq(l.settled[OUTCOME_AGE], 9);
        bench_done(&b);
}
END_TEST

/* Each slot keeps a descriptor: a large limit has large slots. */
START_TEST(a_large_limit_has_no_more_slots)
{
        size_t size;
        Bench b;

        bench_init(&b);
        b.settings.segment_bytes = 0;
        b.settings.max_bytes = (uint64_t)3 << 30;
        bench_open(&b);
        (void)bench_append(&b, bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL), "x");
        bench_run(&b, USEC_PER_SEC);
        ck_assert_ptr_nonnull(fake_disk_file(b.disk, "/queue/normal/seg-0000", &size));
        ck_assert_uint_eq(size, (24 << 20));
        bench_done(&b);
}
END_TEST

/* The names of slots have four digits, or more. */
START_TEST(a_slot_may_have_a_large_number)
{
        Bench b;

        bench_init(&b);
        bench_open(&b);
        bench_close(&b);
        (void)disk_close(&b.disk->disk, disk_open(&b.disk->disk, "/queue/normal/seg-12345", O_RDWR | O_CREAT));
        (void)disk_close(&b.disk->disk, disk_open(&b.disk->disk, "/queue/normal/seg-12", O_RDWR | O_CREAT));
        bench_open(&b); /* it takes away what was half made, and nothing else */
        ck_assert_int_eq(disk_open(&b.disk->disk, "/queue/normal/seg-12345", O_RDWR), -ENOENT);
        ck_assert_int_ge(disk_open(&b.disk->disk, "/queue/normal/seg-12", O_RDWR), 0);
        bench_done(&b);
}
END_TEST

/* Free slots of an opening with smaller ones give way: a commit that fits none of them does not wait for them. */
START_TEST(small_slots_give_way_to_large_ones)
{
        for (int close = 0; close < 2; close++) { /* found free, or set free later */
                Bench b;
                Ledger l;

                bench_init(&b);
                bench_open(&b);
                unsigned s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
                for (int i = 0; i < 8; i++) {
                        ck_assert_int_eq(bench_append_big(&b, s, 200000), 0);
                        bench_run(&b, USEC_PER_SEC);
                }
                if (close)
                        (void)bench_read_and_settle(&b, QUEUE_LANE_NORMAL);
                bench_run(&b, USEC_PER_MIN);
                bench_close(&b);
                b.settings.segment_bytes = 2 << 20;
                bench_open(&b);
                s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
                for (int i = 0; i < 20; i++) {
                        (void)bench_read_and_settle(&b, QUEUE_LANE_NORMAL);
                        bench_run(&b, USEC_PER_MIN);
                        for (int k = 0; k < 2; k++) /* 126 pages at once */
                                ck_assert_int_eq(bench_append_big(&b, s, 250000), 0);
                        bench_run(&b, 5 * USEC_PER_SEC);
                        l = bench_ledger(&b);
                        ck_assert_uint_eq(ledger_waiting(&l), 2);
                }
                bench_done(&b);
        }
}
END_TEST

START_TEST(opening_does_not_read_the_backlog)
{
        Bench b;
        unsigned s;

        log_configure(&(LogSettings){.level = LOG_EMERG});
        for (int large = 0; large < 2; large++) {
                bench_init(&b);
                b.settings.max_bytes = 64 << 20;
                bench_open(&b);
                s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
                for (int i = 0; i < (large ? 400 : 10); i++) {
                        for (int k = 0; k < 500; k++)
                                ck_assert_int_eq(bench_append(&b, s, SAMPLE), 0);
                        bench_run(&b, USEC_PER_SEC);
                }
                bench_close(&b);
                b.disk->bytes_read = b.disk->n_reads = 0;
                bench_open(&b);
                ck_assert_uint_eq(bench_ledger(&b).accepted, large ? 200000 : 5000);
                ck_assert_uint_le(b.disk->bytes_read, (128 + 96 + 4) * 4096);
                ck_assert_uint_le(b.disk->n_reads, 128 + 96);
                ck_assert_uint_eq(bench_read(&b, QUEUE_LANE_NORMAL, NULL), large ? 200000 : 5000);
                bench_done(&b);
        }
}
END_TEST

START_TEST(receipts_share_commits)
{
        uint64_t syncs;
        Bench b;
        unsigned s;

        bench_init(&b);
        bench_open(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        ck_assert_int_eq(bench_append(&b, s, SAMPLE), 0); /* so that the slots are there */
        bench_run(&b, USEC_PER_MIN);
        /* many at once: one commit */
        syncs = b.disk->n_syncs;
        for (int i = 0; i < 100; i++)
                ck_assert_int_eq(bench_submit(&b, s, SAMPLE), 0);
        bench_run(&b, 0);
        ck_assert_uint_eq(b.n_answered, 100);
        ck_assert_uint_eq(b.disk->n_syncs, syncs + 1);

        /* 500 a second, one after another, for 10 s: the burst, then two a second */
        bench_run(&b, USEC_PER_MIN);
        syncs = b.disk->n_syncs;
        for (int second = 0; second < 10; second++) {
                for (int i = 0; i < 500; i++) {
                        ck_assert_int_eq(bench_submit(&b, s, SAMPLE), 0);
                        bench_run(&b, 2 * USEC_PER_MSEC);
                }
                if (second == 0)
                        ck_assert_uint_le(b.disk->n_syncs, syncs + 21 + 1);
        }
        ck_assert_uint_le(b.disk->n_syncs, syncs + 12 + 20 + 4);
        bench_run(&b, USEC_PER_SEC);
        ck_assert_uint_eq(b.n_answered, 5100);
        bench_done(&b);
}
END_TEST

/* Clients that each submit again as soon as they have their answer, in both lanes, with slots that are soon full: every
 * second, wherever it begins. */
START_TEST(no_second_has_more_than_21_flushes)
{
        enum { CLIENTS = 8, MSEC = 60000 };
        static uint64_t flushes[MSEC + 1];
        uint64_t most = 0;
        size_t waits[CLIENTS];
        unsigned streams[2];
        Bench b;

        log_configure(&(LogSettings){.level = LOG_EMERG});
        bench_init(&b);
        b.settings.max_bytes = 3 << 20;
        bench_open(&b);
        streams[0] = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        streams[1] = bench_stream(&b, "alarms", QUEUE_LANE_URGENT);
        bench_run(&b, USEC_PER_MIN);
        for (size_t i = 0; i < CLIENTS; i++)
                waits[i] = SIZE_MAX;
        for (size_t ms = 0; ms <= MSEC; ms++) {
                QueueStats stats;

                for (size_t i = 0; i < CLIENTS; i++)
                        if ((waits[i] == SIZE_MAX || b.receipts[waits[i]].answered) &&
                            bench_submit(&b, streams[i % 2], SAMPLE) == 0)
                                waits[i] = b.n_receipts - 1;
                if (ms % 10 == 0) /* and sensors, so that slots fill and are dropped */
                        for (int k = 0; k < 5; k++)
                                (void)bench_append_big(&b, streams[ms / 10 % 2], 900);
                bench_run(&b, USEC_PER_MSEC);
                queue_stats(b.queue, &stats);
                flushes[ms] = stats.flushes;
                if (ms >= 1000)
                        most = MAX(most, flushes[ms] - flushes[ms - 1000]);
                if (ms >= 1000 && flushes[ms] - flushes[ms - 1000] > 21)
                        ck_abort_msg("%llu flushes in the second before %zu ms",
                                     (unsigned long long)(flushes[ms] - flushes[ms - 1000]), ms);
        }
        ck_assert_uint_ge(most, 12); /* it was tried */
        ck_assert_uint_gt(b.settled[OUTCOME_QUEUE_FULL], 0);
        bench_done(&b);
}
END_TEST

/* Bytes and syncs, counted where they are given to the disk. */
START_TEST(gentle_to_flash)
{
        static const struct {
                int samples;
                double most;
        } cases[] = {{256, 1.15}, {16, 1.5}};
        static char payload[201];

        memset(payload, 'x', 200);
        for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
                uint64_t bytes = 0, syncs = 0, appended = 0;
                Bench b;
                unsigned s;

                bench_init(&b);
                b.settings.segment_bytes = 1 << 20;
                b.settings.max_bytes = 64 << 20;
                bench_open(&b);
                s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
                for (int i = 0; i < 1000; i++) {
                        if (i == 300) { /* the slots are there by now */
                                bytes = b.disk->bytes_written;
                                syncs = b.disk->n_syncs;
                                appended = 0;
                        }
                        for (int k = 0; k < cases[c].samples; k++)
                                ck_assert_int_eq(bench_append(&b, s, payload), 0);
                        appended += (uint64_t)cases[c].samples;
                        bench_run(&b, USEC_PER_SEC);
                        (void)bench_read_and_settle(&b, QUEUE_LANE_NORMAL);
                }
                bytes = b.disk->bytes_written - bytes;
                syncs = b.disk->n_syncs - syncs;
                ck_assert_msg((double)bytes / (double)(appended * 200) <= cases[c].most,
                              "%d samples a commit: %.3f bytes a byte", cases[c].samples,
                              (double)bytes / (double)(appended * 200));
                ck_assert_uint_le(syncs, 700 * 105 / 100);
                bench_done(&b);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("queue/limits");
        TCase *c = suite_case(s, "bytes, slots and syncs are bounded");

        tcase_set_timeout(c, 120);
        tcase_add_test(c, slots_are_used_again);
        tcase_add_test(c, the_oldest_go_when_full);
        tcase_add_test(c, the_oldest_go_for_a_large_one);
        tcase_add_test(c, what_is_in_hand_is_not_dropped);
        tcase_add_test(c, without_a_link_what_is_in_hand_goes_last);
        tcase_add_test(c, a_lowered_limit_takes_hold);
        tcase_add_test(c, a_question_drops_nothing);
        tcase_add_test(c, or_the_newest_are_refused);
        tcase_add_test(c, urgent_takes_room_from_normal);
        tcase_add_test(c, a_full_disk_refuses_and_loses_nothing);
        tcase_add_test(c, on_a_full_disk_the_oldest_give_way);
        tcase_add_loop_test(c, on_a_disk_that_became_read_only_the_queue_does_not_grow, 0, 2);
        tcase_add_loop_test(c, a_floor_is_left_to_others, 0, 2);
        tcase_add_test(c, what_is_too_old_goes);
        tcase_add_test(c, it_ages_while_the_machine_is_off);
        tcase_add_test(c, ten_thousand_old_ones_go_in_steps);
        tcase_add_test(c, what_is_in_hand_does_not_age);
        tcase_add_test(c, a_large_limit_has_no_more_slots);
        tcase_add_test(c, a_slot_may_have_a_large_number);
        tcase_add_test(c, small_slots_give_way_to_large_ones);
        tcase_add_test(c, opening_does_not_read_the_backlog);
        tcase_add_test(c, receipts_share_commits);
        tcase_add_test(c, no_second_has_more_than_21_flushes);
        tcase_add_test(c, gentle_to_flash);
        return suite_run(s);
}
