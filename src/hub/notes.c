/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/notes.h"

#include <string.h>

#define ROOM_KEPT_MAX (64 * 1024) /* a large message is no reason to keep its room for ever */

/* What follows it: for a message the topic with its NUL and the payload with one, for a SUBACK its codes. */
typedef struct Note {
        TransportEventKind kind;
        int mid;
        int qos;
        bool retained;
        size_t topic_size; /* with the NUL */
        size_t size;
} Note;

static void append(Notes *n, const Note *note)
{
        buffer_append(&n->book, note, sizeof(*note));
}

void notes_published(Notes *n, int mid)
{
        append(n, &(Note){.kind = TRANSPORT_PUBLISHED, .mid = mid});
}

void notes_subscribed(Notes *n, int mid, const int *codes, int n_codes)
{
        append(n, &(Note){.kind = TRANSPORT_SUBSCRIBED, .mid = mid, .size = (size_t)n_codes});
        for (int i = 0; i < n_codes; i++)
                buffer_append_char(&n->book, (char)codes[i]);
}

void notes_unsubscribed(Notes *n, int mid)
{
        append(n, &(Note){.kind = TRANSPORT_UNSUBSCRIBED, .mid = mid});
}

void notes_message(Notes *n, const TransportMessage *m)
{
        Note note = {
                .kind = TRANSPORT_MESSAGE,
                .qos = m->qos,
                .retained = m->retained,
                .topic_size = strlen(m->topic) + 1,
                .size = m->size,
        };

        append(n, &note);
        buffer_append(&n->book, m->topic, note.topic_size);
        buffer_append(&n->book, m->payload, note.size);
        buffer_append_char(&n->book, 0);
}

bool notes_next(const Notes *n, size_t *at, TransportEvent *ret)
{
        const char *data;
        Note note;

        if (notes_error(n) < 0 || *at >= n->book.size)
                return false;
        memcpy(&note, n->book.data + *at, sizeof(note));
        *at += sizeof(note);
        data = n->book.data + *at;
        *ret = (TransportEvent){.kind = note.kind, .mid = note.mid};
        if (note.kind == TRANSPORT_SUBSCRIBED) {
                ret->codes = (const uint8_t *)data;
                ret->n_codes = note.size;
                *at += note.size;
        } else if (note.kind == TRANSPORT_MESSAGE) {
                ret->message = (TransportMessage){data, data + note.topic_size, note.size, note.qos, note.retained};
                *at += note.topic_size + note.size + 1;
        }
        return true;
}

void notes_clear(Notes *n)
{
        if (n->book.allocated > ROOM_KEPT_MAX)
                buffer_done(&n->book);
        else
                buffer_clear(&n->book);
}
