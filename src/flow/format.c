/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/format.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "model/value-json.h"
#include "queue/notices.h"

#define CONTENT_TYPE     "application/json"
#define CONTENT_ENCODING "utf-8"
#define MESSAGE_ID_MAX   128

#define USUAL_LATENCY (10 * USEC_PER_SEC)

/* ---- compiling ---- */

Format *format_free(Format *f)
{
        if (!f)
                return NULL;
        template_free(f->body);
        template_free(f->message_id);
        template_free(f->correlation_id);
        for (size_t i = 0; i < f->n_properties; i++) {
                free(f->properties[i].name);
                template_free(f->properties[i].value);
        }
        free(f->properties);
        free(f);
        return NULL;
}

static int compile(Template **ret, const char *text, TemplateKind kind, const char *stream)
{
        _cleanup_free_ char *error = NULL;
        int r;

        if (!text)
                return 0;
        r = template_new(ret, text, kind, &error);
        if (r == -EINVAL)
                log_error("Stream %s has a bad template: %s.", stream, error ? error : text);
        return r;
}

static int compile_properties(Format *f, const StreamSettings *settings)
{
        if (settings->n_properties == 0)
                return 0;
        f->properties = calloc(settings->n_properties, sizeof(*f->properties));
        if (!f->properties)
                return -ENOMEM;
        for (size_t i = 0; i < settings->n_properties; i++) {
                FormatProperty *p = &f->properties[f->n_properties++];
                int r;

                p->name = strdup(settings->properties[i].name);
                if (!p->name)
                        return -ENOMEM;
                r = compile(&p->value, settings->properties[i].value, TEMPLATE_TEXT, settings->name);
                if (r < 0)
                        return r;
        }
        return 0;
}

int format_new(Format **ret, const StreamSettings *settings)
{
        _cleanup_(format_freep) Format *f = calloc(1, sizeof(*f));
        int r;

        if (!f)
                return -ENOMEM;
        memcpy(f->stream, settings->name, sizeof(f->stream));
        memcpy(f->component, settings->component, sizeof(f->component));
        f->kind = settings->format;
        f->max_latency_usec = settings->max_latency_usec;
        f->expire_after_usec = settings->expire_after_usec;
        if ((r = compile(&f->body, settings->body, TEMPLATE_JSON, settings->name)) < 0 ||
            (r = compile(&f->message_id, settings->message_id, TEMPLATE_TEXT, settings->name)) < 0 ||
            (r = compile(&f->correlation_id, settings->correlation_id, TEMPLATE_TEXT, settings->name)) < 0 ||
            (r = compile_properties(f, settings)) < 0)
                return r;
        *ret = TAKE_PTR(f);
        return 0;
}

int format_new_usual(Format **ret, const char *stream)
{
        StreamSettings settings = {
                .format = STREAM_ARRAY,
                .max_latency_usec = USUAL_LATENCY,
                .expire_after_usec = USEC_INFINITY,
        };

        (void)snprintf(settings.name, sizeof(settings.name), "%s", stream);
        return format_new(ret, &settings);
}

/* ---- dressing ---- */

static char *identity(const Format *f, const Cargo *cargo)
{
        char *text;

        if (asprintf(&text, "%s.%016llx.%llu-%llu", f->stream, (unsigned long long)cargo->epoch,
                     (unsigned long long)cargo->first, (unsigned long long)cargo->last) < 0)
                return NULL;
        return text;
}

static char *filled(const Template *t, const TemplateValues *values)
{
        Buffer b = BUFFER_NULL;
        char *text;

        template_fill(t, values, &b);
        text = buffer_steal(&b);
        buffer_done(&b);
        return text;
}

/* The hub takes at most 128 of certain characters. The identity stays exact in its property. */
static char *as_message_id(char *text)
{
        size_t n = 0;

        if (!text)
                return NULL;
        for (; text[n] && n < MESSAGE_ID_MAX; n++)
                if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-:.+%_#*?!(),=@;$'",
                            text[n]))
                        text[n] = '_';
        text[n] = 0;
        return text;
}

/* Telemetry belongs to the stream's component; a notice is of the gateway itself. */
static void assign(const Format *f, Message *m)
{
        memcpy(m->component, f->component, sizeof(m->component));
}

/* What all kinds of message have. The identity comes last, beside a message id of their own. */
static int dress(const Format *f, const Cargo *cargo, Message *m)
{
        _cleanup_free_ char *id = identity(f, cargo);
        int r;

        if (!id)
                return -ENOMEM;
        memcpy(m->stream, f->stream, sizeof(m->stream));
        m->epoch = cargo->epoch;
        m->first = cargo->first;
        m->last = cargo->last;
        if (m->created_usec == 0)
                m->created_usec = cargo->wall_usec;
        if (m->message_id) {
                r = message_add_property(m, PROPERTY_IDENTITY, id);
                if (r < 0)
                        return r;
        } else
                m->message_id = TAKE_PTR(id);
        return cargo->backfill ? message_add_property(m, PROPERTY_BACKFILL, "1") : 0;
}

