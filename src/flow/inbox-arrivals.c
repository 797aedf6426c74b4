/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the hub delivers, one after another: recognised as one that is here already or was, or onto the disk. It may
 * wait for the inbox to be read, for the disk's buffers, or for one of the same key that is on its way there. What is
 * too large for the disk is refused.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log-id.h"
#include "base/log.h"
#include "flow/inbox-core.h"

#define TOO_LARGE "it is larger than a message can be"

struct InboxArrival {
        Inbox *x;
        InboxArrival *next;
        uint64_t ticket;
        bool flying; /* on its way to the disk, or its report is: the receipt comes */
        bool repeats; /* one that flies, word for word: it shares its fate, and keeps nothing of it */
        bool repeatable;  /* it came when the hub had something to deliver again */
        bool marked;      /* another without an id says the same, and it may be that one */
        InboxKey key;
        InboxDoubt doubt;
        C2dMessage *message; /* without its body, for the index */
        size_t size, bytes;
        usec_t received_usec;
        Buffer record;
};

void inbox_arrivals_init(Inbox *x)
{
        x->last_arrival = &x->first_arrival;
}

static void arrival_free(InboxArrival *a)
{
        c2d_message_free(a->message);
        buffer_done(&a->record);
        free(a);
}

/* Out of the row; the caller frees it. */
static void unlink_arrival(Inbox *x, InboxArrival *a)
{
        InboxArrival **link = &x->first_arrival;

        while (*link != a)
                link = &(*link)->next;
        *link = a->next;
        if (x->last_arrival == &a->next)
                x->last_arrival = link;
        x->n_arrivals -= !a->repeats;
        x->arrivals_bytes -= a->bytes;
}

/* As many lines as messages came would be the same one over and over: what is short is short for all. */
static void leave_with_hub(Inbox *x, uint64_t ticket, const char *why)
{
        ThrottleOthers others;
        uint64_t held_back;

        if (throttle_admits(&x->told_failed, clock_boot(x->clock), INBOX_TELL_INTERVAL, &held_back))
                log_line(LOG_WARNING, LOG_ID_INBOX_NOT_STORED, NULL,
                         "Inbox: a message from the cloud is not stored, and stays with the hub: %s%s.", why,
                         throttle_others(&others, held_back));
        x->port.failed(x->port.userdata, ticket);
}

static void fail(Inbox *x, InboxArrival *a, const char *why)
{
        uint64_t ticket = a->ticket;

        unlink_arrival(x, a);
        arrival_free(a);
        if (!x->stopped)
                leave_with_hub(x, ticket, why);
}

static void recognise(Inbox *x, InboxArrival *a)
{
        uint64_t ticket = a->ticket;

        unlink_arrival(x, a);
        arrival_free(a);
        x->status.redelivered++;
        inbox_changed(x);
        x->port.stored(x->port.userdata, ticket);
}

/* ---- without an id ---- */

void inbox_arrivals_doubt(Inbox *x)
{
        for (InboxArrival *a = x->first_arrival; a; a = a->next)
                a->doubt.open = a->key.nameless;
}

InboxDoubt *inbox_arrivals_find_doubt(const Inbox *x, const InboxArrival *before, const InboxKey *key)
{
        for (InboxArrival *other = x->first_arrival; other != before; other = other->next)
                if (other->doubt.open && inbox_key_resembles(&other->key, key))
                        return &other->doubt;
        return NULL;
}

static InboxDoubt *doubt_about(const Inbox *x, const InboxArrival *a)
{
        return inbox_find_doubt(x, &a->key) ?: inbox_arrivals_find_doubt(x, a, &a->key);
}

/* One that failed on its way is gone, and with it the reason. */
static void mark(const Inbox *x, InboxArrival *a)
{
        a->marked = a->repeatable && doubt_about(x, a);
        inbox_message_record_set_taken(a->record.data, a->marked);
}

/* ---- on the disk ---- */

/* The first has come again: the next of its kind is another. */
static void close_doubt(const Inbox *x, const InboxArrival *a)
{
        InboxDoubt *doubt = a->marked ? doubt_about(x, a) : NULL;

        if (doubt)
                doubt->open = false;
}

