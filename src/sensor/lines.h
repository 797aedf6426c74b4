/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Lines - a byte stream cut at its line ends
 *
 * Bytes are received straight into lines_room(); lines_next() gives out whole lines for as long as there are any, and
 * stops wherever the caller stops. A line over the limit is told once, as soon as that is seen, and skipped to
 * its end, so never more than the limit and one chunk are held.
 *
 * Owns:   what it holds. Pure.
 */

#include "base/buffer.h"

typedef struct Lines {
        size_t max; /* bytes of a line, without its end */
        Buffer held;
        size_t from;   /* what is before was given out */
        bool skipping; /* within a line that was too long */
} Lines;

enum {
        LINES_NONE,
        LINES_LINE,
        LINES_TOO_LONG,
};

void lines_done(Lines *l);
static inline bool lines_is_empty(const Lines *l)
{
        return l->from == l->held.size;
}

/* Room for size more bytes, of which `used` were then received; NULL without memory. */
char *lines_room(Lines *l, size_t size);
void lines_received(Lines *l, size_t size, size_t used);

/* The next whole line, without its end; blank ones are passed over. At the end of the stream (last) what is left counts
 * as a line too. Of one that is too long, as much as came. Borrowed until lines_room(), and free to be changed. */
int lines_next(Lines *l, bool last, char **ret, size_t *ret_size);