static int add_properties(const Format *f, const TemplateValues *values, Message *m)
{
        for (size_t i = 0; i < f->n_properties; i++) {
                _cleanup_free_ char *value = filled(f->properties[i].value, values);
                int r;

                if (!value)
                        return -ENOMEM;
                r = message_add_property(m, f->properties[i].name, value);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* A message made of readings, still without its body. */
static int new_of_readings(const Format *f, const Cargo *cargo, const TemplateValues *values, Message **ret)
{
        _cleanup_(message_freep) Message *m = calloc(1, sizeof(*m));
        int r;

        if (!m)
                return -ENOMEM;
        assign(f, m);
        m->content_type = strdup(CONTENT_TYPE);
        m->content_encoding = strdup(CONTENT_ENCODING);
        if (!m->content_type || !m->content_encoding)
                return -ENOMEM;
        if (f->message_id) {
                m->message_id = as_message_id(filled(f->message_id, values));
                if (!m->message_id)
                        return -ENOMEM;
        }
        if (f->correlation_id) {
                m->correlation_id = filled(f->correlation_id, values);
                if (!m->correlation_id)
                        return -ENOMEM;
        }
        r = add_properties(f, values, m);
        if (r >= 0)
                r = dress(f, cargo, m);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(m);
        return 0;
}

/* ---- arrays ---- */

/* Of many readings there is no one sensor or value: those holes stay empty. */
static TemplateValues values_of_pack(const Cargo *cargo)
{
        return (TemplateValues){.device = cargo->device, .time_usec = cargo->wall_usec, .count = cargo->last};
}

int format_overhead(const Format *f, const Cargo *cargo, size_t *ret)
{
        _cleanup_(message_freep) Message *m = NULL;
        Cargo guess = *cargo;
        TemplateValues values;
        int r;

        /* no pack has more readings than it has bytes */
        guess.last = cargo->first + PACKER_SIZE_MAX;
        values = values_of_pack(&guess);
        r = new_of_readings(f, &guess, &values, &m);
        if (r < 0)
                return r;
        *ret = message_size(m);
        return 0;
}

int format_pack(const Format *f, const Cargo *cargo, Message **ret)
{
        TemplateValues values = values_of_pack(cargo);

        return new_of_readings(f, cargo, &values, ret);
}

/* ---- objects ---- */

static void append_object(Buffer *b, const Reading *reading)
{
        buffer_append_char(b, '{');
        for (size_t i = 0; i < reading->n_channels; i++) {
                if (i > 0)
                        buffer_append_char(b, ',');
                json_string(b, reading->channels[i].name);
                buffer_append_char(b, ':');
                value_to_json(&reading->channels[i].value, b);
        }
        buffer_append_char(b, '}');
}

int format_reading(const Format *f, const Cargo *cargo, const Reading *reading, Message **ret)
{
        _cleanup_(message_freep) Message *m = NULL;
        TemplateValues values = {
                .device = cargo->device,
                .sensor = reading->sensor,
                .channel = reading->channels[0].name,
                .value = &reading->channels[0].value,
                .channels = reading->channels,
                .n_channels = reading->n_channels,
                .unit = cargo->unit,
                .time_usec = cargo->wall_usec,
                .count = cargo->first,
        };
        int r = new_of_readings(f, cargo, &values, &m);

        if (r < 0)
                return r;
        if (f->body)
                template_fill(f->body, &values, &m->body);
        else
                append_object(&m->body, reading);
        if (buffer_error(&m->body))
                return -ENOMEM;
        *ret = TAKE_PTR(m);
        return 0;
}

/* ---- a local service's own message ---- */

int format_message(const Format *f, const Cargo *cargo, const void *payload, size_t size, Message **ret)
{
        _cleanup_(message_freep) Message *m = NULL;
        int r = message_decode(payload, size, &m);

        if (r < 0)
                return r;
        assign(f, m);
        r = dress(f, cargo, m);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(m);
        return 0;
}

/* ---- a notice of what went ---- */

static void append_notice(Buffer *b, const Format *f, const Cargo *cargo, Outcome outcome, const NoticeRange *ranges,
                          size_t n_ranges)
{
        buffer_append_string(b, "{\"stream\":");
        json_string(b, f->stream);
        buffer_printf(b, ",\"epoch\":\"%016" PRIx64 "\",\"ranges\":[", cargo->epoch);
        for (size_t i = 0; i < n_ranges; i++)
                buffer_printf(b, "%s[%" PRIu64 ",%" PRIu64 "]", i > 0 ? "," : "", ranges[i].first, ranges[i].last);
        buffer_append_string(b, "],\"reason\":");
        json_string(b, outcome_to_string(outcome));
        buffer_append_char(b, '}');
}

int format_notice(const Format *f, const Cargo *cargo, const void *payload, size_t size, Message **ret)
{
        _cleanup_(message_freep) Message *m = NULL;
        NoticeRange ranges[NOTICES_MAX];
        Outcome outcome;
        size_t n;
        int r;

        if (!notice_decode(payload, size, &outcome, ranges, &n))
                return -EBADMSG;
        m = calloc(1, sizeof(*m));
        if (!m)
                return -ENOMEM;
        m->content_type = strdup(CONTENT_TYPE);
        m->content_encoding = strdup(CONTENT_ENCODING);
        if (!m->content_type || !m->content_encoding)
                return -ENOMEM;
        append_notice(&m->body, f, cargo, outcome, ranges, n);
        if (buffer_error(&m->body))
                return -ENOMEM;
        r = message_add_property(m, PROPERTY_NOTICE, "1");
        if (r >= 0)
                r = dress(f, cargo, m);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(m);
        return 0;
}
