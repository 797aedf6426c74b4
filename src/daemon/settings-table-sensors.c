/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/settings-table-rows.h"

#include <string.h>

#define SENSOR(member)  AT(SensorSettings, member)
#define CHANNEL(member) AT(ChannelSettings, member)

const char *const settings_drivers[] = {"i2c",   "file",    "socket", "simulated", "tail",
                                        "watch", "program", "hwmon",  "iio",       NULL};

#define I2C       .drivers = DRIVER_I2C
#define ANY_I2C   .drivers = DRIVER_I2C | DRIVER_CHIP
#define A_FILE    .drivers = DRIVER_FILE
#define SOCKET    .drivers = DRIVER_SOCKET
#define SIMULATED .drivers = DRIVER_SIMULATED
#define TAIL      .drivers = DRIVER_TAIL
#define A_TEXT    .drivers = DRIVER_FILE | DRIVER_TAIL | DRIVER_WATCH | DRIVER_PROGRAM
#define ASKED     (DRIVER_I2C | DRIVER_CHIP | DRIVER_FILE | DRIVER_PROGRAM | DRIVER_HWMON | DRIVER_IIO)
#define SYSFS     .drivers = DRIVER_HWMON | DRIVER_IIO

static const SettingsRow channel_rows[] = {
        {"unit", .type = &value_text, CHANNEL(unit), .example = "\"Cel\"",
         .meaning = "Its unit, as UCUM has it. Without it there is none, but for that of a chip or a kernel's "
                    "monitor."},
        {"scale", .type = &value_real, CHANNEL(scale), .fallback = "1.0",
         .meaning = "What is read is multiplied by this; of a chip, what its description makes of it."},
        {"offset", .type = &value_real, CHANNEL(offset), .fallback = "0.0",
         .meaning = "This is added then."},

        {"path", .type = &value_path, CHANNEL(path), A_FILE,
         .example = "\"/sys/class/power_supply/BAT0/voltage_now\"",
         .meaning = "A file of its own for this channel. Without it that is the sensor's."},
        {"field", NUMBER(1, 1000), CHANNEL(field), A_TEXT,
         .meaning = "Which of the words that blanks separate, counted from 1. Without it, and without `pattern`, the "
                    "whole text is the value."},
        {"pattern", .type = &value_text, CHANNEL(pattern), A_TEXT, .example = "\"MemFree: *([0-9]+)\"",
         .meaning = "A POSIX extended regular expression: its first group is the value, or what matches it as a "
                    "whole."},
        {"text", .type = &value_boolean, CHANNEL(text), A_TEXT, .fallback = "false",
         .meaning = "The value is a text and no number."},

        {"attribute", .type = &value_text, CHANNEL(attribute), SYSFS, .example = "\"temp1_input\"",
         .meaning = "The file of the device that has the value; of industrial I/O _input or _raw may be left out."},
        {"label", .type = &value_text, CHANNEL(label), SYSFS, .example = "\"Core 0\"",
         .meaning = "In place of `attribute` what the device's file of labels says."},

        {"register", HEX(0, 0xFFFF), CHANNEL(reg), I2C, .required = true,
         .meaning = "The register that is read; one above 0xFF goes as two bytes, the high one first."},
        {"bytes", NUMBER(1, 8), CHANNEL(bytes), I2C, .fallback = "2",
         .meaning = "How many bytes are read from there on."},
        {"endian", CHOICE(0, WORDS("big", "little")), CHANNEL(little_endian), I2C, .fallback = "\"big\"",
         .meaning = "Which of them comes first, the highest or the lowest."},
        {"signed", .type = &value_boolean, CHANNEL(is_signed), I2C, .fallback = "false",
         .meaning = "The number is in two's complement."},
        {"mask", HEX(0, UINT64_MAX), CHANNEL(mask), I2C,
         .meaning = "Which bits count. Without it all do."},
        {"shift", NUMBER(0, 63), CHANNEL(shift), I2C, .fallback = "0",
         .meaning = "By how many bits what the mask leaves is shifted to the right."},
        END,
};

static const SettingsMap channel_map = {
        .element_size = sizeof(ChannelSettings),
        .noun = "a channel",
        .is_name = channel_name_is_valid,
        .max = READING_CHANNELS_MAX,
};

static const SettingsRow report_rows[] = {
        {"property", .type = &value_name, AT(ReportSettings, property), .required = true,
         .example = "\"maxTempSinceLastReboot\"",
         .meaning = "The property's name in the model."},
        {"of", .type = &value_name, AT(ReportSettings, of), .required = true, .example = "\"temperature\"",
         .meaning = "The sensor's channel."},
        {"value", CHOICE(REPORT_MAX, WORDS("max", "min", "mean", "last")), AT(ReportSettings, value), .required = true,
         .meaning = "Of the channel, `max` and `min` since the daemon began, told when they change; the `mean` of its "
                    "last ten readings, or the `last` one, once a minute."},
        END,
};

