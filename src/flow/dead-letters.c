/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/dead-letters.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log-id.h"
#include "base/log.h"
#include "flow/dead-letters-core.h"

#define STREAM "dead"

#define STORE_BYTES   (16 * 1024 * 1024)
#define PAYLOAD_BYTES (STORE_BYTES / 2) /* so that our own limit is met before the store has to drop a whole slot */

#define RETRY_INTERVAL USEC_PER_SEC
#define LOAD_AT_ONCE   64 /* dead letters looked at between two looks at everything else */
#define TELL_INTERVAL  (10 * USEC_PER_MIN)

/* A copy on its way to the disk. Its original is settled when it has arrived. */
typedef struct Landing {
        DeadLetters *d;
        unsigned stream; /* of the original */
        DeadRecord record;
} Landing;

static void note(DeadLetters *d)
{
        d->wanted = true;
}

static void retry_later(DeadLetters *d, usec_t now)
{
        d->retry_at = usec_add(now, RETRY_INTERVAL);
}

static void tell_changed(const DeadLetters *d)
{
        if (d->sink.changed)
                d->sink.changed(d->sink.userdata);
}

/* ---- the store ---- */

int dead_letters_stream(const DeadLetters *d)
{
        for (unsigned h = 0; h < queue_n_streams(d->store); h++)
                if (strcmp(queue_stream_name(d->store, h), STREAM) == 0)
                        return (int)h;
        return -1;
}

bool dead_letters_disk_is_well(const DeadLetters *d)
{
        QueueStatus status;

        queue_status(d->store, &status);
        return !status.disk_failed;
}

void dead_letters_settle(DeadLetters *d, uint64_t id, Outcome outcome)
{
        queue_settle(d->store, (unsigned)dead_letters_stream(d), queue_epoch(d->store), id, id, outcome);
}

static void on_store_readable(void *userdata)
{
        note(userdata);
}

static void tell_dropped(DeadLetters *d, const DeadLetter *l, Outcome outcome)
{
        uint64_t held_back;

        if (throttle_admits(&d->told_dropped, clock_boot(d->clock), TELL_INTERVAL, &held_back))
                log_line(LOG_WARNING, LOG_ID_DEAD_LETTER_DROPPED, NULL,
                         "Dead letter %llu (record %llu of stream %s, %s) is dropped: %s "
                         "(and %llu others since the last such line).",
                         (unsigned long long)l->id, (unsigned long long)l->n, l->stream, outcome_to_string(l->reason),
                         outcome == OUTCOME_DAMAGED ? "it cannot be read any more" : "the store is full",
                         (unsigned long long)held_back);
}

/* Whoever settles a dead letter, we or the store itself for want of room: here it leaves the list. */
static void on_store_settled(void *userdata, const Settled *settled)
{
        DeadLetters *d = userdata;

        for (size_t i = 0; settled->outcome != OUTCOME_ACKNOWLEDGED && i < d->index.n; i++)
                if (d->index.letters[i].id >= settled->first && d->index.letters[i].id <= settled->last)
                        tell_dropped(d, &d->index.letters[i], settled->outcome);
        dead_index_remove(&d->index, settled->first, settled->last);
        tell_changed(d);
}

/* ---- room ---- */

static bool is_over(const DeadLetters *d, size_t n_more, size_t bytes_more)
{
        return d->index.n + d->n_landings + n_more > DEAD_LETTERS_MAX || d->index.bytes + bytes_more > PAYLOAD_BYTES;
}

static void make_room(DeadLetters *d, size_t n_more, size_t bytes_more)
{
        size_t before = SIZE_MAX;

        while (d->index.n > 0 && d->index.n < before && is_over(d, n_more, bytes_more)) {
                before = d->index.n;
                dead_letters_settle(d, d->index.letters[0].id, OUTCOME_QUEUE_FULL);
        }
}

/* ---- the list ---- */

static DeadLetterKind kind_of(QueueKind kind)
{
        return kind == QUEUE_KIND_READING   ? DEAD_LETTER_READING
               : kind == QUEUE_KIND_MESSAGE ? DEAD_LETTER_MESSAGE
                                            : DEAD_LETTER_OTHER;
}

