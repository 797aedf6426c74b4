/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

#include "base/macro.h"
#include "suite.h"

/* The encoder that the checker is held against; knows no rule but the layout of the bits. */
static size_t encode(uint32_t c, char s[4])
{
        if (c < 0x80) {
                s[0] = (char)c;
                return 1;
        }
        if (c < 0x800) {
                s[0] = (char)(0xc0 | c >> 6);
                s[1] = (char)(0x80 | (c & 63));
                return 2;
        }
        if (c < 0x10000) {
                s[0] = (char)(0xe0 | c >> 12);
                s[1] = (char)(0x80 | (c >> 6 & 63));
                s[2] = (char)(0x80 | (c & 63));
                return 3;
        }
        s[0] = (char)(0xf0 | c >> 18);
        s[1] = (char)(0x80 | (c >> 12 & 63));
        s[2] = (char)(0x80 | (c >> 6 & 63));
        s[3] = (char)(0x80 | (c & 63));
        return 4;
}

START_TEST(every_character_is_known)
{
        for (uint32_t c = 0; c < 0x120000; c++) {
                char s[4];
                size_t n = encode(c, s);
                bool is_character = c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff);

                if (utf8_character(s, n) != (is_character ? n : 0))
                        ck_abort_msg("U+%04X", (unsigned)c);
                for (size_t cut = 0; cut < n; cut++)
                        insist(utf8_character(s, cut) == 0);
        }
}
END_TEST

START_TEST(every_pair_of_bytes_is_judged)
{
        for (unsigned a = 0; a < 256; a++) {
                for (unsigned b = 0; b < 256; b++) {
                        char s[2] = {(char)a, (char)b};
                        bool two = a >= 0xc2 && a <= 0xdf && b >= 0x80 && b <= 0xbf;

                        insist(utf8_is_valid(s, 2) == ((a < 0x80 && b < 0x80) || two));
                }
        }
}
END_TEST

START_TEST(what_is_no_text_is_seen)
{
        static const char *const bad[] = {
                "\x80",             "\xbf",             "\xc0\x80",         "\xc1\xbf",         "\xe0\x80\x80",
                "\xe0\x9f\xbf",     "\xed\xa0\x80",     "\xed\xbf\xbf",     "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf",
                "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff",             "\xfe",             "\xe2\x82",
                "\xe2\x28\xa1",     "\xf0\x9f\x98",     "a\xc3",            "\xc3\xbc\x80",     "\xf8\x88\x80\x80\x80",
        };

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                ck_assert_msg(!utf8_is_valid(bad[i], strlen(bad[i])), "case %zu", i);
        ck_assert(utf8_is_valid("", 0));
        ck_assert(utf8_is_valid("a\0b", 3));
        ck_assert(utf8_is_valid("\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", 9));
}
END_TEST

/* The 66: the last two of each of the 17 planes, and 32 in a row. */
START_TEST(every_character_has_its_number)
{
        unsigned n = 0;

        for (uint32_t c = 0; c <= 0x10ffff; c++) {
                char s[4];
                size_t length = encode(c, s);

                insist(utf8_code_point(s, length) == c);
                n += utf8_is_noncharacter(c);
        }
        ck_assert_uint_eq(n, 66);
        ck_assert(utf8_is_noncharacter(0xffff) && utf8_is_noncharacter(0x10fffe) && utf8_is_noncharacter(0xfdd0));
        ck_assert(!utf8_is_noncharacter(0xfffd) && !utf8_is_noncharacter(0xfdf0) && !utf8_is_noncharacter(0xffef));
}
END_TEST

int main(void)
{
        Suite *s = suite_create("base/utf8");
        TCase *c = suite_case(s, "text or not");

        tcase_add_test(c, every_character_is_known);
        tcase_add_test(c, every_pair_of_bytes_is_judged);
        tcase_add_test(c, what_is_no_text_is_seen);
        tcase_add_test(c, every_character_has_its_number);
        return suite_run(s);
}
