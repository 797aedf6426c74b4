/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/chip-words.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sensor/sandbox.h"

/* ---- what it was about ---- */

/* "0xF7", "0x1FE": bytes as one number, the first ones of many. */
static void print_bytes(const ChipBytes *b, char *text, size_t size)
{
        size_t n = (size_t)snprintf(text, size, "0x");

        for (unsigned i = 0; i < MIN(b->n, 4U); i++)
                n += (size_t)snprintf(text + n, size - n, "%02x", b->bytes[i]);
        if (b->n > 4)
                (void)snprintf(text + n, size - n, "...");
}

void chip_words_read(const ChipDescription *chip, const ChipStep *s, char what[static CHIP_WORDS_MAX])
{
        char reg[24];

        print_bytes(&s->reg, reg, sizeof(reg));
        (void)snprintf(what, CHIP_WORDS_MAX, s->reg.n > 0 ? "%s %s: register %s" : "%s %s: read",
                       chip->title ? "block" : "channel", s->read, reg);
}

void chip_words_write(const ChipBytes *bytes, char what[static CHIP_WORDS_MAX])
{
        char text[24];

        print_bytes(bytes, text, sizeof(text));
        (void)snprintf(what, CHIP_WORDS_MAX, "write %s", text);
}

/* ---- what went wrong ---- */

static int _printf_(3, 4) fail(Sample *sample, SensorFault fault, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(sample->error, sizeof(sample->error), fmt, ap);
        va_end(ap);
        sample->refusal = REFUSAL_UNREADABLE;
        sample->fault = fault;
        return SENSOR_E_FAILED;
}

static int fail_gone(Sample *sample, const char *where)
{
        return fail(sample, SENSOR_FAULT_UNPLUGGED, "%s is gone: its adapter was unplugged or reset", where);
}

int chip_fail_bus(Sample *sample, const char *bus, bool was_there, int error)
{
        switch (error) {
        case ENOENT:
        case ENODEV:
        case ENXIO:
                if (was_there)
                        return fail_gone(sample, bus);
                if (sandbox_remedy(NULL, bus, error))
                        return fail(sample, SENSOR_FAULT_OTHER, "there is no bus %s for this service, although the "
                                                                "kernel "
                                    "has it: hublinkctl setup --enable i2c", bus);
                return fail(sample, SENSOR_FAULT_UNPLUGGED, "there is no bus %s: is I2C switched on, and the module "
                            "i2c-dev loaded? `i2cdetect -l` lists what there is", bus);
        case EACCES:
        case EPERM:
                return fail(sample, SENSOR_FAULT_OTHER, "%s may not be opened by this service: hublinkctl setup "
                            "--enable i2c makes it one of group i2c", bus);
        default:
                return fail(sample, SENSOR_FAULT_OTHER, "cannot open %s: %s", bus, strerrordesc_np(error));
        }
}

int chip_fail_transfer(Sample *sample, const char *where, unsigned address, const char *what, int error)
{
        switch (error) {
        case ENXIO:
        case EREMOTEIO:
                return fail(sample, SENSOR_FAULT_NAK, "no chip answers at 0x%02x on %s: check wiring, power "
                            "and address (`i2cdetect -y` shows who is there)", address, where);
        case EBUSY:
                return fail(sample, SENSOR_FAULT_DRIVER_HELD, "0x%02x on %s belongs to a driver of the kernel: read "
                            "what that one shows by driver hwmon or iio, or unbind it", address, where);
        case EOPNOTSUPP:
        case ENOTTY:
                return fail(sample, SENSOR_FAULT_OTHER, "the adapter of %s does no plain I2C transfers, only "
                            "SMBus, which has no call for this (%s of 0x%02x): the chip needs another adapter",
                            where, what, address);
        case ENODEV:
                return fail_gone(sample, where);
        case EBADMSG: /* the kernel checked it */
                return chip_fail_checksum(sample, where, address, what);
        case ETIMEDOUT:
        case EAGAIN:
                return fail(sample, SENSOR_FAULT_TIMEOUT, "%s is stuck or busy (%s at 0x%02x): a chip may hold a "
                            "line low", where, strerrordesc_np(error), address);
        default:
                return fail(sample, SENSOR_FAULT_OTHER, "%s of 0x%02x on %s: %s", what, address, where,
                            strerrordesc_np(error));
        }
}

int chip_fail_refused(Sample *sample, const char *where, unsigned address, const ChipDescription *chip,
                      const char *what)
{
        return fail(sample, SENSOR_FAULT_NAK, "a chip answers at 0x%02x on %s, but not to what %s is asked (%s): is it "
                    "another chip? One that is busy or disturbed may do so too", address, where,
                    chip->title ?: "this channel", what);
}

int chip_fail_held(Sample *sample, const char *where, unsigned address, const I2cHolder *h)
{
        if (!*h->shown)
                return fail(sample, SENSOR_FAULT_DRIVER_HELD, "0x%02x on %s belongs to driver %s of the kernel (%s), "
                                                              "which "
                            "shows it neither by hwmon nor by IIO: leave the chip to it, or unbind it", address, where,
                            h->driver, h->folder);
        return fail(sample, SENSOR_FAULT_DRIVER_HELD, "0x%02x on %s belongs to driver %s of the kernel, which shows it "
                                                      "in "
                    "%s: read it there, by  driver = \"%s\"; device = \"%s\"; at = \"/%s/\";  or unbind it", address,
                    where, h->driver, h->shown, h->kind, h->name, h->place);
}

int chip_fail_mux(Sample *sample, const char *bus, unsigned address, int error)
{
        if (error == ENXIO || error == EREMOTEIO)
                return fail(sample, SENSOR_FAULT_NAK, "no multiplexer answers at 0x%02x on %s: check its wiring, "
                            "power, reset line and address", address, bus);
        return chip_fail_transfer(sample, bus, address, "the multiplexer's channel", error);
}

int chip_fail_checksum(Sample *sample, const char *where, unsigned address, const char *what)
{
        return fail(sample, SENSOR_FAULT_CRC, "%s of 0x%02x on %s: its checksum is wrong: the line may be too "
                           "long, too fast or disturbed, or it is another chip", what, address, where);
}

int chip_fail_identity(Sample *sample, const char *where, unsigned address, const ChipDescription *chip, uint64_t found)
{
        char reg[24];

        print_bytes(&chip->identity.reg, reg, sizeof(reg));
        return fail(sample, SENSOR_FAULT_OTHER,
                    "0x%02x on %s is no %s: its register %s holds 0x%llX, not 0x%llX; "
                    "look for the chip's other address, or name the right chip",
                    address, where, chip->title, reg, (unsigned long long)found,
                    (unsigned long long)chip->identity.value);
}

int chip_fail_silent(Sample *sample, const char *where, unsigned address, usec_t usec)
{
        return fail(sample, SENSOR_FAULT_TIMEOUT, "0x%02x on %s answers, but has had nothing new for %llu s: it is set "
                                                  "up "
                    "anew", address, where, (unsigned long long)(usec / USEC_PER_SEC));
}

int chip_fail_given_up(Sample *sample, const char *bus)
{
        return fail(sample, SENSOR_FAULT_TIMEOUT, "%s: given up", bus);
}

int chip_fail_disturbed(Sample *sample, const char *bus)
{
        return fail(sample, SENSOR_FAULT_TIMEOUT, "%s: a measurement that was given up got in between", bus);
}
