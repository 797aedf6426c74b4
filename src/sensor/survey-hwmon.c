/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/survey-core.h"

#include <string.h>

static bool has_file(char *const *files, size_t n, const char *base, size_t length, const char *end)
{
        for (size_t i = 0; i < n; i++)
                if (strncmp(files[i], base, length) == 0 && strcmp(files[i] + length, end) == 0)
                        return true;
        return false;
}

/* "temp2_input": 5; power may come as an average alone. 0: it is no value. */
static size_t base_length(const char *file)
{
        size_t letters = strspn(file, "abcdefghijklmnopqrstuvwxyz");
        size_t base = letters + strspn(file + letters, "0123456789");

        if (letters == 0 || base == letters || base > NAME_LENGTH_MAX)
                return 0;
        return strcmp(file + base, "_input") == 0 || strcmp(file + base, "_average") == 0 ? base : 0;
}

/* By a label hublinkd finds no average. */
static int add_input(SurveyInputs *inputs, char *const *files, size_t n, const char *file)
{
        size_t length = base_length(file);
        bool is_input = length > 0 && strcmp(file + length, "_input") == 0;

        if (length == 0 || (!is_input && has_file(files, n, file, length, "_input")))
                return 0;
        return survey_inputs_add(inputs, file, length, file, is_input);
}

static int add_nameless(Survey *s, const ClassDevices *d, size_t i)
{
        SurveySensor *sensor;
        int r = survey_add_device(s, "hwmon", d, i, &sensor);

        return r < 0 ? r : survey_say_why_not(sensor, "its file `name` says nothing by which it could be found");
}

static int survey_one(Survey *s, const ClassDevices *d, size_t i)
{
        SurveyInputs inputs = {};
        char **files;
        size_t n;
        int r;

        if (!d->items[i].name)
                return add_nameless(s, d, i);
        r = class_device_files(d->items[i].folder, &files, &n);
        if (r < 0)
                return r;
        for (size_t k = 0; k < n && r == 0; k++)
                r = add_input(&inputs, files, n, files[k]);
        if (r == 0)
                r = survey_inputs_propose(s, &(SurveyDevice){"hwmon", d, i, 0}, &inputs, files, n);
        survey_inputs_done(&inputs);
        class_device_files_free(files, n);
        return r;
}

int survey_hwmon(Survey *s)
{
        ClassDevices d;
        int r = class_devices_list(&d, s->sysfs, "class/hwmon", "", "name", "label");

        for (size_t i = 0; i < d.n && r == 0; i++)
                r = survey_one(s, &d, i);
        class_devices_done(&d);
        return r;
}
