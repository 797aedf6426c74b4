/* SPDX-License-Identifier: Apache-2.0 */

/*
 * org.hublink1.DeadLetters, on the same object as the Manager. Its contract is conf/dbus/org.hublink1.DeadLetters.xml.
 * Who may look and who may change is the bus's business.
 */

#include "bus/bus-private.h"

#define LETTER "tsttssstt" /* id, stream, epoch, n, reason, detail, kind, size, time */

static const char *const kinds[_DEAD_LETTER_KIND_MAX] = {
        [DEAD_LETTER_READING] = "reading",
        [DEAD_LETTER_MESSAGE] = "message",
        [DEAD_LETTER_OTHER] = "other",
};

static const DeadLetterOffice *office(const Bus *bus)
{
        return &bus->peers.dead_letters;
}

static int append_letter(sd_bus_message *reply, const DeadLetter *l)
{
        int r;

        if ((r = sd_bus_message_open_container(reply, 'r', LETTER)) < 0 ||
            (r = sd_bus_message_append(reply, "tstts", l->id, l->stream, l->epoch, l->n,
                                       outcome_to_string(l->reason))) < 0 ||
            (r = bus_append_text(reply, l->detail)) < 0 ||
            (r = sd_bus_message_append(reply, "stt", kinds[l->kind], (uint64_t)l->size, l->time_usec)) < 0)
                return r;
        return sd_bus_message_close_container(reply);
}

/* ---- List ---- */

