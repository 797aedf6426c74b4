/* SPDX-License-Identifier: Apache-2.0 */

/* What the tools make of a directory: whole, torn, damaged, and any bytes at all. Nothing of it is changed. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/disk-rehearsal.h"
#include "base/log.h"
#include "bench.h"
#include "queue/archive.h"
#include "queue/page.h"
#include "suite.h"

#define FINDINGS_MAX 1024

typedef struct Seen {
        uint64_t n[QUEUE_STREAMS_MAX], waiting[QUEUE_STREAMS_MAX], last[QUEUE_STREAMS_MAX];
        uint64_t n_big;
        ArchiveFault faults[FINDINGS_MAX];
        uint64_t offsets[FINDINGS_MAX];
        bool harmless[FINDINGS_MAX];
        size_t n_faults;
        uint64_t missing;
        uint64_t progress, of;
} Seen;

static int on_record(void *userdata, const ArchiveRecord *r)
{
        Seen *s = userdata;

        insist(r->n > s->last[r->stream]); /* each once, in order: no stream changes its lane here */
        insist(r->name[0] != 0);
        s->last[r->stream] = r->n;
        s->n[r->stream]++;
        s->waiting[r->stream] += r->waiting;
        if (r->size > PAGE_BYTES) {
                s->n_big++;
                for (size_t i = 0; i < r->size; i++)
                        insist(((const uint8_t *)r->payload)[i] == (uint8_t)(i * 7 + r->size));
        }
        return 0;
}

static void on_finding(void *userdata, const ArchiveFinding *f)
{
        Seen *s = userdata;

        if (f->fault == ARCHIVE_MISSING && !f->harmless)
                s->missing += f->last - f->first + 1;
        if (s->n_faults == FINDINGS_MAX)
                return;
        s->faults[s->n_faults] = f->fault;
        s->offsets[s->n_faults] = f->offset;
        s->harmless[s->n_faults++] = f->harmless;
}

static void on_progress(void *userdata, uint64_t pages, uint64_t of)
{
        Seen *s = userdata;

        insist(pages > s->progress && pages <= of);
        s->progress = pages;
        s->of = of;
}

/* Opens and walks; the disk is as it was. */
static int look(Bench *b, Seen *seen, ArchiveTotals *totals)
{
        uint64_t writes = b->disk->n_writes, syncs = b->disk->n_syncs;
        size_t entries = b->disk->n_entries;
        ArchiveVisitor visitor = {on_record, on_finding, on_progress, seen};
        char reason[ARCHIVE_REASON_MAX];
        Archive *a = NULL;
        int r;

        *seen = (Seen){};
        *totals = (ArchiveTotals){};
        r = archive_open(&a, "/queue", &b->disk->disk, reason);
        if (r == 0) {
                for (size_t i = 0; i < archive_n_slots(a); i++) {
                        ArchiveSlot slot;

                        archive_slot(a, i, &slot);
                        insist(slot.n_used <= slot.n_pages);
                }
                for (unsigned i = 0; i < archive_n_streams(a); i++) {
                        ArchiveStream stream;

                        if (archive_stream(a, i, &stream))
                                insist(stream.low <= stream.next && stream.name[0]);
                }
                ck_assert_int_eq(archive_walk(a, &visitor, totals), 0);
        } else
                insist(reason[0] != 0);
        a = archive_free(a);
        ck_assert_uint_eq(b->disk->n_writes, writes);
        ck_assert_uint_eq(b->disk->n_syncs, syncs);
        ck_assert_uint_eq(b->disk->n_entries, entries);
        return r;
}

static void start(Bench *b)
{
        bench_init(b);
        log_configure(&(LogSettings){.level = LOG_EMERG});
        bench_open(b);
}

