/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/twin-patch.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "model/json-read.h"

#include "suite.h"

/* 2026-01-01T00:00:00.123456Z */
#define NOW  ((usec_t)1767225600123456)
#define THEN "2026-01-01T00:00:00.1234560Z"

static json_object *parsed(const char *text)
{
        const char *error;
        json_object *value = NULL;

        ck_assert_msg(json_read(text, strlen(text), &value, &error) == 0, "%s: %s", text, error);
        return value;
}

static int take(TwinSectionKind kind, const char *text, json_object **ret, Buffer *error)
{
        _cleanup_json_ json_object *given = parsed(text);

        return twin_patch_new(ret, kind, given, error);
}

/* 0, or why not: the section's own words in error */
static int merge(TwinSection *s, const char *text, usec_t now, Buffer *error)
{
        _cleanup_json_ json_object *patch = NULL;
        int k = take(s->kind, text, &patch, error);

        return k != 0 ? k : twin_section_merge(s, patch, now, error);
}

static void check_text(json_object *value, const char *expected)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        json_write(&b, value);
        ck_assert_str_eq(b.data, expected);
}

START_TEST(members_are_merged_one_by_one)
{
        static const struct {
                const char *before, *patch, *after;
        } cases[] = {
                {"{}", "{}", "{}"},
                {"{}", "{\"a\":1}", "{\"a\":1}"},
                {"{\"a\":1}", "{\"b\":2}", "{\"a\":1,\"b\":2}"},
                {"{\"a\":1}", "{\"a\":\"x\"}", "{\"a\":\"x\"}"},
                {"{\"a\":{\"b\":1,\"c\":2}}", "{\"a\":{\"b\":3}}", "{\"a\":{\"b\":3,\"c\":2}}"},
                {"{\"a\":{\"b\":1}}", "{\"a\":{}}", "{\"a\":{\"b\":1}}"},
                {"{\"a\":1}", "{\"a\":{\"b\":2}}", "{\"a\":{\"b\":2}}"},
                {"{\"a\":{\"b\":2}}", "{\"a\":1}", "{\"a\":1}"},
                {"{\"a\":[1,{\"b\":2}]}", "{\"a\":[{\"b\":3}]}", "{\"a\":[{\"b\":3}]}"},
                {"{\"a\":[1]}", "{\"a\":{\"b\":1}}", "{\"a\":{\"b\":1}}"},
                {"{\"a\":1.50}", "{\"b\":1e3}", "{\"a\":1.50,\"b\":1e3}"},
                {"{\"a\":true}", "{\"a\":false}", "{\"a\":false}"},
                /* null deletes, whatever it is, and says nothing where nothing is */
                {"{\"a\":1,\"b\":2}", "{\"a\":null}", "{\"b\":2}"},
                {"{\"a\":{\"b\":1}}", "{\"a\":null}", "{}"},
                {"{\"a\":{\"b\":1,\"c\":2}}", "{\"a\":{\"b\":null}}", "{\"a\":{\"c\":2}}"},
                {"{\"a\":{\"b\":1}}", "{\"a\":{\"b\":null}}", "{\"a\":{}}"},
                {"{}", "{\"a\":null}", "{}"},
                {"{}", "{\"a\":{\"b\":null}}", "{\"a\":{}}"},
                {"{\"a\":1}", "{\"a\":{\"b\":null,\"c\":{\"d\":null}}}", "{\"a\":{\"c\":{}}}"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(twin_section_done) TwinSection s = {};
                _cleanup_(buffer_done) Buffer error = BUFFER_NULL;

                ck_assert_int_eq(twin_section_init(&s, TWIN_TAGS), 0);
                ck_assert_int_eq(merge(&s, cases[i].before, NOW, &error), 0);
                ck_assert_int_eq(merge(&s, cases[i].patch, NOW, &error), 0);
                check_text(s.values, cases[i].after);
                ck_assert_uint_eq(s.version, 3);
        }
}
END_TEST

START_TEST(a_new_section_has_version_1_and_was_never_written)
{
        _cleanup_(twin_section_done) TwinSection tags = {}, desired = {}, reported = {};

        ck_assert_int_eq(twin_section_init(&tags, TWIN_TAGS), 0);
        ck_assert_int_eq(twin_section_init(&desired, TWIN_DESIRED), 0);
        ck_assert_int_eq(twin_section_init(&reported, TWIN_REPORTED), 0);
        ck_assert_uint_eq(desired.version, 1);
        check_text(desired.values, "{}");
        check_text(desired.metadata, "{\"$lastUpdated\":\"0001-01-01T00:00:00Z\"}");
        check_text(reported.metadata, "{\"$lastUpdated\":\"0001-01-01T00:00:00Z\"}");
        ck_assert_ptr_null(tags.metadata);
}
END_TEST

START_TEST(the_metadata_mirrors_the_reported_section)
{
        _cleanup_(twin_section_done) TwinSection s = {};
        _cleanup_(buffer_done) Buffer error = BUFFER_NULL;

        ck_assert_int_eq(twin_section_init(&s, TWIN_REPORTED), 0);
        ck_assert_int_eq(merge(&s, "{\"a\":{\"b\":1,\"c\":[1,2]},\"d\":2}", NOW, &error), 0);
        check_text(s.metadata, "{\"$lastUpdated\":\"" THEN "\","
                               "\"a\":{\"$lastUpdated\":\"" THEN "\",\"b\":{\"$lastUpdated\":\"" THEN "\"},"
                               "\"c\":{\"$lastUpdated\":\"" THEN "\"}},"
                               "\"d\":{\"$lastUpdated\":\"" THEN "\"}}");
}
END_TEST

#define STAMP_2 "\"$lastUpdated\":\"" THEN "\",\"$lastUpdatedVersion\":2"
#define STAMP_3 "\"$lastUpdated\":\"2026-01-01T00:00:01.1234560Z\",\"$lastUpdatedVersion\":3"

START_TEST(the_metadata_stamps_what_is_touched_and_all_above)
{
        _cleanup_(twin_section_done) TwinSection s = {};
        _cleanup_(buffer_done) Buffer error = BUFFER_NULL;

        ck_assert_int_eq(twin_section_init(&s, TWIN_DESIRED), 0);
        ck_assert_int_eq(merge(&s, "{\"a\":{\"b\":1,\"c\":2},\"d\":{\"e\":1},\"f\":0}", NOW, &error), 0);
        ck_assert_int_eq(merge(&s, "{\"a\":{\"b\":null,\"c\":3},\"d\":7}", NOW + USEC_PER_SEC, &error), 0);
        check_text(s.values, "{\"a\":{\"c\":3},\"d\":7,\"f\":0}");
        check_text(s.metadata, "{" STAMP_3 ",\"a\":{" STAMP_3 ",\"c\":{" STAMP_3 "}},\"d\":{" STAMP_3 "},"
                               "\"f\":{" STAMP_2 "}}");
}
END_TEST

/* What is not a section: no patch comes of it, and the words tell where. */
static void check_refused(TwinSectionKind kind, const char *text, const char *words)
{
        _cleanup_(buffer_done) Buffer error = BUFFER_NULL;
        _cleanup_json_ json_object *patch = NULL;

        ck_assert_msg(take(kind, text, &patch, &error) == TWIN_PATCH_E_INVALID, "%s", text);
        ck_assert_ptr_null(patch);
        ck_assert_msg(strstr(error.data, words) != NULL, "%s: %s", text, error.data);
}

static void check_taken(TwinSectionKind kind, const char *text)
{
        _cleanup_(buffer_done) Buffer error = BUFFER_NULL;
        _cleanup_json_ json_object *patch = NULL;

        ck_assert_msg(take(kind, text, &patch, &error) == 0, "%s: %s", text, error.data);
}

START_TEST(names_have_rules)
{
        check_refused(TWIN_TAGS, "{\"a.b\":1}", "'a.b'");
        check_refused(TWIN_TAGS, "{\"a b\":1}", "'a b'");
        check_refused(TWIN_TAGS, "{\"$a\":1}", "'$a'");
        check_refused(TWIN_TAGS, "{\"a\":{\"b\":{\"c$\":null}}}", "tags.a.b: the name 'c$'");
        check_refused(TWIN_DESIRED, "{\"a\":[{\"b.\":1}]}", "properties.desired.a: the name 'b.'");
        check_refused(TWIN_TAGS, "{\"\":1}", "empty");
        check_refused(TWIN_TAGS, "{\"a\\u0007\":1}", "control character");
        check_refused(TWIN_TAGS, "{\"\\u007f\":1}", "control character");
        check_refused(TWIN_TAGS, "{\"\\u0080\":1}", "control character");
        check_refused(TWIN_TAGS, "{\"\\u009f\":1}", "control character");
        check_taken(TWIN_TAGS, "{\"\\u00a0\":1,\"\xc3\xa4\":2,\"a/b-c_d#+\":3,\"\xe2\x82\xac\":4}");
}
END_TEST

/* {"n...n":1} */
static void name_of(Buffer *b, size_t size)
{
        buffer_clear(b);
        buffer_append_string(b, "{\"");
        for (size_t i = 0; i < size; i++)
                buffer_append_char(b, 'n');
        buffer_append_string(b, "\":1}");
}

/* {"s":"x...x"} */
static void string_of(Buffer *b, size_t size)
{
        buffer_clear(b);
        buffer_append_string(b, "{\"s\":\"");
        for (size_t i = 0; i < size; i++)
                buffer_append_char(b, 'x');
        buffer_append_string(b, "\"}");
}

START_TEST(names_and_strings_have_an_edge)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        name_of(&b, 1024);
        check_taken(TWIN_REPORTED, b.data);
        name_of(&b, 1025);
        check_refused(TWIN_REPORTED, b.data, "a name of 1025 bytes");
        string_of(&b, 4096);
        check_taken(TWIN_REPORTED, b.data);
        string_of(&b, 4097);
        check_refused(TWIN_REPORTED, b.data, "properties.reported.s: a string of 4097 bytes");
}
END_TEST

