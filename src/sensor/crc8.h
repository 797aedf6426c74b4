/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * CRC-8 - the byte that a chip sends behind its data so that a disturbed bus is seen
 *
 * Highest bit first, nothing reflected, nothing added at the end: so Sensirion, Silicon Labs and SMBus have it, each
 * with a polynomial and a seed of its own. The polynomial is written without its highest power: x8+x5+x4+1 is 0x31.
 *
 * Pure.
 */

#include "base/macro.h"

typedef struct Crc8 {
        uint8_t polynomial;
        uint8_t seed;
} Crc8;

uint8_t crc8(Crc8 kind, const uint8_t *bytes, size_t n);
