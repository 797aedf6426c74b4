/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Survey - what this machine has that could be read, as the settings that would read it
 *
 * Hardware monitors, industrial I/O and thermal zones as sysfs shows them, and the I2C buses with the addresses that
 * drivers of the kernel have. Each value is read once, by the driver that the settings name: what is proposed works.
 * Nothing is asked of a bus, unless it is probed (sensor/probe.h).
 *
 * Names are made of what a device calls itself and, where several do so, of its place: not of the numbers that
 * the kernel gives at each boot. The order is that of names and places, too.
 *
 * Blocks.
 *
 * Owns:   its settings and texts.
 */

#include "sensor/driver.h"
#include "sensor/i2c-holder.h"
#include "sensor/probe.h"

/* Beside a channel of the settings. */
typedef struct SurveyChannel {
        const char *unit; /* NULL: none */
        double value;     /* unless there is an error */
        char *error;      /* why it cannot be read now */
} SurveyChannel;

typedef struct SurveySensor {
        SensorSettings settings;
        SurveyChannel *channels; /* one for each of the settings */
        char *called;  /* what the device calls itself; NULL: nothing that settings can say */
        char *place;   /* of the device, without what only this boot calls it: "platform/coretemp.0" */
        char *path;    /* where it is shown now: "/sys/class/hwmon/hwmon3"; NULL: nowhere */
        Buffer remark; /* lines for who reads the settings */
        char *why_not; /* why they do not work as they are; NULL: they do */
        bool is_beyond; /* they would, were there not so many before them */
} SurveySensor;

/* An address that somebody has, or should have. */
typedef struct SurveyAddress {
        unsigned address;
        bool is_held;     /* by holder; else only declared: no driver has taken it */
        I2cHolder holder;
        char *type; /* what the machine's description says is there; NULL: nothing */
} SurveyAddress;

typedef struct SurveyBus {
        unsigned number;
        char device[24]; /* "/dev/i2c-1" */
        char *name;      /* of the adapter; NULL: it tells none */
        int functions;   /* I2C_CAN_*; negative errno: why it is not known; 0: it was not asked */
        SurveyAddress *addresses;
        size_t n_addresses;
        Probe *probe; /* NULL: it was not probed */
} SurveyBus;

typedef struct Survey {
        char *sysfs; /* "/sys", or another place with a tree like it */
        SurveyBus *buses;
        size_t n_buses;
        SurveySensor *sensors;
        size_t n_sensors;
} Survey;

/* sysfs: NULL is /sys. port: opens each bus once, to ask what its adapter can do; NULL: none is opened. -ENOMEM. */
int survey_new(Survey **ret, const char *sysfs, const I2cPort *port);
Survey *survey_free(Survey *s);
DEFINE_CLEANUP(Survey *, survey_free);

/* Asks every address of a bus, and proposes the chips that are known. 0; negative errno: it cannot be asked. The chips
 * outlive the survey. */
int survey_probe(Survey *s, const I2cPort *port, const char *bus, const NamedChip *chips, size_t n_chips);

/* Last of all: gives the sensors their names. -ENOMEM. */
int survey_name(Survey *s);
