/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Every kind of broken settings is told with its file, its line, and words that help.
 */

#include <stdio.h>
#include <string.h>

#include "daemon/settings-table.h"
#include "daemon/settings-value.h"
#include "daemon/settings.h"
#include "suite.h"

typedef struct BadCase {
        const char *text;
        unsigned line;
        const char *words; /* what the problem must say */
} BadCase;

static const BadCase cases[] = {
        /* ---- what no parser can read ---- */
        {"hub: {\n  window = 4;\n", 1, "the { that opens here is never closed"},
        {"hub: { window = 4; };\n};\n", 2, "this } closes nothing"},
        {"hub: {\n window = [ 1, 2 };\n", 2, "this } does not close the [ of line 2"},
        {"\nhub: { product_info = \"a/1; };\n", 2, "a closing \" is missing"},
        {"/* all of it\nhub: {};\n", 1, "*/ is missing"},
        {"hub: {\n  window 4;\n};\n", 2, "cannot be understood"},
        {"log: { level = debug; };\n", 1, "with \"texts\" in quotes"},
        {"hub: {\n  window = 4;\n  window = 5;\n};\n", 3, "second time"},
        {"\n@include \"other.conf\"\n", 2, "conf.d"},
        {"hub: { product_info = \"\xff\xfe\"; };\n", 0, "UTF-8"},
        {"queue: { max_bytes = [ 1, \"2M\" ]; };\n", 1, "one kind only"},
        {"queue: {\n max_bytes = 99999999999999999999;\n};\n", 2, "more than 64 bits"},
        {"sensors: { a: { driver = \"i2c\"; bus = 1; address = 0x48; channels: { c: { register = 0;\n"
         "mask = 0x1FFFFFFFFFFFFFFFF; }; }; }; };\n",
         2, "more than 64 bits"},

        /* ---- names that are not there ---- */
        {"hubb: { };\n", 1, "hubb: unknown setting; did you mean \"hub\"?"},
        {"hub: {\n  conection_string_file = \"x\";\n};\n", 2, "did you mean \"connection_string_file\"?"},
        {"hub: {\n  backoff: { frist = \"1s\"; };\n};\n", 2,
         "hub.backoff.frist: unknown setting; did you mean \"first\"?"},
        {"queue: {\n\n  colour = \"red\";\n};\n", 3, "queue.colour: unknown setting"},
        {"queue: {\n  max_age = \"30s\";\n};\n", 2, "queue.max_age"},
        {"queue: { min_free = \"64Q\"; };\n", 1, "queue.min_free"},
        {"rules: ( );\n", 1, "rules: unknown setting"},
        {"streams: {\n  s: { formt = \"array\"; };\n};\n", 2,
         "streams.s.formt: unknown setting; did you mean \"format\"?"},
        {"sensors: {\n  cpu: {\n    driver = \"file\"; path = \"/x\"; channels: { v: {}; };\n"
         "intervall = \"1s\";\n  };\n};\n",
         4, "sensors.cpu.intervall: unknown setting; did you mean \"interval\"?"},

        /* ---- kinds ---- */
        {"hub = 5;\n", 1, "hub: expected a group, written  hub: { ... };  found an integer"},
        {"hub: { backoff = \"1s\"; };\n", 1, "hub.backoff: expected a group"},
        {"sensors: {\n  cpu = \"file\";\n};\n", 2, "sensors.cpu: expected a group"},
        {"hub: {\n  window = \"16\";\n};\n", 2,
         "hub.window: expected a whole number from 1 to 16; found \"16\""},
        {"hub: { window = 4.0; };\n", 1, "hub.window: expected a whole number"},
        {"clock: { trust = 1; };\n", 1, "clock.trust: expected true or false; found 1"},
        {"clock: { trust = \"yes\"; };\n", 1, "clock.trust: expected true or false"},
        {"hub: { product_info = 2.1; };\n", 1,
         "hub.product_info: expected a text in quotes, such as \"acme-gw/2.1\""},
        {"hub: { product_info = \"\"; };\n", 1, "hub.product_info: expected a text"},
        {"hub: { ca_file = ( \"/a\", \"/b\" ); };\n", 1, "hub.ca_file: expected a path that begins with /"},
        {"streams: { s: { format = \"object\"; properties: { a = 5; }; }; };\n", 1,
         "streams.s.properties.a: expected a text in quotes"},

        /* ---- times, sizes, ranges, words ---- */
        {"hub: {\n  keepalive = \"4 parsecs\";\n};\n", 2,
         "hub.keepalive: expected a time from 10s to 19min, such as \"4min\"; found \"4 parsecs\""},
        {"hub: { keepalive = \"1h\"; };\n", 1, "from 10s to 19min"},
        {"hub: { keepalive = -5; };\n", 1, "hub.keepalive: expected a time"},
        {"hub: { backoff: { first = \"never\"; }; };\n", 1, "hub.backoff.first: expected a time"},
        {"queue: { max_bytes = \"256 MB\"; };\n", 1, "queue.max_bytes: expected a size from 4M to 128G"},
        {"queue: { max_age = \"10s\"; };\n", 1, "from 1min to 3650d, such as \"30d\"; found \"10s\""},
        {"queue: { max_bytes = 1e9; };\n", 1,
         "expected a size from 4M to 128G: a whole number of bytes, or a text such as \"256M\"; found 1000000000.0"},
        {"queue: { segment = \"x\"; };\n", 1, "from 512K to 64M: a whole number of bytes, or a text such as \"4M\""},
        {"hub: { window = 2.5; };\n", 1, "found 2.5"},
        {"methods: { timeout = \"6min\"; };\n", 1, "methods.timeout: expected a time from 100ms to 5min"},
        {"methods: { allow = \"ping\"; };\n", 1, "methods.allow: expected an array of names of methods"},
        {"methods: { allow = [ \"ping\", \"a b\" ]; };\n", 1, "methods.allow: expected an array of names of methods"},
        {"methods: { services: {\n print = \":1.7\"; }; };\n", 2,
         "methods.services.print: expected a name on the message bus, such as \"org.example.Printer\"; found \":1.7\""},
        {"methods: { services: { print = \"printer\"; }; };\n", 1, "expected a name on the message bus"},
        {"methods: { services: { print = \"org..printer\"; }; };\n", 1, "expected a name on the message bus"},
        {"methods: { services: { print = \"org.7printer\"; }; };\n", 1, "expected a name on the message bus"},
        {"methods: { registrants: { reboot = 7; }; };\n", 1, "methods.registrants.reboot: expected a text"},
        {"audit: { payload = 1; };\n", 1, "audit.payload: expected true or false"},
        {"queue: { max_bytes = -1; };\n", 1, "queue.max_bytes: expected a size"},
        {"queue: { commit_interval = 0; };\n", 1,
         "queue.commit_interval: expected a time from 10ms to 10min"},
        {"hub: { window = 0; };\n", 1, "from 1 to 16"},
        {"hub: { window = 17; };\n", 1, "from 1 to 16"},
        {"queue: { when_full = \"drop-oldes\"; };\n", 1, "did you mean \"drop-oldest\"?"},
        {"streams: { a: { priority = \"high\"; }; };\n", 1,
         "expected \"normal\" or \"urgent\"; found \"high\""},
        {"log: { level = \"verbose\"; };\n", 1, "\"error\", \"warning\", \"notice\", \"info\" or \"debug\""},

        /* ---- texts with a form ---- */
        {"hub: { ca_file = \"ca.pem\"; };\n", 1, "expected a path that begins with /"},
        {"hub: {\n  address = \"127.0.0.1:mqtt\";\n};\n", 2, "hub.address: expected a host and a port"},
        {"hub: { address = \"127.0.0.1:99999\"; };\n", 1, "hub.address"},
        {"hub: { address = \"[::1:8883\"; };\n", 1, "hub.address"},
        {"hub: { model_id = \"Thermostat\"; };\n", 1, "hub.model_id: expected a model's id"},
        {"hub: { connection_string_file = \"etc/device.cs\"; };\n", 1,
         "expected the name of a systemd credential"},
        {"hub: {\n connection_string_file = \"device.cs\";\n dps: { id_scope = \"0ne1\"; registration_id = \"g\"; "
         "key_file = \"k\"; }; };\n",
         2, "by a connection string or by hub.dps, not by both"},
        {"hub: {\n dps: { registration_id = \"g\"; key_file = \"k\"; }; };\n", 2, "hub.dps: id_scope is missing"},
        {"hub: {\n dps: { id_scope = \"0ne1\"; key_file = \"k\"; }; };\n", 2, "hub.dps: registration_id is missing"},
        {"hub: {\n dps: { id_scope = \"0ne1\"; registration_id = \"g\"; }; };\n", 2, "hub.dps: key_file is missing"},
        {"hub: { dps: { id_scope = \"0ne1\"; registration_id = \"g\"; key_file = \"k\";\n group_key_file = \"k\"; }; };\n",
         2, "only one of key_file and group_key_file"},
        {"hub: { dps: { id_scope = \"0ne1\";\n registration_id = \"a b\"; key_file = \"k\"; }; };\n", 2,
         "hub.dps.registration_id: expected at most 128 letters"},
        {"hub: { dps: { id_scope = \"0ne1\";\n registration_id = \"gw.\"; key_file = \"k\"; }; };\n", 2,
         "hub.dps.registration_id"},
        {"hub: { dps: {\n id_scope = \"0ne/1\"; registration_id = \"g\"; key_file = \"k\"; }; };\n", 2,
         "hub.dps.id_scope: expected the id scope"},
        {"hub: { dps: { id_scope = \"0ne1\"; registration_id = \"g\";\n key_file = \"etc/k\"; }; };\n", 2,
         "hub.dps.key_file: expected the name of a systemd credential"},
        {"hub: { dps: {\n host = \"a b\"; }; };\n", 2, "hub.dps.host: expected the name of a host"},
        {"hub: { dps: {\n address = \"h:mqtt\"; }; };\n", 2, "hub.dps.address: expected a host and a port"},
        {"hub: { dps: {\n idscope = \"0ne1\"; }; };\n", 2, "did you mean \"id_scope\"?"},
        {"streams: { s: { format = \"object\";\n body = \"${valeu}\"; }; };\n", 2, "streams.s.body"},
        {"streams: { s: { message_id = \"m_${count\"; }; };\n", 1, "streams.s.message_id"},
        {"streams: { s: { properties: { P = \"${nothing}\"; }; }; };\n", 1, "streams.s.properties.P"},

        {"hub: {\n product_info = \"a\\nb\"; };\n", 2, "hub.product_info: expected a text"},
        {"hub: { model_id = \"dtmi:com:x\\x01;1\"; };\n", 1, "it has a control character"},

        /* ---- names of elements ---- */
        {"sensors: {\n  my-sensor: { driver = \"simulated\"; model = \"wind\"; };\n};\n", 2,
         "the name of a sensor is a letter"},
        {"streams: { a_name_that_is_longer_than_thirty_two: {}; };\n", 1, "at most 32"},
        {"sensors: { f: { driver = \"file\"; path = \"/x\"; channels: {\n q: {}; }; }; };\n", 2,
         "a channel cannot have this name"},

        /* ---- sensors ---- */
        {"sensors: {\n  cpu: {\n    path = \"/x\";\n  };\n};\n", 2, "sensors.cpu: driver is missing"},
        {"sensors: { cpu: {\n driver = \"fiel\"; path = \"/x\"; }; };\n", 2, "did you mean \"file\"?"},
        {"sensors: { cpu: { driver = \"file\"; channels: { v: {}; }; }; };\n", 1,
         "sensors.cpu: path is missing: expected a path that begins with /, such as \"/proc/loadavg\""},
        {"sensors: { cpu: { driver = \"file\"; path = \"/x\"; }; };\n", 1,
         "sensors.cpu.channels: at least one"},
        {"sensors: { cpu: { driver = \"file\"; path = \"/x\";\n address = 0x48; channels: { v: {}; }; "
         "}; };\n", 2,
         "sensors.cpu.address: a file sensor has no such setting"},
        {"sensors: { cpu: { driver = \"file\"; path = \"/x\"; channels: { v: {\n register = 1; }; }; }; "
         "};\n", 2,
         "sensors.cpu.channels.v.register: a file sensor has no such setting"},
        {"sensors: { cpu: { driver = \"file\"; path = \"/x\"; channels: { v: { field = 1;\n"
         "pattern = \"x\"; }; }; }; };\n", 2,
         "sensors.cpu.channels.v.pattern"},
        {"sensors: { cpu: { driver = \"file\"; path = \"/x\"; channels: { v: {\n pattern = \"(\"; }; }; "
         "}; };\n", 2,
         "sensors.cpu.channels.v.pattern"},
        {"sensors: { cpu: { driver = \"file\"; path = \"/x\"; channels: { v: {\n scale = 0; }; }; }; "
         "};\n", 2,
         "sensors.cpu.channels.v.scale"},
        {"sensors: { cpu: { driver = \"file\"; path = \"/x\"; channels: { v: { scale = \"2\"; }; }; }; "
         "};\n", 1,
         "sensors.cpu.channels.v.scale: expected a number; found \"2\""},
        {"sensors: { r: { driver = \"i2c\"; bus = 1; address = 0x48; channels: {\n v: { bytes = 2; }; "
         "}; }; };\n", 2,
         "sensors.r.channels.v: register is missing"},
        {"sensors: { r: { driver = \"i2c\"; bus = 1; address = 0x80;\n channels: { v: { register = 0; "
         "}; }; }; };\n", 1,
         "sensors.r.address: expected a whole number from 0x03 to 0x77; found 0x80"},
        {"sensors: { r: { driver = \"i2c\"; bus = \"i2c-1\"; address = 0x48; "
         "channels: { v: { register = 0; }; }; }; };\n", 1,
         "sensors.r.bus: expected the number of an I2C bus"},
        {"sensors: { w: { driver = \"simulated\"; model = \"wind\";\n stream = \"telemety\"; }; };\n", 2,
         "sensors.w.stream: there is no stream \"telemety\"; did you mean \"telemetry\"?"},
        {"sensors: { w: { driver = \"simulated\"; model = \"wind\"; stream = \"a b\"; }; };\n", 1,
         "sensors.w.stream: expected a name"},
        {"sensors: { w: { driver = \"simulated\"; model = \"rain\"; }; };\n", 1,
         "expected \"wind\" or \"thermostat\""},
        {"sensors: { a: { driver = \"socket\"; listen = \"unix-dgram:/run/a\"; };\n"
         "b: { driver = \"socket\";\n listen = \"unix-stream:/run/a\"; }; };\n",
         3, "sensors.b.listen: sensor a listens on the same path"},
        {"sensors: { a: { driver = \"socket\";\n interval = \"1s\"; listen = \"unix-dgram:/run/a\"; }; "
         "};\n", 2,
         "sensors.a.interval: a socket sensor has no such setting"},
        {"sensors: { a: { driver = \"socket\"; listen = \"unix-dgram:/run/a\"; format = \"influx\"; }; "
         "};\n", 1,
         "sensors.a.format: expected \"json\"; found \"influx\""},

        /* ---- what does not fit together ---- */
        {"hub: { backoff: {\n first = \"10min\"; }; };\n", 2, "hub.backoff.first: the first wait is longer"},
        {"queue: { max_bytes = \"4M\";\n segment = \"2M\"; };\n", 2, "room for 4 segments"},
        {"queue: {\n max_bytes = \"8G\";\n segment = \"1M\"; };\n", 3, "more than 512 segments: at least 16384K"},
        {"queue: {\n segment = 1000000; };\n", 2, "queue.segment: expected a multiple of 4K"},
        {"streams: { s: {\n body = \"x\"; }; };\n", 2, "streams.s.body: only messages of format \"object\""},
        {"streams: { s: {\n expire_after = \"5s\"; }; };\n", 2,
         "streams.s.expire_after: readings would expire"},
        {"sensors: { a: { driver = \"simulated\"; model = \"wind\"; component = \"one\"; };\n"
         "b: { driver = \"simulated\"; model = \"wind\";\n component = \"two\"; }; };\n",
         3, "sensors.b.component: sensor a is in the stream \"telemetry\" as well, and belongs to the component one"},
        {"sensors: { a: { driver = \"simulated\"; model = \"wind\"; };\n"
         "b: { driver = \"simulated\"; model = \"wind\"; stream = \"telemetry\";\n component = \"two\"; }; };\n",
         3, "sensors.b.component: sensor a is in the stream \"telemetry\" as well, and belongs to none"},
        {"streams: { s: { properties: { hl-x = \"1\"; }; }; };\n", 1, "names that begin with hl"},
};

