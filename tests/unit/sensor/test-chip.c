/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a description is made of: checksums, curves, formulas; and what makes no sense is told.
 */

#include "sensor/chip.h"

#include <math.h>
#include <string.h>

#include "base/bytes.h"
#include "sensor/formula.h"
#include "suite.h"

/* ---- checksums ---- */

START_TEST(checksums_are_those_of_the_data_sheets)
{
        /* Sensirion, SHT3x 4.12 and SCD4x 3.11: 0xBEEF gives 0x92 */
        static const Crc8 sensirion = {0x31, 0xff};
        /* TE, HTU21D(F) page 14: DC gives 79, 683A gives 7C, 4E85 gives 6B; Si7021 has the same */
        static const Crc8 humidity = {0x31, 0x00};

        ck_assert_uint_eq(crc8(sensirion, (const uint8_t *)"\xbe\xef", 2), 0x92);
        ck_assert_uint_eq(crc8(humidity, (const uint8_t *)"\xdc", 1), 0x79);
        ck_assert_uint_eq(crc8(humidity, (const uint8_t *)"\x68\x3a", 2), 0x7c);
        ck_assert_uint_eq(crc8(humidity, (const uint8_t *)"\x4e\x85", 2), 0x6b);
        /* SMBus, as every list of checksums has it */
        ck_assert_uint_eq(crc8((Crc8){0x07, 0x00}, (const uint8_t *)"123456789", 9), 0xf4);
        ck_assert_uint_eq(crc8(sensirion, NULL, 0), 0xff);
}
END_TEST

START_TEST(every_single_flipped_bit_is_seen)
{
        uint8_t bytes[6] = {0x66, 0x67, 0x5e, 0xb9, 0x01, 0xf4};
        Crc8 kind = {0x31, 0xff};
        uint8_t right = crc8(kind, bytes, sizeof(bytes));

        for (unsigned bit = 0; bit < 48; bit++) {
                bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
                ck_assert_uint_ne(crc8(kind, bytes, sizeof(bytes)), right);
                bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
}
END_TEST

/* ---- curves ---- */

START_TEST(a_table_is_lines_between_its_points)
{
        static const Curve curve = {3, {{0, -40}, {100, 10}, {300, 20}}};
        static const double cases[][2] = {{0, -40}, {50, -15}, {100, 10}, {200, 15}, {300, 20}, {-100, -90}, {500, 30}};

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                ck_assert_double_eq_tol(curve_at(&curve, cases[i][0]), cases[i][1], 1e-9);
}
END_TEST

START_TEST(a_polynomial_begins_with_its_constant)
{
        Conversion c = {.polynomial = {3, {1, -2, 0.5}}, .scale = 10, .offset = 3};

        ck_assert_double_eq_tol(convert(&c, 4), (1 - 8 + 8) * 10 + 3, 1e-9);
        ck_assert_double_eq_tol(convert(&c, 0), 13, 1e-9);
        c = (Conversion){.scale = 0.5, .offset = -6, .clamp = {true, 0, 100}};
        ck_assert_double_eq(convert(&c, 4), 0);
        ck_assert_double_eq(convert(&c, 12), 0);
        ck_assert_double_eq(convert(&c, 112), 50);
        ck_assert_double_eq(convert(&c, 400), 100);
        ck_assert(isnan(convert(&c, NAN)));
}
END_TEST

/* ---- formulas ---- */

/* BST-BMP280-DS001, 3.12: the example that the document calculates. */
static void put_bmp280(uint8_t *calibration)
{
        static const int words[] = {27504, 26435, -1000, 36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000};

        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                bytes_put16(calibration + 2 * i, (uint16_t)words[i]);
}

static void put20(uint8_t *bytes, unsigned raw)
{
        bytes[0] = (uint8_t)(raw >> 12);
        bytes[1] = (uint8_t)(raw >> 4);
        bytes[2] = (uint8_t)(raw << 4);
}

START_TEST(bmp280_is_that_of_its_data_sheet)
{
        uint8_t calibration[24] = {}, bytes[6];

        put_bmp280(calibration);
        put20(bytes, 415148);
        put20(bytes + 3, 519888);
        ck_assert_double_eq_tol(formula_bmp280_temperature(bytes, calibration), 25.08, 0.005);
        ck_assert_double_eq_tol(formula_bmp280_pressure(bytes, calibration), 100653.27, 0.005);
}
END_TEST

/* BST-BME280-DS002 calculates no example. Its integer form (4.2.3), worked out by hand for these numbers and the
 * temperature above, gives 24.5625, 46.9346 and 69.1602 %RH. */
START_TEST(bme280_agrees_with_the_other_form_of_its_data_sheet)
{
        static const struct {
                unsigned raw;
                double humidity;
        } cases[] = {{25000, 24.5625}, {29000, 46.9346}, {33000, 69.1602}, {20000, 0}, {50000, 100}};
        /* H1 75, H2 362, H3 0, H4 320 (0x140), H5 50 (0x032), H6 30 */
        static const uint8_t h[7] = {0x6a, 0x01, 0x00, 0x14, 0x20, 0x03, 0x1e};
        uint8_t calibration[33] = {}, bytes[8];

        put_bmp280(calibration);
        calibration[25] = 75;
        memcpy(calibration + 26, h, sizeof(h));
        put20(bytes + 3, 519888);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                bytes[6] = (uint8_t)(cases[i].raw >> 8);
                bytes[7] = (uint8_t)cases[i].raw;
                ck_assert_double_eq_tol(formula_bme280_humidity(bytes, calibration), cases[i].humidity, 0.01);
        }
}
END_TEST

