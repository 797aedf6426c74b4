/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/query.h"

#include <errno.h>
#include <string.h>

#include "suite.h"

static json_object *document(void)
{
        return json_tokener_parse(
                "{\"deviceId\":\"d1\",\"status\":\"enabled\",\"modelId\":null,\"version\":7,"
                " \"tags\":{\"room\":\"it's\",\"floor\":2,\"warm\":true,\"in\":{\"x\":1}},"
                " \"properties\":{\"desired\":{\"t\":21.5,\"$version\":3},\"reported\":{\"t\":20}}}");
}

static bool matches(const char *text)
{
        _cleanup_(buffer_done) Buffer error = BUFFER_NULL;
        _cleanup_(query_freep) Query *query = NULL;
        json_object *o = document();
        bool yes;

        ck_assert_msg(query_parse(text, &query, &error) == 0, "%s: %s", text, error.data);
        yes = query_matches(query, o);
        json_object_put(o);
        return yes;
}

START_TEST(conditions_hold_or_do_not)
{
        static const struct {
                const char *condition;
                bool holds;
        } cases[] = {
                {"deviceId = 'd1'", true},
                {"deviceId = \"d1\"", true},
                {"deviceId='d2'", false},
                {"deviceId != 'd2'", true},
                {"deviceId <> 'd1'", false},
                {"deviceId < 'd2' and deviceId >= 'd1'", true},
                {"tags.room = 'it''s'", true},
                {"tags.floor = 2", true},
                {"tags.floor = 2.0", true},
                {"tags.floor > 1.5 AND tags.floor <= 2", true},
                {"tags.floor >= 3", false},
                {"tags.floor = -2e0", false},
                {"tags.warm = true", true},
                {"tags.warm != false", true},
                {"modelId = null", true},
                {"modelId = 'x'", false},
                {"properties.desired.$version = 3", true},
                {"properties.reported.t = 20", true},
                {"tags.in.x = 1", true},
                {"deviceId IN ['d0', 'd1']", true},
                {"deviceId in ['d0']", false},
                {"deviceId NIN ['d0', 7]", true},
                {"deviceId nin ['d1']", false},
                {"is_defined(tags.room)", true},
                {"IS_DEFINED ( modelId )", true},
                {"is_defined(tags.none)", false},
                {"NOT is_defined(tags.none.deeper)", true},
                {"deviceId = 'd1' or tags.none = 1", true},
                {"tags.none = 1 or deviceId = 'd1'", true},
                {"deviceId = 'd0' and tags.floor = 1 or tags.warm = true", true},
                {"deviceId = 'd0' and (tags.floor = 1 or tags.warm = true)", false},
                {"not (deviceId = 'd0')", true},
                {"not not deviceId = 'd1'", true},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(buffer_done) Buffer text = BUFFER_NULL;

                buffer_printf(&text, "SELECT * FROM devices WHERE %s", cases[i].condition);
                ck_assert_msg(matches(text.data) == cases[i].holds, "%s", cases[i].condition);
        }
}
END_TEST

START_TEST(what_is_not_there_is_neither_true_nor_false)
{
        ck_assert(!matches("select * from devices where tags.none = 1"));
        ck_assert(!matches("select * from devices where tags.none != 1"));
        ck_assert(!matches("select * from devices where not tags.none = 1"));
        ck_assert(!matches("select * from devices where tags.floor = '2'"));
        ck_assert(!matches("select * from devices where not tags.floor = '2'"));
        ck_assert(!matches("select * from devices where tags.none in ['a']"));
        ck_assert(!matches("select * from devices where tags.none nin ['a']"));
        ck_assert(!matches("select * from devices where tags.in = 1"));
        ck_assert(!matches("select * from devices where not (tags.none = 1 or deviceId = 'd0')"));
        ck_assert(matches("select * from devices where not (tags.none = 1 and deviceId = 'd0')"));
}
END_TEST

