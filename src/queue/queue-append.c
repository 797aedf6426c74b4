/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Records into a queue: which lane takes them, or who has to wait, and the ring in memory while there is no lane yet.
 */

#include <errno.h>
#include <string.h>

#include "queue/queue-core.h"

static void lost_from_ring(void *userdata, const Record *record)
{
        Queue *q = userdata;
        Moment appended = {boots_present(&q->boots), record->boot_usec};

        (void)stream_lose(q->host.streams[record->stream], record->n, appended, queue_settled, q);
}

static int append_to_ring(Queue *q, QueueLane lane, const Record *first, const struct iovec *payloads, size_t n)
{
        size_t pages = record_pages_of(payloads, n);
        Batch *ring = &q->ring[lane];

        while (ring->n_pages > 0 && ring->n_pages + pages > LANE_RING_PAGES)
                batch_drop_page(ring, lost_from_ring, q);
        return batch_put_all(ring, first, payloads, n, NULL);
}

/* Are there numbers of it that have not come to rest? */
static bool waits_in(const Queue *q, QueueLane lane, const Stream *s)
{
        const Lane *l = q->lanes[lane];

        return l ? l->filling.first[s->id] != 0 || l->flight.batch.first[s->id] != 0 : q->ring[lane].first[s->id] != 0;
}

/* Where the next record goes: to the stream's lane, or to the one that it has left, as long as numbers of before are
 * not at rest there. If later ones were, a cut would leave a hole among those that count as accepted. */
static QueueLane lane_for(const Queue *q, const Stream *s)
{
        for (unsigned i = 0; i < q->host.n_lanes; i++)
                if (i != s->lane && waits_in(q, (QueueLane)i, s))
                        return (QueueLane)i;
        return s->lane;
}

bool queue_stream_waits(const Queue *q, unsigned stream, QueueLane lane)
{
        const Stream *s = q->streams[stream];
        Ledger ledger;

        stream_ledger(s, &ledger);
        return lane_for(q, s) == lane && (ledger_waiting(&ledger) > 0 || s->next > s->durable);
}

/* A moment, and it goes where it belongs. */
static bool is_passing(const Stream *s, const Lane *l)
{
        return l && !l->failed && l->which != s->lane;
}

/* The same for each way in. l is NULL while the queue is not open. */
static int admits(const Queue *q, const Stream *s, const Lane *l, size_t pages, bool asked)
{
        int r;

        if (is_passing(s, l))
                return QUEUE_E_BUSY;
        r = l ? lane_admits(l, s->id, s->next, pages, asked) : 0;
        if (r == QUEUE_E_FULL && !q->settings.drop_newest && !queue_disk_is_full(q))
                return QUEUE_E_BUSY; /* all of it is in somebody's hand: a matter of time */
        return r;
}

/* When it is not admitted: what can be done about it. */
static void make_way(const Stream *s, Lane *l, size_t pages)
{
        if (is_passing(s, l))
                lane_hurry(l);
        else if (l)
                lane_make_way(l, s->id, s->next, pages);
}

static size_t sum_of(const struct iovec *payloads, size_t n)
{
        size_t sum = 0;

        for (size_t i = 0; i < n; i++)
                sum += payloads[i].iov_len;
        return sum;
}

int queue_append_all(Queue *q, unsigned stream, QueueKind kind, const struct iovec *payloads, size_t n,
                     const QueueReceipt *receipt, uint64_t *ret_first)
{
        Stream *s = q->streams[stream];
        Record first = {.type = (uint8_t)kind, .stream = s->id, .n = s->next, .boot_usec = queue_now(q)};
        size_t pages = record_pages_of(payloads, n);
        QueueLane lane = lane_for(q, s);
        Lane *l = q->lanes[lane];
        int r;

        if (pages > record_pages(QUEUE_PAYLOAD_MAX) || sum_of(payloads, n) > QUEUE_PAYLOAD_MAX)
                return QUEUE_E_TOO_LARGE;
        if (receipt && (!l || l->failed))
                return QUEUE_E_DISK;
        queue_warn_of_ring(q, lane, pages);
        r = admits(q, s, l, pages, receipt);
        if (r != 0) {
                make_way(s, l, pages);
                r = admits(q, s, l, pages, receipt);
        }
        if (r == QUEUE_E_FULL) {
                queue_warn_before_drop(q, lane);
                queue_log_full(q);
        }
        if (r != 0)
                return r;
        r = l ? lane_append(l, &first, payloads, n, receipt) : append_to_ring(q, lane, &first, payloads, n);
        if (r != 0)
                return QUEUE_E_BUSY; /* no memory */
        s->next += n;
        q->meter.counts.records += n;
        q->meter.counts.payload_bytes += sum_of(payloads, n);
        if (ret_first)
                *ret_first = first.n;
        return 0;
}

int queue_append(Queue *q, unsigned stream, QueueKind kind, const void *payload, size_t size,
                 const QueueReceipt *receipt, uint64_t *ret_n)
{
        struct iovec one = {(void *)(uintptr_t)payload, size};

        return queue_append_all(q, stream, kind, &one, 1, receipt, ret_n);
}

static bool is_ready_for(const Queue *q, const Stream *s)
{
        return !s->asked || admits(q, s, q->lanes[lane_for(q, s)], record_pages(QUEUE_READY_BYTES), false) == 0;
}

bool queue_is_ready(const Queue *q)
{
        for (unsigned h = 0; h < q->n_streams; h++)
                if (!is_ready_for(q, q->streams[h]))
                        return false;
        return true;
}

bool queue_make_ready(Queue *q)
{
        for (unsigned h = 0; h < q->n_streams; h++)
                if (!is_ready_for(q, q->streams[h]))
                        make_way(q->streams[h], q->lanes[lane_for(q, q->streams[h])], record_pages(QUEUE_READY_BYTES));
        return queue_is_ready(q);
}
