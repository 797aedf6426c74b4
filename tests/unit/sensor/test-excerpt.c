/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/excerpt.h"

#include <string.h>

#include "base/macro.h"
#include "base/utf8.h"
#include "suite.h"

static const char *words_of(const char *text, size_t size)
{
        static char words[EXCERPT_WORDS_MAX];
        Excerpt e;

        excerpt_take(&e, text, size);
        return excerpt_words(&e, words);
}

START_TEST(a_line_is_shown_as_it_is)
{
        char words[EXCERPT_WORDS_MAX];

        ck_assert_str_eq(words_of("{\"a\":}", 6), " The line: {\"a\":}");
        ck_assert_str_eq(words_of("Gr\xc3\xbc\xc3\x9f" "e", 7), " The line: Gr\xc3\xbc\xc3\x9f" "e");
        ck_assert_str_eq(words_of("a\x1b[2Jb\r", 7), " The line: a\\u001b[2Jb\\u000d");
        ck_assert_str_eq(words_of("\xff\xfe", 2), " The line: \xef\xbf\xbd\xef\xbf\xbd");
        ck_assert_str_eq(words_of("a\0b", 3), " The line: a\\u0000b");
        ck_assert_str_eq(words_of("", 0), "");
        ck_assert_str_eq(excerpt_words(NULL, words), "");
}
END_TEST

/* Of how many characters it ever is: never more than EXCERPT_MAX are shown, none is cut, and it is said that there are more. */
START_TEST(of_a_long_line_its_beginning_is_shown)
{
        static const char *const characters[] = {"x", "\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\x1b", "\xff"};
        static const size_t shown[] = {EXCERPT_MAX, EXCERPT_MAX, EXCERPT_MAX, EXCERPT_MAX, EXCERPT_MAX / 6, EXCERPT_MAX};

        for (size_t i = 0; i < ARRAY_SIZE(characters); i++)
                for (size_t n = 1; n < 4 * EXCERPT_MAX; n++) {
                        size_t length = strlen(characters[i]);
                        char line[16 * EXCERPT_MAX];
                        const char *words;

                        for (size_t k = 0; k < n; k++)
                                memcpy(line + k * length, characters[i], length);
                        words = words_of(line, n * length);
                        insist(utf8_is_valid(words, strlen(words)));
                        if (n <= shown[i]) {
                                insist(strncmp(words, " The line: ", 11) == 0);
                        } else {
                                insist(strncmp(words, " The line begins: ", 18) == 0);
                                insist(strcmp(words + strlen(words) - 4, " ...") == 0);
                        }
                        insist(strlen(words) < EXCERPT_WORDS_MAX - 1);
                }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sensor/excerpt");
        TCase *c = suite_case(s, "what is shown of a line");

        tcase_add_test(c, a_line_is_shown_as_it_is);
        tcase_add_test(c, of_a_long_line_its_beginning_is_shown);
        return suite_run(s);
}
