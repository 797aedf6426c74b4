/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/query.h"

#include <errno.h>
#include <string.h>

#include "model/json-read.h"

#include "suite.h"

static const char twin[] =
        "{\"deviceId\":\"d1\",\"status\":\"enabled\",\"modelId\":null,\"version\":7,\"capabilities\":{\"iotEdge\":false},"
        "\"tags\":{\"room\":\"it's\",\"floor\":2,\"warm\":true,\"in\":{\"x\":1},\"list\":[1,2],\"group\":{\"n\":\"g\"},"
        "\"odd name\":{\"y\":3},\"my-key\":4,\"Room\":\"other\",\"german\":\"gr\xc3\xbc\xc3\x9f\x65\",\"none\":null},"
        "\"properties\":{\"desired\":{\"t\":21.5,\"$version\":3},\"reported\":{\"t\":20}}}";

static json_object *parsed(const char *text)
{
        const char *error;
        json_object *value = NULL;

        ck_assert_msg(json_read(text, strlen(text), &value, &error) == 0, "%s: %s", text, error);
        return value;
}

static Query *query(const char *text)
{
        _cleanup_(buffer_done) Buffer error = BUFFER_NULL;
        Query *q = NULL;

        ck_assert_msg(query_parse(text, &q, &error) == 0, "%s: %s", text, error.data);
        return q;
}

static bool matches(const char *text)
{
        _cleanup_(query_freep) Query *q = query(text);
        _cleanup_json_ json_object *document = parsed(twin);

        return query_matches(q, document);
}

/* ---- conditions ---- */

