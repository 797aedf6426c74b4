/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/queue.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/log-id.h"
#include "queue/opening.h"

#define TOKEN_USEC      (USEC_PER_SEC / 2) /* early commits: two a second ... */
#define TOKEN_BURST     20                 /* ... after so many at once */
#define SLOT_BYTES_MIN  (1024 * 1024)
#define SLOT_BYTES_MAX  (16 * 1024 * 1024)
#define SLOTS           128 /* that the byte limit is divided into */
#define LANE_SLOTS_MIN  2   /* one being written, one to come */
#define FULL_LOG_USEC   USEC_PER_HOUR

struct Queue {
        QueueSettings settings; /* without directory */
        char *directory;
        QueueSink sink;
        LaneHost host; /* what the lanes share; its streams are by identity */
        Lane *lanes[_QUEUE_LANE_MAX];

        Stream *streams[QUEUE_STREAMS_MAX]; /* by handle */
        unsigned n_streams;

        /* Until the directory could be opened, records wait here, with numbers that begin at 1 for the time being. */
        Batch ring[_QUEUE_LANE_MAX];
        Opening *opening; /* under way on the worker */
        Backoff backoff;
        usec_t retry_usec;

        bool failed;
        char reason[LANE_REASON_MAX];
        bool closing;

        usec_t token_usec;          /* when the tokens that were taken are made up for */
        usec_t opened_usec;
        usec_t full_logged_usec;
        uint64_t settling_epoch;    /* of the range that a caller settles; 0: the queue's own doing */
        unsigned owed;              /* slots that the normal lane gives up for the urgent one */
};

static bool is_open(const Queue *q)
{
        return q->lanes[0];
}

static usec_t now_of(const Queue *q)
{
        return clock_boot(q->host.clock);
}

static void changed(Queue *q)
{
        if (!q->closing && q->sink.changed)
                q->sink.changed(q->sink.userdata);
}

static void readable(Queue *q)
{
        if (!q->closing && q->sink.readable)
                q->sink.readable(q->sink.userdata);
}

/* ---- trouble, one line each way ---- */

static void set_failed(Queue *q, const char *reason)
{
        bool before = q->failed;

        q->failed = true;
        memcpy(q->reason, reason, sizeof(q->reason));
        if (!before)
                log_line(LOG_ERR, LOG_ID_DISK_FAILED, NULL,
                         "Queue: %s. Readings are kept in memory meanwhile, at most %u KiB a lane.", q->reason,
                         LANE_RING_PAGES * PAGE_BYTES / 1024);
        changed(q);
}

static void set_recovered(Queue *q)
{
        if (!q->failed)
                return;
        q->failed = false;
        q->reason[0] = 0;
        log_line(LOG_NOTICE, LOG_ID_DISK_RECOVERED, NULL, "Queue: %s can be written to again.", q->directory);
        changed(q);
}

/* ---- what the lanes ask and tell ---- */

static void on_settled(void *userdata, const Stream *stream, uint64_t first, uint64_t last, unsigned tag)
{
        Queue *q = userdata;

        if (tag == CHECKPOINT_TORN || q->closing || !q->sink.settled)
                return;
        q->sink.settled(q->sink.userdata, &(Settled){
                                                  .stream = stream->name,
                                                  .epoch = q->settling_epoch,
                                                  .first = first,
                                                  .last = last,
                                                  .outcome = (Outcome)tag,
                                          });
}

static void on_take_token(void *userdata, usec_t now)
{
        Queue *q = userdata;

        q->token_usec = usec_add(MAX(q->token_usec, now), TOKEN_USEC);
}

static usec_t on_token_at(void *userdata, usec_t now)
{
        Queue *q = userdata;

        return MAX(now, usec_sub(q->token_usec, (TOKEN_BURST - 1) * TOKEN_USEC));
}

static uint64_t bytes_of(const Lane *l)
{
        uint64_t sum = l->making ? l->make_pages * PAGE_BYTES : 0;

        for (size_t i = 0; i < l->n_slots; i++)
                sum += l->slots[i]->n_pages * PAGE_BYTES;
        return sum;
}