static Problems load(const char *text)
{
        _cleanup_(settings_freep) Settings *s = NULL;
        Problems problems = {};

        ck_assert_int_eq(settings_load_text(&s, "x.conf", text, SETTINGS_STATE_DIR, &problems),
                         problems.n > 0 ? SETTINGS_E_BAD : 0);
        ck_assert((s == NULL) == (problems.n > 0));
        return problems;
}

START_TEST(it_is_told_with_its_line)
{
        const BadCase *bad = &cases[_i];
        Problems problems = load(bad->text);
        char place[32];

        if (problems.n != 1)
                for (size_t i = 0; i < problems.n; i++)
                        (void)fprintf(stderr, "# %s\n", problems.items[i].text);
        ck_assert_msg(problems.n == 1, "%zu problems in: %s", problems.n, bad->text);
        (void)snprintf(place, sizeof(place), bad->line > 0 ? "x.conf:%u: " : "x.conf: ", bad->line);
        ck_assert_msg(strncmp(problems.items[0].text, place, strlen(place)) == 0, "%s: expected %s",
                      problems.items[0].text, place);
        ck_assert_msg(strstr(problems.items[0].text, bad->words), "%s: expected %s", problems.items[0].text,
                      bad->words);
        problems_done(&problems);
}
END_TEST

