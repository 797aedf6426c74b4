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
        return sd_bus_message_append(reply, "(" ENTRY ")", e->time_usec, e->caller, e->name, (int32_t)e->status,
                                     e->took_usec, e->request, e->answer);
}

int bus_audit(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const Bus *bus = userdata;
        uint32_t max;
        size_t n = 0;
        int r;

        r = sd_bus_message_read(m, "u", &max);
        if (r < 0)
                return r;
        while ((max == 0 || n < max) && entry(bus, n))
                n++;
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(" ENTRY ")");
        while (r >= 0 && n > 0)
                r = append_entry(reply, entry(bus, --n));
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_send(bus->connection, reply, NULL);
}
