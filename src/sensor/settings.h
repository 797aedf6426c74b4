/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Sensor settings - one sensor as it is configured
 *
 * Plain data, filled by daemon/settings and never changed afterwards. Which members count depends on the
 * driver; its check() refuses what does not fit (driver.h).
 *
 * Owns:   its texts; a hold on its descriptions.
 */

#include "base/clock.h"
#include "model/name.h"
#include "sensor/chip.h"

#define SENSOR_INTERVAL_MIN (10 * USEC_PER_MSEC)
#define SENSOR_INTERVAL_MAX USEC_PER_DAY
#define SENSOR_MUX          "tca9548a"
#define SENSORS_MAX         256 /* of one gateway */

typedef struct ChannelSettings {
        Name name;
        char *unit;    /* UCUM, such as "Cel"; NULL: none */
        double scale;  /* scale first, then offset; 1. Of a chip's channel: upon what its description makes */
        double offset; /* 0 */

        char *path; /* file: another one than the sensor's; NULL: the same */

        /* hwmon, iio: which attribute of the device */
        char *attribute; /* "temp1_input", "in_pressure" */
        char *label;     /* hwmon: the one whose label says so; NULL: attribute does */

        /* file, tail, watch, program: which part of the text; at most one of the two. Neither: the whole text,
         * trimmed */
        unsigned field; /* blank-separated, counted from 1; 0: not used */
        char *pattern;  /* POSIX extended regular expression; group 1, or the whole match; NULL: not used */
        bool text;      /* the value is a text, not a number */

        /* i2c without a chip */
        unsigned reg;   /* register, 0 .. 0xFFFF; above 0xFF it is sent as two bytes, high first */
        unsigned bytes; /* 1 .. 8; 2 */
        bool little_endian;
        bool is_signed;
        uint64_t mask;  /* applied before shift; 0: all bits */
        unsigned shift; /* to the right */
} ChannelSettings;

/* What the device twin is told of a channel; flow/pnp does it. */
typedef enum ReportValue {
        REPORT_MAX, /* since the daemon began, as is the lowest */
        REPORT_MIN,
        REPORT_MEAN, /* of the last readings */
        REPORT_LAST,
        _REPORT_VALUE_MAX,
} ReportValue;

typedef struct ReportSettings {
        Name property;
        Name of; /* channel */
        ReportValue value;
} ReportSettings;

typedef struct SensorSettings {
        Name name;
        char *driver;
        Name stream; /* "" is the default stream */
        Name component; /* of Plug and Play; "": the device itself. How it is read does not depend on it, nor on the
                           reports */
        ReportSettings *reports;
        size_t n_reports;
        usec_t interval_usec;
        usec_t timeout_usec; /* of one read */

        ChannelSettings *channels;
        size_t n_channels;

        char *path; /* file, tail, watch */

        bool from_end; /* tail: what is there at the very first start is not read */

        usec_t settle_usec; /* watch: so long after the last change it is read */

        char *command; /* program: its words, each ended by a newline, but for the last */

        char *device; /* hwmon, iio: what its `name` says, such as "coretemp" */
        char *at;     /* hwmon, iio: a part of the device's path, where several have the name; NULL: there is one */

        char *bus; /* i2c: "/dev/i2c-1" */
        unsigned address;
        Name chip; /* of its description; "": the channels say their registers. With it they are those wanted */
        Property *options; /* what is chosen of it; a copy has none: they are in the description */
        size_t n_options;
        ChipDescription *description; /* of chip; NULL when it could not be had, which was told */
        struct {
                unsigned address; /* 0: there is none */
                unsigned channel;
                Name chip; /* "": SENSOR_MUX */
                ChipDescription *description;
        } mux; /* a multiplexer in front */

        char *listen; /* socket: "unix-dgram:/path", "udp:127.0.0.1:8094", ... (sensor/endpoint.h) */
        char *format; /* socket, tail: "json" or "influx" */
        char *group;  /* socket: group of the socket's file; NULL: the daemon's */
        bool peer;    /* socket: readings tell the sender's user and process */
        unsigned max_rate;    /* readings a second; 0: no limit */
        uint64_t max_line;    /* bytes */
        unsigned max_clients; /* of a socket that has connections */

        char *model;   /* simulated: "wind" or "thermostat" */
        uint64_t seed; /* simulated; 0: drawn at start */
} SensorSettings;

int sensor_settings_copy(const SensorSettings *s, SensorSettings *ret); /* -ENOMEM */
void sensor_settings_done(SensorSettings *s);
bool sensor_settings_equal(const SensorSettings *a, const SensorSettings *b);
