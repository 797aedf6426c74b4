/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Sysfs - devices that the kernel's drivers show as files, found by what they are called
 *
 * hwmon3 and iio:device1 are numbers of the moment: of this boot, and until a driver is loaded again. What stays is
 * the name that the driver gives (the file `name`) or the board (the file `label`), and, where several have it, the
 * place on its bus that the device's path tells.
 *
 * Reading may block: for worker threads.
 */

#include "sensor/driver.h"

/* A device and what was found of it. */
typedef struct SysfsDevice {
        SensorSettings settings;
        char *class;  /* the folder of all devices of the kind */
        char *folder; /* of this one, where it really is; NULL: it is to be looked for */
        const char *units[READING_CHANNELS_MAX]; /* of its channels, as the last read found them; NULL: none */
        Buffer text;
} SysfsDevice;

/* class: below the root, such as "class/hwmon". */
int sysfs_open(const SensorSettings *settings, const DriverTools *tools, const char *class, SysfsDevice **ret);
void sysfs_close(void *device);

/* As SensorDriver.check(), but for the channels. */
int sysfs_check(const SensorSettings *s, char **ret_error);

/* Fills folder, unless it is known. 0, SENSOR_E_FAILED with the words in sample, -ENOMEM. */
int sysfs_find(SysfsDevice *d, Sample *sample);
/* It is there: who looks at all devices has found it already. -ENOMEM. */
int sysfs_place(void *device, const char *folder);
/* It is to be looked for again: what fails may have come back under another number. */
void sysfs_forget(SysfsDevice *d);

/* SensorDriver.read(): finds the device, and reads each channel with this. What is given is that device's, also where
 * numbers changed meanwhile. */
typedef int (*SysfsChannelFn)(SysfsDevice *d, const ChannelSettings *c, Value *ret, Sample *sample);
int sysfs_read(SysfsDevice *d, SysfsChannelFn read_channel, Sample *sample);
const char *sysfs_found_unit(void *device, size_t i); /* SensorDriver.found_unit() */
/* SensorDriver.shares(): whoever reads a device waits for the others that do. */
const char *sysfs_shares(const SensorSettings *settings);

bool sysfs_has(const SysfsDevice *d, const char *attribute);
/* The whole of an attribute, trimmed; valid until the next one. */
int sysfs_text(SysfsDevice *d, const char *attribute, const char **ret, Sample *sample);
int sysfs_number(SysfsDevice *d, const char *attribute, double *ret, Sample *sample);

/* The attribute that is labelled so: what stands before _label, with this end. */
int sysfs_find_label(SysfsDevice *d, const char *label, const char *end, char **ret, Sample *sample);

/* As a value: x counts parts, of which so many are a whole; then what the channel's settings say. */
int sysfs_value(const ChannelSettings *c, const char *attribute, double x, double parts, Value *ret, Sample *sample);
