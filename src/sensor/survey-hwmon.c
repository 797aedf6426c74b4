/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/survey-core.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* One value of a monitor. */
typedef struct Input {
        const char *attribute; /* "temp2_input" */
        char *base;            /* "temp2" */
        char *label;           /* NULL: it has none */
} Input;

typedef struct Inputs {
        Input *items;
        size_t n;
} Inputs;

static void inputs_done(Inputs *inputs)
{
        for (size_t i = 0; i < inputs->n; i++) {
                free(inputs->items[i].base);
                free(inputs->items[i].label);
        }
        free(inputs->items);
}

static bool has_file(char *const *files, size_t n, const char *base, const char *end)
{
        size_t length = strlen(base);

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

static int add_input(Inputs *inputs, char *const *files, size_t n, size_t i, const char *folder)
{
        Input *input = &inputs->items[inputs->n];
        size_t length = base_length(files[i]);
        char label[NAME_LENGTH_MAX + 8];

        if (length == 0)
                return 0;
        input->base = strndup(files[i], length);
        if (!input->base)
                return -ENOMEM;
        input->attribute = files[i];
        inputs->n++;
        if (strcmp(files[i] + length, "_input") == 0) { /* by a label hublinkd finds no other */
                (void)snprintf(label, sizeof(label), "%s_label", input->base);
                return class_device_line(folder, label, &input->label);
        }
        if (has_file(files, n, input->base, "_input")) {
                free(input->base);
                inputs->n--;
        }
        return 0;
}

/* A label that stands twice finds either of them. */
static bool label_is_alone(const Inputs *inputs, size_t i)
{
        for (size_t k = 0; k < inputs->n; k++)
                if (k != i && inputs->items[k].label && strcmp(inputs->items[k].label, inputs->items[i].label) == 0)
                        return false;
        return true;
}

static int add_channel(SurveySensor *sensor, const Inputs *inputs, size_t i)
{
        const Input *input = &inputs->items[i];
        bool by_label = input->label && label_is_alone(inputs, i);
        Name name;

        survey_word(by_label ? input->label : input->base, input->base, name);
        return survey_add_channel(sensor, name, by_label ? NULL : input->attribute, by_label ? input->label : NULL);
}

static int add_nameless(Survey *s, const ClassDevices *d, size_t i)
{
        SurveySensor *sensor;
        int r = survey_add_device(s, "hwmon", d, i, &sensor);

        return r < 0 ? r : survey_say_why_not(sensor, "its file `name` says nothing by which it could be found");
}

/* A reading has so many channels; more make several sensors. */
static int add_monitor(Survey *s, const ClassDevices *d, size_t i, const Inputs *inputs)
{
        SurveySensor *sensor = NULL;
        int r = 0;

        for (size_t k = 0; k < inputs->n && r == 0; k++) {
                if (k % READING_CHANNELS_MAX == 0)
                        r = survey_add_sysfs(s, "hwmon", d, i, &sensor);
                if (r == 0)
                        r = add_channel(sensor, inputs, k);
                if (r == 0 && (k + 1 == inputs->n || (k + 1) % READING_CHANNELS_MAX == 0)) {
                        survey_name_channels(&sensor->settings);
                        r = survey_look(s, sensor, d->items[i].folder);
                }
        }
        return r;
}

static int survey_one(Survey *s, const ClassDevices *d, size_t i)
{
        Inputs inputs = {};
        char **files;
        size_t n;
        int r;

        if (!d->items[i].name)
                return add_nameless(s, d, i);
        r = class_device_files(d->items[i].folder, &files, &n);
        if (r < 0)
                return r;
        inputs.items = calloc(n + 1, sizeof(*inputs.items));
        if (!inputs.items)
                r = -ENOMEM;
        for (size_t k = 0; k < n && r == 0; k++)
                r = add_input(&inputs, files, n, k, d->items[i].folder);
        if (r == 0)
                r = add_monitor(s, d, i, &inputs);
        inputs_done(&inputs);
        class_device_files_free(files, n);
        return r;
}

int survey_hwmon(Survey *s)
{
        ClassDevices d;
        int r = class_devices_list(&d, s->sysfs, "class/hwmon", "", "name");

        for (size_t i = 0; i < d.n && r == 0; i++)
                r = survey_one(s, &d, i);
        class_devices_done(&d);
        return r;
}
