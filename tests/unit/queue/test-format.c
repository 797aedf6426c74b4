/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/bytes.h"
#include "fake-clock.h"
#include "queue/batch.h"
#include "queue/checkpoint.h"
#include "queue/ranges.h"
#include "suite.h"

/* ---- page ---- */

START_TEST(a_page_reads_back)
{
        uint8_t bytes[PAGE_BYTES];
        Page page, same;

        memset(bytes, 0xaa, sizeof(bytes));
        page = (Page){PAGE_DATA, 100, 1, 2, 3, 4, 5, 6};
        page_seal(bytes, &page);
        ck_assert_int_eq(page_open(bytes, &same), 0);
        ck_assert_uint_eq(same.kind, PAGE_DATA);
        ck_assert_uint_eq(same.used, 100);
        ck_assert_uint_eq(same.lane, 1);
        ck_assert_uint_eq(same.epoch, 2);
        ck_assert_uint_eq(same.segno, 3);
        ck_assert_uint_eq(same.commit, 4);
        ck_assert_uint_eq(same.page_in_commit, 5);
        ck_assert_uint_eq(same.pages_in_commit, 6);
        for (size_t i = 100; i < sizeof(bytes); i++) /* nothing of old memory goes to the disk */
                if (bytes[i] != 0)
                        ck_abort();
        /* where each field lies is a promise */
        ck_assert_uint_eq(bytes[4], 1);
        ck_assert_uint_eq(bytes_get16(bytes + 6), 100);
        ck_assert_uint_eq(bytes_get64(bytes + 8), 1);
        ck_assert_uint_eq(bytes_get64(bytes + 16), 2);
        ck_assert_uint_eq(bytes_get64(bytes + 24), 3);
        ck_assert_uint_eq(bytes_get64(bytes + 32), 4);
        ck_assert_uint_eq(bytes_get16(bytes + 40), 5);
        ck_assert_uint_eq(bytes_get16(bytes + 42), 6);
}
END_TEST

START_TEST(any_changed_bit_is_noticed)
{
        uint8_t bytes[PAGE_BYTES];
        Page page;

        memset(bytes, 0x55, sizeof(bytes));
        page_seal(bytes, &(Page){PAGE_DATA, 2000, 1, 2, 3, 4, 0, 1});
        for (size_t i = 0; i < PAGE_BYTES * 8; i++) {
                bytes[i / 8] ^= (uint8_t)(1 << i % 8);
                if (page_open(bytes, &page) != PAGE_E_BAD)
                        ck_abort_msg("bit %zu", i);
                bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        }
        ck_assert_int_eq(page_open(bytes, &page), 0);
}
END_TEST

/* ---- record ---- */

START_TEST(records_read_back)
{
        uint8_t page[PAGE_BYTES], payload[300];
        RecordContext put = {}, get = {};
        size_t used = PAGE_HEADER, at = PAGE_HEADER, n = 0;
        FakeRandom dice;
        Record written[400], record;
        uint64_t numbers[RECORD_STREAMS] = {};
        usec_t now = 1000000;

        fake_random_init(&dice, 5);
        memset(payload, 7, sizeof(payload));
        for (;; n++) {
                uint64_t luck = dice.random.draw(&dice);
                unsigned stream = luck % 4;

                now += luck >> 8 & 0xffff;
                if (luck % 50 == 1)
                        now += (usec_t)2 * UINT32_MAX; /* too long for the compact form */
                numbers[stream] += luck % 37 == 0 ? 5 : 1;
                written[n] = (Record){RECORD_READING, (uint8_t)stream, numbers[stream], now, payload, luck >> 32 & 63};
                if (!record_put(page, &used, &put, &written[n]))
                        break;
        }
        ck_assert_uint_gt(n, 60);
        for (size_t i = 0; i < n; i++) {
                ck_assert_int_eq(record_get(page, used, &at, &get, &record), 0);
                ck_assert_uint_eq(record.n, written[i].n);
                ck_assert_uint_eq(record.stream, written[i].stream);
                ck_assert_uint_eq(record.boot_usec, written[i].boot_usec);
                ck_assert_uint_eq(record.size, written[i].size);
                ck_assert_mem_eq(record.payload, payload, record.size);
        }
        ck_assert_int_eq(record_get(page, used, &at, &get, &record), RECORD_E_END);
}
END_TEST

START_TEST(nineteen_samples_of_200_bytes_in_a_page)
{
        uint8_t page[PAGE_BYTES], payload[200] = {};
        RecordContext context = {};
        size_t used = PAGE_HEADER;
        unsigned n = 0;

        while (record_put(page, &used, &context, &(Record){RECORD_READING, 0, n + 1, n, payload, 200}))
                n++;
        ck_assert_uint_eq(n, 19);
}
END_TEST

