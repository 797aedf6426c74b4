/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the files say is what the structs hold, and what is printed loads again.
 */

#include "daemon/settings.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "suite.h"

static void tell(const Problems *problems)
{
        for (size_t i = 0; i < problems->n; i++)
                (void)fprintf(stderr, "# %s\n", problems->items[i].text);
}

static Settings *load_at(const char *text, const char *state_dir)
{
        Problems problems = {};
        Settings *s = NULL;
        int r = settings_load_text(&s, "x.conf", text, state_dir, &problems);

        tell(&problems);
        ck_assert_int_eq(r, 0);
        return s;
}

static Settings *load(const char *text)
{
        return load_at(text, SETTINGS_STATE_DIR);
}

START_TEST(nothing_said_is_all_defaults)
{
        _cleanup_(settings_freep) Settings *s = load("");

        ck_assert_str_eq(s->hub.connection_string_file, "device.cs");
        ck_assert_ptr_null(s->hub.ca_file);
        ck_assert_ptr_null(s->hub.address);
        ck_assert_ptr_null(s->hub.model_id);
        ck_assert_ptr_null(s->hub.product_info);
        ck_assert_uint_eq(s->hub.keepalive_usec, 4 * USEC_PER_MIN);
        ck_assert_uint_eq(s->hub.token_life_usec, USEC_PER_HOUR);
        ck_assert_uint_eq(s->hub.window, 16);
        ck_assert_uint_eq(s->hub.backoff_first_usec, USEC_PER_SEC);
        ck_assert_uint_eq(s->hub.backoff_max_usec, 5 * USEC_PER_MIN);
        ck_assert(!settings_want_dps(s));
        ck_assert_str_eq(s->hub.dps.host, "global.azure-devices-provisioning.net");
        ck_assert_str_eq(s->queue.directory, "/var/lib/hublink/queue");
        ck_assert_uint_eq(s->queue.commit_interval_usec, USEC_PER_SEC);
        ck_assert_uint_eq(s->queue.max_bytes, 256 << 20);
        ck_assert_uint_eq(s->queue.segment_bytes, 0); /* the queue chooses */
        ck_assert(!s->queue.drop_newest);
        ck_assert_uint_eq(s->n_streams, 1);
        ck_assert_str_eq(s->streams[0].name, "telemetry");
        ck_assert_int_eq(s->streams[0].format, STREAM_ARRAY);
        ck_assert_uint_eq(s->streams[0].max_latency_usec, 10 * USEC_PER_SEC);
        ck_assert_uint_eq(s->streams[0].expire_after_usec, USEC_INFINITY);
        ck_assert_uint_eq(s->n_sensors, 0);
        ck_assert(!s->clock.trust);
        ck_assert_int_eq(s->log.level, LOG_INFO);
        ck_assert_uint_eq(s->log.max_lines_per_hour, 60);
}
END_TEST

START_TEST(a_rule_may_be_of_a_sensor_that_lines_name)
{
        static const char *const by_lines[] = {
                "driver = \"socket\"; listen = \"unix-dgram:/run/x\";",
                "driver = \"tail\"; path = \"/x\"; format = \"influx\";",
                "driver = \"watch\"; path = \"/x\";",
        };

        for (size_t i = 0; i < ARRAY_SIZE(by_lines); i++) {
                _cleanup_(settings_freep) Settings *s = NULL;
                char text[256];

                (void)snprintf(text, sizeof(text),
                               "sensors: { apps: { %s }; };\n"
                               "rules = ( { channel = \"pump.level\"; stale_after = \"100ms\"; window = 1; send = [ \"max\" ]; } );\n",
                               by_lines[i]);
                s = load(text);
                ck_assert_uint_eq(s->n_rules, 1);
        }
}
END_TEST

/* The widest limits that a range leaves: one within it passes each, and one within it ends each. */
START_TEST(an_alarm_may_be_at_the_end_of_the_range)
{
        static const char *const alarms[] = {
                "above = 69.9;", "above = 69.9; clear = 0;", "below = 0.1;", "below = 0.1; clear = 70;", "above = 0;", "below = 70;",
        };

        for (size_t i = 0; i < ARRAY_SIZE(alarms); i++) {
                _cleanup_(settings_freep) Settings *s = NULL;
                char text[512];

                (void)snprintf(text, sizeof(text),
                               "streams: { alarms: { priority = \"urgent\"; }; };\n"
                               "sensors: { cpu: { driver = \"file\"; path = \"/x\"; channels: { t1: {}; t2: {}; }; }; };\n"
                               "rules = ( { channel = \"cpu.t1\"; range = [ 0.0, 70.0 ]; }, { channel = \"cpu.t2\"; range = [ 0, 1 ]; },\n"
                               " { channel = \"cpu.t1\"; alarm: { %s stream = \"alarms\"; }; } );\n",
                               alarms[i]);
                s = load(text);
                ck_assert_uint_eq(s->n_rules, 3);
        }
}
END_TEST

/* The shortest that a sensor's interval leaves. */
START_TEST(a_rule_may_be_as_short_as_it_makes_sense)
{
        static const char *const rules[] = {
                "stale_after = \"10001ms\"; frozen_after = \"20s\";",
                "window = \"1min\"; send = [ \"mean\" ]; deadband = 1.0; max_silence = \"2min\";",
                "deadband = 1.0; max_silence = \"10s\"; }, { channel = \"cpu.b\"; window = \"1min\"; send = [ \"mean\" ];",
        };

        for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
                _cleanup_(settings_freep) Settings *s = NULL;
                char text[512];

                (void)snprintf(text, sizeof(text),
                               "sensors: { cpu: { driver = \"file\"; path = \"/x\"; channels: { a: {}; b: {}; }; }; };\n"
                               "rules = ( { channel = \"cpu.a\"; %s } );\n",
                               rules[i]);
                s = load(text);
                ck_assert_uint_ge(s->n_rules, 1);
        }
}
END_TEST