static uint64_t bytes_of_all(const Queue *q)
{
        uint64_t sum = 0;

        for (int i = 0; i < _QUEUE_LANE_MAX; i++)
                sum += bytes_of(q->lanes[i]);
        return sum;
}

static uint64_t limit(const Queue *q)
{
        return MAX(q->settings.max_bytes, (uint64_t)_QUEUE_LANE_MAX * LANE_SLOTS_MIN * q->host.slot_pages * PAGE_BYTES);
}

/* What the other lanes are still to be given, so that none finds all the room taken. */
static uint64_t reserved_for_others(const Queue *q, const Lane *lane)
{
        uint64_t sum = 0;

        for (int i = 0; i < _QUEUE_LANE_MAX; i++) {
                const Lane *l = q->lanes[i];

                if (l != lane && l->wanted && l->n_slots + l->making < LANE_SLOTS_MIN)
                        sum += (LANE_SLOTS_MIN - l->n_slots - l->making) * q->host.slot_pages * PAGE_BYTES;
        }
        return sum;
}

static bool on_may_grow(void *userdata, const Lane *lane)
{
        Queue *q = userdata;

        return bytes_of_all(q) + reserved_for_others(q, lane) + q->host.slot_pages * PAGE_BYTES <= limit(q);
}

static bool on_may_keep(void *userdata, const Lane *lane)
{
        Queue *q = userdata;

        if (lane->which == QUEUE_LANE_NORMAL && q->owed > 0) {
                q->owed--;
                return false;
        }
        return bytes_of_all(q) <= limit(q);
}

static void prepare_all(Queue *q)
{
        for (int i = 0; i < _QUEUE_LANE_MAX; i++)
                lane_prepare(q->lanes[i]);
}

static void on_removed(void *userdata, Lane *lane)
{
        Queue *q = userdata;

        if (!q->closing)
                prepare_all(q);
}

/* A file system without room is a limit like max_bytes, only that nobody set it. */
static bool disk_is_full(const Queue *q)
{
        for (int i = 0; i < _QUEUE_LANE_MAX; i++) {
                const Lane *l = q->lanes[i];

                if (l && l->make_retry_usec != USEC_INFINITY && (l->make_error == -ENOSPC || l->make_error == -EDQUOT))
                        return true;
        }
        return false;
}

static void log_full(Queue *q)
{
        const char *what = q->settings.drop_newest ? "new records are refused"
                                                   : "the oldest records are dropped for new ones";
        usec_t now = now_of(q);

        if (q->full_logged_usec != 0 && now < usec_add(q->full_logged_usec, FULL_LOG_USEC))
                return;
        q->full_logged_usec = now;
        if (disk_is_full(q))
                log_line(LOG_WARNING, LOG_ID_QUEUE_FULL, NULL,
                         "Queue: no space left on the disk of %s: %s. Restore the link, or free some space.",
                         q->directory, what);
        else
                log_line(LOG_WARNING, LOG_ID_QUEUE_FULL, NULL,
                         "Queue: %s holds its %llu MiB (queue.max_bytes): %s. Restore the link, or raise the limit.",
                         q->directory, (unsigned long long)(limit(q) >> 20), what);
}

/* Settles what the lane's oldest slot still holds, if none of it is in somebody's hand. */
static bool evict(Queue *q, Lane *l)
{
        for (Slot *slot = lane_next_slot(l, NULL); slot; slot = lane_next_slot(l, slot)) {
                if (slot == l->current || slot_is_in_hand(slot, q->host.streams) ||
                    slot_is_settled(slot, q->host.streams) || (!l->current && slot->state == SLOT_BROKEN))
                        continue;
                log_full(q);
                for (unsigned id = 0; id < RECORD_STREAMS; id++)
                        if (slot->first[id] != 0 && slot->end[id] > slot->first[id] &&
                            stream_settle(q->host.streams[id], slot->first[id], slot->end[id] - 1,
                                          OUTCOME_QUEUE_FULL, on_settled, q) < 0)
                                return false;
                l->release = true;
                lane_dirty(l);
                changed(q);
                return true;
        }
        return false;
}

