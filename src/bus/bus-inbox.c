/* SPDX-License-Identifier: Apache-2.0 */

/*
 * org.hublink1.Inbox, on the same object as the Manager. Its contract is conf/dbus/org.hublink1.Inbox.xml. Who may
 * look and who may take is the bus's business; that what somebody has taken is his, the inbox's, by his unique name.
 * Who he is the audit wants to know: the bus is asked before he takes (bus-errand.c). Here is seen when he leaves.
 */

#include <errno.h>
#include <string.h>

#include "bus/bus-private.h"

#define MESSAGE "tssaya{ss}ttu"   /* id, message id, correlation id, body, properties, received, expiry, times taken */
#define LISTED  "tssta{ss}ttust" /* with its size for its body, and behind it its taker and until when he has it */

static const InboxDesk *desk(const Bus *bus)
{
        return &bus->peers.inbox;
}

/* ---- a message ---- */

static int append_system(sd_bus_message *m, const char *name, const char *value)
{
        return value ? bus_append_text_pair(m, name, value) : 0;
}

/* System properties that have no place of their own stand among the others, under their names of the wire. */
static int append_properties(sd_bus_message *m, const C2dMessage *message)
{
        int r = sd_bus_message_open_container(m, 'a', "{ss}");

        if (r >= 0)
                r = append_system(m, "$.uid", message->user_id);
        if (r >= 0)
                r = append_system(m, "$.ct", message->content_type);
        if (r >= 0)
                r = append_system(m, "$.ce", message->content_encoding);
        for (size_t i = 0; r >= 0 && i < message->n_properties; i++)
                r = bus_append_text_pair(m, message->properties[i].name, message->properties[i].value);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_ids(sd_bus_message *m, const InboxItem *item)
{
        int r = sd_bus_message_append(m, "t", item->id);

        if (r >= 0)
                r = bus_append_text(m, item->message->message_id ?: "");
        return r < 0 ? r : bus_append_text(m, item->message->correlation_id ?: "");
}

static int write_message(sd_bus_message *reply, const void *what)
{
        const InboxItem *item = &((const InboxAnswer *)what)->item;
        const C2dMessage *m = item->message;
        int r;

        if ((r = sd_bus_message_open_container(reply, 'r', MESSAGE)) < 0 ||
            (r = append_ids(reply, item)) < 0 ||
            (r = sd_bus_message_append_array(reply, 'y', m->body.data, m->body.size)) < 0 ||
            (r = append_properties(reply, m)) < 0 ||
            (r = sd_bus_message_append(reply, "ttu", item->received_usec, m->expiry_usec, item->times_taken)) < 0)
                return r;
        return sd_bus_message_close_container(reply);
}

static int append_listed(sd_bus_message *reply, const InboxItem *item)
{
        int r;

        if ((r = sd_bus_message_open_container(reply, 'r', LISTED)) < 0 ||
            (r = append_ids(reply, item)) < 0 || (r = sd_bus_message_append(reply, "t", (uint64_t)item->size)) < 0 ||
            (r = append_properties(reply, item->message)) < 0 ||
            (r = sd_bus_message_append(reply, "ttust", item->received_usec, item->message->expiry_usec,
                                       item->times_taken, item->taker ?: "", item->lock_until_usec)) < 0)
                return r;
        return sd_bus_message_close_container(reply);
}

/* ---- List ---- */

static int on_list(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const InboxItem *items = NULL;
        const Bus *bus = userdata;
        size_t n = 0;
        int r;

        switch (desk(bus)->list(desk(bus)->userdata, &items, &n)) {
        case REQUEST_OK:
                break;
        case REQUEST_BUSY:
                return bus_error(error, REQUEST_BUSY, "The inbox is still being read: try again shortly.");
        default:
                return bus_error(error, REQUEST_DISK_ERROR,
                                 "The inbox cannot be read: see the journal of hublinkd.");
        }
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(" LISTED ")");
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = append_listed(reply, &items[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_send(bus->connection, reply, NULL);
}

/* ---- Take ---- */

static void on_taken(void *userdata, const InboxAnswer *a)
{
        if (a->error != REQUEST_OK)
                pending_call_done(userdata, a->error, a->detail);
        else
                pending_call_write(userdata, write_message, a);
}

static void go_on_taking(const BusErrand *e, const char *user)
{
        char space[BUS_ERRAND_CALLER_MAX];

        if (bus_errand_place(e, "have messages of the inbox"))
                desk(e->bus)->take(desk(e->bus)->userdata, e->id, e->sender,
                                   bus_errand_caller(e, user, space), on_taken, e->call);
}

/* Whoever takes is watched, so that what he has is offered again when he leaves. */
static int on_take(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        BusErrand errand = {.bus = bus, .go_on = go_on_taking, .among = &bus->takers};
        int r = sd_bus_message_read(m, "t", &errand.id);

        return r < 0 ? r : bus_errand_begin(&errand, m, error);
}

/* ---- Complete, Reject, Extend ---- */

static int on_complete(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        PendingCall *call;
        uint64_t id;
        int r = sd_bus_message_read(m, "t", &id);

        if (r >= 0)
                r = bus_call_begin(bus, m, error, &call);
        if (r < 0)
                return r;
        desk(bus)->complete(desk(bus)->userdata, id, sd_bus_message_get_sender(m), pending_call_done, call);
        return 1;
}

static int on_reject(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        const char *reason;
        Bus *bus = userdata;
        PendingCall *call;
        uint64_t id;
        int r = sd_bus_message_read(m, "ts", &id, &reason);

        if (r < 0)
                return r;
        if (strlen(reason) > INBOX_REASON_MAX)
                return bus_error(error, REQUEST_TOO_LARGE, "A reason has at most %d bytes.", INBOX_REASON_MAX);
        r = bus_call_begin(bus, m, error, &call);
        if (r < 0)
                return r;
        desk(bus)->reject(desk(bus)->userdata, id, sd_bus_message_get_sender(m), reason, pending_call_done, call);
        return 1;
}

static int on_extend(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        uint64_t id, usec;
        PendingCall *call;
        int r = sd_bus_message_read(m, "tt", &id, &usec);

        if (r >= 0)
                r = bus_call_begin(bus, m, error, &call);
        if (r < 0)
                return r;
        desk(bus)->extend(desk(bus)->userdata, id, sd_bus_message_get_sender(m), usec, pending_call_done, call);
        return 1;
}

/* ---- properties, signals, the table ---- */

static int get_received(sd_bus *b, const char *path, const char *interface, const char *property,
                        sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        return sd_bus_message_append(reply, "t", bus_status(userdata)->inbox.received);
}

static int get_last_received(sd_bus *b, const char *path, const char *interface, const char *property,
                             sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        return sd_bus_message_append(reply, "t", bus_status(userdata)->inbox.last_received_usec);
}

static int get_waiting(sd_bus *b, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        return sd_bus_message_append(reply, "u", (uint32_t)bus_status(userdata)->inbox.waiting);
}

static int get_redelivered(sd_bus *b, const char *path, const char *interface, const char *property,
                           sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        return sd_bus_message_append(reply, "t", bus_status(userdata)->inbox.redelivered);
}

static int get_completed(sd_bus *b, const char *path, const char *interface, const char *property,
                         sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        return sd_bus_message_append(reply, "t", bus_status(userdata)->inbox.completed);
}

static int get_rejected(sd_bus *b, const char *path, const char *interface, const char *property,
                        sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        return sd_bus_message_append(reply, "t", bus_status(userdata)->inbox.rejected);
}

static int get_refused(sd_bus *b, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        return sd_bus_message_append(reply, "t", bus_status(userdata)->inbox.refused);
}

static int get_full(sd_bus *b, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                    void *userdata, sd_bus_error *error)
{
        return sd_bus_message_append(reply, "b", (int)bus_status(userdata)->inbox.full);
}

void bus_inbox_arrived(Bus *bus, uint64_t id)
{
        if (bus->named)
                (void)sd_bus_emit_signal(bus->connection, BUS_PATH, BUS_INBOX, "Arrived", "t", id);
}

void bus_inbox_expired(Bus *bus, uint64_t id)
{
        if (bus->named)
                (void)sd_bus_emit_signal(bus->connection, BUS_PATH, BUS_INBOX, "Expired", "t", id);
}

bool bus_inbox_keeps(void *userdata, const char *taker)
{
        const Bus *bus = userdata;

        return desk(bus)->has(desk(bus)->userdata, taker);
}

void bus_inbox_left(void *userdata, const char *taker)
{
        Bus *bus = userdata;

        bus_errands_left(bus, taker);
        if (desk(bus)->left)
                desk(bus)->left(desk(bus)->userdata, taker);
}

#define ALLOWED SD_BUS_VTABLE_UNPRIVILEGED /* by us: the bus knows who may what */

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Received", "t", get_received, 0, 0),
        SD_BUS_PROPERTY("LastReceived", "t", get_last_received, 0, 0),
        SD_BUS_PROPERTY("Waiting", "u", get_waiting, 0, 0),
        SD_BUS_PROPERTY("Full", "b", get_full, 0, 0),
        SD_BUS_PROPERTY("Redelivered", "t", get_redelivered, 0, 0),
        SD_BUS_PROPERTY("Completed", "t", get_completed, 0, 0),
        SD_BUS_PROPERTY("Rejected", "t", get_rejected, 0, 0),
        SD_BUS_PROPERTY("Refused", "t", get_refused, 0, 0),
        SD_BUS_METHOD_WITH_ARGS("List", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(" LISTED ")", messages), on_list, ALLOWED),
        SD_BUS_METHOD_WITH_ARGS("Take", SD_BUS_ARGS("t", id), SD_BUS_RESULT("(" MESSAGE ")", message), on_take,
                                ALLOWED),
        SD_BUS_METHOD_WITH_ARGS("Complete", SD_BUS_ARGS("t", id), SD_BUS_NO_RESULT, on_complete, ALLOWED),
        SD_BUS_METHOD_WITH_ARGS("Reject", SD_BUS_ARGS("t", id, "s", reason), SD_BUS_NO_RESULT, on_reject, ALLOWED),
        SD_BUS_METHOD_WITH_ARGS("Extend", SD_BUS_ARGS("t", id, "t", usec), SD_BUS_NO_RESULT, on_extend, ALLOWED),
        SD_BUS_SIGNAL_WITH_ARGS("Arrived", SD_BUS_ARGS("t", id), 0),
        SD_BUS_SIGNAL_WITH_ARGS("Expired", SD_BUS_ARGS("t", id), 0),
        SD_BUS_VTABLE_END,
};

int bus_inbox_export(Bus *bus)
{
        return sd_bus_add_object_vtable(bus->connection, NULL, BUS_PATH, BUS_INBOX, vtable, bus);
}
