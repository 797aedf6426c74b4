/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crc32c.h"

#include <string.h>

#include "base/macro.h"
#include "fake-clock.h"
#include "suite.h"

START_TEST(the_vectors_of_the_rfc)
{
        static const uint8_t read_command[48] = {
                0x01, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,    0, 0, 0, 0x14, 0, 0, 0, 0, 0, 4, 0,
                0,    0,    0, 0x14, 0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0,
        };
        uint8_t block[32];

        memset(block, 0, sizeof(block));
        ck_assert_uint_eq(crc32c(0, block, sizeof(block)), 0x8a9136aa);
        memset(block, 0xff, sizeof(block));
        ck_assert_uint_eq(crc32c(0, block, sizeof(block)), 0x62a8ab43);
        for (size_t i = 0; i < sizeof(block); i++)
                block[i] = (uint8_t)i;
        ck_assert_uint_eq(crc32c(0, block, sizeof(block)), 0x46dd794e);
        for (size_t i = 0; i < sizeof(block); i++)
                block[i] = (uint8_t)(31 - i);
        ck_assert_uint_eq(crc32c(0, block, sizeof(block)), 0x113fdb5c);
        ck_assert_uint_eq(crc32c(0, read_command, sizeof(read_command)), 0xd9963a56);
        ck_assert_uint_eq(crc32c(0, "123456789", 9), 0xe3069283);
        ck_assert_uint_eq(crc32c(0, "", 0), 0);
}
END_TEST

/* At each length and each offset from a word's beginning; the processor and the table say the same. */
START_TEST(both_ways_agree)
{
        uint8_t bytes[4096 + 8];
        FakeRandom dice;

        fake_random_init(&dice, 12);
        for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = (uint8_t)dice.random.draw(&dice);
        for (size_t offset = 0; offset < 8; offset++)
                for (size_t size = 0; size <= 100; size++)
                        ck_assert_uint_eq(crc32c(0, bytes + offset, size), crc32c_portable(0, bytes + offset, size));
        ck_assert_uint_eq(crc32c(17, bytes + 3, 4096), crc32c_portable(17, bytes + 3, 4096));
}
END_TEST

START_TEST(it_goes_on_where_it_stopped)
{
        uint8_t bytes[64];

        for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = (uint8_t)(i * 37);
        for (size_t cut = 0; cut <= sizeof(bytes); cut++) {
                uint32_t whole = crc32c(0, bytes, sizeof(bytes));

                ck_assert_uint_eq(crc32c(crc32c(0, bytes, cut), bytes + cut, sizeof(bytes) - cut), whole);
                ck_assert_uint_eq(crc32c_portable(crc32c_portable(0, bytes, cut), bytes + cut,
                                                  sizeof(bytes) - cut), whole);
        }
}
END_TEST

START_TEST(any_flipped_bit_is_seen)
{
        uint8_t bytes[128] = {1, 2, 3};
        uint32_t good = crc32c(0, bytes, sizeof(bytes));

        for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
                bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
                ck_assert_uint_ne(crc32c(0, bytes, sizeof(bytes)), good);
                bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("base/crc32c");
        TCase *c = suite_case(s, "the checksum");

        tcase_add_test(c, the_vectors_of_the_rfc);
        tcase_add_test(c, both_ways_agree);
        tcase_add_test(c, it_goes_on_where_it_stopped);
        tcase_add_test(c, any_flipped_bit_is_seen);
        return suite_run(s);
}
