/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode.h"

#include <math.h>

#include "suite.h"

START_TEST(data_sheets_are_right)
{
        static const struct {
                const char *what;
                Decode decode;
                double scale, offset;
                uint8_t bytes[8];
                double value;
        } cases[] = {
                /* TMP102: 12 bits, left-justified, 0.0625 Cel a step; the table of its data sheet */
                {"TMP102 127.9375", {.bytes = 2, .mask = 0xfff0, .shift = 4, .is_signed = true}, 0.0625, 0,
                 {0x7f, 0xf0}, 127.9375},
                {"TMP102 25", {.bytes = 2, .mask = 0xfff0, .shift = 4, .is_signed = true}, 0.0625, 0,
                 {0x19, 0x00}, 25},
                {"TMP102 0.25", {.bytes = 2, .mask = 0xfff0, .shift = 4, .is_signed = true}, 0.0625, 0,
                 {0x00, 0x40}, 0.25},
                {"TMP102 0", {.bytes = 2, .mask = 0xfff0, .shift = 4, .is_signed = true}, 0.0625, 0,
                 {0x00, 0x00}, 0},
                {"TMP102 -0.25", {.bytes = 2, .mask = 0xfff0, .shift = 4, .is_signed = true}, 0.0625, 0,
                 {0xff, 0xc0}, -0.25},
                {"TMP102 -25", {.bytes = 2, .mask = 0xfff0, .shift = 4, .is_signed = true}, 0.0625, 0,
                 {0xe7, 0x00}, -25},
                {"TMP102 -55", {.bytes = 2, .mask = 0xfff0, .shift = 4, .is_signed = true}, 0.0625, 0,
                 {0xc9, 0x00}, -55},
                {"TMP102 without a mask", {.bytes = 2, .shift = 4, .is_signed = true}, 0.0625, 0,
                 {0xe7, 0x00}, -25},
                /* LM75: 9 bits, 0.5 Cel a step */
                {"LM75 -25", {.bytes = 2, .shift = 7, .is_signed = true}, 0.5, 0, {0xe7, 0x00}, -25},
                {"LM75 125", {.bytes = 2, .shift = 7, .is_signed = true}, 0.5, 0, {0x7d, 0x00}, 125},
                /* HTU21: the two status bits are masked out; -6 + 125 * raw / 2^16 and -46.85 + 175.72 * raw / 2^16 */
                {"HTU21 54.8 %RH", {.bytes = 2, .mask = 0xfffc}, 125.0 / 65536, -6, {0x7c, 0x82},
                 54.7910},
                {"HTU21 24.7 Cel", {.bytes = 2, .mask = 0xfffc}, 175.72 / 65536, -46.85,
                 {0x68, 0x3a}, 24.6864},
                /* BMP280: 20 bits of a pressure in three bytes */
                {"BMP280 raw 415148", {.bytes = 3, .shift = 4}, 1, 0, {0x65, 0x5a, 0xc0}, 415148},
                /* INA219: shunt voltage of 10 uV a step, signed; bus voltage in bits 3 to 15 of 4 mV */
                {"INA219 -320 mV", {.bytes = 2, .is_signed = true}, 0.01, 0, {0x83, 0x00}, -320},
                {"INA219 16 V", {.bytes = 2, .mask = 0xfff8, .shift = 3}, 0.004, 0, {0x7d, 0x00}, 16},
                /* ADS1115: sixteen bits signed of 125 uV */
                {"ADS1115 -4.096 V", {.bytes = 2, .is_signed = true}, 0.000125, 0, {0x80, 0x00}, -4.096},
                /* little endian, and all the widths */
                {"DS1621 count", {.bytes = 1}, 1, 0, {0xff}, 255},
                {"one byte signed", {.bytes = 1, .is_signed = true}, 1, 0, {0xff}, -1},
                {"little endian", {.bytes = 2, .little_endian = true}, 1, 0, {0x34, 0x12}, 0x1234},
                {"three little endian, signed", {.bytes = 3, .little_endian = true, .is_signed = true}, 1, 0,
                 {0xfe, 0xff, 0xff}, -2},
                {"four", {.bytes = 4}, 1, 0, {0xff, 0xff, 0xff, 0xff}, 4294967295.0},
                {"eight signed", {.bytes = 8, .is_signed = true}, 1, 0,
                 {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00}, -256},
                {"eight", {.bytes = 8}, 1, 0, {0x80, 0, 0, 0, 0, 0, 0, 0}, 9223372036854775808.0},
                {"one bit", {.bytes = 1, .mask = 0x10, .shift = 4}, 1, 0, {0xff}, 1},
                {"one bit with a sign", {.bytes = 1, .mask = 0x10, .shift = 4, .is_signed = true}, 1, 0,
                 {0x10}, -1},
                {"a mask beyond the bytes", {.bytes = 1, .mask = 0xf0f}, 1, 0, {0xff}, 15},
                {"a mask of all 64", {.bytes = 8, .mask = UINT64_MAX, .is_signed = true}, 2, 0,
                 {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, -2},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                double x = decode_raw(&cases[i].decode, cases[i].bytes) * cases[i].scale + cases[i].offset;

                ck_assert_msg(fabs(x - cases[i].value) < 0.0001, "%s: %.9g", cases[i].what, x);
        }
}
END_TEST

START_TEST(bits_come_without_a_sign)
{
        static const uint8_t all[8] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe};

        /* all 64, where a double would round */
        ck_assert(decode_bits(&(Decode){.bytes = 8, .is_signed = true}, all) == 0xfffffffffffffffe);
        ck_assert_uint_eq(decode_bits(&(Decode){.bytes = 2, .mask = 0xff0, .shift = 4}, all), 0xff);
}
END_TEST

START_TEST(what_does_not_fit_is_told)
{
        static const struct {
                Decode decode;
                const char *why; /* NULL: nothing */
        } cases[] = {
                {{.bytes = 1}, NULL},
                {{.bytes = 8, .mask = UINT64_MAX, .shift = 63}, NULL},
                {{.bytes = 0}, "bytes: 1 to 8, not 0"},
                {{.bytes = 9}, "bytes: 1 to 8, not 9"},
                {{.bytes = 2, .shift = 16}, "shift: 16 leaves nothing of 16 bits"},
                {{.bytes = 2, .mask = 0x10000}, "mask: 0x10000 has more than the 16 bits that are read"},
                {{.bytes = 2, .mask = 0x0f, .shift = 4}, "mask: the shift by 4 leaves nothing of it"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char why[120] = "";

                ck_assert_int_eq(decode_check(&cases[i].decode, why, sizeof(why)), cases[i].why == NULL);
                ck_assert_str_eq(why, cases[i].why ?: "");
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sensor/decode");
        TCase *c = suite_case(s, "from bytes to a value");

        tcase_add_test(c, data_sheets_are_right);
        tcase_add_test(c, bits_come_without_a_sign);
        tcase_add_test(c, what_does_not_fit_is_told);
        return suite_run(s);
}
