/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Decode - from the bytes on the wire to a raw number, as a data sheet describes it
 *
 * bytes in their order, then mask, then shift to the right, then sign. The sign is the highest bit that the mask lets
 * through, or the highest bit at all.
 *
 *   TMP102  2 bytes, mask 0xFFF0, shift 4, signed    E7 00 is -400, so -25.0 Cel at 0.0625 a step
 *   HTU21   2 bytes, mask 0xFFFC                     7C 82 is 31872, so 54.8 %RH
 *
 * Pure.
 */

#include "base/macro.h"

#define DECODE_BYTES_MAX 8

typedef struct Decode {
        unsigned bytes; /* 1 .. DECODE_BYTES_MAX */
        bool little_endian;
        bool is_signed;
        uint64_t mask;  /* applied before shift; 0: all bits */
        unsigned shift; /* to the right */
} Decode;

/* Of d->bytes bytes: before the sign, and with it. */
uint64_t decode_bits(const Decode *d, const uint8_t *bytes);
double decode_raw(const Decode *d, const uint8_t *bytes);

/* Does it fit together? Else why not, in words that begin with the member: "shift: 16 leaves nothing of 16 bits". */
bool decode_check(const Decode *d, char *why, size_t size);
