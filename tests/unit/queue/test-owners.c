/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What is the queue's own and out of its reach: another user has it, or a newer hublink wrote it. Its numbers were
 * given out, and what it holds was accepted: no number is given twice, and whoever gives it back gets all of it.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "bench.h"
#include "log-capture.h"
#include "queue/page.h"
#include "suite.h"

#define N        16200 /* records, in three slots */
#define N_ALARMS 50

static LogCapture told;

static void start(Bench *b)
{
        unsigned s;

        log_capture_begin(&told);
        bench_init(b);
        bench_open(b);
        s = bench_stream(b, "telemetry", QUEUE_LANE_NORMAL);
        for (unsigned i = 0; i < N; i++) {
                insist(bench_append(b, s, "a reading that takes some room on the disk, and then a little more") == 0);
                if (i % 300 == 299)
                        bench_run(b, USEC_PER_SEC);
        }
        bench_run(b, USEC_PER_SEC);
        insist(bench_ledger(b).accepted == N);
        bench_close(b);
        log_capture_end(&told);
        log_capture_begin(&told);
}

static void done(Bench *b)
{
        bench_done(b);
        log_capture_end(&told);
}

/* The next one to come has a number that nobody had. */
static void check_goes_on(Bench *b, uint64_t n)
{
        unsigned s = bench_stream(b, "telemetry", QUEUE_LANE_NORMAL);
        size_t i = b->n_receipts;

        ck_assert_int_eq(bench_submit(b, s, "one more"), 0);
        bench_run(b, 2 * USEC_PER_SEC);
        ck_assert(b->receipts[i].answered);
        ck_assert_int_eq(b->receipts[i].error, 0);
        ck_assert_uint_eq(b->receipts[i].n, n);
}

START_TEST(what_another_user_has_is_waited_for)
{
        static const char *const paths[] = {"/queue/normal/seg-0000", "/queue/normal/seg-0001",
                                            "/queue/normal/seg-0002", "/queue/normal", "/queue/urgent"};

        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                QueueStatus status;
                unsigned s;
                Bench b;

                start(&b);
                fake_disk_forbid(b.disk, paths[i]);
                bench_open(&b);
                queue_status(b.queue, &status);
                ck_assert_msg(status.disk_failed && status.disk_state == DISK_FAILED, "%s", paths[i]);
                ck_assert_msg(strstr(status.disk_error, paths[i]) &&
                              strstr(status.disk_error, "belongs to another user: chown -R hublink: /queue"),
                              "%s: %s", paths[i], status.disk_error);
                ck_assert_uint_eq(log_capture_count(&told, "belongs to another user"), 1);
                ck_assert_uint_eq(log_capture_count(&told, "set aside"), 0);
                s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
                ck_assert_int_eq(bench_submit(&b, s, "on disk, is it?"), QUEUE_E_DISK);
                ck_assert_int_eq(bench_append(&b, s, "meanwhile"), 0);
                bench_run(&b, 10 * USEC_PER_MIN);
                queue_status(b.queue, &status);
                ck_assert(status.disk_failed);

                fake_disk_allow(b.disk, paths[i]);
                bench_run(&b, 2 * USEC_PER_MIN);
                queue_status(b.queue, &status);
                ck_assert_msg(!status.disk_failed, "%s: %s", paths[i], status.disk_error);
                check_goes_on(&b, N + 2);
                ck_assert_uint_eq(bench_read_and_settle(&b, QUEUE_LANE_NORMAL), N + 2);
                ck_assert_uint_eq(bench_ledger(&b).accepted, N + 2);
                ck_assert_uint_eq(bench_ledger(&b).settled[OUTCOME_DAMAGED], 0);
                done(&b);
        }
}
END_TEST

/* A stop and a start between: there is no other memory of it than the disk. */
START_TEST(a_restart_does_not_make_it_go_on_without)
{
        QueueStatus status;
        Bench b;

        start(&b);
        fake_disk_forbid(b.disk, "/queue/normal/seg-0002");
        for (int i = 0; i < 3; i++) {
                bench_open(&b);
                bench_run(&b, 10 * USEC_PER_MIN);
                queue_status(b.queue, &status);
                ck_assert(status.disk_failed);
                bench_close(&b);
        }
        fake_disk_allow(b.disk, "/queue/normal/seg-0002");
        bench_open(&b);
        check_goes_on(&b, N + 1);
        ck_assert_uint_eq(bench_read_and_settle(&b, QUEUE_LANE_NORMAL), N + 1);
        done(&b);
}
END_TEST

