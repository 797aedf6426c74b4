/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/twin.h"

#include <string.h>

#include "devhub/hub/registry.h"
#include "model/json-read.h"

#include "devhub-house.h"
#include "suite.h"

#define NOW ((usec_t)1767225600123456)

static DevhubHouse house;

static void create(const char *device_id, const char *module_id)
{
        _cleanup_(identity_done) Identity identity = {};

        ck_assert_int_eq(registry_create(&house.store, device_id, module_id, &identity), 0);
}

static void setup(void)
{
        devhub_house_open(&house);
        ck_assert_int_eq(twin_prepare(&house.store), 0);
}

static void teardown(void)
{
        devhub_house_close(&house);
}

static void reopen(void)
{
        devhub_house_reopen(&house);
        ck_assert_int_eq(twin_prepare(&house.store), 0);
}

static json_object *parsed(const char *text)
{
        const char *error;
        json_object *value = NULL;

        ck_assert_msg(json_read(text, strlen(text), &value, &error) == 0, "%s: %s", text, error);
        return value;
}

static void check_text(json_object *value, const char *expected)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        json_write(&b, value);
        ck_assert_str_eq(b.data, expected);
}

static int report(const char *device_id, const char *module_id, const char *text, uint64_t *ret_version)
{
        _cleanup_json_ json_object *given = parsed(text);
        _cleanup_(buffer_done) Buffer error = BUFFER_NULL;

        return twin_report(&house.store, device_id, module_id, given, NOW, ret_version, &error);
}

/* Returns what the device is to be told, or "" for nothing; the twin into *ret. */
static int change(const char *device_id, const char *text, bool replace, const char *etag, Twin *ret, Buffer *ret_told)
{
        _cleanup_json_ json_object *given = parsed(text), *patch = NULL;
        _cleanup_(buffer_done) Buffer error = BUFFER_NULL;
        TwinChange c = {.given = given, .replace = replace, .if_match = etag};
        int k = twin_change(&house.store, device_id, NULL, &c, NOW, ret, &patch, &error);

        buffer_clear(ret_told);
        if (k == TWIN_E_INVALID)
                buffer_append_string(ret_told, error.data);
        else if (patch)
                json_write(ret_told, patch);
        else
                buffer_append_string(ret_told, "");
        return k;
}

static void check_twin(const char *device_id, const char *module_id, uint64_t version, const char *etag,
                       const char *tags, const char *desired, uint64_t desired_version, const char *reported,
                       uint64_t reported_version)
{
        _cleanup_(twin_done) Twin twin = {};
        char text[TWIN_ETAG_MAX];

        ck_assert_int_eq(twin_load(&house.store, device_id, module_id, &twin), 0);
        ck_assert_uint_eq(twin.version, version);
        twin_etag(&twin, text);
        ck_assert_str_eq(text, etag);
        check_text(twin.tags.values, tags);
        check_text(twin.desired.values, desired);
        ck_assert_uint_eq(twin.desired.version, desired_version);
        check_text(twin.reported.values, reported);
        ck_assert_uint_eq(twin.reported.version, reported_version);
}

#define NEW 2, "AAAAAAAAAAE=", "{}", "{}", 1, "{}", 1

START_TEST(a_new_twin_is_as_the_real_ones)
{
        check_twin("d1", NULL, NEW);
        check_twin("d1", "m1", NEW);
}
END_TEST

START_TEST(a_report_counts_up_its_section_and_the_twin)
{
        uint64_t version = 0;

        ck_assert_int_eq(report("d1", NULL, "{\"a\":1}", &version), 0);
        ck_assert_uint_eq(version, 2);
        ck_assert_int_eq(report("d1", NULL, "{\"b\":{\"c\":\"x\"}}", &version), 0);
        ck_assert_uint_eq(version, 3);
        check_twin("d1", NULL, 4, "AAAAAAAAAAM=", "{}", "{}", 1, "{\"a\":1,\"b\":{\"c\":\"x\"}}", 3);
        check_twin("d1", "m1", NEW);
        check_twin("d2", NULL, NEW);
}
END_TEST

