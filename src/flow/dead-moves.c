/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Moves into the store: ranges that wait for their turn, and copies on their way to the disk. An original is settled
 * when its copy has arrived, and not before.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log-id.h"
#include "base/log.h"
#include "flow/dead-letters-core.h"

/* A copy on its way to the disk. Its original is settled when it has arrived. */
typedef struct Landing {
        DeadLetters *d;
        unsigned stream; /* of the original */
        DeadRecord record;
} Landing;

/* ---- what waits ---- */

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
        dead_letters_note(d);
        return 0;
}

/* ---- copies ---- */

static void tell_aside(DeadLetters *d, uint64_t id, const DeadRecord *r)
{
        ThrottleOthers others;
        uint64_t held_back;

        if (throttle_admits_some(&d->told_aside, DEAD_TELLS_ASIDE, clock_boot(d->clock), USEC_PER_HOUR, &held_back))
                log_line(LOG_ERR, LOG_ID_DEAD_LETTER, NULL,
                         "Record %llu of stream %s can never be sent (%s%s%s). It is set aside as dead letter %llu%s: "
                         "hublinkctl dead-letters show %llu",
                         (unsigned long long)r->n, r->stream, outcome_to_string(r->reason), *r->detail ? ": " : "",
                         r->detail, (unsigned long long)id, throttle_others(&others, held_back),
                         (unsigned long long)id);
}

static void on_landed(void *userdata, int error, unsigned stream, uint64_t epoch, uint64_t id)
{
        Landing *l = userdata;
        DeadLetters *d = l->d;
        const DeadRecord *r = &l->record;

        d->n_landings--;
        if (!d->queue) { /* too late: the original is moved again at the next start, and recognised */
                free(l);
                return;
        }
        if (error < 0) {
                (void)remember(d, ARRAY_SIZE(d->moves), l->stream, r->n, r->n, r->reason, r->detail);
                dead_letters_retry_later(d, clock_boot(d->clock));
        } else {
                dead_letters_list(d, id, r);
                queue_settle(d->queue, l->stream, r->epoch, r->n, r->n, r->reason);
                tell_aside(d, id, r);
                if (d->sink.added)
                        d->sink.added(d->sink.userdata, id);
                dead_letters_tell_changed(d);
        }
        free(l);
        dead_letters_note(d);
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
        if (d->n_landings >= DEAD_LANDINGS_MAX || queue_stream(d->store, DEAD_STREAM, QUEUE_LANE_NORMAL, &stream) < 0)
                return false;
        l = landing_new(d, record, outcome, detail);
        if (!l)
                return false;
        dead_letters_make_room(d, 1, record->size);
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

/* ---- one after another ---- */

static void forget_first(DeadLetters *d)
{
        memmove(d->moves, d->moves + 1, --d->n_moves * sizeof(*d->moves));
}

/* They were handed over by number: only the disk can have lost them since. */
static void lose(DeadLetters *d, const DeadMove *m, uint64_t last)
{
        if (m->first <= last)
                queue_settle(d->queue, m->stream, 0, m->first, last, OUTCOME_DAMAGED);
}

void dead_moves_step(DeadLetters *d, usec_t now)
{
        while (d->n_moves > 0 && d->n_landings < DEAD_LANDINGS_MAX) {
                DeadMove *m = &d->moves[0];
                QueueRecord record;
                int r = queue_browse(d->queue, m->stream, m->first, m->last, &record);
                uint64_t n = r == 0 ? record.n : m->last + 1; /* the record is borrowed */

                d->reading = r == QUEUE_E_WAIT;
                if (r == QUEUE_E_WAIT)
                        return;
                if (n > m->first) {
                        lose(d, m, n - 1); /* and the record is read again */
                        m->first = n;
                } else if (set_aside(d, &record, m->outcome, m->detail)) {
                        m->first = n + 1;
                } else {
                        dead_letters_retry_later(d, now);
                        return;
                }
                if (m->first > m->last)
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
        if (!d->stopped && d->loaded && d->n_moves == 0 && set_aside(d, record, outcome, detail))
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

/* ---- as a row ---- */

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
                dead_letters_note(d);
}