/* Upgraded, and back again: the identity is old, and some slots are newer. */
static void set_version(Bench *b, const char *path, uint8_t version)
{
        uint8_t *page = fake_disk_file(b->disk, path, NULL);

        page[4] = version;
        bytes_put32(page, crc32c(0, page + 4, PAGE_BYTES - 4));
}

static void make_newer(Bench *b, const char *path)
{
        set_version(b, path, PAGE_VERSION + 1);
}


START_TEST(a_slot_of_a_newer_hublink_takes_its_lane_along)
{
        for (int i = 0; i < 3; i++) {
                QueueStatus status;
                char path[64];
                Bench b;

                start(&b);
                (void)snprintf(path, sizeof(path), "/queue/normal/seg-%04d", i);
                make_newer(&b, path);
                bench_open(&b);
                queue_status(b.queue, &status);
                ck_assert_msg(!status.disk_failed, "%s", status.disk_error);
                ck_assert_uint_eq(log_capture_count(&told, "/queue/normal: was written by a newer hublink"), 1);
                ck_assert(log_capture_has(&told, "set aside as /queue/normal-newer-"));
                ck_assert_ptr_null(fake_disk_file(b.disk, "/queue/normal/seg-0002", NULL));
                ck_assert_int_eq(bench_submit(&b, bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL), "one more"), 0);
                bench_run(&b, 2 * USEC_PER_SEC);
                ck_assert(b.receipts[0].answered);
                ck_assert_int_eq(b.receipts[0].error, 0);
                done(&b);
        }
}
END_TEST

typedef struct Aside {
        const char *prefix;
        char name[64];
        unsigned n;
} Aside;

static void find_aside(void *userdata, const char *name)
{
        Aside *a = userdata;

        if (strncmp(name, a->prefix, strlen(a->prefix)) != 0)
                return;
        (void)snprintf(a->name, sizeof(a->name), "%s", name);
        a->n++;
}

/* The operator stops the daemon, and gives a lane its name back. */
static void give_back(Bench *b, const char *lane)
{
        char prefix[32], from[96], to[96], away[96];
        Aside aside = {.prefix = prefix};

        (void)snprintf(prefix, sizeof(prefix), "%s-newer-", lane);
        insist(disk_list(&b->disk->disk, "/queue", find_aside, &aside) == 0);
        ck_assert_msg(aside.n == 1, "%s: %u", prefix, aside.n);
        (void)snprintf(from, sizeof(from), "/queue/%s", aside.name);
        (void)snprintf(to, sizeof(to), "/queue/%s", lane);
        (void)snprintf(away, sizeof(away), "/away-%s", lane);
        insist(disk_rename(&b->disk->disk, to, away) == 0);
        insist(disk_rename(&b->disk->disk, from, to) == 0);
}

/* As the newer one finds it, once it is installed again. */
static void check_all_comes(Bench *b, const char *newer_slot, size_t n)
{
        QueueStatus status;
        Ledger ledger;

        give_back(b, "normal");
        give_back(b, "urgent");
        set_version(b, newer_slot, PAGE_VERSION);
        bench_open(b);
        queue_status(b->queue, &status);
        ck_assert_ptr_null(status.aside);
        ck_assert_uint_eq(bench_read_and_settle(b, QUEUE_LANE_NORMAL), n);
        ck_assert_uint_eq(bench_read_and_settle(b, QUEUE_LANE_URGENT), N_ALARMS);
        ledger = bench_ledger(b);
        ck_assert_uint_eq(ledger.accepted, n + N_ALARMS);
        ck_assert_uint_eq(ledger.settled[OUTCOME_DAMAGED], 0);
}

static void add_alarms(Bench *b)
{
        unsigned s;

        bench_open(b);
        s = bench_stream(b, "alarms", QUEUE_LANE_URGENT);
        for (int i = 0; i < N_ALARMS; i++)
                insist(bench_append(b, s, "an alarm") == 0);
        bench_run(b, 2 * USEC_PER_SEC);
        bench_close(b);
}

