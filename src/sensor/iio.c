/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Driver "iio" - the kernel's industrial I/O: pressure, light, acceleration, converters
 *
 * A channel's attribute is its name without an end ("in_pressure", "in_voltage0"): what is there as _input is taken,
 * else (_raw + _offset) * _scale, where offset and scale may be shared by all of a kind (in_voltage_scale). A whole
 * name of a file is taken as it is. Or a channel is found by its label: what in_voltage0_label says stands for
 * in_voltage0. Units are those of the kernel's ABI (its documentation, ABI/testing/sysfs-bus-iio),
 * with thousandths made whole:
 *
 *   temp  mCel  voltage  mV  current  mA  power  mW  humidityrelative  m%  pressure  kPa  illuminance  lx
 *   accel  m/s2  anglvel  rad/s  magn  G  resistance  Ohm  distance  m  energy  J
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sensor/sysfs.h"

typedef struct Kind {
        const char *name; /* behind "in_" */
        double parts; /* of a whole */
        const char *unit;
} Kind;

static const Kind kinds[] = {
        {"temp", 1e3, "Cel"},  {"voltage", 1e3, "V"},       {"current", 1e3, "A"},
        {"power", 1e3, "W"},   {"humidityrelative", 1e3, "%RH"}, {"pressure", 1, "kPa"},
        {"illuminance", 1, "lx"}, {"accel", 1, "m/s2"},       {"anglvel", 1, "rad/s"},
        {"magn", 1, "G"},       {"resistance", 1, "Ohm"},     {"distance", 1, "m"},
        {"energy", 1, "J"},
};

/* Of "in_voltage0", "in_accel_x". NULL: as it is. */
static const Kind *kind_of(const char *attribute)
{
        size_t n;

        if (strncmp(attribute, "in_", 3) != 0)
                return NULL;
        n = strspn(attribute + 3, "abcdefghijklmnopqrstuvwxyz");
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                if (strlen(kinds[i].name) == n && strncmp(attribute + 3, kinds[i].name, n) == 0)
                        return &kinds[i];
        return NULL;
}

static int with_end(const char *attribute, int length, const char *end, char **ret)
{
        if (asprintf(ret, "%.*s%s", length, attribute, end) >= 0)
                return 0;
        *ret = NULL;
        return -ENOMEM;
}

/* Who else may share it, from those nearest to all that come in: in_voltage0-voltage1, in_voltage-voltage, in;
 * in_voltage0_vbat, in_voltage0, in_voltage, in; in_accel_x, in_accel, in. False: nobody any more. */
static bool widen(char *attribute)
{
        char *part = strrchr(attribute, '_'), *to = part;

        if (!part)
                return false;
        for (const char *from = part; *from; from++)
                if (*from < '0' || *from > '9')
                        *to++ = *from;
        if (!*to)
                to = part; /* there were no numbers in it */
        *to = 0;
        return true;
}

/* Its own, or that which it shares; fallback where there is none. */
static int shared_number(SysfsDevice *d, const char *attribute, const char *end, double fallback, double *ret,
                         Sample *sample)
{
        _cleanup_free_ char *who = strdup(attribute);

        if (!who)
                return -ENOMEM;
        *ret = fallback;
        do {
                _cleanup_free_ char *name = NULL;
                int r = with_end(who, (int)strlen(who), end, &name);

                if (r < 0)
                        return r;
                if (sysfs_has(d, name))
                        return sysfs_number(d, name, ret, sample);
        } while (widen(who));
        return 0;
}

static int read_raw(SysfsDevice *d, const char *attribute, double *ret, Sample *sample)
{
        _cleanup_free_ char *name = NULL;
        double raw, offset = 0, scale = 1;
        int r = with_end(attribute, (int)strlen(attribute), "_raw", &name);

        if (r == 0 && !sysfs_has(d, name))
                return sample_fail(sample, REFUSAL_UNREADABLE, "%s has neither %s nor %s_input", d->folder, name,
                                   attribute);
        if (r == 0)
                r = sysfs_number(d, name, &raw, sample);
        if (r == 0)
                r = shared_number(d, attribute, "_offset", 0, &offset, sample);
        if (r == 0)
                r = shared_number(d, attribute, "_scale", 1, &scale, sample);
        if (r == 0)
                *ret = (raw + offset) * scale;
        return r;
}

/* A whole name is as it is, and so without a unit of ours. */
static bool is_whole_name(const char *attribute)
{
        static const char *const ends[] = {"_input", "_raw", "_scale", "_offset"};
        size_t n = strlen(attribute);

        for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
                size_t m = strlen(ends[i]);

                if (n > m && strcmp(attribute + n - m, ends[i]) == 0)
                        return true;
        }
        return false;
}

/* What is scaled once more is in another unit. attribute: NULL while nobody knows what a label stands at. */
static const char *unit_of(const ChannelSettings *c, const char *attribute)
{
        const Kind *kind = attribute && !is_whole_name(attribute) ? kind_of(attribute) : NULL;

        return c->unit ?: kind && c->scale == 1 ? kind->unit : NULL;
}

static int read_channel(SysfsDevice *d, const ChannelSettings *c, Value *ret, Sample *sample)
{
        _cleanup_free_ char *found = NULL, *input = NULL;
        const char *attribute;
        const Kind *kind = NULL;
        double x;
        int r = c->label ? sysfs_find_label(d, c->label, "", &found, sample) : 0; /* of "in_temp0_label": in_temp0 */

        if (r != 0)
                return r;
        attribute = c->label ? found : c->attribute;
        r = with_end(attribute, (int)strlen(attribute), "_input", &input);
        if (r < 0)
                return r;
        if (sysfs_has(d, attribute)) {
                r = sysfs_number(d, attribute, &x, sample);
        } else {
                kind = kind_of(attribute);
                r = sysfs_has(d, input) ? sysfs_number(d, input, &x, sample) : read_raw(d, attribute, &x, sample);
        }
        if (r != 0)
                return r;
        d->units[c - d->settings.channels] = unit_of(c, attribute);
        return sysfs_value(c, attribute, x, kind ? kind->parts : 1, ret, sample);
}

static int iio_read(void *device, Sample *sample)
{
        return sysfs_read(device, read_channel, sample);
}

static int iio_open(const SensorSettings *settings, const DriverTools *tools, void **ret_device,
                    char error[static SENSOR_ERROR_MAX])
{
        SysfsDevice *d;
        int r = sysfs_open(settings, tools, "bus/iio/devices", &d);

        if (r == 0)
                *ret_device = d;
        return r;
}

/* What a label stands at is known once it was read. */
static const char *iio_unit(const SensorSettings *settings, const char *channel)
{
        for (size_t i = 0; i < settings->n_channels; i++) {
                const ChannelSettings *c = &settings->channels[i];

                if (strcmp(c->name, channel) == 0)
                        return unit_of(c, c->attribute);
        }
        return NULL;
}

const SensorDriver driver_iio = {
        .name = "iio",
        .blocks = true,
        .check = sysfs_check,
        .open = iio_open,
        .read = iio_read,
        .close = sysfs_close,
        .shares = sysfs_shares,
        .unit = iio_unit,
        .found_unit = sysfs_found_unit,
};
