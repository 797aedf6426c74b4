/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/i2c-port.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>

#define NODE_USEC (100 * USEC_PER_MSEC) /* after an adapter its node goes within that */
#define VAIN_USEC USEC_PER_SEC          /* no transfer takes so long, unless somebody waits in vain for its end */

static int kernel_open(const I2cPort *port, const char *bus)
{
        int fd = open(bus, O_RDWR | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

/* With each adapter the kernel makes a new node, and never the same one twice. */
static uint64_t kernel_adapter(const I2cPort *port, int fd)
{
        struct stat st;

        return fstat(fd, &st) < 0 ? 0 : st.st_ino;
}

/* Time that the machine sleeps through counts as well. */
static void kernel_wait(const I2cPort *port, usec_t usec)
{
        struct timespec until;
        usec_t at;

        (void)clock_gettime(CLOCK_BOOTTIME, &until);
        at = (usec_t)until.tv_sec * USEC_PER_SEC + (usec_t)until.tv_nsec / 1000 + usec + 1;
        until = (struct timespec){.tv_sec = (time_t)(at / USEC_PER_SEC), .tv_nsec = (long)(at % USEC_PER_SEC * 1000)};
        while (clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &until, NULL) == EINTR)
                ;
}

/* ---- errors ---- */

static bool has_node(int fd)
{
        struct stat st;

        return fstat(fd, &st) < 0 || st.st_nlink > 0;
}

/* "No such device" is said by an adapter that is gone; but i2c-stub says it of an address at which nobody is, and an
 * adapter that is pulled out amid a transfer just says that it failed. The node of one that is gone goes as well, if a
 * little later; where it does not, opening it again will tell. */
static int vague_error(int fd, int error)
{
        if (has_node(fd))
                kernel_wait(&i2c_port_kernel, NODE_USEC);
        if (!has_node(fd))
                return -ENODEV;
        return error == ENODEV ? -ENXIO : -error;
}

static int transfer_error(int fd, int error)
{
        switch (error) {
        case EBUSY: /* said of a transfer it is the bus; of an address, a driver of the kernel's that has it */
                return -EAGAIN;
        case ENODEV:
        case EIO:
        case EPROTO:
        case ESHUTDOWN:
                return vague_error(fd, error);
        default:
                return -error;
        }
}

/* ---- plain I2C ---- */

static int plain_transfer(int fd, unsigned address, const void *write, size_t n_write, void *read, size_t n_read)
{
        struct i2c_msg messages[2];
        struct i2c_rdwr_ioctl_data transfer = {.msgs = messages};

        if (n_write > 0)
                messages[transfer.nmsgs++] = (struct i2c_msg){.addr = (uint16_t)address, .len = (uint16_t)n_write,
                                                              .buf = (void *)(uintptr_t)write};
        if (n_read > 0)
                messages[transfer.nmsgs++] = (struct i2c_msg){.addr = (uint16_t)address, .flags = I2C_M_RD,
                                                              .len = (uint16_t)n_read, .buf = read};
        return ioctl(fd, I2C_RDWR, &transfer) < 0 ? transfer_error(fd, errno) : 0;
}

/* ---- SMBus ----
 *
 * Its calls are transfers of fixed forms: a command, which is our first byte, and up to 32 bytes of data behind it in
 * one direction. What has another form cannot be said in it. */

static int smbus_call(int fd, uint8_t direction, uint8_t command, uint32_t form, union i2c_smbus_data *data)
{
        struct i2c_smbus_ioctl_data call = {direction, command, form, data};

        return ioctl(fd, I2C_SMBUS, &call) < 0 ? transfer_error(fd, errno) : 0;
}

/* The form for so many bytes of data behind the command; 0: there is none. */
static uint32_t smbus_form(size_t n, unsigned long functions, unsigned long byte, unsigned long word,
                           unsigned long block)
{
        if (n == 1 && (functions & byte))
                return I2C_SMBUS_BYTE_DATA;
        if (n == 2 && (functions & word))
                return I2C_SMBUS_WORD_DATA;
        return n <= I2C_SMBUS_BLOCK_MAX && (functions & block) ? I2C_SMBUS_I2C_BLOCK_DATA : 0;
}

static int smbus_read(int fd, unsigned long functions, uint8_t command, uint8_t *bytes, size_t n)
{
        uint32_t form = smbus_form(n, functions, I2C_FUNC_SMBUS_READ_BYTE_DATA, I2C_FUNC_SMBUS_READ_WORD_DATA,
                                   I2C_FUNC_SMBUS_READ_I2C_BLOCK);
        union i2c_smbus_data data = {};
        int r;

        if (form == 0)
                return -EOPNOTSUPP;
        if (form == I2C_SMBUS_I2C_BLOCK_DATA)
                data.block[0] = (uint8_t)n;
        r = smbus_call(fd, I2C_SMBUS_READ, command, form, &data);
        if (r < 0)
                return r;
        switch (form) {
        case I2C_SMBUS_BYTE_DATA:
                bytes[0] = data.byte;
                return 0;
        case I2C_SMBUS_WORD_DATA: /* the first byte on the wire is the low one */
                bytes[0] = (uint8_t)data.word;
                bytes[1] = (uint8_t)(data.word >> 8);
                return 0;
        default:
                if (data.block[0] != n)
                        return -EIO;
                memcpy(bytes, data.block + 1, n);
                return 0;
        }
}

static int smbus_write(int fd, unsigned long functions, const uint8_t *bytes, size_t n)
{
        uint32_t form = smbus_form(n - 1, functions, I2C_FUNC_SMBUS_WRITE_BYTE_DATA, I2C_FUNC_SMBUS_WRITE_WORD_DATA,
                                   I2C_FUNC_SMBUS_WRITE_I2C_BLOCK);
        union i2c_smbus_data data = {};

        if (n == 1)
                return functions & I2C_FUNC_SMBUS_WRITE_BYTE
                               ? smbus_call(fd, I2C_SMBUS_WRITE, bytes[0], I2C_SMBUS_BYTE, NULL)
                               : -EOPNOTSUPP;
        switch (form) {
        case 0:
                return -EOPNOTSUPP;
        case I2C_SMBUS_BYTE_DATA:
                data.byte = bytes[1];
                break;
        case I2C_SMBUS_WORD_DATA:
                data.word = (uint16_t)(bytes[1] | bytes[2] << 8);
                break;
        default:
                data.block[0] = (uint8_t)(n - 1);
                memcpy(data.block + 1, bytes + 1, n - 1);
        }
        return smbus_call(fd, I2C_SMBUS_WRITE, bytes[0], form, &data);
}

static int smbus_receive(int fd, unsigned long functions, uint8_t *byte)
{
        union i2c_smbus_data data = {};
        int r;

        if (!(functions & I2C_FUNC_SMBUS_READ_BYTE))
                return -EOPNOTSUPP;
        r = smbus_call(fd, I2C_SMBUS_READ, 0, I2C_SMBUS_BYTE, &data);
        *byte = data.byte;
        return r;
}

static int smbus_transfer(int fd, unsigned long functions, const uint8_t *write, size_t n_write, uint8_t *read,
                          size_t n_read)
{
        if (n_read == 0)
                return smbus_write(fd, functions, write, n_write);
        if (n_write == 1)
                return smbus_read(fd, functions, write[0], read, n_read);
        return n_write == 0 && n_read == 1 ? smbus_receive(fd, functions, read) : -EOPNOTSUPP;
}

/* ---- either ---- */

static int kernel_transfer(const I2cPort *port, int fd, unsigned address, const void *write, size_t n_write,
                           void *read, size_t n_read)
{
        unsigned long functions = 0;
        usec_t begun = clock_boot(&clock_system);
        int r;

        if (n_write > I2C_TRANSFER_MAX || n_read > I2C_TRANSFER_MAX || n_write + n_read == 0)
                return -EINVAL;
        /* I2C_RDWR would go right between a kernel driver and its chip. This asks whether the address is taken. */
        if (ioctl(fd, I2C_SLAVE, (unsigned long)address) < 0)
                return -errno;
        r = plain_transfer(fd, address, write, n_write, read, n_read);
        /* Only now: to ask what it can costs an adapter of USB another transfer. */
        if (r == -EOPNOTSUPP && ioctl(fd, I2C_FUNCS, &functions) == 0 && !(functions & I2C_FUNC_I2C))
                r = smbus_transfer(fd, functions, write, n_write, read, n_read);
        /* Adapters of USB have no other word for it. */
        return r == -EIO && usec_sub(clock_boot(&clock_system), begun) >= VAIN_USEC ? -ETIMEDOUT : r;
}

static void kernel_close(const I2cPort *port, int fd)
{
        safe_close(fd);
}

static int kernel_functions(const I2cPort *port, int fd)
{
        unsigned long functions = 0;

        if (ioctl(fd, I2C_FUNCS, &functions) < 0)
                return -errno;
        return (functions & I2C_FUNC_I2C ? I2C_CAN_PLAIN : 0) | (functions & I2C_FUNC_SMBUS_QUICK ? I2C_CAN_QUICK : 0) |
               (functions & I2C_FUNC_SMBUS_READ_BYTE ? I2C_CAN_RECEIVE : 0);
}

static int kernel_ask(const I2cPort *port, int fd, unsigned address, I2cQuestion question)
{
        union i2c_smbus_data data = {};
        struct i2c_smbus_ioctl_data quick = {I2C_SMBUS_WRITE, 0, I2C_SMBUS_QUICK, NULL},
                                    receive = {I2C_SMBUS_READ, 0, I2C_SMBUS_BYTE, &data};

        if (ioctl(fd, I2C_SLAVE, (unsigned long)address) < 0)
                return -errno;
        if (ioctl(fd, I2C_SMBUS, question == I2C_QUICK ? &quick : &receive) < 0)
                return errno == EBUSY ? -EAGAIN : -errno;
        return 0;
}

const I2cPort i2c_port_kernel = {
        .open = kernel_open,
        .transfer = kernel_transfer,
        .wait = kernel_wait,
        .close = kernel_close,
        .adapter = kernel_adapter,
        .functions = kernel_functions,
        .ask = kernel_ask,
};
