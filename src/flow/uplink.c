/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How it works
 *
 * Whoever feeds the uplink only leaves a note; the work is done in its tick, and so never within a call of the
 * queue or the hub. While the link is ready, each lane is pumped, urgent first: records are read as long as
 * there is a place for what they become. A reading of an array stream goes into its stream's pack, which is
 * sealed when it is full, when its whole units are and nothing more is to be read, or when it is due. All else
 * is a message at once. A sealed message flies until the hub has acknowledged it.
 *
 * Without a link nothing is read: the records wait on disk, where the queue may still choose among them.
 *
 * Memory: the window (512 KiB at most), and per stream and lane one pack of at most PACKER_SIZE_MAX (or one
 * giant reading). It does not grow with the backlog.
 *
 * Expiry: a record that was never sent is dropped when it is older than its stream's expire_after; a pack when
 * its youngest reading is. What was sent once is never dropped so, even if the link was lost and no PUBACK can
 * come any more: the hub may have it, and "dropped" would be a lie. It is sent again until its fate is known;
 * that is at most one window of messages. Ages are counted by the boot clock. A record of an earlier boot is at
 * least as old as this boot is. While the link is down only what stands first in its lane is reached; the rest
 * expires when it is read.
 */

#include "flow/uplink.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/log-id.h"
#include "base/log.h"
#include "base/throttle.h"
#include "flow/format.h"
#include "flow/packer.h"
#include "flow/trust.h"
#include "flow/window.h"
#include "model/reading.h"

/* More is on its way from the disk: a pack that is due waits this long for it. */
#define READ_AHEAD_GRACE (100 * USEC_PER_MSEC)
/* After want of memory. */
#define RETRY_INTERVAL USEC_PER_SEC
/* Looking for what has expired while the link is down. */
#define EXPIRY_INTERVAL USEC_PER_SEC

#define COMPLAINT_INTERVAL (10 * USEC_PER_MIN)

typedef enum LaneState {
        LANE_GIVING,  /* there may be more */
        LANE_EMPTY,   /* nothing durable is left */
        LANE_WAITING, /* being read from the disk */
        LANE_BLOCKED, /* the window has no place for what comes next */
} LaneState;

/* The readings of one stream that come from one lane. */
typedef struct OpenPack {
        Packer packer;
        bool backfill;
} OpenPack;

typedef struct Lane {
        QueueLane id;
        LaneState state;
        OpenPack *packs[QUEUE_STREAMS_MAX]; /* by stream; NULL until it is needed */
} Lane;

typedef struct Flush {
        DoneFn done;
        void *userdata;
        bool drained[_QUEUE_LANE_MAX]; /* all that was durable then has been sealed */
        uint64_t barrier;              /* the last ticket that holds any of it */
} Flush;

struct Uplink {
        Queue *queue;
        Hub *hub;
        const Clock *clock;
        void (*changed)(void *userdata);
        void *userdata;

        char *device_id;
        const char *(*unit)(void *userdata, const char *sensor, const char *channel);
        void *unit_userdata;
        Format *formats[QUEUE_STREAMS_MAX]; /* by stream; NULL until it is needed */
        bool may_expire;                    /* some stream has an expire_after */

        Lane lanes[_QUEUE_LANE_MAX];
        Window window;
        Flush *flushes;
        size_t n_flushes;

        bool wanted;           /* a note was left: work at the next tick */
        usec_t ready_since;    /* boot clock: when the present link became ready */
        usec_t retry_at;       /* boot clock, USEC_INFINITY: nothing failed */
        usec_t expiry_at;      /* boot clock: the next look for what has expired */
        usec_t last_acknowledged; /* wall clock */
        Trust trust;

        Throttle complaint_damaged, complaint_expired, complaint_refused;
};

/* Urgent first. */
static const QueueLane lane_order[_QUEUE_LANE_MAX] = {QUEUE_LANE_URGENT, QUEUE_LANE_NORMAL};

/* ---- life ---- */

int uplink_new(Uplink **ret, Queue *queue, Hub *hub, const Clock *clock, void (*changed)(void *userdata),
               void *userdata)
{
        _cleanup_(uplink_freep) Uplink *u = calloc(1, sizeof(*u));
        int r;

        if (!u)
                return -ENOMEM;
        u->queue = queue;
        u->hub = hub;
        u->clock = clock;
        u->changed = changed;
        u->userdata = userdata;
        u->retry_at = USEC_INFINITY;
        u->expiry_at = USEC_INFINITY;
        for (int lane = 0; lane < _QUEUE_LANE_MAX; lane++)
                u->lanes[lane].id = (QueueLane)lane;
        r = window_configure(&u->window, 1);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(u);
        return 0;
}