START_TEST(integers_have_a_range)
{
        check_taken(TWIN_REPORTED, "{\"a\":4503599627370495,\"b\":-4503599627370496}");
        check_refused(TWIN_REPORTED, "{\"a\":4503599627370496}", "reported.a: an integer");
        check_refused(TWIN_REPORTED, "{\"a\":-4503599627370497}", "an integer");
        check_refused(TWIN_REPORTED, "{\"a\":99999999999999999999}", "an integer");
        check_refused(TWIN_REPORTED, "{\"a\":[18446744073709551615]}", "an integer");
        check_taken(TWIN_REPORTED, "{\"a\":4503599627370496.5,\"b\":-1e300}");
}
END_TEST

START_TEST(numbers_are_finite)
{
        _cleanup_json_ json_object *given = json_object_new_object(), *patch = NULL;
        _cleanup_(buffer_done) Buffer error = BUFFER_NULL;

        ck_assert_int_eq(json_put(given, "a", json_object_new_double(INFINITY)), 0);
        ck_assert_int_eq(twin_patch_new(&patch, TWIN_TAGS, given, &error), TWIN_PATCH_E_INVALID);
        ck_assert_ptr_nonnull(strstr(error.data, "too large"));
}
END_TEST

/* n objects within one another, below the section */
static void depth_of(Buffer *b, unsigned n)
{
        buffer_clear(b);
        for (unsigned i = 0; i <= n; i++)
                buffer_append_string(b, "{\"a\":");
        buffer_append_string(b, "1");
        for (unsigned i = 0; i <= n; i++)
                buffer_append_string(b, "}");
}

