/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/condemned.h"

#include <string.h>

static bool are_neighbours(const Queue *queue, const Sentence *a, const Sentence *b)
{
        const Sentence *low = a->first < b->first ? a : b, *high = low == a ? b : a;

        return a->stream == b->stream && a->why == b->why &&
               queue_all_settled(queue, a->stream, low->last + 1, high->first);
}

static bool join(const Queue *queue, Sentence *to, const Sentence *s)
{
        if (!are_neighbours(queue, to, s))
                return false;
        to->first = MIN(to->first, s->first);
        to->last = MAX(to->last, s->last);
        to->appended_usec = MIN(to->appended_usec, s->appended_usec);
        return true;
}

static void drop(Condemned *c, size_t i)
{
        memmove(c->list + i, c->list + i + 1, (--c->n - i) * sizeof(*c->list));
}

/* What stood between two of them may have its outcome by now. */
static void close_ranks(Condemned *c, const Queue *queue)
{
        for (size_t i = 0; i < c->n; i++)
                for (size_t k = c->n; k-- > i + 1;)
                        if (join(queue, &c->list[i], &c->list[k]))
                                drop(c, k);
}

bool condemned_add(Condemned *c, const Queue *queue, const Sentence *sentence)
{
        for (size_t i = 0; i < c->n; i++)
                if (join(queue, &c->list[i], sentence))
                        return true;
        if (c->n == CONDEMNED_MAX)
                close_ranks(c, queue);
        if (c->n == CONDEMNED_MAX)
                return false;
        c->list[c->n++] = *sentence;
        return true;
}

void condemned_drop_first(Condemned *c)
{
        drop(c, 0);
}

bool condemned_is_past(const Condemned *c, usec_t appended)
{
        for (size_t i = 0; i < c->n; i++)
                if (c->list[i].appended_usec <= appended)
                        return false;
        return true;
}
