/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Screen - where the words go
 *
 * On a terminal lines are wrapped at its width, columns aligned and states coloured; elsewhere, and with
 * NO_COLOR, text is plain and one record is one line, so that grep and awk can do their work.
 */

#include "base/buffer.h"
#include "base/clock.h"

typedef enum Colour {
        COLOUR_NONE,
        COLOUR_GOOD,
        COLOUR_CARE, /* something to watch */
        COLOUR_BAD,
        COLOUR_FAINT,
        _COLOUR_MAX,
} Colour;

typedef struct Screen {
        unsigned width; /* 0: not a terminal, no limit */
        bool coloured;
} Screen;

Screen screen_of_stdout(void);

/* A paragraph, wrapped between words. */
void screen_print(const Screen *s, Colour colour, const char *text);

/* A table: cells are given row by row and printed by table_print(), which empties it. The last column takes
 * what width is left, and is cut with an ellipsis on a terminal. */
#define TABLE_COLUMNS_MAX 8

typedef struct Table {
        unsigned n_columns;
        struct TableCell *cells;
        size_t n_cells;
        bool failed; /* no memory: prints what it has */
} Table;

/* The first row: n names, of as many columns. */
void table_head(Table *t, unsigned n, const char *const *names);
void table_add(Table *t, Colour colour, const char *fmt, ...) _printf_(3, 4);
void table_print(Table *t, const Screen *s);

/* Words */
void put_span(Buffer *b, usec_t span);    /* "12 min", "3 s", "2 d" */
void put_size(Buffer *b, uint64_t bytes); /* "34 KiB" */
/* "12:03:04", with the date when it is not today's. */
void put_local_time(Buffer *b, usec_t wall_usec, bool milliseconds);