START_TEST(ten_levels_are_allowed)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        depth_of(&b, 10);
        check_taken(TWIN_DESIRED, b.data);
        depth_of(&b, 11);
        check_refused(TWIN_DESIRED, b.data, "deeper than 10 levels");
        check_taken(TWIN_DESIRED, "{\"a\":[[[[[[[[[[1]]]]]]]]]]}");
        check_refused(TWIN_DESIRED, "{\"a\":[[[[[[[[[[[1]]]]]]]]]]]}", "deeper than 10 levels");
}
END_TEST

START_TEST(a_patch_is_an_object)
{
        check_refused(TWIN_REPORTED, "[]", "properties.reported: not a JSON object");
        check_refused(TWIN_REPORTED, "1", "not a JSON object");
        check_refused(TWIN_REPORTED, "\"{}\"", "not a JSON object");
        check_refused(TWIN_TAGS, "null", "tags: not a JSON object");
}
END_TEST

START_TEST(trap_20_reported_with_version_or_metadata_is_refused)
{
        check_refused(TWIN_REPORTED, "{\"a\":1,\"$version\":4}", "$version");
        check_refused(TWIN_REPORTED, "{\"$metadata\":{}}", "$metadata");
}
END_TEST

/* A client sends back the document that it read. */
START_TEST(desired_passes_over_what_the_hub_wrote)
{
        _cleanup_(buffer_done) Buffer error = BUFFER_NULL;
        _cleanup_json_ json_object *patch = NULL;

        ck_assert_int_eq(take(TWIN_DESIRED, "{\"a\":1,\"$metadata\":{\"$lastUpdated\":\"x\"},\"$version\":4}", &patch,
                              &error),
                         0);
        check_text(patch, "{\"a\":1}");
        check_refused(TWIN_DESIRED, "{\"a\":{\"$version\":4}}", "properties.desired.a");
}
END_TEST

