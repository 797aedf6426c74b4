/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the store holds at the start. First what is done, then the takings, then the messages: so each message is known
 * for what it is when it is met. Settling is not durable at once, so that records of what is long over may come again:
 * they are recognised, and settled once more.
 */

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "flow/inbox-core.h"

#define AT_ONCE 64 /* records looked at between two looks at everything else */

/* ---- done ---- */

static int adopt_done(Inbox *x, const QueueRecord *found)
{
        int n = found->kind == QUEUE_KIND_DONE ? inbox_done_record_count(found->payload, found->size) : -EBADMSG;

        if (n < 0) {
                inbox_settle(x, INBOX_DONE, found->n, found->n, OUTCOME_DAMAGED);
                return 0;
        }
        for (int i = 0; i < n; i++) {
                InboxDone done = inbox_done_record_get(found->payload, (size_t)i);
                int r;

                done.doubt.open = done.key.nameless;
                r = inbox_memory_add(&x->memory, &done);
                if (r < 0)
                        return r;
        }
        if (x->done_first == 0)
                x->done_first = found->n;
        x->done_last = found->n;
        return 0;
}

/* ---- takings ---- */

static int adopt_taken(Inbox *x, const QueueRecord *found)
{
        InboxTaking taking = {.n = found->n};

        if (found->kind != QUEUE_KIND_TAKEN ||
            inbox_taken_record_decode(found->payload, found->size, &taking.id) < 0) {
                inbox_settle(x, INBOX_TAKEN, found->n, found->n, OUTCOME_DAMAGED);
                return 0;
        }
        if (x->n_takings == x->takings_allocated) {
                size_t n = MAX(x->takings_allocated * 2, (size_t)64);
                InboxTaking *more = reallocarray(x->takings, n, sizeof(*more));

                if (!more)
                        return -ENOMEM;
                x->takings = more;
                x->takings_allocated = n;
        }
        x->takings[x->n_takings++] = taking;
        return 0;
}

/* Those of this message; with more than it can have the rest stay what they are, and are given up at the end. */
static void give_takings(Inbox *x, InboxEntry *e)
{
        for (size_t i = 0; i < x->n_takings; i++) {
                if (x->takings[i].id != e->id)
                        continue;
                e->times_taken++;
                if (e->n_takings < INBOX_TAKINGS_MAX) {
                        e->takings[e->n_takings++] = x->takings[i].n;
                        x->takings[i].n = 0; /* it has its place */
                }
        }
}

static void give_up_takings(Inbox *x)
{
        for (size_t i = 0; i < x->n_takings; i++)
                if (x->takings[i].n > 0)
                        inbox_settle(x, INBOX_TAKEN, x->takings[i].n, x->takings[i].n, OUTCOME_ACKNOWLEDGED);
        free(x->takings);
        x->takings = NULL;
        x->n_takings = x->takings_allocated = 0;
}

/* ---- messages ---- */

/* It was written anew before the power went: the newer record counts, and knows how often it was taken. */
static void supersede(Inbox *x, InboxEntry *e, const QueueRecord *found, const InboxMessageRecord *record)
{
        uint64_t older = e->n;

        e->n = found->n;
        e->times_taken = MAX(e->times_taken, record->times_taken);
        inbox_settle(x, INBOX_MESSAGES, older, older, OUTCOME_ACKNOWLEDGED);
}

/* A copy that reached the disk after all when its receipt said it had not: nobody ever got it, and the hub delivered
 * the message again. */
static void drop_older(Inbox *x, const InboxKey *key)
{
        InboxEntry *e = inbox_index_find_key(&x->index, key);
        uint64_t n = e ? e->n : 0;

        if (!e)
                return;
        inbox_index_remove(&x->index, e);
        inbox_settle(x, INBOX_MESSAGES, n, n, OUTCOME_ACKNOWLEDGED);
}

