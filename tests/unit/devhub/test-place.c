/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/seed/place.h"

#include <string.h>

#include "suite.h"

static const char text[] = "{\n"                                                            /* 1 */
                           " \"devices\" : [\n"                                             /* 2 */
                           "  {\"deviceId\": \"a]}\\\"\", \"tags\": [1, {\"x\": [2]}]},\n"  /* 3 */
                           "  7,\n"                                                         /* 4 */
                           "  {\"deviceId\":\n"                                             /* 5 */
                           "    \"b\", \"modules\": [{\"moduleId\": null\n"                 /* 6 */
                           "    }, {\n"                                                     /* 7 */
                           "    \"moduleId\": true}]}\n"                                    /* 8 */
                           " ],\n"                                                          /* 9 */
                           " \"others\":\n"                                                 /* 10 */
                           "  -1.5\n"                                                       /* 11 */
                           "}\n";

START_TEST(places_have_lines)
{
        static const struct {
                const char *place;
                unsigned line;
        } cases[] = {
                {"", 1},
                {"devices", 2},
                {"devices[0]", 3},
                {"devices[0].deviceId", 3},
                {"devices[0].tags[1].x[0]", 3},
                {"devices[1]", 4},
                {"devices[2]", 5},
                {"devices[2].deviceId", 6},
                {"devices[2].modules[0]", 6},
                {"devices[2].modules[1]", 7},
                {"devices[2].modules[1].moduleId", 8},
                {"others", 11},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                ck_assert_msg(place_line(text, cases[i].place) == cases[i].line, "%s: %u", cases[i].place,
                              place_line(text, cases[i].place));
}
END_TEST

START_TEST(what_is_not_there_is_where_it_would_be)
{
        ck_assert_uint_eq(place_line(text, "none"), 1);
        ck_assert_uint_eq(place_line(text, "none[3].x"), 1);
        ck_assert_uint_eq(place_line(text, "devices[3]"), 2);
        ck_assert_uint_eq(place_line(text, "devices[1].x"), 4);
        ck_assert_uint_eq(place_line(text, "devices[2].modules[2].moduleId"), 6);
        ck_assert_uint_eq(place_line(text, "others[0]"), 11);
        ck_assert_uint_eq(place_line("[]", "[0]"), 1);
        ck_assert_uint_eq(place_line("{}", "a"), 1);
        ck_assert_uint_eq(place_line("\n\n7", ""), 3);
        ck_assert_uint_eq(place_line("", "a"), 1);
}
END_TEST

START_TEST(half_characters_are_found)
{
        static const struct {
                const char *text;
                int at; /* -1: there is none */
        } cases[] = {
                {"", -1},
                {"\"\\u00e4\\n\\\\ud800\"", -1}, /* a backslash, and then letters */
                {"\"\\ud83d\\ude00\"", -1},
                {"\"\\uD83D\\uDE00\\udbff\\udfff\"", -1},
                {"\"\\ud800\"", 1},
                {"\"\\udc00\"", 1},
                {"\"\\ud83d\\ude00\\ude00\"", 13},
                {"\"\\ud83d\\ud83d\\ude00\"", 1},
                {"\"\\ud83d \\ude00\"", 1},
                {"\"\\\\\\ud83d\\n\"", 3},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                size_t at = 0;
                bool found = place_of_half_character(cases[i].text, strlen(cases[i].text), &at);

                ck_assert_msg(found == (cases[i].at >= 0) && (!found || at == (size_t)cases[i].at), "%s: %zu",
                              cases[i].text, at);
        }
}
END_TEST

START_TEST(bytes_have_lines)
{
        ck_assert_uint_eq(place_line_of("a\nb\n", 0), 1);
        ck_assert_uint_eq(place_line_of("a\nb\n", 1), 1);
        ck_assert_uint_eq(place_line_of("a\nb\n", 2), 2);
        ck_assert_uint_eq(place_line_of("a\nb\n", 99), 3);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("devhub/place");
        TCase *c = suite_case(s, "lines");

        tcase_add_test(c, places_have_lines);
        tcase_add_test(c, what_is_not_there_is_where_it_would_be);
        tcase_add_test(c, half_characters_are_found);
        tcase_add_test(c, bytes_have_lines);
        return suite_run(s);
}
