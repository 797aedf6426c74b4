/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Fuzz bus - an I2C bus whose chips answer with the input's bytes, one after the other, and with its errors
 *
 * Each transfer takes a byte that says how it goes: most go well. When the input is used up nobody answers.
 */

#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "sensor/chip-reader.h"

typedef struct FuzzBus {
        I2cPort port; /* first */
        const uint8_t *data;
        size_t size;
        unsigned transfers, open;
} FuzzBus;

static inline FuzzBus *fuzz_bus_of(const I2cPort *port)
{
        return (FuzzBus *)(uintptr_t)port;
}

static inline int fuzz_bus_open(const I2cPort *port, const char *bus)
{
        fuzz_bus_of(port)->open++;
        return 3;
}

static inline void fuzz_bus_close(const I2cPort *port, int fd)
{
        promise(fuzz_bus_of(port)->open-- > 0);
}

static inline void fuzz_bus_wait(const I2cPort *port, usec_t usec)
{
        promise(usec > 0 && usec <= CHIP_WAIT_MAX);
}

/* It is pulled out and in again now and then. */
static inline uint64_t fuzz_bus_adapter(const I2cPort *port, int fd)
{
        return fuzz_bus_of(port)->transfers / 32;
}

static inline int fuzz_bus_transfer(const I2cPort *port, int fd, unsigned address, const void *write, size_t n_write,
                                    void *read, size_t n_read)
{
        static const int errors[] = {-ENXIO, -EIO, -ETIMEDOUT, -EBUSY, -EOPNOTSUPP, -ENODEV};
        FuzzBus *bus = fuzz_bus_of(port);
        uint8_t how;

        promise(n_write + n_read > 0 && n_write <= CHIP_BYTES_MAX && n_read <= CHIP_BYTES_MAX);
        bus->transfers++;
        if (bus->size < 1 + n_read)
                return -ENXIO;
        how = bus->data[0];
        if (n_read > 0)
                memcpy(read, bus->data + 1, n_read);
        bus->data += 1 + n_read;
        bus->size -= 1 + n_read;
        return how < 0xf0 ? 0 : errors[how % ARRAY_SIZE(errors)];
}

static inline int fuzz_bus_functions(const I2cPort *port, int fd)
{
        return I2C_CAN_PLAIN | I2C_CAN_QUICK | I2C_CAN_RECEIVE;
}

/* Somebody is there as often as not. */
static inline int fuzz_bus_ask(const I2cPort *port, int fd, unsigned address, I2cQuestion question)
{
        return fuzz_bus_of(port)->size % 2 ? 0 : -ENXIO;
}

/* Measures until the input is used up. Each ends in values, in words, or in nothing new. */
static inline void fuzz_bus_measure(ChipDescription *chip, const ChipDescription *mux, const uint8_t *data, size_t size)
{
        FuzzBus bus = {
                .port = {fuzz_bus_open, fuzz_bus_transfer, fuzz_bus_wait, fuzz_bus_close, fuzz_bus_adapter,
                         fuzz_bus_functions, fuzz_bus_ask},
                .data = data,
                .size = size,
        };
        const ChipPlace place = {.bus = "/dev/i2c-1", .address = 0x48, .mux = mux, .mux_address = 0x70};
        ChipReader *reader = NULL;
        Sample sample;
        int r = 0;

        promise(chip_reader_new(&reader, &bus.port, chip, &place) == 0);
        for (unsigned k = 0; k < 64 && (bus.size > 0 || k == 0); k++) {
                sample.error[0] = 0;
                r = chip_reader_measure(reader, &sample);
                promise(r == 0 || r == SENSOR_E_NOT_YET || (r == SENSOR_E_FAILED && *sample.error));
                promise(bus.open == 0);
                for (size_t i = 0; i < chip->n_channels && r == 0; i++) {
                        const Conversion *c = &chip->channels[i].conversion;
                        double x = chip_reader_value(reader, &chip->channels[i]);

                        promise(!c->clamp.is_set || !(x < c->clamp.low || x > c->clamp.high));
                }
        }
        chip_reader_free(reader);
        promise(bus.open == 0);
}
