/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/i2c-register.h"

size_t i2c_register_address(unsigned reg, uint8_t ret[static 2])
{
        if (reg <= 0xff) {
                ret[0] = (uint8_t)reg;
                return 1;
        }
        ret[0] = (uint8_t)(reg >> 8);
        ret[1] = (uint8_t)reg;
        return 2;
}

static uint64_t assemble(const ChannelSettings *c, const uint8_t *bytes)
{
        uint64_t v = 0;

        for (unsigned i = 0; i < c->bytes; i++)
                v = v << 8 | bytes[c->little_endian ? c->bytes - 1 - i : i];
        return v;
}

double i2c_register_value(const ChannelSettings *c, const uint8_t *bytes)
{
        uint64_t all = UINT64_MAX >> (64 - 8 * c->bytes);
        uint64_t mask = (c->mask ? c->mask & all : all) >> c->shift;
        uint64_t raw = (assemble(c, bytes) >> c->shift) & mask;
        double x = (double)raw;

        if (c->is_signed && mask != 0) {
                unsigned width = 64 - (unsigned)__builtin_clzll(mask);

                /* Upward by what is missing, then downward with the sign. */
                x = (double)((int64_t)(raw << (64 - width)) >> (64 - width));
        }
        return x * c->scale + c->offset;
}