START_TEST(what_it_is_of)
{
        _cleanup_(buffer_done) Buffer error = BUFFER_NULL;
        _cleanup_(query_freep) Query *all = NULL, *modules = NULL;

        ck_assert_int_eq(query_parse("  SELECT\n*\tFROM devices  ", &all, &error), 0);
        ck_assert(!query_is_of_modules(all));
        ck_assert_uint_eq(query_top(all), UINT64_MAX);
        ck_assert_int_eq(query_parse("select top 5 * from Devices.Modules where moduleId = 'm'", &modules, &error), 0);
        ck_assert(query_is_of_modules(modules));
        ck_assert_uint_eq(query_top(modules), 5);
}
END_TEST

START_TEST(what_is_no_query_is_refused_with_words)
{
        static const char *const texts[] = {
                "", "SELECT", "SELECT *", "SELECT * FROM", "SELECT * FROM devices.jobs", "SELECT * FROM devicesx",
                "SELECT deviceId FROM devices", "SELECT COUNT() AS n FROM devices", "DELETE * FROM devices",
                "SELECT TOP * FROM devices", "SELECT TOP 0 * FROM devices", "SELECT TOP 99999999999999999999 * FROM devices",
                "SELECT * FROM devices x", "SELECT * FROM devices WHERE", "SELECT * FROM devices WHERE deviceId",
                "SELECT * FROM devices WHERE deviceId =", "SELECT * FROM devices WHERE deviceId = 'x",
                "SELECT * FROM devices WHERE deviceId = x", "SELECT * FROM devices WHERE = 1",
                "SELECT * FROM devices WHERE a. = 1", "SELECT * FROM devices WHERE .a = 1",
                "SELECT * FROM devices WHERE a..b = 1", "SELECT * FROM devices WHERE a = 1 AND",
                "SELECT * FROM devices WHERE (a = 1", "SELECT * FROM devices WHERE a = 1)",
                "SELECT * FROM devices WHERE a IN", "SELECT * FROM devices WHERE a IN []",
                "SELECT * FROM devices WHERE a IN [1", "SELECT * FROM devices WHERE a IN [1,]",
                "SELECT * FROM devices WHERE is_defined", "SELECT * FROM devices WHERE is_defined(",
                "SELECT * FROM devices WHERE is_defined(a", "SELECT * FROM devices WHERE NOT",
                "SELECT * FROM devices WHERE a = 1e", "SELECT * FROM devices WHERE a = 1-2",
                "SELECT * FROM devices WHERE a = 1e999",
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                _cleanup_(buffer_done) Buffer error = BUFFER_NULL;
                _cleanup_(query_freep) Query *query = NULL;

                ck_assert_msg(query_parse(texts[i], &query, &error) == -EBADMSG, "%s", texts[i]);
                ck_assert_uint_gt(error.size, 0);
                ck_assert_ptr_null(query);
        }
}
END_TEST

START_TEST(depth_and_number_have_an_end)
{
        _cleanup_(buffer_done) Buffer deep = BUFFER_NULL, wide = BUFFER_NULL, error = BUFFER_NULL;
        _cleanup_(query_freep) Query *query = NULL;

        buffer_append_string(&deep, "SELECT * FROM devices WHERE ");
        for (int i = 0; i < 100000; i++)
                buffer_append_char(&deep, '(');
        ck_assert_int_eq(query_parse(deep.data, &query, &error), -EBADMSG);
        buffer_append_string(&wide, "SELECT * FROM devices WHERE a = 1");
        for (int i = 0; i < 1000; i++)
                buffer_append_string(&wide, " OR a = 1");
        ck_assert_int_eq(query_parse(wide.data, &query, &error), -EBADMSG);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("devhub/query");
        TCase *c = suite_case(s, "which twins are meant");

        tcase_add_test(c, conditions_hold_or_do_not);
        tcase_add_test(c, what_is_not_there_is_neither_true_nor_false);
        tcase_add_test(c, what_it_is_of);
        tcase_add_test(c, what_is_no_query_is_refused_with_words);
        tcase_add_test(c, depth_and_number_have_an_end);
        return suite_run(s);
}
