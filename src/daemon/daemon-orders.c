/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Where the hub's orders go: each kind to the part that obeys it, and its answers back to the hub.
 *
 * Cloud messages go into the inbox, which asks for them; the twin keeps itself. Calls go to the methods, which find who
 * answers.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "daemon/daemon-core.h"

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

/* ---- methods ---- */

/* What the hub wants to be answered. */
typedef struct HubCall {
        Daemon *d;
        char rid[METHOD_RID_MAX + 1];
} HubCall;

static void on_answer(void *userdata, const MethodAnswer *a)
{
        HubCall *c = userdata;
        int r = hub_answer(c->d->hub, c->rid, a->status, a->json, a->json_size);

        if (r != 0)
                log_debug("The answer of a method did not go out: %s.", r < 0 ? strerror(-r) : "there is no link");
        free(c);
}

static void on_call(void *userdata, const MethodCall *call)
{
        Daemon *d = userdata;
        HubCall *c = d->methods ? calloc(1, sizeof(*c)) : NULL;

        if (!c) { /* the hub tells its caller so when his time is over */
                log_warning("Method %s: the hub's call cannot be taken for want of memory.", call->name);
                return;
        }
        c->d = d;
        (void)snprintf(c->rid, sizeof(c->rid), "%s", call->rid);
        methods_call(d->methods, call, on_answer, c);
}

static int on_invoke(void *userdata, const char *destination, const char *name, const char *json, usec_t deadline_usec,
                     uint64_t call)
{
        Daemon *d = userdata;

        return d->bus ? bus_invoke(d->bus, destination, name, json, deadline_usec, call) : -ENOTCONN;
}

ResponderPort daemon_responder_port(Daemon *d)
{
        return (ResponderPort){on_invoke, d};
}

static const Status *on_status(void *userdata)
{
        return daemon_status(userdata);
}

/* Until settings are read again: the present ones are ours to change. */
static int on_set_interval(void *userdata, const char *name, usec_t interval_usec, usec_t *ret_usec)
{
        Daemon *d = userdata;

        if (interval_usec < SENSOR_INTERVAL_MIN || interval_usec > SENSOR_INTERVAL_MAX)
                return -ERANGE;
        for (size_t i = 0; i < d->settings->n_sensors; i++) {
                SensorSettings *s = &d->settings->sensors[i];

                if (strcmp(s->name, name) != 0)
                        continue;
                if (s->interval_usec == 0)
                        return -EOPNOTSUPP;
                s->interval_usec = *ret_usec = interval_usec;
                return sensors_configure(d->sensors, d->settings->sensors, d->settings->n_sensors);
        }
        return -ENOENT;
}

/* There is nothing to be waited for. */
static int on_await_disk(void *userdata, DoneFn done, void *done_userdata)
{
        done(done_userdata, REQUEST_OK, NULL);
        return 0;
}

BuiltinPeers daemon_builtin_peers(Daemon *d)
{
        return (BuiltinPeers){{on_status, d}, daemon_control(d), on_set_interval, on_await_disk, d};
}

/* ---- the twin ---- */

/* It was answered. */
static void on_refused(void *userdata, const char *name, int status)
{
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

static void on_failed(void *userdata, uint64_t ticket)
{
        Daemon *d = userdata;

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
        return (OrderSink){on_listening, on_message, on_call, on_refused, on_desired, on_twin, d};
}
