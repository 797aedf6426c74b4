/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Dead letters when the power goes, when the disk fails, when there is no memory: a record is in one place at least.
 */

#include <stdio.h>
#include <string.h>

#include "dead-house.h"
#include "fail-alloc.h"
#include "suite.h"

/* ---- the power goes ---- */

/* How often the value is on either side. */
typedef struct Places {
        unsigned queued, dead;
} Places;

static Places find(House *h, double value)
{
        const DeadLetter *l;
        QueueRecord record;
        Places p = {};
        size_t n;

        house_run(h, USEC_PER_SEC);
        for (uint64_t at = 1; queue_browse(h->queue, h->stream, at, UINT64_MAX, &record) == 0; at = record.n + 1) {
                ReadingSpace space;
                Reading reading;

                if (record.kind == QUEUE_KIND_NOTICE)
                        continue;
                insist(reading_decode(record.payload, record.size, &space, &reading) == 0);
                p.queued += reading.channels[0].value.number == value;
        }
        n = house_listed(h, &l);
        for (size_t i = 0; i < n; i++) {
                Got g = house_get(h, l[i].id);

                insist(g.error == REQUEST_OK);
                p.dead += g.value == value;
        }
        return p;
}

/* Two records, one is set aside and later requeued. Gives the moments on the disk. */
static void tell(House *h, size_t *accepted, size_t *moved)
{
        house_begin(h);
        (void)house_put_reading(h, 1, true);
        (void)house_put_reading(h, 2, true);
        *accepted = h->receipt_at;
        house_set_aside(h, 2, 2);
        house_run(h, 35 * USEC_PER_SEC); /* a checkpoint */
        *moved = h->disk->n_entries;
        ck_assert_int_eq(house_requeue(h, 1).error, REQUEST_OK);
        house_run(h, 35 * USEC_PER_SEC);
}

START_TEST(at_every_moment_it_is_somewhere)
{
        size_t accepted, moved, n_entries;
        unsigned in_both = 0;
        House h;

        tell(&h, &accepted, &moved);
        n_entries = h.disk->n_entries;
        for (size_t at = accepted; at <= n_entries; at++)
                for (FakeCut cut = 0; cut < _FAKE_CUT_MAX; cut++) {
                        House after = {.clock = h.clock, .random = h.random,
                                       .disk = fake_disk_after_cut(h.disk, at, cut, at)};
                        Places p;

                        house_open(&after);
                        p = find(&after, 2);
                        insist(p.queued + p.dead >= 1);
                        insist(p.queued <= 1 && p.dead <= 1);
                        in_both += p.queued + p.dead == 2;
                        p = find(&after, 1);
                        insist(p.queued == 1 && p.dead == 0);
                        house_end(&after);
                }
        ck_assert_uint_gt(in_both, 0);
        house_end(&h);
}
END_TEST

/* The power went after the copy was safe and before the original was settled: moved again, it is recognised. */
START_TEST(what_was_moved_before_a_cut_is_not_there_twice)
{
        size_t accepted, moved, n_entries;
        unsigned n_recognised = 0;
        House h;

        tell(&h, &accepted, &moved);
        n_entries = moved;
        for (size_t at = accepted; at <= n_entries; at++) {
                House after = {.clock = h.clock, .random = h.random,
                               .disk = fake_disk_after_cut(h.disk, at, FAKE_CUT_LOST, at)};
                Places before, p;
                Ledger now;

                house_open(&after);
                before = find(&after, 2);
                n_recognised += before.queued && before.dead;
                house_set_aside(&after, 2, 2);
                p = find(&after, 2);
                insist(p.queued == 0 && p.dead == 1);
                now = house_ledger(&after);
                insist(now.settled[OUTCOME_TOO_LARGE] == 1 && house_waiting(&after) == 1);
                house_end(&after);
        }
        ck_assert_uint_gt(n_recognised, 0);
        house_end(&h);
}
END_TEST

