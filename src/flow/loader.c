/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/loader.h"

#include <errno.h>

#include "flow/reading-time.h"

/* More is on its way from the disk: a pack that is due waits this long for it. */
#define READ_AHEAD_GRACE (100 * USEC_PER_MSEC)

/* Records that have expired in one step: others have their turn in between. */
#define EXPIRED_STEP 256

void loader_init(Loader *l, QueueLane lane, QueueSource source, const LoaderPeers *peers)
{
        *l = (Loader){.peers = peers, .lane = lane, .source = source};
}

void loader_done(Loader *l)
{
        for (size_t stream = 0; stream < QUEUE_STREAMS_MAX; stream++)
                if (l->packs[stream]) {
                        packer_done(&l->packs[stream]->packer);
                        free(l->packs[stream]);
                }
        *l = (Loader){};
}

static const Format *format_of(const Loader *l, unsigned stream)
{
        return formats_get(l->peers->formats, stream);
}

static bool has_room(const Loader *l, size_t size)
{
        return l->peers->has_room(l->peers->userdata, l->lane, l->source, size);
}

/* Boot clock: when the first record was appended, when the last expires. */
static void launch(Loader *l, unsigned stream, bool is_notice, Message *message, usec_t appended, usec_t expires,
                   usec_t now)
{
        Flight flight = {
                .message = message,
                .lane = l->lane,
                .source = l->source,
                .stream = stream,
                .is_notice = is_notice,
                .appended_usec = appended,
                .expires_usec = expires,
        };

        l->peers->launch(l->peers->userdata, &flight, now);
}

