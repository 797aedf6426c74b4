/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The record of a message, version 1, and 2 where it has a time of its own:
 *
 *   version u8 | n_properties u8 | in version 2: created u64, not 0
 *   | content type NUL | content encoding NUL | correlation id NUL
 *   then per property: name NUL | value NUL; then the body, to the end
 *
 * An absent text is written as an empty one: the hub makes no difference.
 */

#include "model/message.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"

#define VERSION         1
#define VERSION_CREATED 2

Message *message_free(Message *m)
{
        if (!m)
                return NULL;
        free(m->message_id);
        free(m->correlation_id);
        free(m->content_type);
        free(m->content_encoding);
        properties_free(m->properties, m->n_properties);
        buffer_done(&m->body);
        free(m);
        return NULL;
}

int message_add_property(Message *m, const char *name, const char *value)
{
        return properties_add(&m->properties, &m->n_properties, name, value);
}

static size_t length(const char *s)
{
        return s ? strlen(s) : 0;
}

size_t message_size(const Message *m)
{
        size_t n = m->body.size + length(m->component) + length(m->message_id) + length(m->correlation_id) +
                   length(m->content_type) + length(m->content_encoding);

        if (m->created_usec > 0)
                n += strlen("2026-01-01T00:00:00.000Z");
        return n + properties_size(m->properties, m->n_properties);
}

void message_encode(const Message *m, Buffer *b)
{
        uint8_t head[2 + 8] = {m->created_usec > 0 ? VERSION_CREATED : VERSION, (uint8_t)m->n_properties};

        bytes_put64(head + 2, m->created_usec);
        buffer_append(b, head, m->created_usec > 0 ? sizeof(head) : 2);
        record_text_put(b, m->content_type ?: "");
        record_text_put(b, m->content_encoding ?: "");
        record_text_put(b, m->correlation_id ?: "");
        properties_encode(m->properties, m->n_properties, b);
        buffer_append(b, m->body.data, m->body.size);
}

static int take_member(const char **p, const char *end, char **ret)
{
        const char *text = record_text_take(p, end);

        if (!text)
                return -EBADMSG;
        if (*text == 0)
                return 0;
        *ret = strdup(text);
        return *ret ? 0 : -ENOMEM;
}

static int take_created(const char **p, const char *end, usec_t *ret)
{
        bool is_there = **p == VERSION_CREATED;

        *p += 2;
        *ret = 0;
        if (!is_there)
                return 0;
        if (end - *p < 8)
                return -EBADMSG;
        *ret = bytes_get64((const uint8_t *)*p);
        *p += 8;
        return *ret > 0 ? 0 : -EBADMSG;
}

int message_decode(const void *data, size_t size, Message **ret)
{
        _cleanup_(message_freep) Message *m = NULL;
        const char *p = data, *end = p + size;
        unsigned n_properties;
        usec_t created;
        int r;

        if (size < 2 || (p[0] != VERSION && p[0] != VERSION_CREATED))
                return -EBADMSG;
        n_properties = (uint8_t)p[1];
        r = take_created(&p, end, &created);
        if (r < 0)
                return r;
        m = calloc(1, sizeof(*m));
        if (!m)
                return -ENOMEM;
        m->created_usec = created;
        if ((r = take_member(&p, end, &m->content_type)) < 0 ||
            (r = take_member(&p, end, &m->content_encoding)) < 0 ||
            (r = take_member(&p, end, &m->correlation_id)) < 0)
                return r;
        for (unsigned i = 0; i < n_properties; i++) {
                const char *name = record_text_take(&p, end), *value = name ? record_text_take(&p, end) : NULL;

                if (!value)
                        return -EBADMSG;
                r = message_add_property(m, name, value);
                if (r < 0)
                        return r;
        }
        buffer_append(&m->body, p, (size_t)(end - p));
        if (buffer_error(&m->body))
                return -ENOMEM;
        *ret = TAKE_PTR(m);
        return 0;
}
