/* SPDX-License-Identifier: Apache-2.0 */
#include "base/screen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

/* What goes to the terminal; the caller's. */
static char *printed(unsigned width, const char *text)
{
        const Screen screen = {.width = width};
        FILE *before = stdout;
        char *seen = NULL;
        size_t size;

        stdout = open_memstream(&seen, &size);
        screen_print(&screen, COLOUR_BAD, text);
        (void)fclose(stdout);
        stdout = before;
        return seen;
}

static void expect(unsigned width, const char *text, const char *what)
{
        char *seen = printed(width, text);

        ck_assert_str_eq(seen, what);
        free(seen);
}

START_TEST(words_are_put_into_lines)
{
        expect(0, "one two  three", "one two three\n");
        expect(8, "one two three", "one two\nthree\n");
        expect(8, "", "\n");
}
END_TEST

START_TEST(what_came_from_elsewhere_moves_no_cursor)
{
        expect(0, "its certificate is for \x1b]0;owned\x07 now", "its certificate is for \\u001b]0;owned\\u0007 now\n");
        expect(0, "a\nforged line\rx", "a\\u000aforged line\\u000dx\n");
}
END_TEST

/* The widest there is, with a row that is not whole. */
START_TEST(a_table_has_as_many_columns_as_there_may_be)
{
        const char *const names[TABLE_COLUMNS_MAX] = {"a", "b", "c", "d", "e", "f", "g", "h"};
        const Screen screen = {};
        FILE *before = stdout;
        char *seen = NULL;
        Table t = {};
        size_t size;

        stdout = open_memstream(&seen, &size);
        table_head(&t, TABLE_COLUMNS_MAX, names);
        for (unsigned i = 0; i < TABLE_COLUMNS_MAX; i++)
                table_add(&t, COLOUR_NONE, "%u", i * 11);
        table_add(&t, COLOUR_NONE, "more");
        table_print(&t, &screen);
        (void)fclose(stdout);
        stdout = before;
        ck_assert_str_eq(seen, "a     b   c   d   e   f   g   h\n"
                               "0     11  22  33  44  55  66  77\n"
                               "more  \n");
        free(seen);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("base/screen");
        TCase *c = suite_case(s, "text on a terminal");

        tcase_add_test(c, words_are_put_into_lines);
        tcase_add_test(c, what_came_from_elsewhere_moves_no_cursor);
        tcase_add_test(c, a_table_has_as_many_columns_as_there_may_be);
        return suite_run(s);
}
