/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Nearest - the word that somebody probably meant
 *
 * Damerau and Levenshtein's distance: letters added, left out, replaced, and neighbours swapped. Case counts
 * for little: "Hub" is "hub".
 */

#include "base/macro.h"

#define NEAREST_WORD_MAX 64 /* longer words are near to nothing */

unsigned nearest_distance(const char *a, const char *b);

/* Feed it all the words there are, then ask. */
typedef struct Nearest {
        const char *wanted;
        const char *found; /* borrowed from the words; NULL: nothing is near enough to be worth a mention */
        unsigned distance;
} Nearest;

static inline Nearest nearest_begin(const char *wanted)
{
        return (Nearest){.wanted = wanted};
}

void nearest_offer(Nearest *n, const char *word);
