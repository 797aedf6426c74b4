/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * I2C holder - the driver of the kernel that has an address, and where it shows what it reads
 *
 * Such an address is not ours: two who talk to one chip get each other's bytes. But what the driver reads can mostly be
 * had from its files, and sysfs tells which these are.
 *
 * Reading may block: for worker threads.
 */

#include <stdbool.h>

typedef struct I2cHolder {
        char driver[32];  /* "lm75" */
        char place[16];   /* "1-0048": bus and address, as sysfs calls it; not of this boot alone */
        char folder[96];  /* of the device */
        char shown[160];  /* its hwmon or IIO folder; "": it has neither */
        const char *kind; /* "hwmon" or "iio": which driver of ours reads it there */
        char name[32];    /* what its file `name` says */
} I2cHolder;

/* sysfs: NULL is /sys. bus: the device file, or a link to it. false: no driver is known to have the address. */
bool i2c_holder_find(I2cHolder *ret, const char *sysfs, const char *bus, unsigned address);
