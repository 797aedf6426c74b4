/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What is harmed on the disk: it is passed by, counted, told once and with its place, and its bytes are kept for
 * whoever wants to look at them, within bounds. What the rest of the pages show is served.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/log-id.h"
#include "bench.h"
#include "log-capture.h"
#include "queue/page.h"
#include "queue/quarantine.h"
#include "suite.h"

static LogCapture told;

static void start(Bench *b)
{
        log_capture_begin(&told);
        bench_init(b);
        bench_open(b);
}

static void done(Bench *b)
{
        bench_done(b);
        log_capture_end(&told);
}

static void tell_anew(void)
{
        log_capture_end(&told);
        log_capture_begin(&told);
}

/* About 33 records a page. */
static void fill(Bench *b, unsigned n)
{
        unsigned s = bench_stream(b, "telemetry", QUEUE_LANE_NORMAL);

        for (unsigned i = 0; i < n; i++) {
                insist(bench_append(b, s, "a reading that takes some room on the disk, and then a little more") == 0);
                if (i % 300 == 299)
                        bench_run(b, USEC_PER_SEC);
        }
        bench_run(b, USEC_PER_SEC);
}

static uint8_t *slot_of(Bench *b, unsigned index, size_t *ret_pages)
{
        char path[64];
        uint8_t *file;
        size_t size = 0;

        (void)snprintf(path, sizeof(path), "/queue/normal/seg-%04u", index);
        file = fake_disk_file(b->disk, path, &size);
        if (ret_pages)
                *ret_pages = size / PAGE_BYTES;
        return file;
}

/* The k-th page of a slot that has records, from 1. */
static size_t data_page(Bench *b, unsigned index, unsigned k)
{
        size_t pages;
        uint8_t *file = slot_of(b, index, &pages);
        Page page;

        for (size_t i = 1; i < pages; i++)
                if (page_open(file + i * PAGE_BYTES, &page) == 0 && page.kind == PAGE_DATA && --k == 0)
                        return i;
        ck_abort_msg("seg-%04u has not so many pages", index);
}

static void harm(Bench *b, unsigned index, size_t page)
{
        slot_of(b, index, NULL)[page * PAGE_BYTES + 1000] ^= 0x55;
}

typedef struct Copies {
        unsigned n;
        uint64_t bytes;
        FakeDisk *disk;
} Copies;

static void count_copy(void *userdata, const char *name)
{
        Copies *c = userdata;
        char path[128];
        size_t size;

        (void)snprintf(path, sizeof(path), "/queue/normal/quarantine/%s", name);
        insist(fake_disk_file(c->disk, path, &size));
        c->n++;
        c->bytes += size;
}

static Copies copies(Bench *b)
{
        Copies c = {.disk = b->disk};

        (void)disk_list(&b->disk->disk, "/queue/normal/quarantine", count_copy, &c);
        return c;
}

/* Reads what there is: all but the damaged ones. Returns how many those are. */
static uint64_t read_around(Bench *b, uint64_t waiting)
{
        size_t n = bench_read(b, QUEUE_LANE_NORMAL, NULL);
        uint64_t damaged;

        bench_run(b, USEC_PER_SEC); /* the copies are made */
        damaged = bench_ledger(b).settled[OUTCOME_DAMAGED];
        ck_assert_uint_eq(n + damaged, waiting);
        return damaged;
}

/* ---- quarantine ---- */

