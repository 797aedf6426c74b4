/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/packer.h"

#include <stdio.h>
#include <string.h>

#include "fake-clock.h"
#include "suite.h"

#define OVERHEAD 100

static Reading reading_of(const char *sensor, const Channel *channels, size_t n_channels)
{
        return (Reading){.sensor = sensor, .channels = channels, .n_channels = n_channels};
}

/* One reading of `size` bytes of text, brackets and comma not counted. */
static int add_sized(Packer *p, uint64_t n, size_t size)
{
        static char text[READING_TEXT_MAX * 12];
        const size_t frame = strlen("{\"t\":1,\"s\":\"a\",\"b\":\"\"}");
        Channel channel = {"b", {.kind = VALUE_TEXT, .text = text}};
        Reading reading = reading_of("a", &channel, 1);

        ck_assert_uint_ge(size, frame);
        ck_assert_uint_lt(size - frame, sizeof(text));
        memset(text, 'x', size - frame);
        text[size - frame] = 0;
        return packer_add(p, &(PackerRecord){.n = n, .reading = &reading, .wall_usec = 1000, .appended_usec = n,
                                             .read_usec = 1000 + n});
}

static void assert_balanced(const Buffer *body)
{
        ck_assert(body->data[0] == '[' && body->data[body->size - 1] == ']');
        ck_assert_uint_eq(strlen(body->data), body->size);
        ck_assert_ptr_null(strstr(body->data, "}{"));
        ck_assert_ptr_null(strstr(body->data, ",,"));
        ck_assert_ptr_null(strstr(body->data, "[,"));
        ck_assert_ptr_null(strstr(body->data, ",]"));
}

START_TEST(the_body_is_the_documented_one)
{
        Channel cpu = {"temperature", {.kind = VALUE_NUMBER, .number = 48.31}};
        Channel mix[] = {
                {"i", {.kind = VALUE_INTEGER, .integer = INT64_MIN}},
                {"b", {.kind = VALUE_BOOLEAN, .boolean = false}},
                {"x", {.kind = VALUE_TEXT, .text = "a\"b"}},
        };
        Reading one = reading_of("cpu", &cpu, 1), two = reading_of("room", mix, ARRAY_SIZE(mix));
        Packer p = {};
        Pack pack;

        packer_begin(&p, 5, OVERHEAD);
        ck_assert_int_eq(packer_add(&p, &(PackerRecord){.n = 7, .reading = &one, .wall_usec = 1763647200123999}), 0);
        ck_assert_int_eq(packer_add(&p, &(PackerRecord){.n = 8, .reading = &two, .wall_usec = 1763647200124000,
                                                        .quality = QUALITY_UNKNOWN}), 0);
        ck_assert_int_eq(packer_seal(&p, false, &pack), 0);
        ck_assert_str_eq(pack.body.data, "[{\"t\":1763647200123,\"s\":\"cpu\",\"temperature\":48.31},"
                                         "{\"t\":1763647200124,\"s\":\"room\",\"q\":\"unknown\","
                                         "\"i\":-9223372036854775808,\"b\":false,\"x\":\"a\\\"b\"}]");
        ck_assert_uint_eq(pack.epoch, 5);
        ck_assert_uint_eq(pack.first, 7);
        ck_assert_uint_eq(pack.last, 8);
        ck_assert_uint_eq(pack.wall_usec, 1763647200124000);
        ck_assert(packer_is_empty(&p));
        buffer_done(&pack.body);
        packer_done(&p);
}
END_TEST

START_TEST(whole_units_are_known_to_the_byte)
{
        /* "[" + 4 readings of 998 + 3 commas + "]" + 100 = 4097; one byte less fills a unit exactly */
        for (size_t short_by = 0; short_by <= 2; short_by++) {
                Packer p = {};
                Pack pack;

                packer_begin(&p, 1, OVERHEAD);
                for (uint64_t n = 1; n <= 3; n++)
                        ck_assert_int_eq(add_sized(&p, n, 998), 0);
                ck_assert_int_eq(add_sized(&p, 4, 998 - short_by), 0);
                ck_assert_uint_eq(packer_size(&p, false), 4097 - short_by);
                ck_assert_int_eq(packer_has_whole_units(&p), short_by == 0);
                ck_assert_int_eq(add_sized(&p, 5, 30), 0);
                ck_assert(packer_has_whole_units(&p));

                ck_assert_int_eq(packer_seal(&p, true, &pack), 0);
                ck_assert_uint_eq(pack.last, short_by == 0 ? 3 : 4);
                assert_balanced(&pack.body);
                ck_assert_uint_le(pack.body.size + OVERHEAD, BILLING_CHUNK);
                ck_assert_uint_eq(p.first, pack.last + 1);
                ck_assert_uint_eq(p.appended_usec, pack.last + 1);
                ck_assert_uint_eq(p.read_usec, 1000 + pack.last + 1);
                ck_assert_uint_eq(pack.appended_usec, pack.last);
                ck_assert(!packer_has_whole_units(&p));
                buffer_done(&pack.body);

                ck_assert_int_eq(packer_seal(&p, false, &pack), 0);
                ck_assert_uint_eq(pack.last, 5);
                assert_balanced(&pack.body);
                buffer_done(&pack.body);
                packer_done(&p);
        }
}
END_TEST