START_TEST(hostile_records_are_refused)
{
        uint8_t page[PAGE_BYTES] = {};
        FakeRandom dice;

        fake_random_init(&dice, 9);
        for (int i = 0; i < 200000; i++) {
                size_t used = PAGE_HEADER + dice.random.draw(&dice) % (PAGE_ROOM + 1), at = PAGE_HEADER, last = at;
                RecordContext context = {};
                Record record;
                int r;

                for (size_t k = PAGE_HEADER; k < PAGE_HEADER + 64; k += 8)
                        bytes_put64(page + k, dice.random.draw(&dice) & (i % 2 ? UINT64_MAX : 0x0f0f0f0f0103001f));
                while ((r = record_get(page, used, &at, &context, &record)) == 0) {
                        if (at <= last || at > used || record.size > PAGE_ROOM ||
                            (const uint8_t *)record.payload + record.size > page + used)
                                ck_abort();
                        last = at;
                }
                if (r != RECORD_E_END && r != RECORD_E_BAD)
                        ck_abort();
        }
}
END_TEST

/* ---- checkpoint ---- */

static void fill(Checkpoint *c, uint64_t big)
{
        memset(c, 0, sizeof(*c));
        c->epoch = 11;
        c->previous_epoch = 12;
        c->boot[3] = 13;
        c->sequence = 14;
        for (unsigned id = 0; id < RECORD_STREAMS; id++) {
                CheckpointStream *s = &c->streams[id];

                memset(s->name, 'a', NAME_LENGTH_MAX);
                s->name[0] = (char)(id < 26 ? 'A' + id : 'a' + id - 26);
                for (unsigned t = 0; t < 6; t++) {
                        s->counts[t] = big + t;
                        s->low += s->counts[t];
                }
                s->low++;
                s->next = s->low + 100;
                s->first = s->low;
                s->gap = 1;
                c->ranges[c->n_ranges++] = (CheckpointRange){(uint8_t)id, 1, s->low + 3, s->low + 7};
                c->ranges[c->n_ranges++] = (CheckpointRange){(uint8_t)id, CHECKPOINT_TORN, s->low + 8, s->low + 8};
        }
        /* centuries ahead, so that all is as wide as it can be */
        for (size_t i = 0; i < BOOTS_MAX; i++) {
                usec_t start = (((usec_t)1 << 33) - i) * USEC_PER_SEC, life = ((usec_t)1 << 32) * USEC_PER_SEC + i;

                c->boots[c->n_boots++] = (Boot){
                        .id = {(uint8_t)i, 1, 2, 3},
                        .ordinal = (uint32_t)(BOOTS_MAX - i),
                        .good = i % 3 == 0,
                        .start_usec = start,
                        .not_before_usec = i % 3 == 0 ? 0 : start - 5,
                        .not_after_usec = i % 3 == 1 ? start + 5 : USEC_INFINITY,
                        .last_usec = life,
                };
        }
}

static const unsigned all_sections[] = {
        CHECKPOINT_OPENING | CHECKPOINT_STREAMS,
        CHECKPOINT_OPENING | CHECKPOINT_STREAMS | CHECKPOINT_SLOT,
        CHECKPOINT_STREAMS | CHECKPOINT_SETTLED | CHECKPOINT_SETTLED_RANGES,
        CHECKPOINT_SETTLED | CHECKPOINT_SETTLED_RANGES,
        CHECKPOINT_OPENING | CHECKPOINT_BOOTS,
        CHECKPOINT_SETTLED | CHECKPOINT_BOOTS,
};