START_TEST(rules_are_what_the_files_say)
{
        static const char text[] =
                "streams: { alarms: { priority = \"urgent\"; }; };\n"
                "sensors: { cpu: { driver = \"file\"; path = \"/x\"; channels: { temperature: {}; load: {}; }; }; };\n"
                "rules = (\n"
                "  { channel = \"cpu.temperature\"; deadband = 1; max_silence = \"5min\"; range = [ -40.0, 125.0 ];\n"
                "    decimals = 0; },\n"
                "  { channel = \"cpu.load\"; stale_after = \"1min\"; frozen_after = 3600; window = \"1min\";\n"
                "    send = [ \"max\", \"count\" ]; },\n"
                "  { channel = \"cpu.temperature\"; min_interval = \"10s\";\n"
                "    alarm: { above = 80.5; clear = 75; hold = \"10s\"; stream = \"alarms\"; }; }\n"
                ");\n";
        _cleanup_(settings_freep) Settings *s = load(text);
        _cleanup_(buffer_done) Buffer printed = BUFFER_NULL;
        _cleanup_(settings_freep) Settings *again = NULL;

        ck_assert_uint_eq(s->n_rules, 3);
        ck_assert_str_eq(s->rules[0].channel, "cpu.temperature");
        ck_assert(s->rules[0].deadband.width.is_set && s->rules[0].deadband.width.value == 1);
        ck_assert_uint_eq(s->rules[0].deadband.max_silence_usec, 5 * USEC_PER_MIN);
        ck_assert(s->rules[0].range.is_set && s->rules[0].range.low == -40 && s->rules[0].range.high == 125);
        ck_assert(!alarm_is_set(&s->rules[0].alarm));
        ck_assert(s->rules[0].decimals.is_set && s->rules[0].decimals.n == 0 && !s->rules[1].decimals.is_set);
        ck_assert_uint_eq(s->rules[1].watch.stale_after_usec, USEC_PER_MIN);
        ck_assert_uint_eq(s->rules[1].watch.frozen_after_usec, USEC_PER_HOUR);
        ck_assert_uint_eq(s->rules[1].window.length_usec, USEC_PER_MIN);
        ck_assert_uint_eq(s->rules[1].window.send, (1U << WINDOW_MAX) | (1U << WINDOW_COUNT));
        ck_assert(!deadband_is_set(&s->rules[1].deadband));
        ck_assert_uint_eq(s->rules[2].deadband.min_interval_usec, 10 * USEC_PER_SEC);
        ck_assert(s->rules[2].alarm.above.value == 80.5 && s->rules[2].alarm.clear.value == 75);
        ck_assert(!s->rules[2].alarm.below.is_set);
        ck_assert_uint_eq(s->rules[2].alarm.hold_usec, 10 * USEC_PER_SEC);
        ck_assert_str_eq(s->rules[2].alarm.stream, "alarms");
        for (int with_places = 0; with_places < 2; with_places++) {
                buffer_clear(&printed);
                settings_print(s, with_places, &printed);
                again = load(printed.data);
                ck_assert_int_eq(settings_equal(s, again), 1);
                again = settings_free(again);
        }
}
END_TEST

START_TEST(with_dps_there_is_no_connection_string)
{
        _cleanup_(settings_freep) Settings *s = load("hub: { dps: { id_scope = \"0ne1\"; registration_id = \"gw-17\"; "
                                                     "group_key_file = \"/k\"; }; };");
        _cleanup_(settings_freep) Settings *again = NULL;
        _cleanup_(buffer_done) Buffer text = BUFFER_NULL;

        ck_assert(settings_want_dps(s));
        ck_assert_ptr_null(s->hub.connection_string_file);
        ck_assert_str_eq(s->hub.dps.group_key_file, "/k");
        settings_print(s, true, &text);
        again = load(text.data);
        ck_assert_int_eq(settings_equal(s, again), 1);
}
END_TEST

START_TEST(the_state_folder_moves_its_defaults)
{
        _cleanup_(settings_freep) Settings *s = load_at("", "/tmp/x"),
                                           *t = load_at("queue: { directory = \"/var/lib/hublink/queue\"; };",
                                                        "/tmp/x");

        ck_assert_str_eq(s->queue.directory, "/tmp/x/queue");
        ck_assert_str_eq(t->queue.directory, "/var/lib/hublink/queue");
}
END_TEST

