/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/survey-core.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PLACE_MAX 16 /* characters of a place in a name */

/* ---- words ---- */

static char small(char c)
{
        return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_letter(char c)
{
        return c >= 'a' && c <= 'z';
}

static bool is_word(char c)
{
        return is_letter(c) || (c >= '0' && c <= '9');
}

/* What of it may stand in a name, behind what is there already; cut where a name ends. */
static void append_word(const char *text, Name name)
{
        size_t n = strlen(name);
        bool gap = false;

        for (; *text; text++) {
                if (!is_word(small(*text))) {
                        gap = true;
                        continue;
                }
                if (gap && n > 0 && name[n - 1] != '_' && n < NAME_LENGTH_MAX)
                        name[n++] = '_';
                gap = false;
                if (n < NAME_LENGTH_MAX)
                        name[n++] = small(*text);
        }
        while (n > 0 && name[n - 1] == '_')
                n--;
        name[n] = 0;
}

void survey_word(const char *text, const char *otherwise, Name ret)
{
        ret[0] = 0;
        append_word(text ?: "", ret);
        if (is_letter(ret[0]))
                return;
        /* +12V of in3 is in3_12v */
        (void)snprintf(ret, sizeof(Name), "%.20s_", otherwise);
        append_word(text ?: "", ret);
}

/* name, or name_2, ... of which is_taken() does not know. */
static void find_free(Name name, bool (*is_taken)(const void *userdata, size_t i, const Name name),
                      const void *userdata, size_t i)
{
        Name base;

        memcpy(base, name, sizeof(Name));
        for (unsigned k = 2; is_taken(userdata, i, name); k++) {
                char end[16];
                int n = snprintf(end, sizeof(end), "_%u", k);

                (void)snprintf(name, sizeof(Name), "%.*s%s", NAME_LENGTH_MAX - n, base, end);
        }
}

/* ---- channels ---- */

static bool channel_is_taken(const void *userdata, size_t i, const Name name)
{
        const SensorSettings *s = userdata;

        if (!channel_name_is_valid(name))
                return true;
        for (size_t k = 0; k < i; k++)
                if (strcmp(s->channels[k].name, name) == 0)
                        return true;
        return false;
}

void survey_name_channels(SensorSettings *settings)
{
        for (size_t i = 0; i < settings->n_channels; i++)
                find_free(settings->channels[i].name, channel_is_taken, settings, i);
}

/* ---- sensors ---- */

static bool sensor_is_taken(const void *userdata, size_t i, const Name name)
{
        const Survey *s = userdata;

        for (size_t k = 0; k < i; k++)
                if (strcmp(s->sensors[k].settings.name, name) == 0)
                        return true;
        return false;
}

/* Of all places a device has one, whatever number of sensors is made of it. */
static bool is_ambiguous(const Survey *s, const Name *bases, size_t i)
{
        for (size_t k = 0; k < s->n_sensors; k++)
                if (strcmp(bases[k], bases[i]) == 0 && strcmp(s->sensors[k].place, s->sensors[i].place) != 0)
                        return true;
        return false;
}

/* The last part of its place: "1-0048" becomes 1_0048. */
static void append_place(const SurveySensor *s, Name name)
{
        const char *at = s->settings.at, *slash = strrchr(s->place, '/');
        Name place = "", base;

        append_word(at ?: slash ? slash + 1 : s->place, place);
        memcpy(base, name, sizeof(Name));
        (void)snprintf(name, sizeof(Name), "%.*s_%.*s", NAME_LENGTH_MAX - 1 - PLACE_MAX, base, PLACE_MAX, place);
}

/* Settings with more would be refused as a whole. */
static int limit(Survey *s)
{
        size_t n = 0;
        int r = 0;

        for (size_t i = 0; i < s->n_sensors && r == 0; i++)
                if (!s->sensors[i].why_not && ++n > SENSORS_MAX) {
                        s->sensors[i].is_beyond = true;
                        r = survey_say_why_not(&s->sensors[i], "a gateway has at most %d sensors", SENSORS_MAX);
                }
        return r;
}

int survey_name(Survey *s)
{
        _cleanup_free_ Name *bases = calloc(s->n_sensors + 1, sizeof(*bases));

        if (!bases)
                return -ENOMEM;
        for (size_t i = 0; i < s->n_sensors; i++)
                survey_word(s->sensors[i].called, "sensor", bases[i]);
        for (size_t i = 0; i < s->n_sensors; i++) {
                char *name = s->sensors[i].settings.name;

                memcpy(name, bases[i], sizeof(Name));
                if (is_ambiguous(s, bases, i))
                        append_place(&s->sensors[i], name);
                find_free(name, sensor_is_taken, s, i);
        }
        return limit(s);
}