static void receive(Inbox *x, InboxArrival *a, uint64_t id)
{
        InboxEntry entry = {
                .id = id,
                .n = id,
                .key = a->key,
                .doubt = {a->doubt.open, clock_boot(x->clock)},
                .times_taken = a->marked,
                .message = TAKE_PTR(a->message),
                .size = a->size,
                .bytes = a->bytes,
                .received_usec = a->received_usec,
        };
        uint64_t ticket = a->ticket;
        InboxEntry *e;

        close_doubt(x, a);
        unlink_arrival(x, a);
        arrival_free(a);
        if (inbox_index_add(&x->index, &entry, &e) < 0) { /* the hub delivers it again */
                inbox_settle(x, INBOX_MESSAGES, id, id, OUTCOME_ACKNOWLEDGED);
                if (!x->stopped)
                        leave_with_hub(x, ticket, "out of memory");
                return;
        }
        inbox_room(x);
        x->status.received++;
        x->status.last_received_usec = clock_wall(x->clock);
        inbox_look_again(x);
        if (!x->stopped)
                x->port.stored(x->port.userdata, ticket);
        inbox_changed(x);
        if (!x->stopped && x->sink.arrived)
                x->sink.arrived(x->sink.userdata, id);
}

static void on_receipt(void *userdata, int error, unsigned stream, uint64_t epoch, uint64_t n)
{
        InboxArrival *a = userdata;
        Inbox *x = a->x;

        if (error < 0) {
                fail(x, a, "it cannot be stored on the disk");
                inbox_changed(x);
        } else {
                receive(x, a, n);
        }
        inbox_note(x);
}

/* ---- refused ---- */

static void tell_refused(Inbox *x, const InboxArrival *a)
{
        ThrottleOthers others;
        uint64_t held_back;

        if (throttle_admits(&x->told_refused, clock_boot(x->clock), INBOX_TELL_INTERVAL, &held_back))
                log_line(LOG_ERR, LOG_ID_INBOX_REFUSED, NULL,
                         "Inbox: a message of %zu bytes (%.200s) is larger than any that can be stored, and is "
                         "refused%s.",
                         a->bytes, a->message->message_id ?: "no message id", throttle_others(&others, held_back));
}

static void confirm(Inbox *x, InboxArrival *a)
{
        uint64_t ticket = a->ticket;

        unlink_arrival(x, a);
        arrival_free(a);
        if (!x->stopped)
                x->port.stored(x->port.userdata, ticket);
        inbox_changed(x);
}

/* A report that does not get through is no reason to have the message again. */
static void on_reported(void *userdata, const SubmitAnswer *answer)
{
        InboxArrival *a = userdata;
        Inbox *x = a->x;

        if (answer->error != REQUEST_OK)
                inbox_report_lost(x, 0, a->message, INBOX_REJECTED, answer->detail ?: "");
        confirm(x, a);
        inbox_note(x); /* one of the same key may wait */
}

/* However often it comes, it will never be stored: the hub is told that it has arrived, or it would come for ever and
 * nothing else would. */
static void refuse(Inbox *x, InboxArrival *a)
{
        _cleanup_(message_freep) Message *report = NULL;

        x->status.refused++;
        tell_refused(x, a);
        inbox_audit(x, 0, a->message, a->received_usec, NULL, AUDIT_REFUSED, TOO_LARGE, false);
        if (inbox_is_reported(x, a->message, INBOX_REJECTED) &&
            inbox_report_new(0, a->message, INBOX_REJECTED, TOO_LARGE, &report) >= 0) {
                a->flying = true;
                x->intake.submit_message(x->intake.userdata, report, NULL, on_reported, a);
        } else {
                confirm(x, a);
        }
}

/* ---- judged ---- */

static bool one_of_it_flies(const Inbox *x, const InboxArrival *a)
{
        for (const InboxArrival *other = x->first_arrival; other != a; other = other->next)
                if (inbox_key_equals(&other->key, &a->key))
                        return true;
        return false;
}

/* While a disk stalls the hub delivers the same again on each connection. */
static void let_repeat(Inbox *x, InboxArrival *a)
{
        if (a->repeats)
                return;
        a->repeats = true;
        x->n_arrivals--;
        x->arrivals_bytes -= a->bytes;
        a->bytes = 0;
        a->message = c2d_message_free(a->message);
        buffer_done(&a->record);
        a->record = BUFFER_NULL;
}

