/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/dead-letters.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log-id.h"
#include "base/log.h"
#include "flow/dead-letters-core.h"

#define STORE_BYTES   (16 * 1024 * 1024)
#define PAYLOAD_BYTES (STORE_BYTES / 2) /* so that our own limit is met before the store has to drop a whole slot */

#define COMMIT_INTERVAL USEC_PER_SEC /* nobody waits for a dead letter: no flush before its time */
#define RETRY_INTERVAL USEC_PER_SEC
#define LOAD_AT_ONCE   64 /* dead letters looked at between two looks at everything else */

void dead_letters_note(DeadLetters *d)
{
        d->wanted = true;
}

void dead_letters_retry_later(DeadLetters *d, usec_t now)
{
        d->retry_at = usec_add(now, RETRY_INTERVAL);
}

void dead_letters_tell_changed(const DeadLetters *d)
{
        if (d->sink.changed)
                d->sink.changed(d->sink.userdata);
}

/* ---- the store ---- */

int dead_letters_stream(const DeadLetters *d)
{
        for (unsigned h = 0; h < queue_n_streams(d->store); h++)
                if (strcmp(queue_stream_name(d->store, h), DEAD_STREAM) == 0)
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
        dead_letters_note(userdata);
}

static void tell_dropped(DeadLetters *d, const DeadLetter *l, Outcome outcome)
{
        ThrottleOthers others;
        uint64_t held_back;

        if (throttle_admits(&d->told_dropped, clock_boot(d->clock), DEAD_TELL_INTERVAL, &held_back))
                log_line(LOG_WARNING, LOG_ID_DEAD_LETTER_DROPPED, NULL,
                         "Dead letter %llu (record %llu of stream %s, %s) is dropped: %s%s.",
                         (unsigned long long)l->id, (unsigned long long)l->n, l->stream, outcome_to_string(l->reason),
                         outcome == OUTCOME_DAMAGED ? "it cannot be read any more" : "the store is full",
                         throttle_others(&others, held_back));
}

/* Whoever settles a dead letter, we or the store itself for want of room: here it leaves the list. */
static void on_store_settled(void *userdata, const Settled *settled)
{
        DeadLetters *d = userdata;

        for (size_t i = 0; settled->outcome != OUTCOME_ACKNOWLEDGED && i < d->index.n; i++)
                if (d->index.letters[i].id >= settled->first && d->index.letters[i].id <= settled->last)
                        tell_dropped(d, &d->index.letters[i], settled->outcome);
        dead_index_remove(&d->index, settled->first, settled->last);
        dead_letters_tell_changed(d);
}

/* ---- room ---- */

static bool is_over(const DeadLetters *d, size_t n_more, size_t bytes_more)
{
        return d->index.n + d->n_landings + n_more > DEAD_LETTERS_MAX || d->index.bytes + bytes_more > PAYLOAD_BYTES;
}

void dead_letters_make_room(DeadLetters *d, size_t n_more, size_t bytes_more)
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

void dead_letters_list(DeadLetters *d, uint64_t id, const DeadRecord *r)
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

        if (dead_index_add(&d->index, &letter) < 0)
                log_error("Dead letter %llu is not listed before the next start: out of memory.",
                          (unsigned long long)id);
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
        else
                dead_letters_list(d, id, &r);
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
                dead_letters_note(d);
        if (r != QUEUE_E_EMPTY)
                return;
        if (!dead_letters_disk_is_well(d)) { /* it may not even be open */
                dead_letters_retry_later(d, now);
                return;
        }
        d->loaded = true;
        dead_letters_make_room(d, 0, 0);
        dead_letters_tell_changed(d);
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

        if (d->stopped)
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
        dead_moves_step(d, now);
        dead_errands_step(d);
}

static void tick(void *userdata, usec_t now)
{
        DeadLetters *d = userdata;
        Ticker store;

        if (d->stopped)
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

/* What is set aside waits for somebody, however long that takes: it has no limit of age, and bounds of its own. What
 * is to be left free of the file system is left by both. */
static QueueSettings store_settings(const QueueSettings *settings, char *directory)
{
        QueueSettings store = *settings;

        store.directory = directory;
        store.max_bytes = STORE_BYTES;
        store.segment_bytes = 0;
        store.max_age_usec = USEC_INFINITY;
        store.drop_newest = false;
        store.commit_interval_usec = COMMIT_INTERVAL;
        store.unhurried = true;
        store.store_of = QUEUE_OF_DEAD_LETTERS;
        store.n_lanes = 1;
        return store;
}

int dead_letters_new(DeadLetters **ret, const QueueSettings *settings, Queue *queue, Disk *disk, const Clock *clock,
                     const Random *random, const DeadLettersSink *sink)
{
        _cleanup_(dead_letters_freep) DeadLetters *d = calloc(1, sizeof(*d));
        _cleanup_free_ char *directory = NULL;
        QueueSettings store;
        int r;

        if (!d || asprintf(&directory, "%s/dead-letters", settings->directory) < 0)
                return -ENOMEM;
        d->queue = queue;
        d->clock = clock;
        d->retry_at = USEC_INFINITY;
        dead_errands_init(d);
        store = store_settings(settings, directory);
        r = queue_open(&d->store, &store, disk, clock, random,
                       &(QueueSink){.readable = on_store_readable, .settled = on_store_settled, .userdata = d});
        if (r < 0)
                return r;
        d->sink = *sink; /* nobody is told of the opening */
        dead_letters_note(d);
        *ret = TAKE_PTR(d);
        return 0;
}

void dead_letters_configure(DeadLetters *d, const QueueSettings *settings)
{
        QueueSettings store = store_settings(settings, NULL);

        queue_configure(d->store, &store);
}

void dead_letters_stop(DeadLetters *d, usec_t timeout_usec)
{
        if (!d)
                return;
        d->stopped = true;
        d->stop_usec = timeout_usec;
        queue_finish(d->store, timeout_usec);
        dead_errands_end(d);
}

DeadLetters *dead_letters_free(DeadLetters *d)
{
        if (!d)
                return NULL;
        d->queue = NULL;
        d->store = queue_close(d->store, d->stop_usec);
        dead_errands_end(d);
        dead_index_done(&d->index);
        buffer_done(&d->record);
        free(d);
        return NULL;
}

/* ---- questions ---- */

void dead_letters_status(const DeadLetters *d, DeadLetterStatus *ret)
{
        int stream = dead_letters_stream(d);
        QueueStatus store;
        Ledger ledger = {};

        queue_status(d->store, &store);
        if (stream >= 0)
                queue_ledger(d->store, (unsigned)stream, &ledger);
        *ret = (DeadLetterStatus){
                .count = d->index.n,
                .bytes = d->index.bytes,
                .dropped = ledger_dropped(&ledger),
                .aside = store.aside,
        };
}
