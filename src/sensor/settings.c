/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/settings.h"

#include <errno.h>
#include <string.h>

/* The texts of each struct, so that no function below can forget one. */
static const size_t sensor_texts[] = {
        offsetof(SensorSettings, driver), offsetof(SensorSettings, path),   offsetof(SensorSettings, bus),
        offsetof(SensorSettings, listen), offsetof(SensorSettings, format), offsetof(SensorSettings, group),
        offsetof(SensorSettings, model),
        offsetof(SensorSettings, command), offsetof(SensorSettings, device), offsetof(SensorSettings, at),
};
static const size_t channel_texts[] = {
        offsetof(ChannelSettings, unit),
        offsetof(ChannelSettings, pattern),
        offsetof(ChannelSettings, path),
        offsetof(ChannelSettings, attribute),
        offsetof(ChannelSettings, label),
};

static char **text_at(const void *p, size_t offset)
{
        return (char **)((uintptr_t)p + offset);
}

static bool text_equal(const char *a, const char *b)
{
        return a && b ? strcmp(a, b) == 0 : a == b;
}

static void texts_forget(void *p, const size_t *texts, size_t n)
{
        for (size_t i = 0; i < n; i++)
                *text_at(p, texts[i]) = NULL;
}

static void texts_done(void *p, const size_t *texts, size_t n)
{
        for (size_t i = 0; i < n; i++)
                free(*text_at(p, texts[i]));
}

static bool texts_copy(const void *from, void *to, const size_t *texts, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                const char *text = *text_at(from, texts[i]);

                if (text && !(*text_at(to, texts[i]) = strdup(text)))
                        return false;
        }
        return true;
}

static bool texts_equal(const void *a, const void *b, const size_t *texts, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (!text_equal(*text_at(a, texts[i]), *text_at(b, texts[i])))
                        return false;
        return true;
}

int sensor_settings_copy(const SensorSettings *s, SensorSettings *ret)
{
        SensorSettings copy = *s;

        texts_forget(&copy, sensor_texts, ARRAY_SIZE(sensor_texts));
        copy.channels = NULL;
        copy.n_channels = 0;
        copy.reports = NULL;
        copy.n_reports = 0;
        copy.options = NULL;
        copy.n_options = 0;
        chip_ref(copy.description);
        chip_ref(copy.mux.description);
        if (!texts_copy(s, &copy, sensor_texts, ARRAY_SIZE(sensor_texts)))
                goto no_memory;
        if (s->n_channels > 0 && !(copy.channels = calloc(s->n_channels, sizeof(*copy.channels))))
                goto no_memory;
        if (s->n_reports > 0) {
                copy.reports = calloc(s->n_reports, sizeof(*copy.reports));
                if (!copy.reports)
                        goto no_memory;
                memcpy(copy.reports, s->reports, s->n_reports * sizeof(*copy.reports));
                copy.n_reports = s->n_reports;
        }
        for (size_t i = 0; i < s->n_channels; i++) {
                copy.channels[i] = s->channels[i];
                texts_forget(&copy.channels[i], channel_texts, ARRAY_SIZE(channel_texts));
                copy.n_channels++;
                if (!texts_copy(&s->channels[i], &copy.channels[i], channel_texts, ARRAY_SIZE(channel_texts)))
                        goto no_memory;
        }
        *ret = copy;
        return 0;

no_memory:
        sensor_settings_done(&copy);
        return -ENOMEM;
}

void sensor_settings_done(SensorSettings *s)
{
        for (size_t i = 0; i < s->n_channels; i++)
                texts_done(&s->channels[i], channel_texts, ARRAY_SIZE(channel_texts));
        free(s->channels);
        free(s->reports);
        properties_free(s->options, s->n_options);
        chip_unref(s->description);
        chip_unref(s->mux.description);
        texts_done(s, sensor_texts, ARRAY_SIZE(sensor_texts));
        *s = (SensorSettings){};
}

static bool channel_equal(const ChannelSettings *a, const ChannelSettings *b)
{
        return strcmp(a->name, b->name) == 0 && a->scale == b->scale && a->offset == b->offset &&
               a->field == b->field && a->text == b->text && a->reg == b->reg && a->bytes == b->bytes &&
               a->little_endian == b->little_endian && a->is_signed == b->is_signed && a->mask == b->mask &&
               a->shift == b->shift && texts_equal(a, b, channel_texts, ARRAY_SIZE(channel_texts));
}

bool sensor_settings_equal(const SensorSettings *a, const SensorSettings *b)
{
        if (strcmp(a->name, b->name) != 0 || strcmp(a->stream, b->stream) != 0 ||
            a->interval_usec != b->interval_usec || a->timeout_usec != b->timeout_usec ||
            strcmp(a->chip, b->chip) != 0 || strcmp(a->mux.chip, b->mux.chip) != 0 ||
            a->address != b->address || a->mux.address != b->mux.address || a->mux.channel != b->mux.channel ||
            !chip_equal(a->description, b->description) || !chip_equal(a->mux.description, b->mux.description) ||
            a->max_rate != b->max_rate || a->max_line != b->max_line ||
            a->max_clients != b->max_clients || a->peer != b->peer || a->seed != b->seed ||
            a->from_end != b->from_end || a->settle_usec != b->settle_usec || a->n_channels != b->n_channels ||
            !texts_equal(a, b, sensor_texts, ARRAY_SIZE(sensor_texts)))
                return false;
        for (size_t i = 0; i < a->n_channels; i++)
                if (!channel_equal(&a->channels[i], &b->channels[i]))
                        return false;
        return true;
}
