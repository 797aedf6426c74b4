/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/cloud-message.h"

#include <string.h>

#include "base/iso-time.h"

void cloud_message_done(CloudMessage *message)
{
        free(message->message_id);
        free(message->correlation_id);
        free(message->user_id);
        free(message->to);
        free(message->content_type);
        free(message->content_encoding);
        bag_done(&message->properties);
        free(message->body);
        *message = (CloudMessage){};
}

static size_t length(const char *s)
{
        return s ? strlen(s) : 0;
}

size_t cloud_message_size(const CloudMessage *m)
{
        size_t size = m->body_size + length(m->message_id) + length(m->correlation_id) + length(m->user_id) +
                      length(m->to) + length(m->content_type) + length(m->content_encoding);

        for (size_t i = 0; i < m->properties.n_entries; i++)
                size += length(m->properties.entries[i].name) + length(m->properties.entries[i].value);
        return size;
}

static void append_text(Buffer *b, size_t start, const char *name, const char *value)
{
        if (value)
                bag_append(b, start, name, value);
}

/* One client reads no other form than that with seven digits. */
static void append_time(Buffer *b, size_t start, const char *name, usec_t usec)
{
        char text[ISO_TIME_MAX];

        if (usec == 0)
                return;
        (void)iso_time_format_7(usec, text);
        bag_append(b, start, name, text);
}

void cloud_message_bag(const CloudMessage *m, Buffer *b)
{
        size_t start = b->size;

        append_text(b, start, "$.mid", m->message_id);
        append_text(b, start, "$.to", m->to);
        append_text(b, start, "$.cid", m->correlation_id);
        append_text(b, start, "$.uid", m->user_id);
        append_text(b, start, "$.ct", m->content_type);
        append_text(b, start, "$.ce", m->content_encoding);
        append_time(b, start, "$.ctime", m->creation_usec);
        append_time(b, start, "$.exp", m->expiry_usec);
        if (m->ack != ACK_NONE)
                bag_append(b, start, "iothub-ack", ack_mode_to_string(m->ack));
        for (size_t i = 0; i < m->properties.n_entries; i++)
                bag_append(b, start, m->properties.entries[i].name, m->properties.entries[i].value);
}
