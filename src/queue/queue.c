/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/queue-core.h"

#include <errno.h>
#include <string.h>

/*
 * Flushes for callers that wait: two a second, after a burst of so many at once. A commit ahead of its interval takes
 * a token, and is put off until one is there. A slot that is made or removed takes what it costs, on credit if need
 * be, so that callers who fill slots have fewer commits. Only a batch that is full of records which nobody waits for
 * takes none: lane.c.
 *
 * So no second sees more than 21 flushes, whatever callers do and however much each of them brings: these 12, the two
 * that come in meanwhile, one a lane for the interval, and on credit a slot a lane (two each) and one that is removed.
 */
#define TOKEN_USEC  (USEC_PER_SEC / 2)
#define TOKEN_BURST 12 /* unless the settings say otherwise: another store has other callers */

#define JOIN_RANGES 48 /* of the CHECKPOINT_RANGES */

void queue_changed(Queue *q)
{
        if (!q->closing && q->sink.changed)
                q->sink.changed(q->sink.userdata);
}

void queue_readable(Queue *q)
{
        if (!q->closing && q->sink.readable)
                q->sink.readable(q->sink.userdata);
}

/* ---- what the lanes ask and tell ---- */

void queue_settled(void *userdata, const Stream *stream, uint64_t first, uint64_t last, unsigned tag)
{
        Queue *q = userdata;

        if (tag == CHECKPOINT_TORN)
                return;
        if (queue_is_open(q) && q->settings.store_of == QUEUE_OF_READINGS)
                queue_note(q, stream, first, last, (Outcome)tag);
        if (!q->sink.settled)
                return;
        q->sink.settled(q->sink.userdata, &(Settled){
                                                  .stream = stream->name,
                                                  .epoch = q->settling_epoch,
                                                  .first = first,
                                                  .last = last,
                                                  .outcome = (Outcome)tag,
                                          });
}

static unsigned token_burst(const Queue *q)
{
        return q->settings.receipt_burst ?: TOKEN_BURST;
}

/* It owes at most as much as it can hold. */
static void on_take_tokens(void *userdata, unsigned n)
{
        Queue *q = userdata;
        usec_t now = queue_now(q);

        q->token_usec = usec_add(MAX(q->token_usec, now), n * TOKEN_USEC);
        q->token_usec = MIN(q->token_usec, usec_add(now, 2 * (usec_t)token_burst(q) * TOKEN_USEC));
}

/* No later for being asked later: a time that goes along with the clock would never have come. */
static usec_t on_token_at(void *userdata)
{
        const Queue *q = userdata;

        if (q->settings.unhurried)
                return USEC_INFINITY;
        return usec_sub(q->token_usec, (usec_t)(token_burst(q) - 1) * TOKEN_USEC);
}

static void on_committed(void *userdata, Lane *lane)
{
        Queue *q = userdata;

        queue_look_at_disk(q);
        queue_look_at_clock(q);
        queue_look_at_pressure(q);
        queue_forget_boots(q);
        queue_readable(q);
        queue_changed(q);
}

static void on_trouble(void *userdata, Lane *lane)
{
        queue_look_at_disk(userdata);
        queue_look_at_pressure(userdata);
}

static void on_readable(void *userdata, Lane *lane)
{
        queue_readable(userdata);
}

void queue_host(Queue *q, LaneHost *ret)
{
        *ret = (LaneHost){
                .settled = queue_settled,
                .take_tokens = on_take_tokens,
                .token_at = on_token_at,
                .may_grow = queue_may_grow,
                .floor = queue_floor,
                .make_room = queue_make_room,
                .grows = queue_grows,
                .may_keep = queue_may_keep,
                .makes_slots = queue_makes_slots,
                .gives_up = queue_gives_up_slot,
                .removed = queue_slot_removed,
                .committed = on_committed,
                .failed = on_trouble,
                .recovered = on_trouble,
                .readable = on_readable,
                .userdata = q,
        };
}

/* ---- time ---- */

static usec_t deadline(void *userdata)
{
        Queue *q = userdata;
        usec_t d = USEC_INFINITY;

        if (!queue_is_open(q))
                return q->opening ? queue_disk_due(q) : q->retry_usec;
        for (unsigned i = 0; i < q->host.n_lanes; i++)
                d = MIN(d, lane_deadline(q->lanes[i]));
        d = MIN(d, MIN(queue_disk_due(q), queue_notices_due(q)));
        return MIN(d, MIN(queue_age_due(q), queue_space_due(q)));
}