START_TEST(a_checkpoint_reads_back)
{
        unsigned sections = all_sections[_i];
        uint8_t bytes[CHECKPOINT_BYTES_MAX];
        static Checkpoint c, same;
        size_t size, n_ranges = 0;

        fill(&c, 1000);
        size = checkpoint_encode(&c, sections, bytes, sizeof(bytes), &n_ranges);
        ck_assert_uint_gt(size, 0);
        ck_assert_int_eq(checkpoint_decode(&same, bytes, size), 0);
        ck_assert_uint_eq(same.sections, sections);
        for (unsigned id = 0; id < RECORD_STREAMS; id++) {
                if (sections & CHECKPOINT_STREAMS) {
                        ck_assert_str_eq(same.streams[id].name, c.streams[id].name);
                        ck_assert_uint_eq(same.streams[id].next, c.streams[id].next);
                }
                if (sections & CHECKPOINT_SLOT) {
                        ck_assert_uint_eq(same.streams[id].first, c.streams[id].first);
                        ck_assert_uint_eq(same.streams[id].gap, c.streams[id].gap);
                }
                if (sections & CHECKPOINT_SETTLED) {
                        ck_assert_uint_eq(same.streams[id].low, c.streams[id].low);
                        ck_assert_mem_eq(same.streams[id].counts, c.streams[id].counts, sizeof(c.streams[id].counts));
                }
        }
        if (sections & CHECKPOINT_SETTLED_RANGES) {
                ck_assert_uint_eq(n_ranges, c.n_ranges);
                ck_assert_uint_eq(same.n_ranges, c.n_ranges);
                for (size_t i = 0; i < c.n_ranges; i++) {
                        ck_assert_uint_eq(same.ranges[i].first, c.ranges[i].first);
                        ck_assert_uint_eq(same.ranges[i].last, c.ranges[i].last);
                        ck_assert_uint_eq(same.ranges[i].tag, c.ranges[i].tag);
                }
        }
        ck_assert_uint_eq(same.n_boots, sections & CHECKPOINT_BOOTS ? BOOTS_MAX : 0);
        for (size_t i = 0; i < same.n_boots; i++) {
                ck_assert_mem_eq(same.boots[i].id, c.boots[i].id, sizeof(c.boots[i].id));
                ck_assert_uint_eq(same.boots[i].ordinal, c.boots[i].ordinal);
                ck_assert_int_eq(same.boots[i].good, c.boots[i].good);
                ck_assert_uint_eq(same.boots[i].start_usec, c.boots[i].start_usec);
                ck_assert_uint_eq(same.boots[i].not_before_usec, c.boots[i].not_before_usec);
                ck_assert_uint_eq(same.boots[i].not_after_usec, c.boots[i].not_after_usec);
                ck_assert_uint_eq(same.boots[i].last_usec, c.boots[i].last_usec);
        }
        /* any part of it is no checkpoint, or a shorter one, never a wrong step */
        for (size_t i = 0; i < size; i++)
                (void)checkpoint_decode(&same, bytes, i);
}
END_TEST

/* Thirty-two streams, the longest names, six outcomes of a billion each. */
START_TEST(the_largest_checkpoint_fits_a_page)
{
        uint8_t bytes[CHECKPOINT_BYTES_MAX];
        static Checkpoint c, same;
        size_t head, size, n_ranges;

        fill(&c, 1000000000);
        size = checkpoint_encode(&c, all_sections[2], bytes, sizeof(bytes), &n_ranges);
        ck_assert_uint_gt(size, 0);
        ck_assert_int_eq(checkpoint_decode(&same, bytes, size), 0);
        ck_assert_uint_eq(same.n_ranges, n_ranges);
        head = checkpoint_encode(&c, all_sections[1], bytes, sizeof(bytes), NULL);
        ck_assert_uint_gt(head, 0);
        size = checkpoint_encode(&c, all_sections[3], bytes, PAGE_ROOM - head - 2 * RECORD_FULL, &n_ranges);
        ck_assert_uint_gt(size, 0);
}
END_TEST

/* What found no room is of the oldest boots. */
START_TEST(boots_take_the_room_that_is_left)
{
        uint8_t bytes[CHECKPOINT_BYTES_MAX];
        static Checkpoint c, same;
        size_t all, n_ranges, before = BOOTS_MAX;

        fill(&c, 1000);
        all = checkpoint_encode(&c, all_sections[3] | CHECKPOINT_BOOTS, bytes, sizeof(bytes), &n_ranges);
        for (size_t room = all; room > 0; room--) {
                size_t size = checkpoint_encode(&c, all_sections[3] | CHECKPOINT_BOOTS, bytes, room, &n_ranges);

                insist(size <= room);
                if (size == 0)
                        continue;
                insist(checkpoint_decode(&same, bytes, size) == 0);
                insist(same.n_boots <= before);
                insist(same.n_boots == 0 || same.n_ranges == c.n_ranges);
                for (size_t i = 0; i < same.n_boots; i++)
                        insist(same.boots[i].ordinal == c.boots[i].ordinal);
                before = same.n_boots;
        }
        ck_assert_uint_eq(before, 0);
}
END_TEST

