/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Driver "hwmon" - temperatures, voltages and fans as the kernel's hardware monitors show them
 *
 * A device is found by its name, a channel by its attribute ("temp1_input") or by its label ("Core 0"). The kernel
 * counts in thousandths and millionths (its documentation, hwmon/sysfs-interface): here they are whole units.
 *
 *   temp  mCel  in  mV  curr  mA  power  uW  energy  uJ  humidity  m%  fan  1/min  freq  Hz
 */

#include <string.h>

#include "sensor/sysfs.h"

typedef struct Kind {
        const char *prefix;
        double parts; /* of a whole */
        const char *unit;
} Kind;

static const Kind kinds[] = {
        {"temp", 1e3, "Cel"},     {"in", 1e3, "V"},          {"curr", 1e3, "A"},   {"power", 1e6, "W"},
        {"energy", 1e6, "J"},     {"humidity", 1e3, "%RH"},  {"fan", 1, "/min"},    {"freq", 1, "Hz"},
};

/* Values and limits are in the unit of the kind; these are not. */
static bool is_plain(const char *suffix)
{
        static const char *const plain[] = {"alarm", "fault", "enable", "type", "beep", "interval", "div", "pulses",
                                            "accuracy"};
        size_t n = strlen(suffix);

        for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
                size_t m = strlen(plain[i]);

                if (n >= m && strcmp(suffix + n - m, plain[i]) == 0)
                        return true;
        }
        return false;
}

/* NULL: as it is. */
static const Kind *kind_of(const char *attribute)
{
        size_t letters = strspn(attribute, "abcdefghijklmnopqrstuvwxyz");
        size_t digits = strspn(attribute + letters, "0123456789");
        const char *suffix = attribute + letters + digits;

        if (digits == 0 || *suffix != '_' || is_plain(suffix))
                return NULL;
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                if (strlen(kinds[i].prefix) == letters && strncmp(attribute, kinds[i].prefix, letters) == 0)
                        return &kinds[i];
        return NULL;
}

/* What is scaled once more is in another unit. */
static const char *unit_of(const ChannelSettings *c, const Kind *kind)
{
        return c->unit ?: kind && c->scale == 1 ? kind->unit : NULL;
}

static int read_channel(SysfsDevice *d, const ChannelSettings *c, Value *ret, Sample *sample)
{
        _cleanup_free_ char *found = NULL;
        const char *attribute;
        const Kind *kind;
        double x;
        /* of temp2_label: temp2_input */
        int r = c->label ? sysfs_find_label(d, c->label, "_input", &found, sample) : 0;

        if (r != 0)
                return r;
        attribute = c->label ? found : c->attribute;
        r = sysfs_number(d, attribute, &x, sample);
        if (r != 0)
                return r;
        kind = kind_of(attribute);
        d->units[c - d->settings.channels] = unit_of(c, kind);
        return sysfs_value(c, attribute, x, kind ? kind->parts : 1, ret, sample);
}

static int hwmon_read(void *device, Sample *sample)
{
        return sysfs_read(device, read_channel, sample);
}

static int hwmon_open(const SensorSettings *settings, const DriverTools *tools, void **ret_device,
                      char error[static SENSOR_ERROR_MAX])
{
        SysfsDevice *d;
        int r = sysfs_open(settings, tools, "class/hwmon", &d);

        if (r == 0)
                *ret_device = d;
        return r;
}

/* What a label stands at is known once it was read. */
static const char *hwmon_unit(const SensorSettings *settings, const char *channel)
{
        for (size_t i = 0; i < settings->n_channels; i++) {
                const ChannelSettings *c = &settings->channels[i];

                if (strcmp(c->name, channel) == 0)
                        return unit_of(c, c->attribute ? kind_of(c->attribute) : NULL);
        }
        return NULL;
}

const SensorDriver driver_hwmon = {
        .name = "hwmon",
        .blocks = true,
        .check = sysfs_check,
        .open = hwmon_open,
        .read = hwmon_read,
        .close = sysfs_close,
        .shares = sysfs_shares,
        .unit = hwmon_unit,
        .found_unit = sysfs_found_unit,
};