START_TEST(the_bytes_of_a_bad_page_are_kept)
{
        uint8_t before[2 * PAGE_BYTES], *copy;
        char path[128];
        size_t page, size;
        Bench b;

        start(&b);
        fill(&b, 6000);
        page = data_page(&b, 0, 12);
        harm(&b, 0, page);
        harm(&b, 0, page + 1);
        memcpy(before, slot_of(&b, 0, NULL) + page * PAGE_BYTES, sizeof(before));
        ck_assert_uint_gt(read_around(&b, 6000), 20);
        (void)snprintf(path, sizeof(path), "/queue/normal/quarantine/seg-0000.g1.p%zu", page);
        copy = fake_disk_file(b.disk, path, &size);
        ck_assert_ptr_nonnull(copy);
        ck_assert_uint_eq(size, sizeof(before));
        ck_assert_mem_eq(copy, before, sizeof(before));

        ck_assert_uint_eq(log_capture_count(&told, "cannot be read any more"), 1);
        (void)snprintf(path, sizeof(path), "Garbage at byte %zu (8192 bytes). Copies are in /queue/normal/quarantine: "
                                           "seg-0000.g1.p%zu.", page * PAGE_BYTES, page);
        ck_assert_msg(log_capture_has(&told, path), "%s", told.lines[0]);
        ck_assert(log_capture_has(&told, "/queue/normal/seg-0000: "));
        ck_assert(log_capture_has(&told, " records cannot be read any more (telemetry "));
        ck_assert_str_eq(told.ids[0], LOG_ID_RECORD_DAMAGED);

        /* and nothing of it is in the way of the next opening */
        bench_close(&b);
        tell_anew();
        bench_open(&b);
        (void)bench_read(&b, QUEUE_LANE_NORMAL, NULL);
        ck_assert_uint_eq(log_capture_count(&told, "Queue:"), 0);
        ck_assert_uint_eq(copies(&b).n, 1);
        ck_assert_uint_eq(b.disk->n_trusted, 0);
        done(&b);
}
END_TEST

START_TEST(nothing_is_kept_where_nothing_is_missing)
{
        size_t pages;
        Page page;
        Bench b;

        start(&b);
        for (int i = 0; i < 30; i++) { /* one at a time: each page carries the one before it along */
                fill(&b, 1);
                bench_run(&b, USEC_PER_SEC);
        }
        for (size_t i = 1, seen = 0; i < (slot_of(&b, 0, &pages), pages) && seen < 1; i++)
                if (page_open(slot_of(&b, 0, NULL) + i * PAGE_BYTES, &page) == 0) {
                        harm(&b, 0, i); /* an older copy */
                        seen++;
                }
        bench_close(&b);
        bench_open(&b);
        fill(&b, 9000); /* into another slot */
        (void)bench_read(&b, QUEUE_LANE_NORMAL, NULL);
        bench_run(&b, USEC_PER_SEC);
        if (bench_ledger(&b).settled[OUTCOME_DAMAGED] == 0) {
                ck_assert_ptr_null(fake_disk_file(b.disk, "/queue/normal/quarantine", NULL));
                ck_assert_uint_eq(log_capture_count(&told, "cannot be read any more"), 0);
        } else
                ck_abort_msg("the newest copy was harmed");
        done(&b);
}
END_TEST

START_TEST(what_the_disk_does_not_give_cannot_be_kept)
{
        char text[64];
        size_t page;
        Bench b;

        start(&b);
        fill(&b, 6000);
        page = data_page(&b, 0, 7);
        fake_disk_spoil(b.disk, "/queue/normal/seg-0000", page);
        (void)bench_read(&b, QUEUE_LANE_NORMAL, NULL);
        for (int second = 0; second < 120; second++) { /* it is tried again for half a minute */
                bench_run(&b, USEC_PER_SEC);
                (void)bench_read(&b, QUEUE_LANE_NORMAL, NULL);
        }
        ck_assert_uint_gt(bench_ledger(&b).settled[OUTCOME_DAMAGED], 10);
        (void)snprintf(text, sizeof(text), "Not readable at byte %zu. Check the disk.", page * PAGE_BYTES);
        ck_assert_uint_eq(log_capture_count(&told, "cannot be read any more"), 1);
        ck_assert_msg(log_capture_has(&told, text), "%s", told.lines[0]);
        ck_assert_uint_eq(copies(&b).n, 0);
        done(&b);
}
END_TEST

