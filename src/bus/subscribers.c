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
        bool placed;
        uid_t user; /* of one with a place */
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
                s->n -= c->placed;
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

static Subscriber *find(const Subscribers *s, const char *name)
{
        for (Subscriber *c = s->first; c; c = c->next)
                if (strcmp(c->name, name) == 0)
                        return c;
        return NULL;
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

static int come(Subscribers *s, sd_bus_message *message, Subscriber **ret)
{
        const char *name = sd_bus_message_get_sender(message);
        Subscriber *c = find(s, name);
        int r;

        *ret = c;
        if (c)
                return 0;
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
        *ret = c;
        return 0;
}

int subscribers_watch(Subscribers *s, sd_bus_message *message)
{
        Subscriber *c;

        return come(s, message, &c);
}

void subscribers_dismiss(Subscribers *s, const char *name)
{
        const Subscriber *c = find(s, name);

        if (c && !c->placed)
                subscribers_remove(s, name);
}

/* ---- places ---- */

static int look_for_place(const Subscribers *s, uid_t user)
{
        size_t n_own = 0, reserved = user == 0 || user == SUBSCRIBERS_ANYBODY ? 0 : SUBSCRIBERS_ROOT;

        for (const Subscriber *c = s->first; c; c = c->next)
                n_own += c->placed && c->user == user;
        if (user != 0 && user != SUBSCRIBERS_ANYBODY && n_own >= SUBSCRIBERS_USER_MAX)
                return SUBSCRIBERS_E_USER;
        return s->n + reserved < SUBSCRIBERS_MAX ? 0 : SUBSCRIBERS_E_FULL;
}

/* Those who came, and have nothing any more. Only when a place is wanted: they may well come again. */
static void make_room(Subscribers *s)
{
        for (Subscriber *c = s->first, *next; c; c = next) {
                next = c->next;
                if (c->placed && !s->keeps(s->userdata, c->name))
                        subscribers_remove(s, c->name);
        }
}

int subscribers_add(Subscribers *s, sd_bus_message *message, uid_t user)
{
        Subscriber *c = find(s, sd_bus_message_get_sender(message));
        int r;

        if (c && c->placed)
                return 0;
        r = look_for_place(s, user);
        if (r > 0 && s->keeps) {
                make_room(s);
                r = look_for_place(s, user);
        }
        if (r == 0)
                r = come(s, message, &c);
        if (r != 0)
                return r;
        c->placed = true;
        c->user = user;
        s->n++;
        return 0;
}