/* The normal lane gives before the urgent one does. */
static void on_make_room(void *userdata, Lane *lane)
{
        Queue *q = userdata;
        Lane *normal = q->lanes[QUEUE_LANE_NORMAL];

        if (q->settings.drop_newest)
                return;
        if (lane == normal || normal->n_slots <= LANE_SLOTS_MIN || lane->n_slots >= normal->n_slots) {
                (void)evict(q, lane);
                return;
        }
        if (q->owed == 0 && evict(q, normal))
                q->owed++;
        else if (q->owed == 0)
                (void)evict(q, lane);
}

static void on_committed(void *userdata, Lane *lane)
{
        Queue *q = userdata;

        readable(q);
        changed(q);
}

static void on_failed(void *userdata, Lane *lane)
{
        set_failed(userdata, lane->reason);
}

static void on_recovered(void *userdata, Lane *lane)
{
        Queue *q = userdata;

        for (int i = 0; i < _QUEUE_LANE_MAX; i++)
                if (q->lanes[i]->failed)
                        return;
        set_recovered(q);
}

static void on_readable(void *userdata, Lane *lane)
{
        readable(userdata);
}

/* ---- opening ---- */

/* Streams that were asked for before the directory could be read get what it holds under their names; their
 * provisional numbers go on from there. */
static int adopt_streams(Queue *q, Stream *found[static RECORD_STREAMS])
{
        uint8_t id[RECORD_STREAMS] = {};
        uint64_t offset[RECORD_STREAMS] = {};
        unsigned n = 0;

        for (unsigned i = 0; i < RECORD_STREAMS; i++)
                n += found[i] != NULL;
        for (unsigned h = 0; h < q->n_streams; h++) {
                Stream *s = q->streams[h];
                unsigned i = 0;

                while (i < RECORD_STREAMS && !(found[i] && strcmp(found[i]->name, s->name) == 0))
                        i++;
                if (i == RECORD_STREAMS) {
                        for (i = 0; i < RECORD_STREAMS && found[i]; i++)
                                ;
                        if (i == RECORD_STREAMS)
                                return -ENOSPC;
                        found[i] = calloc(1, sizeof(*s));
                        if (!found[i])
                                return -ENOMEM;
                        stream_init(found[i], s->name, h, (uint8_t)i, s->lane);
                }
                id[h] = (uint8_t)i;
                offset[s->id] = found[i]->next - 1;
                (void)n;
        }
        /* nothing can fail from here on */
        for (unsigned h = 0; h < q->n_streams; h++) {
                Stream *old = q->streams[h], *s = found[id[h]];
                uint64_t base = offset[old->id];

                s->handle = h;
                s->lane = old->lane;
                s->next = base + old->next;
                for (unsigned t = 0; t < CHECKPOINT_TAGS; t++)
                        if (old->counts[t] > 0) /* what ran over meanwhile: the first ones, one after another */
                                (void)stream_settle(s, base + 1, base + old->counts[t], t, NULL, NULL);
                stream_rest(s, base + old->durable, now_of(q));
                stream_done(old);
                free(old);
                q->streams[h] = s;
        }
        for (unsigned i = 0; i < RECORD_STREAMS; i++) {
                q->host.streams[i] = found[i];
                if (found[i] && (found[i]->handle >= q->n_streams || q->streams[found[i]->handle] != found[i])) {
                        found[i]->handle = q->n_streams;
                        q->streams[q->n_streams++] = found[i];
                }
        }
        for (int i = 0; i < _QUEUE_LANE_MAX; i++)
                batch_renumber(&q->ring[i], id, offset);
        return 0;
}

static void start_lanes(Queue *q, Opening *o)
{
        memcpy(q->host.boot, o->host.boot, sizeof(q->host.boot));
        for (int i = 0; i < _QUEUE_LANE_MAX; i++) {
                Lane *l = q->lanes[i] = TAKE_PTR(o->lanes[i]);

                l->host = &q->host;
                q->host.sequence = MAX(q->host.sequence, o->found[i].settled.sequence);
                if (o->found[i].epoch != 0)
                        q->host.previous_epoch = o->found[i].epoch;
                if (o->found[i].note[0])
                        log_line(LOG_WARNING, NULL, NULL, "Queue: %s.", o->found[i].note);
        }
        for (int i = 0; i < _QUEUE_LANE_MAX; i++) {
                Lane *l = q->lanes[i];

                lane_start(l);
                if (q->ring[i].n_records > 0) {
                        l->filling = q->ring[i];
                        q->ring[i] = (Batch){};
                        l->current = NULL; /* the page 0 of a new slot names its streams */
                        l->wanted = true;
                }
                lane_dirty(l);
        }
        for (unsigned h = 0; h < q->n_streams; h++)
                q->lanes[q->streams[h]->lane]->wanted = true;
}

