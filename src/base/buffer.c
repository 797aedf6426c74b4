/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void buffer_done(Buffer *b)
{
        free(b->data);
        *b = BUFFER_NULL;
}

static bool reserve(Buffer *b, size_t more)
{
        size_t want, room;
        char *p;

        if (b->error)
                return false;
        if (more >= SIZE_MAX / 2 - b->size)
                goto no_memory;
        want = b->size + more + 1;
        if (want <= b->allocated)
                return true;
        room = MAX(b->allocated * 2, MAX(want, (size_t)64));
        p = realloc(b->data, room);
        if (!p)
                goto no_memory;
        b->data = p;
        b->allocated = room;
        return true;

no_memory:
        b->error = -ENOMEM;
        return false;
}

void *buffer_extend(Buffer *b, size_t size)
{
        char *p;

        if (!reserve(b, size))
                return NULL;
        p = b->data + b->size;
        b->size += size;
        b->data[b->size] = 0;
        return p;
}

void buffer_append_growing(Buffer *b, const void *data, size_t size)
{
        char *p = buffer_extend(b, size);

        if (p && size > 0)
                memcpy(p, data, size);
}

void buffer_printf(Buffer *b, const char *fmt, ...)
{
        va_list ap;
        int n;

        va_start(ap, fmt);
        n = vsnprintf(NULL, 0, fmt, ap);
        va_end(ap);
        if (n < 0 || !reserve(b, (size_t)n))
                return;
        va_start(ap, fmt);
        (void)vsnprintf(b->data + b->size, (size_t)n + 1, fmt, ap);
        va_end(ap);
        b->size += (size_t)n;
}

void buffer_truncate(Buffer *b, size_t size)
{
        if (size >= b->size)
                return;
        b->size = size;
        b->data[size] = 0;
}

char *buffer_steal(Buffer *b)
{
        char *p;

        (void)reserve(b, 0);
        if (b->error)
                return NULL;
        b->data[b->size] = 0;
        p = b->data;
        *b = BUFFER_NULL;
        return p;
}