/* The target configuration, as far as it is built. */
static const char whole[] =
        "hub: {\n"
        "  connection_string_file = \"device.cs\";\n"
        "  ca_file = \"/etc/hublink/ca.pem\";  address = \"127.0.0.1:8883\";\n"
        "  model_id = \"dtmi:com:example:Thermostat;1\";  product_info = \"acme-gw/2.1\";\n"
        "  keepalive = \"4min\";  token_life = \"1h\";  window = 16;\n"
        "  backoff: { first = \"1s\"; max = \"5min\"; };\n"
        "};\n"
        "queue: {\n"
        "  directory = \"/var/lib/hublink/queue\";\n"
        "  commit_interval = \"1s\";\n"
        "  max_bytes = \"256M\";  segment = \"4M\";\n"
        "  when_full = \"drop-oldest\";\n"
        "};\n"
        "streams: {\n"
        "  telemetry: { format = \"array\"; max_latency = \"10s\"; };\n"
        "  alarms:    { format = \"array\"; priority = \"urgent\"; max_latency = \"0s\"; };\n"
        "  wind: {\n"
        "    format = \"object\";  expire_after = \"10s\";\n"
        "    body = \"{\\\"deviceId\\\": \\\"${device}\\\",\\\"windSpeed\\\": ${value:.2f}}\";\n"
        "    message_id = \"message_${count}\";  correlation_id = \"correlation_${count}\";\n"
        "    properties: { Property = \"PropMsg_${count}\"; };\n"
        "  };\n"
        "  thermostat: { format = \"object\"; body = \"{\\\"temperature\\\": ${value}}\"; };\n"
        "};\n"
        "sensors: {\n"
        "  wind: { driver = \"simulated\"; model = \"wind\"; interval = \"30s\"; stream = \"wind\"; };\n"
        "  room: {\n"
        "    driver = \"i2c\"; bus = 1; address = 0x48; interval = \"8s\"; stream = \"thermostat\";\n"
        "    channels: { temperature: { register = 0; signed = true; shift = 4; mask = 0xFFFF; scale = 0.0625; }; };\n"
        "    report = ( { property = \"maxTempSinceLastReboot\"; of = \"temperature\"; value = \"max\"; },\n"
        "               { property = \"meanTemp\"; of = \"temperature\"; value = \"mean\"; } );\n"
        "  };\n"
        "  probe: {\n"
        "    driver = \"i2c\"; bus = \"/dev/i2c-1\"; address = 0x40; interval = \"1min\"; timeout = \"200ms\";\n"
        "    channels: { humidity: { register = 0xE5; bytes = 2; endian = \"little\"; scale = 0.0019073;\n"
        "                            offset = -6.0; unit = \"%RH\"; }; };\n"
        "  };\n"
        "  cpu: {\n"
        "    driver = \"file\"; path = \"/sys/class/thermal/thermal_zone0/temp\"; interval = \"10s\";\n"
        "    channels: { temperature: { scale = 0.001; unit = \"Cel\"; }; };\n"
        "  };\n"
        "  load: { driver = \"file\"; path = \"/proc/loadavg\"; interval = \"10s\";\n"
        "          channels: { one: { field = 1; }; five: { field = 2; }; }; };\n"
        "  apps: { driver = \"socket\"; listen = \"unix-dgram:/run/hublink/in.sock\"; format = \"json\";\n"
        "          group = \"hublink\"; max_rate = 2000; };\n"
        "  plc:  { driver = \"socket\"; listen = \"unix-stream:/run/hublink/plc.sock\"; max_line = \"16K\";\n"
        "          max_clients = 4; };\n"
        "};\n"
        "twin: { writable: { targetTemperature: { type = \"double\"; range = [ 5.0, 90.5 ]; initial = 22.5; };\n"
        "                    on: { type = \"boolean\"; component = \"lamp\"; initial = true; };\n"
        "                    label: { type = \"string\"; initial = \"say \\\"hello\\\"\"; }; }; };\n"
        "commands: { getMaxMinReport: { builtin = \"max-min-report\"; of = \"room.temperature\"; }; };\n"
        "clock: { trust = true; };\n"
        "log: { level = \"notice\"; max_lines_per_hour = 120; };\n";

START_TEST(sockets_may_stand_side_by_side)
{
        _cleanup_(settings_freep) Settings *s = load(
                "sensors: { a: { driver = \"socket\"; listen = \"udp:0.0.0.0:9999\"; };"
                "b: { driver = \"socket\"; listen = \"tcp:0.0.0.0:9999\"; };"
                "c: { driver = \"socket\"; listen = \"udp:[::1]:9999\"; };"
                "d: { driver = \"socket\"; listen = \"udp:127.0.0.1:9998\"; };"
                "e: { driver = \"socket\"; listen = \"udp:127.0.0.2:9998\"; };"
                "f: { driver = \"socket\"; listen = \"unix-dgram:/run/a\"; };"
                "g: { driver = \"socket\"; listen = \"systemd:/run/a\"; }; };"
                "metrics: { listen = \"unix:/run/b\"; };"
                "rules = ( { channel = \"a.x\"; deadband = 1; max_silence = 60; min_interval = 60; },"
                "{ channel = \"b.x\"; min_interval = 600; } );");

        ck_assert_uint_eq(s->n_sensors, 7);
}
END_TEST

/* Whoever says that a stream is urgent does not have it wait for company. */
START_TEST(an_urgent_stream_does_not_wait)
{
        _cleanup_(settings_freep) Settings *s = load("streams: { alarms: { priority = \"urgent\"; };"
                                                     "plain: { priority = \"normal\"; };"
                                                     "patient: { max_latency = \"3s\"; priority = \"urgent\"; }; };");

        ck_assert_uint_eq(s->n_streams, 4);
        ck_assert_str_eq(s->streams[0].name, STREAM_DEFAULT);
        ck_assert_uint_eq(s->streams[0].max_latency_usec, 10 * USEC_PER_SEC);
        ck_assert_uint_eq(s->streams[1].max_latency_usec, 0);
        ck_assert_uint_eq(s->streams[2].max_latency_usec, 10 * USEC_PER_SEC);
        ck_assert_uint_eq(s->streams[3].max_latency_usec, 3 * USEC_PER_SEC);
}
END_TEST

