/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/json-line.h"

#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/number.h"
#include "fake-clock.h"
#include "suite.h"

/* Parsed in a block of exactly its size, so that a sanitizer sees each byte read beyond. */
static int parse(const char *text, size_t n, ReadingLine *line, char **ret_block)
{
        *ret_block = malloc(n > 0 ? n : 1);
        memcpy(*ret_block, text, n);
        return json_line_parse(*ret_block, n, line);
}

static char *shown(const ReadingLine *l)
{
        Buffer b = BUFFER_NULL;
        char number[NUMBER_TEXT_MAX];

        if (l->sensor)
                buffer_printf(&b, "%s ", l->sensor);
        if (l->wall_usec)
                buffer_printf(&b, "@%llu ", (unsigned long long)l->wall_usec);
        for (size_t i = 0; i < l->n_channels; i++) {
                const Value *v = &l->channels[i].value;

                buffer_printf(&b, "%s%s=", i ? " " : "", l->channels[i].name);
                if (v->kind == VALUE_NUMBER)
                        (void)number_format(v->number, number);
                if (v->kind == VALUE_NUMBER)
                        buffer_append_string(&b, number);
                else if (v->kind == VALUE_INTEGER)
                        buffer_printf(&b, "%lldi", (long long)v->integer);
                else if (v->kind == VALUE_BOOLEAN)
                        buffer_append_string(&b, v->boolean ? "true" : "false");
                else
                        buffer_printf(&b, "'%s'", v->text);
        }
        return buffer_steal(&b);
}

