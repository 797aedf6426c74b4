/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the hub delivers, one after another: recognised as one that is here already or was, or onto the disk. It may
 * wait for the inbox to be read, for the disk's buffers, or for one of the same key that is on its way there.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log-id.h"
#include "base/log.h"
#include "flow/inbox-core.h"

struct InboxArrival {
        Inbox *x;
        InboxArrival *next;
        uint64_t ticket;
        bool flying; /* on its way to the disk: the receipt comes */
        InboxKey key;
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
        x->n_arrivals--;
        x->arrivals_bytes -= a->bytes;
}

static void fail(Inbox *x, InboxArrival *a, const char *why)
{
        uint64_t ticket = a->ticket;

        unlink_arrival(x, a);
        arrival_free(a);
        if (!x->stopped)
                x->port.failed(x->port.userdata, ticket, why);
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

/* ---- on the disk ---- */

static void receive(Inbox *x, InboxArrival *a, uint64_t id)
{
        InboxEntry entry = {
                .id = id,
                .n = id,
                .key = a->key,
                .message = TAKE_PTR(a->message),
                .size = a->size,
                .bytes = a->bytes,
                .received_usec = a->received_usec,
        };
        uint64_t ticket = a->ticket;
        InboxEntry *e;

        unlink_arrival(x, a);
        arrival_free(a);
        if (inbox_index_add(&x->index, &entry, &e) < 0) { /* the hub delivers it again */
                inbox_settle(x, INBOX_MESSAGES, id, id, OUTCOME_ACKNOWLEDGED);
                if (!x->stopped)
                        x->port.failed(x->port.userdata, ticket, "out of memory");
                return;
        }
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

/* ---- judged ---- */

static bool one_of_it_flies(const Inbox *x, const InboxArrival *a)
{
        for (const InboxArrival *other = x->first_arrival; other != a; other = other->next)
                if (inbox_key_equals(&other->key, &a->key))
                        return true;
        return false;
}

/* False: not at present, and nothing else either. */
static bool store(Inbox *x, InboxArrival *a)
{
        int r;

        buffer_clear(&x->record);
        buffer_append(&x->record, a->record.data, a->record.size);
        a->flying = true; /* the receipt may come before this returns */
        r = inbox_append(x, INBOX_MESSAGES, &(QueueReceipt){on_receipt, a}, NULL);
        if (r == 0)
                return true;
        a->flying = false;
        switch (r) {
        case QUEUE_E_FULL:
                fail(x, a, "the store of the inbox is full");
                break;
        case QUEUE_E_DISK:
                fail(x, a, "the disk of the inbox fails");
                break;
        case QUEUE_E_TOO_LARGE:
                log_error("Inbox: a message of %zu bytes is larger than any that IoT Hub sends, and is not taken.",
                          a->bytes);
                fail(x, a, "it is too large");
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
        if (one_of_it_flies(x, a))
                return true;
        if (inbox_index_find_key(&x->index, &a->key) || inbox_memory_has_key(&x->memory, &a->key)) {
                recognise(x, a);
                return true;
        }
        return store(x, a);
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
                fail(x, x->first_arrival, "the daemon is stopping");
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
                x->port.failed(x->port.userdata, ticket, "the daemon is stopping");
                return;
        }
        if (arrival_new(x, ticket, message, &a) < 0) {
                x->port.failed(x->port.userdata, ticket, "out of memory");
                return;
        }
        *x->last_arrival = a;
        x->last_arrival = &a->next;
        x->n_arrivals++;
        x->arrivals_bytes += a->bytes;
        inbox_arrivals_step(x);
        inbox_changed(x);
}
