/* SPDX-License-Identifier: Apache-2.0 */
#include "model/reading.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "fake-clock.h"
#include "suite.h"

static const Channel channels[] = {
        {"temperature", {.kind = VALUE_NUMBER, .number = -0.0}},
        {"count", {.kind = VALUE_INTEGER, .integer = INT64_MIN}},
        {"door", {.kind = VALUE_BOOLEAN, .boolean = true}},
        {"note", {.kind = VALUE_TEXT, .text = "Gr\xc3\xbc\xc3\x9f" "e"}},
        {"empty", {.kind = VALUE_TEXT, .text = ""}},
        {"tiny", {.kind = VALUE_NUMBER, .number = 5e-324}},
};

static const Reading positioned = {
        .sensor = "room",
        .channels = channels,
        .n_channels = 1,
        .source = "meter",
        .position = {.serial = 1, .file = 2, .offset = 3, .mtime = 4, .check = 5},
};

static const Reading sample = {
        .sensor = "room",
        .wall_usec = 1767225600123456,
        .wall_trusted = true,
        .quality = QUALITY_STALE,
        .channels = channels,
        .n_channels = ARRAY_SIZE(channels),
};

static void check_value(const Value *a, const Value *b)
{
        ck_assert_int_eq(a->kind, b->kind);
        switch (a->kind) {
        case VALUE_NUMBER:
                ck_assert_mem_eq(&a->number, &b->number, sizeof(a->number));
                break;
        case VALUE_INTEGER:
                ck_assert_int_eq(a->integer, b->integer);
                break;
        case VALUE_BOOLEAN:
                ck_assert_int_eq(a->boolean, b->boolean);
                break;
        case VALUE_TEXT:
                ck_assert_str_eq(a->text, b->text);
                break;
        case _VALUE_KIND_MAX:
                ck_abort_msg("no kind");
        }
}

static void check_round_trip(const Reading *reading)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
        ReadingSpace space;
        Reading back;

        reading_encode(reading, &b);
        ck_assert_int_eq(buffer_error(&b), 0);
        ck_assert_int_eq(reading_decode(b.data, b.size, &space, &back), 0);
        ck_assert_str_eq(back.sensor, reading->sensor);
        ck_assert_uint_eq(back.wall_usec, reading->wall_usec);
        ck_assert_int_eq(back.wall_trusted, reading->wall_trusted);
        ck_assert_uint_eq(back.age_usec, reading->wall_trusted ? 0 : reading->age_usec);
        ck_assert_int_eq(back.quality, reading->quality);
        ck_assert_uint_eq(back.n_channels, reading->n_channels);
        ck_assert_pstr_eq(back.source, reading->source);
        ck_assert_uint_eq(back.position.serial, reading->position.serial);
        ck_assert_uint_eq(back.position.file, reading->position.file);
        ck_assert_uint_eq(back.position.offset, reading->position.offset);
        ck_assert_uint_eq(back.position.mtime, reading->position.mtime);
        ck_assert_uint_eq(back.position.check, reading->position.check);
        ck_assert_uint_eq(back.position.place, reading->position.place);
        for (size_t i = 0; i < back.n_channels; i++) {
                ck_assert_str_eq(back.channels[i].name, reading->channels[i].name);
                check_value(&back.channels[i].value, &reading->channels[i].value);
        }
}

START_TEST(a_reading_comes_back)
{
        check_round_trip(&sample);
}
END_TEST

/* With its own source, and with that of the sensor that it came by. */
START_TEST(a_position_comes_back)
{
        static const char *const sources[] = {"room", "meter"};

        for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
                Reading reading = sample;

                reading.source = sources[i];
                reading.position = (SourcePosition){1, UINT64_MAX - 1, 3, UINT64_MAX, UINT32_MAX, 0};
                check_round_trip(&reading);
                reading.position.place = UINT32_MAX - 2;
                check_round_trip(&reading);
                reading.age_usec = 7;
                check_round_trip(&reading);
        }
}
END_TEST