START_TEST(a_write_that_was_lost_is_told)
{
        char text[64];
        size_t page;
        Bench b;

        start(&b);
        fill(&b, 6000);
        page = data_page(&b, 0, 7);
        memset(slot_of(&b, 0, NULL) + page * PAGE_BYTES, 0, PAGE_BYTES);
        ck_assert_uint_gt(read_around(&b, 6000), 10);
        (void)snprintf(text, sizeof(text), "Never written, or lost, at byte %zu.", page * PAGE_BYTES);
        ck_assert_msg(log_capture_has(&told, text), "%s", told.lines[0]);
        ck_assert_uint_eq(copies(&b).n, 0);
        done(&b);
}
END_TEST

/* Much more than is kept goes bad, again and again. */
START_TEST(quarantine_is_bounded_and_the_oldest_go)
{
        uint64_t accepted = 0;
        Bench b;

        start(&b);
        for (int round = 0; round < 6; round++) {
                size_t page;

                fill(&b, 9000);
                accepted += 9000;
                for (int i = 0; i < 300; i++)
                        (void)bench_append_big(&b, 0, 3000); /* each has a page to itself */
                bench_run(&b, USEC_PER_SEC);
                for (unsigned index = 0; index < 40; index++) {
                        size_t pages;
                        uint8_t *file = slot_of(&b, index, &pages);

                        for (page = 5; file && page < pages; page += page % 2 ? 1 : 13)
                                harm(&b, index, page);
                }
                (void)bench_read_and_settle(&b, QUEUE_LANE_NORMAL);
                bench_run(&b, USEC_PER_SEC);
                ck_assert_uint_le(copies(&b).n, QUARANTINE_FILES);
                ck_assert_uint_le(copies(&b).bytes, QUARANTINE_BYTES);
        }
        ck_assert_uint_eq(copies(&b).n, QUARANTINE_FILES);
        ck_assert_uint_gt(bench_ledger(&b).settled[OUTCOME_DAMAGED], 1000);
        ck_assert_uint_gt(bench_ledger(&b).accepted, accepted);
        done(&b);
}
END_TEST

/* Large pieces: the limit of bytes comes before that of files. */
START_TEST(quarantine_is_bounded_in_bytes)
{
        Bench b;

        start(&b);
        (void)bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        for (int i = 0; i < 20; i++) {
                ck_assert_int_eq(bench_append_big(&b, 0, 200000), 0);
                bench_run(&b, USEC_PER_SEC);
        }
        for (unsigned index = 0; index < 40; index++) {
                size_t pages;
                uint8_t *file = slot_of(&b, index, &pages);

                for (size_t page = 2; file && page < pages; page++)
                        if (!page_is_blank(file + page * PAGE_BYTES))
                                harm(&b, index, page);
        }
        (void)bench_read(&b, QUEUE_LANE_NORMAL, NULL);
        bench_run(&b, USEC_PER_SEC);
        ck_assert_uint_gt(copies(&b).bytes, QUARANTINE_BYTES / 2);
        ck_assert_uint_le(copies(&b).bytes, QUARANTINE_BYTES);
        done(&b);
}
END_TEST

START_TEST(a_disk_without_room_gets_no_copies)
{
        static const struct {
                unsigned mask;
                int error;
                const char *told;
        } cases[] = {
                {0, 0, "No copy was made: No space left on device."},
                {FAKE_MKDIR, EROFS, "No copy was made: Read-only file system."},
                {FAKE_MKDIR, ENOSPC, "No copy was made: No space left on device."},
                {FAKE_MKDIR, EEXIST, "No copy was made: No such file or directory."},
                {FAKE_SPACE, EIO, "No copy was made: Input/output error."},
                {FAKE_WRITE, EIO, "No copy was made: Input/output error."},
                {FAKE_SYNC, EIO, "No copy was made: Input/output error."},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                Bench b;

                start(&b);
                if (cases[i].error == 0)
                        b.settings.min_free_bytes = 64 << 20;
                bench_close(&b);
                bench_open(&b);
                fill(&b, 6000);
                harm(&b, 0, data_page(&b, 0, 7));
                if (cases[i].error == 0)
                        b.disk->capacity = 65 << 20;
                b.disk->fail_at = cases[i].error ? 1 : 0;
                b.disk->fail_count = 1;
                b.disk->fail_mask = cases[i].mask;
                b.disk->fail_errno = cases[i].error;
                ck_assert_uint_gt(read_around(&b, 6000), 10);
                ck_assert_msg(log_capture_has(&told, cases[i].told), "%zu: %s", i, told.lines[0]);
                ck_assert_uint_eq(log_capture_count(&told, "cannot be read any more"), 1);
                ck_assert_uint_eq(copies(&b).n, 0);
                done(&b);
        }
}
END_TEST