static int list(DeadLetters *d, uint64_t id, const DeadRecord *r)
{
        DeadLetter letter = {
                .id = id,
                .stream = r->stream,
                .epoch = r->epoch,
                .n = r->n,
                .reason = r->reason,
                .detail = r->detail,
                .kind = kind_of(r->kind),
                .size = r->size,
                .time_usec = r->aside_usec,
        };

        return dead_index_add(&d->index, &letter);
}

/* One that was found at the start. What is none is given up, so that it does not come again; and so is a copy that
 * reached the disk after all when its receipt said it had not. */
static void adopt(DeadLetters *d, const QueueRecord *found)
{
        uint64_t id = found->n;
        DeadRecord r;

        if (found->kind != QUEUE_KIND_DEAD_LETTER)
                dead_letters_settle(d, id, OUTCOME_ACKNOWLEDGED);
        else if (dead_record_decode(found->payload, found->size, &r) < 0)
                dead_letters_settle(d, id, OUTCOME_DAMAGED);
        else if (dead_index_find_origin(&d->index, r.stream, r.epoch, r.n) < d->index.n)
                dead_letters_settle(d, id, OUTCOME_ACKNOWLEDGED);
        else if (list(d, id, &r) < 0)
                log_error("Dead letter %llu is not listed before the next start: out of memory.",
                          (unsigned long long)id);
}

/* A piece of the list, from the disk. Until it is whole nothing is moved: what is there already could not be told. */
static void load(DeadLetters *d, usec_t now)
{
        int stream = dead_letters_stream(d);
        QueueRecord found;
        int r = QUEUE_E_EMPTY;

        for (int i = 0; i < LOAD_AT_ONCE && stream >= 0; i++) {
                r = queue_browse(d->store, (unsigned)stream, d->load_next, UINT64_MAX, &found);
                if (r != 0)
                        break;
                d->load_next = found.n + 1;
                adopt(d, &found);
        }
        if (r == 0)
                note(d);
        if (r != QUEUE_E_EMPTY)
                return;
        if (!dead_letters_disk_is_well(d)) { /* it may not even be open */
                retry_later(d, now);
                return;
        }
        d->loaded = true;
        make_room(d, 0, 0);
        tell_changed(d);
}

/* ---- moves ---- */

static DeadMove *find_neighbour(DeadLetters *d, unsigned stream, uint64_t first, Outcome outcome, const char *detail)
{
        DeadMove *m = d->n_moves > 0 ? &d->moves[d->n_moves - 1] : NULL;

        return m && m->stream == stream && m->last + 1 == first && m->outcome == outcome &&
                               strcmp(m->detail, detail) == 0
                       ? m
                       : NULL;
}

static int remember(DeadLetters *d, size_t limit, unsigned stream, uint64_t first, uint64_t last, Outcome outcome,
                    const char *detail)
{
        DeadRecord text = {};
        DeadMove *m;

        dead_record_detail(&text, detail);
        m = find_neighbour(d, stream, first, outcome, text.detail);
        if (m) {
                m->last = last;
        } else {
                if (d->n_moves >= limit)
                        return DEAD_LETTERS_E_BUSY;
                m = &d->moves[d->n_moves++];
                *m = (DeadMove){stream, first, last, outcome, {}};
                memcpy(m->detail, text.detail, sizeof(m->detail));
        }
        note(d);
        return 0;
}

static void tell_aside(DeadLetters *d, uint64_t id, const DeadRecord *r)
{
        uint64_t held_back;

        if (throttle_admits(&d->told_aside, clock_boot(d->clock), TELL_INTERVAL, &held_back))
                log_line(LOG_ERR, LOG_ID_DEAD_LETTER, NULL,
                         "Record %llu of stream %s can never be sent (%s%s%s). It is set aside as dead letter %llu "
                         "(and %llu others since the last such line): hublinkctl dead-letters show %llu",
                         (unsigned long long)r->n, r->stream, outcome_to_string(r->reason), *r->detail ? ": " : "",
                         r->detail, (unsigned long long)id, (unsigned long long)held_back, (unsigned long long)id);
}

