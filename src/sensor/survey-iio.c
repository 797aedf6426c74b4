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
static int add_input(SurveyInputs *inputs, const char *file)
{
        _cleanup_free_ char *base = NULL;
        size_t length = base_length(file);

        if (length == 0 || survey_inputs_has(inputs, file, length))
                return 0;
        base = strndup(file, length);
        return base ? survey_inputs_add(inputs, base, length, base, true) : -ENOMEM;
}

static int survey_one(Survey *s, const ClassDevices *d, size_t i)
{
        SurveyInputs inputs = {};
        char **files;
        size_t n;
        int r;

        if (!d->items[i].name)
                return 0;
        r = class_device_files(d->items[i].folder, &files, &n);
        if (r < 0)
                return r;
        for (size_t k = 0; k < n && r == 0; k++)
                r = add_input(&inputs, files[k]);
        if (r == 0)
                r = survey_inputs_propose(s, &(SurveyDevice){"iio", d, i, strlen("in_")}, &inputs, files, n);
        survey_inputs_done(&inputs);
        class_device_files_free(files, n);
        return r;
}

int survey_iio(Survey *s)
{
        ClassDevices d;
        int r = class_devices_list(&d, s->sysfs, "bus/iio/devices", "iio:device", "name", "label");

        for (size_t i = 0; i < d.n && r == 0; i++)
                r = survey_one(s, &d, i);
        class_devices_done(&d);
        return r;
}
