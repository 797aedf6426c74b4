/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/line-window.h"

#include <string.h>

uint64_t line_window_offset(const LineWindow *w)
{
        return w->base + w->taken;
}

SourcePosition line_window_position(const LineWindow *w, uint64_t serial)
{
        uint64_t offset = line_window_offset(w);
        size_t n = (size_t)MIN(offset, (uint64_t)TAIL_MARK);

        return (SourcePosition){
                .serial = serial,
                .file = w->file,
                .offset = offset,
                .mtime = w->mtime,
                .check = tail_check(w->start, n > 0 ? w->held.data + w->taken - n : "", offset),
        };
}

int line_window_next(LineWindow *w, size_t *ret_n, size_t *ret_next)
{
        const char *newline = NULL;

        if (w->seen < w->held.size)
                newline = memchr(w->held.data + w->seen, '\n', w->held.size - w->seen);
        if (newline) {
                *ret_n = (size_t)(newline - w->held.data) - w->taken;
                *ret_next = w->taken + *ret_n + 1;
        } else {
                w->seen = w->held.size;
                *ret_n = w->held.size - w->taken;
                *ret_next = w->held.size;
                if (*ret_n == 0 || (!w->ended && !w->skipping && *ret_n <= w->max))
                        return LINE_NONE;
        }
        if (w->skipping)
                return LINE_REST;
        return *ret_n > w->max ? LINE_TOO_LONG : LINE_WHOLE;
}

void line_window_take(LineWindow *w, size_t next, bool too_long)
{
        bool whole = next > 0 && w->held.data[next - 1] == '\n';

        w->taken = w->seen = next;
        w->skipping = too_long && !whole && !w->ended;
}

void line_window_put_back(LineWindow *w, size_t taken)
{
        w->taken = w->seen = taken;
}

void line_window_add(LineWindow *w, const TailLook *look)
{
        w->file = look->file;
        w->mtime = look->mtime;
        memcpy(w->start, look->start, look->n_start);
        if (!w->begun) {
                buffer_append(&w->held, look->data, look->before);
                w->taken = w->seen = w->held.size;
                w->base = look->offset - look->size - look->before;
                w->begun = true;
        }
        buffer_append(&w->held, look->data + look->before, look->size);
}

void line_window_trim(LineWindow *w)
{
        size_t keep = (size_t)MIN(line_window_offset(w), (uint64_t)TAIL_MARK), drop = w->taken - keep;

        if (drop == 0)
                return;
        memmove(w->held.data, w->held.data + drop, w->held.size - drop);
        buffer_truncate(&w->held, w->held.size - drop);
        w->base += drop;
        w->taken -= drop;
        w->seen -= drop;
}

void line_window_reset(LineWindow *w)
{
        buffer_done(&w->held);
        w->base = 0;
        w->taken = w->seen = 0;
        w->ended = w->skipping = w->begun = false;
}