/* False: not at present, and nothing else either. */
static bool store(Inbox *x, InboxArrival *a)
{
        int r;

        mark(x, a);
        buffer_clear(&x->record);
        buffer_append(&x->record, a->record.data, a->record.size);
        a->flying = true; /* the receipt may come before this returns */
        r = inbox_append(x, INBOX_MESSAGES, INBOX_FOR_ARRIVAL, &(QueueReceipt){on_receipt, a});
        if (r == 0)
                return true;
        a->flying = false;
        switch (r) {
        case QUEUE_E_FULL:
                inbox_no_room(x);
                fail(x, a, "the store of the inbox is full");
                break;
        case QUEUE_E_DISK:
                fail(x, a, "the disk of the inbox fails");
                break;
        case QUEUE_E_TOO_LARGE:
                refuse(x, a);
                break;
        default: /* QUEUE_E_BUSY, -ENOMEM */
                inbox_retry_later(x);
                return false;
        }
        return true;
}

/* False: those behind it wait as well. */
static bool judge(Inbox *x, InboxArrival *a)
{
        if (one_of_it_flies(x, a)) {
                let_repeat(x, a);
                return true;
        }
        if (inbox_index_find_key(&x->index, &a->key) || inbox_memory_has_key(&x->memory, &a->key)) {
                recognise(x, a);
                return true;
        }
        if (!a->repeats)
                return store(x, a);
        fail(x, a, "the delivery that it repeats could not be stored");
        return true;
}

/* A store that cannot even be read takes nothing in, and the hub need not wait to hear it. */
static void refuse_all(Inbox *x)
{
        while (x->first_arrival)
                fail(x, x->first_arrival, "the disk of the inbox fails");
}

void inbox_arrivals_step(Inbox *x)
{
        InboxArrival *a, *next;

        if (!x->loaded) {
                if (!inbox_disk_is_well(x))
                        refuse_all(x);
                return;
        }
        for (a = x->first_arrival; a; a = next) {
                next = a->next;
                if (!a->flying && !judge(x, a))
                        return;
        }
}

void inbox_arrivals_end(Inbox *x)
{
        while (x->first_arrival)
                fail(x, x->first_arrival, INBOX_STOPPING);
}

/* ---- in ---- */

static int arrival_new(Inbox *x, uint64_t ticket, const C2dMessage *message, InboxArrival **ret)
{
        InboxArrival *a = calloc(1, sizeof(*a));
        InboxMessageRecord record = {.received_usec = clock_wall(x->clock)};
        int r;

        if (!a)
                return -ENOMEM;
        a->x = x;
        a->ticket = ticket;
        a->repeatable = inbox_doubt_is_on(x);
        a->size = message->body.size;
        a->bytes = c2d_message_size(message);
        a->received_usec = record.received_usec;
        buffer_clear(&x->record);
        c2d_message_encode(message, &x->record);
        record.message = x->record.data;
        record.size = x->record.size;
        inbox_message_record_encode(&record, &a->record);
        r = buffer_error(&x->record) < 0 || buffer_error(&a->record) < 0 ? -ENOMEM : 0;
        if (r == 0)
                r = inbox_key_of(message, record.message, record.size, &a->key);
        if (r == 0)
                r = c2d_message_decode(record.message, record.size - message->body.size, &a->message);
        if (r < 0) {
                arrival_free(a);
                return r;
        }
        *ret = a;
        return 0;
}

void inbox_message(Inbox *x, uint64_t ticket, const C2dMessage *message)
{
        InboxArrival *a;

        if (x->stopped) {
                leave_with_hub(x, ticket, INBOX_STOPPING);
                return;
        }
        if (arrival_new(x, ticket, message, &a) < 0) {
                leave_with_hub(x, ticket, "out of memory");
                return;
        }
        *x->last_arrival = a;
        x->last_arrival = &a->next;
        x->n_arrivals++;
        x->arrivals_bytes += a->bytes;
        inbox_arrivals_step(x);
        inbox_changed(x);
}