static void on_landed(void *userdata, int error, unsigned stream, uint64_t epoch, uint64_t id)
{
        Landing *l = userdata;
        DeadLetters *d = l->d;
        const DeadRecord *r = &l->record;

        d->n_landings--;
        if (error < 0) {
                (void)remember(d, ARRAY_SIZE(d->moves), l->stream, r->n, r->n, r->reason, r->detail);
                retry_later(d, clock_boot(d->clock));
        } else {
                if (list(d, id, r) < 0)
                        log_error("Dead letter %llu is not listed before the next start: out of memory.",
                                  (unsigned long long)id);
                queue_settle(d->queue, l->stream, r->epoch, r->n, r->n, r->reason);
                tell_aside(d, id, r);
                if (d->sink.added)
                        d->sink.added(d->sink.userdata, id);
                tell_changed(d);
        }
        free(l);
        note(d);
}

static Landing *landing_new(DeadLetters *d, const QueueRecord *record, Outcome outcome, const char *detail)
{
        Landing *l = calloc(1, sizeof(*l));

        if (!l)
                return NULL;
        l->d = d;
        l->stream = record->stream;
        l->record = (DeadRecord){
                .epoch = record->epoch,
                .n = record->n,
                .kind = record->kind,
                .reason = outcome,
                .aside_usec = clock_wall(d->clock),
                .appended_usec = record->wall_usec, /* after a requeue nobody could tell any more */
                .time = record->time,
                .payload = record->payload,
                .size = record->size,
        };
        (void)snprintf(l->record.stream, sizeof(Name), "%s", queue_stream_name(d->queue, record->stream));
        dead_record_detail(&l->record, detail);
        buffer_clear(&d->record);
        dead_record_encode(&l->record, &d->record);
        l->record.payload = NULL; /* it is borrowed, and the landing lives on */
        return l;
}

static bool is_there(const DeadLetters *d, const QueueRecord *record)
{
        return dead_index_find_origin(&d->index, queue_stream_name(d->queue, record->stream), record->epoch,
                                      record->n) < d->index.n;
}

/* False: not at present. */
static bool set_aside(DeadLetters *d, const QueueRecord *record, Outcome outcome, const char *detail)
{
        unsigned stream;
        Landing *l;
        int r;

        if (is_there(d, record)) { /* the power went before the original was settled */
                queue_settle(d->queue, record->stream, record->epoch, record->n, record->n, outcome);
                return true;
        }
        if (d->n_landings >= DEAD_LANDINGS_MAX || queue_stream(d->store, STREAM, QUEUE_LANE_NORMAL, &stream) < 0)
                return false;
        l = landing_new(d, record, outcome, detail);
        if (!l)
                return false;
        make_room(d, 1, record->size);
        d->n_landings++; /* the receipt may come before queue_append() returns */
        r = buffer_error(&d->record) < 0
                    ? -ENOMEM
                    : queue_append(d->store, stream, QUEUE_KIND_DEAD_LETTER, d->record.data, d->record.size,
                                   &(QueueReceipt){on_landed, l}, NULL);
        if (d->record.allocated > 64 * 1024) /* a giant's buffer is not kept */
                buffer_done(&d->record);
        if (r == 0)
                return true;
        d->n_landings--;
        free(l);
        return false;
}

static void forget_first(DeadLetters *d)
{
        memmove(d->moves, d->moves + 1, --d->n_moves * sizeof(*d->moves));
}

static void step_moves(DeadLetters *d, usec_t now)
{
        while (d->n_moves > 0 && d->n_landings < DEAD_LANDINGS_MAX) {
                DeadMove *m = &d->moves[0];
                QueueRecord record;
                uint64_t n;
                int r = queue_browse(d->queue, m->stream, m->first, m->last, &record);

                d->reading = r == QUEUE_E_WAIT;
                if (r == QUEUE_E_WAIT)
                        return;
                if (r == 0) {
                        n = record.n;
                        if (!set_aside(d, &record, m->outcome, m->detail)) {
                                retry_later(d, now);
                                return;
                        }
                        m->first = n + 1;
                }
                if (r != 0 || m->first > m->last)
                        forget_first(d);
        }
}

int dead_letters_move(DeadLetters *d, unsigned stream, uint64_t first, uint64_t last, Outcome outcome,
                      const char *detail)
{
        return remember(d, DEAD_MOVES_MAX, stream, first, last, outcome, detail);
}

int dead_letters_move_record(DeadLetters *d, const QueueRecord *record, Outcome outcome, const char *detail)
{
        if (d->store && d->loaded && d->n_moves == 0 && set_aside(d, record, outcome, detail))
                return 0;
        return remember(d, DEAD_MOVES_MAX, record->stream, record->n, record->n, outcome, detail);
}

