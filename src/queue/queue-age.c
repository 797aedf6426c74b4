/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The limit of age: what stands at the front of a lane and is older than max_age goes, with a link or without one.
 *
 * A cursor of its own looks, so that nobody else's place is moved; a lane is in the order of time, so it has seen
 * enough when it meets the first record that is young enough. What somebody has in hand is left to them. It keeps no
 * memory between two looks, and no look takes long.
 *
 * After an opening it looks once at the front, limit or not: of what a queue found there, slots tell only when the
 * first of their records was appended, which may be settled since long.
 */

#include "queue/queue-core.h"

#define STEP      256 /* records in one look */
#define AGAIN_USEC (100 * USEC_PER_MSEC)
#define REST_MIN_USEC USEC_PER_SEC
#define REST_MAX_USEC USEC_PER_HOUR

static bool is_limited(const Queue *q)
{
        return queue_is_open(q) && q->settings.max_age_usec > 0 && q->settings.max_age_usec < USEC_INFINITY;
}

usec_t queue_age_due(const Queue *q)
{
        usec_t due = USEC_INFINITY;

        for (unsigned i = 0; i < q->host.n_lanes && queue_is_open(q); i++)
                if (!q->front_seen[i] || is_limited(q))
                        due = MIN(due, q->age_due[i]);
        return due;
}

/* ---- the front, once ---- */

static bool any_to_meet(const Queue *q, const Lane *l, const bool met[static QUEUE_STREAMS_MAX])
{
        for (unsigned h = 0; h < q->n_streams; h++)
                if (q->streams[h]->lane == l->which && q->streams[h]->low < q->streams[h]->durable && !met[h])
                        return true;
        return false;
}

/* The first that waits of each stream, as far as one look goes: they mostly lie close together. Returns when to look
 * again. */
static usec_t look_at_front(Queue *q, Lane *l, usec_t now)
{
        Cursor *c = &l->cursors[LANE_CURSOR_AGE];
        bool met[QUEUE_STREAMS_MAX] = {};

        for (unsigned step = 0; step < STEP && any_to_meet(q, l, met); step++) {
                CursorRecord r;
                int e = cursor_peek(c, &r);

                if (e == QUEUE_E_WAIT)
                        return usec_add(now, AGAIN_USEC);
                if (e != 0)
                        break;
                if (!met[r.stream->handle])
                        stream_mark(r.stream, r.record.n, r.appended);
                met[r.stream->handle] = true;
                cursor_advance(c);
        }
        lane_age_cursor_begin(l);
        q->front_seen[l->which] = true;
        return now;
}

/* ---- what is too old ---- */

/* Old ones that follow upon one another in a stream. */
typedef struct Old {
        Stream *stream;
        uint64_t first, last;
} Old;

static void drop(Queue *q, Lane *l, Old *old)
{
        if (old->stream && stream_settle(old->stream, old->first, old->last, OUTCOME_AGE, queue_settled, q) == 0)
                lane_dirty(l);
        old->stream = NULL;
}

static void add(Queue *q, Lane *l, Old *old, const CursorRecord *r)
{
        if (old->stream != r->stream || old->last + 1 != r->record.n) {
                drop(q, l, old);
                *old = (Old){r->stream, r->record.n, r->record.n};
        }
        old->last = r->record.n;
}

/* Returns when to look again. */
static usec_t look(Queue *q, Lane *l, usec_t now)
{
        Cursor *c = &l->cursors[LANE_CURSOR_AGE];
        usec_t max = q->settings.max_age_usec, next = now;
        Old old = {};

        for (unsigned step = 0; step < STEP && next == now; step++) {
                CursorRecord r;
                int e = cursor_peek(c, &r);

                if (e == QUEUE_E_WAIT) {
                        next = usec_add(now, AGAIN_USEC);
                } else if (e != 0) {
                        next = usec_add(now, CLAMP(max, REST_MIN_USEC, REST_MAX_USEC)); /* what comes now is young */
                } else if (queue_age_of(q, r.appended, now) < max) {
                        next = usec_add(now, CLAMP(usec_sub(max, queue_age_of(q, r.appended, now)),
                                                   REST_MIN_USEC, REST_MAX_USEC));
                } else {
                        /* A message that the link was lost under waits for the next one; those behind it do not. */
                        if (stream_any_in_hand(r.stream, r.record.n, r.record.n + 1))
                                drop(q, l, &old);
                        else
                                add(q, l, &old, &r);
                        cursor_advance(c);
                }
        }
        drop(q, l, &old);
        if (next != now)
                cursor_rest(c);
        return next;
}

void queue_drop_old(Queue *q, usec_t now)
{
        for (unsigned i = 0; i < q->host.n_lanes; i++)
                if (now >= q->age_due[i] && !q->front_seen[i]) {
                        q->age_due[i] = look_at_front(q, q->lanes[i], now);
                } else if (now >= q->age_due[i] && is_limited(q)) {
                        q->age_due[i] = look(q, q->lanes[i], now);
                        lane_prepare(q->lanes[i]);
                }
        queue_changed(q);
}