START_TEST(a_report_that_breaks_a_rule_changes_nothing)
{
        static const char *const bad[] = {"{\"$version\":1}", "[]", "{\"a\":1,\"b c\":2}", "{\"a\":4503599627370496}"};
        uint64_t version = 0;

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                ck_assert_int_eq(report("d1", NULL, bad[i], &version), TWIN_E_INVALID);
        check_twin("d1", NULL, NEW);
        ck_assert_uint_eq(version, 0);
}
END_TEST

START_TEST(the_service_changes_tags_and_desired)
{
        _cleanup_(twin_done) Twin a = {}, b = {}, c = {};
        _cleanup_(buffer_done) Buffer told = BUFFER_NULL;

        ck_assert_int_eq(change("d1", "{\"tags\":{\"t\":1}}", false, NULL, &a, &told), 0);
        ck_assert_str_eq(told.data, "");
        check_twin("d1", NULL, 3, "AAAAAAAAAAI=", "{\"t\":1}", "{}", 1, "{}", 1);

        ck_assert_int_eq(change("d1", "{\"properties\":{\"desired\":{\"x\":{\"y\":1}},\"reported\":{\"r\":1}}}", false,
                                NULL, &b, &told),
                         0);
        ck_assert_str_eq(told.data, "{\"x\":{\"y\":1},\"$version\":2}");
        check_twin("d1", NULL, 4, "AAAAAAAAAAM=", "{\"t\":1}", "{\"x\":{\"y\":1}}", 2, "{}", 1);
        ck_assert_uint_eq(b.version, 4);

        /* both at once are one change of the twin; a null goes to the device */
        ck_assert_int_eq(change("d1", "{\"tags\":{\"t\":null},\"properties\":{\"desired\":{\"x\":null,\"z\":2}}}",
                                false, NULL, &c, &told),
                         0);
        ck_assert_str_eq(told.data, "{\"x\":null,\"z\":2,\"$version\":3}");
        check_twin("d1", NULL, 5, "AAAAAAAAAAQ=", "{}", "{\"z\":2}", 3, "{}", 1);
}
END_TEST

START_TEST(what_names_no_section_changes_nothing)
{
        static const char *const texts[] = {"{}", "{\"properties\":{}}", "{\"properties\":null}",
                                            "{\"deviceId\":\"d\"}", "{\"properties\":{\"reported\":{\"a\":1}}}"};

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                _cleanup_(twin_done) Twin twin = {};
                _cleanup_(buffer_done) Buffer told = BUFFER_NULL;

                ck_assert_int_eq(change("d1", texts[i], false, NULL, &twin, &told), 0);
                ck_assert_str_eq(told.data, "");
        }
        check_twin("d1", NULL, NEW);
}
END_TEST

START_TEST(a_null_section_is_emptied)
{
        _cleanup_(twin_done) Twin a = {}, b = {};
        _cleanup_(buffer_done) Buffer told = BUFFER_NULL;

        ck_assert_int_eq(
                change("d1", "{\"tags\":{\"t\":1},\"properties\":{\"desired\":{\"x\":1}}}", false, NULL, &a, &told), 0);
        ck_assert_int_eq(change("d1", "{\"tags\":null,\"properties\":{\"desired\":null}}", false, NULL, &b, &told), 0);
        ck_assert_str_eq(told.data, "{\"x\":null,\"$version\":3}");
        check_twin("d1", NULL, 4, "AAAAAAAAAAM=", "{}", "{}", 3, "{}", 1);
}
END_TEST

