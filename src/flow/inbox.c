/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/inbox.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log-id.h"
#include "base/log.h"
#include "flow/inbox-core.h"

/* Somebody waits for each record: a service, or the whole link. So commits come as quickly as the disk lets them, until
 * as many messages came and went as the inbox holds; a service that takes the same one again and again has ten a second
 * in the end, and the flash card lives on. */
#define COMMIT_INTERVAL   (100 * USEC_PER_MSEC)
#define COMMITS_A_MESSAGE 3

#define RETRY_INTERVAL  USEC_PER_SEC
#define LOOK_INTERVAL   USEC_PER_MIN /* the wall clock may step: expiry is looked at so often */

/* Each record is mostly a commit and a page of its own: a message, its taking, its end. */
#define PAGES_A_MESSAGE (3 * 4096)
#define STORE_SLACK     (16 * 1024 * 1024)

static const char *const streams[_INBOX_STREAM_MAX] = {
        [INBOX_MESSAGES] = "message",
        [INBOX_TAKEN] = "taken",
        [INBOX_DONE] = "done",
};

static const QueueKind kinds[_INBOX_STREAM_MAX] = {
        [INBOX_MESSAGES] = QUEUE_KIND_MESSAGE,
        [INBOX_TAKEN] = QUEUE_KIND_TAKEN,
        [INBOX_DONE] = QUEUE_KIND_DONE,
};

void inbox_note(Inbox *x)
{
        x->work = true;
}

void inbox_retry_later(Inbox *x)
{
        x->retry_at = MIN(x->retry_at, usec_add(clock_boot(x->clock), RETRY_INTERVAL));
}

/* ---- the store ---- */

/* One that cannot be had now is asked for again with its first record. */
void inbox_settle_in(Inbox *x)
{
        for (unsigned i = 0; i < _INBOX_STREAM_MAX; i++) {
                unsigned handle;

                (void)queue_stream(x->store, streams[i], QUEUE_LANE_NORMAL, &handle);
        }
}

int inbox_stream(const Inbox *x, InboxStream stream)
{
        for (unsigned h = 0; h < queue_n_streams(x->store); h++)
                if (strcmp(queue_stream_name(x->store, h), streams[stream]) == 0)
                        return (int)h;
        return -1;
}

bool inbox_disk_is_well(const Inbox *x)
{
        QueueStatus status;

        queue_status(x->store, &status);
        return !status.disk_failed;
}

int inbox_append(Inbox *x, InboxStream stream, InboxUse use, const QueueReceipt *receipt)
{
        unsigned handle;
        int r;

        if (buffer_error(&x->record) < 0 || queue_stream(x->store, streams[stream], QUEUE_LANE_NORMAL, &handle) < 0)
                return -ENOMEM;
        if (x->record.size <= QUEUE_PAYLOAD_MAX && !inbox_room_allows(x, use, x->record.size))
                return QUEUE_E_FULL;
        r = queue_append(x->store, handle, kinds[stream], x->record.data, x->record.size, receipt, NULL);
        if (r == 0)
                x->appended += (x->record.size / 4096 + 1) * 4096;
        return r;
}

void inbox_settle(Inbox *x, InboxStream stream, uint64_t first, uint64_t last, Outcome outcome)
{
        int handle = inbox_stream(x, stream);

        if (handle >= 0 && first <= last)
                queue_settle(x->store, (unsigned)handle, queue_epoch(x->store), first, last, outcome);
}

static void on_readable(void *userdata)
{
        inbox_note(userdata);
}

static void tell_lost(Inbox *x, const InboxEntry *e)
{
        const char *name = e->message->message_id;
        ThrottleOthers others;
        uint64_t held_back;

        if (throttle_admits(&x->told_lost, clock_boot(x->clock), INBOX_TELL_INTERVAL, &held_back))
                log_line(LOG_ERR, LOG_ID_INBOX_LOST, NULL,
                         "Inbox: message %llu%s%s%s cannot be read from the disk any more and is lost%s.",
                         (unsigned long long)e->id, name ? " (" : "", name ?: "", name ? ")" : "",
                         throttle_others(&others, held_back));
}

void inbox_lose(Inbox *x, InboxEntry *e)
{
        tell_lost(x, e);
        inbox_forget(x, e, OUTCOME_DAMAGED);
        inbox_note(x);
}

void inbox_audit(Inbox *x, uint64_t id, const C2dMessage *message, usec_t received_usec, const char *who, int status,
                 const char *reason, bool untold)
{
        _cleanup_(buffer_done) Buffer name = BUFFER_NULL;

        buffer_append_string(&name, "message");
        if (id > 0)
                buffer_printf(&name, " %llu", (unsigned long long)id);
        buffer_printf(&name, " (%s)%s", message->message_id ?: "no message id",
                      untold ? ", the cloud is not told" : "");
        audit_add(x->audit, &(AuditEntry){
                                    .kind = AUDIT_MESSAGE,
                                    .time_usec = received_usec,
                                    .caller = who ?: "hublinkd",
                                    .name = buffer_error(&name) < 0 ? "message" : name.data,
                                    .status = status,
                                    .took_usec = usec_sub(clock_wall(x->clock), received_usec),
                                    .request = "",
                                    .answer = reason,
                            },
                  clock_boot(x->clock));
}