START_TEST(all_are_told_in_the_order_of_the_lines)
{
        Problems problems = load("sensors: {\n"
                                 "  w: { driver = \"simulated\"; model = \"rain\"; };\n" /* 2 */
                                 "  f: { driver = \"file\"; };\n"                        /* 3 */
                                 "};\n"
                                 "hub: { windw = 4;\n"    /* 5 */
                                 "  keepalive = \"x\"; };\n" /* 6 */
                                 "log = 1;\n");           /* 7 */

        ck_assert_uint_eq(problems.n, 5);
        for (unsigned i = 0; i < 2; i++)
                ck_assert_uint_eq(problems.items[i].line, i + 2);
        for (unsigned i = 2; i < 5; i++)
                ck_assert_uint_eq(problems.items[i].line, i + 3);
        problems_done(&problems);
}
END_TEST

START_TEST(two_wrong_members_of_a_sensor_are_both_told)
{
        Problems problems = load("sensors: { plc: { driver = \"socket\";\n"
                                 "  format = \"influx\";\n"           /* 2 */
                                 "  listen = \"udp:0.0.0.0\"; }; };\n"); /* 3 */

        ck_assert_uint_eq(problems.n, 2);
        ck_assert_ptr_nonnull(strstr(problems.items[0].text, "x.conf:2: sensors.plc.format"));
        ck_assert_ptr_nonnull(strstr(problems.items[1].text, "x.conf:3: sensors.plc.listen"));
        problems_done(&problems);
}
END_TEST

