/* SPDX-License-Identifier: Apache-2.0 */

/* Looking at records by number, whoever has them in hand. */

#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "suite.h"

static int browse(Bench *b, unsigned stream, uint64_t first, uint64_t last, QueueRecord *ret)
{
        int r;

        for (int i = 0; i < 100; i++) {
                r = queue_browse(b->queue, stream, first, last, ret);
                if (r != QUEUE_E_WAIT)
                        return r;
                disk_dispatch(&b->disk->disk);
        }
        return r;
}

static void put(Bench *b, unsigned stream, unsigned first, unsigned n)
{
        for (unsigned i = 0; i < n; i++) {
                char text[64];

                (void)snprintf(text, sizeof(text), "%u of %u", first + i, stream);
                insist(bench_append(b, stream, text) == 0);
                if (i % 50 == 49)
                        bench_run(b, USEC_PER_SEC);
        }
        bench_run(b, 2 * USEC_PER_SEC);
}

static void insist_on(const QueueRecord *r, unsigned stream, uint64_t n)
{
        char text[64];

        (void)snprintf(text, sizeof(text), "%llu of %u", (unsigned long long)n, stream);
        insist(r->stream == stream && r->n == n);
        insist(r->size == strlen(text) && memcmp(r->payload, text, r->size) == 0);
}

static void begin(Bench *b, unsigned streams[static 2], bool cold)
{
        bench_init(b);
        bench_open(b);
        streams[0] = bench_stream(b, "telemetry", QUEUE_LANE_NORMAL);
        streams[1] = bench_stream(b, "wind", QUEUE_LANE_NORMAL);
        put(b, streams[0], 1, 300);
        put(b, streams[1], 1, 100);
        put(b, streams[0], 301, 300);
        b->disk->cold = cold;
}

START_TEST(each_is_found_by_its_number)
{
        for (int cold = 0; cold < 2; cold++) {
                unsigned s[2];
                QueueRecord r;
                Bench b;

                begin(&b, s, cold);
                for (uint64_t n = 1; n <= 600; n += 7) {
                        insist(browse(&b, s[0], n, n, &r) == 0);
                        insist_on(&r, s[0], n);
                }
                for (uint64_t n = 600; n >= 1; n -= 1 + n / 3) {
                        insist(browse(&b, s[0], n, UINT64_MAX, &r) == 0);
                        insist_on(&r, s[0], n);
                        insist(browse(&b, s[1], 1 + n % 100, 100, &r) == 0);
                        insist_on(&r, s[1], 1 + n % 100);
                }
                insist(browse(&b, s[0], 0, 1, &r) == 0);
                insist_on(&r, s[0], 1);
                insist(browse(&b, s[0], 601, UINT64_MAX, &r) == QUEUE_E_EMPTY);
                insist(browse(&b, s[0], 5, 4, &r) == QUEUE_E_EMPTY);
                bench_done(&b);
        }
}
END_TEST

START_TEST(what_has_an_outcome_is_passed_what_is_in_hand_is_not)
{
        QueueRecord r;
        unsigned s[2];
        Bench b;

        begin(&b, s, false);
        for (int i = 0; i < 50; i++) {
                insist(bench_peek(&b, QUEUE_LANE_NORMAL, &r) == 0);
                bench_advance(&b, QUEUE_LANE_NORMAL);
        }
        queue_settle(b.queue, s[0], queue_epoch(b.queue), 10, 20, OUTCOME_ACKNOWLEDGED);
        insist(browse(&b, s[0], 9, UINT64_MAX, &r) == 0);
        insist_on(&r, s[0], 9);
        insist(browse(&b, s[0], 10, UINT64_MAX, &r) == 0);
        insist_on(&r, s[0], 21);
        insist(browse(&b, s[0], 10, 20, &r) == QUEUE_E_EMPTY);
        queue_settle(b.queue, s[0], queue_epoch(b.queue), 21, 21, OUTCOME_ACKNOWLEDGED); /* while it is looked at */
        insist(browse(&b, s[0], 21, UINT64_MAX, &r) == 0);
        insist_on(&r, s[0], 22);
        /* the others read on undisturbed */
        insist(bench_peek(&b, QUEUE_LANE_NORMAL, &r) == 0);
        insist_on(&r, s[0], 51);
        bench_done(&b);
}
END_TEST

/* As after a full disk: much was settled, and each page has to be waited for. It does not begin anew after each. */
START_TEST(it_gets_past_what_is_settled_where_no_page_is_at_hand)
{
        QueueRecord r;
        unsigned s[2];
        uint64_t reads;
        Bench b;

        begin(&b, s, true);
        for (unsigned i = 0; i < 10; i++)
                put(&b, s[0], 601 + 300 * i, 300);
        queue_settle(b.queue, s[0], queue_epoch(b.queue), 3, 3590, OUTCOME_ACKNOWLEDGED);
        insist(browse(&b, s[0], 1, UINT64_MAX, &r) == 0);
        insist_on(&r, s[0], 1);
        reads = b.disk->n_reads;
        ck_assert_int_eq(browse(&b, s[0], 3, UINT64_MAX, &r), 0);
        insist_on(&r, s[0], 3591);
        ck_assert_uint_lt(b.disk->n_reads - reads, 100);

        /* what was passed as too far is found once it is asked for, and so is what lies before */
        insist(browse(&b, s[0], 2, 2, &r) == 0);
        insist_on(&r, s[0], 2);
        insist(browse(&b, s[0], 3, 3595, &r) == 0);
        insist_on(&r, s[0], 3591);
        insist(browse(&b, s[0], 3, 3590, &r) == QUEUE_E_EMPTY);
        insist(browse(&b, s[0], 3592, 3593, &r) == 0);
        insist_on(&r, s[0], 3592);
        insist(browse(&b, s[0], 3593, UINT64_MAX, &r) == 0);
        insist_on(&r, s[0], 3593);
        queue_settle(b.queue, s[0], queue_epoch(b.queue), 3591, 3600, OUTCOME_ACKNOWLEDGED);
        insist(browse(&b, s[0], 1, UINT64_MAX, &r) == 0);
        insist_on(&r, s[0], 1);
        queue_settle(b.queue, s[0], queue_epoch(b.queue), 1, 2, OUTCOME_ACKNOWLEDGED);
        insist(browse(&b, s[0], 1, UINT64_MAX, &r) == QUEUE_E_EMPTY);
        put(&b, s[0], 3601, 2);
        insist(browse(&b, s[0], 1, UINT64_MAX, &r) == 0);
        insist_on(&r, s[0], 3601);
        bench_done(&b);
}
END_TEST

