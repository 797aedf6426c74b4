/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Driver "i2c" - registers of a chip on an I2C bus
 *
 * Each channel is one register, read by one combined transfer: write the register's number, read its bytes after
 * a repeated start, so that nobody gets in between. Channels that stand on the same register in a row share one
 * transfer, and so one instant.
 *
 * A stuck bus holds up whoever touches it, for seconds or for ever: all sensors of a bus share one worker. The
 * bus is opened at the first read and, after a failure, at the next one again: an adapter may be plugged out and in.
 */

#include "sensor/driver.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sensor/i2c-register.h"

/* 0x00-0x02 and 0x78-0x7F have their meaning on the bus itself. */
#define ADDRESS_MIN  0x03
#define ADDRESS_MAX  0x77
#define REGISTER_MAX 0xffff

typedef struct Chip {
        SensorSettings settings;
        const I2cPort *port;
        int fd; /* -1: to be opened */
} Chip;

/* ---- settings ---- */

static int check_register(const ChannelSettings *c, char **ret_error)
{
        unsigned bits = 8 * c->bytes;

        if (c->field > 0 || c->pattern || c->text)
                return settings_bad(ret_error, "channels.%s: field, pattern and text belong to driver file", c->name);
        if (c->reg > REGISTER_MAX)
                return settings_bad(ret_error, "channels.%s.register: 0 to 0xFFFF, not 0x%X", c->name, c->reg);
        if (c->bytes < 1 || c->bytes > I2C_BYTES_MAX)
                return settings_bad(ret_error, "channels.%s.bytes: 1 to %d, not %u", c->name, I2C_BYTES_MAX, c->bytes);
        if (c->shift >= bits)
                return settings_bad(ret_error, "channels.%s.shift: %u leaves nothing of %u bits", c->name, c->shift,
                                    bits);
        if (bits < 64 && c->mask >> bits != 0)
                return settings_bad(ret_error, "channels.%s.mask: 0x%llX has more than the %u bits that are read",
                                    c->name, (unsigned long long)c->mask, bits);
        if (c->mask != 0 && c->mask >> c->shift == 0)
                return settings_bad(ret_error, "channels.%s.mask: the shift by %u leaves nothing of it", c->name,
                                    c->shift);
        return 0;
}

static int i2c_check(const SensorSettings *s, char **ret_error)
{
        int r = 0;

        if (!s->bus)
                return settings_bad(ret_error, "bus: is missing; such as 1 or \"/dev/i2c-1\"");
        if (s->bus[0] != '/')
                return settings_bad(ret_error, "bus: \"%s\" is no device; such as 1 or \"/dev/i2c-1\"", s->bus);
        if (s->address < ADDRESS_MIN || s->address > ADDRESS_MAX)
                return settings_bad(ret_error, "address: 0x%02X to 0x%02X, not 0x%02X (a data sheet may count the "
                                    "read bit in: then it is half of that)", ADDRESS_MIN, ADDRESS_MAX, s->address);
        if (s->n_channels == 0)
                return settings_bad(ret_error, "channels: at least one, such as channels: { temperature: "
                                    "{ register = 0; }; }");
        for (size_t i = 0; i < s->n_channels && r == 0; i++)
                r = check_register(&s->channels[i], ret_error);
        return r;
}

/* ---- errors ---- */

static int fail_bus(const Chip *c, Sample *sample, int error)
{
        const char *bus = c->settings.bus;

        switch (error) {
        case ENOENT:
        case ENODEV:
        case ENXIO:
                return sample_fail(sample, REFUSAL_UNREADABLE, "there is no bus %s: is I2C switched on, and the module "
                                   "i2c-dev loaded? `i2cdetect -l` lists what there is", bus);
        case EACCES:
        case EPERM:
                return sample_fail(sample, REFUSAL_UNREADABLE, "%s may not be opened by this service: its user has to "
                                   "be in group i2c", bus);
        default:
                return sample_fail(sample, REFUSAL_UNREADABLE, "cannot open %s: %s", bus, strerrordesc_np(error));
        }
}

