/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Chip reader - one chip on a bus, measured by its description
 *
 * Sets the chip up when it is first measured, and again after each failure and when the adapter was away: a chip that
 * lost its power has forgotten everything. The bus is open for a measurement alone: the kernel cannot let go of an
 * adapter that somebody holds, and when it was pulled out, the hub that it hung on waits with it. In front of it may
 * stand a multiplexer; its channel is open while a measurement lasts and closed behind it, so that no two of them are
 * open when their neighbours are read. What somebody left open, because he was given up, is closed before.
 *
 * Runs on a bus's worker, where it may wait and hang; there is one at a time. Once abandoned it touches the bus no
 * more, since somebody else has it by then.
 *
 * Owns:   the blocks.
 */

#include "sensor/chip.h"
#include "sensor/driver.h"
#include "sensor/i2c-bus.h"

typedef struct ChipReader ChipReader;

/* Where the chip is. */
typedef struct ChipPlace {
        const char *bus;
        unsigned address;
        const ChipDescription *mux; /* NULL: none is in front */
        unsigned mux_address;
        unsigned mux_channel;
        I2cBus *shared;    /* by all who measure on the bus; NULL: nobody else does */
        const char *sysfs; /* another place than /sys, for tests; NULL: it is that. Outlives the reader. */
} ChipPlace;

/* Holds the descriptions and what is shared; the bus's name is copied. */
int chip_reader_new(ChipReader **ret, const I2cPort *port, ChipDescription *chip, const ChipPlace *place);
ChipReader *chip_reader_free(ChipReader *r);
DEFINE_CLEANUP(ChipReader *, chip_reader_free);

/* 0; SENSOR_E_FAILED, told in the sample; SENSOR_E_NOT_YET: the chip has nothing new. */
int chip_reader_measure(ChipReader *r, Sample *sample);
/* What the last measurement, a good one, found. */
double chip_reader_value(const ChipReader *r, const ChipChannel *channel);
void chip_reader_forget(ChipReader *r); /* begin anew */

/* From another thread. */
void chip_reader_abandon(ChipReader *r);