START_TEST(replacing_leaves_nothing_else)
{
        _cleanup_(twin_done) Twin a = {}, b = {}, c = {};
        _cleanup_(buffer_done) Buffer told = BUFFER_NULL;
        uint64_t version;

        ck_assert_int_eq(report("d1", NULL, "{\"r\":1}", &version), 0);
        ck_assert_int_eq(change("d1", "{\"tags\":{\"t\":1},\"properties\":{\"desired\":{\"x\":1,\"y\":{\"z\":1}}}}",
                                false, NULL, &a, &told),
                         0);
        ck_assert_int_eq(change("d1", "{\"tags\":{\"u\":2},\"properties\":{\"desired\":{\"y\":{\"w\":1}}}}", true, NULL,
                                &b, &told),
                         0);
        ck_assert_str_eq(told.data, "{\"y\":{\"w\":1,\"z\":null},\"x\":null,\"$version\":3}");
        check_twin("d1", NULL, 5, "AAAAAAAAAAQ=", "{\"u\":2}", "{\"y\":{\"w\":1}}", 3, "{\"r\":1}", 2);
        ck_assert_int_eq(change("d1", "{}", true, NULL, &c, &told), 0);
        check_twin("d1", NULL, 6, "AAAAAAAAAAU=", "{}", "{}", 4, "{\"r\":1}", 2);
}
END_TEST

START_TEST(another_etag_changes_nothing)
{
        static const char *const good[] = {NULL, "*", "\"*\"", "AAAAAAAAAAI=", "\"AAAAAAAAAAI=\""};
        static const char *const bad[] = {"", "\"\"", "\"", "**", "AAAAAAAAAAE=", "\"AAAAAAAAAAI=", "aaaaaaaaaai="};
        _cleanup_(twin_done) Twin a = {}, b = {};
        _cleanup_(buffer_done) Buffer told = BUFFER_NULL;

        ck_assert_int_eq(change("d1", "{\"tags\":{\"t\":1}}", false, "AAAAAAAAAAE=", &a, &told), 0);
        ck_assert_int_eq(change("d1", "{\"tags\":{\"t\":2}}", false, "AAAAAAAAAAE=", &b, &told), TWIN_E_CHANGED);
        check_twin("d1", NULL, 3, "AAAAAAAAAAI=", "{\"t\":1}", "{}", 1, "{}", 1);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                ck_assert_int_eq(change("d1", "{}", false, bad[i], &b, &told), TWIN_E_CHANGED);
        for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
                _cleanup_(twin_done) Twin twin = {};

                ck_assert_int_eq(change("d1", "{}", false, good[i], &twin, &told), 0);
        }
}
END_TEST