/* What we settle has left the index before, or stands there under another number. So this is the store's own doing, for
 * damage. One that is busy is found out when it is read. */
static void on_settled(void *userdata, const Settled *settled)
{
        Inbox *x = userdata;

        if (strcmp(settled->stream, streams[INBOX_MESSAGES]) != 0)
                return;
        for (size_t i = x->index.n; i-- > 0;) {
                InboxEntry *e = x->index.entries[i];

                if (e->n < settled->first || e->n > settled->last || e->busy)
                        continue;
                tell_lost(x, e);
                inbox_index_remove(&x->index, e);
                inbox_note(x);
        }
}

static void on_changed(void *userdata)
{
        inbox_note(userdata); /* the disk may be well again */
}

void inbox_changed(Inbox *x)
{
        inbox_ask_hub(x);
        if (!x->stopped && x->sink.changed)
                x->sink.changed(x->sink.userdata);
}

/* ---- locks and expiry ---- */

void inbox_look_later(Inbox *x)
{
        x->due_at = MIN(x->due_at, usec_add(clock_boot(x->clock), RETRY_INTERVAL));
}

void inbox_look_again(Inbox *x)
{
        x->due_at = 0;
        inbox_note(x);
}

bool inbox_has_expired(Inbox *x, const InboxEntry *e)
{
        return e->message->expiry_usec > 0 && trust_ask(&x->trust, x->clock, clock_boot(x->clock)) &&
               e->message->expiry_usec <= clock_wall(x->clock);
}

void inbox_offer(Inbox *x, InboxEntry *e)
{
        inbox_entry_set_taker(e, NULL, NULL);
        e->left = false;
        e->tell_at = 0;
        e->lock_until_usec = 0;
        e->times_taken++;
        inbox_look_again(x);
        if (!x->stopped && x->sink.arrived && !inbox_has_expired(x, e))
                x->sink.arrived(x->sink.userdata, e->id);
}

static usec_t expiry_due(Inbox *x, const InboxEntry *e, usec_t now)
{
        usec_t left;

        if (e->message->expiry_usec == 0)
                return USEC_INFINITY;
        if (!trust_ask(&x->trust, x->clock, now))
                return usec_add(now, LOOK_INTERVAL);
        left = usec_sub(e->message->expiry_usec, clock_wall(x->clock));
        return usec_add(now, CLAMP(left, RETRY_INTERVAL, LOOK_INTERVAL));
}

static bool is_to_be_told(const InboxEntry *e)
{
        return e->tell_at > 0 && !e->taker && !e->unreadable;
}

/* Not while nobody could take it. */
static void tell_free(Inbox *x, InboxEntry *e, usec_t now)
{
        if (!is_to_be_told(e) || e->tell_at > now)
                return;
        if (!inbox_disk_is_well(x)) {
                e->tell_at = usec_add(now, RETRY_INTERVAL);
                return;
        }
        e->tell_at = 0;
        if (!x->stopped && x->sink.arrived && !inbox_has_expired(x, e))
                x->sink.arrived(x->sink.userdata, e->id);
}

static usec_t due_of(Inbox *x, const InboxEntry *e, usec_t now)
{
        if (e->taker)
                return e->lock_until_usec;
        return MIN(expiry_due(x, e, now), is_to_be_told(e) ? e->tell_at : USEC_INFINITY);
}

/* One whose record is on its way is looked at when that has arrived. */
static void look_at_times(Inbox *x, usec_t now)
{
        x->due_at = USEC_INFINITY;
        for (size_t i = x->index.n; i-- > 0;) {
                InboxEntry *e = x->index.entries[i];

                if (e->busy)
                        continue;
                if (e->taker && e->lock_until_usec <= now)
                        inbox_offer(x, e);
                tell_free(x, e, now);
                if (!e->taker && inbox_has_expired(x, e))
                        inbox_leave(x, e, INBOX_EXPIRED, NULL, NULL, NULL);
        }
        x->due_at = USEC_INFINITY; /* what was just offered is among those looked at now */
        for (size_t i = 0; i < x->index.n; i++) {
                const InboxEntry *e = x->index.entries[i];

                if (!e->busy)
                        x->due_at = MIN(x->due_at, due_of(x, e, now));
        }
}

/* ---- time ---- */

static usec_t own_deadline(const Inbox *x)
{
        usec_t room = x->loaded ? inbox_room_due(x) : USEC_INFINITY, due = x->loaded ? x->due_at : USEC_INFINITY;

        return x->work ? 0 : MIN(x->retry_at, MIN(due, room));
}

