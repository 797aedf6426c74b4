/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/settings-table.h"

#include <string.h>
#include <syslog.h>

#include "daemon/settings.h"

#define KB ((uint64_t)1024)
#define MB (1024 * KB)
#define GB (1024 * MB)

#define AT(type, member)       .offset = offsetof(type, member), .size = sizeof(((type *)NULL)->member)
#define HUB(member)            AT(Settings, hub.member)
#define QUEUE(member)          AT(Settings, queue.member)
#define STREAM(member)         AT(StreamSettings, member)
#define SENSOR(member)         AT(SensorSettings, member)
#define CHANNEL(member)        AT(ChannelSettings, member)
#define TIME(low, high)   .type = &value_time, .min = low, .max = high
#define SIZE(low, high)   .type = &value_size, .min = low, .max = high
#define NUMBER(low, high) .type = &value_integer, .min = low, .max = high
#define HEX(low, high)    .type = &value_hex, .min = low, .max = high
#define CHOICE(first, list)    .type = &value_choice, .min = first, .words = list
#define WORD(list)             .type = &value_word, .words = list
#define WORDS(...)             ((const char *const[]){__VA_ARGS__, NULL})
#define END                    {}

/* ---- hub ---- */

static const SettingsRow backoff_rows[] = {
        {"first", TIME(100 * USEC_PER_MSEC, USEC_PER_HOUR), HUB(backoff_first_usec), .fallback = "\"1s\""},
        {"max", TIME(USEC_PER_SEC, USEC_PER_DAY), HUB(backoff_max_usec), .fallback = "\"5min\""},
        END,
};

static const SettingsRow dps_rows[] = {
        {"id_scope", .type = &value_line, HUB(dps.id_scope), .example = "\"0ne00000000\""},
        {"registration_id", .type = &value_line, HUB(dps.registration_id), .example = "\"gw-17\""},
        {"key_file", .type = &value_line, HUB(dps.key_file), .example = "\"dps.key\""},
        {"group_key_file", .type = &value_line, HUB(dps.group_key_file), .example = "\"group.key\""},
        {"host", .type = &value_line, HUB(dps.host), .fallback = "\"" DPS_HOST "\""},
        {"address", .type = &value_text, HUB(dps.address), .example = "\"127.0.0.1:8883\""},
        END,
};

static const SettingsRow hub_rows[] = {
        {"connection_string_file", .type = &value_line, HUB(connection_string_file),
         .fallback = "\"device.cs\""},
        {"ca_file", .type = &value_path, HUB(ca_file), .example = "\"/etc/hublink/ca.pem\""},
        {"address", .type = &value_text, HUB(address), .example = "\"127.0.0.1:8883\""},
        {"model_id", .type = &value_line, HUB(model_id), .example = "\"dtmi:com:example:Thermostat;1\""},
        {"product_info", .type = &value_line, HUB(product_info), .example = "\"acme-gw/2.1\""},
        /* the hub looks at one and a half times this, and at 1767 s at the latest */
        {"keepalive", TIME(10 * USEC_PER_SEC, 19 * USEC_PER_MIN), HUB(keepalive_usec),
         .fallback = "\"4min\""},
        {"token_life", TIME(USEC_PER_MIN, 365 * USEC_PER_DAY), HUB(token_life_usec), .fallback = "\"1h\""},
        {"window", NUMBER(1, 16), HUB(window), .fallback = "16", .from_cloud = true},
        {"backoff", .rows = backoff_rows},
        {"dps", .rows = dps_rows},
        END,
};

/* ---- queue ---- */

static const SettingsRow queue_rows[] = {
        {"directory", .type = &value_path, QUEUE(directory), .fallback = "\"" SETTINGS_STATE_DIR "/queue\""},
        {"commit_interval", TIME(10 * USEC_PER_MSEC, 10 * USEC_PER_MIN), QUEUE(commit_interval_usec),
         .fallback = "\"1s\""},
        {"max_bytes", SIZE(4 * MB, 128 * GB), QUEUE(max_bytes), .fallback = "\"256M\""},
        {"max_age", TIME(USEC_PER_MIN, 3650 * USEC_PER_DAY), QUEUE(max_age_usec), .fallback = "\"30d\""},
        {"min_free", SIZE(0, 1024 * GB), QUEUE(min_free_bytes), .fallback = "\"64M\""},
        {"segment", SIZE(512 * KB, 64 * MB), QUEUE(segment_bytes), .example = "\"4M\""}, /* else the queue chooses */
        {"when_full", CHOICE(0, WORDS("drop-oldest", "drop-newest")), QUEUE(drop_newest),
         .fallback = "\"drop-oldest\""},
        END,
};

/* ---- streams ---- */

static const SettingsRow property_rows[] = {
        {"*", .type = &value_template, AT(Property, value)},
        END,
};

static const SettingsMap property_map = {
        .element_size = sizeof(Property),
        .noun = "a property",
        .max = 64,
        .loose = true,
};