START_TEST(the_target_configuration_loads)
{
        _cleanup_(settings_freep) Settings *s = load(whole);
        const SensorSettings *sensor = s->sensors;
        const StreamSettings *wind = &s->streams[2];

        ck_assert_str_eq(s->hub.product_info, "acme-gw/2.1");
        ck_assert_uint_eq(s->n_streams, 4);
        ck_assert(s->streams[1].urgent);
        ck_assert_uint_eq(s->streams[1].max_latency_usec, 0);
        ck_assert_int_eq(wind->format, STREAM_OBJECT);
        ck_assert_uint_eq(wind->expire_after_usec, 10 * USEC_PER_SEC);
        ck_assert_str_eq(wind->body, "{\"deviceId\": \"${device}\",\"windSpeed\": ${value:.2f}}");
        ck_assert_str_eq(wind->message_id, "message_${count}");
        ck_assert_uint_eq(wind->n_properties, 1);
        ck_assert_str_eq(wind->properties[0].name, "Property");
        ck_assert_str_eq(wind->properties[0].value, "PropMsg_${count}");

        ck_assert_uint_eq(s->n_sensors, 7);
        ck_assert_str_eq(sensor[0].name, "wind");
        ck_assert_str_eq(sensor[0].model, "wind");
        ck_assert_uint_eq(sensor[0].interval_usec, 30 * USEC_PER_SEC);
        ck_assert_uint_eq(sensor[0].timeout_usec, 0); /* is not a simulated one's */
        ck_assert_str_eq(sensor[1].bus, "/dev/i2c-1");
        ck_assert_uint_eq(sensor[1].address, 0x48);
        ck_assert(sensor[1].channels[0].is_signed);
        ck_assert_uint_eq(sensor[1].channels[0].mask, 0xFFFF);
        ck_assert_uint_eq(sensor[1].channels[0].bytes, 2);
        ck_assert_str_eq(sensor[2].bus, "/dev/i2c-1");
        ck_assert_uint_eq(sensor[2].timeout_usec, 200 * USEC_PER_MSEC);
        ck_assert(sensor[2].channels[0].little_endian);
        ck_assert_double_eq(sensor[2].channels[0].offset, -6.0);
        ck_assert_str_eq(sensor[2].channels[0].unit, "%RH");
        ck_assert_uint_eq(sensor[4].n_channels, 2);
        ck_assert_str_eq(sensor[4].channels[1].name, "five");
        ck_assert_uint_eq(sensor[4].channels[1].field, 2);
        ck_assert_double_eq(sensor[4].channels[1].scale, 1.0);
        ck_assert_uint_eq(sensor[5].interval_usec, 0);
        ck_assert_uint_eq(sensor[5].max_rate, 2000);
        ck_assert_uint_eq(sensor[5].max_line, 8192);
        ck_assert_str_eq(sensor[6].format, "json");
        ck_assert_uint_eq(sensor[6].max_clients, 4);
        ck_assert_uint_eq(sensor[1].n_reports, 2);
        ck_assert_str_eq(sensor[1].reports[0].property, "maxTempSinceLastReboot");
        ck_assert_str_eq(sensor[1].reports[0].of, "temperature");
        ck_assert_int_eq(sensor[1].reports[1].value, REPORT_MEAN);
        ck_assert_uint_eq(s->n_writables, 3);
        ck_assert_int_eq(s->writables[0].type, WRITABLE_DOUBLE);
        ck_assert(s->writables[0].range.is_set && s->writables[0].range.high == 90.5);
        ck_assert(!s->writables[1].range.is_set);
        ck_assert_str_eq(s->writables[1].component, "lamp");
        ck_assert_str_eq(s->writables[0].initial, "22.5");
        ck_assert_str_eq(s->writables[1].initial, "true");
        ck_assert_str_eq(s->writables[2].initial, "\"say \\\"hello\\\"\"");
        ck_assert_uint_eq(s->n_commands, 1);
        ck_assert_str_eq(s->commands[0].of, "room.temperature");
        ck_assert(s->clock.trust);
        ck_assert_int_eq(s->log.level, LOG_NOTICE);
}
END_TEST

START_TEST(a_stream_has_the_component_of_its_sensors)
{
        _cleanup_(settings_freep) Settings *s = load("streams: { a: {}; b: {}; };\n"
                                                     "sensors: {\n"
                                                     "  w: { driver = \"simulated\"; model = \"wind\"; stream = \"b\";\n"
                                                     "       component = \"thermostat1\"; };\n"
                                                     "  v: { driver = \"simulated\"; model = \"wind\";\n"
                                                     "       component = \"mill\"; };\n"
                                                     "};\n");

        for (size_t i = 0; i < s->n_streams; i++)
                ck_assert_str_eq(s->streams[i].component, s->streams[i].name[0] == 'b'   ? "thermostat1"
                                                          : s->streams[i].name[0] == 'a' ? ""
                                                                                         : "mill");
}
END_TEST

