/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/dead-index.h"

#include <errno.h>
#include <string.h>

static void letter_done(DeadLetter *l)
{
        free((char *)l->stream);
        free((char *)l->detail);
}

void dead_index_done(DeadIndex *x)
{
        for (size_t i = 0; i < x->n; i++)
                letter_done(&x->letters[i]);
        free(x->letters);
        free(x->leaving);
        *x = (DeadIndex){};
}

static int make_place(DeadIndex *x)
{
        size_t n = MAX(x->allocated * 2, (size_t)16);
        DeadLetter *letters;
        bool *leaving;

        if (x->n < x->allocated)
                return 0;
        letters = reallocarray(x->letters, n, sizeof(*letters));
        if (!letters)
                return -ENOMEM;
        x->letters = letters;
        leaving = reallocarray(x->leaving, n, sizeof(*leaving));
        if (!leaving)
                return -ENOMEM;
        x->leaving = leaving;
        x->allocated = n;
        return 0;
}

/* The first place whose id is not below. */
static size_t place_of(const DeadIndex *x, uint64_t id)
{
        size_t low = 0, high = x->n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (x->letters[middle].id < id)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

int dead_index_add(DeadIndex *x, const DeadLetter *letter)
{
        size_t at = place_of(x, letter->id);
        DeadLetter l = *letter;

        if (at < x->n && x->letters[at].id == letter->id)
                return 0;
        if (make_place(x) < 0)
                return -ENOMEM;
        l.stream = strdup(letter->stream);
        l.detail = strdup(letter->detail);
        if (!l.stream || !l.detail) {
                letter_done(&l);
                return -ENOMEM;
        }
        memmove(x->letters + at + 1, x->letters + at, (x->n - at) * sizeof(*x->letters));
        memmove(x->leaving + at + 1, x->leaving + at, (x->n - at) * sizeof(*x->leaving));
        x->letters[at] = l;
        x->leaving[at] = false;
        x->n++;
        x->bytes += l.size;
        return 0;
}

void dead_index_remove(DeadIndex *x, uint64_t first, uint64_t last)
{
        size_t from = place_of(x, first), to = from;

        for (; to < x->n && x->letters[to].id <= last; to++) {
                x->bytes -= x->letters[to].size;
                letter_done(&x->letters[to]);
        }
        if (from == to)
                return;
        memmove(x->letters + from, x->letters + to, (x->n - to) * sizeof(*x->letters));
        memmove(x->leaving + from, x->leaving + to, (x->n - to) * sizeof(*x->leaving));
        x->n -= to - from;
}

size_t dead_index_find(const DeadIndex *x, uint64_t id)
{
        size_t i = place_of(x, id);

        return i < x->n && x->letters[i].id == id ? i : x->n;
}

size_t dead_index_find_origin(const DeadIndex *x, const char *stream, uint64_t epoch, uint64_t n)
{
        size_t i = 0;

        while (i < x->n && !(x->letters[i].n == n && x->letters[i].epoch == epoch &&
                             strcmp(x->letters[i].stream, stream) == 0))
                i++;
        return i;
}
