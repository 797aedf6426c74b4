/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/event-message.h"

#include <errno.h>
#include <string.h>

#include "base/iso-time.h"
#include "explorer/amqp-data.h"

/* Application properties by which the hub hands on what were system properties of the sender. */
static const char *const system_names[] = {
        "iothub-ack", "iothub-creation-time-utc", "iothub-message-schema", "iothub-operation", "iothub-outputname",
};

/* ---- texts and pairs ---- */

/* Keeps a text as long as the message lives. NULL stays NULL. */
static const char *keep(EventMessage *m, char *text)
{
        if (!text)
                return NULL;
        if (m->n_texts == m->texts_allocated) {
                size_t n = m->texts_allocated * 2 + 16;
                char **more = reallocarray(m->texts, n, sizeof(*more));

                if (!more) {
                        free(text);
                        m->failed = true;
                        return NULL;
                }
                m->texts = more;
                m->texts_allocated = n;
        }
        m->texts[m->n_texts++] = text;
        return text;
}

static const char *keep_copy(EventMessage *m, const char *text)
{
        char *copy = strdup(text);

        m->failed = m->failed || !copy;
        return keep(m, copy);
}

static void append(EventMessage *m, EventPair **pairs, size_t *n, size_t *allocated, const char *name,
                   const char *value)
{
        if (*n == *allocated) {
                size_t more = *allocated * 2 + 16;
                EventPair *grown = reallocarray(*pairs, more, sizeof(*grown));

                if (!grown) {
                        m->failed = true;
                        return;
                }
                *pairs = grown;
                *allocated = more;
        }
        (*pairs)[(*n)++] = (EventPair){name, value};
}

static void add_system(EventMessage *m, const char *name, const char *value)
{
        append(m, &m->system, &m->event.n_system, &m->system_allocated, name, value);
}

static void add_property(EventMessage *m, const char *name, const char *value)
{
        append(m, &m->properties, &m->event.n_properties, &m->properties_allocated, name, value);
}

/* ---- AMQP's own properties ---- */

static void add_if(EventMessage *m, const char *name, const char *value)
{
        if (value && *value)
                add_system(m, name, keep_copy(m, value));
}

static void add_data(EventMessage *m, const char *name, pn_data_t *data)
{
        pn_data_rewind(data);
        if (pn_data_next(data) && pn_data_type(data) != PN_NULL)
                add_system(m, name, keep(m, amqp_data_text(data)));
}

static void add_bytes(EventMessage *m, const char *name, pn_bytes_t bytes)
{
        if (bytes.start && bytes.size > 0)
                add_system(m, name, keep(m, strndup(bytes.start, bytes.size)));
}

static void add_time(EventMessage *m, const char *name, pn_timestamp_t t)
{
        char text[ISO_TIME_MAX];

        if (t <= 0)
                return;
        (void)iso_time_format((usec_t)MIN(t, INT64_MAX / 1000) * USEC_PER_MSEC, text);
        add_system(m, name, keep_copy(m, text));
}

static void read_head(EventMessage *m, pn_message_t *message)
{
        add_data(m, "message-id", pn_message_id(message));
        add_data(m, "correlation-id", pn_message_correlation_id(message));
        add_bytes(m, "user-id", pn_message_get_user_id(message));
        add_if(m, "to", pn_message_get_address(message));
        add_if(m, "subject", pn_message_get_subject(message));
        add_if(m, "content-type", pn_message_get_content_type(message));
        add_if(m, "content-encoding", pn_message_get_content_encoding(message));
        add_time(m, "absolute-expiry-time", pn_message_get_expiry_time(message));
        add_time(m, "creation-time", pn_message_get_creation_time(message));
}

/* ---- annotations ---- */

static usec_t time_of(pn_data_t *value)
{
        int64_t ms;

        return amqp_data_integer(value, &ms) && ms > 0 ? (usec_t)MIN(ms, INT64_MAX / 1000) * USEC_PER_MSEC : 0;
}

/* Those that stand on their own in the event. */
static bool take_own(EventMessage *m, const char *name, pn_data_t *value)
{
        int64_t n;

        if (strcmp(name, "x-opt-sequence-number") == 0) {
                m->has_sequence = amqp_data_integer(value, &n) && n >= 0;
                m->event.sequence = m->has_sequence ? (uint64_t)n : 0;
                return true;
        }
        if (strcmp(name, "x-opt-enqueued-time") == 0) {
                m->event.enqueued_usec = time_of(value);
                return true;
        }
        if (strcmp(name, "iothub-enqueuedtime") == 0 && m->event.enqueued_usec == 0)
                m->event.enqueued_usec = time_of(value);
        return false;
}

static void note(EventMessage *m, const char *name, const char *value)
{
        if (strcmp(name, "iothub-connection-device-id") == 0)
                m->event.device = value;
        else if (strcmp(name, "iothub-connection-module-id") == 0)
                m->module = value;
        else if (strcmp(name, "x-opt-offset") == 0)
                m->offset = value;
}

static void read_annotations(EventMessage *m, pn_data_t *data)
{
        _cleanup_(buffer_done) Buffer name = BUFFER_NULL;

        if (!amqp_data_begin(data))
                return;
        while (amqp_data_next(data, &name)) {
                const char *value;

                if (buffer_error(&name)) {
                        m->failed = true;
                        return;
                }
                if (take_own(m, name.data, data))
                        continue;
                value = keep(m, amqp_data_text(data));
                add_system(m, keep_copy(m, name.data), value);
                note(m, name.data, value);
        }
}

/* ---- application properties ---- */

static bool is_system_name(const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(system_names); i++)
                if (strcmp(name, system_names[i]) == 0)
                        return true;
        return false;
}

static void read_properties(EventMessage *m, pn_data_t *data)
{
        _cleanup_(buffer_done) Buffer name = BUFFER_NULL;

        if (!amqp_data_begin(data))
                return;
        while (amqp_data_next(data, &name)) {
                if (buffer_error(&name)) {
                        m->failed = true;
                        return;
                }
                (is_system_name(name.data) ? add_system : add_property)(m, keep_copy(m, name.data),
                                                                        keep(m, amqp_data_text(data)));
        }
}

/* ---- body ---- */

/* Data sections one after the other; a value that is no text is AMQP's notation of it. */
static void read_body(EventMessage *m, pn_data_t *data)
{
        pn_data_rewind(data);
        while (pn_data_next(data)) {
                pn_type_t type = pn_data_type(data);

                if (type == PN_BINARY || type == PN_STRING) {
                        pn_bytes_t bytes = pn_data_get_bytes(data);

                        buffer_append(&m->body, bytes.start, bytes.size);
                } else if (type != PN_NULL) {
                        _cleanup_free_ char *text = amqp_data_text(data);

                        buffer_append_string(&m->body, text ? text : "");
                }
        }
        m->event.body = m->body.data;
        m->event.body_size = m->body.size;
        m->failed = m->failed || buffer_error(&m->body);
}

int event_message_read(EventMessage *m, pn_message_t *message)
{
        *m = (EventMessage){};
        read_head(m, message);
        read_annotations(m, pn_message_annotations(message));
        read_properties(m, pn_message_properties(message));
        read_body(m, pn_message_body(message));
        m->event.system = m->system;
        m->event.properties = m->properties;
        if (!m->failed)
                return 0;
        event_message_done(m);
        return -ENOMEM;
}

void event_message_done(EventMessage *m)
{
        for (size_t i = 0; i < m->n_texts; i++)
                free(m->texts[i]);
        free(m->texts);
        free(m->system);
        free(m->properties);
        buffer_done(&m->body);
        *m = (EventMessage){};
}