START_TEST(what_is_printed_loads_to_the_same)
{
        static const char *const texts[] = {
                "",
                whole,
                "sensors: { f: { driver = \"file\"; path = \"/x\"; channels: { v: {\n"
                "  unit = \"a \\\"b\\\" \\\\ \\n \\t \\x01 \xc3\xbc\"; }; }; }; };",
                "sensors: { r: { driver = \"i2c\"; bus = 1; address = 3; channels: { v: { "
                "register = 0xFFFF; bytes = 8;\n"
                "  mask = 0xFFFFFFFFFFFFFFFF; scale = 1e-7; offset = 123456789012; }; }; }; };",
                "queue: { max_bytes = 5000000000; commit_interval = 0.25; };",
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                for (int with_places = 0; with_places < 2; with_places++) {
                        _cleanup_(settings_freep) Settings *s = load(texts[i]), *again = NULL;
                        Buffer b = BUFFER_NULL;

                        settings_print(s, with_places, &b);
                        ck_assert_int_eq(buffer_error(&b), 0);
                        again = load(b.data);
                        ck_assert_int_eq(settings_equal(s, again), 1);
                        buffer_done(&b);
                }
}
END_TEST

START_TEST(each_value_is_printed_with_its_place)
{
        _cleanup_(settings_freep) Settings *s = load("\nhub: {\n  window = 4;\n};\n");
        Buffer b = BUFFER_NULL;
        const char *window, *keepalive;

        settings_print(s, true, &b);
        window = strstr(b.data, "  window = 4; ");
        keepalive = strstr(b.data, "  keepalive = \"4min\"; ");
        ck_assert_ptr_nonnull(window);
        ck_assert_ptr_nonnull(keepalive);
        ck_assert_ptr_eq(strstr(window, "# "), strstr(window, "# x.conf:3\n"));
        ck_assert_ptr_eq(strstr(keepalive, "# "), strstr(keepalive, "# default\n"));
        ck_assert_ptr_nonnull(strstr(b.data, "# ca_file is not set\n"));
        buffer_done(&b);
}
END_TEST

START_TEST(numbers_are_what_they_look_like)
{
        /* libconfig 1.5 alone would make the first three 705032704, 0xFFFFFFFF and 0.0 */
        _cleanup_(settings_freep) Settings *s =
                load("queue: { max_bytes = 5000000000; };\n"
                     "sensors: { r: { driver = \"i2c\"; bus = 1; address = 72; channels: {\n"
                     "  a: { register = 0; bytes = 8; mask = 0xFF00000000; scale = 2; };\n"
                     "  b: { register = 1; bytes = 8; mask = 0x8000000000000000; offset = -3; };\n"
                     "  c: { register = 2; bytes = 4; mask = 0xFFFFFFFF; };\n"
                     "  d: { register = 3; bytes = 8; mask = 0x1FFFFFFFFL; }; }; }; };\n");
        const ChannelSettings *c = s->sensors[0].channels;

        ck_assert_uint_eq(s->queue.max_bytes, 5000000000);
        ck_assert_uint_eq(c[0].mask, 0xFF00000000);
        ck_assert_double_eq(c[0].scale, 2.0);
        ck_assert_uint_eq(c[1].mask, 0x8000000000000000);
        ck_assert_double_eq(c[1].offset, -3.0);
        ck_assert_uint_eq(c[2].mask, 0xFFFFFFFF);
        ck_assert_uint_eq(c[3].mask, 0x1FFFFFFFF);
}
END_TEST

START_TEST(bare_numbers_are_seconds_and_bytes)
{
        _cleanup_(settings_freep) Settings *s =
                load("hub: { keepalive = 90; backoff: { first = 0.5; }; };\n"
                     "queue: { max_bytes = 67108864; commit_interval = \"2\"; segment = \"512K\"; };\n"
                     "streams: { a: { expire_after = \"never\"; }; };\n");

        ck_assert_uint_eq(s->hub.keepalive_usec, 90 * USEC_PER_SEC);
        ck_assert_uint_eq(s->hub.backoff_first_usec, 500 * USEC_PER_MSEC);
        ck_assert_uint_eq(s->queue.max_bytes, 64 << 20);
        ck_assert_uint_eq(s->queue.commit_interval_usec, 2 * USEC_PER_SEC);
        ck_assert_uint_eq(s->queue.segment_bytes, 512 << 10);
        ck_assert_uint_eq(s->streams[0].n_properties, 0);
        ck_assert_str_eq(s->streams[0].name, "telemetry"); /* always there */
        ck_assert_str_eq(s->streams[1].name, "a");
}
END_TEST

/* ---- files ---- */

typedef struct Folder {
        char path[32];
        char main_file[64];
} Folder;

static void write_file(const Folder *f, const char *name, const char *text)
{
        char path[128];
        FILE *file;

        (void)snprintf(path, sizeof(path), "%s/%s", f->path, name);
        file = fopen(path, "we");
        ck_assert_ptr_nonnull(file);
        ck_assert_int_ge(fputs(text, file), 0);
        ck_assert_int_eq(fclose(file), 0);
}

static void folder_init(Folder *f)
{
        char path[64];

        (void)snprintf(f->path, sizeof(f->path), "/tmp/hublink-test-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(f->path));
        (void)snprintf(path, sizeof(path), "%s/conf.d", f->path);
        ck_assert_int_eq(mkdir(path, 0755), 0);
        (void)snprintf(f->main_file, sizeof(f->main_file), "%s/hublink.conf", f->path);
}

static void folder_done(Folder *f)
{
        char command[64];

        (void)snprintf(command, sizeof(command), "rm -rf %s", f->path);
        ck_assert_int_eq(system(command), 0);
}

START_TEST(later_files_are_laid_over_earlier_ones)
{
        _cleanup_(settings_freep) Settings *s = NULL;
        Problems problems = {};
        Buffer b = BUFFER_NULL;
        Folder f;
        char place[128];

        folder_init(&f);
        write_file(&f, "hublink.conf", "hub: { window = 4; product_info = \"main\"; };\n"
                                       "sensors: {\n"
                                       "  w: { driver = \"simulated\"; model = \"wind\"; interval = \"1s\"; };\n"
                                       "};\n");
        write_file(&f, "conf.d/20-b.conf", "\nhub: { product_info = \"b\"; };\n");
        write_file(&f, "conf.d/10-a.conf", "hub: { product_info = \"a\"; keepalive = \"1min\"; };\n"
                                           "sensors: { w: { interval = \"2s\"; };\n"
                                           "  v: { driver = \"simulated\"; model = \"thermostat\"; }; };\n");
        write_file(&f, "conf.d/30-c.conf.dpkg-old", "rubbish {\n");
        write_file(&f, "conf.d/.hidden.conf", "rubbish {\n");
        ck_assert_int_eq(settings_load(&s, f.main_file, "/s", &problems), 0);
        ck_assert_uint_eq(s->hub.window, 4);
        ck_assert_str_eq(s->hub.product_info, "b");
        ck_assert_uint_eq(s->hub.keepalive_usec, USEC_PER_MIN);
        ck_assert_uint_eq(s->n_sensors, 2);
        ck_assert_str_eq(s->sensors[0].model, "wind");
        ck_assert_uint_eq(s->sensors[0].interval_usec, 2 * USEC_PER_SEC);
        settings_print(s, true, &b);
        (void)snprintf(place, sizeof(place), "%s/conf.d/20-b.conf:2\n", f.path);
        ck_assert_ptr_nonnull(strstr(b.data, place));
        buffer_done(&b);
        folder_done(&f);
}
END_TEST

/* The shipped file has the groups, with comments alone in them. */
START_TEST(a_group_that_was_empty_stands_where_it_is_filled)
{
        _cleanup_(settings_freep) Settings *s = NULL;
        Problems problems = {};
        char place[128];
        Folder f;

        folder_init(&f);
        write_file(&f, "hublink.conf", "hub: { dps: {\n}; };\n");
        write_file(&f, "conf.d/fleet.conf", "hub: {\n dps: { id_scope = \"0ne1\"; }; };\n");
        ck_assert_int_eq(settings_load(&s, f.main_file, "/s", &problems), SETTINGS_E_BAD);
        (void)snprintf(place, sizeof(place), "%s/conf.d/fleet.conf:2: hub.dps: key_file is missing", f.path);
        ck_assert_msg(strncmp(problems.items[0].text, place, strlen(place)) == 0, "%s", problems.items[0].text);
        problems_done(&problems);
        folder_done(&f);
}
END_TEST

START_TEST(a_file_as_it_is_meant_to_become)
{
        static const struct {
                SettingsCandidate candidate;
                const char *info;
        } cases[] = {
                {{"15.conf", "hub: { product_info = \"new\"; };"}, "20"},
                {{"20.conf", "hub: { product_info = \"new\"; };"}, "new"},
                {{"25.conf", "hub: { product_info = \"new\"; };"}, "new"},
                {{"20.conf", NULL}, "10"},
                {{"30.conf", NULL}, "20"},
        };
        Problems problems = {};
        Folder f;

        folder_init(&f);
        write_file(&f, "hublink.conf", "");
        write_file(&f, "conf.d/10.conf", "hub: { product_info = \"10\"; };\n");
        write_file(&f, "conf.d/20.conf", "hub: { product_info = \"20\"; };\n");
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                _cleanup_(settings_freep) Settings *s = NULL;

                ck_assert_int_eq(settings_load_as_if(&s, f.main_file, "/s", &cases[i].candidate, &problems), 0);
                ck_assert_str_eq(s->hub.product_info, cases[i].info);
        }
        folder_done(&f);
}
END_TEST

START_TEST(a_file_as_it_is_meant_to_become_may_be_the_first_or_wrong)
{
        _cleanup_(settings_freep) Settings *s = NULL;
        SettingsCandidate candidate = {"a.conf", "hub: { product_info = \"new\"; };"};
        Problems problems = {};
        char place[128];
        Folder f;

        folder_init(&f);
        write_file(&f, "hublink.conf", "");
        ck_assert_int_eq(settings_load_as_if(&s, f.main_file, "/s", &candidate, &problems), 0);
        ck_assert_str_eq(s->hub.product_info, "new");
        s = settings_free(s);
        candidate.text = "\nhub: { window = 0; };";
        ck_assert_int_eq(settings_load_as_if(&s, f.main_file, "/s", &candidate, &problems), SETTINGS_E_BAD);
        (void)snprintf(place, sizeof(place), "%s/conf.d/a.conf:2: ", f.path);
        ck_assert_msg(strncmp(problems.items[0].text, place, strlen(place)) == 0, "%s", problems.items[0].text);
        problems_done(&problems);
        folder_done(&f);
}
END_TEST

START_TEST(problems_of_all_files_are_told)
{
        _cleanup_(settings_freep) Settings *s = NULL;
        Problems problems = {};
        Folder f;
        char place[128];

        folder_init(&f);
        write_file(&f, "hublink.conf", "hub: { window = 400; };\n");
        write_file(&f, "conf.d/a.conf", "log: {\n");
        write_file(&f, "conf.d/b.conf", "\n\nlog: { level = 3; };\n");
        ck_assert_int_eq(settings_load(&s, f.main_file, "/s", &problems), SETTINGS_E_BAD);
        ck_assert_ptr_null(s);
        ck_assert_uint_eq(problems.n, 3);
        (void)snprintf(place, sizeof(place), "%s/hublink.conf:1: ", f.path);
        ck_assert(strncmp(problems.items[0].text, place, strlen(place)) == 0);
        (void)snprintf(place, sizeof(place), "%s/conf.d/a.conf:1: ", f.path);
        ck_assert(strncmp(problems.items[1].text, place, strlen(place)) == 0);
        (void)snprintf(place, sizeof(place), "%s/conf.d/b.conf:3: ", f.path);
        ck_assert(strncmp(problems.items[2].text, place, strlen(place)) == 0);
        problems_done(&problems);
        folder_done(&f);
}
END_TEST

START_TEST(services_say_what_they_answer_in_files_of_their_own)
{
        _cleanup_(settings_freep) Settings *s = NULL;
        Problems problems = {};
        Buffer b = BUFFER_NULL;
        Folder f;
        char path[128];

        folder_init(&f);
        (void)snprintf(path, sizeof(path), "%s/methods.d", f.path);
        ck_assert_int_eq(mkdir(path, 0755), 0);
        write_file(&f, "hublink.conf", "methods: { allow = [ \"scan\", \"print\" ];\n"
                                       "  services: { scan = \"org.example.Scanner\"; print = \"org.example.Old\"; }; };\n");
        write_file(&f, "methods.d/print.conf", "# of the package\nresponder = \"org.example.Printer\";\n");
        write_file(&f, "methods.d/pump*stop.conf", "responder = \"org.example.Pump\";\n");
        ck_assert_int_eq(settings_load(&s, f.main_file, "/s", &problems), 0);
        ck_assert_uint_eq(s->methods.n_services, 3);
        ck_assert_str_eq(s->methods.services[1].name, "print");
        ck_assert_str_eq(s->methods.services[1].value, "org.example.Printer");
        ck_assert_str_eq(s->methods.services[2].name, "pump*stop");
        ck_assert_str_eq(s->methods.allow, "scan print");
        settings_print(s, true, &b);
        (void)snprintf(path, sizeof(path), "# %s/methods.d/print.conf:2\n", f.path);
        ck_assert_ptr_nonnull(strstr(b.data, path));
        ck_assert_ptr_nonnull(strstr(b.data, "allow = [ \"scan\", \"print\" ];"));
        buffer_done(&b);
        folder_done(&f);
}
END_TEST

/* One in a folder of such files, with what is wrong with it. */
typedef struct BadFile {
        const char *name, *text;
        unsigned line;
        const char *words;
} BadFile;

static void expect_bad_files(const char *folder, const char *others, const BadFile *cases, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                _cleanup_(settings_freep) Settings *s = NULL;
                Problems problems = {};
                char path[128];
                Folder f;

                folder_init(&f);
                (void)snprintf(path, sizeof(path), "%s/%s", f.path, folder);
                insist(mkdir(path, 0755) == 0);
                write_file(&f, "hublink.conf", others);
                (void)snprintf(path, sizeof(path), "%s/%s", folder, cases[i].name);
                write_file(&f, path, cases[i].text);
                insist(settings_load(&s, f.main_file, "/s", &problems) == SETTINGS_E_BAD);
                if (problems.n != 1 || problems.items[0].line != cases[i].line ||
                    !strstr(problems.items[0].text, cases[i].words))
                        ck_abort_msg("case %zu: %zu problems, line %u: %s", i, problems.n, problems.items[0].line,
                                     problems.items[0].text);
                problems_done(&problems);
                folder_done(&f);
        }
}

