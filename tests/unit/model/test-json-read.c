/* SPDX-License-Identifier: Apache-2.0 */
#include "model/json-read.h"

#include <errno.h>
#include <string.h>

#include "model/json-grammar.h"
#include "suite.h"

/* In memory that ends just there. */
static int read_n(const char *text, size_t size, json_object **ret, const char **ret_error)
{
        _cleanup_free_ char *copy = malloc(MAX(size, (size_t)1));

        memcpy(copy, text, size);
        return json_read(copy, size, ret, ret_error);
}

START_TEST(json_comes_out_as_it_went_in)
{
        static const struct {
                const char *text, *written; /* NULL: the same */
        } cases[] = {
                {"null", NULL},
                {"true", NULL},
                {"17", NULL},
                {"-0.50", NULL},
                {"1E+5", NULL},
                {"\"\"", NULL},
                {"{}", NULL},
                {"[]", NULL},
                {" \t\r\n[ 1 , -2 , 0 ]\n", "[1,-2,0]"},
                {"{\"a\":{\"b\":[{},[],null,false]},\"\":1}", NULL},
                {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\ud83d\\ude00\"",
                 "\"\\\"\\\\/\\b\\f\\n\\r\\t\xc3\xa4\xf0\x9f\x98\x80\""},
                {"\"a\\u0000b\"", NULL},
                {"-0", "0"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *text = cases[i].text, *error = NULL;
                _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
                _cleanup_json_ json_object *value = NULL;

                ck_assert_msg(read_n(text, strlen(text), &value, &error) == 0, "%s: %s", text, error);
                json_write(&b, value);
                ck_assert_str_eq(b.data, cases[i].written ? cases[i].written : text);
        }
}
END_TEST

static void check_bad(const char *text, size_t size)
{
        json_object *value = NULL;
        const char *error = NULL;

        ck_assert_msg(read_n(text, size, &value, &error) == -EBADMSG, "%s", text);
        ck_assert_ptr_null(value);
        ck_assert_ptr_nonnull(error);
        ck_assert_uint_gt(strlen(error), 0);
}

START_TEST(what_is_not_json_is_refused)
{
        static const char *const bad[] = {
                "", " ", "{", "}", "[", "]", "{} x", "{}{}", "[]]", "{'a':1}", "{\"a\":'b'}", "{a:1}", "{\"a\":1,}",
                "{,}", "{\"a\"}", "{\"a\":}", "{:1}", "{\"a\" 1}", "[1,]", "[,]", "[1,,2]", "[1 2]", "[1:2]",
                "NaN", "[-Infinity]", "tru", "True", "nullx", "nul",
                "1.", ".5", "+1", "1e", "1e+", "-", "--1", "01", "-01", "00", "0x10", "1.5.5", "1e5e5", "1-2",
                "1e400", "{\"a\":[-1e999]}", "// x\n{}", "/* x */{}", "[] //", "#\n1",
                "\"", "\"a", "\"\\\"", "\"\\q\"", "\"\\u12\"", "\"\\u12g4\"", "\"\n\"", "\"\x01\"", "{\"a\n\":1}",
                "\"\xff\"", "\"\xc3\"", "\xef\xbb\xbf{}", "{\"a\\u0000b\":1}", "{\"\\u0000\":1}",
        };

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                check_bad(bad[i], strlen(bad[i]));
        check_bad("{}\0", 3);
        check_bad("12\0003", 4);
        check_bad("\"a\0b\"", 5);
}
END_TEST

START_TEST(values_are_counted_before_they_are_read)
{
        static const struct {
                const char *text;
                size_t n;
        } cases[] = {
                {"null", 1}, {"{}", 1}, {"[]", 1}, {"[{},{}]", 3}, {"{\"a\":[1,2,{\"b\":null}],\"c\":\"{}[],\"}", 7},
        };
        const char *error;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const char *text = cases[i].text;
                json_object *value = NULL;

                ck_assert_int_eq(json_read_within(text, strlen(text), cases[i].n, &value, &error), 0);
                json_object_put(value);
                value = NULL;
                ck_assert_int_eq(json_read_within(text, strlen(text), cases[i].n - 1, &value, &error), -E2BIG);
                ck_assert_ptr_null(value);
        }
        /* what is wrong beyond the last that is counted is not looked at */
        ck_assert_int_eq(json_read_within("[1,2,x", 6, 2, &(json_object *){NULL}, &error), -E2BIG);
        ck_assert_int_eq(json_read_within("[1,x", 4, 4, &(json_object *){NULL}, &error), -EBADMSG);
}
END_TEST

START_TEST(every_beginning_of_a_text_is_refused)
{
        static const char text[] = "{\"a\":[1.5e-3,\"\\u00e4\xc3\xa4\",true,{\"b\":null}]}";

        for (size_t n = 0; n < sizeof(text) - 1; n++)
                check_bad(text, n);
}
END_TEST

START_TEST(depth_has_an_edge)
{
        for (unsigned depth = 63; depth <= 66; depth++) {
                _cleanup_(buffer_done) Buffer b = BUFFER_NULL;
                _cleanup_json_ json_object *value = NULL;
                const char *error;

                for (unsigned i = 0; i < depth; i++)
                        buffer_append_string(&b, i % 2 ? "{\"a\":" : "[");
                buffer_append_char(&b, '1');
                for (unsigned i = depth; i-- > 0;)
                        buffer_append_char(&b, i % 2 ? '}' : ']');
                ck_assert_int_eq(json_read(b.data, b.size, &value, &error), depth <= 64 ? 0 : -EBADMSG);
        }
}
END_TEST

/* As NAME=VALUE(VALUES), one after another. */
static const char *members(const char *text)
{
        static Buffer b;
        const char *at = text;
        JsonMember m;

        buffer_clear(&b);
        buffer_append_string(&b, "");
        while (json_grammar_next(&at, text + strlen(text), &m))
                buffer_printf(&b, "%.*s=%.*s(%zu);", (int)m.name_size, m.name, (int)m.size, m.value, m.n_values);
        return b.size > 0 ? b.data : "";
}

START_TEST(the_members_of_a_text_can_be_walked)
{
        ck_assert_str_eq(members("{}"), "");
        ck_assert_str_eq(members("[1]"), "");
        ck_assert_str_eq(members("7"), "");
        ck_assert_str_eq(members("{\"a\":1}"), "\"a\"=1(1);");
        ck_assert_str_eq(members(" { \"a}\\\"\" :{\"b\":[{},\",\"]},\"\":null}"),
                         "\"a}\\\"\"={\"b\":[{},\",\"]}(4);\"\"=null(1);");
}
END_TEST

int main(void)
{
        Suite *s = suite_create("model/json-read");
        TCase *c = suite_case(s, "reading");

        tcase_add_test(c, json_comes_out_as_it_went_in);
        tcase_add_test(c, what_is_not_json_is_refused);
        tcase_add_test(c, every_beginning_of_a_text_is_refused);
        tcase_add_test(c, values_are_counted_before_they_are_read);
        tcase_add_test(c, depth_has_an_edge);
        tcase_add_test(c, the_members_of_a_text_can_be_walked);
        return suite_run(s);
}