static int fail_transfer(const Chip *c, const ChannelSettings *channel, Sample *sample, int error)
{
        const char *bus = c->settings.bus;
        unsigned address = c->settings.address;

        switch (error) {
        case ENXIO:
        case EREMOTEIO:
                return sample_fail(sample, REFUSAL_UNREADABLE, "no chip answers at 0x%02x on %s: check wiring, power "
                                   "and address (`i2cdetect -y` shows who is there)", address, bus);
        case EBUSY:
                return sample_fail(sample, REFUSAL_UNREADABLE, "0x%02x on %s belongs to a driver of the kernel: read "
                                   "its files under /sys/class/hwmon or /sys/bus/iio by driver file, or unbind it",
                                   address, bus);
        case EOPNOTSUPP:
        case ENOTTY:
                return sample_fail(sample, REFUSAL_UNREADABLE, "the adapter of %s does no plain I2C transfers: chips "
                                   "on it cannot be read", bus);
        case ENODEV:
                return sample_fail(sample, REFUSAL_UNREADABLE, "bus %s is gone: was the adapter unplugged?", bus);
        case ETIMEDOUT:
        case EAGAIN:
                return sample_fail(sample, REFUSAL_UNREADABLE, "bus %s is stuck or busy (%s at 0x%02x): a chip may "
                                   "hold a line low", bus, strerrordesc_np(error), address);
        default:
                return sample_fail(sample, REFUSAL_UNREADABLE, "channel %s: register 0x%02x of 0x%02x on %s: %s",
                                   channel->name, channel->reg, address, bus, strerrordesc_np(error));
        }
}

/* ---- the device ---- */

static void i2c_close(void *device)
{
        Chip *c = device;

        if (!c)
                return;
        if (c->fd >= 0)
                c->port->close(c->port, c->fd);
        sensor_settings_done(&c->settings);
        free(c);
}

static int i2c_open(const SensorSettings *settings, const DriverTools *tools, void **ret_device,
                    char error[static SENSOR_ERROR_MAX])
{
        Chip *c = malloc(sizeof(*c));
        int r;

        if (!c)
                return -ENOMEM;
        *c = (Chip){.port = tools->i2c, .fd = -1};
        r = sensor_settings_copy(settings, &c->settings);
        if (r < 0) {
                free(c);
                return r;
        }
        *ret_device = c;
        return 0;
}

static int read_registers(Chip *c, Sample *sample)
{
        uint8_t bytes[I2C_BYTES_MAX];

        for (size_t i = 0; i < c->settings.n_channels; i++) {
                const ChannelSettings *channel = &c->settings.channels[i], *before = i > 0 ? channel - 1 : NULL;
                double x;

                if (!before || channel->reg != before->reg || channel->bytes != before->bytes) {
                        uint8_t reg[2];
                        size_t n = i2c_register_address(channel->reg, reg);
                        int r = c->port->transfer(c->port, c->fd, c->settings.address, reg, n, bytes, channel->bytes);

                        if (r < 0)
                                return fail_transfer(c, channel, sample, -r);
                }
                x = i2c_register_value(channel, bytes);
                if (!isfinite(x))
                        return sample_fail(sample, REFUSAL_RANGE, "channel %s: scaled beyond what a number can hold",
                                           channel->name);
                sample->channels[i] = (Channel){channel->name, {.kind = VALUE_NUMBER, .number = x}};
        }
        sample->n_channels = c->settings.n_channels;
        return 0;
}

static int i2c_read(void *device, Sample *sample)
{
        Chip *c = device;
        int r;

        if (c->fd < 0) {
                r = c->port->open(c->port, c->settings.bus);
                if (r < 0)
                        return fail_bus(c, sample, -r);
                c->fd = r;
        }
        r = read_registers(c, sample);
        if (r != 0) {
                c->port->close(c->port, c->fd);
                c->fd = -1;
        }
        return r;
}

static const char *i2c_shares(const SensorSettings *settings)
{
        return settings->bus;
}

const SensorDriver driver_i2c = {
        .name = "i2c",
        .blocks = true,
        .check = i2c_check,
        .open = i2c_open,
        .read = i2c_read,
        .close = i2c_close,
        .shares = i2c_shares,
};
