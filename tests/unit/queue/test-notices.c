/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "bench.h"
#include "queue/checkpoint.h"
#include "queue/notices.h"
#include "queue/ranges.h"
#include "suite.h"

/* ---- pure ---- */

static size_t untold(const Notices *n, NoticeRange ranges[static NOTICES_MAX])
{
        Outcome outcome;
        uint8_t id;

        return notices_untold(n, &id, &outcome, ranges);
}

START_TEST(neighbours_are_one_range)
{
        NoticeRange r[NOTICES_MAX];
        Notices n;

        notices_init(&n);
        ck_assert_uint_eq(n.due_usec, USEC_INFINITY);
        ck_assert(notices_settled(&n, 1, 10, 19, OUTCOME_AGE, 100));
        ck_assert_uint_eq(n.due_usec, 100 + NOTICES_USEC);
        ck_assert(notices_settled(&n, 1, 30, 39, OUTCOME_AGE, 200));
        ck_assert(notices_settled(&n, 1, 20, 29, OUTCOME_AGE, 300));
        ck_assert(notices_settled(&n, 2, 40, 49, OUTCOME_AGE, 300)); /* another stream */
        ck_assert(notices_settled(&n, 1, 40, 49, OUTCOME_EXPIRED, 300)); /* another reason */
        ck_assert(notices_settled(&n, 1, 50, 59, OUTCOME_ACKNOWLEDGED, 300)); /* none at all */
        ck_assert_uint_eq(n.n_items, 3);
        ck_assert_uint_eq(n.due_usec, 100 + NOTICES_USEC);
        ck_assert_uint_eq(untold(&n, r), 1);
        ck_assert_uint_eq(r[0].first, 10);
        ck_assert_uint_eq(r[0].last, 39);
}
END_TEST

START_TEST(a_range_stays_until_its_notice_is_acknowledged)
{
        NoticeRange r[NOTICES_MAX];
        Notices n;

        notices_init(&n);
        (void)notices_settled(&n, 1, 10, 19, OUTCOME_QUEUE_FULL, 0);
        ck_assert_uint_eq(untold(&n, r), 1);
        notices_told(&n, 1, OUTCOME_QUEUE_FULL, r, 1, 100);
        ck_assert_uint_eq(n.due_usec, USEC_INFINITY);
        ck_assert_uint_eq(untold(&n, r), 0);
        ck_assert_uint_eq(n.n_items, 1);

        /* its record is dropped in its turn: told anew, together with what went along */
        (void)notices_settled(&n, 1, 20, 120, OUTCOME_QUEUE_FULL, 50);
        ck_assert_uint_eq(untold(&n, r), 1);
        ck_assert_uint_eq(r[0].first, 10);
        ck_assert_uint_eq(r[0].last, 120);
        notices_told(&n, 1, OUTCOME_QUEUE_FULL, r, 1, 200);
        (void)notices_settled(&n, 2, 200, 200, OUTCOME_ACKNOWLEDGED, 60); /* another stream's */
        ck_assert_uint_eq(n.n_items, 1);
        (void)notices_settled(&n, 1, 190, 210, OUTCOME_ACKNOWLEDGED, 60);
        ck_assert_uint_eq(n.n_items, 0);
        ck_assert_uint_eq(n.due_usec, USEC_INFINITY);
}
END_TEST

START_TEST(a_range_that_grew_meanwhile_is_told_anew)
{
        NoticeRange r[NOTICES_MAX], again[NOTICES_MAX];
        Notices n;

        notices_init(&n);
        (void)notices_settled(&n, 1, 10, 19, OUTCOME_QUEUE_FULL, 0);
        ck_assert_uint_eq(untold(&n, r), 1);
        (void)notices_settled(&n, 1, 20, 29, OUTCOME_QUEUE_FULL, 0); /* while its record was appended */
        notices_told(&n, 1, OUTCOME_QUEUE_FULL, r, 1, 100);
        ck_assert_uint_eq(untold(&n, again), 1);
        ck_assert_uint_eq(again[0].last, 29);
        ck_assert_uint_ne(n.due_usec, USEC_INFINITY);
}
END_TEST

START_TEST(the_table_is_bounded)
{
        NoticeRange r[NOTICES_MAX];
        Notices n;

        notices_init(&n);
        for (uint64_t i = 0; i < NOTICES_MAX; i++) {
                ck_assert(notices_settled(&n, 1, 10 + 2 * i, 10 + 2 * i, OUTCOME_AGE, 1000));
                ck_assert_int_eq(notices_are_many(&n), i + 1 >= 48);
                ck_assert_uint_eq(n.due_usec, i + 1 >= 48 ? 1000 : 1000 + NOTICES_USEC);
        }
        ck_assert(!notices_settled(&n, 1, 1000, 1000, OUTCOME_AGE, 1000));
        ck_assert(notices_settled(&n, 1, 11, 11, OUTCOME_AGE, 1000)); /* three become one */
        ck_assert_uint_eq(n.n_items, NOTICES_MAX - 1);
        ck_assert_uint_eq(untold(&n, r), NOTICES_MAX - 1);
        notices_told(&n, 1, OUTCOME_AGE, r, NOTICES_MAX - 1, 5000);
        for (uint64_t i = 0; i < 10; i++) /* those that are in a record give way */
                ck_assert(notices_settled(&n, 1, 1000 + 2 * i, 1000 + 2 * i, OUTCOME_AGE, 1000));
        ck_assert_uint_eq(n.n_items, NOTICES_MAX);
        ck_assert_uint_eq(untold(&n, r), 10);
}
END_TEST

