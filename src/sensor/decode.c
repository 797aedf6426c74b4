/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/decode.h"

#include <stdio.h>

static uint64_t assemble(const Decode *d, const uint8_t *bytes)
{
        uint64_t v = 0;

        for (unsigned i = 0; i < d->bytes; i++)
                v = v << 8 | bytes[d->little_endian ? d->bytes - 1 - i : i];
        return v;
}

static uint64_t bits_of(const Decode *d)
{
        uint64_t all = UINT64_MAX >> (64 - 8 * d->bytes);

        return (d->mask ? d->mask & all : all) >> d->shift;
}

uint64_t decode_bits(const Decode *d, const uint8_t *bytes)
{
        return (assemble(d, bytes) >> d->shift) & bits_of(d);
}

double decode_raw(const Decode *d, const uint8_t *bytes)
{
        uint64_t raw = decode_bits(d, bytes), mask = bits_of(d);
        unsigned width;

        if (!d->is_signed || mask == 0)
                return (double)raw;
        /* Upward by what is missing, then downward with the sign. */
        width = 64 - (unsigned)__builtin_clzll(mask);
        return (double)((int64_t)(raw << (64 - width)) >> (64 - width));
}

bool decode_check(const Decode *d, char *why, size_t size)
{
        unsigned bits = 8 * d->bytes;

        if (d->bytes < 1 || d->bytes > DECODE_BYTES_MAX)
                (void)snprintf(why, size, "bytes: 1 to %d, not %u", DECODE_BYTES_MAX, d->bytes);
        else if (d->shift >= bits)
                (void)snprintf(why, size, "shift: %u leaves nothing of %u bits", d->shift, bits);
        else if (bits < 64 && d->mask >> bits != 0)
                (void)snprintf(why, size, "mask: 0x%llX has more than the %u bits that are read",
                               (unsigned long long)d->mask, bits);
        else if (d->mask != 0 && d->mask >> d->shift == 0)
                (void)snprintf(why, size, "mask: the shift by %u leaves nothing of it", d->shift);
        else
                return true;
        return false;
}