static const SettingsRow stream_rows[] = {
        {"format", CHOICE(STREAM_ARRAY, WORDS("array", "object")), STREAM(format), .fallback = "\"array\""},
        {"priority", CHOICE(0, WORDS("normal", "urgent")), STREAM(urgent), .fallback = "\"normal\""},
        {"max_latency", TIME(0, USEC_PER_HOUR), STREAM(max_latency_usec), .fallback = "\"10s\"",
         .from_cloud = true},
        {"expire_after", TIME(100 * USEC_PER_MSEC, 365 * USEC_PER_DAY), STREAM(expire_after_usec),
         .fallback = "\"never\"", .example = "\"1h\"", .or_never = true},
        {"body", .type = &value_template, STREAM(body)},
        {"message_id", .type = &value_template, STREAM(message_id)},
        {"correlation_id", .type = &value_template, STREAM(correlation_id)},
        {"properties", .rows = property_rows, .map = &property_map, STREAM(properties)},
        END,
};

static void stream_done(void *element)
{
        stream_settings_done(element);
}

static const SettingsMap stream_map = {
        .element_size = sizeof(StreamSettings),
        .done = stream_done,
        .always = STREAM_DEFAULT,
        .noun = "a stream",
        .is_name = name_is_valid,
        .max = QUEUE_STREAMS_MAX,
};

/* ---- sensors ---- */

static const char *const drivers[] = {"i2c", "file", "socket", "simulated", NULL};

#define I2C       .drivers = DRIVER_I2C
#define A_FILE    .drivers = DRIVER_FILE
#define SOCKET    .drivers = DRIVER_SOCKET
#define SIMULATED .drivers = DRIVER_SIMULATED

static const SettingsRow channel_rows[] = {
        {"unit", .type = &value_text, CHANNEL(unit), .example = "\"Cel\""},
        {"scale", .type = &value_real, CHANNEL(scale), .fallback = "1.0"},
        {"offset", .type = &value_real, CHANNEL(offset), .fallback = "0.0"},

        {"field", NUMBER(1, 1000), CHANNEL(field), A_FILE},
        {"pattern", .type = &value_text, CHANNEL(pattern), A_FILE, .example = "\"MemFree: *([0-9]+)\""},
        {"text", .type = &value_boolean, CHANNEL(text), A_FILE, .fallback = "false"},

        {"register", HEX(0, 0xFFFF), CHANNEL(reg), I2C, .required = true},
        {"bytes", NUMBER(1, 8), CHANNEL(bytes), I2C, .fallback = "2"},
        {"endian", CHOICE(0, WORDS("big", "little")), CHANNEL(little_endian), I2C, .fallback = "\"big\""},
        {"signed", .type = &value_boolean, CHANNEL(is_signed), I2C, .fallback = "false"},
        {"mask", HEX(0, UINT64_MAX), CHANNEL(mask), I2C},
        {"shift", NUMBER(0, 63), CHANNEL(shift), I2C, .fallback = "0"},
        END,
};

static const SettingsMap channel_map = {
        .element_size = sizeof(ChannelSettings),
        .noun = "a channel",
        .is_name = channel_name_is_valid,
        .max = READING_CHANNELS_MAX,
};

static const SettingsRow sensor_rows[] = {
        {"driver", WORD(drivers), SENSOR(driver), .required = true},
        {"stream", .type = &value_name, SENSOR(stream), .example = "\"" STREAM_DEFAULT "\""},
        {"component", .type = &value_name, SENSOR(component), .example = "\"thermostat1\""},
        {"interval", TIME(SENSOR_INTERVAL_MIN, SENSOR_INTERVAL_MAX), SENSOR(interval_usec), .fallback = "\"10s\"",
         .drivers = DRIVER_I2C | DRIVER_FILE | DRIVER_SIMULATED, .from_cloud = true},
        {"timeout", TIME(USEC_PER_MSEC, USEC_PER_MIN), SENSOR(timeout_usec), .fallback = "\"2s\"",
         .drivers = DRIVER_I2C | DRIVER_FILE},

        {"path", .type = &value_path, SENSOR(path), A_FILE, .required = true,
         .example = "\"/proc/loadavg\""},

        {"bus", .type = &value_bus, SENSOR(bus), I2C, .required = true},
        {"address", HEX(0x03, 0x77), SENSOR(address), I2C, .required = true},

        {"listen", .type = &value_text, SENSOR(listen), SOCKET, .required = true,
         .example = "\"unix-dgram:/run/hublink/in.sock\""},
        {"format", WORD(WORDS("json")), SENSOR(format), SOCKET, .fallback = "\"json\""},
        {"group", .type = &value_text, SENSOR(group), SOCKET, .example = "\"hublink\""},
        {"max_rate", NUMBER(0, 1000000), SENSOR(max_rate), SOCKET, .fallback = "2000", .from_cloud = true},
        {"max_line", SIZE(64, 256 * KB), SENSOR(max_line), SOCKET, .fallback = "\"8K\""},
        {"max_clients", NUMBER(1, 1024), SENSOR(max_clients), SOCKET, .fallback = "32"},

        {"model", WORD(WORDS("wind", "thermostat")), SENSOR(model), SIMULATED, .required = true},
        {"seed", NUMBER(0, INT64_MAX), SENSOR(seed), SIMULATED, .fallback = "0"},

        {"channels", .rows = channel_rows, .map = &channel_map, SENSOR(channels),
         .drivers = DRIVER_I2C | DRIVER_FILE},
        END,
};