/* Behind a position too. Of one whose time is known it is not asked. */
START_TEST(an_age_comes_back)
{
        for (unsigned with = 0; with < 4; with++) {
                Reading reading = with & 1 ? positioned : sample;

                reading.wall_trusted = with & 2;
                reading.age_usec = UINT64_MAX - 7;
                check_round_trip(&reading);
        }
}
END_TEST

/* Records of earlier versions, which lie in queues, are without. */
START_TEST(without_a_position_the_record_is_as_it_always_was)
{
        static const Channel one = {"v", {.kind = VALUE_BOOLEAN, .boolean = true}};
        static const char bytes[] = "\x01\x00\x01\x01\x07\0\0\0\0\0\0\0room\0\x02v\0\x01";
        const Reading reading = {.sensor = "room", .wall_usec = 7, .wall_trusted = true, .channels = &one, .n_channels = 1};
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        reading_encode(&reading, &b);
        ck_assert_uint_eq(b.size, sizeof(bytes) - 1);
        ck_assert_mem_eq(b.data, bytes, b.size);
}
END_TEST

START_TEST(the_bounds_come_back)
{
        static const char longest[] = "a1234567890123456789012345678901";
        Channel all[READING_CHANNELS_MAX];
        Reading reading = {.sensor = longest, .channels = all};

        ck_assert_uint_eq(strlen(longest), NAME_LENGTH_MAX);
        for (size_t i = 0; i < ARRAY_SIZE(all); i++)
                all[i] = (Channel){longest, {.kind = VALUE_INTEGER, .integer = (int64_t)i}};
        for (size_t n = 1; n <= ARRAY_SIZE(all); n++) {
                reading.n_channels = n;
                check_round_trip(&reading);
        }
        reading.wall_usec = UINT64_MAX;
        check_round_trip(&reading);
}
END_TEST

static void check_truncations(const Reading *reading)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        reading_encode(reading, &b);
        for (size_t size = 0; size < b.size; size++) {
                _cleanup_free_ char *exact = malloc(MAX(size, (size_t)1));
                ReadingSpace space;
                Reading back;

                memcpy(exact, b.data, size);
                ck_assert_int_eq(reading_decode(exact, size, &space, &back), -EBADMSG);
        }
        buffer_append_char(&b, 0);
        ck_assert_int_eq(reading_decode(b.data, b.size, &(ReadingSpace){}, &(Reading){}), -EBADMSG);
}

START_TEST(every_truncation_is_seen)
{
        Reading aged = positioned;

        aged.age_usec = 9;
        check_truncations(&sample);
        check_truncations(&positioned);
        check_truncations(&aged);
        aged.position.place = 6;
        check_truncations(&aged);
}
END_TEST

/* Any byte changed to any other: either it is seen, or what comes out is a reading that could be told. */
START_TEST(no_changed_byte_does_harm)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        reading_encode(&sample, &b);
        for (size_t at = 0; at < b.size; at++) {
                char was = b.data[at];

                for (int v = 0; v < 256; v++) {
                        ReadingSpace space;
                        Reading back;
                        int r;

                        b.data[at] = (char)v;
                        r = reading_decode(b.data, b.size, &space, &back);
                        if (r == -EBADMSG)
                                continue;
                        ck_assert_int_eq(r, 0);
                        ck_assert(name_is_valid(back.sensor));
                        ck_assert_ptr_nonnull(quality_to_string(back.quality));
                        ck_assert_uint_ge(back.n_channels, 1);
                        for (size_t i = 0; i < back.n_channels; i++) {
                                ck_assert(name_is_valid(back.channels[i].name));
                                if (back.channels[i].value.kind == VALUE_NUMBER)
                                        ck_assert(isfinite(back.channels[i].value.number));
                        }
                }
                b.data[at] = was;
        }
}
END_TEST