static void tick(void *userdata, usec_t now)
{
        Queue *q = userdata;

        if (queue_is_open(q)) {
                for (unsigned i = 0; i < q->host.n_lanes; i++)
                        lane_tick(q->lanes[i], now);
                if (now >= queue_disk_due(q))
                        queue_look_at_disk(q);
                if (now >= queue_notices_due(q))
                        queue_tell(q, now);
                if (now >= queue_age_due(q))
                        queue_drop_old(q, now);
                if (now >= queue_space_due(q))
                        queue_ask_space(q, now);
        } else if (q->opening && now >= queue_disk_due(q))
                queue_look_at_disk(q);
        else if (!q->opening && now >= q->retry_usec)
                queue_open_again(q);
}

Ticker queue_ticker(Queue *q)
{
        return (Ticker){"queue", deadline, tick, q};
}

/* ---- streams ---- */

static Stream *find_stream(Queue *q, const char *name)
{
        for (unsigned h = 0; h < q->n_streams; h++)
                if (strcmp(q->streams[h]->name, name) == 0)
                        return q->streams[h];
        return NULL;
}

static int make_stream(Queue *q, const char *name, Stream **ret)
{
        unsigned id = 0;
        Stream *s;

        while (q->host.streams[id])
                id++;
        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        stream_init(s, name, q->n_streams, (uint8_t)id, QUEUE_LANE_NORMAL);
        q->host.streams[id] = s;
        q->streams[q->n_streams++] = s;
        *ret = s;
        return 0;
}

/* All identities are taken: one whose name nobody asked for, and of which nothing waits, has another from now on. */
static int take_over_stream(Queue *q, const char *name, Stream **ret)
{
        for (unsigned h = 0; h < q->n_streams; h++) {
                Stream *s = q->streams[h];
                int r;

                if (!stream_is_spare(s) || notices_has(&q->notices, s->id))
                        continue;
                r = stream_hand_on(s, name);
                if (r < 0)
                        return r;
                for (unsigned i = 0; i < q->host.n_lanes && queue_is_open(q); i++)
                        lane_renamed(q->lanes[i], s->id);
                *ret = s;
                return 0;
        }
        return -ENOSPC;
}

int queue_stream(Queue *q, const char *name, QueueLane lane, unsigned *ret_stream)
{
        Stream *s;
        int r = 0;

        if (!name_is_valid(name))
                return -EINVAL;
        s = find_stream(q, name);
        if (!s)
                r = q->n_streams < QUEUE_STREAMS_MAX ? make_stream(q, name, &s) : take_over_stream(q, name, &s);
        if (r < 0)
                return r;
        s->lane = lane = MIN(lane, (QueueLane)q->host.n_lanes - 1);
        s->asked = true;
        *ret_stream = s->handle;
        if (queue_is_open(q)) {
                q->lanes[lane]->wanted = true;
                lane_prepare(q->lanes[lane]);
        }
        return 0;
}

void queue_expect_stream(Queue *q, const char *name)
{
        Stream *s = find_stream(q, name);

        if (s)
                s->asked = true;
}

unsigned queue_n_streams(const Queue *q)
{
        return q->n_streams;
}

const char *queue_stream_name(const Queue *q, unsigned stream)
{
        return stream < q->n_streams ? q->streams[stream]->name : NULL;
}

/* ---- out ---- */

/* Are so many settled ranges apart that a checkpoint might not hold them soon? */
static bool is_crowded(const Queue *q)
{
        size_t n = 0;

        for (unsigned h = 0; h < q->n_streams; h++)
                n += q->streams[h]->settled.n;
        return n > JOIN_RANGES;
}

static void tell(Queue *q, const CursorRecord *found, QueueRecord *ret)
{
        queue_look_at_clock(q);
        *ret = (QueueRecord){
                .stream = found->stream->handle,
                .kind = (QueueKind)found->record.type,
                .epoch = found->epoch,
                .n = found->record.n,
                .boot_usec = found->record.boot_usec,
                .this_boot = found->appended.boot == boots_present(&q->boots),
                .age_usec = queue_age_of(q, found->appended, queue_now(q)),
                .payload = found->record.payload,
                .size = found->record.size,
        };
        ret->time = boots_wall(&q->boots, found->appended, &ret->wall_usec);
}

