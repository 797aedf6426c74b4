/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/i2c-bus.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESSES 128

/* Beside the byte that closes it. */
#define OPEN    0x100
#define CERTAIN 0x200

struct I2cBus {
        _Atomic unsigned holders;
        _Atomic unsigned touches;
        _Atomic uint16_t muxes[ADDRESSES]; /* 0: all its channels are closed, or there is none */
};

struct I2cBuses {
        struct {
                char *name;
                I2cBus *bus;
        } *items;
        size_t n;
};

/* ---- one ---- */

I2cBus *i2c_bus_new(void)
{
        I2cBus *b = calloc(1, sizeof(*b));

        if (b)
                atomic_init(&b->holders, 1);
        return b;
}

I2cBus *i2c_bus_ref(I2cBus *b)
{
        atomic_fetch_add(&b->holders, 1);
        return b;
}

I2cBus *i2c_bus_unref(I2cBus *b)
{
        if (b && atomic_fetch_sub(&b->holders, 1) == 1)
                free(b);
        return NULL;
}

void i2c_bus_touch(I2cBus *b)
{
        atomic_fetch_add(&b->touches, 1);
}

unsigned i2c_bus_touches(const I2cBus *b)
{
        return atomic_load(&b->touches);
}

bool i2c_bus_opens(I2cBus *b, unsigned mux, uint8_t release)
{
        return atomic_exchange(&b->muxes[mux % ADDRESSES], (uint16_t)(OPEN | CERTAIN | release)) & CERTAIN;
}

void i2c_bus_suspects(I2cBus *b, unsigned mux, uint8_t release)
{
        atomic_store(&b->muxes[mux % ADDRESSES], (uint16_t)(OPEN | release));
}

void i2c_bus_closed(I2cBus *b, unsigned mux)
{
        atomic_store(&b->muxes[mux % ADDRESSES], 0);
}

bool i2c_bus_find_left(const I2cBus *b, I2cLeft *left)
{
        for (; left->mux < ADDRESSES; left->mux++) {
                uint16_t noted = atomic_load(&b->muxes[left->mux]);

                left->release = (uint8_t)noted;
                left->certain = noted & CERTAIN;
                if (noted & OPEN)
                        return true;
        }
        return false;
}

/* ---- all ---- */

I2cBuses *i2c_buses_new(void)
{
        return calloc(1, sizeof(I2cBuses));
}

I2cBuses *i2c_buses_free(I2cBuses *b)
{
        if (!b)
                return NULL;
        for (size_t i = 0; i < b->n; i++) {
                i2c_bus_unref(b->items[i].bus);
                free(b->items[i].name);
        }
        free(b->items);
        free(b);
        return NULL;
}

static bool add(I2cBuses *b, const char *name)
{
        void *items = reallocarray(b->items, b->n + 1, sizeof(*b->items));

        if (!items)
                return false;
        b->items = items;
        b->items[b->n].name = strdup(name);
        b->items[b->n].bus = i2c_bus_new();
        if (b->items[b->n].name && b->items[b->n].bus) {
                b->n++;
                return true;
        }
        free(b->items[b->n].name);
        i2c_bus_unref(b->items[b->n].bus);
        return false;
}

I2cBus *i2c_buses_get(I2cBuses *b, const char *name)
{
        for (size_t i = 0; i < b->n; i++)
                if (strcmp(b->items[i].name, name) == 0)
                        return b->items[i].bus;
        return add(b, name) ? b->items[b->n - 1].bus : NULL;
}
