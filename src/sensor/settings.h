/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Sensor settings - one sensor as it is configured
 *
 * Plain data, filled by daemon/settings and never changed afterwards. Which members count depends on the
 * driver; its check() refuses what does not fit (driver.h).
 *
 * Owns:   its texts.
 */

#include "base/clock.h"
#include "model/name.h"

#define SENSOR_INTERVAL_MIN (10 * USEC_PER_MSEC)
#define SENSOR_INTERVAL_MAX USEC_PER_DAY

typedef struct ChannelSettings {
        Name name;
        char *unit;    /* UCUM, such as "Cel"; NULL: none */
        double scale;  /* scale first, then offset; 1 */
        double offset; /* 0 */

        /* file: which part of the text; at most one of the two. Neither: the whole text, trimmed */
        unsigned field; /* blank-separated, counted from 1; 0: not used */
        char *pattern;  /* POSIX extended regular expression; group 1, or the whole match; NULL: not used */
        bool text;      /* the value is a text, not a number */

        /* i2c */
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
        Name component; /* of Plug and Play; "": the device itself. How it is read does not depend on it, nor on the reports */
        ReportSettings *reports;
        size_t n_reports;
        usec_t interval_usec;
        usec_t timeout_usec; /* of one read */

        ChannelSettings *channels;
        size_t n_channels;

        char *path; /* file */

        char *bus; /* i2c: "/dev/i2c-1" */
        unsigned address;

        char *listen; /* socket: "unix-dgram:/path" or "unix-stream:/path" */
        char *format; /* socket: "json" */
        char *group;  /* socket: group of the socket's file; NULL: the daemon's */
        unsigned max_rate;    /* readings a second; 0: no limit */
        uint64_t max_line;    /* bytes */
        unsigned max_clients; /* of a stream socket */

        char *model;   /* simulated: "wind" or "thermostat" */
        uint64_t seed; /* simulated; 0: drawn at start */
} SensorSettings;

int sensor_settings_copy(const SensorSettings *s, SensorSettings *ret); /* -ENOMEM */
void sensor_settings_done(SensorSettings *s);
bool sensor_settings_equal(const SensorSettings *a, const SensorSettings *b);
