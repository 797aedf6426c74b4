/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "flow/dead-index.h"
#include "flow/dead-record.h"
#include "suite.h"

static DeadRecord sample(void)
{
        DeadRecord r = {
                .stream = "telemetry",
                .epoch = 0x1122334455667788,
                .n = 42,
                .kind = QUEUE_KIND_MESSAGE,
                .reason = OUTCOME_BREAKS_LINK,
                .aside_usec = 1767225600 * USEC_PER_SEC,
                .appended_usec = 1767225500 * USEC_PER_SEC,
                .time = QUEUE_TIME_BOUNDED,
                .payload = "what it said",
                .size = 12,
        };

        dead_record_detail(&r, "broke the link 3 times");
        return r;
}

START_TEST(comes_back_as_it_was)
{
        DeadRecord r = sample(), back;
        Buffer b = BUFFER_NULL;

        dead_record_encode(&r, &b);
        ck_assert_int_eq(dead_record_decode(b.data, b.size, &back), 0);
        ck_assert_str_eq(back.stream, "telemetry");
        ck_assert_str_eq(back.detail, "broke the link 3 times");
        ck_assert_uint_eq(back.epoch, r.epoch);
        ck_assert_uint_eq(back.n, r.n);
        ck_assert_int_eq(back.kind, r.kind);
        ck_assert_int_eq(back.reason, r.reason);
        ck_assert_uint_eq(back.aside_usec, r.aside_usec);
        ck_assert_uint_eq(back.appended_usec, r.appended_usec);
        ck_assert_int_eq(back.time, QUEUE_TIME_BOUNDED);
        ck_assert_uint_eq(back.size, 12);
        ck_assert_int_eq(memcmp(back.payload, "what it said", 12), 0);
        buffer_done(&b);
}
END_TEST

/* Cut short before its payload, or with any one byte of its head changed: refused or read, never beyond its end. */
START_TEST(foreign_bytes_are_refused)
{
        DeadRecord r = sample(), back;
        Buffer b = BUFFER_NULL;

        dead_record_encode(&r, &b);
        for (size_t n = 0; n < b.size - 12; n++) {
                char *copy = malloc(n + 1); /* its end is where valgrind looks */

                memcpy(copy, b.data, n);
                insist(dead_record_decode(copy, n, &back) == -EBADMSG);
                free(copy);
        }
        for (size_t i = 0; i < 40; i++)
                for (int bit = 0; bit < 8; bit++) {
                        b.data[i] ^= (char)(1 << bit);
                        if (dead_record_decode(b.data, b.size, &back) == 0)
                                insist(back.size <= b.size);
                        b.data[i] ^= (char)(1 << bit);
                }
        b.data[2] = OUTCOME_ACKNOWLEDGED;
        ck_assert_int_eq(dead_record_decode(b.data, b.size, &back), -EBADMSG);
        buffer_done(&b);
}
END_TEST

START_TEST(a_long_detail_ends_at_a_whole_character)
{
        char text[400] = {};
        DeadRecord r = {};

        for (size_t i = 0; i < 150; i++)
                memcpy(text + 2 * i, "\xc3\xa4", 2);
        dead_record_detail(&r, text);
        ck_assert_uint_eq(strlen(r.detail), 254);
        dead_record_detail(&r, NULL);
        ck_assert_str_eq(r.detail, "");
}
END_TEST

static void add(DeadIndex *x, uint64_t id)
{
        ck_assert_int_eq(dead_index_add(x, &(DeadLetter){.id = id, .stream = "s", .epoch = 7, .n = id * 10,
                                                         .detail = "", .size = 5}), 0);
}

START_TEST(the_index_is_sorted_however_it_is_filled)
{
        DeadIndex x = {};

        for (uint64_t i = 0; i < 100; i++)
                add(&x, 1 + i * 37 % 100);
        add(&x, 50);
        ck_assert_uint_eq(x.n, 100);
        ck_assert_uint_eq(x.bytes, 500);
        for (size_t i = 0; i < x.n; i++)
                insist(x.letters[i].id == i + 1 && dead_index_find(&x, i + 1) == i);
        ck_assert_uint_eq(dead_index_find(&x, 0), 100);
        ck_assert_uint_eq(dead_index_find(&x, 101), 100);
        ck_assert_uint_eq(dead_index_find_origin(&x, "s", 7, 330), 32);
        ck_assert_uint_eq(dead_index_find_origin(&x, "s", 8, 330), 100);
        ck_assert_uint_eq(dead_index_find_origin(&x, "t", 7, 330), 100);
        dead_index_remove(&x, 11, 20);
        dead_index_remove(&x, 15, 21);
        dead_index_remove(&x, 95, UINT64_MAX);
        ck_assert_uint_eq(x.n, 83);
        ck_assert_uint_eq(x.bytes, 415);
        ck_assert_uint_eq(dead_index_find(&x, 22), 10);
        ck_assert_uint_eq(dead_index_find(&x, 15), 83);
        dead_index_done(&x);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/dead-record");
        TCase *c = suite_case(s, "a record and what is said of it");

        tcase_add_test(c, comes_back_as_it_was);
        tcase_add_test(c, foreign_bytes_are_refused);
        tcase_add_test(c, a_long_detail_ends_at_a_whole_character);
        c = suite_case(s, "the list of what is there");
        tcase_add_test(c, the_index_is_sorted_however_it_is_filled);
        return suite_run(s);
}
