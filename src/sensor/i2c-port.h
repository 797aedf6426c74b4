/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * I2C port - one combined transfer on a bus
 *
 * One of the four seams: a row of functions, called on a bus's own worker thread, where they may block.
 */

#include "base/macro.h"

typedef struct I2cPort I2cPort;
struct I2cPort {
        int (*open)(const I2cPort *port, const char *bus);
        /* Writes, then reads after a repeated start. Negative errno: -ENXIO nobody acknowledged, -EOPNOTSUPP the
         * adapter knows no plain I2C, ... */
        int (*transfer)(const I2cPort *port, int fd, unsigned address, const void *write, size_t n_write, void *read,
                        size_t n_read);
        void (*close)(const I2cPort *port, int fd);
};

extern const I2cPort i2c_port_kernel; /* /dev/i2c-N by I2C_RDWR */
