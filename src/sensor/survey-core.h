/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the parts of the survey share
 *
 * survey.c          the whole, and looking at one value
 * survey-class.c    the devices of a class in sysfs, and what tells them apart
 * survey-names.c    names of sensors and channels
 * survey-inputs.c   the values that a device has, and their labels
 * survey-hwmon.c    hardware monitors
 * survey-iio.c      industrial I/O
 * survey-thermal.c  thermal zones
 * survey-i2c.c      buses, and who has their addresses
 */

#include "sensor/survey.h"

#define SURVEY_INTERVAL (10 * USEC_PER_SEC)

/* ---- devices of a class ---- */

typedef struct ClassDevice {
        char *entry;  /* "hwmon3" */
        char *folder; /* in the tree that is looked at */
        char *real;   /* the same without links; "" when it leads nowhere */
        char *name;   /* what it calls itself; NULL: nothing, or nothing that settings can say */
        char *also;   /* another word that it answers to; NULL: none */
        bool by_label; /* name is that of whoever built the board, and also its driver's */
} ClassDevice;

typedef struct ClassDevices {
        const char *class; /* "class/hwmon" */
        ClassDevice *items; /* by name, then by place */
        size_t n;
} ClassDevices;

/* Those whose entry begins so, and whose name stands in this file; or in that of labels, NULL for none, where no other
 * device of the class is called so. No such class: none. -ENOMEM. */
int class_devices_list(ClassDevices *ret, const char *sysfs, const char *class, const char *prefix,
                       const char *name_file, const char *label_file);
void class_devices_done(ClassDevices *d);

/* Among those of the same name: a part of its path that is in no other's. NULL in *ret: it needs none. False: nothing
 * tells it apart. *ret_is_counted: only a number of this boot does. -ENOMEM. */
int class_device_at(const ClassDevices *d, size_t i, char **ret, bool *ret_is_told_apart, bool *ret_is_counted);

/* The first line of a file; NULL in *ret: it cannot be read, is empty, or is no text in UTF-8. -ENOMEM. */
int class_device_line(const char *folder, const char *file, char **ret);
/* The names of the files in it, sorted as somebody counts. */
int class_device_files(const char *folder, char ***ret, size_t *ret_n);
void class_device_files_free(char **files, size_t n);

/* ---- what is proposed ---- */

/* One more, empty but for its driver and interval; valid until the next one. called: NULL for nothing. */
int survey_add(Survey *s, const char *driver, const char *called, SurveySensor **ret);
/* The same, of a device of a class, with where it is; */
int survey_add_device(Survey *s, const char *driver, const ClassDevices *d, size_t i, SurveySensor **ret);
/* and with the settings by which hwmon and iio find it. */
int survey_add_sysfs(Survey *s, const char *driver, const ClassDevices *d, size_t i, SurveySensor **ret);
/* The first reason stays. */
int survey_say_why_not(SurveySensor *sensor, const char *fmt, ...) _printf_(2, 3);
/* One more channel; at most READING_CHANNELS_MAX. Attribute and label: one of them, or none. */
int survey_add_channel(SurveySensor *sensor, const char *name, const char *attribute, const char *label);
/* Reads its channels one by one; folder: where the device is, for drivers that else look for it. */
int survey_look(const Survey *s, SurveySensor *sensor, const char *folder);

/* ---- values of a device ---- */

typedef struct SurveyInput {
        char *base;      /* "temp2" of temp2_input */
        char *attribute; /* what a setting says in place of a label */
        bool by_label;   /* hublinkd finds this one by it */
} SurveyInput;

typedef struct SurveyInputs {
        SurveyInput *items;
        size_t n;
} SurveyInputs;

typedef struct SurveyDevice {
        const char *driver;
        const ClassDevices *devices;
        size_t i;      /* which of them */
        size_t prefix; /* characters that all bases begin with, and that say nothing: of in_ */
} SurveyDevice;

void survey_inputs_done(SurveyInputs *inputs);
bool survey_inputs_has(const SurveyInputs *inputs, const char *base, size_t length);
int survey_inputs_add(SurveyInputs *inputs, const char *base, size_t length, const char *attribute, bool by_label);
/* One sensor; a reading has so many channels, and more make several. By its label goes what has one that no other file
 * of the device has. -ENOMEM. */
int survey_inputs_propose(Survey *s, const SurveyDevice *device, const SurveyInputs *inputs, char *const *files,
                          size_t n);

/* ---- names ---- */

/* Letters and digits of a text, small, the rest as _; where that gives none, those of the other one. */
void survey_word(const char *text, const char *otherwise, Name ret);
void survey_name_channels(SensorSettings *settings);

/* ---- the parts: 0 or -ENOMEM ---- */

int survey_hwmon(Survey *s);
int survey_iio(Survey *s);
int survey_thermal(Survey *s);
int survey_i2c(Survey *s, const I2cPort *port);