static int take(Queue *q, Opening *o)
{
        Stream *found[RECORD_STREAMS] = {};
        int r;

        r = opening_streams(o, found);
        if (r == 0)
                r = adopt_streams(q, found);
        if (r < 0) {
                lane_reason(o->reason, r, "open", q->directory);
                for (unsigned i = 0; i < RECORD_STREAMS; i++)
                        if (found[i]) {
                                stream_done(found[i]);
                                free(found[i]);
                        }
                return r;
        }
        start_lanes(q, o);
        q->opened_usec = now_of(q);
        for (unsigned h = 0; h < q->n_streams; h++)
                if (q->streams[h]->n_marks == 0)
                        q->streams[h]->marks[q->streams[h]->n_marks++] = (StreamMark){1, q->opened_usec};
        return 0;
}

static void not_opened(Queue *q, Opening *o)
{
        q->retry_usec = usec_add(now_of(q), backoff_next(&q->backoff, q->host.random));
        set_failed(q, o->reason);
}

static void on_opened(DiskJob *job)
{
        Opening *o = container_of(job, Opening, job);
        Queue *q = o->userdata;

        q->opening = NULL;
        if (o->error == 0)
                o->error = take(q, o);
        if (o->error < 0) {
                not_opened(q, o);
        } else {
                prepare_all(q);
                set_recovered(q);
                readable(q);
        }
        (void)opening_free(o);
}

static void open_again(Queue *q)
{
        if (opening_new(&q->opening, &q->host, q->directory) < 0)
                return;
        q->opening->job.done = on_opened;
        q->opening->userdata = q;
        disk_submit(q->host.disk, &q->opening->job);
}

static size_t slot_pages(const QueueSettings *s)
{
        uint64_t bytes = s->segment_bytes ?: CLAMP(s->max_bytes / SLOTS, (uint64_t)SLOT_BYTES_MIN, (uint64_t)SLOT_BYTES_MAX);

        /* a small limit has small slots, or dropping the oldest would drop nearly all */
        if (!s->segment_bytes)
                bytes = MIN(bytes, s->max_bytes / 8);
        return CLAMP(bytes / PAGE_BYTES, (uint64_t)LANE_SLOT_PAGES_MIN, (uint64_t)UINT16_MAX);
}

int queue_open(Queue **ret, const QueueSettings *settings, Disk *disk, const Clock *clock, const Random *random,
               const QueueSink *sink)
{
        Opening *o = NULL;
        Queue *q;
        int r;

        if (!settings->directory || !settings->directory[0] || settings->max_bytes == 0)
                return -EINVAL;
        q = calloc(1, sizeof(*q));
        if (!q)
                return -ENOMEM;
        q->settings = *settings;
        q->settings.directory = NULL;
        q->sink = sink ? *sink : (QueueSink){};
        q->backoff = (Backoff){.first_usec = USEC_PER_SEC, .max_usec = USEC_PER_MIN, .floor_usec = USEC_PER_SEC};
        q->host = (LaneHost){
                .disk = disk,
                .clock = clock,
                .random = random,
                .commit_interval_usec = settings->commit_interval_usec,
                .slot_pages = slot_pages(settings),
                .settled = on_settled,
                .take_token = on_take_token,
                .token_at = on_token_at,
                .may_grow = on_may_grow,
                .make_room = on_make_room,
                .may_keep = on_may_keep,
                .removed = on_removed,
                .committed = on_committed,
                .failed = on_failed,
                .recovered = on_recovered,
                .readable = on_readable,
                .userdata = q,
        };
        while (q->host.epoch == 0) /* 0 stands for "more than one" in Settled */
                q->host.epoch = random->draw(random->userdata);
        q->directory = strdup(settings->directory);
        r = q->directory ? opening_new(&o, &q->host, q->directory) : -ENOMEM;
        if (r < 0) {
                (void)queue_close(q, 0);
                return r;
        }
        opening_work(&o->job, disk);
        if (o->error == 0)
                o->error = take(q, o);
        if (o->error < 0)
                not_opened(q, o);
        else
                prepare_all(q);
        (void)opening_free(o);
        *ret = q;
        return 0;
}

