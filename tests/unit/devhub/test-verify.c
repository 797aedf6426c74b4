/* SPDX-License-Identifier: Apache-2.0 */
#include "reader/verify.h"

#include <string.h>

#include "suite.h"

#define EPOCH_A "00000000000000aa"
#define EPOCH_B "00000000000000bb"

static Verify *begin(bool from_start)
{
        Verify *v;

        ck_assert_int_eq(verify_new(&v, from_start), 0);
        return v;
}

static void see(Verify *v, const char *device, const char *id)
{
        RecordId record;

        ck_assert_msg(record_id_parse(id, &record), "%s", id);
        ck_assert_int_eq(verify_record(v, device, &record), 0);
}

static void notice(Verify *v, const char *device, const char *body)
{
        ck_assert_int_eq(verify_notice(v, device, body, strlen(body)), 0);
}

static void assert_totals(const Verify *v, uint64_t received, uint64_t unique, uint64_t duplicates, uint64_t gaps)
{
        VerifyTotals t;

        verify_totals(v, &t);
        ck_assert_uint_eq(t.received, received);
        ck_assert_uint_eq(t.unique, unique);
        ck_assert_uint_eq(t.duplicates, duplicates);
        ck_assert_uint_eq(t.gaps, gaps);
}

/* ---- ids ---- */

START_TEST(an_id_gives_its_parts)
{
        RecordId id;

        ck_assert(record_id_parse("telemetry.0123456789abcdef.17-42", &id));
        ck_assert_str_eq(id.stream, "telemetry");
        ck_assert_uint_eq(id.epoch, 0x0123456789abcdef);
        ck_assert_uint_eq(id.first, 17);
        ck_assert_uint_eq(id.last, 42);
        ck_assert(record_id_parse("a.FFFFFFFFFFFFFFFF.1-1", &id));
        ck_assert_uint_eq(id.epoch, UINT64_MAX);
        ck_assert(record_id_parse("a.0000000000000000.18446744073709551615-18446744073709551615", &id));
        ck_assert(record_id_parse("Abcdefghijklmnopqrstuvwxyz_01234.0000000000000001.1-2", &id));
}
END_TEST

START_TEST(other_ids_are_not_ours)
{
        static const char *const bad[] = {
                "", "message_1", "a", "a.b.c", ".0123456789abcdef.1-2", "a.0123456789abcde.1-2",
                "a.0123456789abcdef0.1-2", "a.0123456789abcdeg.1-2", "a.0123456789abcdef.1", "a.0123456789abcdef.-2",
                "a.0123456789abcdef.1-", "a.0123456789abcdef.2-1", "a.0123456789abcdef.1-2 ",
                "a.0123456789abcdef.+1-2", "1a.0123456789abcdef.1-2", "a-b.0123456789abcdef.1-2",
                "a.0123456789abcdef.1-18446744073709551616", "a.0123456789abcdef.1-10000000",
                "Abcdefghijklmnopqrstuvwxyz_012345.0000000000000001.1-2",
        };
        RecordId id;

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                ck_assert_msg(!record_id_parse(bad[i], &id), "%s", bad[i]);
}
END_TEST

/* ---- counting ---- */

START_TEST(records_are_counted_not_messages)
{
        Verify *v = begin(true);

        assert_totals(v, 0, 0, 0, 0);
        see(v, "d1", "t." EPOCH_A ".1-60");
        see(v, "d1", "t." EPOCH_A ".61-61");
        assert_totals(v, 61, 61, 0, 0);
        verify_free(v);
}
END_TEST

START_TEST(what_came_before_is_a_duplicate)
{
        Verify *v = begin(true);

        see(v, "d1", "t." EPOCH_A ".1-10");
        see(v, "d1", "t." EPOCH_A ".6-15");
        see(v, "d1", "t." EPOCH_A ".6-15");
        assert_totals(v, 30, 15, 15, 0);
        verify_free(v);
}
END_TEST

