/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Notes - what the library's callbacks heard, until the loop tells it
 *
 * Callbacks run within the library, where nobody may call it or free it: they only note. What they note is told in
 * order, as events of the transport.
 *
 * Owns:   copies of what came.
 */

#include "base/buffer.h"
#include "hub/transport.h"

typedef struct Notes {
        Buffer book;
} Notes;

static inline void notes_done(Notes *n)
{
        buffer_done(&n->book);
}

void notes_published(Notes *n, int mid);
void notes_subscribed(Notes *n, int mid, const int *codes, int n_codes);
void notes_unsubscribed(Notes *n, int mid);
void notes_message(Notes *n, const TransportMessage *message);

static inline bool notes_any(const Notes *n)
{
        return n->book.size > 0 || n->book.error < 0;
}

/* The event that stands at *at, which goes on to the next; 0 is the first. Its texts are the notes'. False: there is
 * none, or -- so says notes_error() -- memory ran out when they were taken. */
bool notes_next(const Notes *n, size_t *at, TransportEvent *ret);

static inline int notes_error(const Notes *n)
{
        return buffer_error(&n->book);
}

/* Keeps a usual amount of room for what comes next. */
void notes_clear(Notes *n);