int queue_peek(Queue *q, QueueLane lane, QueueSource source, QueueRecord *ret)
{
        CursorRecord found;
        int r;

        if (!queue_is_open(q) || lane >= q->host.n_lanes)
                return QUEUE_E_EMPTY;
        if (source == QUEUE_NEWS && is_crowded(q))
                lane_join(q->lanes[lane]);
        r = lane_peek(q->lanes[lane], source, &found);
        if (r != 0)
                return r;
        if (source == QUEUE_BACKLOG)
                stream_mark(found.stream, found.record.n, found.appended);
        tell(q, &found, ret);
        ret->backlog = source == QUEUE_BACKLOG;
        return 0;
}

void queue_advance(Queue *q, QueueLane lane, QueueSource source)
{
        if (queue_is_open(q) && lane < q->host.n_lanes)
                lane_advance(q->lanes[lane], source);
}

void queue_set_link(Queue *q, bool up)
{
        q->link_is_down = !up;
}

void queue_split(Queue *q)
{
        /* A link often comes back because somebody has set the clock: no record is served by what it said before. */
        q->boots.asked_usec = 0;
        if (queue_is_open(q))
                queue_look_at_clock(q);
        for (unsigned i = 0; i < q->host.n_lanes && queue_is_open(q); i++)
                lane_split(q->lanes[i]);
}

/* A stream that changed lanes has records in both. */
int queue_browse(Queue *q, unsigned stream, uint64_t first, uint64_t last, QueueRecord *ret)
{
        int result = QUEUE_E_EMPTY;

        for (unsigned i = 0; i < q->host.n_lanes && queue_is_open(q); i++) {
                CursorRecord found;
                int r = lane_browse(q->lanes[i], q->streams[stream], first, last, &found);

                if (r == QUEUE_E_WAIT)
                        return r;
                if (r == 0 && (result != 0 || found.record.n < ret->n)) {
                        tell(q, &found, ret);
                        result = 0;
                }
        }
        return result;
}

void queue_settle(Queue *q, unsigned stream, uint64_t epoch, uint64_t first, uint64_t last, Outcome outcome)
{
        Stream *s = q->streams[stream];

        last = MIN(last, s->durable - 1);
        if (!queue_is_open(q) || first > last)
                return;
        q->settling_epoch = epoch;
        /* without memory: served again after a restart */
        (void)stream_settle(s, first, last, outcome, queue_settled, q);
        q->settling_epoch = 0;
        if (notices_are_many(&q->notices) && queue_notices_due(q) <= queue_now(q))
                queue_tell(q, queue_now(q)); /* before they run over */
        for (unsigned i = 0; i < q->host.n_lanes; i++)
                if (q->lanes[i]->end[s->id] != 0) {
                        lane_dirty(q->lanes[i]);
                        lane_prepare(q->lanes[i]);
                }
        queue_relieve(q);
        queue_changed(q);
}

uint64_t queue_durable(const Queue *q, unsigned stream)
{
        return q->streams[stream]->durable;
}

bool queue_all_settled(const Queue *q, unsigned stream, uint64_t first, uint64_t end)
{
        return stream_all_settled(q->streams[stream], first, end);
}

/* ---- questions ---- */

uint64_t queue_epoch(const Queue *q)
{
        return q->host.epoch;
}

void queue_ledger(const Queue *q, unsigned stream, Ledger *ret)
{
        stream_ledger(q->streams[stream], ret);
}

void queue_status(const Queue *q, QueueStatus *ret)
{
        *ret = (QueueStatus){.unknown = !queue_is_open(q),
                             .disk_state = q->disk_state,
                             .disk_failed = q->failed,
                             .disk_error = q->reason,
                             .aside = q->aside};
        for (unsigned h = 0; h < q->n_streams; h++) {
                Ledger ledger;

                stream_ledger(q->streams[h], &ledger);
                ret->records += ledger_waiting(&ledger);
        }
        ret->oldest_age_usec = queue_oldest_age(q);
        for (unsigned i = 0; i < q->host.n_lanes && queue_is_open(q); i++)
                ret->bytes += lane_bytes(q->lanes[i]);
        for (unsigned i = 0; i < q->host.n_lanes; i++)
                ret->fill = MAX(ret->fill, queue_fill_of(q, i));
}

const char *queue_in_use(const Queue *q)
{
        return q->disk_state == DISK_IN_USE ? q->reason : NULL;
}

void queue_stats(const Queue *q, QueueStats *ret)
{
        meter_stats(&q->meter, ret);
}
