/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/crc8.h"

uint8_t crc8(Crc8 kind, const uint8_t *bytes, size_t n)
{
        uint8_t sum = kind.seed;

        for (size_t i = 0; i < n; i++) {
                sum ^= bytes[i];
                for (unsigned bit = 0; bit < 8; bit++)
                        sum = (uint8_t)(sum << 1 ^ (sum & 0x80 ? kind.polynomial : 0));
        }
        return sum;
}