START_TEST(a_notice_as_bytes)
{
        NoticeRange in[NOTICES_MAX], out[NOTICES_MAX];
        uint8_t bytes[NOTICE_BYTES_MAX + 1];
        Outcome outcome;
        size_t n, size;

        for (size_t i = 0; i < NOTICES_MAX; i++)
                in[i] = (NoticeRange){i * 10 + 1, i * 10 + 5};
        for (size_t k = 1; k <= NOTICES_MAX; k++) {
                size = notice_encode(OUTCOME_DAMAGED, in, k, bytes);
                ck_assert(notice_decode(bytes, size, &outcome, out, &n));
                ck_assert_int_eq(outcome, OUTCOME_DAMAGED);
                ck_assert_uint_eq(n, k);
                ck_assert_mem_eq(in, out, k * sizeof(*in));
                for (size_t cut = 0; cut < size; cut++)
                        insist(!notice_decode(bytes, cut, &outcome, out, &n));
                insist(!notice_decode(bytes, size + 1, &outcome, out, &n));
        }
        bytes[0] = _OUTCOME_MAX;
        ck_assert(!notice_decode(bytes, size, &outcome, out, &n));
        size = notice_encode(OUTCOME_AGE, &(NoticeRange){5, 4}, 1, bytes);
        ck_assert(!notice_decode(bytes, size, &outcome, out, &n));
        size = notice_encode(OUTCOME_AGE, &(NoticeRange){0, 4}, 1, bytes);
        ck_assert(!notice_decode(bytes, size, &outcome, out, &n));
}
END_TEST

START_TEST(checkpoints_hold_them)
{
        static Checkpoint in, out;
        uint8_t bytes[CHECKPOINT_BYTES_MAX];
        size_t size;

        in = (Checkpoint){.n_notices = NOTICES_MAX};
        for (size_t i = 0; i < NOTICES_MAX; i++)
                in.notices[i] = (Notice){(uint8_t)(i % 32), OUTCOME_AGE, 1000000 + i, 2000000 + i * i,
                                         i % 2 ? 3000000 : 0};
        size = checkpoint_encode(&in, CHECKPOINT_NOTICES, bytes, sizeof(bytes), NULL);
        ck_assert_uint_gt(size, 0);
        ck_assert_int_eq(checkpoint_decode(&out, bytes, size), 0);
        ck_assert_uint_eq(out.n_notices, NOTICES_MAX);
        for (size_t i = 0; i < NOTICES_MAX; i++) { /* the untold ones are the first */
                const Notice *a = &in.notices[i < NOTICES_MAX / 2 ? i * 2 : (i - NOTICES_MAX / 2) * 2 + 1],
                        *b = &out.notices[i];

                ck_assert(a->id == b->id && a->outcome == b->outcome && a->first == b->first && a->last == b->last &&
                          a->n == b->n);
        }
        for (size_t room = 0; room < size; room++) { /* as many as find room */
                size_t n = checkpoint_encode(&in, CHECKPOINT_NOTICES, bytes, room, NULL);

                insist(n <= room);
                insist(n == 0 || checkpoint_decode(&out, bytes, n) == 0);
        }
}
END_TEST

/* ---- in a queue ---- */

/* What the notices among the waiting records tell of. Returns how many notices there are. */
static size_t read_notices(Bench *b, Ranges *told)
{
        size_t n = 0;

        for (int source = 0; source < 2; source++) {
                QueueRecord record;

                while (queue_peek(b->queue, QUEUE_LANE_NORMAL, (QueueSource)source, &record) == 0) {
                        NoticeRange r[NOTICES_MAX];
                        Outcome outcome;
                        size_t n_ranges;

                        queue_advance(b->queue, QUEUE_LANE_NORMAL, (QueueSource)source);
                        if (record.kind != QUEUE_KIND_NOTICE)
                                continue;
                        insist(notice_decode(record.payload, record.size, &outcome, r, &n_ranges));
                        insist(outcome_is_drop(outcome));
                        n++;
                        for (size_t i = 0; i < n_ranges; i++) {
                                uint64_t x, y;

                                for (uint64_t first = r[i].first; ranges_gap(told, first, r[i].last, &x, &y);
                                     first = y + 1) {
                                        insist(ranges_reserve(told, 1) == 0);
                                        ranges_put(told, x, y, 0);
                                }
                        }
                }
        }
        return n;
}

static uint64_t count(const Ranges *r)
{
        uint64_t sum = 0;

        for (size_t i = 0; i < r->n; i++)
                sum += r->items[i].last - r->items[i].first + 1;
        return sum;
}

