/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nearest.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

static bool same(char a, char b)
{
        return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* The "optimal string alignment" form: three rows of the table are enough, as a swap looks two rows back. */
unsigned nearest_distance(const char *a, const char *b)
{
        size_t n = strlen(a), m = strlen(b);
        unsigned space[3][NEAREST_WORD_MAX + 1], *before = space[0], *last = space[1], *row = space[2];

        if (n > NEAREST_WORD_MAX || m > NEAREST_WORD_MAX)
                return UINT_MAX;
        for (size_t j = 0; j <= m; j++)
                last[j] = (unsigned)j;
        for (size_t i = 1; i <= n; i++) {
                unsigned *spare = before;

                row[0] = (unsigned)i;
                for (size_t j = 1; j <= m; j++) {
                        unsigned best = last[j - 1] + !same(a[i - 1], b[j - 1]);

                        best = MIN(best, MIN(last[j], row[j - 1]) + 1);
                        if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
                                best = MIN(best, before[j - 2] + 1);
                        row[j] = best;
                }
                before = last;
                last = row;
                row = spare;
        }
        return last[m];
}

/* A third of the letters may be wrong; "x" is near to nothing but itself. */
static unsigned tolerance(const char *wanted)
{
        size_t n = strlen(wanted);

        return n < 3 ? 1 : (unsigned)MIN((n + 2) / 3, (size_t)4);
}

void nearest_offer(Nearest *n, const char *word)
{
        unsigned d = nearest_distance(n->wanted, word);

        if (d > tolerance(n->wanted) || (n->found && d >= n->distance))
                return;
        n->found = word;
        n->distance = d;
}
