/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/i2c-port.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <sys/ioctl.h>

#define TRANSFER_MAX 256

static int kernel_open(const I2cPort *port, const char *bus)
{
        int fd = open(bus, O_RDWR | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

static int kernel_transfer(const I2cPort *port, int fd, unsigned address, const void *write, size_t n_write,
                           void *read, size_t n_read)
{
        struct i2c_msg messages[2] = {
                {.addr = (uint16_t)address, .len = (uint16_t)n_write, .buf = (void *)(uintptr_t)write},
                {.addr = (uint16_t)address, .flags = I2C_M_RD, .len = (uint16_t)n_read, .buf = read},
        };
        struct i2c_rdwr_ioctl_data transfer = {.msgs = messages, .nmsgs = ARRAY_SIZE(messages)};

        if (n_write > TRANSFER_MAX || n_read > TRANSFER_MAX)
                return -EINVAL;
        /* I2C_RDWR would go right between a kernel driver and its chip. This asks whether the address is taken. */
        if (ioctl(fd, I2C_SLAVE, (unsigned long)address) < 0)
                return -errno;
        return ioctl(fd, I2C_RDWR, &transfer) < 0 ? -errno : 0;
}

static void kernel_close(const I2cPort *port, int fd)
{
        safe_close(fd);
}

const I2cPort i2c_port_kernel = {kernel_open, kernel_transfer, kernel_close};