START_TEST(hostile_checkpoints_are_refused)
{
        uint8_t bytes[CHECKPOINT_BYTES_MAX];
        static Checkpoint c, same;
        FakeRandom dice;
        size_t size;

        fake_random_init(&dice, 3);
        fill(&c, 3);
        for (int i = 0; i < 20000; i++) {
                size = checkpoint_encode(&c, all_sections[i % 6], bytes, sizeof(bytes), NULL);
                for (uint64_t k = dice.random.draw(&dice) % 4; k < 4; k++)
                        bytes[dice.random.draw(&dice) % size] = (uint8_t)dice.random.draw(&dice);
                if (checkpoint_decode(&same, bytes, size - dice.random.draw(&dice) % 3) != 0)
                        continue;
                if (same.n_ranges > CHECKPOINT_RANGES)
                        ck_abort();
                for (size_t k = 0; k < same.n_ranges; k++)
                        if (same.ranges[k].first > same.ranges[k].last || same.ranges[k].id >= RECORD_STREAMS)
                                ck_abort();
                for (unsigned id = 0; id < RECORD_STREAMS; id++)
                        if (same.streams[id].name[0] && !name_is_valid(same.streams[id].name))
                                ck_abort();
        }
}
END_TEST

START_TEST(sections_of_later_versions_are_passed)
{
        uint8_t bytes[CHECKPOINT_BYTES_MAX];
        static Checkpoint c, same;
        size_t size;

        fill(&c, 3);
        bytes[0] = 99;
        bytes_put16(bytes + 1, 5);
        memset(bytes + 3, 0xee, 5);
        size = checkpoint_encode(&c, all_sections[2], bytes + 8, sizeof(bytes) - 8, NULL);
        ck_assert_int_eq(checkpoint_decode(&same, bytes, size + 8), 0);
        ck_assert_uint_eq(same.sequence, 14);
}
END_TEST

/* ---- ranges ---- */

START_TEST(ranges_against_a_plain_array)
{
        enum { N = 200 };
        uint8_t model[N] = {}; /* 0: not in the set, else tag + 1 */
        Ranges r = RANGES_NULL;
        FakeRandom dice;
        uint64_t below = 0;

        fake_random_init(&dice, 4);
        for (int i = 0; i < 30000; i++) {
                uint64_t luck = dice.random.draw(&dice), a = luck % N,
                        b = MIN(a + (luck >> 16) % 20, (uint64_t)N - 1), x, y;
                uint8_t tag = luck >> 32 & 1;
                bool found = false;
                uint64_t k = a;

                if (i % 1000 == 0) {
                        memset(model, 0, sizeof(model));
                        ranges_done(&r);
                        below = 0;
                }
                if (luck % 11 == 0) {
                        below = MAX(below, a / 4);
                        ranges_cut(&r, below);
                        memset(model, 0, below);
                }
                a = MAX(a, below);
                b = MAX(b, a);
                for (k = a; k <= b && model[k]; k++)
                        ;
                found = k <= b;
                if (ranges_gap(&r, a, b, &x, &y) != found || (found && x != k))
                        ck_abort_msg("gap in %d", i);
                for (k = a; k <= b && !model[k]; k++)
                        ;
                found = k <= b;
                if (ranges_overlap(&r, a, b, &x, &y) != found || (found && x != k))
                        ck_abort_msg("overlap in %d", i);
                for (k = a; ranges_gap(&r, k, b, &x, &y); k = y + 1) {
                        ck_assert_int_eq(ranges_reserve(&r, 1), 0);
                        ranges_put(&r, x, y, tag);
                        memset(model + x, tag + 1, y - x + 1);
                        if (y == b)
                                break;
                }
                for (size_t j = 0; j < r.n; j++)
                        if (j > 0 && (r.items[j].first <= r.items[j - 1].last ||
                                      (r.items[j].first == r.items[j - 1].last + 1 &&
                                       r.items[j].tag == r.items[j - 1].tag)))
                                ck_abort_msg("order in %d", i);
                for (k = 0; k < N; k++)
                        if (ranges_contains(&r, k) != (model[k] != 0))
                                ck_abort_msg("%llu in %d", (unsigned long long)k, i);
        }
        ranges_done(&r);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("queue/format");
        TCase *c = suite_case(s, "what is written is read, whatever is read is survived");

        tcase_add_test(c, a_page_reads_back);
        tcase_add_test(c, any_changed_bit_is_noticed);
        tcase_add_test(c, records_read_back);
        tcase_add_test(c, nineteen_samples_of_200_bytes_in_a_page);
        tcase_add_test(c, hostile_records_are_refused);
        tcase_add_loop_test(c, a_checkpoint_reads_back, 0, (int)ARRAY_SIZE(all_sections));
        tcase_add_test(c, the_largest_checkpoint_fits_a_page);
        tcase_add_test(c, boots_take_the_room_that_is_left);
        tcase_add_test(c, hostile_checkpoints_are_refused);
        tcase_add_test(c, sections_of_later_versions_are_passed);
        tcase_add_test(c, ranges_against_a_plain_array);
        return suite_run(s);
}