static void small(Bench *b)
{
        log_configure(&(LogSettings){.level = LOG_EMERG});
        bench_init(b);
        b->tells = true;
        b->settings.n_lanes = 1;
        b->settings.max_bytes = 1;
        bench_open(b);
}

START_TEST(a_drop_is_told_after_five_seconds)
{
        Ranges told = RANGES_NULL;
        uint64_t dropped;
        unsigned s;
        Bench b;

        small(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        while (b.settled[OUTCOME_QUEUE_FULL] == 0) {
                for (int k = 0; k < 20; k++)
                        insist(bench_append_big(&b, s, 1000) == 0);
                bench_run(&b, USEC_PER_SEC);
        }
        dropped = b.settled[OUTCOME_QUEUE_FULL];
        bench_run(&b, 7 * USEC_PER_SEC);
        ck_assert_uint_eq(read_notices(&b, &told), 1);
        ck_assert_uint_eq(count(&told), dropped);
        ck_assert_uint_eq(told.items[0].first, 1);
        ranges_done(&told);
        bench_done(&b);
}
END_TEST

START_TEST(without_a_link_they_gather)
{
        Ranges told = RANGES_NULL;
        unsigned s;
        Bench b;

        small(&b);
        queue_set_link(b.queue, false);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        for (int i = 0; i < 300; i++) {
                for (int k = 0; k < 20; k++)
                        insist(bench_append_big(&b, s, 1000) == 0);
                bench_run(&b, USEC_PER_SEC);
        }
        ck_assert_uint_eq(bench_ledger(&b).accepted, 6000);
        queue_set_link(b.queue, true);
        bench_run(&b, 3 * USEC_PER_SEC);
        ck_assert_uint_eq(read_notices(&b, &told), 1);
        ck_assert_uint_eq(count(&told), b.settled[OUTCOME_QUEUE_FULL]);
        ranges_done(&told);
        bench_done(&b);
}
END_TEST

static void reopened(Bench *b, const FakeDisk *after, size_t n_entries, FakeCut cut)
{
        Ranges told = RANGES_NULL;
        Bench c;
        Ledger l;

        bench_init(&c);
        c.disk = fake_disk_free(c.disk);
        c.disk = fake_disk_after_cut(after, n_entries, cut, n_entries * 7 + (unsigned)cut);
        c.tells = true;
        c.settings = b->settings;
        bench_open(&c);
        l = bench_ledger(&c); /* what is dropped now was dropped durably before the cut, or found missing after it */
        bench_run(&c, 10 * USEC_PER_SEC);
        (void)read_notices(&c, &told);
        bench_run(&c, 10 * USEC_PER_SEC);
        (void)read_notices(&c, &told); /* of what the reading found damaged */
        if (count(&told) < ledger_dropped(&l))
                ck_abort_msg("cut %d after %zu changes: %llu are dropped, %llu told", (int)cut, n_entries,
                             (unsigned long long)ledger_dropped(&l), (unsigned long long)count(&told));
        l = bench_ledger(&c);
        insist(count(&told) >= ledger_dropped(&l));
        ranges_done(&told);
        bench_done(&c);
}

/* From the first drop until its notice is long durable, at every change of the disk. Nobody has read anything: so all
 * that is dropped must stand in some notice after the cut. */
START_TEST(no_cut_loses_one)
{
        size_t before = 0;
        unsigned s;
        Bench b;

        small(&b);
        s = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        while (b.settled[OUTCOME_QUEUE_FULL] == 0) {
                for (int k = 0; k < 50; k++)
                        insist(bench_append_big(&b, s, 1000) == 0);
                before = b.disk->n_entries;
                bench_run(&b, USEC_PER_SEC);
        }
        for (int second = 0; second < 20; second++) {
                for (int k = 0; k < 20; k++) /* slots are dropped one after another, and notices with them */
                        insist(bench_append_big(&b, s, 1000) == 0);
                bench_run(&b, USEC_PER_SEC);
        }
        ck_assert_uint_gt(b.disk->n_entries, before + 40);
        for (size_t n = before; n <= b.disk->n_entries; n++)
                reopened(&b, b.disk, n, (FakeCut)_i);
        bench_done(&b);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("queue/notices");
        TCase *c = suite_case(s, "no consumer takes a gap for a loss");

        tcase_set_timeout(c, 120);
        tcase_add_test(c, neighbours_are_one_range);
        tcase_add_test(c, a_range_stays_until_its_notice_is_acknowledged);
        tcase_add_test(c, a_range_that_grew_meanwhile_is_told_anew);
        tcase_add_test(c, the_table_is_bounded);
        tcase_add_test(c, a_notice_as_bytes);
        tcase_add_test(c, checkpoints_hold_them);
        tcase_add_test(c, a_drop_is_told_after_five_seconds);
        tcase_add_test(c, without_a_link_they_gather);
        tcase_add_loop_test(c, no_cut_loses_one, 0, _FAKE_CUT_MAX);
        return suite_run(s);
}
