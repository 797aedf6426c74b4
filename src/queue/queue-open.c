/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/log-id.h"
#include "queue/queue-core.h"

#define SLOT_BYTES_MIN (1024 * 1024)
#define SLOT_BYTES_MAX ((uint64_t)SLOT_PAGES_MAX * PAGE_BYTES)
#define SLOTS          128 /* that the byte limit is divided into: each keeps a descriptor */

/* ---- opening ---- */

/* For a name that is new: a free one, or that of a name which nobody asks for any more. */
static int find_identity(Stream *found[static RECORD_STREAMS], const Notices *notices, const char *name, unsigned *ret)
{
        unsigned i = 0;

        while (i < RECORD_STREAMS && found[i])
                i++;
        if (i < RECORD_STREAMS) {
                found[i] = calloc(1, sizeof(*found[i]));
                if (!found[i])
                        return -ENOMEM;
                stream_init(found[i], name, i, (uint8_t)i, QUEUE_LANE_NORMAL);
        } else {
                for (i = 0; i < RECORD_STREAMS &&
                            (!stream_is_spare(found[i]) || notices_has(notices, found[i]->id)); i++)
                        ;
                if (i == RECORD_STREAMS)
                        return -ENOSPC;
                if (stream_hand_on(found[i], name) < 0)
                        return -ENOMEM;
        }
        found[i]->asked = true;
        *ret = i;
        return 0;
}

static void note_lost(void *userdata, const Stream *s, uint64_t first, uint64_t last, unsigned tag)
{
        queue_note(userdata, s, first, last, (Outcome)tag);
}

/* Streams that were asked for before the directory could be read get what it holds under their names; their
 * provisional numbers go on from there. */