static void sensor_done(void *element)
{
        sensor_settings_done(element);
}

static const SettingsMap sensor_map = {
        .element_size = sizeof(SensorSettings),
        .done = sensor_done,
        .noun = "a sensor",
        .is_name = name_is_valid,
        .max = 256,
        .by_driver = true,
};

/* ---- all ---- */

static const SettingsRow inbox_rows[] = {
        {"max_messages", NUMBER(1, 10000), AT(Settings, inbox.max_messages), .fallback = "1000"},
        {"max_bytes", SIZE(64 * KB, 1 * GB), AT(Settings, inbox.max_bytes), .fallback = "\"16M\""},
        {"report_rejects", .type = &value_boolean, AT(Settings, inbox.report_rejects), .fallback = "false"},
        {"report_completions", .type = &value_boolean, AT(Settings, inbox.report_completions), .fallback = "false"},
        END,
};

static const SettingsRow registrant_rows[] = {
        {"*", .type = &value_line, AT(Property, value), .example = "\"updater\""},
        END,
};

static const SettingsRow service_rows[] = {
        {"*", .type = &value_service, AT(Property, value), .example = "\"org.example.Printer\""},
        END,
};

static void pair_done(void *element)
{
        Property *p = element;

        free(p->name);
        free(p->value);
}

static const SettingsMap method_map = {
        .element_size = sizeof(Property),
        .done = pair_done,
        .noun = "a method",
        .max = 256,
        .loose = true,
};

static const SettingsRow methods_rows[] = {
        /* the hub gives a call 30 s where its caller names no time */
        {"timeout", TIME(100 * USEC_PER_MSEC, METHOD_TIMEOUT_MAX), AT(Settings, methods.timeout_usec),
         .fallback = "\"25s\""},
        {"allow", .type = &value_methods, AT(Settings, methods.allow), .example = "[ \"ping\", \"reboot\" ]"},
        {"registrants", .rows = registrant_rows, .map = &method_map, AT(Settings, methods.registrants)},
        {"services", .rows = service_rows, .map = &method_map, AT(Settings, methods.services)},
        END,
};

static const SettingsRow audit_rows[] = {
        {"payload", .type = &value_boolean, AT(Settings, audit.payload), .fallback = "false"},
        END,
};

static const SettingsRow clock_rows[] = {
        {"trust", .type = &value_boolean, AT(Settings, clock.trust), .fallback = "false"},
        END,
};

static const SettingsRow log_rows[] = {
        {"level", CHOICE(LOG_ERR, WORDS("error", "warning", "notice", "info", "debug")),
         AT(Settings, log.level), .fallback = "\"info\"", .from_cloud = true},
        {"max_lines_per_hour", NUMBER(0, 1000000), AT(Settings, log.max_lines_per_hour), .fallback = "60",
         .from_cloud = true},
        END,
};

const SettingsRow settings_table[] = {
        {"hub", .rows = hub_rows},
        {"queue", .rows = queue_rows},
        {"streams", .rows = stream_rows, .map = &stream_map, AT(Settings, streams)},
        {"sensors", .rows = sensor_rows, .map = &sensor_map, AT(Settings, sensors)},
        {"inbox", .rows = inbox_rows},
        {"methods", .rows = methods_rows},
        {"audit", .rows = audit_rows},
        {"clock", .rows = clock_rows},
        {"log", .rows = log_rows},
        END,
};

/* What SettingsMap promises. */
#define ASSERT_MAP(type, array, count)                                                                \
        _Static_assert(offsetof(type, count) == offsetof(type, array) + sizeof(void *), "right behind")
ASSERT_MAP(Settings, streams, n_streams);
ASSERT_MAP(Settings, sensors, n_sensors);
ASSERT_MAP(StreamSettings, properties, n_properties);
ASSERT_MAP(SensorSettings, channels, n_channels);
ASSERT_MAP(Settings, methods.registrants, methods.n_registrants);
ASSERT_MAP(Settings, methods.services, methods.n_services);
_Static_assert(offsetof(StreamSettings, name) == 0, "the name comes first");
_Static_assert(offsetof(SensorSettings, name) == 0, "the name comes first");
_Static_assert(offsetof(ChannelSettings, name) == 0, "the name comes first");
_Static_assert(offsetof(Property, name) == 0, "the name comes first");

unsigned settings_driver(const char *name)
{
        for (unsigned i = 0; drivers[i]; i++)
                if (strcmp(drivers[i], name) == 0)
                        return 1U << i;
        return 0;
}