START_TEST(sizes_count_names_and_values)
{
        static const struct {
                const char *text;
                size_t size;
        } cases[] = {
                {"{}", 0},
                {"{\"abc\":1}", 11},
                {"{\"a\":1.5,\"b\":-7}", 18},
                {"{\"a\":true,\"b\":false}", 10},
                {"{\"a\":\"xyz\"}", 4},
                {"{\"a\":\"\xc3\xa4\xe2\x82\xac\"}", 6},
                {"{\"a\":\"x\\n\\u0000\\u0085y\"}", 3},
                {"{\"a\":{\"b\":{\"c\":\"d\"}}}", 4},
                {"{\"a\":[1,\"xy\",true,null]}", 15},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_json_ json_object *value = parsed(cases[i].text);

                ck_assert_msg(twin_size(value) == cases[i].size, "%s: %zu", cases[i].text, twin_size(value));
        }
}
END_TEST

/* Strings of 4,095 bytes under names of one byte: 4,096 each. */
START_TEST(sections_have_an_edge)
{
        static const struct {
                TwinSectionKind kind;
                unsigned n_strings;
                const char *words;
        } cases[] = {
                {TWIN_TAGS, 2, "tags: it would have 8193 bytes, 8192 are allowed"},
                {TWIN_DESIRED, 8, "properties.desired: it would have 32769 bytes"},
                {TWIN_REPORTED, 8, "properties.reported: it would have 32769 bytes"},
        };
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(twin_section_done) TwinSection s = {};
                _cleanup_(buffer_done) Buffer error = BUFFER_NULL;

                ck_assert_int_eq(twin_section_init(&s, cases[i].kind), 0);
                for (unsigned k = 0; k < cases[i].n_strings; k++) {
                        string_of(&text, 4095);
                        text.data[2] = (char)('a' + k);
                        ck_assert_int_eq(merge(&s, text.data, NOW, &error), 0);
                }
                ck_assert_uint_eq(s.version, cases[i].n_strings + 1);
                string_of(&text, 4096);
                text.data[2] = 'a';
                ck_assert_int_eq(merge(&s, text.data, NOW, &error), TWIN_PATCH_E_INVALID);
                ck_assert_msg(strstr(error.data, cases[i].words) != NULL, "%s", error.data);
                /* nothing of it stayed */
                ck_assert_uint_eq(s.version, cases[i].n_strings + 1);
                ck_assert_uint_eq(twin_size(s.values), cases[i].n_strings * 4096);
                /* and room can be made and taken by one patch */
                string_of(&text, 4094);
                text.data[2] = 'a';
                ck_assert_int_eq(merge(&s, text.data, NOW, &error), 0);
                ck_assert_uint_eq(twin_size(s.values), cases[i].n_strings * 4096 - 1);
        }
}
END_TEST