START_TEST(a_bad_file_of_a_service_is_told)
{
        static const BadFile cases[] = {
                {"print.conf", "", 0, "expected  responder = \"BUS NAME\";"},
                {"print.conf", "\nresponder = 7;\n", 2, "expected  responder = \"BUS NAME\";"},
                {"print.conf", "responder = \"a.b\";\nlog: { level = \"info\"; };\n", 2, "log: unknown setting"},
                {"print.conf", "\n\nresponder = \"printer\";\n", 3, "methods.services.print: expected a name"},
                {"ping.conf", "\nresponder = \"org.example.X\";\n", 2, "methods.services.ping: hublinkd itself answers to ping"},
                {"print.conf", "responder = \"a.b;\n", 1, ""},
                {"a b.conf", "responder = \"a.b\";\n", 0, "the file's name is to be that of a method"},
        };

        expect_bad_files("methods.d", "", cases, ARRAY_SIZE(cases));
}
END_TEST

START_TEST(commands_stand_in_files_of_their_own)
{
        _cleanup_(settings_freep) Settings *s = NULL;
        const CommandUnitSettings *c;
        Problems problems = {};
        Buffer b = BUFFER_NULL;
        Folder f;
        char path[128];

        folder_init(&f);
        (void)snprintf(path, sizeof(path), "%s/commands.d", f.path);
        ck_assert_int_eq(mkdir(path, 0755), 0);
        write_file(&f, "hublink.conf", "command_units: { update: { method = \"update\"; timeout = \"5s\"; }; };\n");
        write_file(&f, "commands.d/reboot.conf", "# of the gateway\nmethod = \"reboot\";\n"
                                                 "c2d: { hl-command = \"reboot\"; site = \"a b\"; };\n");
        write_file(&f, "commands.d/update.conf", "idempotent = true;\n"); /* laid over the other */
        ck_assert_int_eq(settings_load(&s, f.main_file, "/s", &problems), 0);
        ck_assert_uint_eq(s->n_command_units, 2);
        c = &s->command_units[0];
        ck_assert_str_eq(c->name, "update");
        ck_assert_str_eq(c->method, "update");
        ck_assert(c->idempotent && c->n_c2d == 0 && c->timeout_usec == 5 * USEC_PER_SEC);
        c = &s->command_units[1];
        ck_assert_str_eq(c->name, "reboot");
        ck_assert_uint_eq(c->n_c2d, 2);
        ck_assert_str_eq(c->c2d[1].name, "site");
        ck_assert_str_eq(c->c2d[1].value, "a b");
        ck_assert(!c->idempotent && c->timeout_usec == 20 * USEC_PER_SEC);
        settings_print(s, true, &b);
        (void)snprintf(path, sizeof(path), "# %s/commands.d/reboot.conf:2\n", f.path);
        ck_assert_ptr_nonnull(strstr(b.data, path));
        ck_assert_ptr_nonnull(strstr(b.data, "hl-command = \"reboot\";"));
        buffer_done(&b);
        folder_done(&f);
}
END_TEST