START_TEST(good_lines_are_understood)
{
        static const char *const cases[][2] = {
                {"{\"a\":1}", "a=1i"},
                {" { \"a\" : 1.5 , \"b\" : -2 }\r\n", "a=1.5 b=-2i"},
                {"{\"a\":0,\"b\":-0,\"c\":0.0,\"d\":-0.0}", "a=0i b=0i c=0 d=-0"},
                {"{\"a\":21.0625}", "a=21.0625"},
                {"{\"a\":1e3,\"b\":1E-7,\"c\":2.5e+2}", "a=1000 b=1e-7 c=250"},
                {"{\"a\":0.1,\"b\":0.30000000000000004}", "a=0.1 b=0.30000000000000004"},
                {"{\"a\":1.7976931348623157e308,\"b\":5e-324,\"c\":1e-400}", "a=1.7976931348623157e308 b=5e-324 c=0"},
                {"{\"a\":9223372036854775807,\"b\":-9223372036854775808}",
                 "a=9223372036854775807i b=-9223372036854775808i"},
                {"{\"a\":123456789012345678.5}", "a=1.2345678901234568e17"},
                {"{\"a\":0.000000000000000000000000001}", "a=1e-27"},
                {"{\"a\":true,\"b\":false}", "a=true b=false"},
                {"{\"a\":\"\",\"b\":\"x y\"}", "a='' b='x y'"},
                {"{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}", "a='\"\\/\b\f\n\r\t'"},
                {"{\"a\":\"\\u00e4\\u20AC\\ud83d\\ude00\"}", "a='\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80'"},
                {"{\"a\":\"\xc3\xa4\xf0\x9f\x98\x80\"}", "a='\xc3\xa4\xf0\x9f\x98\x80'"},
                {"{\"\\u0061b\":1}", "ab=1i"},
                {"{\"t\":1763647200123,\"a\":1}", "@1763647200123000 a=1i"},
                {"{\"a\":1,\"t\":1763647200123.4567}", "@1763647200123457 a=1i"},
                {"{\"s\":\"room\",\"a\":1}", "room a=1i"},
                {"{\"a\":1,\"s\":\"room\",\"t\":1}", "room @1000 a=1i"},
                {"{\"tt\":1,\"T\":2,\"S\":3,\"Q\":4}", "tt=1i T=2i S=3i Q=4i"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char *block, *text;
                ReadingLine line;

                ck_assert_msg(parse(cases[i][0], strlen(cases[i][0]), &line, &block) == 0, "%s: %zu: %s", cases[i][0],
                              line.column, line.error);
                text = shown(&line);
                ck_assert_str_eq(text, cases[i][1]);
                free(text);
                free(block);
        }
}
END_TEST

START_TEST(bad_lines_are_refused_where_they_are_bad)
{
        static const struct {
                const char *text;
                Refusal refusal;
                size_t column;
        } cases[] = {
                {"", REFUSAL_MALFORMED, 1},
                {"x", REFUSAL_MALFORMED, 1},
                {"1", REFUSAL_MALFORMED, 1},
                {"[]", REFUSAL_MALFORMED, 1},
                {"null", REFUSAL_MALFORMED, 1},
                {"{", REFUSAL_MALFORMED, 2},
                {"{}", REFUSAL_MALFORMED, 2},
                {"{ }", REFUSAL_MALFORMED, 3},
                {"{\"a\"}", REFUSAL_MALFORMED, 5},
                {"{\"a\":}", REFUSAL_MALFORMED, 6},
                {"{\"a\":1", REFUSAL_MALFORMED, 7},
                {"{\"a\":1,}", REFUSAL_MALFORMED, 8},
                {"{\"a\":1}}", REFUSAL_MALFORMED, 8},
                {"{\"a\":1} {\"b\":2}", REFUSAL_MALFORMED, 9},
                {"{,\"a\":1}", REFUSAL_MALFORMED, 2},
                {"{\"a\":1;\"b\":2}", REFUSAL_MALFORMED, 7},
                {"{'a':1}", REFUSAL_MALFORMED, 2},
                {"{a:1}", REFUSAL_MALFORMED, 2},
                {"{/**/\"a\":1}", REFUSAL_MALFORMED, 2},
                {"{\"a\":01}", REFUSAL_MALFORMED, 6},
                {"{\"a\":+1}", REFUSAL_MALFORMED, 6},
                {"{\"a\":.5}", REFUSAL_MALFORMED, 6},
                {"{\"a\":5.}", REFUSAL_MALFORMED, 8},
                {"{\"a\":1e}", REFUSAL_MALFORMED, 8},
                {"{\"a\":-}", REFUSAL_MALFORMED, 7},
                {"{\"a\":0x10}", REFUSAL_MALFORMED, 7},
                {"{\"a\":1,2}", REFUSAL_MALFORMED, 8},
                {"{\"a\":True}", REFUSAL_MALFORMED, 6},
                {"{\"a\":tru}", REFUSAL_MALFORMED, 6},
                {"{\"a\":null}", REFUSAL_MALFORMED, 6},
                {"{\"a\":{}}", REFUSAL_MALFORMED, 6},
                {"{\"a\":{\"b\":1}}", REFUSAL_MALFORMED, 6},
                {"{\"a\":[1]}", REFUSAL_MALFORMED, 6},
                {"{\"a\":\"x}", REFUSAL_MALFORMED, 9},
                {"{\"a\":\"x\\", REFUSAL_MALFORMED, 9},
                {"{\"a\":\"\\x\"}", REFUSAL_MALFORMED, 8},
                {"{\"a\":\"\\u12\"}", REFUSAL_MALFORMED, 9},
                {"{\"a\":\"\\u0000\"}", REFUSAL_MALFORMED, 13},
                {"{\"a\":\"\\ud800\"}", REFUSAL_MALFORMED, 13},
                {"{\"a\":\"\\udc00\"}", REFUSAL_MALFORMED, 13},
                {"{\"a\":\"\x01\"}", REFUSAL_MALFORMED, 7},
                {"{\"a\":\"\xff\"}", REFUSAL_MALFORMED, 7},
                {"{\"a\":\"\xc0\x80\"}", REFUSAL_MALFORMED, 7},
                {"{\"a\":1,\"a\":2}", REFUSAL_MALFORMED, 8},
                {"{\"a\":1,\"\\u0061\":2}", REFUSAL_MALFORMED, 8},
                {"{\"a\":1,\"t\":1,\"t\":2}", REFUSAL_MALFORMED, 14},
                {"{\"a\":1,\"s\":\"x\",\"s\":\"y\"}", REFUSAL_MALFORMED, 16},
                {"{\"\":1}", REFUSAL_MALFORMED, 2},
                {"{\"a b\":1}", REFUSAL_MALFORMED, 2},
                {"{\"1a\":1}", REFUSAL_MALFORMED, 2},
                {"{\"q\":1}", REFUSAL_MALFORMED, 2},
                {"{\"abcdefghijabcdefghijabcdefghijabc\":1}", REFUSAL_MALFORMED, 2},
                {"{\"t\":1763647200123}", REFUSAL_MALFORMED, 20},
                {"{\"s\":\"room\"}", REFUSAL_MALFORMED, 13},
                {"{\"s\":\"a b\",\"a\":1}", REFUSAL_MALFORMED, 2},
                {"{\"s\":5,\"a\":1}", REFUSAL_MALFORMED, 2},
                {"{\"t\":\"now\",\"a\":1}", REFUSAL_MALFORMED, 2},
                {"{\"t\":0,\"a\":1}", REFUSAL_RANGE, 2},
                {"{\"t\":-5,\"a\":1}", REFUSAL_RANGE, 2},
                {"{\"t\":1e300,\"a\":1}", REFUSAL_RANGE, 2},
                {"{\"a\":9223372036854775808}", REFUSAL_RANGE, 6},
                {"{\"a\":-9223372036854775809}", REFUSAL_RANGE, 6},
                {"{\"a\":18446744073709551616}", REFUSAL_RANGE, 6},
                {"{\"a\":100000000000000000000000000}", REFUSAL_RANGE, 6},
                {"{\"a\":1e309}", REFUSAL_RANGE, 6},
                {"{\"a\":-1e999999999999}", REFUSAL_RANGE, 6},
                {"{\"a\":NaN}", REFUSAL_NAN, 6},
                {"{\"a\":nan}", REFUSAL_NAN, 6},
                {"{\"a\":Infinity}", REFUSAL_NAN, 6},
                {"{\"a\":-Infinity}", REFUSAL_NAN, 6},
                {"{\"a\":-inf}", REFUSAL_NAN, 6},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                char *block;
                ReadingLine line;
                int r = parse(cases[i].text, strlen(cases[i].text), &line, &block);

                ck_assert_msg(r == READING_LINE_E_REFUSED, "%s was taken", cases[i].text);
                ck_assert_msg(line.refusal == cases[i].refusal && line.column == cases[i].column, "%s: %s at %zu: %s",
                              cases[i].text, refusal_to_string(line.refusal), line.column, line.error);
                free(block);
        }
}
END_TEST

static char *repeated(const char *head, const char *part, size_t n, const char *tail)
{
        Buffer b = BUFFER_NULL;

        buffer_append_string(&b, head);
        for (size_t i = 0; i < n; i++)
                buffer_append_string(&b, part);
        buffer_append_string(&b, tail);
        return buffer_steal(&b);
}

static void expect_refusal(char *text, Refusal refusal)
{
        ReadingLine line;

        ck_assert_int_eq(json_line_parse(text, strlen(text), &line), READING_LINE_E_REFUSED);
        ck_assert_msg(line.refusal == refusal, "%s: %s", refusal_to_string(line.refusal), line.error);
        free(text);
}

START_TEST(bombs_do_not_go_off)
{
        Buffer many = BUFFER_NULL;
        ReadingLine line;

        expect_refusal(repeated("{\"a\":", "[", 1000000, ""), REFUSAL_MALFORMED);
        expect_refusal(repeated("", "{\"a\":", 1000000, ""), REFUSAL_MALFORMED);
        expect_refusal(repeated("{\"a\":\"", "x", READING_TEXT_MAX + 1, "\"}"), REFUSAL_TOO_LONG);
        expect_refusal(repeated("{\"a\":", "9", 100000, "}"), REFUSAL_RANGE);
        expect_refusal(repeated("{\"a\":0.", "9", 100000, "}"), REFUSAL_TOO_LONG);
        expect_refusal(repeated("{\"a\":1e", "9", 100000, "}"), REFUSAL_TOO_LONG);
        expect_refusal(repeated("", " ", 100000, ""), REFUSAL_MALFORMED);
        for (int i = 0; i < READING_CHANNELS_MAX; i++)
                buffer_printf(&many, "%s\"c%d\":%d", i ? "," : "{", i, i);
        buffer_append_char(&many, '}');
        ck_assert_int_eq(json_line_parse(many.data, many.size, &line), 0);
        ck_assert_uint_eq(line.n_channels, READING_CHANNELS_MAX);
        buffer_clear(&many);
        for (int i = 0; i <= READING_CHANNELS_MAX; i++)
                buffer_printf(&many, "%s\"c%d\":%d", i ? "," : "{", i, i);
        buffer_append_char(&many, '}');
        ck_assert_int_eq(json_line_parse(many.data, many.size, &line), READING_LINE_E_REFUSED);
        buffer_done(&many);
}
END_TEST

/* What json-c refuses by the letter of JSON, we refuse; and a number that both take is the same double. */
static void compare_with_jsonc(const char *text, size_t n)
{
        /* A new one each time: a reset one remembers half a surrogate pair. */
        struct json_tokener *tokener = json_tokener_new();
        struct json_object *o;
        enum json_tokener_error error;
        ReadingLine line;
        char *block;
        int r = parse(text, n, &line, &block);

        json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
        o = json_tokener_parse_ex(tokener, text, (int)n);
        error = json_tokener_get_error(tokener);
        if (r == 0) {
                ck_assert_msg(error == json_tokener_success && json_object_is_type(o, json_type_object),
                              "json-c refuses what we take: %.*s: %s", (int)n, text, json_tokener_error_desc(error));
                for (size_t i = 0; i < line.n_channels; i++) {
                        struct json_object *v;

                        ck_assert(json_object_object_get_ex(o, line.channels[i].name, &v));
                        if (line.channels[i].value.kind == VALUE_NUMBER)
                                ck_assert(json_object_get_double(v) == line.channels[i].value.number);
                        else if (line.channels[i].value.kind == VALUE_INTEGER)
                                ck_assert(json_object_get_int64(v) == line.channels[i].value.integer);
                        /* json-c takes some good pairs, such as U+1DE00, for broken ones and puts U+FFFD. */
                        else if (line.channels[i].value.kind == VALUE_TEXT &&
                                 !strstr(json_object_get_string(v), "\xef\xbf\xbd"))
                                ck_assert_msg(strcmp(json_object_get_string(v), line.channels[i].value.text) == 0,
                                              "%.*s", (int)n, text);
                }
        }
        json_object_put(o);
        json_tokener_free(tokener);
        free(block);
}

START_TEST(json_c_agrees)
{
        static const char *const seeds[] = {
                "{\"a\":1,\"b\":-2.5e-3,\"c\":\"x\\u00e4\\n\",\"d\":true,\"t\":1763647200123,\"s\":\"room\"}",
                "{\"temperature\":21.0625,\"humidity\":45,\"door\":\"open\"}",
                "{\"n\":123456789012345678901234567890e-12,\"m\":0.1e1,\"k\":\"\\ud83d\\ude00\"}",
        };
        static const char letters[] = "{}[]\":,.-+eE0123456789 \\utrfalsn\"\"\"/\t\r\n\x80\xff";
        FakeRandom dice;

        fake_random_init(&dice, 7);
        for (int i = 0; i < 60000; i++) {
                char text[256];
                const char *seed = seeds[dice.random.draw(&dice) % ARRAY_SIZE(seeds)];
                size_t n = strlen(seed), changes = dice.random.draw(&dice) % 4;

                memcpy(text, seed, n);
                for (size_t k = 0; k < changes; k++) {
                        size_t where = dice.random.draw(&dice) % n;
                        char letter = letters[dice.random.draw(&dice) % (sizeof(letters) - 1)];

                        switch (dice.random.draw(&dice) % 3) {
                        case 0:
                                text[where] = letter;
                                break;
                        case 1:
                                memmove(text + where, text + where + 1, --n - where);
                                break;
                        case 2:
                                memmove(text + where + 1, text + where, n++ - where);
                                text[where] = letter;
                                break;
                        }
                }
                compare_with_jsonc(text, n);
        }
}
END_TEST

START_TEST(any_double_is_read_right)
{
        FakeRandom dice;

        fake_random_init(&dice, 3);
        for (int i = 0; i < 100000; i++) {
                uint64_t bits = dice.random.draw(&dice);
                char text[NUMBER_TEXT_MAX + 16], number[NUMBER_TEXT_MAX];
                ReadingLine line;
                double x, y;

                memcpy(&x, &bits, sizeof(x));
                if (i % 2)
                        x = (double)(int64_t)(bits >> 20) / 1e6;
                if (!isfinite(x) || x == nearbyint(x))
                        continue;
                (void)number_format(x, number);
                (void)snprintf(text, sizeof(text), "{\"a\":%s}", number);
                if (json_line_parse(text, strlen(text), &line) != 0)
                        ck_abort_msg("%s: %s", number, line.error);
                y = line.channels[0].value.number;
                if (x != y)
                        ck_abort_msg("%s became %.17g", number, y);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sensor/json-line");
        TCase *c = suite_case(s, "lines");

        tcase_add_test(c, good_lines_are_understood);
        tcase_add_test(c, bad_lines_are_refused_where_they_are_bad);
        tcase_add_test(c, bombs_do_not_go_off);
        c = suite_case(s, "beside others");
        tcase_add_test(c, json_c_agrees);
        tcase_add_test(c, any_double_is_read_right);
        return suite_run(s);
}
