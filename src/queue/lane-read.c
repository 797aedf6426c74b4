/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Two cursors a lane: news from the split on, and the backlog, which is what lay there before it. A third one looks
 * at single records, whoever has them in hand.
 *
 * A split is drawn at the end of the log, so it falls between two commits and is one number of each stream. What
 * the news had not served by then becomes backlog too: the backlog's end moves up, and what lies below it in
 * somebody's hand is passed by.
 *
 * Serving both out of order leaves ranges of settled numbers apart, and a checkpoint has room for a few only.
 * When they near it the lane joins: the backlog's cursor has no end any more and the news pause, until all that is
 * durable was served; there the next split is drawn.
 */

#include <string.h>

#include "queue/lane.h"

void lane_cursors_init(Lane *l)
{
        for (int i = 0; i < LANE_CURSORS; i++)
                cursor_init(&l->cursors[i], l);
        l->cursors[LANE_BROWSER].browses = true;
        l->cursors[LANE_CURSOR_AGE].browses = true;
        lane_age_cursor_begin(l);
}

void lane_age_cursor_begin(Lane *l)
{
        Cursor *c = &l->cursors[LANE_CURSOR_AGE];

        cursor_go_to_start(c);
        for (unsigned id = 0; id < RECORD_STREAMS; id++)
                c->bounds.end[id] = UINT64_MAX;
}

void lane_cursors_done(Lane *l)
{
        for (int i = 0; i < LANE_CURSORS; i++)
                cursor_done(&l->cursors[i]);
}

int lane_cursors_reading(const Lane *l)
{
        int n = 0;

        for (int i = 0; i < LANE_CURSORS; i++)
                n += l->cursors[i].reader.reading;
        return n;
}

void lane_cursors_abandon(Lane *l)
{
        for (int i = 0; i < LANE_CURSORS; i++)
                if (l->cursors[i].reader.reading)
                        disk_abandon(l->disk, &l->cursors[i].reader.job);
}

void lane_split(Lane *l)
{
        Cursor *news = &l->cursors[QUEUE_NEWS], *backlog = &l->cursors[QUEUE_BACKLOG];

        cursor_rest(news);
        if (!cursor_has_work(backlog)) /* what is new in it begins where the news stopped */
                cursor_go_to(backlog, news);
        for (unsigned id = 0; id < RECORD_STREAMS; id++) {
                backlog->bounds.end[id] = news->bounds.from[id] = l->end[id];
                news->bounds.end[id] = UINT64_MAX;
        }
        cursor_go_to_end(news);
        l->joined = false;
}

void lane_join(Lane *l)
{
        if (l->joined || !cursor_has_work(&l->cursors[QUEUE_BACKLOG]))
                return;
        cursor_rest(&l->cursors[QUEUE_NEWS]);
        for (unsigned id = 0; id < RECORD_STREAMS; id++)
                l->cursors[QUEUE_BACKLOG].bounds.end[id] = UINT64_MAX;
        l->joined = true;
}

int lane_peek(Lane *l, QueueSource source, CursorRecord *ret)
{
        int r;

        if (source == QUEUE_NEWS && l->joined)
                return QUEUE_E_EMPTY;
        r = cursor_peek(&l->cursors[source], ret);
        if (r == QUEUE_E_EMPTY && l->joined)
                lane_split(l);
        return r;
}

void lane_advance(Lane *l, QueueSource source)
{
        cursor_advance(&l->cursors[source]);
}

/* From where the browser is. What it met of the stream since it was at `from` is settled, and stays so, or was too far
 * for it then. */
static bool may_go_on(const Cursor *c, unsigned id, uint64_t first, uint64_t end)
{
        uint64_t was_end = c->bounds.end[id], seen = c->seen[id];
        bool passed_far = seen >= was_end && first <= seen;

        return was_end != 0 && first >= c->bounds.from[id] && (end <= was_end || !passed_far);
}

/* Its bounds are those of one stream at a time. Where no page is at hand it is asked again and again for the same
 * number, and for another stream meanwhile: it must not begin anew for that, or it would not come to an end. */
int lane_browse(Lane *l, const Stream *s, uint64_t first, uint64_t last, CursorRecord *ret)
{
        Cursor *c = &l->cursors[LANE_BROWSER];
        uint64_t end = last == UINT64_MAX ? last : last + 1;
        int r;

        if (reader_is_waiting(&c->reader))
                return QUEUE_E_WAIT;
        first = MAX(first, (uint64_t)1);
        if (!may_go_on(c, s->id, first, end))
                cursor_go_to_start(c);
        c->bounds.from[s->id] = first;
        c->bounds.end[s->id] = end;
        while ((r = cursor_peek(c, ret)) == 0 && ret->record.n < first)
                cursor_advance(c);
        return r == 0 && ret->record.n > last ? QUEUE_E_EMPTY : r;
}

void lane_cursors_leave(Lane *l, const Slot *slot)
{
        for (int i = 0; i < LANE_CURSORS; i++)
                cursor_leave(&l->cursors[i], slot);
}

void lane_cursors_tick(Lane *l, usec_t now)
{
        for (int i = 0; i < LANE_CURSORS; i++)
                reader_tick(&l->cursors[i].reader, now);
}

usec_t lane_cursors_deadline(const Lane *l)
{
        usec_t d = USEC_INFINITY;

        for (int i = 0; i < LANE_CURSORS; i++)
                d = MIN(d, l->cursors[i].reader.retry_usec);
        return d;
}
