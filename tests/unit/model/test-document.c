/* SPDX-License-Identifier: Apache-2.0 */
#include "model/document.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fake-clock.h"
#include "model/document-limits.h"
#include "suite.h"

static Document *parse(const char *text)
{
        Document *d = NULL;
        const char *error;

        ck_assert_msg(document_parse(&d, text, strlen(text), &error) == 0, "%s: %s", text, error);
        return d;
}

static void is(const Document *d, const char *text)
{
        Buffer b = BUFFER_NULL;

        document_write(d, &b);
        ck_assert_str_eq(b.data, text);
        buffer_done(&b);
}

START_TEST(what_is_no_object_is_refused_in_words)
{
        static const char *const texts[] = {"", "[]", "1", "null", "\"x\"", "{", "{\"a\":1,}", "{}{}", "{\"a\":\"\xff\"}"};
        Document *d = NULL;

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                const char *error = NULL;

                ck_assert_int_eq(document_parse(&d, texts[i], strlen(texts[i]), &error), -EBADMSG);
                ck_assert_str_ne(error, "");
        }
        ck_assert_ptr_null(d);
}
END_TEST

START_TEST(what_is_not_touched_is_written_as_it_was_read)
{
        static const char text[] = "{\"a\":1.50,\"b\":[null,{}],\"c\":\"\\u0000x\",\"d\":-0.0,\"e\":1e3}";
        _cleanup_(document_freep) Document *d = parse(text), *copy = NULL;

        is(d, text);
        ck_assert_int_eq(document_copy(&copy, d), 0);
        is(copy, text);
        ck_assert(document_equal(d, copy));
        document_remove(copy, "a");
        ck_assert(!document_equal(d, copy));
        is(d, text);
}
END_TEST

START_TEST(members_are_found_and_walked_through)
{
        _cleanup_(document_freep) Document *d = parse("{\"a\":{\"b\":true},\"n\":null,\"v\":7,\"t\":\"x\",\"m\":-1}");
        DocumentMember m = {};
        char names[16] = "";
        uint64_t v = 0;

        while (document_next(d, &m))
                strcat(names, m.name);
        ck_assert_str_eq(names, "anvtm");
        ck_assert(document_boolean(document_member(document_member(d, "a"), "b")));
        ck_assert(document_has(d, "n") && !document_member(d, "n") && !document_has(d, "x"));
        ck_assert(document_unsigned(document_member(d, "v"), &v) && v == 7);
        ck_assert(!document_unsigned(document_member(d, "m"), &v) && !document_unsigned(document_member(d, "t"), &v));
        ck_assert_ptr_null(document_member(document_member(d, "v"), "a"));
        ck_assert_str_eq(document_text_member(d, "t"), "x");
        for (const char *const *name = (const char *const[]){"a", "n", "v", "x", NULL}; *name; name++)
                ck_assert_ptr_null(document_text_member(d, *name));
        ck_assert_ptr_null(document_text_member(NULL, "t"));
        ck_assert(!document_next(NULL, &(DocumentMember){}));
}
END_TEST