/* The end comes before the copy, or while it is made. */
START_TEST(what_is_under_way_at_the_end_is_told)
{
        for (int how = 0; how < 3; how++) {
                Bench b;

                start(&b);
                fill(&b, 6000);
                harm(&b, 0, data_page(&b, 0, 7));
                b.disk->held = how == 0;
                if (how == 1)
                        b.disk->stall_at = b.disk->n_calls + 400;
                (void)bench_read(&b, QUEUE_LANE_NORMAL, NULL);
                b.queue = queue_close(b.queue, how == 2 ? 5 * USEC_PER_SEC : 0);
                ck_assert_uint_eq(log_capture_count(&told, "cannot be read any more"), 1);
                ck_assert_uint_eq(log_capture_count(&told, "Copies are in"), how == 2);
                b.disk->held = false;
                fake_disk_resume(b.disk);
                disk_dispatch(&b.disk->disk);
                done(&b);
        }
}
END_TEST

/* ---- page 0 ---- */

/* A stream that has records in few slots only. */
static void rare(Bench *b)
{
        unsigned s;

        (void)bench_stream(b, "telemetry", QUEUE_LANE_NORMAL);
        s = bench_stream(b, "rare", QUEUE_LANE_NORMAL);
        for (int i = 0; i < 100; i++)
                insist(bench_append(b, s, "seldom") == 0);
        bench_run(b, USEC_PER_SEC);
}

/* Of each slot in turn, and of any two, and of all: no record is lost that the other pages show. */
START_TEST(no_record_is_lost_with_a_page_0)
{
        unsigned n_slots = 0;

        for (unsigned mask = 1; n_slots == 0 || mask < 1u << n_slots; mask++) {
                unsigned s;
                size_t n;
                Bench b;

                start(&b);
                rare(&b);
                fill(&b, 6000);
                rare(&b);
                fill(&b, 10000);
                bench_close(&b);
                while (slot_of(&b, n_slots, NULL))
                        n_slots++;
                ck_assert_uint_ge(n_slots, 4);
                for (unsigned index = 0; index < n_slots; index++)
                        if (mask & 1u << index)
                                memset(slot_of(&b, index, NULL), 0xee, PAGE_BYTES);
                bench_open(&b);
                s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
                ck_assert_int_eq(bench_append(&b, s, "and on it goes"), 0);
                bench_run(&b, USEC_PER_SEC);
                n = bench_read(&b, QUEUE_LANE_NORMAL, NULL);
                ck_assert_msg(n == 16201 && bench_ledger(&b).settled[OUTCOME_DAMAGED] == 0,
                              "page 0 of %#x of %u slots: %zu read; %s", mask, n_slots, n, told.lines[0] ?: "");
                done(&b);
        }
}
END_TEST

/* ---- foreign things ---- */

