/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Pressure: whoever watches is told while there is still time, and always before the first record goes.
 *
 * Each level is told once as the fill rises, and again only after it fell well below the first. Few commits may lie
 * between half full and full where slots are few: so before something is dropped, the last level is told if it was not.
 * While nothing can be stored it is the ring in memory that fills.
 */

#include "base/log.h"
#include "base/log-id.h"
#include "queue/queue-core.h"

#define LOG_USEC USEC_PER_HOUR

static const double levels[] = {0.8, 0.95};

#define RELAXED 0.7

static const Batch *ring_of(const Queue *q, QueueLane lane)
{
        if (!queue_is_open(q))
                return &q->ring[lane];
        return q->lanes[lane]->failed ? &q->lanes[lane]->filling : NULL;
}

double queue_fill_of(const Queue *q, QueueLane lane)
{
        const Batch *ring = ring_of(q, lane);

        return ring ? MIN((double)ring->n_pages / LANE_RING_PAGES, 1.0) : queue_fill(q, q->lanes[lane]);
}

/* Not of the ring: the line that tells of the disk has said what becomes of readings. */
static void log_pressure(Queue *q, QueueLane lane, double fill)
{
        uint64_t held_back;

        if (ring_of(q, lane) || !throttle_admits(&q->pressure_log, queue_now(q), LOG_USEC, &held_back))
                return;
        log_line(LOG_WARNING, LOG_ID_QUEUE_PRESSURE, NULL,
                 "Queue: the %s lane of %s is %d %% full; at 100 %% %s. Restore the link, or %s.",
                 lane == QUEUE_LANE_URGENT ? "urgent" : "normal", q->directory, (int)(fill * 100),
                 q->settings.drop_newest ? "new records are refused" : "the oldest records are dropped for new ones",
                 queue_is_read_only(q)   ? "make its disk writable"
                 : queue_disk_is_full(q) ? "free some space on its disk"
                                         : "raise queue.max_bytes");
}

static void look(Queue *q, QueueLane lane, double fill)
{
        unsigned *told = &q->pressure[lane], level = 0;

        while (level < ARRAY_SIZE(levels) && fill > levels[level])
                level++;
        if (fill < RELAXED)
                *told = 0;
        if (level <= *told)
                return;
        *told = level;
        log_pressure(q, lane, fill);
        q->sink.pressure(q->sink.userdata, lane, fill);
}

static bool is_watched(const Queue *q)
{
        return q->sink.pressure && !q->closing;
}

void queue_look_at_pressure(Queue *q)
{
        for (unsigned i = 0; i < q->host.n_lanes && is_watched(q); i++)
                look(q, i, queue_fill_of(q, i));
}

/* Room was made: the next rise is to be told. */
void queue_relieve(Queue *q)
{
        for (unsigned i = 0; i < q->host.n_lanes && is_watched(q); i++)
                if (q->pressure[i] > 0)
                        look(q, i, queue_fill_of(q, i));
}

void queue_warn_before_drop(Queue *q, QueueLane lane)
{
        if (is_watched(q))
                look(q, lane, 1);
}

void queue_warn_of_ring(Queue *q, QueueLane lane, size_t pages)
{
        const Batch *ring = ring_of(q, lane);

        if (ring && is_watched(q))
                look(q, lane, MIN((double)(ring->n_pages + pages) / LANE_RING_PAGES, 1.0));
}
