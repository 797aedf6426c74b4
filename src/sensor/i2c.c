/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Driver "i2c" - a chip on an I2C bus
 *
 * What the chip wants to be told and what its bytes mean is a description (chip.h): that of the chip which the settings
 * name, or one made from channels that say their registers. A stuck bus holds up whoever touches it, for seconds or for
 * ever: all sensors of a bus share one worker.
 */

#include "sensor/driver.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "sensor/chip-inline.h"
#include "sensor/chip-reader.h"
#include "sensor/chip-words.h"

#define REGISTER_MAX 0xffff

/* So long a chip may have nothing new, before something is wrong with it. */
#define PATIENCE_USEC (30 * USEC_PER_SEC)
#define PATIENCE_MIN  3

typedef struct Chip {
        SensorSettings settings;
        ChipDescription *description;
        ChipReader *reader;
        unsigned without_news; /* measurements in a row */

        /* What is told, in its order. */
        struct {
                const ChipChannel *channel;
                double scale, offset; /* the sensor's own, upon the chip's */
                unsigned decimals;    /* 0: all that there are */
        } wanted[READING_CHANNELS_MAX];
        size_t n_wanted;
} Chip;

/* ---- settings: a chip by its registers ---- */

static int check_register(const ChannelSettings *c, char **ret_error)
{
        char why[120];

        if (c->reg > REGISTER_MAX)
                return settings_bad(ret_error, "channels.%s.register: 0 to 0xFFFF, not 0x%X", c->name, c->reg);
        if (!decode_check(&(Decode){c->bytes, c->little_endian, c->is_signed, c->mask, c->shift}, why, sizeof(why)))
                return settings_bad(ret_error, "channels.%s.%s", c->name, why);
        return 0;
}

static int check_registers(const SensorSettings *s, char **ret_error)
{
        int r = 0;

        if (s->n_channels == 0)
                return settings_bad(ret_error, "channels: at least one, such as channels: { temperature: "
                                    "{ register = 0; }; }; or name the chip, such as chip = \"tmp102\"");
        for (size_t i = 0; i < s->n_channels && r == 0; i++)
                r = check_register(&s->channels[i], ret_error);
        return r;
}

/* ---- settings: a chip by its name ---- */

static int check_chip_address(const SensorSettings *s, char **ret_error)
{
        const ChipBytes *known = &s->description->addresses;
        char list[160] = "";
        size_t n = 0;

        if (chip_has_address(s->description, s->address))
                return 0;
        for (unsigned i = 0; i < known->n && n < sizeof(list); i++)
                n += (size_t)snprintf(list + n, sizeof(list) - n, "%s0x%02X",
                                      i == 0             ? ""
                                      : i + 1 < known->n ? ", "
                                                         : " or ",
                                      known->bytes[i]);
        return settings_bad(ret_error, "address: a %s is at %s, not at 0x%02X", s->chip, list, s->address);
}

static int check_chip_channel(const SensorSettings *s, const ChannelSettings *c, char **ret_error)
{
        Nearest nearest = nearest_begin(c->name);

        if (chip_channel(s->description, c->name))
                return 0;
        for (size_t i = 0; i < s->description->n_channels; i++)
                nearest_offer(&nearest, s->description->channels[i].name);
        return nearest.found ? settings_bad(ret_error, "channels.%s: a %s has no such channel; did you mean \"%s\"?",
                                            c->name, s->chip, nearest.found)
                             : settings_bad(ret_error, "channels.%s: a %s has no such channel", c->name, s->chip);
}

static usec_t waits(const ChipSteps *steps)
{
        usec_t sum = 0;

        for (size_t i = 0; i < steps->n; i++)
                sum = usec_add(sum, steps->items[i].wait_usec);
        return sum;
}

static int check_chip_time(const SensorSettings *s, char **ret_error)
{
        const ChipDescription *c = s->description;
        usec_t needed = usec_add(usec_add(waits(&c->setup), waits(&c->calibration)), waits(&c->measure));
        usec_t timeout = s->timeout_usec > 0 ? s->timeout_usec : SENSOR_TIMEOUT_USEC;

        if (timeout > needed)
                return 0;
        return settings_bad(ret_error, "timeout: a %s alone takes %llu ms where it is measured for the first time: "
                                       "give it "
                            "more", s->chip, (unsigned long long)(needed / USEC_PER_MSEC));
}