/* Readings over several slots and two openings, alarms in the other lane, some large messages. */
static void fill(Bench *b)
{
        unsigned telemetry, alarms;

        for (int run = 0; run < 2; run++) {
                if (!b->queue)
                        bench_open(b);
                telemetry = bench_stream(b, "telemetry", QUEUE_LANE_NORMAL);
                alarms = bench_stream(b, "alarms", QUEUE_LANE_URGENT);
                for (int i = 0; i < 3000; i++) {
                        char text[300];

                        memset(text, 'x', sizeof(text) - 1);
                        text[sizeof(text) - 1] = 0;
                        while (bench_append(b, telemetry, text) == QUEUE_E_BUSY)
                                bench_run(b, USEC_PER_SEC);
                        if (i % 500 == 0) {
                                bench_run(b, USEC_PER_SEC);
                                ck_assert_int_eq(bench_append_big(b, telemetry, 20000 + (size_t)i), 0);
                                ck_assert_int_eq(bench_append(b, alarms, "too hot"), 0);
                        }
                        if (i % 40 == 0)
                                bench_run(b, USEC_PER_SEC);
                }
                bench_run(b, USEC_PER_MIN);
                bench_close(b);
        }
}

#define FILLED 6012 /* telemetry */

START_TEST(a_whole_queue_is_whole)
{
        ArchiveTotals t;
        Seen seen;
        Bench b;

        start(&b);
        fill(&b);
        ck_assert_int_eq(look(&b, &seen, &t), 0);
        ck_assert_uint_eq(t.damaged + t.harmless, 0);
        ck_assert_uint_eq(seen.n[0], FILLED);
        ck_assert_uint_eq(seen.waiting[0], FILLED);
        ck_assert_uint_eq(seen.n[1], 12);
        ck_assert_uint_eq(seen.n_big, 12);
        ck_assert_uint_eq(t.records, FILLED + 12);
        ck_assert_uint_eq(seen.progress, seen.of);
        bench_done(&b);
}
END_TEST

START_TEST(what_is_settled_does_not_wait)
{
        ArchiveTotals t;
        Seen seen;
        Bench b;

        start(&b);
        fill(&b);
        bench_open(&b);
        queue_settle(b.queue, 0, 0, 1, 1000, OUTCOME_ACKNOWLEDGED);
        queue_settle(b.queue, 0, 0, 2001, 2010, OUTCOME_EXPIRED);
        bench_close(&b);
        ck_assert_int_eq(look(&b, &seen, &t), 0);
        ck_assert_uint_eq(t.damaged, 0);
        ck_assert_uint_ge(seen.waiting[0], FILLED - 1010);
        ck_assert_uint_le(seen.waiting[0], FILLED - 1010 + 2); /* a notice */
        bench_done(&b);
}
END_TEST

static bool has(const Seen *s, ArchiveFault fault, uint64_t offset)
{
        for (size_t i = 0; i < s->n_faults; i++)
                if (s->faults[i] == fault && s->offsets[i] == offset && !s->harmless[i])
                        return true;
        return false;
}

/* A bit in each page of a slot in turn: it is found where it is, or nothing was there. */
START_TEST(a_flipped_bit_is_found_where_it_is)
{
        unsigned n_found = 0, n_pages = 0;
        size_t size;
        uint8_t *file;
        ArchiveTotals t;
        Seen seen;
        Bench b;

        start(&b);
        fill(&b);
        file = fake_disk_file(b.disk, "/queue/normal/seg-0000", &size);
        ck_assert_ptr_nonnull(file);
        for (size_t page = 0; page < size / PAGE_BYTES; page += 5) {
                uint8_t *bytes = file + page * PAGE_BYTES;
                Page was;

                if (page_open(bytes, &was) != 0)
                        continue;
                n_pages++;
                bytes[2000] ^= 4;
                ck_assert_int_eq(look(&b, &seen, &t), 0);
                ck_assert_uint_eq(seen.n[0] + seen.missing, FILLED - (was.kind == PAGE_CONT));
                n_found += has(&seen, ARCHIVE_BAD_PAGE, page * PAGE_BYTES);
                bytes[2000] ^= 4;
        }
        ck_assert_uint_gt(n_pages, 10);
        ck_assert_uint_eq(n_found, n_pages);
        ck_assert_int_eq(look(&b, &seen, &t), 0);
        ck_assert_uint_eq(t.damaged, 0);
        bench_done(&b);
}
END_TEST

