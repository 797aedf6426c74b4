/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Reading line - what a line of text says, whatever its format
 *
 * Formats are those of the settings: "json" (sensor/json-line.h) and "influx" (sensor/influx-line.h). They work in
 * place: names and texts are unescaped and ended within the line, which is spoiled.
 *
 * Pure.
 */

#include "model/ledger.h"
#include "model/reading.h"

typedef struct ReadingLine {
        Channel channels[READING_CHANNELS_MAX]; /* names and texts borrowed from the line */
        size_t n_channels;
        const char *sensor; /* NULL: not said */
        usec_t wall_usec;   /* 0: not said */

        /* when refused */
        Refusal refusal;
        const char *error; /* static */
        size_t column;     /* counted from 1, in bytes */
} ReadingLine;

enum {
        READING_LINE_E_REFUSED = 1,
        READING_LINE_E_COMMENT, /* it is not meant for us */
};

typedef int ReadingLineParser(char *text, size_t size, ReadingLine *ret);

/* NULL, as a setting that is left out, is "json". NULL if there is no such format. */
ReadingLineParser *reading_line_parser(const char *format);
#define READING_LINE_FORMATS "json and influx"

/* In words, for a time in the line that nobody means (reading_time_is_sane). */
const char *reading_line_bad_time(ReadingLineParser *parser);
