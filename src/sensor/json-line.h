/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * JSON line - one flat JSON object as a reading
 *
 *     {"temperature":21.5,"door":"open","t":1763647200123,"s":"room"}
 *
 * Members are the channels: numbers, texts, true and false. Two are not: `t`, Unix time in milliseconds, and `s`, the
 * sensor's name. Objects, arrays and null within it are refused, a name twice too.
 *
 * A reader of its own and not json-c, which would clamp whole numbers beyond 64 bits, let the last of two equal
 * names win, and take five times as long; at thousands of lines a second that is felt. The tests hold it
 * against json-c: what json-c refuses is refused here.
 *
 * Pure. Works in place: texts are unescaped and ended within the line, which is spoiled.
 */

#include "model/ledger.h"
#include "model/reading.h"

typedef struct JsonLine {
        Channel channels[READING_CHANNELS_MAX]; /* names and texts borrowed from the line */
        size_t n_channels;
        const char *sensor; /* NULL: not said */
        usec_t wall_usec;   /* 0: not said */

        /* when refused */
        Refusal refusal;
        const char *error; /* static */
        size_t column;     /* counted from 1, in bytes */
} JsonLine;

enum {
        JSON_LINE_E_REFUSED = 1,
};

int json_line_parse(char *text, size_t size, JsonLine *ret);
