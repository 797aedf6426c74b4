/* SPDX-License-Identifier: Apache-2.0 */

/* Audit of org.hublink1.Manager: what was ordered of this machine. */

#include "bus/bus-private.h"

#define ENTRY "tssitss" /* time, caller, name, status, took, request, answer */

static const AuditEntry *entry(const Bus *bus, size_t back)
{
        return bus->peers.audit.entry(bus->peers.audit.userdata, back);
}

static int append_entry(sd_bus_message *reply, const AuditEntry *e)
{
        int r;

        if ((r = sd_bus_message_open_container(reply, 'r', ENTRY)) < 0 ||
            (r = sd_bus_message_append(reply, "t", e->time_usec)) < 0 || (r = bus_append_text(reply, e->caller)) < 0 ||
            (r = bus_append_text(reply, e->name)) < 0 ||
            (r = sd_bus_message_append(reply, "it", (int32_t)e->status, e->took_usec)) < 0 ||
            (r = bus_append_text(reply, e->request)) < 0 || (r = bus_append_text(reply, e->answer)) < 0)
                return r;
        return sd_bus_message_close_container(reply);
}

/* The latest n, the oldest of them first. */
static int append_entries(sd_bus_message *reply, const Bus *bus, size_t n)
{
        int r = sd_bus_message_open_container(reply, 'a', "(" ENTRY ")");

        while (r >= 0 && n > 0)
                r = append_entry(reply, entry(bus, --n));
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* How many there are, at most so many. */
static size_t count_entries(const Bus *bus, uint64_t most)
{
        size_t n = 0;

        while (n < most && entry(bus, n))
                n++;
        return n;
}

int bus_audit(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const Bus *bus = userdata;
        uint32_t max;
        int r;

        r = sd_bus_message_read(m, "u", &max);
        if (r < 0)
                return r;
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = append_entries(reply, bus, count_entries(bus, max > 0 ? max : UINT64_MAX));
        return r < 0 ? r : sd_bus_send(bus->connection, reply, NULL);
}

int bus_audit_since(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        Bus *bus = userdata;
        uint64_t orders = bus_status(bus)->orders, seen;
        int r;

        r = sd_bus_message_read(m, "t", &seen);
        if (r < 0)
                return r;
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "t", orders);
        if (r >= 0) /* whoever saw more was told by one that ran before */
                r = append_entries(reply, bus, count_entries(bus, seen > orders ? orders : orders - seen));
        return r < 0 ? r : sd_bus_send(bus->connection, reply, NULL);
}