static int check_chip(const SensorSettings *s, char **ret_error)
{
        int r;

        if (!s->description)
                return 0;
        if (chip_is_multiplexer(s->description))
                return settings_bad(ret_error, "chip: a %s measures nothing; it stands in front of another chip:  mux: "
                                               "{ "
                                    "address = 0x70; channel = 0; };", s->chip);
        r = check_chip_address(s, ret_error);
        for (size_t i = 0; i < s->n_channels && r == 0; i++)
                r = check_chip_channel(s, &s->channels[i], ret_error);
        return r == 0 ? check_chip_time(s, ret_error) : r;
}

static int check_mux(const SensorSettings *s, char **ret_error)
{
        const ChipDescription *mux = s->mux.description;
        const char *name = *s->mux.chip ? s->mux.chip : SENSOR_MUX;

        if (s->mux.address == 0)
                return s->mux.channel > 0 || *s->mux.chip
                               ? settings_bad(ret_error, "mux: address is missing: that of the multiplexer, such as "
                                                         "0x70")
                               : 0;
        if (s->mux.address == s->address)
                return settings_bad(ret_error, "mux.address: the chip has the same, so the multiplexer would answer "
                                               "for it");
        if (!mux)
                return 0;
        if (!chip_is_multiplexer(mux))
                return settings_bad(ret_error, "mux.chip: a %s is no multiplexer", name);
        if (!chip_has_address(mux, s->mux.address))
                return settings_bad(ret_error, "mux.address: a %s is at 0x%02X to 0x%02X, not at 0x%02X", name,
                                    mux->addresses.bytes[0], mux->addresses.bytes[mux->addresses.n - 1],
                                    s->mux.address);
        if (s->mux.channel >= mux->select.n)
                return settings_bad(ret_error, "mux.channel: a %s has channels 0 to %u, not %u", name,
                                    mux->select.n - 1, s->mux.channel);
        return 0;
}

static int i2c_check(const SensorSettings *s, char **ret_error)
{
        int r;

        if (!s->bus)
                return settings_bad(ret_error, "bus: is missing; such as 1 or \"/dev/i2c-1\"");
        if (s->bus[0] != '/')
                return settings_bad(ret_error, "bus: \"%s\" is no device; such as 1 or \"/dev/i2c-1\"", s->bus);
        if (s->address < CHIP_ADDRESS_MIN || s->address > CHIP_ADDRESS_MAX)
                return settings_bad(ret_error, "address: 0x%02X to 0x%02X, not 0x%02X (a data sheet may count the "
                                    "read bit in: then it is half of that)", CHIP_ADDRESS_MIN, CHIP_ADDRESS_MAX,
                                    s->address);
        for (size_t i = 0; i < s->n_channels; i++)
                if (s->channels[i].field > 0 || s->channels[i].pattern || s->channels[i].text)
                        return settings_bad(ret_error, "channels.%s: field, pattern and text belong to driver file",
                                            s->channels[i].name);
        r = *s->chip ? check_chip(s, ret_error) : check_registers(s, ret_error);
        return r == 0 ? check_mux(s, ret_error) : r;
}

/* ---- the device ---- */

static void i2c_close(void *device)
{
        Chip *c = device;

        if (!c)
                return;
        chip_reader_free(c->reader);
        chip_unref(c->description);
        sensor_settings_done(&c->settings);
        free(c);
}

static void want(Chip *c, const ChipChannel *channel, double scale, double offset)
{
        c->wanted[c->n_wanted].channel = channel;
        c->wanted[c->n_wanted].scale = scale;
        c->wanted[c->n_wanted].decimals = decimals_scaled(channel->conversion.decimals, scale);
        c->wanted[c->n_wanted++].offset = offset;
}

