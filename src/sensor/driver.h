/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Driver - one way to get at values
 *
 * A driver is one file and one row of functions. There are two kinds.
 *
 * A driver that is read has read(): one call, one sample with all the channels of the sensor. If it may wait
 * for the outside world it says so (blocks), and read() then runs on a worker's thread with a deadline. When
 * the deadline passes, the thread keeps the device and closes it whenever it comes back; so a device must own
 * all that it touches. The sensor goes on with a new one.
 *
 * A driver that pushes has no read(): open() watches a descriptor on the loop, and readings fall into the
 * PushSink that it was given, as its source likes.
 *
 * Outcomes: 0 is good. SENSOR_E_FAILED is the foretold condition that the outside world did not play along, told
 * in words for the operator: what failed, where, and the remedy. SENSOR_E_NOT_YET is no failure and no reading: the
 * source has nothing new. Negative errno is fatal (-ENOMEM).
 */

#include <systemd/sd-event.h>

#include "base/backoff.h"
#include "base/worker.h"
#include "model/sink.h"
#include "sensor/file-watch.h"
#include "sensor/i2c-bus.h"
#include "sensor/i2c-port.h"
#include "sensor/settings.h"

#define SENSOR_ERROR_MAX     320                /* bytes of an error in words */
#define SENSOR_TIMEOUT_USEC  (2 * USEC_PER_SEC) /* of one read, where the settings say nothing */

enum {
        SENSOR_E_FAILED = 1, /* the source failed; the text tells */
        SENSOR_E_BAD,        /* the settings do not fit; the text tells */
        SENSOR_E_NOT_YET,    /* read() only */
};

/* What one read gave. */
typedef struct Sample {
        Channel channels[READING_CHANNELS_MAX]; /* names and texts borrowed from the device */
        size_t n_channels;
        Refusal refusal;              /* on SENSOR_E_FAILED: how it is to be counted, */
        SensorFault fault;            /* what was wrong, */
        char error[SENSOR_ERROR_MAX]; /* and why */
} Sample;

/* Notes the reason; returns SENSOR_E_FAILED. The fault is another than those that have a name. */
int sample_fail(Sample *sample, Refusal refusal, const char *fmt, ...) _printf_(3, 4);

/* Where a driver that pushes puts things. Everything is called on the loop's thread. */
typedef struct PushSink {
        int (*reading)(void *userdata, const Reading *reading); /* as ReadingSink */
        bool (*ready)(void *userdata);                          /* as ReadingSink */
        /* Something was not to be understood: counted, and kept as the sensor's last error. */
        void (*refused)(void *userdata, Refusal why, const char *error);
        /* Something else was wrong, that cost no reading we know of: counted as an error of the sensor alone. */
        void (*noted)(void *userdata, const char *error);
        /* The source is lost, or there again; the driver goes on by itself. Saying the same twice does no harm. */
        void (*lost)(void *userdata, const char *error);
        void (*found)(void *userdata);
        void *userdata;
} PushSink;

/* What a device may lean on; outlives it, save for event and sink, which end with the sensor. */
typedef struct DriverTools {
        const Clock *clock;
        const Random *random;
        const I2cPort *i2c;
        I2cBuses *buses;   /* NULL: no other device is on a bus */
        const char *sysfs; /* another place than /sys, for tests; NULL: it is that */
        sd_event *event;
        FileWatches *watches;   /* drivers that follow files */
        Worker *worker;         /* drivers that have shares() */
        PositionBook positions; /* its functions are NULL where none are kept */
        PushSink sink; /* drivers that push */
        /* The driver that measures the sensor of that name itself: nobody else is to speak for it. NULL: there is
         * none. */
        const char *(*measured_by)(const void *sensors, const char *name);
        const void *sensors;
} DriverTools;

typedef struct SensorDriver {
        const char *name;
        bool blocks; /* read() may wait: it runs on a worker */
        bool names_others; /* without channels in the settings: a reading may name the sensor that it is of */
        usec_t slack_usec; /* read() keeps the time limit itself, and has so much longer to end */

        /* Do the settings fit? Pure. SENSOR_E_BAD gives an allocated text "member: what is wrong". What counts for
         * all drivers is not asked here (sensor_settings_check). */
        int (*check)(const SensorSettings *settings, char **ret_error);

        /* Makes the device, on the loop's thread, without waiting: a driver that blocks leaves the first touch of
         * the outside to read(). Copies what it needs of the settings. SENSOR_E_FAILED fills error. */
        int (*open)(const SensorSettings *settings, const DriverTools *tools, void **ret_device,
                    char error[static SENSOR_ERROR_MAX]);

        /* Fills the sample. Names and texts stay valid until the next read() or close(). NULL: a driver that
         * pushes. */
        int (*read)(void *device, Sample *sample);

        /* On the loop's thread, while read() is under way: nobody waits for it any more, it may end. May be NULL. */
        void (*interrupt)(void *device);

        /* On the loop's thread, or at the end of a thread that was given up. Takes NULL. */
        void (*close)(void *device);

        /* On the loop's thread, while read() may still be on its own: nobody waits for it any more, and somebody else
         * has what they share. NULL: it does not matter. */
        void (*abandon)(void *device);

        /* Sensors whose word is the same share one worker, one at a time, since they share what may hang. Given by
         * drivers that block, and by those that push and have work of their own for it. */
        const char *(*shares)(const SensorSettings *settings);

        /* The unit of a channel, NULL for none. A driver without this function takes it from the settings. */
        const char *(*unit)(const SensorSettings *settings, const char *channel);

        /* That of the i-th channel of the settings where these cannot tell and the device's last good read could: of
         * it, for ever. NULL for none. May be NULL. */
        const char *(*found_unit)(void *device, size_t i);

        /* The one channel of a device whose settings name none, though it is known beforehand. NULL: there is none
         * such. May be NULL. */
        const char *(*channel)(const SensorSettings *settings);

        /* On the loop's thread, while read() is not under way: somebody asked for a reload, and the settings are as
         * they were. What is looked at seldom is to be looked at soon. May be NULL. */
        void (*remind)(void *device);

        /* Drivers that push: as a Ticker. May be NULL. */
        usec_t (*deadline)(void *device);
        void (*tick)(void *device, usec_t now);
} SensorDriver;

extern const SensorDriver driver_file, driver_hwmon, driver_i2c, driver_iio, driver_program, driver_simulated,
        driver_socket, driver_tail, driver_watch;

const SensorDriver *sensor_driver_find(const char *name); /* NULL: there is none */
const char *sensor_driver_names(void);                    /* "file, i2c, ...", for errors */

/* Everything that can be said without touching the outside world. 0, or SENSOR_E_BAD and an allocated text
 * "member: what is wrong and what would be right", where member is "interval" or "channels.one.field"; -ENOMEM. */
int sensor_settings_check(const SensorSettings *settings, char **ret_error);

/* The one channel that is known without settings of channels, NULL: there is none, or more are. */
const char *sensor_settings_channel(const SensorSettings *settings);

/* May its readings be of sensors that no settings know? */
bool sensor_settings_name_others(const SensorSettings *settings);

/* For check(): makes the text; returns SENSOR_E_BAD. */
int settings_bad(char **ret_error, const char *fmt, ...) _printf_(2, 3);
