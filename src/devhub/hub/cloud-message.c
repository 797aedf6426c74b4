/* SPDX-License-Identifier: Apache-2.0 */
#include "devhub/hub/cloud-message.h"

#include <errno.h>
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

static void append_text(Buffer *b, const char *name, const char *value)
{
        if (value)
                bag_append(b, 0, name, value);
}

/* One client reads no other form than that with seven digits. */
static void append_time(Buffer *b, const char *name, usec_t usec)
{
        char text[ISO_TIME_MAX];

        if (usec == 0)
                return;
        (void)iso_time_format_7(usec, text);
        bag_append(b, 0, name, text);
}

static void write_bag(const CloudMessage *m, Buffer *b)
{
        append_text(b, "$.mid", m->message_id);
        append_text(b, "$.to", m->to);
        append_text(b, "$.cid", m->correlation_id);
        append_text(b, "$.uid", m->user_id);
        append_text(b, "$.ct", m->content_type);
        append_text(b, "$.ce", m->content_encoding);
        append_time(b, "$.ctime", m->creation_usec);
        append_time(b, "$.exp", m->expiry_usec);
        if (m->ack != ACK_NONE)
                bag_append(b, 0, "iothub-ack", ack_mode_to_string(m->ack));
        for (size_t i = 0; i < m->properties.n_entries; i++)
                bag_append(b, 0, m->properties.entries[i].name, m->properties.entries[i].value);
}

/* One client drops a message with a tilde that is not encoded. */
static void append_without_tildes(Buffer *b, const char *text)
{
        size_t n;

        while (text[n = strcspn(text, "~")]) {
                buffer_append(b, text, n);
                buffer_append_string(b, "%7E");
                text += n + 1;
        }
        buffer_append(b, text, n);
}

void cloud_message_bag(const CloudMessage *m, Buffer *b)
{
        _cleanup_(buffer_done) Buffer bag = BUFFER_NULL;

        write_bag(m, &bag);
        append_without_tildes(b, bag.data ? bag.data : "");
        if (buffer_error(&bag))
                b->error = -ENOMEM;
}