/* Whatever is asked for, in whatever order, it is what is there. */
START_TEST(any_order_of_questions_has_its_answers)
{
        for (uint64_t seed = 1; seed <= 6; seed++) {
                bool settled[2][700] = {};
                uint64_t dice = seed, end[2] = {600, 100};
                unsigned s[2];
                QueueRecord r;
                Bench b;

                begin(&b, s, seed % 2);
                for (int i = 0; i < 400; i++) {
                        unsigned k, first, last, n;

                        dice = dice * UINT64_C(6364136223846793005) + 1442695040888963407u;
                        k = dice >> 33 & 1;
                        first = 1 + (unsigned)(dice >> 34) % (unsigned)end[k];
                        last = dice >> 50 & 1 ? (unsigned)end[k] : MIN(first + (unsigned)(dice >> 51) % 100, (unsigned)end[k]);
                        if (i % 8 == 7) {
                                queue_settle(b.queue, s[k], queue_epoch(b.queue), first, MIN(first + 20, last),
                                             OUTCOME_ACKNOWLEDGED);
                                for (n = first; n <= MIN(first + 20, last); n++)
                                        settled[k][n] = true;
                                continue;
                        }
                        for (n = first; n <= last && settled[k][n]; n++)
                                ;
                        ck_assert_int_eq(browse(&b, s[k], first, last, &r), n <= last ? 0 : QUEUE_E_EMPTY);
                        if (n <= last)
                                insist_on(&r, s[k], n);
                }
                bench_done(&b);
        }
}
END_TEST

START_TEST(what_comes_later_is_found_too)
{
        QueueRecord r;
        unsigned s[2];
        Bench b;

        begin(&b, s, false);
        insist(browse(&b, s[0], 601, UINT64_MAX, &r) == QUEUE_E_EMPTY);
        put(&b, s[0], 601, 3);
        for (uint64_t n = 601; n <= 603; n++) {
                insist(browse(&b, s[0], n, UINT64_MAX, &r) == 0);
                insist_on(&r, s[0], n);
        }
        bench_close(&b);
        bench_open(&b);
        s[0] = bench_stream(&b, "telemetry", QUEUE_LANE_NORMAL);
        insist(browse(&b, s[0], 602, 602, &r) == 0);
        insist_on(&r, s[0], 602);
        bench_done(&b);
}
END_TEST

START_TEST(a_stream_that_changed_lanes_is_one)
{
        QueueRecord r;
        unsigned s[2];
        Bench b;

        begin(&b, s, false);
        ck_assert_uint_eq(bench_stream(&b, "telemetry", QUEUE_LANE_URGENT), s[0]);
        put(&b, s[0], 601, 10);
        for (uint64_t n = 595; n <= 610; n++) {
                insist(browse(&b, s[0], n, UINT64_MAX, &r) == 0);
                insist_on(&r, s[0], n);
        }
        insist(browse(&b, s[0], 611, UINT64_MAX, &r) == QUEUE_E_EMPTY);
        bench_done(&b);
}
END_TEST

START_TEST(a_big_one_is_found_whole)
{
        for (int cold = 0; cold < 2; cold++) {
                unsigned s[2];
                QueueRecord r;
                Bench b;

                begin(&b, s, cold);
                insist(bench_append_big(&b, s[0], 200000) == 0);
                put(&b, s[0], 602, 5);
                for (int i = 0; i < 2; i++) {
                        insist(browse(&b, s[0], 601, 601, &r) == 0);
                        insist(r.size == 200000);
                        for (size_t k = 0; k < r.size; k++)
                                insist(((const uint8_t *)r.payload)[k] == (uint8_t)(k * 7 + r.size));
                        insist(browse(&b, s[0], 602, 602, &r) == 0);
                        insist_on(&r, s[0], 602);
                }
                bench_done(&b);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("queue/browse");
        TCase *c = suite_case(s, "records by their numbers");

        tcase_add_test(c, each_is_found_by_its_number);
        tcase_add_test(c, what_has_an_outcome_is_passed_what_is_in_hand_is_not);
        tcase_add_test(c, it_gets_past_what_is_settled_where_no_page_is_at_hand);
        tcase_add_test(c, any_order_of_questions_has_its_answers);
        tcase_add_test(c, what_comes_later_is_found_too);
        tcase_add_test(c, a_stream_that_changed_lanes_is_one);
        tcase_add_test(c, a_big_one_is_found_whole);
        return suite_run(s);
}
