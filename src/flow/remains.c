/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/remains.h"

#include <string.h>

#define REMAINS_HALVES 20 /* places left to those: packs have fewer readings than 2^19 */

bool remains_take_apart(Remains *r, const Part *pack)
{
        uint64_t middle = pack->first + (pack->last - pack->first) / 2;
        Part first = *pack, second = *pack;

        if (r->n_parts + 2 > REMAINS_MAX)
                return false;
        first.last = middle;
        second.first = middle + 1;
        r->parts[r->n_parts++] = second;
        r->parts[r->n_parts++] = first;
        return true;
}

bool remains_has_room(const Remains *r)
{
        return r->n_parts + REMAINS_HALVES < REMAINS_MAX;
}

static bool follows(const Part *part, const Part *message)
{
        return part->stream == message->stream && part->epoch == message->epoch && part->lane == message->lane &&
               part->last + 1 == message->first;
}

/* What was news has waited as well by now. Kept apart they would be as many as the link's lives. */
static void join(Part *part, const Part *message)
{
        part->first = MIN(part->first, message->first);
        part->last = MAX(part->last, message->last);
        part->appended_usec = MIN(part->appended_usec, message->appended_usec);
        if (part->source != message->source)
                part->source = QUEUE_BACKLOG;
}

bool remains_put_off(Remains *r, const Part *message)
{
        for (size_t i = 0; i < r->n_put_off; i++)
                if (follows(&r->parts[i], message) || follows(message, &r->parts[i])) {
                        join(&r->parts[i], message);
                        return true;
                }
        if (!remains_has_room(r))
                return false;
        memmove(r->parts + 1, r->parts, r->n_parts++ * sizeof(*r->parts));
        r->n_put_off++;
        r->parts[0] = *message;
        return true;
}

const Part *remains_begin(Remains *r)
{
        if (r->n_parts == 0)
                return NULL;
        r->now = r->parts[--r->n_parts];
        r->n_put_off = MIN(r->n_put_off, r->n_parts);
        r->reading = true;
        return &r->now;
}

/* They were in a message that was sent: nothing but the disk can have lost them. */
static void lose(Remains *r, uint64_t last)
{
        if (r->now.first <= last)
                queue_settle(r->queue, r->now.stream, r->now.epoch, r->now.first, last, OUTCOME_DAMAGED);
        r->now.first = last + 1;
}

int remains_peek(Remains *r, QueueRecord *ret)
{
        int e;

        if (!r->reading)
                return QUEUE_E_EMPTY;
        e = r->now.first > r->now.last
                    ? QUEUE_E_EMPTY
                    : queue_browse(r->queue, r->now.stream, r->now.first, r->now.last, ret);
        if (e == QUEUE_E_EMPTY) {
                lose(r, r->now.last);
                r->reading = false;
        } else if (e == 0 && ret->n > r->now.first) {
                lose(r, ret->n - 1);
                return remains_peek(r, ret); /* what was borrowed is gone */
        }
        return e;
}

void remains_advance(Remains *r)
{
        r->now.first++;
}

bool remains_is_past(const Remains *r, usec_t appended)
{
        for (size_t i = 0; i < r->n_parts; i++)
                if (r->parts[i].appended_usec <= appended)
                        return false;
        return !r->reading || r->now.appended_usec > appended;
}
