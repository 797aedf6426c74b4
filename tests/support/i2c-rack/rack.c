/* SPDX-License-Identifier: Apache-2.0 */
#include "rack.h"

#include <errno.h>
#include <string.h>

void rack_init(Rack *r)
{
        *r = (Rack){.testbed = umockdev_testbed_new()};
        for (guint i = 0; i < RACK_BUSES; i++) {
                g_queue_init(&r->buses[i].waiting);
                r->buses[i].rack = r;
        }
}

/* With the testbed goes its folder. */
void rack_done(Rack *r)
{
        for (guint i = 0; i < RACK_BUSES; i++)
                g_queue_clear_full(&r->buses[i].waiting, g_object_unref);
        g_clear_object(&r->testbed);
}

Chip *rack_chip(Rack *r, const char *name)
{
        for (gsize i = 0; i < r->n_chips; i++)
                if (strcmp(r->chips[i].name, name) == 0)
                        return &r->chips[i];
        return NULL;
}

static gboolean is_at(const Chip *c, guint bus, guint address)
{
        return c->bus == bus && c->address == address && chip_is_there(c);
}

void rack_unplug(Rack *r, guint bus)
{
        r->buses[bus].here = FALSE;
        node_remove(r, bus);
}

/* Some transfer gets to this chip: 0, or what stops it. */
static int reach(Rack *r, Chip *c)
{
        r->transfers[c - r->chips]++;
        if (!c->pulls)
                return 0;
        rack_unplug(r, c->bus);
        return c->error ?: ENODEV;
}

int rack_write(Rack *r, guint bus, guint address, const guint8 *bytes, gsize n)
{
        int e = ENXIO;

        for (gsize i = 0; i < r->n_chips; i++)
                if (is_at(&r->chips[i], bus, address)) {
                        e = reach(r, &r->chips[i]);
                        e = e ?: chip_write(&r->chips[i], bytes, n, (guint64)g_get_monotonic_time());
                }
        return e;
}

int rack_read(Rack *r, guint bus, guint address, guint8 *bytes, gsize n)
{
        int e = ENXIO;

        memset(bytes, 0xff, n);
        for (gsize i = 0; i < r->n_chips; i++)
                if (is_at(&r->chips[i], bus, address)) {
                        e = reach(r, &r->chips[i]);
                        e = e ?: chip_read(&r->chips[i], bytes, n, (guint64)g_get_monotonic_time());
                }
        return e;
}

guint64 rack_slowness(const Rack *r, guint bus, guint address)
{
        guint64 slow = 0;

        for (gsize i = 0; i < r->n_chips; i++)
                if (is_at(&r->chips[i], bus, address))
                        slow = MAX(slow, r->chips[i].slow_usec);
        return slow;
}
