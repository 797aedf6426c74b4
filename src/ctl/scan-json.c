/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/scan.h"

#include "base/json.h"

/* ---- pieces ---- */

/* null where there is none */
static void put_text(Buffer *b, const char *name, const char *value)
{
        buffer_printf(b, ",\"%s\":", name);
        if (value)
                json_string(b, value);
        else
                buffer_append_string(b, "null");
}

static void put_error(Buffer *b, const char *device, int error)
{
        _cleanup_(buffer_done) Buffer words = BUFFER_NULL;

        scan_put_error(&words, device, error);
        put_text(b, "error", words.data);
}

/* ---- buses ---- */

static void put_address(Buffer *b, const SurveyAddress *a)
{
        const I2cHolder *h = &a->holder;
        bool shown = a->is_held && *h->shown;

        buffer_printf(b, "{\"address\":%u", a->address);
        put_text(b, "type", a->type);
        put_text(b, "held_by", a->is_held ? h->driver : NULL);
        put_text(b, "driver", shown ? h->kind : NULL);
        put_text(b, "device", shown ? h->name : NULL);
        put_text(b, "place", a->is_held ? h->place : NULL);
        buffer_append_char(b, '}');
}

static void put_finding(Buffer *b, const Finding *f)
{
        buffer_printf(b, "{\"address\":%u,\"identified\":%s,\"chips\":[", f->address,
                      f->is_identified ? "true" : "false");
        for (size_t i = 0; i < f->n_chips; i++) {
                buffer_append_string(b, i > 0 ? "," : "");
                json_string(b, f->chips[i]->name);
        }
        buffer_append_char(b, ']');
        put_text(b, "multiplexer", f->mux ? f->mux->name : NULL);
        buffer_append_char(b, '}');
}

static void put_probe(Buffer *b, const Probe *p)
{
        if (!p) {
                buffer_append_string(b, ",\"probe\":null");
                return;
        }
        buffer_append_string(b, ",\"probe\":{\"found\":[");
        for (size_t i = 0; i < p->n_findings; i++) {
                buffer_append_string(b, i > 0 ? "," : "");
                put_finding(b, &p->findings[i]);
        }
        buffer_append_string(b, "],\"held\":[");
        for (unsigned address = PROBE_FIRST, n = 0; address <= PROBE_LAST; address++)
                if (p->held[address])
                        buffer_printf(b, "%s%u", n++ > 0 ? "," : "", address);
        buffer_printf(b, "],\"silent\":%u,\"stuck\":%u,\"left_out\":%u}", p->n_silent, p->n_stuck, p->n_left_out);
}

static void put_bus(Buffer *b, const SurveyBus *bus)
{
        buffer_printf(b, "{\"bus\":%u", bus->number);
        put_text(b, "device", bus->device);
        put_text(b, "name", bus->name);
        put_text(b, "adapter", bus->functions <= 0 ? NULL : bus->functions & I2C_CAN_PLAIN ? "plain" : "smbus");
        if (bus->functions < 0)
                put_error(b, bus->device, -bus->functions);
        buffer_append_string(b, ",\"addresses\":[");
        for (size_t i = 0; i < bus->n_addresses; i++) {
                buffer_append_string(b, i > 0 ? "," : "");
                put_address(b, &bus->addresses[i]);
        }
        buffer_append_char(b, ']');
        put_probe(b, bus->probe);
        buffer_append_char(b, '}');
}

/* ---- sensors ---- */

static void put_channel(Buffer *b, const ChannelSettings *c, const SurveyChannel *look)
{
        buffer_append_string(b, "{\"name\":");
        json_string(b, c->name);
        put_text(b, "attribute", c->attribute);
        put_text(b, "label", c->label);
        put_text(b, "unit", look->unit);
        buffer_append_string(b, ",\"value\":");
        if (look->error)
                buffer_append_string(b, "null");
        else
                json_number(b, look->value);
        put_text(b, "error", look->error);
        buffer_append_char(b, '}');
}

static void put_sensor(Buffer *b, const SurveySensor *sensor)
{
        const SensorSettings *s = &sensor->settings;

        buffer_append_string(b, "{\"name\":");
        json_string(b, s->name);
        put_text(b, "driver", s->driver);
        put_text(b, "called", sensor->called);
        put_text(b, "device", s->device);
        put_text(b, "at", s->at);
        put_text(b, "path", s->path);
        put_text(b, "bus", s->bus);
        if (s->bus)
                buffer_printf(b, ",\"address\":%u", s->address);
        put_text(b, "chip", *s->chip ? s->chip : NULL);
        put_text(b, "shown", sensor->path);
        put_text(b, "place", sensor->place);
        put_text(b, "why_not", sensor->why_not);
        buffer_append_string(b, ",\"channels\":[");
        for (size_t i = 0; i < s->n_channels; i++) {
                buffer_append_string(b, i > 0 ? "," : "");
                put_channel(b, &s->channels[i], &sensor->channels[i]);
        }
        buffer_append_string(b, "]}");
}

void scan_put_json(Buffer *b, const Survey *s)
{
        buffer_append_string(b, "{\"buses\":[");
        for (size_t i = 0; i < s->n_buses; i++) {
                buffer_append_string(b, i > 0 ? "," : "");
                put_bus(b, &s->buses[i]);
        }
        buffer_append_string(b, "],\"sensors\":[");
        for (size_t i = 0; i < s->n_sensors; i++) {
                buffer_append_string(b, i > 0 ? "," : "");
                put_sensor(b, &s->sensors[i]);
        }
        buffer_append_string(b, "]}\n");
}
