/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/survey-core.h"

#include <errno.h>
#include <string.h>

/* ---- what there is ---- */

void survey_inputs_done(SurveyInputs *inputs)
{
        for (size_t i = 0; i < inputs->n; i++) {
                free(inputs->items[i].base);
                free(inputs->items[i].attribute);
        }
        free(inputs->items);
        *inputs = (SurveyInputs){};
}

bool survey_inputs_has(const SurveyInputs *inputs, const char *base, size_t length)
{
        for (size_t i = 0; i < inputs->n; i++)
                if (strlen(inputs->items[i].base) == length && strncmp(inputs->items[i].base, base, length) == 0)
                        return true;
        return false;
}

int survey_inputs_add(SurveyInputs *inputs, const char *base, size_t length, const char *attribute, bool by_label)
{
        SurveyInput *more = reallocarray(inputs->items, inputs->n + 1, sizeof(*more)), *input;

        if (!more)
                return -ENOMEM;
        inputs->items = more;
        input = &more[inputs->n++];
        *input = (SurveyInput){strndup(base, length), strdup(attribute), by_label};
        return input->base && input->attribute ? 0 : -ENOMEM;
}

/* ---- labels ---- */

typedef struct Label {
        char *base; /* "temp2" of temp2_label */
        char *text;
} Label;

typedef struct Labels {
        Label *items;
        size_t n;
} Labels;

static void labels_done(Labels *labels)
{
        for (size_t i = 0; i < labels->n; i++) {
                free(labels->items[i].base);
                free(labels->items[i].text);
        }
        free(labels->items);
}

static int add_label(Labels *labels, const char *folder, const char *file)
{
        size_t n = strlen(file), end = strlen("_label");
        Label *label = &labels->items[labels->n];
        int r;

        if (n <= end || strcmp(file + n - end, "_label") != 0)
                return 0;
        r = class_device_line(folder, file, &label->text);
        if (r < 0 || !label->text)
                return r;
        labels->n++;
        label->base = strndup(file, n - end);
        return label->base ? 0 : -ENOMEM;
}

/* Those of what is no value are found by hublinkd as well. */
static int read_labels(Labels *labels, const char *folder, char *const *files, size_t n)
{
        int r = 0;

        labels->items = calloc(n + 1, sizeof(*labels->items));
        if (!labels->items)
                return -ENOMEM;
        for (size_t i = 0; i < n && r == 0; i++)
                r = add_label(labels, folder, files[i]);
        return r;
}

/* One that stands twice finds either of them. */
static const char *label_of(const Labels *labels, const SurveyInput *input)
{
        const char *text = NULL;
        size_t n = 0;

        for (size_t i = 0; input->by_label && i < labels->n; i++)
                if (strcmp(labels->items[i].base, input->base) == 0)
                        text = labels->items[i].text;
        for (size_t i = 0; text && i < labels->n; i++)
                n += strcmp(labels->items[i].text, text) == 0;
        return n == 1 ? text : NULL;
}

/* ---- what is proposed ---- */

static int add_channel(SurveySensor *sensor, const SurveyInput *input, const char *label, size_t prefix)
{
        Name word, name;

        survey_word(input->base + prefix, "in", word);
        survey_word(label ?: word, word, name);
        return survey_add_channel(sensor, name, label ? NULL : input->attribute, label);
}

static int propose(Survey *s, const SurveyDevice *device, const SurveyInputs *inputs, const Labels *labels)
{
        const ClassDevices *d = device->devices;
        SurveySensor *sensor = NULL;
        int r = 0;

        for (size_t k = 0; k < inputs->n && r == 0; k++) {
                const SurveyInput *input = &inputs->items[k];

                if (k % READING_CHANNELS_MAX == 0)
                        r = survey_add_sysfs(s, device->driver, d, device->i, &sensor);
                if (r == 0)
                        r = add_channel(sensor, input, label_of(labels, input), device->prefix);
                if (r == 0 && (k + 1 == inputs->n || (k + 1) % READING_CHANNELS_MAX == 0)) {
                        survey_name_channels(&sensor->settings);
                        r = survey_look(s, sensor, d->items[device->i].folder);
                }
        }
        return r;
}

int survey_inputs_propose(Survey *s, const SurveyDevice *device, const SurveyInputs *inputs, char *const *files,
                          size_t n)
{
        Labels labels = {};
        int r = read_labels(&labels, device->devices->items[device->i].folder, files, n);

        if (r == 0)
                r = propose(s, device, inputs, &labels);
        labels_done(&labels);
        return r;
}
