/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/lines.h"

#include <string.h>

void lines_done(Lines *l)
{
        buffer_done(&l->held);
        l->from = 0;
}

char *lines_room(Lines *l, size_t size)
{
        if (l->from > 0) {
                memmove(l->held.data, l->held.data + l->from, l->held.size - l->from);
                buffer_truncate(&l->held, l->held.size - l->from);
                l->from = 0;
        }
        return buffer_extend(&l->held, size);
}

void lines_received(Lines *l, size_t size, size_t used)
{
        buffer_truncate(&l->held, l->held.size - size + used);
}

static bool is_blank(const char *p, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (p[i] != ' ' && p[i] != '\t' && p[i] != '\r')
                        return false;
        return true;
}

int lines_next(Lines *l, bool last, char **ret, size_t *ret_size)
{
        while (l->held.size > l->from) {
                char *p = l->held.data + l->from, *end;
                size_t left = l->held.size - l->from, n;

                end = memchr(p, '\n', left);
                n = end ? (size_t)(end - p) : left;
                if (!end && !l->skipping && n <= l->max && !last)
                        return LINES_NONE;
                l->from += end ? n + 1 : n;
                if (l->skipping) {
                        l->skipping = !end && !last;
                        continue;
                }
                *ret = p;
                *ret_size = n;
                if (n > l->max) {
                        l->skipping = !end && !last;
                        return LINES_TOO_LONG;
                }
                if (is_blank(p, n))
                        continue;
                return LINES_LINE;
        }
        return LINES_NONE;
}