/* The lanes know of each other's numbers: one that stayed would have them for lost. */
START_TEST(what_a_newer_hublink_wrote_comes_back_whole)
{
        static const char *const slots[] = {"/queue/normal/seg-0000", "/queue/normal/seg-0002",
                                            "/queue/urgent/seg-0000", "/queue/normal/lane"};

        for (size_t i = 0; i < ARRAY_SIZE(slots); i++) {
                QueueStatus status;
                unsigned s, u;
                Bench b;

                start(&b);
                add_alarms(&b);
                make_newer(&b, slots[i]);
                bench_open(&b);
                for (int k = 0; k < 2; k++) { /* as long as it is there, at the next start too */
                        queue_status(b.queue, &status);
                        ck_assert_ptr_nonnull(status.aside);
                        ck_assert_ptr_nonnull(strstr(status.aside, "/queue/normal-newer-"));
                        bench_close(&b);
                        bench_open(&b);
                }
                s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
                u = bench_stream(&b, "alarms", QUEUE_LANE_URGENT);
                for (int k = 0; k < 100; k++) {
                        insist(bench_append(&b, s, "meanwhile") == 0);
                        insist(bench_append(&b, u, "meanwhile") == 0);
                }
                bench_run(&b, 2 * USEC_PER_SEC);
                ck_assert_uint_eq(bench_read_and_settle(&b, QUEUE_LANE_NORMAL), 100);
                ck_assert_uint_eq(bench_read_and_settle(&b, QUEUE_LANE_URGENT), 100);
                ck_assert_uint_eq(bench_ledger(&b).accepted, 200); /* nothing that went aside is told of as lost */
                ck_assert_uint_eq(log_capture_count(&told, "was written by a newer hublink"), 1);
                ck_assert_uint_eq(log_capture_count(&told, "goes with what a newer hublink wrote"), 1);
                bench_run(&b, USEC_PER_MIN);
                bench_close(&b);
                check_all_comes(&b, slots[i], N);
                done(&b);
        }
}
END_TEST

/* Wherever it is that the disk lets one of them not go. */
START_TEST(nothing_is_begun_before_all_have_gone_aside)
{
        unsigned n_failed = 0;

        for (unsigned call = 1; call <= 60; call++) {
                QueueStatus status;
                unsigned s;
                Bench b;

                log_capture_begin(&told);
                bench_init(&b);
                bench_open(&b);
                s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
                insist(bench_append(&b, s, "one") == 0);
                bench_run(&b, 2 * USEC_PER_SEC);
                bench_close(&b);
                add_alarms(&b);
                make_newer(&b, "/queue/normal/seg-0000");

                b.disk->fail_at = b.disk->n_calls + call;
                b.disk->fail_count = 1;
                b.disk->fail_mask = FAKE_RENAME;
                b.disk->fail_errno = EROFS;
                bench_open(&b);
                queue_status(b.queue, &status);
                n_failed += status.disk_failed;
                ck_assert(!status.disk_failed || strstr(status.disk_error, "cannot set aside /queue/"));
                bench_run(&b, 2 * USEC_PER_MIN);
                queue_status(b.queue, &status);
                ck_assert_msg(!status.disk_failed, "%s", status.disk_error);
                bench_close(&b);
                b.disk->fail_at = 0;
                check_all_comes(&b, "/queue/normal/seg-0000", 1);
                done(&b);
        }
        ck_assert_uint_gt(n_failed, 1);
        ck_assert_uint_lt(n_failed, 60);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("queue/owners");
        TCase *c = suite_case(s, "what is out of reach is not gone");

        tcase_set_timeout(c, 60);
        tcase_add_test(c, what_another_user_has_is_waited_for);
        tcase_add_test(c, a_restart_does_not_make_it_go_on_without);
        tcase_add_test(c, a_slot_of_a_newer_hublink_takes_its_lane_along);
        tcase_add_test(c, what_a_newer_hublink_wrote_comes_back_whole);
        tcase_add_test(c, nothing_is_begun_before_all_have_gone_aside);
        return suite_run(s);
}