/* It collects, and what it collects is there at the next opening. */
static void check_collects(Bench *b)
{
        size_t before = b->n_receipts;
        QueueStatus status;
        QueueRecord last;
        unsigned s;

        queue_status(b->queue, &status);
        ck_assert_msg(!status.disk_failed, "%s", status.disk_error);
        s = bench_stream(b, "telemetry", QUEUE_LANE_NORMAL);
        ck_assert_int_eq(bench_submit(b, s, "collected all the same"), 0);
        bench_run(b, 2 * USEC_PER_SEC);
        ck_assert(b->receipts[before].answered);
        ck_assert_int_eq(b->receipts[before].error, 0);
        bench_close(b);
        bench_open(b);
        ck_assert_uint_gt(bench_read(b, QUEUE_LANE_NORMAL, &last), 0);
        ck_assert_uint_eq(last.size, strlen("collected all the same"));
}

static void make_file(Bench *b, const char *path)
{
        int fd = disk_open(&b->disk->disk, path, O_RDWR | O_CREAT);

        ck_assert_int_ge(fd, 0);
        disk_close(&b->disk->disk, fd);
}

START_TEST(what_stands_in_the_place_of_a_file_is_named)
{
        static const struct {
                const char *path, *told;
                bool goes_aside;
                bool holds_nothing; /* it may be theirs as well: test-owners.c has the others */
        } cases[] = {
                {"/queue/normal/seg-0001", "/queue/normal/seg-0001: is a directory", false, false},
                {"/queue/normal/lane", "/queue/normal/lane: is a directory", true, true},
                {"/queue/normal/lock", "/queue/normal/lock: is a directory", true, true},
                {"/queue/normal", "/queue/normal: is no directory", true, false},
                {"/queue/urgent", "/queue/urgent: is no directory", true, false},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                for (int theirs = 0; theirs <= cases[i].holds_nothing; theirs++) {
                        const char *path = cases[i].path;
                        bool lane = i >= 3;
                        Bench b;

                        start(&b);
                        fill(&b, 100);
                        bench_close(&b);
                        if (!theirs) {
                                ck_assert_int_eq(disk_rename(&b.disk->disk, path, "/away"), 0);
                                if (lane)
                                        make_file(&b, path);
                                else
                                        ck_assert_int_eq(disk_mkdir(&b.disk->disk, path), 0);
                        } else {
                                fake_disk_forbid(b.disk, path);
                        }
                        tell_anew();
                        bench_open(&b);
                        ck_assert_msg(log_capture_has(&told,
                                                      theirs ? "belongs to another user: give it to" : cases[i].told),
                                      "%s: %s", path, told.lines[0] ?: "nothing was told");
                        ck_assert(log_capture_has(&told, path));
                        ck_assert_uint_eq(log_capture_count(&told, "set aside as"), cases[i].goes_aside);
                        check_collects(&b);
                        done(&b);
                }
}
END_TEST

static void write_at(Bench *b, const char *path, const void *bytes, size_t n, uint64_t offset)
{
        struct iovec iov = {(void *)(uintptr_t)bytes, n};
        int fd = disk_open(&b->disk->disk, path, O_RDWR | O_CREAT);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(disk_write(&b->disk->disk, fd, &iov, 1, offset), 0);
        disk_close(&b->disk->disk, fd);
}

/* A name like a slot's makes no slot of a file. What we made, and the power cut off, is zero, or only begun. */
START_TEST(what_others_called_like_a_slot_stays)
{
        static const char notes[] = "notes\n";
        static const struct {
                const char *at_begin; /* NULL: zeros */
                uint64_t size;
                bool to_the_end, theirs, goes;
        } cases[] = {
                {notes, 6, true, true, false},
                {notes, 100 * 1024, false, true, false},
                {notes, 1024 * 1024, true, true, false},
                {NULL, 1, false, false, true},
                {NULL, 8192, false, false, true},
                {NULL, 384 * 1024, false, false, false},
                {notes, 384 * 1024, false, false, false}, /* a torn first commit */
        };
        static const char path[] = "/queue/normal/seg-0009";

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *begin = cases[i].at_begin ?: "\0\0\0\0\0";
                uint8_t *bytes;
                size_t size;
                Bench b;

                start(&b);
                fill(&b, 100);
                bench_close(&b);
                write_at(&b, path, "", 1, cases[i].size - 1);
                write_at(&b, path, begin, MIN((uint64_t)6, cases[i].size), 0);
                if (cases[i].to_the_end)
                        write_at(&b, path, begin, 6, cases[i].size - 6);
                tell_anew();
                bench_open(&b);
                check_collects(&b);
                ck_assert_msg(log_capture_has(&told, "seg-0009: is no file of the queue; left alone") == cases[i].theirs,
                              "%zu", i);
                bytes = fake_disk_file(b.disk, path, &size);
                ck_assert_msg(!bytes == cases[i].goes, "%zu", i);
                if (cases[i].theirs) {
                        ck_assert_uint_eq(size, cases[i].size);
                        ck_assert_mem_eq(bytes, begin, 6);
                }
                done(&b);
        }
}
END_TEST

