/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/template.h"

#include <errno.h>
#include <string.h>

#include "suite.h"

static const TemplateValues usual = {
        .device = "gw-17",
        .sensor = "wind",
        .channel = "windSpeed",
        .value = &(Value){.kind = VALUE_NUMBER, .number = 12.344},
        .channels = (Channel[]){{"windSpeed", {.kind = VALUE_NUMBER, .number = 12.344}},
                                {"gust", {.kind = VALUE_NUMBER, .number = 17.5}},
                                {"from", {.kind = VALUE_TEXT, .text = "N\"W"}}},
        .n_channels = 3,
        .unit = "m/s",
        .time_usec = 1767225600123000,
        .count = 7,
};

static char *filled(const char *text, TemplateKind kind, const TemplateValues *values)
{
        _cleanup_(template_freep) Template *t = NULL;
        Buffer b = BUFFER_NULL;

        ck_assert_int_eq(template_new(&t, text, kind, NULL), 0);
        template_fill(t, values, &b);
        return buffer_steal(&b);
}

static void assert_filled(const char *text, TemplateKind kind, const TemplateValues *values, const char *expected)
{
        _cleanup_free_ char *s = filled(text, kind, values);

        ck_assert_str_eq(s, expected);
}

START_TEST(every_variable_is_filled)
{
        static const struct {
                const char *text, *expected;
        } cases[] = {
                {"", ""},
                {"plain", "plain"},
                {"${device}", "gw-17"},
                {"${sensor}.${channel}", "wind.windSpeed"},
                {"${value}", "12.344"},
                {"${value:.2f}", "12.34"},
                {"${value:.0f}", "12"},
                {"${value:.15f}", "12.343999999999999"},
                {"${unit}", "m/s"},
                {"${time}", "2026-01-01T00:00:00.123Z"},
                {"message_${count}", "message_7"},
                {"${count}${count}", "77"},
                {"a${count}b", "a7b"},
                {"$", "$"},
                {"$$", "$$"},
                {"5 $ {count}", "5 $ {count}"},
                {"$${count}", "${count}"},
                {"$$${count}", "$${count}"},
                {"$${${count}}", "${7}"},
                {"$${", "${"},
                {"}${count}{", "}7{"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                assert_filled(cases[i].text, TEMPLATE_TEXT, &usual, cases[i].expected);
}
END_TEST

START_TEST(the_body_of_the_tutorial_is_reproduced)
{
        assert_filled("{\"deviceId\": \"${device}\",\"windSpeed\": ${value:.2f}}", TEMPLATE_JSON, &usual,
                      "{\"deviceId\": \"gw-17\",\"windSpeed\": 12.34}");
}
END_TEST

START_TEST(json_stays_json_whatever_is_filled_in)
{
        TemplateValues v = usual;

        v.device = "a\"b\\c\n";
        v.unit = "\xff";
        v.value = &(Value){.kind = VALUE_TEXT, .text = "on\"off"};
        assert_filled("{\"d\":\"<${device}>\",\"v\":${value},\"u\":${unit},\"w\":\"${value:.2f}\"}", TEMPLATE_JSON, &v,
                      "{\"d\":\"<a\\\"b\\\\c\\n>\",\"v\":\"on\\\"off\",\"u\":\"\xef\xbf\xbd\",\"w\":\"on\\\"off\"}");
        /* an escaped quote of the template's own does not end its string */
        assert_filled("{\"\\\"${device}\":1}", TEMPLATE_JSON, &v, "{\"\\\"a\\\"b\\\\c\\n\":1}");
        assert_filled("{\"$${\":\"${unit}\"}", TEMPLATE_JSON, &usual, "{\"${\":\"m/s\"}");
        assert_filled("{\"t\":${time}}", TEMPLATE_JSON, &usual, "{\"t\":\"2026-01-01T00:00:00.123Z\"}");
        v.value = NULL;
        v.unit = NULL;
        assert_filled("[${value},${unit}]", TEMPLATE_JSON, &v, "[\"\",\"\"]");
        assert_filled("[${value},${unit}]", TEMPLATE_TEXT, &v, "[,]");
}
END_TEST

/* A rule may have left out the one that usually comes first. */
START_TEST(a_channel_is_filled_in_by_its_name)
{
        assert_filled("{\"gust\":${value[gust]},\"wind\":${value[windSpeed]:.1f}}", TEMPLATE_JSON, &usual,
                      "{\"gust\":17.5,\"wind\":12.3}");
        assert_filled("[${value[from]},\"${value[from]}\"]", TEMPLATE_JSON, &usual, "[\"N\\\"W\",\"N\\\"W\"]");
        assert_filled("{\"rain\":${value[rain]},\"as text\":\"${value[rain]:.2f}\"}", TEMPLATE_JSON, &usual,
                      "{\"rain\":null,\"as text\":\"\"}");
        assert_filled("<${value[rain]}>", TEMPLATE_TEXT, &usual, "<>");
        assert_filled("[${value[gust]}]", TEMPLATE_JSON, &(TemplateValues){.device = "d"}, "[null]");
}
END_TEST

START_TEST(a_value_without_a_name_is_known)
{
        ck_assert(template_has_nameless_value("{\"t\":${value:.1f}}"));
        ck_assert(template_has_nameless_value("${value[a]}${value}"));
        ck_assert(!template_has_nameless_value("{\"t\":${value[t]}}"));
        ck_assert(!template_has_nameless_value("{\"${channel}\":${value}}"));
        ck_assert(!template_has_nameless_value("$${value}"));
        ck_assert(!template_has_nameless_value("${"));
        ck_assert(!template_has_nameless_value(NULL));
}
END_TEST

START_TEST(other_kinds_of_values_are_written_as_they_are)
{
        TemplateValues v = usual;

        v.value = &(Value){.kind = VALUE_INTEGER, .integer = INT64_MIN};
        assert_filled("${value}", TEMPLATE_JSON, &v, "-9223372036854775808");
        v.value = &(Value){.kind = VALUE_INTEGER, .integer = 3};
        assert_filled("${value:.2f}", TEMPLATE_JSON, &v, "3.00");
        v.value = &(Value){.kind = VALUE_BOOLEAN, .boolean = true};
        assert_filled("${value:.2f}", TEMPLATE_JSON, &v, "true");
}
END_TEST

START_TEST(a_bad_template_is_refused_with_place_and_remedy)
{
        static const struct {
                const char *text, *where, *what;
        } cases[] = {
                {"ab${foo}", "at character 3", "no such variable"},
                {"${}", "at character 1", "no such variable"},
                {"${ value}", "at character 1", "no such variable"},
                {"${Value}", "at character 1", "no such variable"},
                {"${count}${count", "at character 9", "no closing }"},
                {"${", "at character 1", "no closing }"},
                {"${count:.2f}", "at character 1", "only ${value}"},
                {"${unit[a]}", "at character 1", "only ${value} takes a channel"},
                {"${value[]}", "at character 1", "the name of a channel"},
                {"${value[}", "at character 1", "the name of a channel"},
                {"${value[a}", "at character 1", "the name of a channel"},
                {"${value[a b]}", "at character 1", "the name of a channel"},
                {"${value[t]}", "at character 1", "the name of a channel"},
                {"${value[a]b}", "at character 1", "the name of a channel"},
                {"${value[a:.2f]}", "at character 1", "the name of a channel"},
                {"${value[a]:.2g}", "at character 1", ".0f to .15f"},
                {"${value:}", "at character 1", ".0f to .15f"},
                {"${value:2f}", "at character 1", ".0f to .15f"},
                {"${value:.f}", "at character 1", ".0f to .15f"},
                {"${value:.16f}", "at character 1", ".0f to .15f"},
                {"${value:.2g}", "at character 1", ".0f to .15f"},
                {"${value:%s}", "at character 1", ".0f to .15f"},
                {"${value:.-2f}", "at character 1", ".0f to .15f"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_free_ char *error = NULL;

                ck_assert_int_eq(template_check(cases[i].text, &error), -EINVAL);
                ck_assert_ptr_nonnull(strstr(error, cases[i].where));
                ck_assert_ptr_nonnull(strstr(error, cases[i].what));
                ck_assert_ptr_nonnull(strstr(error, "${device}"));
                ck_assert_int_eq(template_check(cases[i].text, NULL), -EINVAL);
        }
        ck_assert_int_eq(template_check("${value:.2f} ${unit}", NULL), 0);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("flow/template");
        TCase *c = suite_case(s, "texts with holes");

        tcase_add_test(c, every_variable_is_filled);
        tcase_add_test(c, the_body_of_the_tutorial_is_reproduced);
        tcase_add_test(c, json_stays_json_whatever_is_filled_in);
        tcase_add_test(c, a_channel_is_filled_in_by_its_name);
        tcase_add_test(c, a_value_without_a_name_is_known);
        tcase_add_test(c, other_kinds_of_values_are_written_as_they_are);
        tcase_add_test(c, a_bad_template_is_refused_with_place_and_remedy);
        return suite_run(s);
}