static int on_list(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const Bus *bus = userdata;
        const DeadLetter *letters = NULL;
        size_t n = 0;
        int r;

        switch (office(bus)->list(office(bus)->userdata, &letters, &n)) {
        case REQUEST_OK:
                break;
        case REQUEST_BUSY:
                return bus_error(error, REQUEST_BUSY, "The dead letters are still being read: try again shortly.");
        default:
                return bus_error(error, REQUEST_DISK_ERROR,
                                 "The dead letters cannot be read: see the journal of hublinkd.");
        }
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(" LETTER ")");
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = append_letter(reply, &letters[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_send(bus->connection, reply, NULL);
}

/* ---- Get ---- */

/* Entries of an a{sv}. */

static int append_bytes(sd_bus_message *m, const char *key, const void *data, size_t size)
{
        int r;

        if ((r = sd_bus_message_open_container(m, 'e', "sv")) < 0 || (r = sd_bus_message_append(m, "s", key)) < 0 ||
            (r = sd_bus_message_open_container(m, 'v', "ay")) < 0 ||
            (r = sd_bus_message_append_array(m, 'y', data, size)) < 0 ||
            (r = sd_bus_message_close_container(m)) < 0)
                return r;
        return sd_bus_message_close_container(m);
}

static int append_properties(sd_bus_message *m, const Message *message)
{
        int r;

        if ((r = sd_bus_message_open_container(m, 'e', "sv")) < 0 ||
            (r = sd_bus_message_append(m, "s", "properties")) < 0 ||
            (r = sd_bus_message_open_container(m, 'v', "a{ss}")) < 0 ||
            (r = sd_bus_message_open_container(m, 'a', "{ss}")) < 0)
                return r;
        for (size_t i = 0; r >= 0 && i < message->n_properties; i++)
                r = bus_append_text_pair(m, message->properties[i].name, message->properties[i].value);
        if (r < 0 || (r = sd_bus_message_close_container(m)) < 0 || (r = sd_bus_message_close_container(m)) < 0)
                return r;
        return sd_bus_message_close_container(m);
}

static int append_message(sd_bus_message *m, const Message *message)
{
        int r = bus_append_text_entry(m, "content_type", message->content_type ?: "");

        if (r >= 0)
                r = bus_append_text_entry(m, "content_encoding", message->content_encoding ?: "");
        if (r >= 0)
                r = bus_append_text_entry(m, "correlation_id", message->correlation_id ?: "");
        if (r >= 0)
                r = append_properties(m, message);
        return r < 0 ? r : append_bytes(m, "body", message->body.data, message->body.size);
}

static int append_values(sd_bus_message *m, const Reading *reading)
{
        int r;

        if ((r = sd_bus_message_open_container(m, 'e', "sv")) < 0 ||
            (r = sd_bus_message_append(m, "s", "values")) < 0 ||
            (r = sd_bus_message_open_container(m, 'v', "a{sv}")) < 0 ||
            (r = sd_bus_message_open_container(m, 'a', "{sv}")) < 0)
                return r;
        for (size_t i = 0; r >= 0 && i < reading->n_channels; i++)
                r = bus_append_channel(m, &reading->channels[i]);
        if (r < 0 || (r = sd_bus_message_close_container(m)) < 0 || (r = sd_bus_message_close_container(m)) < 0)
                return r;
        return sd_bus_message_close_container(m);
}

static int append_reading(sd_bus_message *m, const Reading *reading)
{
        int r = sd_bus_message_append(m, "{sv}{sv}{sv}{sv}", "sensor", "s", reading->sensor, "time", "t",
                                      reading->wall_usec, "time_trusted", "b", (int)reading->wall_trusted, "quality",
                                      "s", quality_to_string(reading->quality));

        return r < 0 ? r : append_values(m, reading);
}

static int write_letter(sd_bus_message *reply, const void *what)
{
        const DeadLetterAnswer *a = what;
        int r;

        r = append_letter(reply, a->letter);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "{sv}");
        if (r >= 0)
                r = a->reading   ? append_reading(reply, a->reading)
                    : a->message ? append_message(reply, a->message)
                                 : append_bytes(reply, "record", a->bytes, a->n_bytes);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static void on_letter(void *userdata, const DeadLetterAnswer *a)
{
        if (a->error != REQUEST_OK)
                pending_call_done(userdata, a->error, a->detail);
        else
                pending_call_write(userdata, write_letter, a);
}

/* The id, and the message kept for a later answer. Below 0: return it. */
static int begin(Bus *bus, sd_bus_message *m, sd_bus_error *error, uint64_t *ret_id, PendingCall **ret)
{
        int r = sd_bus_message_read(m, "t", ret_id);

        return r < 0 ? r : bus_call_begin(bus, m, error, ret);
}

static int on_get(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        PendingCall *call;
        uint64_t id;
        int r = begin(bus, m, error, &id, &call);

        if (r < 0)
                return r;
        office(bus)->get(office(bus)->userdata, id, on_letter, call);
        return 1;
}

/* ---- Requeue, Delete ---- */

static int on_requeue(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        PendingCall *call;
        uint64_t id;
        int r = begin(bus, m, error, &id, &call);

        if (r < 0)
                return r;
        office(bus)->requeue(office(bus)->userdata, id, pending_call_message_submitted, call);
        return 1;
}

static int on_delete(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        PendingCall *call;
        uint64_t id;
        int r = begin(bus, m, error, &id, &call);

        if (r < 0)
                return r;
        office(bus)->remove(office(bus)->userdata, id, pending_call_done, call);
        return 1;
}

/* ---- properties, the signal, the table ---- */

static int get_count(sd_bus *b, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                     void *userdata, sd_bus_error *error)
{
        return sd_bus_message_append(reply, "t", bus_status(userdata)->dead_letters.count);
}

static int get_bytes(sd_bus *b, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                     void *userdata, sd_bus_error *error)
{
        return sd_bus_message_append(reply, "t", bus_status(userdata)->dead_letters.bytes);
}

static int get_dropped(sd_bus *b, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                       void *userdata, sd_bus_error *error)
{
        return sd_bus_message_append(reply, "t", bus_status(userdata)->dead_letters.dropped);
}

void bus_dead_letter_added(Bus *bus, uint64_t id)
{
        if (bus->named)
                (void)sd_bus_emit_signal(bus->connection, BUS_PATH, BUS_DEAD_LETTERS, "Added", "t", id);
}

#define ALLOWED SD_BUS_VTABLE_UNPRIVILEGED /* by us: the bus knows who may what */

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Count", "t", get_count, 0, 0),
        SD_BUS_PROPERTY("Bytes", "t", get_bytes, 0, 0),
        SD_BUS_PROPERTY("Dropped", "t", get_dropped, 0, 0),
        SD_BUS_METHOD_WITH_ARGS("List", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(" LETTER ")", letters), on_list, ALLOWED),
        SD_BUS_METHOD_WITH_ARGS("Get", SD_BUS_ARGS("t", id), SD_BUS_RESULT("(" LETTER ")", letter, "a{sv}", content),
                                on_get, ALLOWED),
        SD_BUS_METHOD_WITH_ARGS("Requeue", SD_BUS_ARGS("t", id),
                                SD_BUS_RESULT("s", stream, "t", epoch, "t", sequence), on_requeue, ALLOWED),
        SD_BUS_METHOD_WITH_ARGS("Delete", SD_BUS_ARGS("t", id), SD_BUS_NO_RESULT, on_delete, ALLOWED),
        SD_BUS_SIGNAL_WITH_ARGS("Added", SD_BUS_ARGS("t", id), 0),
        SD_BUS_VTABLE_END,
};

int bus_dead_letters_export(Bus *bus)
{
        return sd_bus_add_object_vtable(bus->connection, NULL, BUS_PATH, BUS_DEAD_LETTERS, vtable, bus);
}