static void note(Uplink *u)
{
        u->wanted = true;
}

static void lane_done(Lane *lane)
{
        for (size_t stream = 0; stream < QUEUE_STREAMS_MAX; stream++)
                if (lane->packs[stream]) {
                        packer_done(&lane->packs[stream]->packer);
                        free(lane->packs[stream]);
                }
}

static void end_flushes(Uplink *u, const char *why)
{
        while (u->n_flushes > 0) {
                Flush flush = u->flushes[--u->n_flushes];

                flush.done(flush.userdata, REQUEST_NOT_CONNECTED, why);
        }
}

Uplink *uplink_free(Uplink *u)
{
        if (!u)
                return NULL;
        end_flushes(u, "the daemon is stopping");
        for (int lane = 0; lane < _QUEUE_LANE_MAX; lane++)
                lane_done(&u->lanes[lane]);
        for (size_t stream = 0; stream < QUEUE_STREAMS_MAX; stream++)
                format_free(u->formats[stream]);
        window_done(&u->window);
        free(u->flushes);
        free(u->device_id);
        free(u);
        return NULL;
}

/* ---- settings ---- */

static int compile_formats(Uplink *u, const StreamSettings *streams, size_t n_streams, Format **formats)
{
        for (size_t i = 0; i < n_streams; i++) {
                unsigned stream;
                int r = queue_stream(u->queue, streams[i].name,
                                     streams[i].urgent ? QUEUE_LANE_URGENT : QUEUE_LANE_NORMAL, &stream);

                if (r < 0)
                        return r;
                assert(stream < QUEUE_STREAMS_MAX);
                formats[stream] = format_free(formats[stream]);
                r = format_new(&formats[stream], &streams[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

int uplink_configure(Uplink *u, const UplinkSettings *settings, const StreamSettings *streams, size_t n_streams)
{
        _cleanup_free_ char *device_id = strdup(settings->device_id ? settings->device_id : "");
        Format *formats[QUEUE_STREAMS_MAX] = {};
        int r = device_id ? compile_formats(u, streams, n_streams, formats) : -ENOMEM;

        if (r >= 0)
                r = window_configure(&u->window, settings->window);
        if (r < 0) {
                for (size_t i = 0; i < QUEUE_STREAMS_MAX; i++)
                        format_free(formats[i]);
                return r;
        }
        u->may_expire = false;
        for (size_t i = 0; i < QUEUE_STREAMS_MAX; i++) {
                format_free(u->formats[i]);
                u->formats[i] = formats[i];
                u->may_expire |= formats[i] && formats[i]->expire_after_usec != USEC_INFINITY;
        }
        free(u->device_id);
        u->device_id = TAKE_PTR(device_id);
        u->unit = settings->unit;
        u->unit_userdata = settings->unit_userdata;
        note(u);
        return 0;
}

/* Records of streams that are no longer configured go up in the usual format. */
static const Format *format_of(Uplink *u, unsigned stream)
{
        assert(stream < QUEUE_STREAMS_MAX);
        if (!u->formats[stream])
                (void)format_new_usual(&u->formats[stream], queue_stream_name(u->queue, stream));
        return u->formats[stream];
}

/* ---- outcomes ---- */

static void tell_changed(Uplink *u)
{
        if (u->changed)
                u->changed(u->userdata);
}

static void drop_expired(Uplink *u, unsigned stream, uint64_t epoch, uint64_t first, uint64_t last, usec_t now)
{
        uint64_t held_back;

        if (throttle_admits(&u->complaint_expired, now, COMPLAINT_INTERVAL, &held_back))
                log_line(LOG_WARNING, LOG_ID_READING_DROPPED, NULL,
                         "Record %llu of stream %s was not sent within its expire_after and is dropped "
                         "(and %llu others since the last such line).",
                         (unsigned long long)first, queue_stream_name(u->queue, stream),
                         (unsigned long long)held_back);
        queue_settle(u->queue, stream, epoch, first, last, OUTCOME_EXPIRED);
}

static void drop_damaged(Uplink *u, unsigned stream, uint64_t epoch, uint64_t n, usec_t now)
{
        uint64_t held_back;

        if (throttle_admits(&u->complaint_damaged, now, COMPLAINT_INTERVAL, &held_back))
                log_line(LOG_ERR, LOG_ID_RECORD_DAMAGED, NULL,
                         "Record %llu of stream %s cannot be decoded and is dropped as damaged "
                         "(and %llu others since the last such line).",
                         (unsigned long long)n, queue_stream_name(u->queue, stream), (unsigned long long)held_back);
        queue_settle(u->queue, stream, epoch, n, n, OUTCOME_DAMAGED);
}

/* A pack is bounded far below the hub's limit, and its properties come from the settings: what the hub refuses
 * it would refuse of each of its records alone. So there is nothing to split. */
static void set_aside(Uplink *u, Flight *flight, int why, usec_t now)
{
        const Message *m = flight->message;
        bool too_large = why == HUB_E_TOO_LARGE;
        uint64_t held_back;

        if (throttle_admits(&u->complaint_refused, now, COMPLAINT_INTERVAL, &held_back))
                log_line(LOG_ERR, LOG_ID_RECORD_DAMAGED, NULL,
                         "Records %llu-%llu of stream %s can never be sent: %s. They are set aside "
                         "(and %llu other messages since the last such line).",
                         (unsigned long long)m->first, (unsigned long long)m->last, m->stream,
                         too_large ? "with its properties the message is over the hub's limit"
                                   : "a property is not UTF-8 or has a NUL",
                         (unsigned long long)held_back);
        queue_settle(u->queue, flight->stream, m->epoch, m->first, m->last,
                     too_large ? OUTCOME_TOO_LARGE : OUTCOME_BAD_PROPERTY);
        window_remove(&u->window, flight);
}

static void retry_later(Uplink *u, usec_t now)
{
        u->retry_at = usec_add(now, RETRY_INTERVAL);
}

/* ---- sending ---- */

/* False: the link takes no more at present. */
static bool fly(Uplink *u, Flight *flight, usec_t now)
{
        int r = hub_send(u->hub, flight->message, flight->ticket);

        switch (r) {
        case 0:
                flight->in_air = flight->was_sent = true;
                return true;
        case HUB_E_TOO_LARGE:
        case HUB_E_BAD_PROPERTY:
                set_aside(u, flight, r, now);
                return true;
        case HUB_E_NOT_READY:
                return false;
        default:
                retry_later(u, now);
                return false;
        }
}

static bool flight_has_expired(const Flight *flight, usec_t now)
{
        return !flight->was_sent && now >= flight->expires_usec;
}

/* Those that are on the ground, in their order. False: some had to stay there. */
static bool fly_grounded(Uplink *u, usec_t now)
{
        Flight *flight;

        while ((flight = window_first_grounded(&u->window))) {
                const Message *m = flight->message;

                if (flight_has_expired(flight, now)) {
                        drop_expired(u, flight->stream, m->epoch, m->first, m->last, now);
                        window_remove(&u->window, flight);
                } else if (!fly(u, flight, now))
                        return false;
        }
        return true;
}

/* Takes the message, for which there is room. */
static void launch(Uplink *u, Lane *lane, unsigned stream, Message *message, usec_t expires, usec_t now)
{
        (void)fly(u, window_add(&u->window, lane->id, stream, message, expires), now);
        tell_changed(u);
}

/* ---- packs ---- */

static usec_t expiry_of(const Format *format, usec_t appended)
{
        return usec_add(appended, format->expire_after_usec);
}

static bool pack_is_open(const OpenPack *pack)
{
        return pack && !packer_is_empty(&pack->packer);
}

/* Counted from the append of its first record. While its lane has more to give, from when that record was read:
 * a backlog is overdue anyway, and shall fill its messages. */
static usec_t pack_due(const Lane *lane, const OpenPack *pack, const Format *format)
{
        usec_t latency = format->max_latency_usec, due = usec_add(pack->packer.appended_usec, latency);

        if (lane->state == LANE_EMPTY)
                return due;
        return MAX(due, usec_add(pack->packer.read_usec, MAX(latency, READ_AHEAD_GRACE)));
}

/* New messages never overtake one that is on the ground. */
static bool has_room(Uplink *u, const Lane *lane, size_t size)
{
        return !window_first_grounded(&u->window) && window_has_room(&u->window, lane->id, size);
}

static Message *message_of_pack(Uplink *u, OpenPack *open, const Format *format, bool whole_units)
{
        _cleanup_(message_freep) Message *m = NULL;
        Pack pack = packer_range(&open->packer, whole_units);
        Cargo cargo = {
                .epoch = pack.epoch,
                .first = pack.first,
                .last = pack.last,
                .backfill = open->backfill,
                .wall_usec = pack.wall_usec,
                .device = u->device_id,
        };

        if (format_pack(format, &cargo, &m) < 0 || packer_seal(&open->packer, whole_units, &pack) < 0)
                return NULL;
        m->body = pack.body;
        return TAKE_PTR(m);
}

/* False: it stays open, for want of room or memory. */
static bool seal_pack(Uplink *u, Lane *lane, unsigned stream, bool whole_units, usec_t now)
{
        OpenPack *open = lane->packs[stream];
        const Format *format = format_of(u, stream);
        usec_t appended = packer_range(&open->packer, whole_units).appended_usec;
        Message *message;

        if (!has_room(u, lane, packer_size(&open->packer, whole_units)))
                return false;
        message = format ? message_of_pack(u, open, format, whole_units) : NULL;
        if (!message) {
                retry_later(u, now);
                return false;
        }
        launch(u, lane, stream, message, expiry_of(format, appended), now);
        return true;
}

static bool lane_is_flushing(const Uplink *u, const Lane *lane)
{
        for (size_t i = 0; i < u->n_flushes; i++)
                if (!u->flushes[i].drained[lane->id])
                        return true;
        return false;
}

/* Once nothing more is to be read, whole units go at once; the rest when it is due or is flushed. */
static void seal_ripe(Uplink *u, Lane *lane, usec_t now)
{
        bool flushing = lane->state == LANE_EMPTY && lane_is_flushing(u, lane);

        for (unsigned stream = 0; stream < QUEUE_STREAMS_MAX; stream++) {
                OpenPack *open = lane->packs[stream];
                const Format *format = pack_is_open(open) ? format_of(u, stream) : NULL;

                if (!format)
                        continue;
                if (flushing || pack_due(lane, open, format) <= now)
                        (void)seal_pack(u, lane, stream, false, now);
                else if (lane->state == LANE_EMPTY && packer_has_whole_units(&open->packer))
                        (void)seal_pack(u, lane, stream, true, now);
        }
}

/* ---- reading ---- */

/* When a record was appended, by this boot's clock: those of earlier boots are older than all it can tell. */
static usec_t appended_of(const QueueRecord *record)
{
        return record->this_boot ? record->boot_usec : 0;
}

/* It was on disk while there was no link. */
static bool is_backfill(const Uplink *u, const QueueRecord *record)
{
        return record->backlog || appended_of(record) < u->ready_since;
}

/* The wall time of a moment of this boot; 0 when the clock cannot tell. */
static usec_t resolved(Uplink *u, const QueueRecord *record, usec_t now)
{
        if (!record->this_boot || !trust_ask(&u->trust, u->clock, now))
                return 0;
        return usec_sub(clock_wall(u->clock), usec_sub(now, record->boot_usec));
}

/* A time that was a guess when the reading was taken is made good, or is told as a guess. */
static void make_out_time(Uplink *u, const QueueRecord *record, Reading *reading, usec_t now)
{
        usec_t wall;

        if (reading->wall_trusted)
                return;
        wall = resolved(u, record, now);
        if (wall > 0)
                reading->wall_usec = wall;
        else if (reading->quality == QUALITY_GOOD)
                reading->quality = QUALITY_UNKNOWN;
}

static Cargo cargo_of(const Uplink *u, const QueueRecord *record, usec_t wall)
{
        return (Cargo){
                .epoch = record->epoch,
                .first = record->n,
                .last = record->n,
                .backfill = is_backfill(u, record),
                .wall_usec = wall,
                .device = u->device_id,
        };
}

/* A record that is a message of its own. r: whether the message could be made. */
static LaneState take_message(Uplink *u, Lane *lane, const QueueRecord *record, Message *message, int r, usec_t now)
{
        const Format *format = format_of(u, record->stream);

        if (r == -EBADMSG) {
                queue_advance(u->queue, lane->id);
                drop_damaged(u, record->stream, record->epoch, record->n, now);
                return LANE_GIVING;
        }
        if (r < 0) {
                retry_later(u, now);
                return LANE_BLOCKED;
        }
        if (!has_room(u, lane, message_size(message))) {
                message_free(message);
                return LANE_BLOCKED;
        }
        queue_advance(u->queue, lane->id);
        launch(u, lane, record->stream, message, expiry_of(format, appended_of(record)), now);
        return LANE_GIVING;
}

static OpenPack *pack_of(Lane *lane, unsigned stream)
{
        if (!lane->packs[stream])
                lane->packs[stream] = calloc(1, sizeof(OpenPack));
        return lane->packs[stream];
}

/* A message holds one unbroken range of one epoch, and either backlog or news. */
static bool pack_goes_on(const OpenPack *open, const QueueRecord *record, bool backfill)
{
        return open->packer.epoch == record->epoch && open->packer.end.n + 1 == record->n &&
               open->backfill == backfill;
}

static int open_pack(Uplink *u, OpenPack *open, const QueueRecord *record, const Reading *reading)
{
        Cargo cargo = cargo_of(u, record, reading->wall_usec);
        size_t overhead;
        int r = format_overhead(format_of(u, record->stream), &cargo, &overhead);

        if (r < 0)
                return r;
        packer_begin(&open->packer, record->epoch, overhead);
        open->backfill = cargo.backfill;
        return 0;
}

/* Sealing may call the queue, and the payload is borrowed only until then: the record is peeked at again. */
static LaneState take_into_pack(Uplink *u, Lane *lane, const QueueRecord *record, const Reading *reading, usec_t now)
{
        OpenPack *open = pack_of(lane, record->stream);
        int r = open ? 0 : -ENOMEM;

        if (open && !packer_is_empty(&open->packer) && !pack_goes_on(open, record, is_backfill(u, record)))
                return seal_pack(u, lane, record->stream, false, now) ? LANE_GIVING : LANE_BLOCKED;
        if (open && packer_is_empty(&open->packer))
                r = open_pack(u, open, record, reading);
        if (r >= 0)
                r = packer_add(&open->packer, &(PackerRecord){
                                                      .n = record->n,
                                                      .reading = reading,
                                                      .wall_usec = reading->wall_usec,
                                                      .quality = reading->quality,
                                                      .appended_usec = appended_of(record),
                                                      .read_usec = now,
                                              });
        if (r == PACKER_E_FULL)
                return seal_pack(u, lane, record->stream, false, now) ? LANE_GIVING : LANE_BLOCKED;
        if (r < 0) {
                retry_later(u, now);
                return LANE_BLOCKED;
        }
        queue_advance(u->queue, lane->id);
        return LANE_GIVING;
}

static const char *unit_of(const Uplink *u, const Reading *reading)
{
        return u->unit ? u->unit(u->unit_userdata, reading->sensor, reading->channels[0].name) : NULL;
}

static LaneState take_reading(Uplink *u, Lane *lane, const QueueRecord *record, const Format *format, usec_t now)
{
        Message *message = NULL;
        ReadingSpace space;
        Reading reading;
        Cargo cargo;
        int r = reading_decode(record->payload, record->size, &space, &reading);

        if (r < 0)
                return take_message(u, lane, record, NULL, r, now);
        make_out_time(u, record, &reading, now);
        if (format->kind == STREAM_ARRAY)
                return take_into_pack(u, lane, record, &reading, now);
        if (!has_room(u, lane, 0))
                return LANE_BLOCKED;
        cargo = cargo_of(u, record, reading.wall_usec);
        cargo.unit = unit_of(u, &reading);
        r = format_reading(format, &cargo, &reading, &message);
        return take_message(u, lane, record, message, r, now);
}

static LaneState take_own(Uplink *u, Lane *lane, const QueueRecord *record, const Format *format, usec_t now)
{
        Cargo cargo = cargo_of(u, record, resolved(u, record, now));
        Message *message = NULL;
        int r;

        if (!has_room(u, lane, 0))
                return LANE_BLOCKED;
        r = format_message(format, &cargo, record->payload, record->size, &message);
        return take_message(u, lane, record, message, r, now);
}

static bool drop_if_expired(Uplink *u, Lane *lane, const QueueRecord *record, const Format *format, usec_t now)
{
        if (now < expiry_of(format, appended_of(record)))
                return false;
        queue_advance(u->queue, lane->id);
        drop_expired(u, record->stream, record->epoch, record->n, record->n, now);
        return true;
}

static LaneState take_next(Uplink *u, Lane *lane, usec_t now)
{
        const Format *format;
        QueueRecord record;
        int r = queue_peek(u->queue, lane->id, &record);

        if (r != 0)
                return r == QUEUE_E_EMPTY ? LANE_EMPTY : LANE_WAITING;
        format = format_of(u, record.stream);
        if (!format) {
                retry_later(u, now);
                return LANE_BLOCKED;
        }
        if (drop_if_expired(u, lane, &record, format, now))
                return LANE_GIVING;
        switch (record.kind) {
        case QUEUE_KIND_READING:
                return take_reading(u, lane, &record, format, now);
        case QUEUE_KIND_MESSAGE:
                return take_own(u, lane, &record, format, now);
        case QUEUE_KIND_NOTICE:
        default:
                return take_message(u, lane, &record, NULL, -EBADMSG, now);
        }
}

/* What is long due goes first, so that a crowd of newer messages cannot keep it out. */
static void pump(Uplink *u, Lane *lane, usec_t now)
{
        lane->state = LANE_GIVING;
        seal_ripe(u, lane, now);
        do
                lane->state = take_next(u, lane, now);
        while (lane->state == LANE_GIVING);
        seal_ripe(u, lane, now);
}

/* ---- without a link ---- */

static usec_t expire_pack(Uplink *u, Lane *lane, unsigned stream, usec_t now)
{
        OpenPack *open = lane->packs[stream];
        const Format *format = pack_is_open(open) ? format_of(u, stream) : NULL;
        Pack pack;
        usec_t at;

        if (!format)
                return USEC_INFINITY;
        pack = packer_range(&open->packer, false);
        at = expiry_of(format, pack.appended_usec);
        if (now < at)
                return at;
        drop_expired(u, stream, pack.epoch, pack.first, pack.last, now);
        packer_drop(&open->packer);
        return USEC_INFINITY;
}

/* Returns when the record that stands first will expire. */
static usec_t expire_front(Uplink *u, Lane *lane, usec_t now)
{
        QueueRecord record;

        while (queue_peek(u->queue, lane->id, &record) == 0) {
                const Format *format = format_of(u, record.stream);

                if (!format || !drop_if_expired(u, lane, &record, format, now))
                        return format ? expiry_of(format, appended_of(&record)) : USEC_INFINITY;
        }
        return USEC_INFINITY;
}

static void expire(Uplink *u, usec_t now)
{
        u->expiry_at = USEC_INFINITY;
        for (int i = 0; i < _QUEUE_LANE_MAX; i++) {
                Lane *lane = &u->lanes[i];

                for (unsigned stream = 0; stream < QUEUE_STREAMS_MAX; stream++)
                        u->expiry_at = MIN(u->expiry_at, expire_pack(u, lane, stream, now));
                u->expiry_at = MIN(u->expiry_at, expire_front(u, lane, now));
        }
        if (u->expiry_at != USEC_INFINITY)
                u->expiry_at = MAX(u->expiry_at, usec_add(now, EXPIRY_INTERVAL));
}

/* ---- flush ---- */

static bool lane_is_sealed(const Lane *lane)
{
        if (lane->state != LANE_EMPTY)
                return false;
        for (size_t stream = 0; stream < QUEUE_STREAMS_MAX; stream++)
                if (pack_is_open(lane->packs[stream]))
                        return false;
        return true;
}

static bool flush_is_done(const Uplink *u, const Flush *flush)
{
        for (int lane = 0; lane < _QUEUE_LANE_MAX; lane++)
                if (!flush->drained[lane])
                        return false;
        return u->window.n_flights == 0 || u->window.flights[0].ticket > flush->barrier;
}

/* A lane that was sealed to its end since the call has handed over all that was durable then. */
static void step_flushes(Uplink *u)
{
        for (size_t i = 0; i < u->n_flushes; i++)
                for (int lane = 0; lane < _QUEUE_LANE_MAX; lane++)
                        if (!u->flushes[i].drained[lane] && lane_is_sealed(&u->lanes[lane])) {
                                u->flushes[i].drained[lane] = true;
                                u->flushes[i].barrier = u->window.last_ticket;
                        }
        for (size_t i = 0; i < u->n_flushes;) {
                Flush flush = u->flushes[i];

                if (!flush_is_done(u, &flush)) {
                        i++;
                        continue;
                }
                memmove(&u->flushes[i], &u->flushes[i + 1], (--u->n_flushes - i) * sizeof(flush));
                flush.done(flush.userdata, REQUEST_OK, NULL);
        }
}

void uplink_flush(Uplink *u, DoneFn done, void *done_userdata)
{
        Flush *more;

        if (!hub_is_ready(u->hub)) {
                done(done_userdata, REQUEST_NOT_CONNECTED, "there is no connection to the hub");
                return;
        }
        more = reallocarray(u->flushes, u->n_flushes + 1, sizeof(*more));
        if (!more) {
                done(done_userdata, REQUEST_BUSY, "out of memory");
                return;
        }
        u->flushes = more;
        u->flushes[u->n_flushes++] = (Flush){.done = done, .userdata = done_userdata};
        note(u);
}

/* ---- time ---- */

static void work(Uplink *u, usec_t now)
{
        u->wanted = false;
        u->retry_at = USEC_INFINITY;
        if (!hub_is_ready(u->hub)) {
                if (u->may_expire)
                        expire(u, now);
                return;
        }
        (void)fly_grounded(u, now);
        for (int i = 0; i < _QUEUE_LANE_MAX; i++)
                pump(u, &u->lanes[lane_order[i]], now);
        step_flushes(u);
}

/* When the first pack falls due that could also go. */
static usec_t next_due(Uplink *u)
{
        usec_t next = USEC_INFINITY;

        for (int i = 0; i < _QUEUE_LANE_MAX; i++)
                for (unsigned stream = 0; stream < QUEUE_STREAMS_MAX; stream++) {
                        const Lane *lane = &u->lanes[i];
                        const OpenPack *open = lane->packs[stream];
                        const Format *format = pack_is_open(open) ? format_of(u, stream) : NULL;

                        if (format && has_room(u, lane, packer_size(&open->packer, false)))
                                next = MIN(next, pack_due(lane, open, format));
                }
        return next;
}

static usec_t deadline(void *userdata)
{
        Uplink *u = userdata;

        if (u->wanted)
                return 0;
        if (!hub_is_ready(u->hub))
                return u->expiry_at;
        return MIN(u->retry_at, next_due(u));
}

static void tick(void *userdata, usec_t now)
{
        Uplink *u = userdata;

        if (now >= deadline(u))
                work(u, now);
}

Ticker uplink_ticker(Uplink *u)
{
        return (Ticker){"uplink", deadline, tick, u};
}

/* ---- fed by queue and hub ---- */

void uplink_readable(Uplink *u)
{
        note(u);
}

/* What was left open may fill up with what waited meanwhile. */
void uplink_ready(Uplink *u)
{
        u->ready_since = clock_boot(u->clock);
        u->expiry_at = USEC_INFINITY;
        for (int i = 0; i < _QUEUE_LANE_MAX; i++)
                for (size_t stream = 0; stream < QUEUE_STREAMS_MAX; stream++)
                        if (u->lanes[i].packs[stream])
                                u->lanes[i].packs[stream]->packer.read_usec = u->ready_since;
        note(u);
}

void uplink_delivered(Uplink *u, uint64_t ticket)
{
        Flight *flight = window_find(&u->window, ticket);
        const Message *m;

        if (!flight)
                return;
        m = flight->message;
        queue_settle(u->queue, flight->stream, m->epoch, m->first, m->last, OUTCOME_ACKNOWLEDGED);
        window_remove(&u->window, flight);
        u->last_acknowledged = clock_wall(u->clock);
        note(u);
        tell_changed(u);
}

/* Sealed messages stay as they are. What is still open has now waited through an outage. */
void uplink_lost(Uplink *u)
{
        window_ground(&u->window);
        for (int i = 0; i < _QUEUE_LANE_MAX; i++)
                for (size_t stream = 0; stream < QUEUE_STREAMS_MAX; stream++)
                        if (u->lanes[i].packs[stream])
                                u->lanes[i].packs[stream]->backfill = true;
        end_flushes(u, "the connection to the hub was lost");
        note(u);
}

/* ---- questions ---- */

unsigned uplink_in_flight(const Uplink *u)
{
        return (unsigned)u->window.n_flights;
}

usec_t uplink_last_acknowledged(const Uplink *u)
{
        return u->last_acknowledged;
}