static int adopt_streams(Queue *q, Stream *found[static RECORD_STREAMS])
{
        uint8_t id[RECORD_STREAMS] = {};
        uint64_t offset[RECORD_STREAMS] = {};

        for (unsigned h = 0; h < q->n_streams; h++)
                for (unsigned i = 0; i < RECORD_STREAMS; i++)
                        if (found[i] && strcmp(found[i]->name, q->streams[h]->name) == 0)
                                found[i]->asked = true;
        for (unsigned h = 0; h < q->n_streams; h++) {
                Stream *s = q->streams[h];
                unsigned i = 0;

                while (i < RECORD_STREAMS && !(found[i] && strcmp(found[i]->name, s->name) == 0))
                        i++;
                if (i == RECORD_STREAMS) {
                        int r = find_identity(found, &q->notices, s->name, &i);

                        if (r < 0)
                                return r;
                }
                id[h] = (uint8_t)i;
                offset[s->id] = found[i]->next - 1;
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
                                (void)stream_settle(s, base + 1, base + old->counts[t], t, note_lost, q);
                stream_rest(s, base + old->durable, queue_moment(q));
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
        for (unsigned i = 0; i < q->host.n_lanes; i++)
                batch_renumber(&q->ring[i], id, offset);
        return 0;
}

static void tell_notes(const Lane *l, const LaneFound *found)
{
        for (unsigned i = 0; i < MIN(found->n_notes, (unsigned)LANE_NOTES); i++)
                log_line(LOG_WARNING, LOG_ID_QUEUE_FOREIGN, NULL, "Queue: %s.", found->notes[i]);
        if (found->n_notes > LANE_NOTES)
                log_line(LOG_WARNING, LOG_ID_QUEUE_FOREIGN, NULL, "Queue: %s: and %u more of the kind.", l->path,
                         found->n_notes - LANE_NOTES);
}

static void start_lanes(Queue *q, Opening *o)
{
        for (unsigned i = 0; i < q->host.n_lanes; i++) {
                Lane *l = q->lanes[i] = TAKE_PTR(o->lanes[i]);

                l->host = &q->host;
                q->host.sequence = MAX(q->host.sequence, o->found[i].settled.sequence);
                if (o->found[i].epoch != 0)
                        q->host.previous_epoch = o->found[i].epoch;
                tell_notes(l, &o->found[i]);
        }
        for (unsigned i = 0; i < q->host.n_lanes; i++) {
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

        queue_begin_time(q, o);
        r = opening_streams(o, found);
        q->notices = o->notices;
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
        free(q->aside);
        q->aside = TAKE_PTR(o->aside);
        queue_give_back(q);
        q->opened_usec = queue_now(q);
        return 0;
}

static void not_opened(Queue *q, Opening *o)
{
        q->host.tries++;
        q->retry_usec = usec_add(queue_now(q), backoff_next(&q->backoff, q->host.random));
        q->open_error = o->error;
        memcpy(q->open_reason, o->reason, sizeof(q->open_reason));
        queue_look_at_disk(q);
}

static void on_opened(DiskJob *job)
{
        Opening *o = container_of(job, Opening, job);
        Queue *q = o->userdata;

        q->opening = NULL;
        meter_add(&q->meter, &o->host.use);
        if (o->error == 0)
                o->error = take(q, o);
        if (o->error < 0) {
                not_opened(q, o);
        } else {
                queue_prepare_all(q);
                queue_look_at_disk(q);
                queue_look_at_pressure(q);
                queue_readable(q);
        }
        (void)opening_free(o);
}

void queue_open_again(Queue *q)
{
        if (opening_new(&q->opening, &q->host, q->directory) < 0) {
                q->retry_usec = usec_add(queue_now(q), USEC_PER_SEC);
                return;
        }
        q->opening->since_usec = queue_now(q);
        q->opening->job.done = on_opened;
        q->opening->userdata = q;
        disk_submit(q->host.disk, &q->opening->job);
}

static size_t slot_pages(const QueueSettings *s)
{
        uint64_t bytes = s->segment_bytes ?: CLAMP(s->max_bytes / SLOTS, (uint64_t)SLOT_BYTES_MIN, SLOT_BYTES_MAX);

        /* a small limit has small slots, or dropping the oldest would drop nearly all */
        if (!s->segment_bytes)
                bytes = MIN(bytes, s->max_bytes / 8);
        return CLAMP(bytes / PAGE_BYTES, (uint64_t)LANE_SLOT_PAGES_MIN, (uint64_t)SLOT_PAGES_MAX);
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
        queue_host(q, &q->host);
        q->host.n_lanes = settings->n_lanes == 1 ? 1 : _QUEUE_LANE_MAX;
        q->host.nested = settings->store_of != QUEUE_OF_READINGS;
        q->host.meter = &q->meter;
        q->host.notices = &q->notices;
        notices_init(&q->notices);
        q->host.disk = disk;
        q->host.clock = clock;
        q->host.boots = &q->boots;
        q->host.random = random;
        q->host.commit_interval_usec = settings->commit_interval_usec;
        q->host.min_free_bytes = settings->min_free_bytes;
        q->host.slot_pages = slot_pages(settings);
        while (q->host.epoch == 0) /* 0 stands for "more than one" in Settled */
                q->host.epoch = random->draw(random->userdata);
        q->directory = strdup(settings->directory);
        r = q->directory ? queue_space_new(q) : -ENOMEM;
        if (r == 0)
                r = opening_new(&o, &q->host, q->directory);
        if (r < 0) {
                (void)queue_close(q, 0);
                return r;
        }
        q->meter.counts.since_usec = queue_now(q);
        opening_work(&o->job, disk);
        meter_add(&q->meter, &o->host.use);
        if (o->error == 0)
                o->error = take(q, o);
        if (o->error < 0)
                not_opened(q, o);
        else
                queue_prepare_all(q);
        (void)opening_free(o);
        *ret = q;
        return 0;
}

/* ---- closing ---- */

static bool finish(Queue *q)
{
        bool done = true;

        for (unsigned i = 0; i < q->host.n_lanes; i++)
                done &= lane_finish(q->lanes[i]);
        return done;
}

void queue_finish(Queue *q, usec_t timeout_usec)
{
        usec_t deadline = usec_add(queue_now(q), timeout_usec);

        q->closing = true;
        while (queue_is_open(q) && !finish(q)) {
                usec_t now = queue_now(q);

                if (now >= deadline || !disk_wait(q->host.disk, deadline - now))
                        break;
                disk_dispatch(q->host.disk);
        }
}

uint64_t queue_unstored(const Queue *q)
{
        uint64_t sum = 0;

        for (unsigned h = 0; h < q->n_streams; h++)
                sum += q->streams[h]->next - q->streams[h]->durable;
        return sum;
}

Queue *queue_close(Queue *q, usec_t timeout_usec)
{
        if (!q)
                return NULL;
        queue_finish(q, timeout_usec);
        for (unsigned i = 0; i < q->host.n_lanes; i++) {
                if (q->lanes[i])
                        lane_answer(q->lanes[i], -ETIMEDOUT);
                (void)lane_free(q->lanes[i]);
                batch_done(&q->ring[i]);
        }
        queue_space_leave(q);
        if (q->opening)
                disk_abandon(q->host.disk, &q->opening->job);
        for (unsigned h = 0; h < q->n_streams; h++) {
                stream_done(q->streams[h]);
                free(q->streams[h]);
        }
        free(q->directory);
        free(q->aside);
        free(q);
        return NULL;
}

void queue_configure(Queue *q, const QueueSettings *settings)
{
        q->settings = *settings;
        q->settings.directory = NULL;
        memset(q->age_due, 0, sizeof(q->age_due)); /* look at once */
        q->host.commit_interval_usec = settings->commit_interval_usec;
        q->host.min_free_bytes = settings->min_free_bytes;
        if (queue_is_open(q)) {
                queue_give_back(q);
                queue_prepare_all(q);
                queue_look_at_pressure(q);
        }
}