START_TEST(a_full_pack_takes_no_more)
{
        Packer p = {};
        Pack pack;
        uint64_t n = 1;

        packer_begin(&p, 1, OVERHEAD);
        while (add_sized(&p, n, 200) == 0)
                n++;
        ck_assert_int_eq(add_sized(&p, n, 200), PACKER_E_FULL);
        ck_assert_uint_le(packer_size(&p, false), PACKER_SIZE_MAX);
        ck_assert_uint_gt(packer_size(&p, false), PACKER_SIZE_MAX - 201);
        ck_assert_int_eq(packer_seal(&p, false, &pack), 0);
        ck_assert_uint_eq(pack.last, n - 1);
        assert_balanced(&pack.body);
        buffer_done(&pack.body);
        packer_begin(&p, 1, OVERHEAD);
        ck_assert_int_eq(add_sized(&p, n, 200), 0);
        ck_assert_uint_eq(p.first, n);
        packer_done(&p);
}
END_TEST

START_TEST(a_giant_goes_alone)
{
        Packer p = {};
        Pack pack;

        packer_begin(&p, 1, OVERHEAD);
        ck_assert_int_eq(add_sized(&p, 1, PACKER_SIZE_MAX + 5000), 0);
        ck_assert(!packer_has_whole_units(&p));
        ck_assert_int_eq(add_sized(&p, 2, 30), PACKER_E_FULL);
        ck_assert_int_eq(packer_seal(&p, false, &pack), 0);
        ck_assert_uint_eq(pack.first, 1);
        ck_assert_uint_eq(pack.last, 1);
        buffer_done(&pack.body);
        packer_done(&p);
}
END_TEST

/* Whatever the sizes and wherever it is cut: every number once, in order, in text that is an array. */
START_TEST(nothing_is_lost_between_packs)
{
        FakeRandom dice;
        Packer p = {};
        uint64_t sealed = 0;

        fake_random_init(&dice, 3);
        for (uint64_t n = 1; n <= 20000; n++) {
                uint64_t draw = dice.random.draw(&dice);
                size_t size = 23 + draw % (draw % 50 == 0 ? 9000 : 300);
                bool whole = false;
                Pack pack = {};

                if (packer_is_empty(&p))
                        packer_begin(&p, 1, OVERHEAD);
                if (add_sized(&p, n, size) == PACKER_E_FULL)
                        n--;
                else if (packer_has_whole_units(&p) && draw >> 60 == 0)
                        whole = true;
                else if (draw >> 56 != 1)
                        continue;
                ck_assert_uint_eq(p.first, sealed + 1);
                ck_assert_int_eq(packer_seal(&p, whole, &pack), 0);
                assert_balanced(&pack.body);
                ck_assert_uint_eq(pack.first, sealed + 1);
                sealed = pack.last;
                buffer_done(&pack.body);
        }
        ck_assert_uint_gt(sealed, 19000);
        packer_done(&p);
}
END_TEST

/* Goal G12: a stream of 12 sensors, at least 75 samples in each 4 KiB that is billed. */
START_TEST(a_unit_holds_75_samples_of_twelve_sensors)
{
        static const char *const sensors[][2] = {
                {"cpu", "temperature"}, {"room", "temperature"}, {"wind", "speed"}, {"load", "one"},
                {"mem", "free"},        {"disk", "used"},        {"tank", "level"}, {"pump", "current"},
                {"gate", "open"},       {"hum", "humidity"},     {"co2", "ppm"},    {"bat", "volts"},
        };
        FakeRandom dice;
        Packer p = {};
        size_t units = 0, samples = 0;
        usec_t t = 1763647200123000;

        fake_random_init(&dice, 12);
        for (uint64_t n = 1; samples < 20000; n++) {
                double x = (double)(dice.random.draw(&dice) % 10000) / 100;
                Channel channel = {sensors[n % 12][1], {.kind = VALUE_NUMBER, .number = x}};
                Reading reading = reading_of(sensors[n % 12][0], &channel, 1);
                PackerRecord record = {.n = n, .reading = &reading, .wall_usec = t += 1000 * USEC_PER_MSEC / 12};
                Pack pack;

                if (packer_is_empty(&p))
                        packer_begin(&p, 1, OVERHEAD + 50);
                ck_assert_int_eq(packer_add(&p, &record), 0);
                if (!packer_has_whole_units(&p))
                        continue;
                ck_assert_int_eq(packer_seal(&p, true, &pack), 0);
                units++;
                samples += pack.last - pack.first + 1;
                ck_assert_uint_ge(pack.body.size + OVERHEAD + 50, BILLING_CHUNK * 95 / 100);
                buffer_done(&pack.body);
        }
        ck_assert_uint_ge(samples, 75 * units);
        packer_done(&p);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/packer");
        TCase *c = suite_case(s, "readings packed");

        tcase_add_test(c, the_body_is_the_documented_one);
        tcase_add_test(c, whole_units_are_known_to_the_byte);
        tcase_add_test(c, a_full_pack_takes_no_more);
        tcase_add_test(c, a_giant_goes_alone);
        tcase_add_test(c, nothing_is_lost_between_packs);
        tcase_add_test(c, a_unit_holds_75_samples_of_twelve_sensors);
        return suite_run(s);
}
