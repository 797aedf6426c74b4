/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/subscribers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/macro.h"

struct Subscriber {
        Subscriber *next;
        char *name; /* unique, so it never comes back */
        bool placed;
        uid_t user; /* of one with a place */
};

static void subscriber_free(Subscriber *c)
{
        if (!c)
                return;
        free(c->name);
        free(c);
}

/* Out of the row: NULL when he is in none. */
static Subscriber *take_out(Subscribers *s, const char *name)
{
        for (Subscriber **link = &s->first; *link; link = &(*link)->next) {
                Subscriber *c = *link;

                if (strcmp(c->name, name) != 0)
                        continue;
                *link = c->next;
                s->n -= c->placed;
                return c;
        }
        return NULL;
}

void subscribers_remove(Subscribers *s, const char *name)
{
        subscriber_free(take_out(s, name));
}

void subscribers_left(Subscribers *s, const char *name)
{
        Subscriber *c = take_out(s, name); /* first: who is told may look at the row */

        if (c && s->left)
                s->left(s->userdata, c->name);
        subscriber_free(c);
}

void subscribers_clear(Subscribers *s)
{
        while (s->first)
                subscribers_left(s, s->first->name);
}

static Subscriber *find(const Subscribers *s, const char *name)
{
        for (Subscriber *c = s->first; c; c = c->next)
                if (strcmp(c->name, name) == 0)
                        return c;
        return NULL;
}

static int come(Subscribers *s, const char *name, Subscriber **ret)
{
        Subscriber *c = find(s, name);

        if (!c) {
                c = calloc(1, sizeof(*c));
                if (!c)
                        return -ENOMEM;
                c->name = strdup(name);
                if (!c->name) {
                        subscriber_free(c);
                        return -ENOMEM;
                }
                c->next = s->first;
                s->first = c;
        }
        *ret = c;
        return 0;
}

int subscribers_watch(Subscribers *s, const char *name)
{
        Subscriber *c;

        return come(s, name, &c);
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

int subscribers_add(Subscribers *s, const char *name, uid_t user)
{
        Subscriber *c = find(s, name);
        int r;

        if (c && c->placed)
                return 0;
        r = look_for_place(s, user);
        if (r > 0 && s->keeps) {
                make_room(s);
                r = look_for_place(s, user);
        }
        if (r == 0)
                r = come(s, name, &c);
        if (r != 0)
                return r;
        c->placed = true;
        c->user = user;
        s->n++;
        return 0;
}