bool dead_letters_is_reading(const DeadLetters *d)
{
        return d->reading;
}

uint64_t dead_letters_moving(const DeadLetters *d)
{
        uint64_t n = d->n_landings;

        for (size_t i = 0; i < d->n_moves; i++)
                n += d->moves[i].last - d->moves[i].first + 1;
        return n;
}

static int row_move(void *userdata, unsigned stream, uint64_t first, uint64_t last, Outcome outcome, const char *detail)
{
        return dead_letters_move(userdata, stream, first, last, outcome, detail);
}

static bool row_is_reading(void *userdata)
{
        return dead_letters_is_reading(userdata);
}

static uint64_t row_moving(void *userdata)
{
        return dead_letters_moving(userdata);
}

SetAside dead_letters_set_aside(DeadLetters *d)
{
        return (SetAside){row_move, row_is_reading, row_moving, d};
}

void dead_letters_readable(DeadLetters *d)
{
        if (d->n_moves > 0)
                note(d);
}

/* ---- time ---- */

static usec_t own_deadline(const DeadLetters *d)
{
        return d->wanted ? 0 : d->retry_at;
}

static usec_t deadline(void *userdata)
{
        const DeadLetters *d = userdata;
        Ticker store;

        if (!d->store)
                return USEC_INFINITY;
        store = queue_ticker(d->store);
        return MIN(store.deadline(store.userdata), own_deadline(d));
}

static void work(DeadLetters *d, usec_t now)
{
        d->wanted = false;
        d->retry_at = USEC_INFINITY;
        if (!d->loaded)
                load(d, now);
        if (!d->loaded)
                return;
        step_moves(d, now);
        dead_errands_step(d);
}

static void tick(void *userdata, usec_t now)
{
        DeadLetters *d = userdata;
        Ticker store;

        if (!d->store)
                return;
        store = queue_ticker(d->store);
        store.tick(store.userdata, now);
        if (now >= own_deadline(d))
                work(d, now);
}

Ticker dead_letters_ticker(DeadLetters *d)
{
        return (Ticker){"dead-letters", deadline, tick, d};
}

/* ---- life ---- */

int dead_letters_new(DeadLetters **ret, const QueueSettings *settings, Queue *queue, Disk *disk, const Clock *clock,
                     const Random *random, const DeadLettersSink *sink)
{
        _cleanup_(dead_letters_freep) DeadLetters *d = calloc(1, sizeof(*d));
        _cleanup_free_ char *directory = NULL;
        QueueSettings store = *settings;
        int r;

        if (!d || asprintf(&directory, "%s/dead-letters", settings->directory) < 0)
                return -ENOMEM;
        d->queue = queue;
        d->clock = clock;
        d->retry_at = USEC_INFINITY;
        dead_errands_init(d);
        store.directory = directory;
        store.max_bytes = STORE_BYTES;
        store.segment_bytes = 0;
        store.drop_newest = false;
        store.no_notices = true;
        store.n_lanes = 1;
        r = queue_open(&d->store, &store, disk, clock, random,
                       &(QueueSink){.readable = on_store_readable, .settled = on_store_settled, .userdata = d});
        if (r < 0)
                return r;
        d->sink = *sink; /* nobody is told of the opening */
        note(d);
        *ret = TAKE_PTR(d);
        return 0;
}

void dead_letters_stop(DeadLetters *d, usec_t timeout_usec)
{
        if (!d || !d->store)
                return;
        d->store = queue_close(d->store, timeout_usec);
        dead_errands_end(d);
}

DeadLetters *dead_letters_free(DeadLetters *d)
{
        if (!d)
                return NULL;
        dead_letters_stop(d, 0);
        dead_index_done(&d->index);
        buffer_done(&d->record);
        free(d);
        return NULL;
}

/* ---- questions ---- */

void dead_letters_status(const DeadLetters *d, DeadLetterStatus *ret)
{
        int stream = d->store ? dead_letters_stream(d) : -1;
        Ledger ledger = {};

        if (stream >= 0)
                queue_ledger(d->store, (unsigned)stream, &ledger);
        *ret = (DeadLetterStatus){
                .count = d->index.n,
                .bytes = d->index.bytes,
                .dropped = ledger_dropped(&ledger),
        };
}
