/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Buffer - bytes that grow
 *
 * Appending fails only for want of memory. A failure sticks: further appends do nothing and buffer_error()
 * tells, so that a writer of many small pieces checks once at the end. The bytes are kept NUL-terminated
 * (the NUL is not counted) when anything was appended.
 *
 * Owns:   its memory, until buffer_done() or buffer_steal().
 */

#include <string.h>

#include "base/macro.h"

typedef struct Buffer {
        char *data;
        size_t size;      /* bytes in use */
        size_t allocated; /* room, including the NUL */
        int error;        /* 0, or -ENOMEM for ever after */
} Buffer;

#define BUFFER_NULL ((Buffer){})

void buffer_done(Buffer *b);
static inline void buffer_clear(Buffer *b)
{
        b->size = 0;
        b->error = 0;
}

void buffer_append_growing(Buffer *b, const void *data, size_t size); /* for buffer_append() alone */

/* Here, so that what fits, as nearly all does, is copied in place. */
static inline void buffer_append(Buffer *b, const void *data, size_t size)
{
        if (b->error || size == 0 || size >= b->allocated - b->size) {
                buffer_append_growing(b, data, size);
                return;
        }
        memcpy(b->data + b->size, data, size);
        b->size += size;
        b->data[b->size] = 0;
}

static inline void buffer_append_string(Buffer *b, const char *s)
{
        buffer_append(b, s, strlen(s));
}

static inline void buffer_append_char(Buffer *b, char c)
{
        buffer_append(b, &c, 1);
}

void buffer_printf(Buffer *b, const char *fmt, ...) _printf_(2, 3);
void *buffer_extend(Buffer *b, size_t size);      /* room for size more bytes, counted as used; NULL on -ENOMEM */
void buffer_truncate(Buffer *b, size_t size);      /* back to an earlier size; clears no error */
char *buffer_steal(Buffer *b);                     /* the text, now the caller's; NULL only after an error */

static inline int buffer_error(const Buffer *b)
{
        return b->error;
}
