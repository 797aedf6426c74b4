/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/orders.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

#define PART(place) ((place) ? *(place) : NULL)

/* ---- the link ---- */

static void on_listening(void *userdata)
{
        Orders *o = userdata;

        if (PART(o->inbox))
                inbox_listening(*o->inbox);
        if (PART(o->twin))
                twin_listening(*o->twin);
}

void orders_lost(Orders *o)
{
        if (PART(o->inbox))
                inbox_link_lost(*o->inbox);
        if (PART(o->twin))
                twin_lost(*o->twin);
}

/* ---- the twin ---- */

static void on_desired(void *userdata, uint64_t version, const char *body, size_t body_size)
{
        Orders *o = userdata;

        if (PART(o->twin))
                twin_pushed(*o->twin, version, body, body_size);
}

static void on_twin(void *userdata, const TwinAnswer *answer)
{
        Orders *o = userdata;

        if (PART(o->twin))
                twin_answered(*o->twin, answer);
}

/* ---- methods ---- */

/* What the hub wants to be answered. */
typedef struct HubCall {
        Orders *orders;
        uint64_t connection;
        char rid[METHOD_RID_MAX + 1];
        char name[]; /* of the method */
} HubCall;

static void on_answer(void *userdata, const MethodAnswer *a)
{
        HubCall *c = userdata;
        int r = hub_answer(*c->orders->hub, c->connection, c->rid, a->status, a->json, a->json_size);

        if (r < 0)
                log_warning("The answer of method %s does not go out: %s.", c->name, strerror(-r));
        else if (r > 0 && PART(c->orders->methods))
                methods_not_delivered(*c->orders->methods, c->name);
        free(c);
}

static void on_call(void *userdata, const MethodCall *call)
{
        Orders *o = userdata;
        HubCall *c = PART(o->methods) ? calloc(1, sizeof(*c) + strlen(call->name) + 1) : NULL;

        if (!c) { /* the hub tells its caller so when his time is over */
                log_warning("Method %s: the hub's call cannot be taken for want of memory.", call->name);
                return;
        }
        c->orders = o;
        c->connection = call->connection;
        memcpy(c->name, call->name, strlen(call->name) + 1);
        (void)snprintf(c->rid, sizeof(c->rid), "%s", call->rid);
        methods_call(*o->methods, call, on_answer, c);
}

static void on_refused(void *userdata, const char *name, int status)
{
        Orders *o = userdata;

        if (PART(o->methods))
                methods_refused(*o->methods, name, status);
}

/* ---- cloud messages ---- */

/* One that comes while nobody can store it stays with the hub. */
static void on_message(void *userdata, uint64_t ticket, const C2dMessage *message)
{
        Orders *o = userdata;

        if (PART(o->inbox))
                inbox_message(*o->inbox, ticket, message);
        else
                hub_message_failed(*o->hub, ticket);
}

static void on_stored(void *userdata, uint64_t ticket)
{
        Orders *o = userdata;

        hub_message_stored(*o->hub, ticket);
}

static void on_failed(void *userdata, uint64_t ticket)
{
        Orders *o = userdata;

        hub_message_failed(*o->hub, ticket);
}

static void on_want(void *userdata, bool wanted)
{
        Orders *o = userdata;

        hub_want_messages(*o->hub, wanted);
}

/* ---- both ends ---- */

OrderSink orders_sink(Orders *o)
{
        return (OrderSink){on_listening, on_message, on_call, on_refused, on_desired, on_twin, o};
}

InboxPort orders_inbox_port(Orders *o)
{
        return (InboxPort){on_stored, on_failed, on_want, o};
}