static void no_memory(Loader *l, usec_t now)
{
        l->peers->no_memory(l->peers->userdata, now);
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
static usec_t pack_due(const Loader *l, const OpenPack *pack, const Format *format)
{
        usec_t latency = format->max_latency_usec, due = usec_add(pack->packer.appended_usec, latency);

        if (l->state == LOADER_EMPTY)
                return due;
        return MAX(due, usec_add(pack->packer.read_usec, MAX(latency, READ_AHEAD_GRACE)));
}

static Message *message_of_pack(Loader *l, OpenPack *open, const Format *format, bool whole_units)
{
        _cleanup_(message_freep) Message *m = NULL;
        Pack pack = packer_range(&open->packer, whole_units);
        Cargo cargo = {
                .epoch = pack.epoch,
                .first = pack.first,
                .last = pack.last,
                .backfill = open->backfill,
                .wall_usec = pack.wall_usec,
                .device = l->peers->formats->device_id,
        };

        if (format_pack(format, &cargo, &m) < 0 || packer_seal(&open->packer, whole_units, &pack) < 0)
                return NULL;
        m->body = pack.body;
        return TAKE_PTR(m);
}

/* False: it stays open, for want of room or memory. */
static bool seal_pack(Loader *l, unsigned stream, bool whole_units, usec_t now)
{
        OpenPack *open = l->packs[stream];
        const Format *format = format_of(l, stream);
        usec_t first = open->packer.appended_usec, last = packer_range(&open->packer, whole_units).appended_usec;
        Message *message;

        if (!has_room(l, packer_size(&open->packer, whole_units)))
                return false;
        message = format ? message_of_pack(l, open, format, whole_units) : NULL;
        if (!message) {
                no_memory(l, now);
                return false;
        }
        launch(l, stream, false, message, first, expiry_of(format, last), now);
        return true;
}

static bool has_read(const Loader *l, usec_t appended)
{
        return l->state == LOADER_EMPTY || l->reached_usec > appended;
}

static bool holds(const OpenPack *pack, usec_t appended)
{
        return pack_is_open(pack) && pack->packer.appended_usec <= appended;
}

/* Once nothing more is to be read, whole units go at once; the rest when it is due or is flushed. */
static void seal_ripe(Loader *l, usec_t flush_until, usec_t now)
{
        bool flush = flush_until != FLUSHES_NONE && has_read(l, flush_until);

        for (unsigned stream = 0; stream < QUEUE_STREAMS_MAX; stream++) {
                OpenPack *open = l->packs[stream];
                const Format *format = pack_is_open(open) ? format_of(l, stream) : NULL;

                if (!format)
                        continue;
                if ((flush && holds(open, flush_until)) || pack_due(l, open, format) <= now)
                        (void)seal_pack(l, stream, false, now);
                else if (l->state == LOADER_EMPTY && packer_has_whole_units(&open->packer))
                        (void)seal_pack(l, stream, true, now);
        }
}

/* ---- reading ---- */

static int peek(const Loader *l, QueueRecord *ret)
{
        return l->peers->peek(l->peers->userdata, l->lane, l->source, ret);
}

static void advance(const Loader *l)
{
        l->peers->advance(l->peers->userdata, l->lane, l->source);
}

/* When a record was appended, by this boot's clock: those of earlier boots are older than all it can tell. */
static usec_t appended_of(const QueueRecord *record)
{
        return record->this_boot ? record->boot_usec : 0;
}

/* By this boot's clock: of an earlier boot's record that is when it will certainly be too old. What went is told
 * however late. */
static usec_t expiry_of_record(const QueueRecord *record, const Format *format, usec_t now)
{
        if (record->kind == QUEUE_KIND_NOTICE)
                return USEC_INFINITY;
        return usec_add(now, usec_sub(format->expire_after_usec, record->age_usec));
}

static bool is_backfill(const Loader *l)
{
        return l->source == QUEUE_BACKLOG;
}

/* The wall time of its append; 0 when no clock of any boot can tell. */
static usec_t resolved(const QueueRecord *record)
{
        return record->time == QUEUE_TIME_UNKNOWN ? 0 : record->wall_usec;
}

static Cargo cargo_of(const Loader *l, const QueueRecord *record, usec_t wall)
{
        return (Cargo){
                .epoch = record->epoch,
                .first = record->n,
                .last = record->n,
                .backfill = is_backfill(l),
                .wall_usec = wall,
                .device = l->peers->formats->device_id,
        };
}

/* A record that is a message of its own. r: whether the message could be made. */
static LoaderState take_message(Loader *l, const QueueRecord *record, Message *message, int r, usec_t now)
{
        const Format *format = format_of(l, record->stream);

        if (r == -EBADMSG) {
                advance(l);
                losses_damaged(l->peers->losses, record->stream, record->epoch, record->n, now);
                return LOADER_GIVING;
        }
        if (r < 0) {
                no_memory(l, now);
                return LOADER_BLOCKED;
        }
        if (!has_room(l, message_size(message))) {
                message_free(message);
                return LOADER_BLOCKED;
        }
        advance(l);
        launch(l, record->stream, record->kind == QUEUE_KIND_NOTICE, message, appended_of(record),
               expiry_of_record(record, format, now), now);
        return LOADER_GIVING;
}

static OpenPack *pack_of(Loader *l, unsigned stream)
{
        if (!l->packs[stream])
                l->packs[stream] = calloc(1, sizeof(OpenPack));
        return l->packs[stream];
}

/* A message holds one unbroken range of one epoch, and either backlog or news. */
static bool pack_goes_on(const Loader *l, const OpenPack *open, const QueueRecord *record)
{
        return open->packer.epoch == record->epoch && open->packer.end.n + 1 == record->n &&
               open->backfill == is_backfill(l);
}

static int open_pack(Loader *l, OpenPack *open, const QueueRecord *record, const Reading *reading)
{
        Cargo cargo = cargo_of(l, record, reading->wall_usec);
        size_t overhead;
        int r = format_overhead(format_of(l, record->stream), &cargo, &overhead);

        if (r < 0)
                return r;
        packer_begin(&open->packer, record->epoch, overhead);
        open->backfill = cargo.backfill;
        return 0;
}

/* Sealing may call the queue, and the payload is borrowed only until then: the record is peeked at again. */
static LoaderState take_into_pack(Loader *l, const QueueRecord *record, const Reading *reading, usec_t now)
{
        OpenPack *open = pack_of(l, record->stream);
        int r = open ? 0 : -ENOMEM;

        if (open && !packer_is_empty(&open->packer) && !pack_goes_on(l, open, record))
                return seal_pack(l, record->stream, false, now) ? LOADER_GIVING : LOADER_BLOCKED;
        if (open && packer_is_empty(&open->packer))
                r = open_pack(l, open, record, reading);
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
                return seal_pack(l, record->stream, false, now) ? LOADER_GIVING : LOADER_BLOCKED;
        if (r < 0) {
                no_memory(l, now);
                return LOADER_BLOCKED;
        }
        advance(l);
        return LOADER_GIVING;
}

/* A stream's records go up in their order: what its pack holds comes before a message that follows. */
static LoaderState make_way(Loader *l, unsigned stream, usec_t now)
{
        bool sealed = pack_is_open(l->packs[stream]) && seal_pack(l, stream, false, now);

        return sealed ? LOADER_GIVING : LOADER_BLOCKED;
}

static LoaderState take_reading(Loader *l, const QueueRecord *record, const Format *format, usec_t now)
{
        Message *message = NULL;
        ReadingSpace space;
        Reading reading;
        Cargo cargo;
        int r = reading_decode(record->payload, record->size, &space, &reading);

        if (r < 0)
                return take_message(l, record, NULL, r, now);
        reading_time_make_out(&reading, record->wall_usec, record->time);
        if (format->kind == STREAM_ARRAY)
                return take_into_pack(l, record, &reading, now);
        if (pack_is_open(l->packs[record->stream]) || !has_room(l, 0))
                return make_way(l, record->stream, now);
        cargo = cargo_of(l, record, reading.wall_usec);
        cargo.unit = formats_unit(l->peers->formats, &reading);
        r = format_reading(format, &cargo, &reading, &message);
        return take_message(l, record, message, r, now);
}

/* A local service's own message, or a notice of the queue's. */
static LoaderState take_own(Loader *l, const QueueRecord *record, const Format *format, usec_t now)
{
        Cargo cargo = cargo_of(l, record, resolved(record));
        Message *message = NULL;
        int r;

        if (pack_is_open(l->packs[record->stream]) || !has_room(l, 0))
                return make_way(l, record->stream, now);
        r = record->kind == QUEUE_KIND_NOTICE
                    ? format_notice(format, &cargo, record->payload, record->size, &message)
                    : format_message(format, &cargo, record->payload, record->size, &message);
        return take_message(l, record, message, r, now);
}

static bool drop_if_expired(Loader *l, const QueueRecord *record, const Format *format, usec_t now)
{
        if (l->peers->is_sent_before || now < expiry_of_record(record, format, now))
                return false;
        advance(l);
        l->n_expired++;
        losses_expired(l->peers->losses, record->stream, record->epoch, record->n, record->n, now);
        return true;
}

static LoaderState take_next(Loader *l, usec_t now)
{
        const Format *format;
        QueueRecord record;
        int r = peek(l, &record);

        if (r != 0)
                return r == QUEUE_E_EMPTY ? LOADER_EMPTY : LOADER_WAITING;
        l->reached_usec = appended_of(&record);
        format = format_of(l, record.stream);
        if (!format) {
                no_memory(l, now);
                return LOADER_BLOCKED;
        }
        if (drop_if_expired(l, &record, format, now))
                return LOADER_GIVING;
        switch (record.kind) {
        case QUEUE_KIND_READING:
                return take_reading(l, &record, format, now);
        case QUEUE_KIND_MESSAGE:
        case QUEUE_KIND_NOTICE:
                return take_own(l, &record, format, now);
        default:
                return take_message(l, &record, NULL, -EBADMSG, now);
        }
}

/* What is long due goes first, so that a crowd of newer messages cannot keep it out. */
void loader_pump(Loader *l, usec_t flush_until, usec_t now)
{
        l->state = LOADER_GIVING;
        l->n_expired = 0;
        seal_ripe(l, flush_until, now);
        do
                l->state = take_next(l, now);
        while (l->state == LOADER_GIVING && l->n_expired < EXPIRED_STEP);
        seal_ripe(l, flush_until, now);
}

usec_t loader_due(const Loader *l)
{
        usec_t next = USEC_INFINITY;

        for (unsigned stream = 0; stream < QUEUE_STREAMS_MAX; stream++) {
                const OpenPack *open = l->packs[stream];
                const Format *format = pack_is_open(open) ? format_of(l, stream) : NULL;

                if (format && has_room(l, packer_size(&open->packer, false)))
                        next = MIN(next, pack_due(l, open, format));
        }
        return next;
}

bool loader_is_empty(const Loader *l)
{
        for (size_t stream = 0; stream < QUEUE_STREAMS_MAX; stream++)
                if (pack_is_open(l->packs[stream]))
                        return false;
        return true;
}

bool loader_is_past(const Loader *l, usec_t appended)
{
        if (!has_read(l, appended))
                return false;
        for (size_t stream = 0; stream < QUEUE_STREAMS_MAX; stream++)
                if (holds(l->packs[stream], appended))
                        return false;
        return true;
}

void loader_hand_over(Loader *news, Loader *backlog, usec_t now)
{
        for (size_t stream = 0; stream < QUEUE_STREAMS_MAX; stream++) {
                OpenPack *open = news->packs[stream];

                if (!pack_is_open(open))
                        continue;
                open->packer.read_usec = now;
                if (!pack_is_open(backlog->packs[stream])) {
                        news->packs[stream] = backlog->packs[stream];
                        backlog->packs[stream] = open;
                }
        }
}

void loader_lost(Loader *l)
{
        for (size_t stream = 0; stream < QUEUE_STREAMS_MAX; stream++)
                if (l->packs[stream])
                        l->packs[stream]->backfill = true;
}

/* ---- without a link ---- */

static usec_t expire_pack(Loader *l, unsigned stream, usec_t now)
{
        OpenPack *open = l->packs[stream];
        const Format *format = pack_is_open(open) ? format_of(l, stream) : NULL;
        Pack pack;
        usec_t at;

        if (!format)
                return USEC_INFINITY;
        pack = packer_range(&open->packer, false);
        at = expiry_of(format, pack.appended_usec);
        if (now < at)
                return at;
        losses_expired(l->peers->losses, stream, pack.epoch, pack.first, pack.last, now);
        packer_drop(&open->packer);
        return USEC_INFINITY;
}

/* Returns when the record that stands first will expire. */
static usec_t expire_front(Loader *l, usec_t now)
{
        QueueRecord record;

        for (l->n_expired = 0; peek(l, &record) == 0;) {
                const Format *format = format_of(l, record.stream);

                if (!format || !drop_if_expired(l, &record, format, now))
                        return format ? expiry_of_record(&record, format, now) : USEC_INFINITY;
                if (l->n_expired == EXPIRED_STEP)
                        return now;
        }
        return USEC_INFINITY;
}

usec_t loader_expire(Loader *l, usec_t now)
{
        usec_t next = expire_front(l, now);

        for (unsigned stream = 0; stream < QUEUE_STREAMS_MAX; stream++)
                next = MIN(next, expire_pack(l, stream, now));
        return next;
}
