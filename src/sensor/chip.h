/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Chip - what one kind of chip on an I2C bus wants to be told, and what its bytes mean
 *
 * A description is data, of a file of conf/chips or made from a sensor's own channels. It is a list of steps and a
 * list of channels: steps write bytes, wait, and read bytes into blocks, which have names; channels take their bytes
 * out of blocks. A block that is read again within one list grows, so that it can be put together from several
 * registers.
 *
 *   setup once, when the chip is met for the first time or again after an error, or when a register of it that is
 *                looked at each time (verify) is not as it was left: then it had no power in between
 *   calibration  once, after it: blocks that stay
 *   measure      each time
 *
 * Options are what a sensor may choose: each choice changes bits of what is written, and what a step is worth.
 *
 * A multiplexer is a chip too: instead of steps and channels it has the byte that opens each of its channels.
 *
 * Owns:   its arrays and texts. Never changed once it is made; shared by all who hold it, on any thread.
 */

#include <stdatomic.h>

#include "base/clock.h"
#include "model/name.h"
#include "model/property.h"
#include "model/reading.h"
#include "sensor/conversion.h"
#include "sensor/crc8.h"
#include "sensor/decode.h"

#define CHIP_BYTES_MAX  32               /* of one write, or of one read as they go over the wire */
#define CHIP_BLOCK_MAX  64               /* bytes of a block */
#define CHIP_BLOCKS_MAX 64
#define CHIP_STEPS_MAX  64               /* of one list */
#define CHIP_WAIT_MAX   (5 * USEC_PER_SEC)

#define CHIP_OPTIONS_MAX 8
#define CHIP_CHOICES_MAX 16 /* of one option */

/* 0x00-0x02 and 0x78-0x7F have their meaning on the bus itself. */
#define CHIP_ADDRESS_MIN 0x03
#define CHIP_ADDRESS_MAX 0x77

typedef struct ChipBytes {
        unsigned n;
        uint8_t bytes[CHIP_BYTES_MAX];
} ChipBytes;

/* Exactly one of write, wait and read. */
typedef struct ChipStep {
        ChipBytes write;  /* n = 0: no write */
        usec_t wait_usec; /* 0: no wait */

        Name read;       /* into the block of this name; "": no read */
        ChipBytes reg;   /* written first, and read after a repeated start; n = 0: only read */
        unsigned bytes;  /* of data */
        unsigned crc;    /* after every so many of them comes one of CRC-8, which is checked and taken out; 0: none */
        uint64_t ready;  /* unless one of these bits is set there is nothing new: the measurement ends; 0: not asked */
        uint64_t busy;   /* the same if one of these is set */
} ChipStep;

typedef struct ChipSteps {
        ChipStep *items;
        size_t n;
} ChipSteps;

typedef struct ChipChannel {
        Name name;
        char *unit; /* NULL: none */

        Name from;   /* the block */
        unsigned at; /* the first byte in it */
        Decode decode;

        char *formula; /* in place of decode; NULL: none */
        Name with;     /* the formula's calibration: a block */

        Conversion conversion;
} ChipChannel;

typedef struct ChipChoice {
        char *is;         /* what the settings call it: "6.144" */
        uint64_t bits;    /* in place of those of the mask */
        double scale;     /* times that of the channels; 1 */
        usec_t wait_usec; /* so much longer is the wait behind each write that it changes */
} ChipChoice;

typedef struct ChipNames {
        unsigned n;
        Name items[READING_CHANNELS_MAX];
} ChipNames;

/* A thing that a sensor may choose. Where it does not, all is as the steps and channels say. */
typedef struct ChipOption {
        Name name;
        ChipBytes reg; /* of what is written to this register; n = 0: of all that is written */
        bool little_endian;
        uint64_t mask;      /* these bits, of all the bytes behind it as one number; 0: nothing written changes */
        ChipNames channels; /* whose scale changes; n = 0: that of all */
        ChipChoice *choices;
        size_t n_choices;
} ChipOption;

/* What tells this chip from another one at the same address. */
typedef struct ChipIdentity {
        ChipBytes reg; /* n = 0: it has nothing of the kind */
        unsigned bytes;
        uint64_t mask; /* 0: all bits */
        uint64_t value;
} ChipIdentity;

typedef struct ChipDescription {
        _Atomic unsigned holders;

        char *title;     /* "Bosch BME280"; NULL: made from a sensor's channels */
        char *datasheet; /* document and revision */
        ChipBytes addresses;
        ChipIdentity identity;
        ChipBytes verify; /* a register that setup writes; n = 0: none is looked at */
        Crc8 crc;
        ChipSteps setup, calibration, measure;
        ChipChannel *channels;
        size_t n_channels;
        ChipOption *options;
        size_t n_options;

        ChipBytes select; /* a multiplexer: byte n opens its channel n */
        uint8_t release;  /* and this closes all */
} ChipDescription;

/* One holder, all else zero; NULL without memory. */
ChipDescription *chip_new(void);
ChipDescription *chip_ref(ChipDescription *c); /* takes NULL */
ChipDescription *chip_unref(ChipDescription *c);
DEFINE_CLEANUP(ChipDescription *, chip_unref);
/* Either may be NULL. Options make no difference: what counts is what was chosen. */
bool chip_equal(const ChipDescription *a, const ChipDescription *b);

const ChipChannel *chip_channel(const ChipDescription *c, const char *name); /* NULL: there is none */
static inline bool chip_is_multiplexer(const ChipDescription *c)
{
        return c->select.n > 0;
}
/* The step of setup that left the register of verify as it is; NULL: none. */
const ChipStep *chip_verified(const ChipDescription *c);
bool chip_has_address(const ChipDescription *c, unsigned address);

/* A register as it is sent: one byte, or two above 0xFF, the high one first. */
ChipBytes chip_register(unsigned reg);

/* On the wire: data and what checks it. */
static inline unsigned chip_wire_bytes(const ChipStep *s)
{
        return s->bytes + (s->crc > 0 ? s->bytes / s->crc : 0);
}

/* chip-check.c: does it make sense as a whole? 0; 1 and an allocated text "channels.humidity.at: what is wrong and what
 * would be right"; -ENOMEM. */
int chip_check(const ChipDescription *c, char **ret_error);

/* chip-options.c: the same for its options alone. */
int chip_check_options(const ChipDescription *c, char **ret_error);
/* Another description, with what a sensor has chosen: pairs of an option and a choice (NULL: one that was refused
 * already). 0; 1 and a text as above; -ENOMEM. */
int chip_choose(const ChipDescription *c, const Property *wanted, size_t n, ChipDescription **ret, char **ret_error);
