/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/settings-table-rows.h"

#include <syslog.h>

#define QUEUE(member)  AT(Settings, queue.member)
#define STREAM(member) AT(StreamSettings, member)

/* ---- queue ---- */

static const SettingsRow queue_rows[] = {
        {"directory", .type = &value_path, QUEUE(directory), .fallback = "\"" SETTINGS_STATE_DIR "/queue\"",
         .meaning = "Where the queue is. A change needs a restart. Elsewhere the unit has to let hublinkd write, by "
                    "ReadWritePaths=: hublinkd(8), THE UNIT."},
        {"commit_interval", TIME(10 * USEC_PER_MSEC, 10 * USEC_PER_MIN), QUEUE(commit_interval_usec),
         .fallback = "\"1s\"",
         .meaning = "What sensors read becomes durable this often, which is what a power cut can cost at most. Who "
                    "waits for a receipt has it earlier."},
        {"max_bytes", SIZE(4 * MB, 128 * GB), QUEUE(max_bytes), .fallback = "\"256M\"",
         .meaning = "All files of the queue together."},
        {"max_age", TIME(USEC_PER_MIN, 3650 * USEC_PER_DAY), QUEUE(max_age_usec), .fallback = "\"30d\"",
         .meaning = "What has waited longer is dropped, for the reason age. Dead letters have no such limit."},
        {"min_free", SIZE(0, 1024 * GB), QUEUE(min_free_bytes), .fallback = "\"64M\"",
         .meaning = "What of the file system is left to others: below it the queue does not grow, and lives with the "
                    "files that it has. 0 is no such floor."},
        {"segment", SIZE(512 * KB, 64 * MB), QUEUE(segment_bytes), .example = "\"4M\"",
         .meaning = "Its files are of this size. Without it one is chosen from `queue.max_bytes`. A change needs a "
                    "restart."},
        {"when_full", CHOICE(0, WORDS("drop-oldest", "drop-newest")), QUEUE(drop_newest),
         .fallback = "\"drop-oldest\"",
         .meaning = "What happens at `queue.max_bytes`: the oldest records make room, or what comes is refused."},
        END,
};

/* ---- streams ---- */

static const SettingsRow property_rows[] = {
        {"*", .type = &value_template, AT(Property, value),
         .meaning = "The value of the property of this name."},
        END,
};

static const SettingsMap property_map = {
        .element_size = sizeof(Property),
        .noun = "a property",
        .max = 64,
        .loose = true,
};