START_TEST(a_patch_that_replaces_deletes_what_it_does_not_name)
{
        static const struct {
                const char *before, *given, *patch, *after;
        } cases[] = {
                {"{\"a\":1,\"b\":2}", "{\"a\":3}", "{\"a\":3,\"b\":null}", "{\"a\":3}"},
                {"{\"a\":{\"b\":1,\"c\":2}}", "{\"a\":{\"b\":1}}", "{\"a\":{\"b\":1,\"c\":null}}",
                 "{\"a\":{\"b\":1}}"},
                {"{\"a\":{\"b\":1}}", "{\"a\":{}}", "{\"a\":{\"b\":null}}", "{\"a\":{}}"},
                {"{\"a\":{\"b\":1}}", "{\"a\":[1]}", "{\"a\":[1]}", "{\"a\":[1]}"},
                {"{\"a\":1}", "{}", "{\"a\":null}", "{}"},
                {"{}", "{\"a\":null,\"b\":1}", "{\"a\":null,\"b\":1}", "{\"b\":1}"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(twin_section_done) TwinSection s = {};
                _cleanup_(buffer_done) Buffer error = BUFFER_NULL;
                _cleanup_json_ json_object *given = NULL, *patch = NULL;

                ck_assert_int_eq(twin_section_init(&s, TWIN_DESIRED), 0);
                ck_assert_int_eq(merge(&s, cases[i].before, NOW, &error), 0);
                ck_assert_int_eq(take(TWIN_DESIRED, cases[i].given, &given, &error), 0);
                ck_assert_int_eq(twin_patch_to_replace(&patch, &s, given), 0);
                check_text(patch, cases[i].patch);
                ck_assert_int_eq(twin_section_merge(&s, patch, NOW, &error), 0);
                check_text(s.values, cases[i].after);
        }
}
END_TEST

START_TEST(what_was_given_is_left_as_it_is)
{
        _cleanup_(twin_section_done) TwinSection s = {};
        _cleanup_(buffer_done) Buffer error = BUFFER_NULL;
        _cleanup_json_ json_object *given = parsed("{\"a\":{\"b\":[1]},\"$version\":1}"), *patch = NULL;

        ck_assert_int_eq(twin_section_init(&s, TWIN_DESIRED), 0);
        ck_assert_int_eq(twin_patch_new(&patch, TWIN_DESIRED, given, &error), 0);
        ck_assert_int_eq(twin_section_merge(&s, patch, NOW, &error), 0);
        ck_assert_int_eq(merge(&s, "{\"a\":{\"c\":1}}", NOW, &error), 0);
        check_text(given, "{\"a\":{\"b\":[1]},\"$version\":1}");
        check_text(patch, "{\"a\":{\"b\":[1]}}");
        check_text(s.values, "{\"a\":{\"b\":[1],\"c\":1}}");
}
END_TEST

int main(void)
{
        Suite *s = suite_create("devhub/twin-patch");
        TCase *c = suite_case(s, "merging");

        tcase_add_test(c, members_are_merged_one_by_one);
        tcase_add_test(c, a_new_section_has_version_1_and_was_never_written);
        tcase_add_test(c, a_patch_that_replaces_deletes_what_it_does_not_name);
        tcase_add_test(c, what_was_given_is_left_as_it_is);

        c = suite_case(s, "metadata");
        tcase_add_test(c, the_metadata_mirrors_the_reported_section);
        tcase_add_test(c, the_metadata_stamps_what_is_touched_and_all_above);

        c = suite_case(s, "limits");
        tcase_add_test(c, names_have_rules);
        tcase_add_test(c, names_and_strings_have_an_edge);
        tcase_add_test(c, integers_have_a_range);
        tcase_add_test(c, numbers_are_finite);
        tcase_add_test(c, ten_levels_are_allowed);
        tcase_add_test(c, a_patch_is_an_object);
        tcase_add_test(c, trap_20_reported_with_version_or_metadata_is_refused);
        tcase_add_test(c, desired_passes_over_what_the_hub_wrote);
        tcase_add_test(c, sizes_count_names_and_values);
        tcase_add_test(c, sections_have_an_edge);

        return suite_run(s);
}
