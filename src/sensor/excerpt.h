/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Excerpt - the beginning of a line that is refused, as the log may show it
 *
 * Whoever looks for the fault wants to see the line, and parsers spoil it: so it is noted before. It goes into the log
 * alone, which not everybody may read, and not into a status.
 *
 * Pure.
 */

#include <stdbool.h>
#include <stddef.h>

#define EXCERPT_MAX       80 /* characters that are shown, with what stands for those that cannot be */
#define EXCERPT_WORDS_MAX (4 * EXCERPT_MAX + 32)

typedef struct Excerpt {
        char text[4 * EXCERPT_MAX];
        size_t n;
        bool more; /* the line goes on */
} Excerpt;

void excerpt_take(Excerpt *e, const char *text, size_t size);
/* " The line: ..."; "" for NULL and for an empty one. */
const char *excerpt_words(const Excerpt *e, char words[static EXCERPT_WORDS_MAX]);