/* A page that a lying disk never wrote: what stood there before is whole, and not the one. */
START_TEST(a_write_that_was_lost_is_found)
{
        size_t size, at = PAGE_BYTES;
        uint8_t *file;
        ArchiveTotals t;
        Seen seen;
        Bench b;

        start(&b);
        fill(&b);
        file = fake_disk_file(b.disk, "/queue/normal/seg-0000", &size);
        while (page_kind(file + at) != PAGE_DATA)
                at += PAGE_BYTES;
        memset(file + at, 0, PAGE_BYTES);
        ck_assert_int_eq(look(&b, &seen, &t), 0);
        ck_assert(has(&seen, ARCHIVE_LOST_WRITE, at));
        ck_assert_uint_gt(seen.missing, 0);
        ck_assert_uint_eq(seen.n[0] + seen.missing, FILLED);
        bench_done(&b);
}
END_TEST

START_TEST(heads_and_identities_and_files_that_are_gone)
{
        static const char *const files[] = {"/queue/normal/seg-0000", "/queue/normal/seg-0001", "/queue/normal/lane",
                                            "/queue/urgent/lane", "/queue/urgent/seg-0000"};

        for (size_t i = 0; i < ARRAY_SIZE(files); i++)
                for (int how = 0; how < 2; how++) {
                        uint8_t *file;
                        ArchiveTotals t;
                        size_t size;
                        Seen seen;
                        Bench b;

                        start(&b);
                        fill(&b);
                        file = fake_disk_file(b.disk, files[i], &size);
                        ck_assert_ptr_nonnull(file);
                        if (how == 0)
                                file[100] ^= 1;
                        else
                                ck_assert_int_eq(disk_unlink(&b.disk->disk, files[i]), 0);
                        ck_assert_int_eq(look(&b, &seen, &t), 0);
                        if (how == 0 || i == 2 || i == 3)
                                ck_assert_msg(t.damaged > 0, "%s: %d", files[i], how);
                        bench_done(&b);
                }
}
END_TEST

/* What a power cut leaves is no damage: the end of a crash, and nothing that was accepted. */
START_TEST(the_end_of_a_crash_is_harmless)
{
        unsigned n_torn = 0;

        for (unsigned seed = 0; seed < 60; seed++) {
                ArchiveTotals t;
                unsigned s;
                Seen seen;
                Bench b;

                start(&b);
                s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
                for (int i = 0; i < 40; i++) {
                        char text[1500];

                        memset(text, 'y', sizeof(text) - 1);
                        text[sizeof(text) - 1] = 0;
                        for (unsigned k = 0; k < 1 + seed % 7; k++)
                                (void)bench_append(&b, s, text);
                        bench_run(&b, USEC_PER_SEC);
                }
                bench_cut(&b, b.disk->n_entries - seed / 6 - 1, (FakeCut)(FAKE_CUT_TORN + seed % 4), seed);
                for (int more = 0; more < 2; more++) {
                        ck_assert_int_eq(look(&b, &seen, &t), 0);
                        ck_assert_msg(t.damaged == 0, "seed %u, %d: fault %d at %llu", seed, more, seen.faults[0],
                                      (unsigned long long)seen.offsets[0]);
                        n_torn += t.harmless > 0;
                        bench_open(&b);
                        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
                        for (int i = 0; i < 20; i++) {
                                (void)bench_append(&b, s, "after the power came back");
                                bench_run(&b, USEC_PER_SEC);
                        }
                        bench_close(&b);
                }
                bench_done(&b);
        }
        ck_assert_uint_gt(n_torn, 0);
}
END_TEST