START_TEST(noise_does_no_harm)
{
        FakeRandom dice;

        fake_random_init(&dice, 21);
        for (int i = 0; i < 50000; i++) {
                size_t size = dice.random.draw(&dice) % 64;
                _cleanup_free_ uint8_t *noise = malloc(MAX(size, (size_t)1));
                ReadingSpace space;
                Reading back;

                for (size_t k = 0; k < size; k++)
                        noise[k] = (uint8_t)dice.random.draw(&dice);
                if (size > 4)
                        memcpy(noise, "\1\0\1\1", 4);
                (void)reading_decode(noise, size, &space, &back);
        }
}
END_TEST

START_TEST(every_quality_has_a_word)
{
        for (int q = 0; q < _QUALITY_MAX; q++)
                ck_assert_ptr_nonnull(quality_to_string((Quality)q));
        ck_assert_ptr_null(quality_to_string(_QUALITY_MAX));
        ck_assert_ptr_null(quality_to_string(_QUALITY_INVALID));
}
END_TEST

static FakeClock sane_clock(void)
{
        FakeClock fake;

        fake_clock_init(&fake);
        return fake;
}

START_TEST(milliseconds_are_times)
{
        ck_assert_uint_eq(reading_time_of_msec(1763647200123), 1763647200123000);
        ck_assert_uint_eq(reading_time_of_msec(1763647200123.25), 1763647200123250);
        ck_assert_uint_eq(reading_time_of_msec(1), 1000);
        ck_assert_uint_eq(reading_time_of_msec(0.5), 0);
        ck_assert_uint_eq(reading_time_of_msec(-1), 0);
        ck_assert_uint_eq(reading_time_of_msec(1e15), 0);
        ck_assert_uint_eq(reading_time_of_msec(NAN), 0);
}
END_TEST

START_TEST(qualities_are_read_as_they_are_written)
{
        for (Quality q = 0; q < _QUALITY_MAX; q++)
                ck_assert_int_eq(quality_from_string(quality_to_string(q)), q);
        ck_assert_int_eq(quality_from_string("fair"), _QUALITY_INVALID);
        ck_assert_int_eq(quality_from_string(""), _QUALITY_INVALID);
}
END_TEST

START_TEST(only_sane_times)
{
        FakeClock fake = sane_clock();
        usec_t now = fake.wall_usec;
        const usec_t insane[] = {1, now / USEC_PER_SEC, now / 1000, now * 1000, UINT64_MAX, now + 2 * USEC_PER_DAY};
        const usec_t sane[] = {now, now - 365 * USEC_PER_DAY, now + USEC_PER_HOUR, 946684800 * USEC_PER_SEC};

        for (size_t i = 0; i < ARRAY_SIZE(insane); i++)
                ck_assert(!reading_time_is_sane(&fake.clock, insane[i]));
        for (size_t i = 0; i < ARRAY_SIZE(sane); i++)
                ck_assert(reading_time_is_sane(&fake.clock, sane[i]));
        /* our own clock woke up in 1970: whoever knows better is believed */
        fake.wall_usec = 5 * USEC_PER_SEC;
        fake.is_synchronised = false;
        ck_assert(reading_time_is_sane(&fake.clock, now));
        ck_assert(!reading_time_is_sane(&fake.clock, now * 1000));
        ck_assert(!reading_time_is_sane(&fake.clock, now / 1000));
}
END_TEST

int main(void)
{
        Suite *s = suite_create("model/reading");
        TCase *c = suite_case(s, "round trip");

        tcase_add_test(c, a_reading_comes_back);
        tcase_add_test(c, a_position_comes_back);
        tcase_add_test(c, an_age_comes_back);
        tcase_add_test(c, without_a_position_the_record_is_as_it_always_was);
        tcase_add_test(c, the_bounds_come_back);
        tcase_add_test(c, every_quality_has_a_word);

        c = suite_case(s, "time");
        tcase_add_test(c, only_sane_times);
        tcase_add_test(c, milliseconds_are_times);
        tcase_add_test(c, qualities_are_read_as_they_are_written);

        c = suite_case(s, "hostile bytes");
        tcase_add_test(c, every_truncation_is_seen);
        tcase_add_test(c, no_changed_byte_does_harm);
        tcase_add_test(c, noise_does_no_harm);
        return suite_run(s);
}