START_TEST(a_bad_file_of_a_command_is_told)
{
        static const BadFile cases[] = {
                {"reboot.conf", "", 0, "command_units.reboot: nothing would start it: say  method = \"reboot\";"},
                {"reboot.conf", "c2d: { };\n", 0, "nothing would start it"},
                {"reboot.conf", "\nmethod = 7;\n", 2, "command_units.reboot.method: expected a text"},
                {"reboot.conf", "\nmethod = \"a b\";\n", 2, "command_units.reboot.method: expected a name of a method"},
                {"reboot.conf", "method = \"a\";\nexec = \"/sbin/reboot\";\n", 2, "command_units.reboot.exec: unknown setting"},
                {"reboot.conf", "method = \"a\";\nc2d = \"x\";\n", 2, "expected a group"},
                {"reboot.conf", "method = \"a\";\nc2d: { x = 7; };\n", 2, "command_units.reboot.c2d.x: expected a text"},
                {"reboot.conf", "method = \"a\";\ntimeout = \"25s\";\n", 2,
                 "command_units.reboot.timeout: 25s is as long as methods.timeout, 25s, or longer"},
                {"reboot.conf", "c2d: { a = \"b\"; };\ntimeout = \"2d\";\n", 2, "expected a time from 1s to 1d"},
                {"reboot.conf", "method = \"ping\";\n", 1, "hublinkd itself answers to ping already"},
                {"reboot.conf", "method = \"print\";\n", 1, "org.example.Printer (methods.services) answers to print already"},
                {"reboot.conf", "method = \"update\";\n", 1, "command_units.update answers to update already"},
                {"reboot.conf", "method = \"getMaxMinReport\";\n", 1, "commands.getMaxMinReport answers to getMaxMinReport"},
                {"reboot.conf", "c2d: { a = \"1\"; b = \"2\"; };\n", 1, "command_units.update is started by the same messages"},
                {"re-boot.conf", "method = \"reboot\";\n", 0, "the file's name is to be that of the command"},
                {"7.conf", "method = \"reboot\";\n", 0, "the file's name is to be that of the command"},
                {"a234567890123456789012345678901234567890.conf", "method = \"reboot\";\n", 0, "at most 32"},
        };
        static const char others[] = "methods: { services: { print = \"org.example.Printer\"; }; };\n"
                                     "command_units: { update: { method = \"update\"; c2d: { b = \"2\"; a = \"1\"; }; }; };\n"
                                     "sensors: { room: { driver = \"simulated\"; model = \"thermostat\"; }; };\n"
                                     "commands: { getMaxMinReport: { builtin = \"max-min-report\"; of = \"room.temperature\"; }; };\n";

        expect_bad_files("commands.d", others, cases, ARRAY_SIZE(cases));
}
END_TEST

START_TEST(a_missing_file_is_told_with_the_remedy)
{
        _cleanup_(settings_freep) Settings *s = NULL;
        Problems problems = {};

        ck_assert_int_eq(settings_load(&s, "/nonexistent/hublink.conf", "/s", &problems), SETTINGS_E_BAD);
        ck_assert_uint_eq(problems.n, 1);
        ck_assert_str_eq(problems.items[0].text,
                         "/nonexistent/hublink.conf: cannot be read: No such file or directory; name another "
                         "with --config, or make an empty one: every setting has a default");
        problems_done(&problems);
}
END_TEST