/* ---- closing ---- */

static bool finish(Queue *q)
{
        bool done = true;

        for (int i = 0; i < _QUEUE_LANE_MAX; i++)
                done &= lane_finish(q->lanes[i]);
        return done;
}

Queue *queue_close(Queue *q, usec_t timeout_usec)
{
        usec_t deadline;

        if (!q)
                return NULL;
        q->closing = true;
        deadline = usec_add(now_of(q), timeout_usec);
        while (is_open(q) && !finish(q)) {
                usec_t now = now_of(q);

                if (now >= deadline || !disk_wait(q->host.disk, deadline - now))
                        break;
                disk_dispatch(q->host.disk);
        }
        for (int i = 0; i < _QUEUE_LANE_MAX; i++) {
                if (q->lanes[i])
                        lane_answer(q->lanes[i], -ETIMEDOUT);
                (void)lane_free(q->lanes[i]);
                batch_done(&q->ring[i]);
        }
        if (q->opening)
                disk_abandon(q->host.disk, &q->opening->job);
        for (unsigned h = 0; h < q->n_streams; h++) {
                stream_done(q->streams[h]);
                free(q->streams[h]);
        }
        free(q->directory);
        free(q);
        return NULL;
}

void queue_configure(Queue *q, const QueueSettings *settings)
{
        q->settings = *settings;
        q->settings.directory = NULL;
        q->host.commit_interval_usec = settings->commit_interval_usec;
        if (is_open(q))
                prepare_all(q);
}

/* ---- time ---- */

static usec_t deadline(void *userdata)
{
        Queue *q = userdata;
        usec_t now = now_of(q), d = USEC_INFINITY;

        if (!is_open(q))
                return q->opening ? USEC_INFINITY : q->retry_usec;
        for (int i = 0; i < _QUEUE_LANE_MAX; i++)
                d = MIN(d, lane_deadline(q->lanes[i], now));
        return d;
}

static void tick(void *userdata, usec_t now)
{
        Queue *q = userdata;

        if (is_open(q)) {
                for (int i = 0; i < _QUEUE_LANE_MAX; i++)
                        lane_tick(q->lanes[i], now);
        } else if (!q->opening && now >= q->retry_usec)
                open_again(q);
}

Ticker queue_ticker(Queue *q)
{
        return (Ticker){"queue", deadline, tick, q};
}

/* ---- streams ---- */

int queue_stream(Queue *q, const char *name, QueueLane lane, unsigned *ret_stream)
{
        Stream *s;
        unsigned id = 0;

        if (!name_is_valid(name))
                return -EINVAL;
        for (unsigned h = 0; h < q->n_streams; h++)
                if (strcmp(q->streams[h]->name, name) == 0) {
                        q->streams[h]->lane = lane;
                        *ret_stream = h;
                        goto found;
                }
        if (q->n_streams == QUEUE_STREAMS_MAX)
                return -ENOSPC;
        while (q->host.streams[id])
                id++;
        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        stream_init(s, name, q->n_streams, (uint8_t)id, lane);
        q->host.streams[id] = s;
        q->streams[q->n_streams] = s;
        *ret_stream = q->n_streams++;
found:
        if (is_open(q)) {
                q->lanes[lane]->wanted = true;
                lane_prepare(q->lanes[lane]);
        }
        return 0;
}

unsigned queue_n_streams(const Queue *q)
{
        return q->n_streams;
}

const char *queue_stream_name(const Queue *q, unsigned stream)
{
        return stream < q->n_streams ? q->streams[stream]->name : NULL;
}

/* ---- in ---- */

static void lost_from_ring(void *userdata, const Record *record)
{
        Queue *q = userdata;
        Stream *s = q->host.streams[record->stream];

        stream_rest(s, record->n + 1, record->boot_usec);
        (void)stream_settle(s, record->n, record->n, OUTCOME_DISK, on_settled, q);
}

