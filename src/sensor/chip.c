/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/chip.h"

#include <string.h>

ChipDescription *chip_new(void)
{
        ChipDescription *c = calloc(1, sizeof(*c));

        if (c)
                atomic_init(&c->holders, 1);
        return c;
}

ChipDescription *chip_ref(ChipDescription *c)
{
        if (c)
                atomic_fetch_add(&c->holders, 1);
        return c;
}

ChipDescription *chip_unref(ChipDescription *c)
{
        if (!c || atomic_fetch_sub(&c->holders, 1) > 1)
                return NULL;
        for (size_t i = 0; i < c->n_channels; i++) {
                free(c->channels[i].unit);
                free(c->channels[i].formula);
        }
        free(c->channels);
        for (size_t i = 0; i < c->n_options; i++) {
                for (size_t k = 0; k < c->options[i].n_choices; k++)
                        free(c->options[i].choices[k].is);
                free(c->options[i].choices);
        }
        free(c->options);
        free(c->setup.items);
        free(c->calibration.items);
        free(c->measure.items);
        free(c->title);
        free(c->datasheet);
        free(c);
        return NULL;
}

/* ---- the same? ---- */

static bool text_equal(const char *a, const char *b)
{
        return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool bytes_equal(const ChipBytes *a, const ChipBytes *b)
{
        return a->n == b->n && memcmp(a->bytes, b->bytes, a->n) == 0;
}

static bool step_equal(const ChipStep *a, const ChipStep *b)
{
        return bytes_equal(&a->write, &b->write) && a->wait_usec == b->wait_usec && strcmp(a->read, b->read) == 0 &&
               bytes_equal(&a->reg, &b->reg) && a->bytes == b->bytes && a->crc == b->crc && a->ready == b->ready &&
               a->busy == b->busy;
}

static bool steps_equal(const ChipSteps *a, const ChipSteps *b)
{
        if (a->n != b->n)
                return false;
        for (size_t i = 0; i < a->n; i++)
                if (!step_equal(&a->items[i], &b->items[i]))
                        return false;
        return true;
}

static bool decode_equal(const Decode *a, const Decode *b)
{
        return a->bytes == b->bytes && a->little_endian == b->little_endian && a->is_signed == b->is_signed &&
               a->mask == b->mask && a->shift == b->shift;
}

static bool conversion_equal(const Conversion *a, const Conversion *b)
{
        return a->scale == b->scale && a->offset == b->offset && a->clamp.is_set == b->clamp.is_set &&
               a->decimals == b->decimals && a->clamp.low == b->clamp.low && a->clamp.high == b->clamp.high &&
               a->polynomial.n == b->polynomial.n &&
               memcmp(a->polynomial.values, b->polynomial.values, a->polynomial.n * sizeof(double)) == 0 &&
               a->table.n == b->table.n && memcmp(a->table.points, b->table.points, a->table.n * sizeof(Point)) == 0;
}

static bool channel_equal(const ChipChannel *a, const ChipChannel *b)
{
        return strcmp(a->name, b->name) == 0 && text_equal(a->unit, b->unit) && strcmp(a->from, b->from) == 0 &&
               a->at == b->at && decode_equal(&a->decode, &b->decode) && text_equal(a->formula, b->formula) &&
               strcmp(a->with, b->with) == 0 && conversion_equal(&a->conversion, &b->conversion);
}

static bool identity_equal(const ChipIdentity *a, const ChipIdentity *b)
{
        return bytes_equal(&a->reg, &b->reg) && a->bytes == b->bytes && a->mask == b->mask && a->value == b->value;
}

bool chip_equal(const ChipDescription *a, const ChipDescription *b)
{
        if (a == b || !a || !b)
                return a == b;
        if (!text_equal(a->title, b->title) || !text_equal(a->datasheet, b->datasheet) ||
            !bytes_equal(&a->addresses, &b->addresses) || !identity_equal(&a->identity, &b->identity) ||
            !bytes_equal(&a->verify, &b->verify) ||
            a->crc.polynomial != b->crc.polynomial || a->crc.seed != b->crc.seed ||
            !steps_equal(&a->setup, &b->setup) || !steps_equal(&a->calibration, &b->calibration) ||
            !steps_equal(&a->measure, &b->measure) || !bytes_equal(&a->select, &b->select) ||
            a->release != b->release || a->n_channels != b->n_channels)
                return false;
        for (size_t i = 0; i < a->n_channels; i++)
                if (!channel_equal(&a->channels[i], &b->channels[i]))
                        return false;
        return true;
}

/* ---- looked at ---- */

const ChipStep *chip_verified(const ChipDescription *c)
{
        const ChipBytes *reg = &c->verify;

        for (size_t i = c->setup.n; i > 0 && reg->n > 0; i--) {
                const ChipStep *s = &c->setup.items[i - 1];

                if (s->write.n > reg->n && memcmp(s->write.bytes, reg->bytes, reg->n) == 0)
                        return s;
        }
        return NULL;
}

const ChipChannel *chip_channel(const ChipDescription *c, const char *name)
{
        for (size_t i = 0; i < c->n_channels; i++)
                if (strcmp(c->channels[i].name, name) == 0)
                        return &c->channels[i];
        return NULL;
}

bool chip_has_address(const ChipDescription *c, unsigned address)
{
        return memchr(c->addresses.bytes, (int)address, c->addresses.n) != NULL;
}

ChipBytes chip_register(unsigned reg)
{
        if (reg <= 0xff)
                return (ChipBytes){1, {(uint8_t)reg}};
        return (ChipBytes){2, {(uint8_t)(reg >> 8), (uint8_t)reg}};
}