START_TEST(a_folder_or_a_device_is_no_settings_file)
{
        static const char *const paths[] = {"/tmp", "/dev/zero"};

        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                _cleanup_(settings_freep) Settings *s = NULL;
                Problems problems = {};

                ck_assert_int_eq(settings_load(&s, paths[i], "/s", &problems), SETTINGS_E_BAD);
                ck_assert_uint_ge(problems.n, 1);
                problems_done(&problems);
        }
}
END_TEST

/* ---- what is shipped ---- */

static char *read_all(const char *path)
{
        FILE *file = fopen(path, "re");
        Buffer b = BUFFER_NULL;
        int c;

        ck_assert_msg(file != NULL, "%s", path);
        while ((c = fgetc(file)) != EOF)
                buffer_append_char(&b, (char)c);
        (void)fclose(file);
        return buffer_steal(&b);
}

/* In the shipped file a `#` right before a word takes a default out; one before a blank begins prose. */
static char *uncommented(const char *text)
{
        Buffer b = BUFFER_NULL;
        bool line_start = true;

        for (; *text; text++) {
                if (line_start && *text == '#' && text[1] != ' ' && text[1] != '\n')
                        continue;
                buffer_append_char(&b, *text);
                line_start = *text == '\n' || (line_start && *text == ' ');
        }
        return buffer_steal(&b);
}

START_TEST(the_shipped_file_shows_the_defaults)
{
        _cleanup_free_ char *text = read_all(CONF_DIR "/hublink.conf"), *active = uncommented(text);
        _cleanup_(settings_freep) Settings *shipped = load(text), *shown = load(active), *defaults = load("");
        Buffer a = BUFFER_NULL, b = BUFFER_NULL;

        ck_assert_int_eq(settings_equal(shipped, defaults), 1);
        settings_print(shown, false, &a);
        settings_print(defaults, false, &b);
        ck_assert_str_eq(a.data, b.data);
        buffer_done(&a);
        buffer_done(&b);
}
END_TEST

/* Every default has its line there: what --print-config calls a default is none when all lines are active. */
START_TEST(the_shipped_file_forgets_none)
{
        _cleanup_free_ char *text = read_all(CONF_DIR "/hublink.conf"), *active = uncommented(text);
        _cleanup_(settings_freep) Settings *shown = load(active);
        Buffer b = BUFFER_NULL;
        char *line, *rest;

        settings_print(shown, true, &b);
        for (line = strtok_r(b.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
                char *word = line + strspn(line, " ");

                ck_assert_msg(!strstr(line, "# default"), "not in the shipped file: %s", line);
                /* what has no default is named in prose */
                if (strstr(word, " is not set")) {
                        word += 2;
                        word[strcspn(word, " ")] = 0;
                        ck_assert_msg(strstr(text, word), "not in the shipped file: %s", word);
                }
        }
        buffer_done(&b);
}
END_TEST

START_TEST(the_shipped_examples_load)
{
        static const char *const names[] = {"quickstart.conf", "examples/wind.conf",
                                            "examples/thermostat.conf", "examples/temperature-controller.conf"};

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                _cleanup_(settings_freep) Settings *s = NULL;
                _cleanup_free_ char *text = NULL;
                char path[512];

                (void)snprintf(path, sizeof(path), "%s/%s", CONF_DIR, names[i]);
                text = read_all(path);
                s = load(text);
                ck_assert_uint_ge(s->n_sensors, 1);
        }
}
END_TEST

int main(void)
{
        Suite *s = suite_create("daemon/settings");
        TCase *c = suite_case(s, "values");

        tcase_add_test(c, nothing_said_is_all_defaults);
        tcase_add_test(c, rules_are_what_the_files_say);
        tcase_add_test(c, an_alarm_may_be_at_the_end_of_the_range);
        tcase_add_test(c, a_rule_may_be_as_short_as_it_makes_sense);
        tcase_add_test(c, a_rule_may_be_of_a_sensor_that_lines_name);
        tcase_add_test(c, with_dps_there_is_no_connection_string);
        tcase_add_test(c, the_state_folder_moves_its_defaults);
        tcase_add_test(c, sockets_may_stand_side_by_side);
        tcase_add_test(c, an_urgent_stream_does_not_wait);
        tcase_add_test(c, the_target_configuration_loads);
        tcase_add_test(c, a_stream_has_the_component_of_its_sensors);
        tcase_add_test(c, numbers_are_what_they_look_like);
        tcase_add_test(c, bare_numbers_are_seconds_and_bytes);
        c = suite_case(s, "printing");
        tcase_add_test(c, what_is_printed_loads_to_the_same);
        tcase_add_test(c, each_value_is_printed_with_its_place);
        c = suite_case(s, "files");
        tcase_add_test(c, later_files_are_laid_over_earlier_ones);
        tcase_add_test(c, a_group_that_was_empty_stands_where_it_is_filled);
        tcase_add_test(c, a_file_as_it_is_meant_to_become);
        tcase_add_test(c, a_file_as_it_is_meant_to_become_may_be_the_first_or_wrong);
        tcase_add_test(c, problems_of_all_files_are_told);
        tcase_add_test(c, services_say_what_they_answer_in_files_of_their_own);
        tcase_add_test(c, a_bad_file_of_a_service_is_told);
        tcase_add_test(c, commands_stand_in_files_of_their_own);
        tcase_add_test(c, a_bad_file_of_a_command_is_told);
        tcase_add_test(c, a_missing_file_is_told_with_the_remedy);
        tcase_add_test(c, a_folder_or_a_device_is_no_settings_file);
        c = suite_case(s, "what is shipped");
        tcase_add_test(c, the_shipped_file_shows_the_defaults);
        tcase_add_test(c, the_shipped_file_forgets_none);
        tcase_add_test(c, the_shipped_examples_load);
        return suite_run(s);
}