static usec_t deadline(void *userdata)
{
        const Inbox *x = userdata;
        Ticker store;

        if (x->stopped)
                return USEC_INFINITY;
        store = queue_ticker(x->store);
        return MIN(store.deadline(store.userdata), own_deadline(x));
}

static void work(Inbox *x, usec_t now)
{
        x->work = false;
        if (now >= x->retry_at)
                x->retry_at = USEC_INFINITY;
        if (!x->loaded)
                inbox_load_step(x);
        if (x->loaded) { /* what makes room goes first */
                if (now >= x->due_at)
                        look_at_times(x, now);
                inbox_leaves_step(x);
                inbox_takes_step(x);
        }
        inbox_arrivals_step(x);
        if (x->loaded)
                inbox_tidy_step(x);
        inbox_ask_hub(x);
}

static void tick(void *userdata, usec_t now)
{
        Inbox *x = userdata;
        Ticker store;

        if (x->stopped)
                return;
        store = queue_ticker(x->store);
        store.tick(store.userdata, now);
        if (now >= own_deadline(x))
                work(x, now);
}

Ticker inbox_ticker(Inbox *x)
{
        return (Ticker){"inbox", deadline, tick, x};
}

/* ---- life ---- */

/* Never the oldest go for new ones: who is full says so before, and the hub keeps the rest. */
static QueueSettings store_settings(const InboxSettings *settings, const QueueSettings *queue, char *directory)
{
        QueueSettings store = *queue;

        store.directory = directory;
        store.max_bytes = 2 * settings->max_bytes + (uint64_t)settings->max_messages * PAGES_A_MESSAGE + STORE_SLACK;
        store.segment_bytes = 0;
        store.max_age_usec = USEC_INFINITY;
        store.drop_newest = true;
        store.commit_interval_usec = COMMIT_INTERVAL;
        store.unhurried = false;
        store.receipt_burst = COMMITS_A_MESSAGE * settings->max_messages;
        store.store_of = QUEUE_OF_INBOX;
        store.n_lanes = 1;
        return store;
}

int inbox_new(Inbox **ret, const InboxSettings *settings, const QueueSettings *queue, const InboxPeers *peers,
              Disk *disk, const Clock *clock, const Random *random)
{
        _cleanup_(inbox_freep) Inbox *x = calloc(1, sizeof(*x));
        _cleanup_free_ char *directory = NULL;
        QueueSettings store;
        int r;

        if (!x || asprintf(&directory, "%s/inbox", queue->directory) < 0)
                return -ENOMEM;
        x->settings = *settings;
        x->intake = peers->intake;
        x->audit = peers->audit;
        x->clock = clock;
        x->port = peers->port;
        x->retry_at = x->look_for_room_at = x->doubt_until = USEC_INFINITY;
        x->load_stream = INBOX_DONE;
        x->load_next = 1;
        inbox_arrivals_init(x);
        inbox_takes_init(x);
        inbox_leaves_init(x);
        store = store_settings(settings, queue, directory);
        x->store_bytes = store.max_bytes;
        r = queue_open(&x->store, &store, disk, clock, random,
                       &(QueueSink){.readable = on_readable, .settled = on_settled, .changed = on_changed,
                                    .userdata = x});
        if (r < 0)
                return r;
        x->sink = peers->sink; /* nobody is told of the opening */
        inbox_note(x);
        *ret = TAKE_PTR(x);
        return 0;
}

void inbox_configure(Inbox *x, const InboxSettings *settings, const QueueSettings *queue)
{
        QueueSettings store = store_settings(settings, queue, NULL);

        x->settings = *settings;
        x->store_bytes = store.max_bytes;
        queue_configure(x->store, &store);
        inbox_ask_hub(x);
}

void inbox_stop(Inbox *x, usec_t timeout_usec)
{
        if (!x || x->stopped)
                return;
        x->stopped = true;
        x->stop_usec = timeout_usec;
        inbox_takes_end(x);
        inbox_leaves_end(x);
        queue_finish(x->store, timeout_usec);
}

Inbox *inbox_free(Inbox *x)
{
        if (!x)
                return NULL;
        x->stopped = true;
        if (x->last_take)
                inbox_takes_end(x);
        if (x->last_leave)
                inbox_leaves_end(x);
        x->store = queue_close(x->store, x->stop_usec);
        if (x->last_arrival)
                inbox_arrivals_end(x);
        inbox_index_done(&x->index);
        inbox_memory_done(&x->memory);
        buffer_done(&x->record);
        free(x->takings);
        free(x->listed);
        free(x);
        return NULL;
}

/* ---- questions ---- */

void inbox_status(const Inbox *x, InboxStatus *ret)
{
        QueueStatus store;

        queue_status(x->store, &store);
        *ret = x->status;
        ret->waiting = (unsigned)x->index.n;
        ret->full = x->loaded && x->told_want && !x->wanted_by_us;
        ret->aside = store.aside;
}