START_TEST(a_calibration_of_zeros_hurts_nobody)
{
        static const uint8_t calibration[33], bytes[8];

        for (size_t i = 0; formula_at(i); i++)
                ck_assert(isfinite(formula_at(i)->value(bytes, calibration)));
        ck_assert_ptr_null(formula_find("bmp280-colour"));
        ck_assert_str_eq(formula_find("bme280-humidity")->name, "bme280-humidity");
}
END_TEST

/* ---- registers ---- */

START_TEST(wide_registers_are_sent_as_two_bytes)
{
        static const struct {
                unsigned reg;
                ChipBytes bytes;
        } cases[] = {{0, {1, {0}}}, {0xff, {1, {0xff}}}, {0x100, {2, {1, 0}}}, {0xffee, {2, {0xff, 0xee}}}};

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                ChipBytes b = chip_register(cases[i].reg);

                ck_assert_uint_eq(b.n, cases[i].bytes.n);
                ck_assert_mem_eq(b.bytes, cases[i].bytes.bytes, b.n);
        }
}
END_TEST

/* ---- equal ---- */

static ChipDescription *sample_chip(void)
{
        ChipDescription *c = chip_new();

        c->title = strdup("Sample");
        c->setup.items = calloc(2, sizeof(ChipStep));
        c->setup.n = 2;
        c->setup.items[0].write = (ChipBytes){2, {1, 2}};
        c->setup.items[1].wait_usec = 5;
        c->measure.items = calloc(1, sizeof(ChipStep));
        c->measure.n = 1;
        c->measure.items[0] = (ChipStep){.read = "b", .reg = {1, {7}}, .bytes = 4, .crc = 2};
        c->channels = calloc(1, sizeof(ChipChannel));
        c->n_channels = 1;
        c->channels[0] = (ChipChannel){.name = "x", .from = "b", .decode = {.bytes = 2}, .unit = strdup("V"),
                                       .conversion = {.scale = 1, .polynomial = {2, {1, 2}}, .table = {2, {{1, 2}, {3, 4}}}}};
        return c;
}

START_TEST(equal_is_what_has_nothing_changed)
{
        for (unsigned i = 0; i <= 18; i++) {
                _cleanup_(chip_unrefp) ChipDescription *a = sample_chip(), *b = sample_chip();
                ChipStep *step = b->measure.items;
                ChipChannel *ch = b->channels;

                switch (i) {
                case 1: b->title[0] = 's'; break;
                case 2: b->setup.items[0].write.bytes[1] = 3; break;
                case 3: b->setup.items[1].wait_usec = 6; break;
                case 4: b->setup.n = 1; break;
                case 5: step->reg.n = 2; break;
                case 6: step->crc = 0; break;
                case 7: step->ready = 1; break;
                case 8: ch->decode.shift = 1; break;
                case 9: ch->unit[0] = 'A'; break;
                case 10: ch->conversion.polynomial.values[1] = 3; break;
                case 11: ch->conversion.table.points[1].value = 5; break;
                case 12: ch->conversion.clamp.is_set = true; break;
                case 13: b->crc.seed = 1; break;
                case 14: b->identity.value = 1; break;
                case 15: b->release = 1; break;
                case 16: b->addresses = (ChipBytes){1, {0x48}}; break;
                case 17: ch->conversion.decimals = 2; break;
                case 18: step->busy = 1; break;
                default: break;
                }
                ck_assert_msg(chip_equal(a, b) == (i == 0), "case %u", i);
                ck_assert(!chip_equal(a, NULL) && chip_equal(NULL, NULL));
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sensor/chip");
        TCase *c = suite_case(s, "parts");

        tcase_add_test(c, checksums_are_those_of_the_data_sheets);
        tcase_add_test(c, every_single_flipped_bit_is_seen);
        tcase_add_test(c, a_table_is_lines_between_its_points);
        tcase_add_test(c, a_polynomial_begins_with_its_constant);
        tcase_add_test(c, bmp280_is_that_of_its_data_sheet);
        tcase_add_test(c, bme280_agrees_with_the_other_form_of_its_data_sheet);
        tcase_add_test(c, a_calibration_of_zeros_hurts_nobody);
        tcase_add_test(c, wide_registers_are_sent_as_two_bytes);
        tcase_add_test(c, equal_is_what_has_nothing_changed);
        return suite_run(s);
}