START_TEST(a_hole_is_a_gap_until_it_is_filled)
{
        Verify *v = begin(true);

        see(v, "d1", "t." EPOCH_A ".1-10");
        see(v, "d1", "t." EPOCH_A ".21-30");
        assert_totals(v, 20, 20, 0, 10);
        see(v, "d1", "t." EPOCH_A ".11-15");
        assert_totals(v, 25, 25, 0, 5);
        see(v, "d1", "t." EPOCH_A ".16-20");
        assert_totals(v, 30, 30, 0, 0);
        verify_free(v);
}
END_TEST

START_TEST(the_first_number_is_1)
{
        Verify *v = begin(true);

        see(v, "d1", "t." EPOCH_A ".4-5");
        assert_totals(v, 2, 2, 0, 3);
        verify_free(v);

        v = begin(false); /* it looked in the middle */
        see(v, "d1", "t." EPOCH_A ".4-5");
        see(v, "d1", "t." EPOCH_A ".7-7");
        assert_totals(v, 3, 3, 0, 1);
        verify_free(v);
}
END_TEST

START_TEST(streams_and_devices_are_apart)
{
        Verify *v = begin(true);

        see(v, "d1", "t." EPOCH_A ".1-5");
        see(v, "d2", "t." EPOCH_A ".1-5");
        see(v, "d1", "alarms." EPOCH_A ".1-5");
        see(v, "d1", "t." EPOCH_A ".7-7");
        assert_totals(v, 16, 16, 0, 1);
        verify_free(v);
}
END_TEST

START_TEST(numbers_go_on_across_epochs)
{
        Verify *v = begin(true);

        see(v, "d1", "t." EPOCH_A ".1-5");
        see(v, "d1", "t." EPOCH_B ".6-9");
        assert_totals(v, 9, 9, 0, 0);
        see(v, "d1", "t." EPOCH_A ".5-5");
        assert_totals(v, 10, 9, 1, 0);
        verify_free(v);
}
END_TEST

/* A torn tail numbered anew, or a backup restored: two records, neither a duplicate, and said. */
START_TEST(a_number_under_two_epochs_is_two_records)
{
        Buffer details = BUFFER_NULL;
        Verify *v = begin(true);
        VerifyTotals t;

        see(v, "d1", "t." EPOCH_A ".1-10");
        see(v, "d1", "t." EPOCH_B ".9-12");
        assert_totals(v, 14, 14, 0, 0);
        verify_totals(v, &t);
        ck_assert_uint_eq(t.reused, 2);
        verify_details(v, &details);
        ck_assert_str_eq(details.data, "d1 t: 2 numbers came under more than one epoch\n");
        verify_free(v);

        v = begin(true);
        see(v, "d1", "t." EPOCH_A ".1-1");
        see(v, "d1", "t." EPOCH_B ".1-2");
        buffer_clear(&details);
        verify_details(v, &details);
        ck_assert_str_eq(details.data, "d1 t: 1 number came under more than one epoch\n");
        buffer_done(&details);
        verify_free(v);
}
END_TEST

START_TEST(other_messages_count_one_each)
{
        Verify *v = begin(true);

        ck_assert_int_eq(verify_other(v), 0);
        ck_assert_int_eq(verify_other(v), 0);
        assert_totals(v, 2, 2, 0, 0);
        verify_free(v);
}
END_TEST

/* ---- notices ---- */

START_TEST(a_notice_explains_what_is_missing)
{
        Buffer details = BUFFER_NULL;
        Verify *v = begin(true);
        VerifyTotals t;

        see(v, "d1", "t." EPOCH_A ".1-10");
        see(v, "d1", "t." EPOCH_A ".31-40");
        notice(v, "d1", "{\"stream\":\"t\",\"epoch\":\"" EPOCH_A "\",\"ranges\":[[5,20],[25,26],30],"
                        "\"reason\":\"queue-full\"}");
        assert_totals(v, 20, 20, 0, 7);
        verify_totals(v, &t);
        ck_assert_uint_eq(t.explained, 13);
        verify_details(v, &details);
        ck_assert_str_eq(details.data, "d1 t: 7 missing (11-30); 13 missing, as notices say\n");
        notice(v, "d1", "{\"stream\":\"t\",\"ranges\":[[1,40]]}");
        assert_totals(v, 20, 20, 0, 0);
        buffer_done(&details);
        verify_free(v);
}
END_TEST

