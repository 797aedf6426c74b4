/* SPDX-License-Identifier: Apache-2.0 */

/* Values, counts and sensors as text and as JSON. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/utf8.h"
#include "ctl/ctl.h"
#include "model/value-json.h"

int print_buffer(Buffer *b)
{
        int r = buffer_error(b) < 0 || fwrite(b->data, 1, b->size, stdout) != b->size || fflush(stdout) != 0;

        buffer_done(b);
        return r ? CTL_FAILED : CTL_OK;
}

void put_json_text(Buffer *b, const char *name, const char *value)
{
        buffer_printf(b, "\"%s\":", name);
        json_string(b, value);
        buffer_append_char(b, ',');
}

void put_json_properties(Buffer *b, const Property *properties, size_t n)
{
        buffer_append_string(b, ",\"properties\":{");
        for (size_t i = 0; i < n; i++) {
                buffer_append_string(b, i ? "," : "");
                json_string(b, properties[i].name);
                buffer_append_char(b, ':');
                json_string(b, properties[i].value);
        }
        buffer_append_char(b, '}');
}

void put_json_body(Buffer *b, const void *body, size_t size)
{
        if (size == 0 || utf8_is_valid(body, size)) {
                buffer_append_string(b, ",\"body\":");
                json_string_n(b, size > 0 ? body : "", size);
                return;
        }
        buffer_append_string(b, ",\"body_base64\":\"");
        base64_encode(b, body, size);
        buffer_append_char(b, '"');
}

/* Six digits are what a person compares; a whole number keeps all of its own. */
static void put_number(Buffer *b, double x)
{
        double size = x < 0 ? -x : x;

        buffer_printf(b, size >= 1e6 && size < 1e15 ? "%.0f" : "%.6g", x);
}

void put_value(Buffer *b, const Value *v)
{
        if (v->kind == VALUE_NUMBER)
                put_number(b, v->number);
        else
                value_to_json(v, b);
}

void put_values(Buffer *b, const SensorInfo *s)
{
        for (size_t i = 0; i < s->n_values; i++) {
                buffer_printf(b, "%s%s=", i ? "  " : "", s->values[i].name);
                put_value(b, &s->values[i].value);
                if (*s->units[i])
                        buffer_printf(b, " %s", s->units[i]);
        }
}

void put_counts(Buffer *b, const Counts *c)
{
        for (size_t i = 0; i < c->n_items; i++)
                if (c->items[i].n > 0)
                        buffer_printf(b, "%s%s %" PRIu64, b->size > 0 ? ", " : "", c->items[i].name,
                                      c->items[i].n);
}

void put_counts_json(Buffer *b, const Counts *c)
{
        buffer_append_char(b, '{');
        for (size_t i = 0; i < c->n_items; i++) {
                buffer_append_string(b, i ? "," : "");
                json_string(b, c->items[i].name);
                buffer_append_char(b, ':');
                json_unsigned(b, c->items[i].n);
        }
        buffer_append_char(b, '}');
}

void put_sensor_json(Buffer *b, const SensorInfo *s)
{
        bool more = false;

        buffer_printf(b, "{\"name\":\"%s\",\"driver\":\"%s\",\"state\":\"%s\",\"values\":{", s->name,
                      s->driver, s->state);
        for (size_t i = 0; i < s->n_values; i++) {
                buffer_printf(b, "%s\"%s\":", i ? "," : "", s->values[i].name);
                value_to_json(&s->values[i].value, b);
        }
        buffer_append_string(b, "},\"units\":{");
        for (size_t i = 0; i < s->n_values; i++)
                if (*s->units[i]) {
                        buffer_printf(b, "%s\"%s\":", more ? "," : "", s->values[i].name);
                        json_string(b, s->units[i]);
                        more = true;
                }
        buffer_printf(b, "},\"time\":%" PRIu64 ",\"errors\":%" PRIu64 ",\"error_kinds\":", s->time,
                      s->errors);
        put_counts_json(b, &s->error_kinds);
        buffer_append_string(b, ",\"last_error\":");
        json_string(b, s->last_error);
        buffer_printf(b, ",\"interval\":%" PRIu64 "}", s->interval);
}

void put_sensors_json(Buffer *b, const SensorList *l)
{
        buffer_append_char(b, '[');
        for (size_t i = 0; i < l->n_sensors; i++) {
                buffer_append_string(b, i ? "," : "");
                put_sensor_json(b, &l->sensors[i]);
        }
        buffer_append_char(b, ']');
}

static Colour colour_of(const SensorInfo *s)
{
        return strcmp(s->state, "ok") == 0        ? COLOUR_GOOD
               : strcmp(s->state, "failing") == 0 ? COLOUR_BAD
                                                  : COLOUR_CARE;
}

/* "; alarm: temperature above 80" */
static void put_alarms(Buffer *b, const SensorInfo *s, const AlarmList *alarms)
{
        const size_t n = strlen(s->name);
        bool more = false;

        for (size_t i = 0; i < alarms->n_items; i++) {
                const AlarmInfo *a = &alarms->items[i];

                if (strncmp(a->channel, s->name, n) != 0 || a->channel[n] != '.')
                        continue;
                buffer_printf(b, "%s%s %s ", more ? ", " : "; alarm: ", a->channel + n + 1, a->state);
                put_number(b, a->limit);
                more = true;
        }
}

void print_sensors(const Screen *screen, const SensorList *l, const AlarmList *alarms)
{
        usec_t now = clock_wall(&clock_system);
        Table t = {};

        if (l->n_sensors == 0)
                return;
        table_head(&t, 5, (const char *const[]){"sensor", "state", "read", "errors", "values"});
        for (size_t i = 0; i < l->n_sensors; i++) {
                const SensorInfo *s = &l->sensors[i];
                _cleanup_(buffer_done) Buffer age = BUFFER_NULL, errors = BUFFER_NULL, what = BUFFER_NULL;

                if (s->time > 0) {
                        put_span(&age, usec_sub(now, s->time));
                        buffer_append_string(&age, " ago");
                }
                if (strcmp(s->state, "ok") != 0 && *s->last_error)
                        buffer_printf(&what, "%s%s", s->last_error, s->n_values > 0 ? "; last " : "");
                put_counts(&errors, &s->error_kinds);
                put_values(&what, s);
                put_alarms(&what, s, alarms);
                table_add(&t, COLOUR_NONE, "%s", s->name);
                table_add(&t, colour_of(s), "%s", s->state);
                table_add(&t, COLOUR_NONE, "%s", age.data ? age.data : "never");
                table_add(&t, COLOUR_NONE, "%s", errors.data ? errors.data : "");
                table_add(&t, COLOUR_NONE, "%s", what.data ? what.data : "");
        }
        table_print(&t, screen);
}
