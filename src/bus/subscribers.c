/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/subscribers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/macro.h"

#define DBUS_NAME "org.freedesktop.DBus"
#define DBUS_PATH "/org/freedesktop/DBus"

struct Subscriber {
        Subscribers *all;
        Subscriber *next;
        char *name; /* unique, so it never comes back */
        sd_bus_slot *leaving;
        sd_bus_slot *present;
};

static void subscriber_free(Subscriber *c)
{
        sd_bus_slot_unref(c->leaving);
        sd_bus_slot_unref(c->present);
        free(c->name);
        free(c);
}


void subscribers_remove(Subscribers *s, const char *name)
{
        for (Subscriber **link = &s->first; *link; link = &(*link)->next) {
                Subscriber *c = *link;

                if (strcmp(c->name, name) != 0)
                        continue;
                *link = c->next;
                s->n--;
                subscriber_free(c);
                return;
        }
}

/* Out of the row first: who is told may look at it. */
static void leave(Subscribers *s, const char *name)
{
        _cleanup_free_ char *copy = s->left ? strdup(name) : NULL;

        subscribers_remove(s, name);
        if (copy)
                s->left(s->userdata, copy);
}

void subscribers_clear(Subscribers *s)
{
        while (s->first)
                leave(s, s->first->name);
}

static bool contains(const Subscribers *s, const char *name)
{
        for (const Subscriber *c = s->first; c; c = c->next)
                if (strcmp(c->name, name) == 0)
                        return true;
        return false;
}

static int on_leaving(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Subscriber *c = userdata;

        leave(c->all, c->name);
        return 0;
}

/* It may have left before the bus knew that we wanted to hear of it. */
static int on_present(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Subscriber *c = userdata;
        int present = 0;

        if (sd_bus_message_is_method_error(m, NULL) || sd_bus_message_read(m, "b", &present) < 0 || !present)
                leave(c->all, c->name);
        return 0;
}

static int watch(Subscriber *c, sd_bus *bus)
{
        char match[256];
        int r;

        (void)snprintf(match, sizeof(match),
                       "type='signal',sender='" DBUS_NAME "',path='" DBUS_PATH "',interface='" DBUS_NAME
                       "',member='NameOwnerChanged',arg0='%s',arg2=''",
                       c->name);
        r = sd_bus_add_match_async(bus, &c->leaving, match, on_leaving, NULL, c);
        if (r >= 0)
                r = sd_bus_call_method_async(bus, &c->present, DBUS_NAME, DBUS_PATH, DBUS_NAME, "NameHasOwner",
                                             on_present, c, "s", c->name);
        return r;
}

int subscribers_add(Subscribers *s, sd_bus_message *message)
{
        const char *name = sd_bus_message_get_sender(message);
        Subscriber *c;
        int r;

        if (contains(s, name))
                return 0;
        if (s->n >= SUBSCRIBERS_MAX)
                return SUBSCRIBERS_E_FULL;
        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        c->all = s;
        c->name = strdup(name);
        r = c->name ? watch(c, sd_bus_message_get_bus(message)) : -ENOMEM;
        if (r < 0) {
                subscriber_free(c);
                return r;
        }
        c->next = s->first;
        s->first = c;
        s->n++;
        return 0;
}