static const SettingsMap report_map = {
        .element_size = sizeof(ReportSettings),
        .noun = "a report",
        .max = 64,
        .list = true,
};

static const SettingsRow option_rows[] = {
        {"*", .type = &value_text, AT(Property, value), .example = "\"6.144\"",
         .meaning = "One of the choices that the chip's description has for it: hublink-chips(5) lists them. Without "
                    "it the sensor has the usual one."},
        END,
};

static const SettingsMap option_map = {
        .element_size = sizeof(Property),
        .noun = "an option",
        .is_name = name_is_valid,
        .max = CHIP_OPTIONS_MAX,
        .loose = true,
};

static const SettingsRow mux_rows[] = {
        {"chip", .type = &value_name, SENSOR(mux.chip), .example = "\"" SENSOR_MUX "\"",
         .meaning = "Its description. Without it that is `" SENSOR_MUX "`."},
        {"address", HEX(CHIP_ADDRESS_MIN, CHIP_ADDRESS_MAX), SENSOR(mux.address),
         .meaning = "Where it is on the bus. It has to be said."},
        {"channel", NUMBER(0, CHIP_BYTES_MAX - 1), SENSOR(mux.channel),
         .meaning = "Which of its channels the chip is behind. Without it the first, 0."},
        END,
};

const SettingsRow settings_sensor_rows[] = {
        {"driver", WORD(settings_drivers), SENSOR(driver), .required = true,
         .meaning = "How it is read. What else can be said about it depends on this: FILES, DEVICES AND PROGRAMS, "
                    "GROWING FILES and SOCKETS tell more of each."},
        {"stream", .type = &value_name, SENSOR(stream), .example = "\"" STREAM_DEFAULT "\"",
         .meaning = "Where its readings go. Without it that is `" STREAM_DEFAULT "`."},
        {"component", .type = &value_name, SENSOR(component), .example = "\"thermostat1\"",
         .meaning = "Of Plug and Play: its telemetry, reports and commands are those of this component of the model. "
                    "All sensors of a stream have the same. Without it they are the device's own."},
        {"interval", TIME(SENSOR_INTERVAL_MIN, SENSOR_INTERVAL_MAX), SENSOR(interval_usec), .fallback = "\"10s\"",
         .drivers = ASKED | DRIVER_SIMULATED, .from_cloud = true,
         .meaning = "How often it is read: at the whole multiples of this, so that intervals which go into one "
                    "another, such as 10s and 1min, cost one wake-up together."},
        {"timeout", TIME(USEC_PER_MSEC, USEC_PER_MIN), SENSOR(timeout_usec), .fallback = "\"2s\"",
         .drivers = ASKED,
         .meaning = "How long one read may take."},

        {"path", .type = &value_path, SENSOR(path), A_FILE, .example = "\"/proc/loadavg\"",
         .meaning = "The file that is read. It may be left out where each channel has its own."},

        {"path", .type = &value_path, SENSOR(path), .drivers = DRIVER_TAIL | DRIVER_WATCH, .required = true,
         .example = "\"/var/log/meter.log\"",
         .meaning = "The file that is followed. It need not be there yet."},
        {"format", WORD(WORDS("json", "influx")), SENSOR(format), TAIL, .example = "\"json\"",
         .meaning = "What a line is: an object of JSON, or InfluxDB's line protocol. Without it, and without "
                    "`channels`, it is JSON; with `channels` a text."},
        {"from", CHOICE(0, WORDS("start", "end")), SENSOR(from_end), TAIL, .fallback = "\"start\"",
         .meaning = "Where a path is begun that was never read: with `end`, what is there already is left out."},
        {"max_rate", NUMBER(0, 1000000), SENSOR(max_rate), TAIL, .fallback = "2000", .from_cloud = true,
         .meaning = "Lines a second that are read at most; the others wait in the file. 0 is no limit."},
        {"max_line", SIZE(64, 256 * KB), SENSOR(max_line), TAIL, .fallback = "\"8K\"",
         .meaning = "A longer line is refused. Where a channel has a `pattern` it is 8K at most."},
        {"settle", TIME(0, USEC_PER_MIN), SENSOR(settle_usec), .drivers = DRIVER_WATCH, .fallback = "\"200ms\"",
         .meaning = "The file is read once it was left alone for so long."},

        {"command", .type = &value_command, SENSOR(command), .drivers = DRIVER_PROGRAM, .required = true,
         .example = "[ \"/usr/bin/sensors-of-mine\", \"--all\" ]",
         .meaning = "The program whose output is read, and its arguments."},

        {"device", .type = &value_text, SENSOR(device), SYSFS, .required = true, .example = "\"coretemp\"",
         .meaning = "What the device's file `name` says, or its file `label`."},
        {"at", .type = &value_text, SENSOR(at), SYSFS, .example = "\"/1-0048/\"",
         .meaning = "Whole parts of the device's path, as they stand between its slashes; wanted where several have "
                    "the name."},

        {"bus", .type = &value_bus, SENSOR(bus), ANY_I2C, .required = true,
         .meaning = "The I2C bus. An adapter on USB may have another number the next time: let udev make a link, and "
                    "name that."},
        {"address", HEX(CHIP_ADDRESS_MIN, CHIP_ADDRESS_MAX), SENSOR(address), ANY_I2C, .required = true,
         .meaning = "The chip's address, of seven bits."},
        {"chip", .type = &value_name, SENSOR(chip), ANY_I2C, .example = "\"tmp102\"",
         .meaning = "The name of its description: hublink-chips(5). Without it the channels say what its registers "
                    "are."},
        {"options", .rows = option_rows, .map = &option_map, SENSOR(options), .drivers = DRIVER_CHIP,
         .meaning = "What the chip lets one choose, such as a range, a gain or a shunt."},
        {"mux", .rows = mux_rows, ANY_I2C,
         .meaning = "A multiplexer in front of the chip: its channel is opened for each measurement."},

        {"listen", .type = &value_text, SENSOR(listen), SOCKET, .required = true,
         .example = "\"unix-dgram:/run/hublink/in.sock\"",
         .meaning = "Where it listens; SOCKETS lists the kinds."},
        {"format", WORD(WORDS("json", "influx")), SENSOR(format), SOCKET, .fallback = "\"json\"",
         .meaning = "What a line or datagram is: an object of JSON, or InfluxDB's line protocol, as Telegraf writes "
                    "it."},
        {"group", .type = &value_text, SENSOR(group), SOCKET, .example = "\"hublink\"",
         .meaning = "Who may write to a unix socket: the group of its file. Without it that is the daemon's own."},
        {"peer", .type = &value_boolean, SENSOR(peer), SOCKET, .fallback = "false",
         .meaning = "Each reading gets the sender's user and process as channels uid and pid, as the kernel tells "
                    "them. Of unix sockets alone."},
        {"max_rate", NUMBER(0, 1000000), SENSOR(max_rate), SOCKET, .fallback = "2000", .from_cloud = true,
         .meaning = "Readings a second that are taken at most; senders share it, and what is more is refused. 0 is no "
                    "limit."},
        {"max_line", SIZE(64, 256 * KB), SENSOR(max_line), SOCKET, .fallback = "\"8K\"",
         .meaning = "A longer line or datagram is refused."},
        {"max_clients", NUMBER(1, 1024), SENSOR(max_clients), SOCKET, .fallback = "32",
         .meaning = "Connections at a time. When all are taken, the user or address with the most of them makes room."},

        {"model", WORD(WORDS("wind", "thermostat")), SENSOR(model), SIMULATED, .required = true,
         .meaning = "What is simulated: the wind of the IoT Hub tutorials, or a thermostat of Plug and Play."},
        {"seed", NUMBER(0, INT64_MAX), SENSOR(seed), SIMULATED, .fallback = "0",
         .meaning = "One seed gives the same values again; 0 draws one at the start."},

        {"channels", .rows = channel_rows, .map = &channel_map, SENSOR(channels),
         .drivers = ASKED | DRIVER_TAIL | DRIVER_WATCH,
         .meaning = "The values of a reading. A chip without any has all that its description has; what is followed or "
                    "watched is JSON without any; all others need one. Their names are not t, s or q, which stand for "
                    "time, sensor and quality in a message."},
        {"report", .rows = report_rows, .map = &report_map, SENSOR(reports),
         .meaning = "Of Plug and Play: properties of the device twin that follow a channel."},
        END,
};

static void sensor_done(void *element)
{
        sensor_settings_done(element);
}

const SettingsMap settings_sensor_map = {
        .element_size = sizeof(SensorSettings),
        .done = sensor_done,
        .noun = "a sensor",
        .is_name = name_is_valid,
        .max = SENSORS_MAX,
        .by_driver = true,
};

ASSERT_MAP(SensorSettings, channels, n_channels);
ASSERT_MAP(SensorSettings, reports, n_reports);
ASSERT_MAP(SensorSettings, options, n_options);
ASSERT_NAMED(SensorSettings);
ASSERT_NAMED(ChannelSettings);
ASSERT_NAMED(Property);

unsigned settings_driver(const char *name, bool with_chip)
{
        if (with_chip && strcmp(name, "i2c") == 0)
                return DRIVER_CHIP;
        for (unsigned i = 0; settings_drivers[i]; i++)
                if (strcmp(settings_drivers[i], name) == 0)
                        return 1U << i;
        return 0;
}