static int list(Inbox *x, const QueueRecord *found, const InboxMessageRecord *record, C2dMessage *message)
{
        InboxEntry entry = {
                .id = record->id ?: found->n,
                .n = found->n,
                .message = message,
                .size = message->body.size,
                .bytes = c2d_message_size(message),
                .received_usec = record->received_usec,
                .times_taken = record->times_taken,
        };
        InboxEntry *e;
        int r = inbox_key_of(message, record->message, record->size, &entry.key);

        buffer_done(&message->body);
        message->body = BUFFER_NULL;
        if (r < 0) {
                c2d_message_free(message);
                return r;
        }
        entry.doubt.open = entry.key.nameless;
        if (inbox_memory_has_later(&x->memory, &entry.key, entry.id)) {
                c2d_message_free(message);
                inbox_settle(x, INBOX_MESSAGES, found->n, found->n, OUTCOME_ACKNOWLEDGED);
                return 0;
        }
        drop_older(x, &entry.key);
        r = inbox_index_add(&x->index, &entry, &e);
        if (r >= 0)
                give_takings(x, e);
        return r;
}

static int adopt_message(Inbox *x, const QueueRecord *found)
{
        InboxMessageRecord record = {};
        C2dMessage *message = NULL;
        InboxEntry *e;
        uint64_t id;
        int r = found->kind == QUEUE_KIND_MESSAGE
                        ? inbox_message_record_decode(found->payload, found->size, &record)
                        : -EBADMSG;

        id = record.id ?: found->n;
        if (r >= 0 && inbox_memory_has_id(&x->memory, id)) {
                inbox_settle(x, INBOX_MESSAGES, found->n, found->n, OUTCOME_ACKNOWLEDGED);
                return 0;
        }
        e = r >= 0 ? inbox_index_find(&x->index, id) : NULL;
        if (e) {
                supersede(x, e, found, &record);
                return 0;
        }
        if (r >= 0)
                r = c2d_message_decode(record.message, record.size, &message);
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                log_error("Inbox: record %llu is none of ours, and is given up.", (unsigned long long)found->n);
                inbox_settle(x, INBOX_MESSAGES, found->n, found->n, OUTCOME_DAMAGED);
                return 0;
        }
        return list(x, found, &record, message);
}

/* ---- one after another ---- */

static int adopt(Inbox *x, const QueueRecord *found)
{
        switch (x->load_stream) {
        case INBOX_DONE:
                return adopt_done(x, found);
        case INBOX_TAKEN:
                return adopt_taken(x, found);
        default:
                return adopt_message(x, found);
        }
}

/* 0: there may be more; QUEUE_E_EMPTY, QUEUE_E_WAIT; -ENOMEM: this one once more. */
static int read_some(Inbox *x)
{
        int stream = inbox_stream(x, x->load_stream), r = 0;

        for (int i = 0; i < AT_ONCE && r == 0; i++) {
                QueueRecord found;
                uint64_t n;

                if (stream < 0)
                        return QUEUE_E_EMPTY;
                r = queue_browse(x->store, (unsigned)stream, x->load_next, UINT64_MAX, &found);
                if (r != 0)
                        return r;
                n = found.n; /* the record is borrowed */
                r = adopt(x, &found);
                if (r == 0)
                        x->load_next = n + 1;
        }
        return r;
}

static bool go_on(Inbox *x)
{
        if (x->load_stream == INBOX_MESSAGES)
                return false;
        x->load_stream = x->load_stream == INBOX_DONE ? INBOX_TAKEN : INBOX_MESSAGES;
        x->load_next = 1;
        return true;
}

void inbox_load_step(Inbox *x)
{
        int r = read_some(x);

        if (r < 0) {
                inbox_retry_later(x);
                return;
        }
        if (r == QUEUE_E_WAIT)
                return;
        if (r == 0) {
                inbox_note(x);
                return;
        }
        if (!inbox_disk_is_well(x)) { /* it may not even be open */
                inbox_retry_later(x);
                return;
        }
        if (go_on(x)) {
                inbox_note(x);
                return;
        }
        inbox_settle_in(x);
        x->loaded = true;
        give_up_takings(x);
        inbox_memory_trim(&x->memory, INBOX_DONE_MAX);
        inbox_look_again(x);
        inbox_changed(x);
}
