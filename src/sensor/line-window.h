/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Line window - what was read of a growing file and not given out yet, a line at a time
 *
 * It takes what tail_file_look() brings, and knows the position behind each line. A line counts once its end is there,
 * or once no more comes of its file. One that is longer than the limit is told once, as soon as that is seen, and
 * nothing of it is kept: so never more than the limit, a chunk and a mark are held.
 *
 * Pure.
 */

#include "base/buffer.h"
#include "sensor/tail-file.h"

typedef struct LineWindow {
        size_t max; /* bytes of a line, without its end */

        Buffer held;   /* from `base` on; what is before `taken` is kept for its mark */
        uint64_t base; /* in the file */
        size_t taken, seen; /* before `seen` there is no line's end */
        uint64_t file, mtime;
        char start[TAIL_MARK];
        bool ended;    /* no more comes of this file */
        bool skipping; /* within a line that is too long */
        bool begun;    /* the place in the file is known */
} LineWindow;

enum {
        LINE_NONE,
        LINE_WHOLE,
        LINE_TOO_LONG,
        LINE_REST, /* of one that was told as too long */
};

/* The next line: its n bytes begin at line_window_text(), and line_window_take(next) passes over them. */
int line_window_next(LineWindow *w, size_t *ret_n, size_t *ret_next);
static inline const char *line_window_text(const LineWindow *w)
{
        return w->held.data + w->taken;
}

/* Passes over what the last call of line_window_next() found. */
void line_window_take(LineWindow *w, size_t next, bool too_long);
/* Back to there: nothing was taken since. */
void line_window_put_back(LineWindow *w, size_t taken);

void line_window_add(LineWindow *w, const TailLook *look);
void line_window_trim(LineWindow *w); /* gives back what is not needed any more */
void line_window_reset(LineWindow *w); /* another file, or another place in it */

/* In the file, behind what was taken. */
uint64_t line_window_offset(const LineWindow *w);
SourcePosition line_window_position(const LineWindow *w, uint64_t serial);
