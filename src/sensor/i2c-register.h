/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * I2C register - from the bytes on the wire to a value, as a data sheet describes it
 *
 * bytes in their order, then mask, then shift to the right, then sign, then scale, then offset. The sign is the
 * highest bit that the mask lets through, or the highest bit at all.
 *
 *   TMP102  0x00, 2 bytes, mask 0xFFF0, shift 4, signed, scale 0.0625     E7 00 is -25.0 Cel
 *   HTU21   0xE5, 2 bytes, mask 0xFFFC, scale 125/65536, offset -6        7C 80 is 54.8 %RH
 *
 * Pure.
 */

#include "sensor/settings.h"

#define I2C_BYTES_MAX 8

/* The register as it is sent: one byte, or two above 0xFF. Returns how many. */
size_t i2c_register_address(unsigned reg, uint8_t ret[static 2]);

/* c->bytes bytes. */
double i2c_register_value(const ChannelSettings *c, const uint8_t *bytes);