START_TEST(a_patch_is_merged_as_the_hub_does)
{
        static const char *const cases[][3] = {
                {"{}", "{\"a\":1}", "{\"a\":1}"},
                {"{\"a\":1}", "{\"a\":null}", "{}"},
                {"{\"a\":1}", "{\"b\":null}", "{\"a\":1}"},
                {"{\"a\":{\"x\":1,\"y\":2}}", "{\"a\":{\"y\":null,\"z\":3}}", "{\"a\":{\"x\":1,\"z\":3}}"},
                {"{\"a\":1}", "{\"a\":{\"x\":null,\"y\":2}}", "{\"a\":{\"y\":2}}"},
                {"{\"a\":{\"x\":1}}", "{\"a\":[1,null]}", "{\"a\":[1,null]}"},
                {"{\"a\":[1]}", "{\"a\":[]}", "{\"a\":[]}"},
                {"{}", "{\"a\":{\"b\":{\"c\":null}}}", "{\"a\":{\"b\":{}}}"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(document_freep) Document *d = parse(cases[i][0]), *patch = parse(cases[i][1]);

                ck_assert_int_eq(document_merge(d, patch), 0);
                is(d, cases[i][2]);
                is(patch, cases[i][1]);
        }
}
END_TEST

START_TEST(numbers_are_equal_however_they_are_written)
{
        _cleanup_(document_freep) Document *a = parse("{\"a\":1,\"b\":[2.50],\"c\":{\"x\":1,\"y\":2}}"),
                                           *b = parse("{\"c\":{\"y\":2.0,\"x\":1},\"b\":[2.5],\"a\":1.0}"),
                                           *c = parse("{\"c\":{\"y\":2.0,\"x\":1},\"b\":[2.5],\"a\":1.1}");
        Document *patch = (Document *)1;

        ck_assert(document_equal(a, b));
        ck_assert(!document_equal(b, c));
        ck_assert_int_eq(document_difference(a, b, &patch), 0);
        ck_assert_ptr_null(patch);
}
END_TEST

/* ---- what holds of any two ---- */

static unsigned draw(FakeRandom *dice, unsigned n)
{
        return (unsigned)(dice->random.draw(&dice->random) % n);
}

static Document *some_object(FakeRandom *dice, unsigned depth)
{
        Document *d = document_new();
        unsigned n = draw(dice, 5);

        for (unsigned i = 0; i < n; i++) {
                char name[2] = {(char)('a' + draw(dice, 6)), 0};

                if (depth > 0 && draw(dice, 3) == 0)
                        (void)document_put(d, name, some_object(dice, depth - 1));
                else if (draw(dice, 2))
                        (void)document_put(d, name, document_new_unsigned(draw(dice, 3)));
                else
                        (void)document_put(d, name, document_new_text(&"0123456789"[draw(dice, 10)]));
        }
        return d;
}

START_TEST(a_difference_makes_one_the_other)
{
        FakeRandom dice;

        fake_random_init(&dice, 5);
        for (int i = 0; i < 3000; i++) {
                _cleanup_(document_freep) Document *from = some_object(&dice, 3), *to = some_object(&dice, 3),
                                                   *patch = NULL;

                insist(document_difference(from, to, &patch) == 0);
                insist(!patch == document_equal(from, to));
                insist(document_merge(from, patch) == 0);
                insist(document_equal(from, to));
        }
}
END_TEST

/* However small the portions, the last one ends it, and none is larger than it must be. */
START_TEST(a_patch_goes_in_portions)
{
        FakeRandom dice;

        fake_random_init(&dice, 6);
        for (int i = 0; i < 2000; i++) {
                _cleanup_(document_freep) Document *known = some_object(&dice, 2), *to = some_object(&dice, 3);
                size_t size = 20 + draw(&dice, 100);
                int rounds = 0;

                for (;; rounds++) {
                        _cleanup_(document_freep) Document *patch = NULL, *portion = NULL;
                        Buffer b = BUFFER_NULL;

                        insist(rounds < 100);
                        insist(document_difference(known, to, &patch) == 0);
                        insist(document_portion(patch, size, &portion) == 0);
                        if (!patch)
                                break;
                        document_write(portion, &b);
                        /* the longest leaf of all stands this deep */
                        insist(b.size <= MAX(size, (size_t)36));
                        buffer_done(&b);
                        insist(document_merge(known, portion) == 0);
                }
                insist(document_equal(known, to));
        }
}
END_TEST

/* ---- limits ---- */

START_TEST(it_is_counted_as_the_hub_counts)
{
        _cleanup_(document_freep) Document *d =
                parse("{\"ab\":1,\"c\":1.5,\"d\":true,\"e\":\"\xc3\xa4\\n\\u0085\",\"f\":[1,{\"g\":\"h\"}],\"i\":{}}");

        ck_assert_uint_eq(document_size(d), (2 + 8) + (1 + 8) + (1 + 4) + (1 + 2) + (1 + 8 + 1 + 1) + 1);
}
END_TEST

static void limits(const char *text, const char *words)
{
        _cleanup_(document_freep) Document *d = parse(text);
        Buffer why = BUFFER_NULL;

        if (!words) {
                ck_assert_msg(document_is_within_limits(d, &why), "%s", why.data);
        } else {
                ck_assert(!document_is_within_limits(d, &why));
                ck_assert_msg(strstr(why.data, words), "%s: %s", words, why.data);
        }
        buffer_done(&why);
}

START_TEST(each_limit_is_held)
{
        char *text = calloc(1, 8192);

        limits("{\"a\":4503599627370495,\"b\":-4503599627370496}", NULL);
        limits("{\"a\":{\"b\":4503599627370496}}", "a.b: a whole number");
        limits("{\"a\":{\"x y\":1}}", "a: a name");
        limits("{\"$x\":1}", "a name");
        limits("{\"a.b\":1}", "a name");
        limits("{\"\":1}", "a name");
        limits("{\"\\u0007\":1}", "a name");
        for (int n = 4096; n <= 4097; n++) {
                (void)snprintf(text, 8192, "{\"a\":\"%0*d\"}", n, 0);
                limits(text, n > 4096 ? "a: a text" : NULL);
        }
        for (int n = 1024; n <= 1025; n++) {
                (void)snprintf(text, 8192, "{\"%0*d\":1}", n, 0);
                limits(text, n > 1024 ? "a name" : NULL);
        }
        limits("{\"1\":{\"2\":{\"3\":{\"4\":{\"5\":{\"6\":{\"7\":{\"8\":{\"9\":{\"10\":{\"v\":1}}}}}}}}}}}", NULL);
        limits("{\"1\":{\"2\":{\"3\":{\"4\":{\"5\":{\"6\":{\"7\":{\"8\":{\"9\":{\"10\":[{}]}}}}}}}}}}", "nested");
        free(text);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("model/document");
        TCase *c = suite_case(s, "a JSON value, held and changed");

        tcase_add_test(c, what_is_no_object_is_refused_in_words);
        tcase_add_test(c, what_is_not_touched_is_written_as_it_was_read);
        tcase_add_test(c, members_are_found_and_walked_through);
        tcase_add_test(c, a_patch_is_merged_as_the_hub_does);
        tcase_add_test(c, numbers_are_equal_however_they_are_written);
        tcase_add_test(c, a_difference_makes_one_the_other);
        tcase_add_test(c, a_patch_goes_in_portions);
        c = suite_case(s, "the hub's limits");
        tcase_add_test(c, it_is_counted_as_the_hub_counts);
        tcase_add_test(c, each_limit_is_held);
        return suite_run(s);
}
