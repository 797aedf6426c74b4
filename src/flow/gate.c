/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/gate.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "flow/format.h"

#define NAME_RULE "[A-Za-z][A-Za-z0-9_]*, at most %d characters"

/* The year 10000 has no ISO 8601 text of 24 characters. */
#define WALL_MAX (253402300800 * USEC_PER_SEC)

bool object_to(Objection *o, Refusal refusal, RequestError error, const char *fmt, ...)
{
        va_list ap;

        o->refusal = refusal;
        o->error = error;
        va_start(ap, fmt);
        (void)vsnprintf(o->text, sizeof(o->text), fmt, ap);
        va_end(ap);
        return false;
}

static bool value_is_fine(const Reading *reading, const Channel *channel, Objection *o)
{
        const Value *v = &channel->value;

        if (v->kind == VALUE_NUMBER && !isfinite(v->number))
                return object_to(o, REFUSAL_NAN, REQUEST_BAD_VALUE, "%s.%s is not a finite number", reading->sensor,
                                 channel->name);
        if (v->kind != VALUE_TEXT)
                return true;
        if (strlen(v->text) > READING_TEXT_MAX)
                return object_to(o, REFUSAL_TOO_LONG, REQUEST_TOO_LARGE, "the text of %s.%s is over %d bytes",
                                 reading->sensor, channel->name, READING_TEXT_MAX);
        if (!utf8_is_valid(v->text, strlen(v->text)))
                return object_to(o, REFUSAL_MALFORMED, REQUEST_BAD_VALUE, "the text of %s.%s is not UTF-8",
                                 reading->sensor, channel->name);
        return true;
}

static bool channel_is_fine(const Reading *reading, size_t i, Objection *o)
{
        const Channel *channel = &reading->channels[i];

        if (!channel_name_is_valid(channel->name))
                return object_to(o, REFUSAL_MALFORMED, REQUEST_BAD_VALUE,
                                 "%s has a channel with a bad name: it must match " NAME_RULE
                                 "; " CHANNEL_NAME_TAKEN,
                                 reading->sensor, NAME_LENGTH_MAX);
        for (size_t k = 0; k < i; k++)
                if (strcmp(reading->channels[k].name, channel->name) == 0)
                        return object_to(o, REFUSAL_MALFORMED, REQUEST_BAD_VALUE, "%s.%s is given twice",
                                         reading->sensor, channel->name);
        return value_is_fine(reading, channel, o);
}

bool gate_reading(const Reading *reading, Objection *o)
{
        if (!name_is_valid(reading->sensor))
                return object_to(o, REFUSAL_MALFORMED, REQUEST_BAD_VALUE,
                                 "the sensor has a bad name: it must match " NAME_RULE, NAME_LENGTH_MAX);
        if (reading->n_channels == 0 || reading->n_channels > READING_CHANNELS_MAX)
                return object_to(o, REFUSAL_MALFORMED, REQUEST_BAD_VALUE,
                                 "a reading of %s has %zu channels: it must have 1 to %d", reading->sensor,
                                 reading->n_channels, READING_CHANNELS_MAX);
        if (reading->wall_usec >= WALL_MAX)
                return object_to(o, REFUSAL_RANGE, REQUEST_BAD_VALUE, "the time of %s lies beyond the year 9999",
                                 reading->sensor);
        for (size_t i = 0; i < reading->n_channels; i++)
                if (!channel_is_fine(reading, i, o))
                        return false;
        return true;
}

static bool text_is_fine(const char *text, const char *what, Objection *o)
{
        if (!text || utf8_is_valid(text, strlen(text)))
                return true;
        return object_to(o, REFUSAL_MALFORMED, REQUEST_BAD_VALUE, "the %s is not UTF-8", what);
}

static bool property_is_fine(const Property *p, Objection *o)
{
        if (p->name[0] == 0)
                return object_to(o, REFUSAL_MALFORMED, REQUEST_BAD_VALUE, "a property has no name");
        if (strcmp(p->name, PROPERTY_IDENTITY) == 0 || strcmp(p->name, PROPERTY_BACKFILL) == 0 ||
            strcmp(p->name, PROPERTY_NOTICE) == 0)
                return object_to(o, REFUSAL_MALFORMED, REQUEST_BAD_VALUE,
                                 "property %s needs another name: this one is hublink's own", p->name);
        return text_is_fine(p->name, "name of a property", o) && text_is_fine(p->value, "value of a property", o);
}

bool gate_message(const Message *m, Objection *o)
{
        /* what dress() in flow/format will add, at most */
        const size_t reserve = 128;

        if (!text_is_fine(m->content_type, "content type", o) ||
            !text_is_fine(m->content_encoding, "content encoding", o) ||
            !text_is_fine(m->correlation_id, "correlation id", o))
                return false;
        if (m->n_properties > UINT8_MAX)
                return object_to(o, REFUSAL_MALFORMED, REQUEST_BAD_VALUE, "a message has at most %d properties",
                                 UINT8_MAX);
        for (size_t i = 0; i < m->n_properties; i++)
                if (!property_is_fine(&m->properties[i], o))
                        return false;
        if (message_size(m) + reserve > MESSAGE_SIZE_MAX)
                return object_to(o, REFUSAL_TOO_LONG, REQUEST_TOO_LARGE,
                                 "a message is at most %zu bytes, its properties included",
                                 (size_t)MESSAGE_SIZE_MAX - reserve);
        return true;
}
