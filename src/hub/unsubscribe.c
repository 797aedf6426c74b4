/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/unsubscribe.h"

#include <string.h>

static size_t put16(uint8_t *to, size_t value)
{
        to[0] = (uint8_t)(value >> 8);
        to[1] = (uint8_t)value;
        return 2;
}

size_t unsubscribe_make(uint8_t packet[static UNSUBSCRIBE_MAX], const char *filter, int mid)
{
        size_t length = strlen(filter), left = 2 + 2 + length, n = 0;

        packet[n++] = 0xa2;
        packet[n++] = (uint8_t)(left < 128 ? left : 128 | (left & 127));
        if (left >= 128)
                packet[n++] = (uint8_t)(left >> 7);
        n += put16(packet + n, (size_t)mid);
        n += put16(packet + n, length);
        memcpy(packet + n, filter, length);
        return n + length;
}