START_TEST(each_foreign_thing_is_told_up_to_a_bound)
{
        Bench b;

        start(&b);
        fill(&b, 100);
        bench_close(&b);
        for (unsigned i = 20; i < 32; i++) {
                char path[64];

                (void)snprintf(path, sizeof(path), "/queue/normal/seg-%04u", i);
                ck_assert_int_eq(disk_mkdir(&b.disk->disk, path), 0);
        }
        tell_anew();
        bench_open(&b);
        ck_assert_uint_eq(log_capture_count(&told, "is a directory, where a file"), 8);
        ck_assert_uint_eq(log_capture_count(&told, "/queue/normal: and 4 more of the kind"), 1);
        check_collects(&b);
        done(&b);
}
END_TEST

START_TEST(the_identity_is_missing_or_another)
{
        for (int how = 0; how < 3; how++) {
                size_t n_aliens;
                Bench b;

                start(&b);
                fill(&b, 9000);
                bench_close(&b);
                if (how == 0)
                        ck_assert_int_eq(disk_unlink(&b.disk->disk, "/queue/normal/lane"), 0);
                else if (how == 1)
                        memset(fake_disk_file(b.disk, "/queue/normal/lane", NULL), 0xee, 2 * PAGE_BYTES);
                else
                        memcpy(fake_disk_file(b.disk, "/queue/normal/lane", NULL),
                               fake_disk_file(b.disk, "/queue/urgent/lane", NULL), 2 * PAGE_BYTES);
                tell_anew();
                bench_open(&b);
                n_aliens = log_capture_count(&told, "belongs to another queue; left alone");
                if (how < 2) {
                        ck_assert(log_capture_has(&told, "/queue/normal/lane: was missing or bad"));
                        ck_assert_uint_eq(n_aliens, 0);
                        ck_assert_uint_eq(bench_read(&b, QUEUE_LANE_NORMAL, NULL), 9000);
                } else {
                        ck_assert_uint_ge(n_aliens, 2);
                }
                check_collects(&b);
                done(&b);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("queue/damage");
        TCase *c = suite_case(s, "damage is passed by, counted, told and kept");

        tcase_set_timeout(c, 60);
        tcase_add_test(c, the_bytes_of_a_bad_page_are_kept);
        tcase_add_test(c, nothing_is_kept_where_nothing_is_missing);
        tcase_add_test(c, what_the_disk_does_not_give_cannot_be_kept);
        tcase_add_test(c, a_write_that_was_lost_is_told);
        tcase_add_test(c, quarantine_is_bounded_and_the_oldest_go);
        tcase_add_test(c, quarantine_is_bounded_in_bytes);
        tcase_add_test(c, a_disk_without_room_gets_no_copies);
        tcase_add_test(c, what_is_under_way_at_the_end_is_told);
        tcase_add_test(c, no_record_is_lost_with_a_page_0);
        tcase_add_test(c, what_stands_in_the_place_of_a_file_is_named);
        tcase_add_test(c, what_others_called_like_a_slot_stays);
        tcase_add_test(c, each_foreign_thing_is_told_up_to_a_bound);
        tcase_add_test(c, the_identity_is_missing_or_another);
        return suite_run(s);
}
