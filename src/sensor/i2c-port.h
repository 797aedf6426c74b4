/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * I2C port - one combined transfer on a bus
 *
 * One of the four seams: a row of functions, called on a bus's own worker thread, where they may block.
 */

#include "base/clock.h"

#define I2C_TRANSFER_MAX 256 /* bytes each way */

/* What an adapter can do. */
enum {
        I2C_CAN_PLAIN = 1 << 0,   /* transfers of any form; else those of SMBus alone */
        I2C_CAN_QUICK = 1 << 1,   /* ask by a write of no bytes, */
        I2C_CAN_RECEIVE = 1 << 2, /* and by a read of one */
};

typedef enum I2cQuestion {
        I2C_QUICK,
        I2C_RECEIVE,
} I2cQuestion;

typedef struct I2cPort I2cPort;
struct I2cPort {
        int (*open)(const I2cPort *port, const char *bus);
        /* Writes, then reads after a repeated start; or one of the two, where the other is of no bytes. Negative errno:
         * -ENXIO nobody acknowledged, -ENODEV the adapter is gone, -EBUSY a driver of the kernel has the address,
         * -EAGAIN the bus itself is busy, -EOPNOTSUPP the adapter speaks SMBus only, which has no call for this, ... */
        int (*transfer)(const I2cPort *port, int fd, unsigned address, const void *write, size_t n_write, void *read,
                        size_t n_read);
        /* At least so long: what a chip needs to convert. */
        void (*wait)(const I2cPort *port, usec_t usec);
        void (*close)(const I2cPort *port, int fd);
        /* Which adapter it is: another number when it was away in between. */
        uint64_t (*adapter)(const I2cPort *port, int fd);
        int (*functions)(const I2cPort *port, int fd); /* I2C_CAN_*; negative errno */
        /* Is anybody there? 0; -EBUSY a driver of the kernel has the address, which is not asked then; -EAGAIN the bus
         * is busy; another negative errno: nobody. */
        int (*ask)(const I2cPort *port, int fd, unsigned address, I2cQuestion question);
};

extern const I2cPort i2c_port_kernel; /* /dev/i2c-N, by I2C_RDWR or, where the adapter has none, by I2C_SMBUS */
