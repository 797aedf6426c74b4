/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Where the hub's orders go: each kind to the part that obeys it, and its answers back to the hub.
 *
 * Cloud messages go into the inbox, which asks for them; the twin keeps itself. Nobody answers to any method, and who calls one hears that.
 */

#include "base/json.h"
#include "base/log.h"
#include "daemon/daemon-core.h"
#include "model/method-desk.h"

static void on_listening(void *userdata)
{
        Daemon *d = userdata;

        if (d->twin)
                twin_listening(d->twin);
}

/* One that comes while nobody can store it stays with the hub. */
static void on_message(void *userdata, uint64_t ticket, const C2dMessage *message)
{
        Daemon *d = userdata;

        if (d->inbox)
                inbox_message(d->inbox, ticket, message);
        else
                hub_message_failed(d->hub, ticket);
}

static void on_call(void *userdata, const MethodCall *call)
{
        _cleanup_(buffer_done) Buffer json = BUFFER_NULL;
        Daemon *d = userdata;

        buffer_append_string(&json, "{\"error\":\"nobody on this device answers to the method \\\"");
        json_text(&json, call->name, strlen(call->name));
        buffer_append_string(&json, "\\\"\"}");
        if (!buffer_error(&json))
                (void)hub_answer(d->hub, call->rid, METHOD_NOT_FOUND, json.data, json.size);
}

static void on_desired(void *userdata, uint64_t version, const char *body, size_t body_size)
{
        Daemon *d = userdata;

        if (d->twin)
                twin_pushed(d->twin, version, body, body_size);
}

static void on_twin(void *userdata, const TwinAnswer *answer)
{
        Daemon *d = userdata;

        if (d->twin)
                twin_answered(d->twin, answer);
}

/* ---- the inbox ---- */

static void on_stored(void *userdata, uint64_t ticket)
{
        Daemon *d = userdata;

        hub_message_stored(d->hub, ticket);
}

static void on_failed(void *userdata, uint64_t ticket, const char *why)
{
        Daemon *d = userdata;

        log_warning("Inbox: a message from the cloud is not stored, and stays with the hub: %s.", why);
        hub_message_failed(d->hub, ticket);
}

static void on_want(void *userdata, bool wanted)
{
        Daemon *d = userdata;

        hub_want_messages(d->hub, wanted);
}

InboxPort daemon_inbox_port(Daemon *d)
{
        return (InboxPort){on_stored, on_failed, on_want, d};
}

static void on_arrived(void *userdata, uint64_t id)
{
        Daemon *d = userdata;

        if (d->bus)
                bus_inbox_arrived(d->bus, id);
}

static void on_expired(void *userdata, uint64_t id)
{
        Daemon *d = userdata;

        if (d->bus)
                bus_inbox_expired(d->bus, id);
}

InboxSink daemon_inbox_sink(Daemon *d)
{
        return (InboxSink){on_arrived, on_expired, daemon_status_changed, d};
}

OrderSink daemon_order_sink(Daemon *d)
{
        return (OrderSink){on_listening, on_message, on_call, on_desired, on_twin, d};
}
