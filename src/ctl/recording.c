/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/recording.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "model/json-read.h"

void recording_done(Recording *r)
{
        buffer_done(&r->records);
        free(r->readings);
        *r = (Recording){};
}

static int keep(Recording *r, const Reading *reading)
{
        bool full = (r->n_readings & (r->n_readings - 1)) == 0; /* 0 and powers of two */
        size_t at = r->records.size;

        if (full) {
                RecordedReading *more =
                        reallocarray(r->readings, MAX(r->n_readings * 2, (size_t)1), sizeof(*more));

                if (!more)
                        return -ENOMEM;
                r->readings = more;
        }
        reading_encode(reading, &r->records);
        if (buffer_error(&r->records) < 0)
                return -ENOMEM;
        r->readings[r->n_readings] = (RecordedReading){reading->wall_usec, at, r->records.size - at, r->n_readings};
        r->n_readings++;
        return 1;
}

/* ---- from JSON to a reading ---- */

static bool take_value(json_object *v, Value *ret)
{
        switch (json_object_get_type(v)) {
        case json_type_double:
                *ret = (Value){.kind = VALUE_NUMBER, .number = json_object_get_double(v)};
                return isfinite(ret->number);
        case json_type_int:
                *ret = (Value){.kind = VALUE_INTEGER, .integer = json_object_get_int64(v)};
                return true;
        case json_type_boolean:
                *ret = (Value){.kind = VALUE_BOOLEAN, .boolean = json_object_get_boolean(v)};
                return true;
        case json_type_string:
                *ret = (Value){.kind = VALUE_TEXT, .text = json_object_get_string(v)};
                return strlen(ret->text) == (size_t)json_object_get_string_len(v);
        default:
                return false;
        }
}

/* A gateway whose clock was never right says so. */
static bool is_meant(usec_t wall_usec, Quality quality)
{
        if (quality == QUALITY_BOUNDED || quality == QUALITY_UNKNOWN)
                return wall_usec != USEC_INFINITY;
        return reading_time_is_of_our_days(wall_usec);
}

static int pass_over(Recording *r, usec_t wall_usec)
{
        r->n_wrong_times++;
        r->are_seconds = r->are_seconds || (wall_usec < UINT64_MAX / 1000 &&
                                              reading_time_is_of_our_days(wall_usec * 1000));
        return 1;
}

/* Members that are no channels are passed over. */
static int keep_channels(Recording *r, const char *sensor, usec_t wall_usec, Quality quality, json_object *values)
{
        Channel channels[READING_CHANNELS_MAX];
        Reading reading = {.sensor = sensor, .wall_usec = wall_usec, .wall_trusted = true, .channels = channels,
                           .quality = quality};

        json_object_object_foreach(values, name, value) {
                if (reading.n_channels == READING_CHANNELS_MAX || !channel_name_is_valid(name) ||
                    !take_value(value, &channels[reading.n_channels].value))
                        continue;
                channels[reading.n_channels++].name = name;
        }
        if (reading.n_channels == 0 || !name_is_valid(sensor) || wall_usec == 0)
                return 0;
        return is_meant(wall_usec, quality) ? keep(r, &reading) : pass_over(r, wall_usec);
}

/* In microseconds, as we write it ourselves. */
static usec_t time_of(json_object *o)
{
        json_object *t;

        if (!json_object_object_get_ex(o, "time", &t) || !json_object_is_type(t, json_type_int))
                return 0;
        return (usec_t)MAX(json_object_get_int64(t), 0);
}

/* As lines have it. USEC_INFINITY: there is one, and it is none. */
static usec_t msec_of(json_object *o)
{
        json_object *t;

        if (!json_object_object_get_ex(o, "t", &t) ||
            (!json_object_is_type(t, json_type_int) && !json_object_is_type(t, json_type_double)))
                return 0;
        return reading_time_of_msec(json_object_get_double(t)) ?: USEC_INFINITY;
}

static const char *text_of(json_object *o, const char *name)
{
        json_object *t;

        return json_object_object_get_ex(o, name, &t) && json_object_is_type(t, json_type_string)
                       ? json_object_get_string(t)
                       : "";
}

static Quality quality_of(json_object *o, const char *name)
{
        return MAX(quality_from_string(text_of(o, name)), QUALITY_GOOD);
}

static int take_flat(Recording *r, json_object *o)
{
        return keep_channels(r, text_of(o, "s"), msec_of(o), quality_of(o, "q"), o);
}

/* What becomes of a time that was not certain then is seen when it is sent. */
static Quality exported_quality(json_object *o)
{
        Quality quality = quality_of(o, "quality");
        json_object *trusted;

        return quality == QUALITY_GOOD && json_object_object_get_ex(o, "time_trusted", &trusted) &&
                               !json_object_get_boolean(trusted)
                       ? QUALITY_UNKNOWN
                       : quality;
}

static int take_array(Recording *r, json_object *array)
{
        int n = 0;

        for (size_t i = 0; i < json_object_array_length(array); i++) {
                json_object *o = json_object_array_get_idx(array, i);
                int k = json_object_is_type(o, json_type_object) ? take_flat(r, o) : 0;

                if (k < 0)
                        return k;
                n += k;
        }
        return n;
}

static int take_object(Recording *r, json_object *o)
{
        json_object *inner, *values;

        if (json_object_object_get_ex(o, "channels", &values) && json_object_is_type(values, json_type_object))
                return keep_channels(r, text_of(o, "sensor"), time_of(o), exported_quality(o), values);
        if (json_object_object_get_ex(o, "sensor", &inner) && json_object_is_type(inner, json_type_object))
                return json_object_object_get_ex(inner, "values", &values) &&
                                       json_object_is_type(values, json_type_object)
                               ? keep_channels(r, text_of(inner, "name"), time_of(o), QUALITY_GOOD, values)
                               : 0;
        if (json_object_object_get_ex(o, "body", &inner))
                return json_object_is_type(inner, json_type_array)    ? take_array(r, inner)
                       : json_object_is_type(inner, json_type_object) ? take_flat(r, inner)
                                                                      : 0;
        return take_flat(r, o);
}

int recording_add_line(Recording *r, const char *line, size_t size)
{
        _cleanup_json_ json_object *value = NULL;
        const char *error;
        int n = 0;

        r->n_lines++;
        if (json_read(line, size, &value, &error) == -ENOMEM)
                return -ENOMEM;
        if (json_object_is_type(value, json_type_object))
                n = take_object(r, value);
        else if (json_object_is_type(value, json_type_array))
                n = take_array(r, value);
        if (n < 0)
                return n;
        r->n_empty += n == 0;
        return 0;
}

/* ---- by time ---- */

static int by_time(const void *a, const void *b)
{
        const RecordedReading *x = a, *y = b;

        if (x->wall_usec != y->wall_usec)
                return x->wall_usec < y->wall_usec ? -1 : 1;
        return x->place < y->place ? -1 : x->place > y->place;
}

void recording_sort(Recording *r)
{
        if (r->n_readings > 0)
                qsort(r->readings, r->n_readings, sizeof(*r->readings), by_time);
}

bool recording_get(const Recording *r, size_t i, ReadingSpace *space, Reading *ret)
{
        const RecordedReading *where = &r->readings[i];

        return reading_decode(r->records.data + where->at, where->size, space, ret) == 0;
}
