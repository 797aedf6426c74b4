/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/survey-core.h"

#include <errno.h>
#include <string.h>

/* "in_accel_x_raw": 10. 0: it is no value that comes in. */
static size_t base_length(const char *file)
{
        static const char *const ends[] = {"_input", "_raw"};
        size_t n = strlen(file);

        if (strncmp(file, "in_", 3) != 0 || strspn(file, "abcdefghijklmnopqrstuvwxyz0123456789_-") != n)
                return 0;
        for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
                size_t m = strlen(ends[i]);

                if (n > m + 3 && strcmp(file + n - m, ends[i]) == 0)
                        return n - m;
        }
        return 0;
}

/* What is there both raw and ready is one value. */
static bool is_known(const SurveySensor *sensor, const char *base)
{
        const SensorSettings *s = &sensor->settings;

        return s->n_channels > 0 && strcmp(s->channels[s->n_channels - 1].attribute, base) == 0;
}

static int add_channel(SurveySensor *sensor, const char *file, size_t length)
{
        _cleanup_free_ char *base = strndup(file, length);
        Name name;

        if (!base)
                return -ENOMEM;
        if (is_known(sensor, base))
                return 0;
        survey_word(base + 3, "in", name);
        return survey_add_channel(sensor, name, base, NULL);
}

static int finish(const Survey *s, SurveySensor *sensor, const char *folder)
{
        if (!sensor)
                return 0;
        survey_name_channels(&sensor->settings);
        return survey_look(s, sensor, folder);
}

static int add_device(Survey *s, const ClassDevices *d, size_t i, char *const *files, size_t n)
{
        const char *folder = d->items[i].folder;
        SurveySensor *sensor = NULL;
        int r = 0;

        for (size_t k = 0; k < n && r == 0; k++) {
                size_t length = base_length(files[k]);

                if (length == 0)
                        continue;
                if (sensor && sensor->settings.n_channels == READING_CHANNELS_MAX) {
                        r = finish(s, sensor, folder);
                        sensor = NULL;
                }
                if (r == 0 && !sensor)
                        r = survey_add_sysfs(s, "iio", d, i, &sensor);
                if (r == 0)
                        r = add_channel(sensor, files[k], length);
        }
        return r == 0 ? finish(s, sensor, folder) : r;
}

int survey_iio(Survey *s)
{
        ClassDevices d;
        int r = class_devices_list(&d, s->sysfs, "bus/iio/devices", "iio:device", "name");

        for (size_t i = 0; i < d.n && r == 0; i++) {
                char **files = NULL;
                size_t n = 0;

                if (d.items[i].name)
                        r = class_device_files(d.items[i].folder, &files, &n);
                if (r == 0)
                        r = add_device(s, &d, i, files, n);
                class_device_files_free(files, n);
        }
        class_devices_done(&d);
        return r;
}