/* Those that the settings list, or all. */
static void want_channels(Chip *c)
{
        const SensorSettings *s = &c->settings;

        for (size_t i = 0; i < s->n_channels; i++)
                want(c, chip_channel(c->description, s->channels[i].name), s->channels[i].scale, s->channels[i].offset);
        for (size_t i = 0; i < c->description->n_channels && s->n_channels == 0; i++)
                want(c, &c->description->channels[i], 1, 0);
}

static int prepare(Chip *c, const DriverTools *tools)
{
        const SensorSettings *s = &c->settings;
        const ChipPlace place = {
                .bus = s->bus,
                .address = s->address,
                .mux = s->mux.address != 0 ? s->mux.description : NULL,
                .mux_address = s->mux.address,
                .mux_channel = s->mux.channel,
                .shared = tools->buses ? i2c_buses_get(tools->buses, s->bus) : NULL,
                .sysfs = tools->sysfs,
        };
        int r;

        if (tools->buses && !place.shared)
                return -ENOMEM;
        if (!*s->chip) {
                r = chip_from_channels(&c->description, s);
                if (r < 0)
                        return r;
        } else {
                c->description = chip_ref(s->description);
        }
        want_channels(c);
        return chip_reader_new(&c->reader, tools->i2c, c->description, &place);
}

static int i2c_open(const SensorSettings *settings, const DriverTools *tools, void **ret_device,
                    char error[static SENSOR_ERROR_MAX])
{
        Chip *c;
        int r;

        if ((*settings->chip && !settings->description) || (settings->mux.address != 0 && !settings->mux.description))
                return -EINVAL; /* who read the settings has told why */
        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        r = sensor_settings_copy(settings, &c->settings);
        if (r >= 0)
                r = prepare(c, tools);
        if (r < 0) {
                i2c_close(c);
                return r;
        }
        *ret_device = c;
        return 0;
}

/* Silence is no failure until it lasts. */
static int count_silence(Chip *c, Sample *sample)
{
        if (++c->without_news < PATIENCE_MIN || c->without_news * c->settings.interval_usec < PATIENCE_USEC)
                return SENSOR_E_NOT_YET;
        c->without_news = 0;
        chip_reader_forget(c->reader);
        return chip_fail_silent(sample, c->settings.bus, c->settings.address, PATIENCE_USEC);
}

static int i2c_read(void *device, Sample *sample)
{
        Chip *c = device;
        int r = chip_reader_measure(c->reader, sample);

        if (r == SENSOR_E_NOT_YET)
                return count_silence(c, sample);
        c->without_news = 0;
        for (size_t i = 0; i < c->n_wanted && r == 0; i++) {
                const ChipChannel *channel = c->wanted[i].channel;
                double x = chip_reader_value(c->reader, channel) * c->wanted[i].scale + c->wanted[i].offset;

                if (!isfinite(x))
                        r = sample_fail(sample, REFUSAL_RANGE, "channel %s: scaled beyond what a number can hold",
                                        channel->name);
                if (c->wanted[i].decimals > 0)
                        x = number_rounded(x, c->wanted[i].decimals);
                sample->channels[i] = (Channel){channel->name, {.kind = VALUE_NUMBER, .number = x}};
        }
        sample->n_channels = c->n_wanted;
        return r;
}

static void i2c_abandon(void *device)
{
        chip_reader_abandon(((Chip *)device)->reader);
}

static const char *i2c_shares(const SensorSettings *settings)
{
        return settings->bus;
}

/* The sensor's own word, then the chip's. */
static const char *i2c_unit(const SensorSettings *settings, const char *channel)
{
        const ChipChannel *described = settings->description ? chip_channel(settings->description, channel) : NULL;

        for (size_t i = 0; i < settings->n_channels; i++)
                if (settings->channels[i].unit && strcmp(settings->channels[i].name, channel) == 0)
                        return settings->channels[i].unit;
        return described ? described->unit : NULL;
}

const SensorDriver driver_i2c = {
        .name = "i2c",
        .blocks = true,
        .check = i2c_check,
        .open = i2c_open,
        .read = i2c_read,
        .close = i2c_close,
        .abandon = i2c_abandon,
        .shares = i2c_shares,
        .unit = i2c_unit,
};
