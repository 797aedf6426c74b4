/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Probe - who answers on an I2C bus, and what it may be
 *
 * An address is asked by what does least: a write of no bytes, which most chips take for nothing at all; and where
 * memories are mostly found (0x30 to 0x37, 0x50 to 0x5f), some of which lose data by that, a read of one byte. An
 * adapter that can do one of them alone is asked so, but those memories are never written to. 0x00 to 0x07 and 0x78 to
 * 0x7f have their meaning on the bus itself and are left alone, and so is what a driver of the kernel has.
 *
 * Only where somebody answered, and only for chips that may have that address, the register is read that tells which
 * chip it is. A chip that knows no registers gets one byte by that.
 *
 * Blocks; a bus that is stuck may take a second an address.
 */

#include "sensor/chip.h"
#include "sensor/i2c-port.h"

#define PROBE_FIRST 0x08
#define PROBE_LAST  0x77

typedef struct NamedChip {
        Name name;
        ChipDescription *chip;
} NamedChip;

#define FINDING_CHIPS_MAX 16

/* One who answered. */
typedef struct Finding {
        unsigned address;
        bool is_identified;                         /* its registers say that it is one of chips; */
        const NamedChip *chips[FINDING_CHIPS_MAX];  /* else what it may be by its address, less those that it is not */
        size_t n_chips;
        const NamedChip *mux; /* a multiplexer that it may be; not among chips; NULL: none */
} Finding;

typedef struct Probe {
        Finding findings[PROBE_LAST - PROBE_FIRST + 1];
        size_t n_findings;
        uint8_t held[PROBE_LAST + 1]; /* 1: a driver of the kernel has it */
        unsigned n_silent;   /* nobody acknowledged */
        unsigned n_stuck;    /* the bus was busy or stuck */
        unsigned n_left_out; /* this adapter has no harmless way to ask */
} Probe;

/* May it be asked at all? Then how. */
bool probe_question(unsigned address, int functions, I2cQuestion *ret);

/* 0; negative errno: the bus cannot be opened, or -EOPNOTSUPP: its adapter has no way to ask. The chips outlive ret. */
int probe_bus(const I2cPort *port, const char *bus, const NamedChip *chips, size_t n_chips, Probe *ret);
