/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Chip - one chip of a test on an I2C bus, as its data sheet has it
 *
 *   bytes     256 registers of one byte and a pointer that steps
 *   words     256 registers of two bytes, the high one first, and a pointer that stays
 *   commands  to commands it knows it has answers, each once, and not before its time; it does not acknowledge a read
 *             before. To what it does not know it has none
 *   mux       a byte opens its channels, a bit each; chips stand behind them
 *
 * It can be absent, slow, answer with an error, or with wrong check bytes. What else it does is the rack's.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHIP_NAME_MAX    32
#define CHIP_ANSWERS_MAX 8

typedef enum ChipKind {
        CHIP_BYTES,
        CHIP_WORDS,
        CHIP_COMMANDS,
        CHIP_MUX,
        _CHIP_KIND_MAX,
} ChipKind;

typedef struct ChipAnswer {
        uint8_t command[4];
        size_t n_command;
        uint64_t takes_usec;
        uint8_t bytes[64];
        size_t n;
} ChipAnswer;

typedef struct Chip Chip;
struct Chip {
        char name[CHIP_NAME_MAX];
        ChipKind kind;
        unsigned bus, address;
        const Chip *mux; /* it stands behind; NULL: none */
        unsigned channel;

        uint8_t registers[512]; /* the lower half of words is at even places */
        uint8_t pointer;        /* of a multiplexer: what is open */
        ChipAnswer answers[CHIP_ANSWERS_MAX];
        size_t n_answers;
        const ChipAnswer *asked; /* NULL: nothing */
        uint64_t asked_usec;

        bool absent, spoiled, pulls; /* its bus's plug */
        uint64_t slow_usec; /* it holds the bus for so long */
        int error;          /* an errno; 0: none */
};

const char *chip_kind_name(ChipKind kind);

/* Is it there, by what is open before it? */
bool chip_is_there(const Chip *c);

/* 0, or an errno. */
int chip_write(Chip *c, const uint8_t *bytes, size_t n, uint64_t now_usec);
/* Lines are pulled low, never high: what several say at once is what they have in common. bytes: all ones before the first. */
int chip_read(Chip *c, uint8_t *bytes, size_t n, uint64_t now_usec);
