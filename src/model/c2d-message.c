/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The record of a C2D message, version 1:
 *
 *   version u8 | zero u8 | n_properties u16 | created u64 | expiry u64
 *   | message id | correlation id | user id | content type | content encoding
 *   then per property: name | value; then the body, to the end
 *
 * Each text ends with a NUL; a system property that is there begins with a '=', so that an empty one is not taken for
 * one that is absent.
 */

#include "model/c2d-message.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"

#define VERSION 1
#define FIXED   20
#define PRESENT '='

C2dMessage *c2d_message_free(C2dMessage *m)
{
        if (!m)
                return NULL;
        free(m->message_id);
        free(m->correlation_id);
        free(m->user_id);
        free(m->content_type);
        free(m->content_encoding);
        properties_free(m->properties, m->n_properties);
        buffer_done(&m->body);
        free(m);
        return NULL;
}

int c2d_message_add_property(C2dMessage *m, const char *name, const char *value)
{
        if (m->n_properties >= UINT16_MAX)
                return -E2BIG;
        return properties_add(&m->properties, &m->n_properties, name, value);
}

static size_t length(const char *s)
{
        return s ? strlen(s) : 0;
}

size_t c2d_message_size(const C2dMessage *m)
{
        size_t n = m->body.size + length(m->message_id) + length(m->correlation_id) + length(m->user_id) +
                   length(m->content_type) + length(m->content_encoding);

        return n + properties_size(m->properties, m->n_properties);
}

/* ---- encoding ---- */

static void put_member(Buffer *b, const char *s)
{
        if (s)
                buffer_append_char(b, PRESENT);
        record_text_put(b, s ?: "");
}

void c2d_message_encode(const C2dMessage *m, Buffer *b)
{
        uint8_t head[FIXED] = {VERSION};

        bytes_put16(head + 2, (uint16_t)m->n_properties);
        bytes_put64(head + 4, m->created_usec);
        bytes_put64(head + 12, m->expiry_usec);
        buffer_append(b, head, sizeof(head));
        put_member(b, m->message_id);
        put_member(b, m->correlation_id);
        put_member(b, m->user_id);
        put_member(b, m->content_type);
        put_member(b, m->content_encoding);
        properties_encode(m->properties, m->n_properties, b);
        buffer_append(b, m->body.data, m->body.size);
}

/* ---- decoding ---- */

static int take_member(const char **p, const char *end, char **ret)
{
        const char *text = record_text_take(p, end);

        if (!text || (*text != 0 && *text != PRESENT))
                return -EBADMSG;
        if (*text == 0)
                return 0;
        *ret = strdup(text + 1);
        return *ret ? 0 : -ENOMEM;
}

static int take_properties(const char **p, const char *end, C2dMessage *m, unsigned n)
{
        for (unsigned i = 0; i < n; i++) {
                const char *name = record_text_take(p, end), *value = name ? record_text_take(p, end) : NULL;
                int r = value ? c2d_message_add_property(m, name, value) : -EBADMSG;

                if (r < 0)
                        return r;
        }
        return 0;
}

int c2d_message_decode(const void *data, size_t size, C2dMessage **ret)
{
        _cleanup_(c2d_message_freep) C2dMessage *m = NULL;
        const char *p = data, *end;
        int r;

        if (size < FIXED || p[0] != VERSION || p[1] != 0)
                return -EBADMSG;
        m = calloc(1, sizeof(*m));
        if (!m)
                return -ENOMEM;
        m->created_usec = bytes_get64(p + 4);
        m->expiry_usec = bytes_get64(p + 12);
        end = p + size;
        p += FIXED;
        if ((r = take_member(&p, end, &m->message_id)) < 0 || (r = take_member(&p, end, &m->correlation_id)) < 0 ||
            (r = take_member(&p, end, &m->user_id)) < 0 || (r = take_member(&p, end, &m->content_type)) < 0 ||
            (r = take_member(&p, end, &m->content_encoding)) < 0 ||
            (r = take_properties(&p, end, m, bytes_get16((const char *)data + 2))) < 0)
                return r;
        buffer_append(&m->body, p, (size_t)(end - p));
        if (buffer_error(&m->body) < 0)
                return -ENOMEM;
        *ret = TAKE_PTR(m);
        return 0;
}
