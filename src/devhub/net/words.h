/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Words - what a stranger says of itself, for a line of the log: no control characters, and not at any length
 */

typedef struct Words {
        char text[96];
} Words;

/* before, and then the text; instead, if there is none (NULL). */
Words words(const char *before, const char *text, const char *instead);

void words_clean(char *text); /* no control characters */