/* "A text" of a row without its quotes, as a parser hands it on. */
static void insist_is_taken(const SettingsRow *row, const char *quoted)
{
        char text[64];
        Node node = {.kind = NODE_TEXT, .text = text};
        _cleanup_free_ char *why = NULL;
        uint64_t member = 0;

        (void)snprintf(text, sizeof(text), "%.*s", (int)strlen(quoted) - 2, quoted + 1);
        ck_assert_msg(row->type->set(row, &node, &member, &why) == 0, "%s: %s is no good example", row->key, quoted);
}

/* How many were looked at. */
static size_t look_at_examples(const SettingsRow *rows)
{
        size_t n = 0;

        for (const SettingsRow *row = rows; row->key; row++)
                if (row->rows) {
                        n += look_at_examples(row->rows);
                } else if (row->type == &value_time || row->type == &value_size) {
                        ck_assert_msg(row->example || row->fallback, "%s has no example", row->key);
                        insist_is_taken(row, row->example ?: row->fallback);
                        n++;
                }
        return n;
}

START_TEST(an_example_is_one_that_would_be_taken)
{
        ck_assert_uint_gt(look_at_examples(settings_table), 10);
}
END_TEST

START_TEST(a_secret_in_the_wrong_place_is_not_repeated)
{
        static const char *const texts[] = {
                "hub: { connection_string_file = \"HostName=h;DeviceId=d;SharedAccessKey=c2VjcmV0\"; };\n",
                "hub: { connection_string = \"HostName=h;DeviceId=d;SharedAccessKey=c2VjcmV0\"; };\n",
                "hub: { window = \"HostName=h;DeviceId=d;SharedAccessKey=c2VjcmV0\"; };\n",
                "hub: { address = \"HostName=h;DeviceId=d;SharedAccessKey=c2VjcmV0\"; };\n",
                "hub: { model_id = \"HostName=h;DeviceId=d;SharedAccessKey=c2VjcmV0\"; };\n",
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                Problems problems = load(texts[i]);

                ck_assert_uint_eq(problems.n, 1);
                ck_assert_ptr_null(strstr(problems.items[0].text, "c2Vj"));
                problems_done(&problems);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("daemon/settings");
        TCase *c = suite_case(s, "what is wrong");

        tcase_add_loop_test(c, it_is_told_with_its_line, 0, ARRAY_SIZE(cases));
        tcase_add_test(c, all_are_told_in_the_order_of_the_lines);
        tcase_add_test(c, two_wrong_members_of_a_sensor_are_both_told);
        tcase_add_test(c, an_example_is_one_that_would_be_taken);
        tcase_add_test(c, a_secret_in_the_wrong_place_is_not_repeated);
        return suite_run(s);
}