/* Every call to the disk fails once: the move is done in the end. */
START_TEST(every_call_may_fail_once)
{
        for (uint64_t n = 1;; n++) {
                const DeadLetter *l;
                uint64_t calls;
                Ledger now;
                House h;

                house_begin(&h);
                (void)house_put_reading(&h, 1, true);
                (void)house_put_reading(&h, 2, true);
                calls = h.disk->n_calls;
                h.disk->fail_at = calls + n;
                h.disk->fail_count = 1;
                h.disk->fail_errno = 5;
                house_set_aside(&h, 1, 1);
                house_run(&h, 5 * USEC_PER_MIN);
                insist(house_listed(&h, &l) == 1);
                now = house_ledger(&h);
                insist(now.settled[OUTCOME_TOO_LARGE] == 1 && house_waiting(&h) == 1);
                calls = h.disk->n_calls - calls;
                house_close(&h, USEC_PER_SEC);
                house_open(&h);
                house_run(&h, 5 * USEC_PER_MIN);
                insist(house_listed(&h, &l) == 1);
                house_end(&h);
                if (calls < n)
                        break;
        }
}
END_TEST

/* ---- memory ---- */

/* 0: it is not there. */
static uint64_t letter_of(const House *h, uint64_t record)
{
        const DeadLetter *l;
        size_t n = house_listed(h, &l);

        for (size_t i = 0; i < n; i++)
                if (l[i].n == record)
                        return l[i].id;
        return 0;
}

/* One is set aside, looked at and requeued, another set aside and deleted. False: no allocation failed. */
static bool memory_fails(uint64_t n, uint64_t count)
{
        Got got = {}, requeued = {}, deleted = {};
        const DeadLetter *l;
        bool struck;
        Places p;
        House h;

        house_begin(&h);
        for (int i = 1; i <= 3; i++)
                (void)house_put_reading(&h, i, true);
        fail_alloc(n, count);
        for (int i = 1; i <= 2; i++) {
                (void)dead_letters_move(h.dead, h.stream, (uint64_t)i, (uint64_t)i, OUTCOME_TOO_LARGE, "it is too large");
                house_run(&h, 35 * USEC_PER_SEC);
        }
        house_ask_get(&h, letter_of(&h, 1), &got);
        house_run(&h, USEC_PER_SEC);
        house_ask_requeue(&h, letter_of(&h, 1), &requeued);
        house_run(&h, 35 * USEC_PER_SEC);
        house_ask_delete(&h, letter_of(&h, 2), &deleted);
        house_run(&h, USEC_PER_SEC);
        struck = fail_alloc_stop();
        house_run(&h, 5 * USEC_PER_MIN);
        house_close(&h, 10 * USEC_PER_SEC); /* what could not be listed for want of memory is listed at the next start */
        house_open(&h);

        insist(got.n_answers == 1 && requeued.n_answers == 1 && deleted.n_answers == 1);
        /* What could not be settled for want of memory stays as well: never in none. */
        p = find(&h, 1);
        insist(requeued.error == REQUEST_OK ? p.queued >= 1 && p.queued <= 2 && p.dead <= 1 : p.queued + p.dead >= 1);
        p = find(&h, 2);
        insist(p.queued <= 1 && p.dead <= 1 && (deleted.error == REQUEST_OK || p.queued + p.dead >= 1));
        p = find(&h, 3);
        insist(p.queued == 1 && p.dead == 0);
        insist(house_listed(&h, &l) <= 2);
        house_end(&h);
        return struck;
}

START_TEST(an_allocation_fails)
{
        static const uint64_t counts[] = {1, 3, 20};
        uint64_t n;

        for (n = 1; memory_fails(n, counts[_i]); n++)
                ;
        (void)printf("# allocations 1 to %llu, %llu at a time\n", (unsigned long long)n, (unsigned long long)counts[_i]);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/dead-letters-faults");
        TCase *c = suite_case(s, "the power goes, the disk fails, memory is short");

        tcase_add_test(c, at_every_moment_it_is_somewhere);
        tcase_add_test(c, what_was_moved_before_a_cut_is_not_there_twice);
        tcase_add_test(c, every_call_may_fail_once);
        tcase_add_loop_test(c, an_allocation_fails, 0, 3);
        return suite_run(s);
}