START_TEST(conditions_hold_or_do_not)
{
        static const struct {
                const char *condition;
                bool holds;
        } cases[] = {
                {"deviceId = 'd1'", true},
                {"deviceId = \"d1\"", true},
                {"'d1' = deviceId", true},
                {"deviceId='d2'", false},
                {"deviceId = 'D1'", false},
                {"DeviceId = 'd1'", true}, /* the hub's own names */
                {"tags.Floor = 2", false}, /* people's names */
                {"tags.Room = 'other'", true},
                {"deviceId != 'd2'", true},
                {"deviceId <> 'd1'", false},
                {"deviceId < 'd2' and deviceId >= 'd1'", true},
                {"deviceId > 'd' and deviceId < 'd10'", true},
                {"tags.room = 'it''s'", true},
                {"tags.room = 'it\\'s'", true},
                {"tags['room'] = 'it\\'s'", true},
                {"tags.[[room]] = \"it's\"", true},
                {"tags.[[group]].n = 'g'", true},
                {"[[tags]].floor = 2", true},
                {"tags['odd name'].y = 3", true},
                {"tags.my-key = 4", true},
                {"tags.floor = 2", true},
                {"tags.floor = 2.0", true},
                {"tags.floor = 0x2", true},
                {"tags.floor > 1.5 AND tags.floor <= 2", true},
                {"tags.floor >= 3", false},
                {"tags.floor = -2e0", false},
                {"tags.floor > .5", true},
                {"tags.warm = true", true},
                {"tags.warm", true},
                {"not tags.warm", false},
                {"NOT capabilities.iotEdge", true},
                {"tags.warm != false", true},
                {"modelId = null", true},
                {"modelId != null", false},
                {"deviceId != null", true},
                {"modelId = 'x'", false},
                {"properties.desired.$version = 3", true},
                {"properties.reported.t = 20", true},
                {"properties.desired.t - properties.reported.t = 1.5", true},
                {"properties.desired.t -1 = 20.5", true},
                {"tags.floor * 3 + 4 / 2 = 8", true},
                {"tags.floor * (3 + 4) / 2 = 7", true},
                {"7 % 4 = tags.floor + 1", true},
                {"tags.in.x = 1", true},
                {"deviceId IN ['d0', 'd1']", true},
                {"deviceId in ('d0', 'd1')", true},
                {"deviceId in ['d0']", false},
                {"tags.floor in [-2, 2, null]", true},
                {"modelId in [null]", true},
                {"deviceId NIN ['d0', 7]", true},
                {"deviceId nin ['d1']", false},
                {"is_defined(tags.room)", true},
                {"IS_DEFINED ( modelId )", true},
                {"is_defined(tags.none)", true},
                {"is_defined(tags.nothing)", false},
                {"is_defined(undefined)", false},
                {"NOT is_defined(tags.nothing.deeper)", true},
                {"is_string(deviceId) and is_number(version) and is_bool(tags.warm) and is_null(modelId)", true},
                {"is_object(tags) and is_array(tags.list) and is_primitive(version)", true},
                {"is_object(tags.list) or is_array(tags) or is_primitive(tags)", false},
                {"is_string(version) or is_number(deviceId) or is_bool(modelId) or is_null(tags.nothing)", false},
                {"STARTSWITH(deviceId, 'd')", true},
                {"startswith(deviceId, '1')", false},
                {"endswith(deviceId, '1') and contains(deviceId, 'd')", true},
                {"endswith(deviceId, 'dd1')", false},
                {"contains(deviceId, '')", true},
                {"contains(version, '7')", false},
                {"LENGTH(tags.german) = 5", true},
                {"substring(tags.german, 2, 2) = '\xc3\xbc\xc3\x9f'", true},
                {"substring(tags.german, 4, 99) = 'e'", true},
                {"substring(tags.german, 9, 1) = ''", true},
                {"length(substring(deviceId, 0, 1)) = 1", true},
                {"deviceId = 'd1' or tags.nothing = 1", true},
                {"tags.nothing = 1 or deviceId = 'd1'", true},
                {"deviceId = 'd0' and tags.floor = 1 or tags.warm = true", true},
                {"deviceId = 'd0' and (tags.floor = 1 or tags.warm = true)", false},
                {"not (deviceId = 'd0')", true},
                {"not not deviceId = 'd1'", true},
                {"true and not false or false", true},
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
        static const char *const neither[] = {
                "tags.nothing = 1", "tags.nothing != 1", "tags.floor = '2'", "tags.nothing in ['a']", "tags.in = 1",
                "tags.nothing nin ['a']", "tags = tags", "tags.list = tags.list", "tags.list = [1, 2]",
                "tags.nothing != null", "tags.nothing = undefined", "undefined = undefined", "tags.room + 1 > 0",
                "tags.floor / 0 > 0", "tags.floor % 0 = 0", "substring(deviceId, 0 - 1, 1) = ''", "deviceId", "7", "null",
                "contains(deviceId, 7)", "(tags.nothing = 1 or deviceId = 'd0')",
        };

        for (size_t i = 0; i < ARRAY_SIZE(neither); i++)
                for (int negated = 0; negated < 2; negated++) {
                        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;

                        buffer_printf(&text, "SELECT * FROM devices WHERE %s %s", negated ? "not" : "", neither[i]);
                        ck_assert_msg(!matches(text.data), "%s", text.data);
                }
        ck_assert(matches("select * from devices where not (tags.nothing = 1 and deviceId = 'd0')"));
}
END_TEST

START_TEST(what_it_is_of)
{
        _cleanup_(query_freep) Query *all = query("  SELECT\n*\tFROM devices  ");
        _cleanup_(query_freep) Query *modules = query("select top 5 * from Devices.Modules where moduleId = 'm'");
        _cleanup_(query_freep) Query *jobs = query("select * from devices.jobs where devices.jobs.deviceId = 'd1'");

        ck_assert_int_eq(query_from(all), QUERY_DEVICES);
        ck_assert_uint_eq(query_top(all), UINT64_MAX);
        ck_assert(query_is_whole(all) && !query_is_summary(all));
        ck_assert_int_eq(query_from(modules), QUERY_MODULES);
        ck_assert_uint_eq(query_top(modules), 5);
        ck_assert_int_eq(query_from(jobs), QUERY_JOBS);
}
END_TEST

/* ---- what is none ---- */

START_TEST(what_is_no_query_is_refused_with_word_and_column)
{
        static const struct {
                const char *text, *words;
        } cases[] = {
                {"", "SELECT at its end, column 1"},
                {"SELECT", "a name at its end, column 7"},
                {"SELECTS * FROM devices", "SELECT at column 1, not 'SELECTS'"},
                {"DELETE * FROM devices", "column 1: IoT Hub's language has no 'DELETE'"},
                {"SELECT *", "FROM at its end, column 9"},
                {"SELECT * FORM devices", "FROM at column 10, not 'FORM'"},
                {"SELECT * FROM", "devices, devices.modules or devices.jobs at its end"},
                {"SELECT * FROM devicesx", "at column 15, not 'devicesx'"},
                {"SELECT * FROM devices.things", "modules or jobs at column 23, not 'things'"},
                {"SELECT * FROM devices d", "WHERE, GROUP BY or its end at column 23, not 'd'"},
                {"SELECT * FROM devices JOIN devices.modules", "column 23: IoT Hub's language has no 'JOIN'"},
                {"SELECT * FROM devices ORDER BY deviceId", "column 23: IoT Hub's language has no 'ORDER'"},
                {"SELECT DISTINCT tags.room FROM devices", "column 17"},
                {"SELECT * FROM devices WHERE deviceId LIKE 'd%'", "column 38: IoT Hub's language has no 'LIKE'"},
                {"SELECT TOP * FROM devices", "a number behind TOP at column 12, not '*'"},
                {"SELECT TOP 0 * FROM devices", "above 0"},
                {"SELECT TOP 99999999999999999999 * FROM devices", "at column 12, not '99999999999999999999'"},
                {"SELECT *, deviceId FROM devices", "FROM at column 9, not ','"},
                {"SELECT COUNT() FROM devices", "AS and a name behind an aggregate at column 16, not 'FROM'"},
                {"SELECT COUNT(*) AS n FROM devices", ") at column 14, not '*)'"},
                {"SELECT SUM() AS n FROM devices", "a name at column 12, not ')'"},
                {"SELECT UPPER(deviceId) AS n FROM devices", "COUNT, AVG, SUM, MIN or MAX at column 8, not 'UPPER'"},
                {"SELECT deviceId AS FROM devices", "a comma or FROM at column 25, not 'devices'"},
                {"SELECT deviceId, COUNT() AS n FROM devices", "aggregates, and beside them only the path"},
                {"SELECT COUNT() AS n, deviceId FROM devices GROUP BY tags.room", "column 8, not 'COUNT'"},
                {"SELECT * FROM devices GROUP BY tags.room", "columns for GROUP BY at column 8, not '*'"},
                {"SELECT tags.a FROM devices GROUP tags.a", "BY at column 34, not 'tags'"},
                {"SELECT tags.a FROM devices GROUP BY tags.a, tags.b", "its end at column 43, not ','"},
                {"SELECT tags.a, properties.desired.a FROM devices", "another name (AS ...)"},
                {"SELECT * FROM devices WHERE", "a name at its end, column 28"},
                {"SELECT * FROM devices WHERE deviceId =", "a name at its end"},
                {"SELECT * FROM devices WHERE deviceId == 'x'", "a name at column 39, not '='"},
                {"SELECT * FROM devices WHERE deviceId = 'x", "a text with its closing quote at column 40, not ''x'"},
                {"SELECT * FROM devices WHERE = 1", "a name at column 29, not '='"},
                {"SELECT * FROM devices WHERE a. = 1", "a name at column 32, not '='"},
                {"SELECT * FROM devices WHERE a..b = 1", "a name at column 31, not '.b'"},
                {"SELECT * FROM devices WHERE a[b] = 1", "a name in quotes at column 31, not 'b'"},
                {"SELECT * FROM devices WHERE a['b' = 1", "] at column 35, not '='"},
                {"SELECT * FROM devices WHERE a.[[b] = 1", "]] at column 34, not ']'"},
                {"SELECT * FROM devices WHERE [[b = 1", "]] at its end, column 36"},
                {"SELECT * FROM devices WHERE tags.group = 1 and tags.order = 2 b", "at column 63, not 'b'"},
                {"SELECT * FROM devices WHERE a = 1 AND", "a name at its end"},
                {"SELECT * FROM devices WHERE (a = 1", ") at its end"},
                {"SELECT * FROM devices WHERE a = 1)", "AND, OR, GROUP BY or its end at column 34, not ')'"},
                {"SELECT * FROM devices WHERE a IN", "a list such as ['a', 'b'] at its end"},
                {"SELECT * FROM devices WHERE a IN []", "a text, a number, true, false or null at column 35"},
                {"SELECT * FROM devices WHERE a IN [1", "] at its end"},
                {"SELECT * FROM devices WHERE a IN [b]", "at column 35, not 'b'"},
                {"SELECT * FROM devices WHERE a NOT IN [1]", "at column 31, not 'NOT'"},
                {"SELECT * FROM devices WHERE abs(a) = 1", "which queries of twins have at column 29, not 'abs'"},
                {"SELECT * FROM devices WHERE is_defined(a, b)", ") at column 41, not ','"},
                {"SELECT * FROM devices WHERE contains(a)", ", at column 39, not ')'"},
                {"SELECT * FROM devices WHERE a = 1e", "a number at column 33, not '1e'"},
                {"SELECT * FROM devices WHERE a = 1.2.3", "a number"},
                {"SELECT * FROM devices WHERE a = 1x", "a number"},
                {"SELECT * FROM devices WHERE a = 0x", "a number"},
                {"SELECT * FROM devices WHERE a = 1e999", "a number"},
                {"SELECT * FROM devices WHERE a = '\xc3\xbc' \xc3\xbc", "at column 37, not '\xc3\xbc'"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(buffer_done) Buffer error = BUFFER_NULL;
                _cleanup_(query_freep) Query *q = NULL;

                ck_assert_msg(query_parse(cases[i].text, &q, &error) == -EBADMSG, "%s", cases[i].text);
                ck_assert_ptr_null(q);
                ck_assert_msg(strstr(error.data, cases[i].words) != NULL, "%s: %s", cases[i].text, error.data);
        }
}
END_TEST

static int parse(const Buffer *text)
{
        _cleanup_(buffer_done) Buffer error = BUFFER_NULL;
        _cleanup_(query_freep) Query *q = NULL;

        return query_parse(text->data, &q, &error);
}

static void repeat(Buffer *b, const char *text, unsigned n)
{
        for (unsigned i = 0; i < n; i++)
                buffer_append_string(b, text);
}

START_TEST(depth_and_size_have_an_end)
{
        static const char *const deep[] = {"(", "not ", "not (", "is_defined("};

        for (size_t i = 0; i < ARRAY_SIZE(deep); i++) {
                _cleanup_(buffer_done) Buffer text = BUFFER_NULL;

                buffer_append_string(&text, "SELECT * FROM devices WHERE ");
                repeat(&text, deep[i], 600);
                ck_assert_int_eq(parse(&text), -EBADMSG);
        }
        for (unsigned n = 100; n <= 300; n += 200) {
                _cleanup_(buffer_done) Buffer text = BUFFER_NULL;

                buffer_append_string(&text, "SELECT * FROM devices WHERE a = 1");
                repeat(&text, " or a = 1", n);
                ck_assert_int_eq(parse(&text), n == 100 ? 0 : -EBADMSG);
        }
        for (unsigned n = 8170; n <= 8171; n++) {
                _cleanup_(buffer_done) Buffer text = BUFFER_NULL;

                buffer_append_string(&text, "SELECT * FROM devices");
                repeat(&text, " ", n - 21 + 22);
                ck_assert_int_eq(parse(&text), n == 8170 ? 0 : -EBADMSG);
        }
}
END_TEST

START_TEST(a_path_has_sixteen_names_at_most)
{
        for (unsigned n = 15; n <= 16; n++) {
                _cleanup_(buffer_done) Buffer text = BUFFER_NULL;

                buffer_append_string(&text, "SELECT * FROM devices WHERE a");
                repeat(&text, ".a", n - 1);
                buffer_append_string(&text, " = 1");
                ck_assert_int_eq(parse(&text), n == 15 ? 0 : -EBADMSG);
        }
}
END_TEST

/* ---- rows ---- */

static void check_text(json_object *value, const char *expected)
{
        _cleanup_(buffer_done) Buffer b = BUFFER_NULL;

        json_write(&b, value);
        ck_assert_str_eq(b.data, expected);
        json_object_put(value);
}

START_TEST(columns_make_rows)
{
        static const struct {
                const char *text, *row;
        } cases[] = {
                {"select deviceId from devices", "{\"deviceId\":\"d1\"}"},
                {"SELECT DeviceId FROM devices", "{\"DeviceId\":\"d1\"}"},
                {"SELECT deviceId AS id, tags.floor, properties.desired.t AS t FROM devices",
                 "{\"id\":\"d1\",\"floor\":2,\"t\":21.5}"},
                {"SELECT tags.nothing, tags.none, capabilities FROM devices",
                 "{\"none\":null,\"capabilities\":{\"iotEdge\":false}}"},
                {"SELECT * FROM devices", twin},
        };
        _cleanup_json_ json_object *document = parsed(twin);

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(query_freep) Query *q = query(cases[i].text);

                ck_assert(!query_is_summary(q));
                check_text(query_row(q, document), cases[i].row);
        }
}
END_TEST

static void check_summary(const char *text, const char *const documents[], const char *rows)
{
        _cleanup_(query_freep) Query *q = query(text);

        ck_assert(query_is_summary(q));
        for (; *documents; documents++) {
                _cleanup_json_ json_object *document = parsed(*documents);

                ck_assert_int_eq(query_gather(q, document), 0);
        }
        check_text(query_rows(q), rows);
}

START_TEST(aggregates_make_one_row)
{
        static const char *const documents[] = {"{\"a\":1,\"b\":2.5}", "{\"a\":4}", "{\"a\":\"x\"}", "{\"a\":-3}",
                                                "{\"h\":1e308}", "{\"h\":1e308}", NULL};
        static const char *const none[] = {NULL};

        check_summary("SELECT COUNT() AS n, SUM(a) AS s, AVG(a) AS m, MIN(a) AS l, MAX(a) AS h, avg(b) AS b, avg(c) AS c,"
                      " sum(c) AS cs, sum(h) AS hs FROM devices.modules",
                      documents, "[{\"n\":6,\"s\":2,\"m\":0.6666666666666666,\"l\":-3,\"h\":4,\"b\":2.5,\"cs\":0,\"hs\":null}]");
        check_summary("SELECT COUNT() AS n, MAX(a) AS m FROM devices", none, "[{\"n\":0}]");
}
END_TEST

START_TEST(groups_make_a_row_each)
{
        static const char *const documents[] = {
                "{\"s\":\"Success\",\"v\":1}", "{\"s\":\"Pending\",\"v\":2}", "{\"v\":4}",   "{\"s\":\"Success\",\"v\":3}",
                "{\"s\":null}",                "{\"s\":2}",                   "{\"s\":2.0}", "{\"s\":{\"x\":1}}",
                "{\"s\":\"\"}",                "{\"s\":\"2\"}",               "{}",          NULL};

        check_summary("SELECT s AS status, COUNT() AS n, SUM(v) AS v FROM devices GROUP BY s", documents,
                      "[{\"status\":\"Success\",\"n\":2,\"v\":4},{\"status\":\"Pending\",\"n\":1,\"v\":2},{\"n\":2,\"v\":4},"
                      "{\"status\":null,\"n\":1,\"v\":0},{\"status\":2,\"n\":2,\"v\":0},"
                      "{\"status\":{\"x\":1},\"n\":1,\"v\":0},{\"status\":\"\",\"n\":1,\"v\":0},"
                      "{\"status\":\"2\",\"n\":1,\"v\":0}]");
        check_summary("SELECT COUNT() AS n FROM devices GROUP BY s", (const char *const[]){NULL}, "[]");
}
END_TEST

START_TEST(many_groups_are_found_again)
{
        _cleanup_(query_freep) Query *q = query("SELECT s, COUNT() AS n FROM devices GROUP BY s");
        json_object *rows;

        for (int i = 0; i < 3000; i++) {
                json_object *document = json_object_new_object();

                json_object_object_add(document, "s", json_object_new_int(i % 1000));
                insist(query_gather(q, document) == 0);
                json_object_put(document);
        }
        rows = query_rows(q);
        ck_assert_uint_eq(json_object_array_length(rows), 1000);
        check_text(json_object_get(json_object_array_get_idx(rows, 999)), "{\"s\":999,\"n\":3}");
        json_object_put(rows);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("devhub/query");
        TCase *c = suite_case(s, "words");

        tcase_add_test(c, what_it_is_of);
        tcase_add_test(c, what_is_no_query_is_refused_with_word_and_column);
        tcase_add_test(c, depth_and_size_have_an_end);
        tcase_add_test(c, a_path_has_sixteen_names_at_most);

        c = suite_case(s, "which twins are meant");
        tcase_add_test(c, conditions_hold_or_do_not);
        tcase_add_test(c, what_is_not_there_is_neither_true_nor_false);

        c = suite_case(s, "rows");
        tcase_add_test(c, columns_make_rows);
        tcase_add_test(c, aggregates_make_one_row);
        tcase_add_test(c, groups_make_a_row_each);
        tcase_add_test(c, many_groups_are_found_again);
        return suite_run(s);
}
