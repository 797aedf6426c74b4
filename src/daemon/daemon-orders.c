/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Those who obey the hub's orders, and what they need of the bus and of each other: methods and inbox. How the orders
 * get to them is flow/orders.c.
 */

#include <errno.h>
#include <string.h>

#include "daemon/daemon-core.h"

/* ---- methods ---- */

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

/* What methods set is kept with the twin. */
static int on_await_disk(void *userdata, DoneFn done, void *done_userdata)
{
        Daemon *d = userdata;

        return twin_await_disk(d->twin, done, done_userdata);
}

BuiltinPeers daemon_builtin_peers(Daemon *d)
{
        return (BuiltinPeers){{on_status, d}, daemon_control(d), daemon_set_interval, on_await_disk, d};
}

/* ---- the inbox ---- */

static void on_arrived(void *userdata, uint64_t id)
{
        Daemon *d = userdata;

        if (d->command_units)
                command_units_arrived(d->command_units);
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
