/* SPDX-License-Identifier: Apache-2.0 */
#include "explorer/c2d-message.h"

#include <errno.h>
#include <string.h>

#include "azure/percent.h"

int c2d_message_address(const char *device, Buffer *b)
{
        const char *slash = strchr(device, '/');
        _cleanup_free_ char *id = slash ? strndup(device, (size_t)(slash - device)) : strdup(device);

        if (!id)
                return -ENOMEM;
        buffer_append_string(b, "/devices/");
        percent_encode(b, id);
        if (slash) {
                buffer_append_string(b, "/modules/");
                percent_encode(b, slash + 1);
        }
        buffer_append_string(b, "/messages/devicebound");
        return buffer_error(b);
}

static pn_bytes_t bytes(const char *text)
{
        return pn_bytes(strlen(text), text);
}

static void write_head(const C2dMessage *c, pn_message_t *m)
{
        (void)pn_message_set_id(m, (pn_msgid_t){.type = PN_STRING, .u.as_bytes = bytes(c->message_id)});
        if (c->correlation_id)
                (void)pn_message_set_correlation_id(
                        m, (pn_msgid_t){.type = PN_STRING, .u.as_bytes = bytes(c->correlation_id)});
        if (c->user_id)
                (void)pn_message_set_user_id(m, bytes(c->user_id));
        if (c->content_type)
                (void)pn_message_set_content_type(m, c->content_type);
        if (c->content_encoding)
                (void)pn_message_set_content_encoding(m, c->content_encoding);
        if (c->expiry_usec > 0)
                (void)pn_message_set_expiry_time(m, (pn_timestamp_t)(c->expiry_usec / USEC_PER_MSEC));
}

static void put_pair(pn_data_t *map, const char *name, const char *value)
{
        (void)pn_data_put_string(map, bytes(name));
        (void)pn_data_put_string(map, bytes(value));
}

static void write_properties(const C2dMessage *c, pn_data_t *map)
{
        if (!c->ack && c->n_properties == 0)
                return;
        (void)pn_data_put_map(map);
        (void)pn_data_enter(map);
        if (c->ack)
                put_pair(map, "iothub-ack", c->ack);
        for (size_t i = 0; i < c->n_properties; i++)
                put_pair(map, c->properties[i].name, c->properties[i].value);
        (void)pn_data_exit(map);
}

int c2d_message_write(const C2dMessage *c, pn_message_t *m)
{
        _cleanup_(buffer_done) Buffer to = BUFFER_NULL;

        if (c2d_message_address(c->device, &to) < 0)
                return -ENOMEM;
        (void)pn_message_set_address(m, to.data);
        write_head(c, m);
        write_properties(c, pn_message_properties(m));
        /* inferred: a data section, not a value that holds bytes */
        (void)pn_message_set_inferred(m, true);
        return pn_data_put_binary(pn_message_body(m), pn_bytes(c->body_size, c->body)) == 0 ? 0 : -ENOMEM;
}
