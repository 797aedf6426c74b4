/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Fake I2C - a bus with chips that behave, or do not
 *
 * A chip has 256 registers of one byte and a stepping pointer, as most have; registers of 16 bits are folded onto
 * their low byte. A chip of another kind has answers: after these bytes were written, and so much time has passed, it
 * can be read, and else does not acknowledge. A chip can be absent, stand behind a channel of a multiplexer, answer with
 * an error, or hold the bus until it is released: a transfer in it then hangs, in its thread, as the kernel's would.
 *
 * Time passes by wait() alone. What happened is kept as text: "44< 24 00", "wait 16000", "44> 6"; "44?" asked whether
 * anybody is there by a write of no bytes, "44?>" by a read.
 */

#include <pthread.h>

#include "base/buffer.h"
#include "sensor/i2c-port.h"

#define FAKE_I2C_BUS     "/dev/i2c-1"
#define FAKE_I2C_OTHER   "/dev/i2c-2" /* with the same chips, but by a thread of its own */
#define FAKE_I2C_ANSWERS 8

typedef struct FakeI2cAnswer {
        uint8_t command[4];
        size_t n_command;
        usec_t takes; /* a read that comes earlier finds nobody */
        uint8_t bytes[64];
        size_t n;
} FakeI2cAnswer;

typedef struct FakeI2cChip {
        uint8_t registers[256];
        uint8_t pointer;
        bool present;
        int error;  /* of every transfer; 0: none */
        bool hangs; /* until fake_i2c_release() */

        unsigned mux;     /* the address of a multiplexer that it stands behind; 0: none */
        uint8_t mux_mask; /* there by these bits */
        bool is_mux;
        uint8_t open; /* its channels */

        FakeI2cAnswer answers[FAKE_I2C_ANSWERS];
        size_t n_answers;
        const FakeI2cAnswer *asked; /* NULL: nothing */
        usec_t asked_at;
        size_t given; /* bytes of the answer */
} FakeI2cChip;

typedef struct FakeI2c {
        I2cPort port; /* first: hand out &fake->port */
        pthread_mutex_t lock;
        pthread_cond_t wake;
        FakeI2cChip chips[128];
        int open_error;
        uint64_t adapter; /* which one it is */
        bool smbus_only; /* the adapter has no plain transfers */
        int functions;   /* I2C_CAN_*, or an error; 0: all that goes with the above */
        int error;       /* of transfer number error_at, counted from 1 */
        unsigned error_at;
        unsigned opened, closed, transfers;
        unsigned hanging; /* transfers that hang now */
        uint8_t last_write[2];
        size_t n_last_write;
        usec_t now;
        Buffer history;
} FakeI2c;

void fake_i2c_init(FakeI2c *fake);
void fake_i2c_done(FakeI2c *fake);

/* Under the lock: what a thread might look at meanwhile. */
void fake_i2c_set(FakeI2c *fake, unsigned address, unsigned reg, const void *bytes, size_t n);
/* Later ones of the same command take the place of earlier ones. */
void fake_i2c_answer(FakeI2c *fake, unsigned address, const void *command, size_t n_command, usec_t takes,
                     const void *bytes, size_t n);
void fake_i2c_mux(FakeI2c *fake, unsigned mux, unsigned channel, unsigned address); /* the chip stands behind it */
void fake_i2c_hang(FakeI2c *fake, unsigned address);
void fake_i2c_wait_hanging(FakeI2c *fake, unsigned n); /* until n transfers hang */
void fake_i2c_release(FakeI2c *fake);                  /* nobody hangs any more; waits for those who did */
