/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/chip-inline.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool shares(const ChannelSettings *c, const ChannelSettings *before)
{
        return c->reg == before->reg && c->bytes == before->bytes;
}

static void add_step(ChipDescription *chip, const ChannelSettings *c)
{
        ChipStep *step = &chip->measure.items[chip->measure.n++];

        *step = (ChipStep){.reg = chip_register(c->reg), .bytes = c->bytes};
        memcpy(step->read, c->name, sizeof(Name)); /* blocks are called like their first channel */
}

static void add_channel(ChipDescription *chip, const ChannelSettings *c)
{
        ChipChannel *channel = &chip->channels[chip->n_channels++];

        *channel = (ChipChannel){
                .decode = {c->bytes, c->little_endian, c->is_signed, c->mask, c->shift},
                .conversion = {.scale = 1}, /* the settings' own comes behind it, as with every chip */
        };
        memcpy(channel->name, c->name, sizeof(Name));
        memcpy(channel->from, chip->measure.items[chip->measure.n - 1].read, sizeof(Name));
}

int chip_from_channels(ChipDescription **ret, const SensorSettings *settings)
{
        _cleanup_(chip_unrefp) ChipDescription *chip = chip_new();

        if (!chip)
                return -ENOMEM;
        chip->measure.items = calloc(settings->n_channels, sizeof(*chip->measure.items));
        chip->channels = calloc(settings->n_channels, sizeof(*chip->channels));
        if (!chip->measure.items || !chip->channels)
                return -ENOMEM;
        for (size_t i = 0; i < settings->n_channels; i++) {
                const ChannelSettings *c = &settings->channels[i];

                if (i == 0 || !shares(c, c - 1))
                        add_step(chip, c);
                add_channel(chip, c);
        }
        *ret = TAKE_PTR(chip);
        return 0;
}