static int append_to_ring(Queue *q, Stream *s, const Record *record)
{
        Batch *ring = &q->ring[s->lane];

        while (ring->n_pages > 0 && ring->n_pages + record_pages(record->size) > LANE_RING_PAGES)
                batch_drop_page(ring, lost_from_ring, q);
        return batch_put(ring, record, NULL);
}

int queue_append(Queue *q, unsigned stream, QueueKind kind, const void *payload, size_t size,
                 const QueueReceipt *receipt, uint64_t *ret_n)
{
        Stream *s = q->streams[stream];
        Record record = {
                .type = (uint8_t)kind,
                .stream = s->id,
                .n = s->next,
                .boot_usec = now_of(q),
                .payload = payload,
                .size = size,
        };
        int r;

        if (size > QUEUE_PAYLOAD_MAX)
                return QUEUE_E_TOO_LARGE;
        if (receipt && (!is_open(q) || q->lanes[s->lane]->failed))
                return QUEUE_E_DISK;
        r = is_open(q) ? lane_append(q->lanes[s->lane], &record, receipt) : append_to_ring(q, s, &record);
        if (r == QUEUE_E_FULL && !q->settings.drop_newest)
                return QUEUE_E_BUSY; /* all of it is in somebody's hand: a matter of time */
        if (r < 0)
                return QUEUE_E_BUSY; /* no memory */
        if (r == QUEUE_E_FULL)
                log_full(q);
        if (r > 0)
                return r;
        s->next++;
        if (ret_n)
                *ret_n = record.n;
        return 0;
}

bool queue_is_ready(const Queue *q)
{
        if (!is_open(q))
                return true;
        for (int i = 0; i < _QUEUE_LANE_MAX; i++)
                if (!lane_has_room(q->lanes[i]))
                        return false;
        return true;
}

/* ---- out ---- */

int queue_peek(Queue *q, QueueLane lane, QueueRecord *ret)
{
        LaneRecord found;
        int r;

        if (!is_open(q))
                return QUEUE_E_EMPTY;
        r = lane_peek(q->lanes[lane], &found);
        if (r != 0)
                return r;
        *ret = (QueueRecord){
                .stream = found.stream->handle,
                .kind = (QueueKind)found.record.type,
                .epoch = found.epoch,
                .n = found.record.n,
                .boot_usec = found.record.boot_usec,
                .this_boot = found.this_boot,
                .backlog = found.epoch != q->host.epoch,
                .payload = found.record.payload,
                .size = found.record.size,
        };
        return 0;
}

void queue_advance(Queue *q, QueueLane lane)
{
        if (is_open(q))
                lane_advance(q->lanes[lane]);
}

void queue_settle(Queue *q, unsigned stream, uint64_t epoch, uint64_t first, uint64_t last, Outcome outcome)
{
        Stream *s = q->streams[stream];

        last = MIN(last, s->durable - 1);
        if (!is_open(q) || first > last)
                return;
        q->settling_epoch = epoch;
        (void)stream_settle(s, first, last, outcome, on_settled, q); /* without memory: served again after a restart */
        q->settling_epoch = 0;
        for (int i = 0; i < _QUEUE_LANE_MAX; i++)
                if (q->lanes[i]->end[s->id] != 0) {
                        lane_dirty(q->lanes[i]);
                        lane_prepare(q->lanes[i]);
                }
        changed(q);
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
        usec_t oldest = USEC_INFINITY;

        *ret = (QueueStatus){.disk_failed = q->failed, .disk_error = q->reason};
        for (unsigned h = 0; h < q->n_streams; h++) {
                Ledger ledger;

                stream_ledger(q->streams[h], &ledger);
                ret->records += ledger_waiting(&ledger);
                oldest = MIN(oldest, stream_oldest(q->streams[h]));
        }
        if (oldest != USEC_INFINITY)
                ret->oldest_age_usec = usec_sub(now_of(q), oldest);
        for (int i = 0; i < _QUEUE_LANE_MAX && is_open(q); i++)
                ret->bytes += lane_bytes(q->lanes[i]);
}
