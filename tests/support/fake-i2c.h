/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Fake I2C - a bus with chips that behave, or do not
 *
 * A chip has 256 registers of one byte and a stepping pointer, as most have; registers of 16 bits are folded onto
 * their low byte. It can be absent, answer with an error, or hold the bus until it is released: a transfer in it then
 * hangs, in its thread, as the kernel's would.
 */

#include <pthread.h>

#include "sensor/i2c-port.h"

#define FAKE_I2C_BUS "/dev/i2c-1"

typedef struct FakeI2cChip {
        uint8_t registers[256];
        bool present;
        int error;  /* of every transfer; 0: none */
        bool hangs; /* until fake_i2c_release() */
} FakeI2cChip;

typedef struct FakeI2c {
        I2cPort port; /* first: hand out &fake->port */
        pthread_mutex_t lock;
        pthread_cond_t wake;
        FakeI2cChip chips[128];
        int open_error;
        unsigned opened, closed, transfers;
        unsigned hanging; /* transfers that hang now */
        uint8_t last_write[2];
        size_t n_last_write;
} FakeI2c;

void fake_i2c_init(FakeI2c *fake);
void fake_i2c_done(FakeI2c *fake);

/* Under the lock: what a thread might look at meanwhile. */
void fake_i2c_set(FakeI2c *fake, unsigned address, unsigned reg, const void *bytes, size_t n);
void fake_i2c_hang(FakeI2c *fake, unsigned address);
void fake_i2c_wait_hanging(FakeI2c *fake, unsigned n); /* until n transfers hang */
void fake_i2c_release(FakeI2c *fake);                  /* nobody hangs any more; waits for those who did */