START_TEST(a_notice_is_for_its_own_stream)
{
        Verify *v = begin(true);

        see(v, "d1", "t." EPOCH_A ".2-2");
        notice(v, "d2", "{\"stream\":\"t\",\"ranges\":[[1,1]]}");
        notice(v, "d1", "{\"stream\":\"u\",\"ranges\":[[1,1]]}");
        assert_totals(v, 1, 1, 0, 1);
        verify_free(v);
}
END_TEST

START_TEST(a_broken_notice_explains_nothing)
{
        static const char *const bad[] = {
                "", "x", "[]", "{}", "{\"stream\":\"t\"}", "{\"ranges\":[[1,1]]}", "{\"stream\":\"t\",\"ranges\":1}",
                "{\"stream\":\"t\",\"ranges\":[[2,1]]}", "{\"stream\":\"t\",\"ranges\":[[1]]}",
                "{\"stream\":\"t\",\"ranges\":[\"1-1\"]}", "{\"stream\":null,\"ranges\":[[1,1]]}",
                "{\"stream\":\"a_name_that_is_longer_than_any_stream_may_be\",\"ranges\":[[1,1]]}",
        };
        Verify *v = begin(true);

        see(v, "d1", "t." EPOCH_A ".2-2");
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                notice(v, "d1", bad[i]);
        assert_totals(v, 1, 1, 0, 1);
        verify_free(v);
}
END_TEST

/* Five million records in two hundred thousand messages with a duplicate each hundredth, four streams, forty
 * epochs: within the 30 s of a test with room to spare, and in a few ranges. */
START_TEST(millions_are_quick)
{
        enum { MESSAGES = 200000, PACK = 25 };
        Verify *v = begin(true);
        uint64_t received = 0;

        for (uint64_t i = 0; i < MESSAGES; i++) {
                RecordId id = {.epoch = i / 5000, .first = i / 4 * PACK + 1, .last = i / 4 * PACK + PACK};

                id.stream[0] = (char)('a' + i % 4);
                for (int times = i % 100 == 0 ? 2 : 1; times > 0; times--) {
                        ck_assert_int_eq(verify_record(v, "d1", &id), 0);
                        received += PACK;
                }
        }
        assert_totals(v, received, (uint64_t)MESSAGES * PACK, (uint64_t)MESSAGES / 100 * PACK, 0);
        verify_free(v);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("devhub/verify");
        TCase *c = suite_case(s, "ids");

        tcase_add_test(c, an_id_gives_its_parts);
        tcase_add_test(c, other_ids_are_not_ours);
        c = suite_case(s, "counting");
        tcase_add_test(c, records_are_counted_not_messages);
        tcase_add_test(c, what_came_before_is_a_duplicate);
        tcase_add_test(c, a_hole_is_a_gap_until_it_is_filled);
        tcase_add_test(c, the_first_number_is_1);
        tcase_add_test(c, streams_and_devices_are_apart);
        tcase_add_test(c, numbers_go_on_across_epochs);
        tcase_add_test(c, a_number_under_two_epochs_is_two_records);
        tcase_add_test(c, other_messages_count_one_each);
        tcase_add_test(c, millions_are_quick);
        c = suite_case(s, "notices");
        tcase_add_test(c, a_notice_explains_what_is_missing);
        tcase_add_test(c, a_notice_is_for_its_own_stream);
        tcase_add_test(c, a_broken_notice_explains_nothing);
        return suite_run(s);
}
