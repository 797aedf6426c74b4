/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * I2C bus - what those who measure on one bus leave behind for one another
 *
 * A multiplexer keeps its channel open until it is told otherwise, and who was given up amid a measurement tells it
 * nothing any more. The chips behind that channel would then answer together with their namesakes elsewhere on the bus,
 * and what is read were the bits that both hold. So it is noted before a channel is opened, and the next one on the bus
 * closes what is open still.
 *
 * One who is given up makes no further transfer, but may be just about to make one. So transfers are counted, and a
 * measurement is good if nobody else made any meanwhile.
 *
 * The book has the buses by their names; a bus lives as long as somebody holds it, which may be a thread that hangs.
 *
 * Owns:   the notes. The book is the loop's; a bus may be noted on from any thread.
 */

#include "base/macro.h"

typedef struct I2cBus I2cBus;
typedef struct I2cBuses I2cBuses;

I2cBus *i2c_bus_new(void); /* one holder; NULL without memory */
I2cBus *i2c_bus_ref(I2cBus *b);
I2cBus *i2c_bus_unref(I2cBus *b); /* takes NULL */

void i2c_bus_touch(I2cBus *b); /* before each transfer */
unsigned i2c_bus_touches(const I2cBus *b);

/* What is left open behind a multiplexer. */
typedef struct I2cLeft {
        unsigned mux;
        uint8_t release; /* this byte closes it */
        bool certain;    /* a channel was opened; else it is only not known that none is */
} I2cLeft;

/* A channel is open from now on. true: one was left open before. */
bool i2c_bus_opens(I2cBus *b, unsigned mux, uint8_t release);
void i2c_bus_suspects(I2cBus *b, unsigned mux, uint8_t release);
void i2c_bus_closed(I2cBus *b, unsigned mux);
/* The next one, from left->mux on. false: there is none. */
bool i2c_bus_find_left(const I2cBus *b, I2cLeft *left);

I2cBuses *i2c_buses_new(void);
I2cBuses *i2c_buses_free(I2cBuses *b); /* takes NULL */
I2cBus *i2c_buses_get(I2cBuses *b, const char *name); /* borrowed; NULL without memory */