/* Whatever the bytes are: it comes to an end, and says something of it. */
START_TEST(any_bytes_at_all)
{
        static const char *const files[] = {"/queue/normal/seg-0000", "/queue/normal/seg-0001", "/queue/normal/lane",
                                            "/queue/urgent/seg-0000"};
        FakeRandom dice;

        fake_random_init(&dice, 7);
        for (unsigned round = 0; round < 40; round++) {
                ArchiveTotals t;
                Seen seen;
                Bench b;

                start(&b);
                fill(&b);
                for (unsigned k = 0; k < 1 + round; k++) {
                        uint64_t draw = dice.random.draw(dice.random.userdata);
                        size_t size;
                        uint8_t *file = fake_disk_file(b.disk, files[draw % ARRAY_SIZE(files)], &size);
                        size_t at = (size_t)(draw >> 8) % size, n = MIN(size - at, (size_t)(draw >> 40) % 9000);

                        for (size_t i = 0; i < n; i++)
                                file[at + i] = (uint8_t)(draw >> (i % 57));
                        /* and one that is whole, and lies: its checksum is right again */
                        if (k % 3 == 0) {
                                uint8_t *bytes = file + at / PAGE_BYTES * PAGE_BYTES;
                                Page page;

                                page_set_used(bytes, PAGE_HEADER + (size_t)(draw >> 20) % (PAGE_ROOM + 1));
                                page = (Page){.kind = bytes[5], .used = page_used(bytes)};
                                memcpy(&page.lane, bytes + 8, 8);
                                memcpy(&page.segno, bytes + 24, 8);
                                memcpy(&page.commit, bytes + 32, 8);
                                page_seal(bytes, &page);
                        }
                }
                if (look(&b, &seen, &t) == 0)
                        insist(t.records <= FILLED + 12 + 100000);
                bench_done(&b);
        }
}
END_TEST

START_TEST(what_is_no_queue_is_said_to_be_none)
{
        char reason[ARCHIVE_REASON_MAX];
        Archive *a = NULL;
        Bench b;

        start(&b);
        bench_close(&b);
        ck_assert_int_eq(archive_open(&a, "/nowhere", &b.disk->disk, reason), -ENOENT);
        ck_assert_int_eq(disk_mkdir(&b.disk->disk, "/empty"), 0);
        ck_assert_int_eq(archive_open(&a, "/empty", &b.disk->disk, reason), -ENOENT);
        ck_assert_ptr_nonnull(strstr(reason, "no queue"));
        b.disk->locked = true;
        ck_assert_int_eq(archive_open(&a, "/queue", &b.disk->disk, reason), -EWOULDBLOCK);
        b.disk->locked = false;
        ck_assert_int_eq(archive_open(&a, "/queue", &b.disk->disk, reason), 0);
        a = archive_free(a);
        bench_done(&b);
}
END_TEST

/* Whoever adds a call to the seam is to say here what becomes of it. */
START_TEST(a_rehearsal_answers_every_call)
{
        void *const *op;
        Disk *disk;
        Bench b;

        start(&b);
        ck_assert_int_eq(disk_rehearsal_new(&disk, &b.disk->disk), 0);
        op = (void *const *)disk->ops;
        for (size_t i = 0; i < sizeof(*disk->ops) / sizeof(*op); i++)
                ck_assert_ptr_nonnull(op[i]);
        disk = disk_free(disk);
        bench_done(&b);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("queue/archive");
        TCase *c = suite_case(s, "a queue looked at from outside");

        tcase_set_timeout(c, 120);
        tcase_add_test(c, a_whole_queue_is_whole);
        tcase_add_test(c, what_is_settled_does_not_wait);
        tcase_add_test(c, a_flipped_bit_is_found_where_it_is);
        tcase_add_test(c, a_write_that_was_lost_is_found);
        tcase_add_test(c, heads_and_identities_and_files_that_are_gone);
        tcase_add_test(c, the_end_of_a_crash_is_harmless);
        tcase_add_test(c, any_bytes_at_all);
        tcase_add_test(c, what_is_no_queue_is_said_to_be_none);
        tcase_add_test(c, a_rehearsal_answers_every_call);
        return suite_run(s);
}