START_TEST(a_change_that_breaks_a_rule_changes_no_section)
{
        static const struct {
                const char *text, *words;
        } cases[] = {
                {"{\"tags\":{\"a\":1},\"properties\":{\"desired\":{\"a.b\":1}}}", "properties.desired"},
                {"[]", "not a JSON object"},
                {"{\"tags\":[]}", "tags: not a JSON object"},
                {"{\"tags\":{\"a\":1},\"properties\":{\"desired\":3}}", "properties.desired: not a JSON object"},
                {"{\"tags\":{\"a\":1},\"properties\":7}", "properties: not a JSON object"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(twin_done) Twin twin = {};
                _cleanup_(buffer_done) Buffer told = BUFFER_NULL;

                ck_assert_int_eq(change("d1", cases[i].text, false, NULL, &twin, &told), TWIN_E_INVALID);
                ck_assert_msg(strstr(told.data, cases[i].words) != NULL, "%s", told.data);
        }
        check_twin("d1", NULL, NEW);
}
END_TEST

START_TEST(nobody_has_no_twin)
{
        _cleanup_(twin_done) Twin twin = {};
        _cleanup_(buffer_done) Buffer told = BUFFER_NULL;
        uint64_t version;

        ck_assert_int_eq(twin_load(&house.store, "x", NULL, &twin), TWIN_E_UNKNOWN);
        ck_assert_int_eq(twin_load(&house.store, "d1", "x", &twin), TWIN_E_UNKNOWN);
        ck_assert_int_eq(twin_load(&house.store, "D1", NULL, &twin), TWIN_E_UNKNOWN);
        ck_assert_int_eq(report("x", NULL, "{}", &version), TWIN_E_UNKNOWN);
        ck_assert_int_eq(change("x", "{}", false, NULL, &twin, &told), TWIN_E_UNKNOWN);
}
END_TEST

START_TEST(twins_survive_a_restart)
{
        _cleanup_(twin_done) Twin before = {}, after = {};
        _cleanup_(buffer_done) Buffer a = BUFFER_NULL, b = BUFFER_NULL;
        uint64_t version;

        ck_assert_int_eq(report("d1", "m1", "{\"a\":1.10,\"b\":[true,null]}", &version), 0);
        ck_assert_int_eq(twin_set_model(&house.store, "d1", "m1", "dtmi:x;1"), 0);
        ck_assert_int_eq(twin_load(&house.store, "d1", "m1", &before), 0);
        ck_assert_int_eq(store_commit(&house.store), 0);
        reopen();
        check_twin("d1", "m1", 3, "AAAAAAAAAAI=", "{}", "{}", 1, "{\"a\":1.10,\"b\":[true,null]}", 2);
        ck_assert_int_eq(twin_load(&house.store, "d1", "m1", &after), 0);
        json_write(&a, before.reported.metadata);
        json_write(&b, after.reported.metadata);
        ck_assert_str_eq(a.data, b.data);
        ck_assert_str_eq(after.model_id, "dtmi:x;1");
        /* and what was not committed does not */
        ck_assert_int_eq(report("d1", "m1", "{\"a\":2}", &version), 0);
        reopen();
        check_twin("d1", "m1", 3, "AAAAAAAAAAI=", "{}", "{}", 1, "{\"a\":1.10,\"b\":[true,null]}", 2);
}
END_TEST

START_TEST(trap_51_a_device_made_again_begins_anew)
{
        _cleanup_(twin_done) Twin twin = {};
        uint64_t version;

        ck_assert_int_eq(report("d1", NULL, "{\"a\":1}", &version), 0);
        ck_assert_int_eq(report("d1", "m1", "{\"a\":1}", &version), 0);
        ck_assert_int_eq(report("d2", NULL, "{\"a\":1}", &version), 0);
        ck_assert_int_eq(twin_set_model(&house.store, "d1", NULL, "dtmi:x;1"), 0);
        ck_assert_int_eq(registry_delete(&house.store, "d1", NULL), 0);
        create("d1", NULL);
        create("d1", "m1");
        check_twin("d1", NULL, NEW);
        check_twin("d1", "m1", NEW);
        ck_assert_int_eq(twin_load(&house.store, "d1", NULL, &twin), 0);
        ck_assert_ptr_null(twin.model_id);
        check_twin("d2", NULL, 3, "AAAAAAAAAAI=", "{}", "{}", 1, "{\"a\":1}", 2);
        /* a module alone */
        ck_assert_int_eq(report("d1", NULL, "{\"a\":1}", &version), 0);
        ck_assert_int_eq(report("d1", "m1", "{\"a\":1}", &version), 0);
        ck_assert_int_eq(registry_delete(&house.store, "d1", "m1"), 0);
        create("d1", "m1");
        check_twin("d1", "m1", NEW);
        check_twin("d1", NULL, 3, "AAAAAAAAAAI=", "{}", "{}", 1, "{\"a\":1}", 2);
}
END_TEST

START_TEST(etags_count_past_a_byte)
{
        Twin twin = {.version = 257};
        char text[TWIN_ETAG_MAX];

        twin_etag(&twin, text);
        ck_assert_str_eq(text, "AAAAAAAAAQA=");
}
END_TEST

int main(void)
{
        Suite *s = suite_create("devhub/twin");
        TCase *c = suite_case(s, "from the device");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, a_new_twin_is_as_the_real_ones);
        tcase_add_test(c, a_report_counts_up_its_section_and_the_twin);
        tcase_add_test(c, a_report_that_breaks_a_rule_changes_nothing);

        c = suite_case(s, "from the service");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, the_service_changes_tags_and_desired);
        tcase_add_test(c, what_names_no_section_changes_nothing);
        tcase_add_test(c, a_null_section_is_emptied);
        tcase_add_test(c, replacing_leaves_nothing_else);
        tcase_add_test(c, another_etag_changes_nothing);
        tcase_add_test(c, a_change_that_breaks_a_rule_changes_no_section);
        tcase_add_test(c, etags_count_past_a_byte);

        c = suite_case(s, "life");
        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, nobody_has_no_twin);
        tcase_add_test(c, twins_survive_a_restart);
        tcase_add_test(c, trap_51_a_device_made_again_begins_anew);
        return suite_run(s);
}
