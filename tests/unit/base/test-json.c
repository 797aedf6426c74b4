/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <json-c/json.h>
#include <math.h>
#include <string.h>

#include "base/utf8.h"
#include "fake-clock.h"
#include "suite.h"

static char *string_of(const char *s, size_t size)
{
        Buffer b = BUFFER_NULL;

        json_string_n(&b, s, size);
        return buffer_steal(&b);
}

START_TEST(strings_are_escaped)
{
        static const struct {
                const char *s;
                const char *text;
        } cases[] = {
                {"", "\"\""},
                {"plain ~!/'", "\"plain ~!/'\""},
                {"a\"b\\c", "\"a\\\"b\\\\c\""},
                {"\n\t\r\x01\x1f\x7f", "\"\\n\\u0009\\u000d\\u0001\\u001f\\u007f\""},
                {"\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\""},
                {"a\xff" "b\xc3", "\"a\xef\xbf\xbd" "b\xef\xbf\xbd\""},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_free_ char *text = string_of(cases[i].s, strlen(cases[i].s));

                ck_assert_str_eq(text, cases[i].text);
        }
}
END_TEST

START_TEST(a_nul_is_a_character)
{
        _cleanup_free_ char *text = string_of("a\0b", 3);

        ck_assert_str_eq(text, "\"a\\u0000b\"");
}
END_TEST

/* Whatever the bytes, another implementation reads the text, and gets back what was text. */
START_TEST(any_bytes_make_valid_json)
{
        FakeRandom dice;

        fake_random_init(&dice, 17);
        for (int i = 0; i < 20000; i++) {
                size_t size = dice.random.draw(&dice) % 24;
                _cleanup_free_ char *bytes = malloc(size + 1), *text = NULL;
                json_object *o;

                for (size_t k = 0; k < size; k++)
                        bytes[k] = (char)(dice.random.draw(&dice) % (i % 2 ? 256 : 128));
                text = string_of(bytes, size);
                ck_assert(utf8_is_valid(text, strlen(text)));
                o = json_tokener_parse(text);
                ck_assert_msg(json_object_is_type(o, json_type_string), "%s", text);
                if (utf8_is_valid(bytes, size)) {
                        ck_assert_uint_eq((size_t)json_object_get_string_len(o), size);
                        ck_assert_mem_eq(json_object_get_string(o), bytes, size);
                }
                json_object_put(o);
        }
}
END_TEST

START_TEST(numbers_that_json_has_no_word_for)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        json_number(&b, 21.5);
        buffer_append_char(&b, ' ');
        json_number(&b, NAN);
        buffer_append_char(&b, ' ');
        json_number(&b, -INFINITY);
        ck_assert_str_eq(b.data, "21.5 null null");
}
END_TEST

START_TEST(whole_numbers_keep_every_digit)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        json_unsigned(&b, 0);
        buffer_append_char(&b, ' ');
        json_unsigned(&b, UINT64_MAX);
        buffer_append_char(&b, ' ');
        json_integer(&b, INT64_MIN);
        buffer_append_char(&b, ' ');
        json_integer(&b, INT64_MAX);
        ck_assert_str_eq(b.data, "0 18446744073709551615 -9223372036854775808 9223372036854775807");
}
END_TEST

int main(void)
{
        Suite *s = suite_create("base/json");
        TCase *c = suite_case(s, "the parts that can go wrong");

        tcase_add_test(c, strings_are_escaped);
        tcase_add_test(c, a_nul_is_a_character);
        tcase_add_test(c, any_bytes_make_valid_json);
        tcase_add_test(c, numbers_that_json_has_no_word_for);
        tcase_add_test(c, whole_numbers_keep_every_digit);
        return suite_run(s);
}
