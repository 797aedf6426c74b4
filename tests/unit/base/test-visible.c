/* SPDX-License-Identifier: Apache-2.0 */
#include "base/visible.h"

#include "base/utf8.h"
#include "suite.h"

START_TEST(text_is_made_fit_for_a_terminal)
{
        static const struct {
                const char *text, *line, *lines;
        } cases[] = {
                {"", NULL, NULL},
                {"plain \"text\" \\ äöü €𝄞", "plain \"text\" \\ äöü €𝄞", "plain \"text\" \\ äöü €𝄞"},
                {"a\nb\tc", "a\\u000ab\\u0009c", "a\nb\tc"},
                {"\x1b[31m", "\\u001b[31m", "\\u001b[31m"},
                {"\r\x07\x7f", "\\u000d\\u0007\\u007f", "\\u000d\\u0007\\u007f"},
                {"\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0", "\\u0080\\u009b\\u009f\xc2\xa0", "\\u0080\\u009b\\u009f\xc2\xa0"},
                {"\xe2\x80\xae" "exe", "\\u202eexe", "\\u202eexe"},
                {"\xe2\x81\xa6\xe2\x80\x8f\xe2\x80\xa8", "\\u2066\\u200f\\u2028", "\\u2066\\u200f\\u2028"},
                {"\x9b" "31m\xff\xc3", "\xef\xbf\xbd" "31m\xef\xbf\xbd\xef\xbf\xbd", "\xef\xbf\xbd" "31m\xef\xbf\xbd\xef\xbf\xbd"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(buffer_done) Buffer line = BUFFER_NULL, lines = BUFFER_NULL;

                visible_text(&line, cases[i].text, strlen(cases[i].text));
                visible_lines(&lines, cases[i].text, strlen(cases[i].text));
                ck_assert_pstr_eq(line.data, cases[i].line);
                ck_assert_pstr_eq(lines.data, cases[i].lines);
        }
}
END_TEST

/* Whatever the bytes. */
START_TEST(no_control_character_comes_through)
{
        for (unsigned a = 0; a < 256; a++)
                for (unsigned b = 0; b < 256; b++) {
                        const char text[] = {(char)a, (char)b, (char)0x9b};
                        _cleanup_(buffer_done) Buffer out = BUFFER_NULL;

                        visible_text(&out, text, sizeof(text));
                        insist(utf8_is_valid(out.data, out.size));
                        for (size_t i = 0; i < out.size; i++) {
                                unsigned char c = (unsigned char)out.data[i];

                                insist(c >= 0x20 && c != 0x7f);
                                insist(!(c == 0xc2 && (unsigned char)out.data[i + 1] < 0xa0));
                        }
                }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("base/visible");
        TCase *c = suite_case(s, "nothing moves the cursor");

        tcase_add_test(c, text_is_made_fit_for_a_terminal);
        tcase_add_test(c, no_control_character_comes_through);
        return suite_run(s);
}