static const SettingsRow stream_rows[] = {
        {"format", CHOICE(STREAM_ARRAY, WORDS("array", "object")), STREAM(format), .fallback = "\"array\"",
         .meaning = "Many readings in one message, or an `object` for each."},
        {"priority", CHOICE(0, WORDS("normal", "urgent")), STREAM(urgent), .fallback = "\"normal\"",
         .meaning = "A stream that is `urgent` has a lane of its own in the queue, which is sent first."},
        {"max_latency", TIME(0, USEC_PER_HOUR), STREAM(max_latency_usec), .fallback = "\"10s\"",
         .but = {"priority", "urgent", "\"0s\""}, .from_cloud = true,
         .meaning = "How long a reading may wait for company in its message."},
        {"expire_after", TIME(100 * USEC_PER_MSEC, 365 * USEC_PER_DAY), STREAM(expire_after_usec),
         .fallback = "\"never\"", .example = "\"1h\"", .or_never = true,
         .meaning = "A reading that is older is dropped instead of sent, for the reason expired."},
        {"body", .type = &value_template, STREAM(body),
         .meaning = "The body of a message of format `object`. Without it that is a JSON object of the channels."},
        {"message_id", .type = &value_template, STREAM(message_id),
         .meaning = "The message id. Without it that is STREAM.EPOCH.FIRST-LAST, the names of the records."},
        {"correlation_id", .type = &value_template, STREAM(correlation_id),
         .meaning = "The correlation id. Without it there is none."},
        {"properties", .rows = property_rows, .map = &property_map, STREAM(properties),
         .meaning = "Application properties of each message."},
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

/* ---- the rest ---- */

static const SettingsRow inbox_rows[] = {
        {"max_messages", NUMBER(1, 10000), AT(Settings, inbox.max_messages), .fallback = "1000",
         .meaning = "When so many messages wait here, the hub keeps the rest until a quarter is free again."},
        {"max_bytes", SIZE(64 * KB, 1 * GB), AT(Settings, inbox.max_bytes), .fallback = "\"16M\"",
         .meaning = "When messages of so many bytes wait here, the same."},
        {"report_rejects", .type = &value_boolean, AT(Settings, inbox.report_rejects), .fallback = "false",
         .meaning = "A message that is rejected here is told to the cloud, on the stream telemetry, with its id as "
                    "correlation id and hl-inbox = rejected among the properties."},
        {"report_completions", .type = &value_boolean, AT(Settings, inbox.report_completions), .fallback = "false",
         .meaning = "The same for one that is completed. The hub itself calls it completed as soon as it is on the "
                    "disk here."},
        END,
};

static const SettingsRow registrant_rows[] = {
        {"*", .type = &value_line, AT(Property, value), .example = "\"updater\"",
         .meaning = "The user who may."},
        END,
};

static const SettingsRow service_rows[] = {
        {"*", .type = &value_service, AT(Property, value), .example = "\"org.example.Printer\"",
         .meaning = "The service's name on the bus."},
        END,
};

static const SettingsMap method_map = {
        .element_size = sizeof(Property),
        .done = settings_pair_done,
        .noun = "a method",
        .max = 256,
        .loose = true,
};

static const SettingsRow methods_rows[] = {
        /* the hub gives a call 30 s where its caller names no time */
        {"timeout", TIME(100 * USEC_PER_MSEC, METHOD_TIMEOUT_MAX), AT(Settings, methods.timeout_usec),
         .fallback = "\"25s\"",
         .meaning = "When a call is answered with 504 in the place of its responder. It has to be below the shortest "
                    "time that a caller in the cloud gives, by what the way there and back takes."},
        {"allow", .type = &value_methods, AT(Settings, methods.allow), .example = "[ \"ping\", \"reboot\" ]",
         .meaning = "The methods that the hub may call; an empty array allows none. Without it the hub may call "
                    "everything that is registered or built in."},
        {"registrants", .rows = registrant_rows, .map = &method_map, AT(Settings, methods.registrants),
         .meaning = "Who alone may register a method. For one that is not named, group hublink is enough."},
        {"services", .rows = service_rows, .map = &method_map, AT(Settings, methods.services),
         .meaning = "Services that the bus starts when they are asked. A package says it in a file of its own, "
                    "methods.d/METHOD.conf."},
        END,
};

static const SettingsRow audit_rows[] = {
        {"payload", .type = &value_boolean, AT(Settings, audit.payload), .fallback = "false",
         .meaning = "What was asked and answered is kept in the audit as well. It may be anything, also what is "
                    "secret."},
        END,
};

static const SettingsRow clock_rows[] = {
        {"trust", .type = &value_boolean, AT(Settings, clock.trust), .fallback = "false",
         .meaning = "The clock is believed without NTP, from the beginning. Otherwise it is when the kernel calls it "
                    "synchronised, or systemd-timesyncd has set it."},
        END,
};

static const SettingsRow log_rows[] = {
        {"level", CHOICE(LOG_ERR, WORDS("error", "warning", "notice", "info", "debug")),
         AT(Settings, log.level), .fallback = "\"info\"", .from_cloud = true,
         .meaning = "What is less important than this is not logged."},
        {"max_lines_per_hour", NUMBER(0, 1000000), AT(Settings, log.max_lines_per_hour), .fallback = "60",
         .from_cloud = true,
         .meaning = "In any one hour, and as many errors; what is held back is counted. 0 is no limit."},
        END,
};

static const SettingsRow metrics_rows[] = {
        {"file", .type = &value_path, AT(Settings, metrics.file), .example = "\"/run/hublink/metrics.prom\"",
         .meaning = "Written anew at each `metrics.interval`, for the textfile collector of node_exporter. Without "
                    "it there is none."},
        {"listen", .type = &value_line, AT(Settings, metrics.listen),
         .example = "\"" METRICS_LISTEN "/run/hublink/metrics.sock\"",
         .meaning = "A socket that answers GET /metrics. Without it there is none."},
        {"group", .type = &value_line, AT(Settings, metrics.group), .example = "\"prometheus\"",
         .meaning = "Who may connect to it, beside the service itself, which has to be a member. Without it that is "
                    "the group of the daemon."},
        {"interval", TIME(USEC_PER_SEC, USEC_PER_HOUR), AT(Settings, metrics.interval_usec), .fallback = "\"15s\"",
         .meaning = "How often the file is written."},
        END,
};

/* ---- all ---- */

const SettingsRow settings_table[] = {
        {"hub", .rows = settings_hub_rows,
         .meaning = "The hub, and how this device proves who it is."},
        {"queue", .rows = queue_rows,
         .meaning = "The queue on disk, where every reading waits until the hub has acknowledged it: hublinkd(8), THE "
                    "QUEUE."},
        {"streams", .rows = stream_rows, .map = &stream_map, AT(Settings, streams),
         .meaning = "How readings become messages. The stream `" STREAM_DEFAULT "` is always there, and takes what "
                    "names no other: STREAMS."},
        {"sensors", .rows = settings_sensor_rows, .map = &settings_sensor_map, AT(Settings, sensors),
         .meaning = "What is read, and how. There are none by default."},
        {"rules", .rows = settings_rule_rows, .map = &settings_rule_map, AT(Settings, rules),
         .meaning = "What of the readings is worth sending. There are none by default: everything is sent. RULES tells "
                    "in which order they work."},
        {"twin", .rows = settings_twin_rows,
         .meaning = "The device twin: hublinkd(8), DEVICE TWIN, and here PLUG AND PLAY."},
        {"commands", .rows = settings_command_rows, .map = &settings_command_map, AT(Settings, commands),
         .meaning = "Direct methods that hublinkd answers from what it read: PLUG AND PLAY."},
        {"command_units", .rows = settings_command_unit_rows, .map = &settings_command_unit_map,
         AT(Settings, command_units),
         .meaning = "Commands of the cloud that start a unit of systemd. Each stands in a file of its own, "
                    "commands.d/NAME.conf: hublinkd(8), COMMANDS."},
        {"inbox", .rows = inbox_rows,
         .meaning = "Messages from the cloud, which wait on this disk for a local service: hublinkd(8), MESSAGES FROM "
                    "THE CLOUD."},
        {"methods", .rows = methods_rows,
         .meaning = "Direct methods that local services answer: hublinkd(8), DIRECT METHODS."},
        {"audit", .rows = audit_rows,
         .meaning = "What is kept of orders; `hublinkctl audit` shows the last 1,000."},
        {"clock", .rows = clock_rows,
         .meaning = "Whether the time is known. Readings from before get theirs then, across reboots too."},
        {"log", .rows = log_rows,
         .meaning = "What goes to the journal: hublinkd(8), THE JOURNAL."},
        {"metrics", .rows = metrics_rows,
         .meaning = "Numbers for a monitoring system: hublinkd(8), METRICS."},
        END,
};

ASSERT_MAP(Settings, streams, n_streams);
ASSERT_MAP(Settings, sensors, n_sensors);
ASSERT_MAP(Settings, rules, n_rules);
ASSERT_MAP(Settings, commands, n_commands);
ASSERT_MAP(Settings, methods.registrants, methods.n_registrants);
ASSERT_MAP(Settings, methods.services, methods.n_services);
ASSERT_MAP(StreamSettings, properties, n_properties);
ASSERT_NAMED(StreamSettings);
ASSERT_NAMED(Property);
