/* SPDX-License-Identifier: Apache-2.0 */

/*
 * org.hublink1.Methods, on the same object as the Manager, and this side of org.hublink1.Responder. Their contracts are
 * the XML files of those names.
 *
 * Register and Call want to know who it is: the bus is asked, and the call goes on with its answer (bus-errand.c). A
 * responder is asked without a time-out of the connection's: the methods have their own, and what the bus still keeps a
 * place for is to be known here until it is answered, or the responder gone.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bus/bus-private.h"

#define METHOD "sssttt" /* name, kind, responder, calls, failures, late */

#define RESPONDER_PATH      "/org/hublink1/Responder"
#define RESPONDER_INTERFACE "org.hublink1.Responder"

/* A responder was asked, and has not answered yet. */
struct Invocation {
        Bus *bus;
        Invocation *next;
        sd_bus_slot *slot;
        uint64_t call;
};

static const MethodDesk *desk(const Bus *bus)
{
        return &bus->peers.methods;
}

/* ---- asking a responder ---- */

/* Out of the list, and gone; its answer is told by the caller. */
static void invocation_end(Invocation *i)
{
        for (Invocation **link = &i->bus->invocations; *link; link = &(*link)->next)
                if (*link == i) {
                        *link = i->next;
                        break;
                }
        sd_bus_slot_unref(i->slot);
        free(i);
}

/* Did the bus itself say this, or did the responder? */
static bool is_from_bus(const sd_bus_error *e)
{
        static const char *const names[] = {
                SD_BUS_ERROR_SERVICE_UNKNOWN, SD_BUS_ERROR_NAME_HAS_NO_OWNER, SD_BUS_ERROR_NO_REPLY,
                SD_BUS_ERROR_ACCESS_DENIED,   SD_BUS_ERROR_LIMITS_EXCEEDED,   SD_BUS_ERROR_DISCONNECTED,
                SD_BUS_ERROR_TIMEOUT,         SD_BUS_ERROR_NO_SERVER,         "org.freedesktop.DBus.Error.TimedOut",
        };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (strcmp(e->name, names[i]) == 0)
                        return true;
        return strncmp(e->name, "org.freedesktop.DBus.Error.Spawn.", strlen("org.freedesktop.DBus.Error.Spawn.")) == 0;
}

static void tell_error(Bus *bus, uint64_t call, const sd_bus_error *e)
{
        char text[1024];

        (void)snprintf(text, sizeof(text), "%s: %s", e->name, e->message ?: "");
        desk(bus)->answered(desk(bus)->userdata, call, is_from_bus(e) ? -ESRCH : -EIO, 0, text);
}

static int on_invoked(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Invocation *i = userdata;
        uint64_t call = i->call;
        Bus *bus = i->bus;
        const char *json;
        int32_t status;

        invocation_end(i);
        if (sd_bus_message_is_method_error(m, NULL))
                tell_error(bus, call, sd_bus_message_get_error(m));
        else if (sd_bus_message_read(m, "is", &status, &json) < 0)
                desk(bus)->answered(desk(bus)->userdata, call, -EIO, 0,
                                    "its answer is not of the form (i status, s json)");
        else
                desk(bus)->answered(desk(bus)->userdata, call, 0, status, json);
        return 0;
}

static int send_invoke(Invocation *i, const char *destination, const char *name, const char *json, usec_t deadline_usec)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        sd_bus *connection = i->bus->connection;
        int r;

        r = sd_bus_message_new_method_call(connection, &m, destination, RESPONDER_PATH, RESPONDER_INTERFACE, "Invoke");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", name);
        if (r >= 0)
                r = bus_append_json(m, json);
        if (r >= 0)
                r = sd_bus_message_append(m, "t", deadline_usec);
        return r < 0 ? r : sd_bus_call_async(connection, &i->slot, m, on_invoked, i, UINT64_MAX);
}

int bus_invoke(Bus *bus, const char *destination, const char *name, const char *json, usec_t deadline_usec,
               uint64_t call)
{
        Invocation *i;
        int r;

        if (!bus->named || bus->lost)
                return -ENOTCONN;
        i = calloc(1, sizeof(*i));
        if (!i)
                return -ENOMEM;
        *i = (Invocation){.bus = bus, .next = bus->invocations, .call = call};
        bus->invocations = i;
        r = send_invoke(i, destination, name, json, deadline_usec);
        if (r < 0)
                invocation_end(i);
        return r;
}

/* The connection ends, and with it all that was asked over it. */
void bus_methods_disconnect(Bus *bus)
{
        while (bus->invocations) {
                uint64_t call = bus->invocations->call;

                invocation_end(bus->invocations);
                desk(bus)->answered(desk(bus)->userdata, call, -ESRCH, 0, "the connection to the message bus is lost");
        }
}

bool bus_responder_keeps(void *userdata, const char *name)
{
        const Bus *bus = userdata;

        return desk(bus)->has(desk(bus)->userdata, name);
}

void bus_responder_left(void *userdata, const char *name)
{
        Bus *bus = userdata;

        bus_errands_left(bus, name);
        desk(bus)->left(desk(bus)->userdata, name);
        bus_status_changed(bus);
}

/* ---- Register, Unregister ---- */

static void go_on_registering(const BusErrand *e, const char *user)
{
        if (!bus_errand_place(e, "answer to methods"))
                return;
        desk(e->bus)->register_name(desk(e->bus)->userdata, e->name, e->sender, user,
                                    pending_call_done, e->call);
        bus_status_changed(e->bus); /* who answers to what */
}

/* Whoever registers is watched first, so that he cannot leave unseen. */
static int on_register(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        Bus *bus = userdata;
        BusErrand errand = {.bus = bus, .go_on = go_on_registering, .among = &bus->responders};
        int r = sd_bus_message_read(m, "s", &errand.name);

        if (r < 0)
                return r;
        if (!name_is_of_method(errand.name))
                return bus_error(error, REQUEST_BAD_VALUE, METHOD_NAME_FAULT);
        return bus_errand_begin(&errand, m, error);
}

static int on_unregister(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        PendingCall *call;
        Bus *bus = userdata;
        const char *name;
        int r = sd_bus_message_read(m, "s", &name);

        if (r >= 0)
                r = bus_call_begin(bus, m, error, &call);
        if (r < 0)
                return r;
        desk(bus)->unregister_name(desk(bus)->userdata, name, sd_bus_message_get_sender(m), pending_call_done, call);
        bus_status_changed(bus);
        return 1;
}

/* ---- List ---- */

static const char *const kinds[_RESPONDER_KIND_MAX] = {
        [RESPONDER_BUILTIN] = "builtin",
        [RESPONDER_REGISTERED] = "registered",
        [RESPONDER_ACTIVATED] = "activated",
        [RESPONDER_UNIT] = "unit",
        [RESPONDER_COMMAND] = "builtin", /* to who calls there is no difference */
};

static int on_list(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const MethodInfo *infos = NULL;
        const Bus *bus = userdata;
        size_t n = 0;
        int r;

        desk(bus)->list(desk(bus)->userdata, &infos, &n);
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(" METHOD ")");
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = sd_bus_message_append(reply, "(" METHOD ")", infos[i].name, kinds[infos[i].kind],
                                          infos[i].responder, infos[i].calls, infos[i].failures, infos[i].late);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_send(bus->connection, reply, NULL);
}

/* ---- Call ---- */

static int write_answer(sd_bus_message *reply, const void *what)
{
        const MethodAnswer *a = what;
        int r = sd_bus_message_append(reply, "i", (int32_t)a->status);

        return r < 0 ? r : bus_append_json(reply, a->json);
}

static void on_answer(void *userdata, const MethodAnswer *a)
{
        pending_call_write(userdata, write_answer, a);
}

static void go_on_calling(const BusErrand *e, const char *user)
{
        char space[BUS_ERRAND_CALLER_MAX];

        desk(e->bus)->call(desk(e->bus)->userdata, e->name, e->json, e->timeout_usec, bus_errand_caller(e, user, space),
                           on_answer, e->call);
}

static int on_call(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        BusErrand errand = {.bus = userdata, .go_on = go_on_calling};
        int r = sd_bus_message_read(m, "sst", &errand.name, &errand.json, &errand.timeout_usec);

        if (r < 0)
                return r;
        if (!name_is_of_method(errand.name))
                return bus_error(error, REQUEST_BAD_VALUE, METHOD_NAME_FAULT);
        if (errand.timeout_usec > METHOD_TIMEOUT_MAX)
                return bus_error(error, REQUEST_BAD_VALUE, "A method has at most 5 minutes (%llu us).",
                                 (unsigned long long)METHOD_TIMEOUT_MAX);
        return bus_errand_begin(&errand, m, error);
}

/* ---- the table ---- */

#define ALLOWED SD_BUS_VTABLE_UNPRIVILEGED /* by us: the bus knows who may what */

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("Register", SD_BUS_ARGS("s", name), SD_BUS_NO_RESULT, on_register, ALLOWED),
        SD_BUS_METHOD_WITH_ARGS("Unregister", SD_BUS_ARGS("s", name), SD_BUS_NO_RESULT, on_unregister, ALLOWED),
        SD_BUS_METHOD_WITH_ARGS("List", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(" METHOD ")", methods), on_list, ALLOWED),
        SD_BUS_METHOD_WITH_ARGS("Call", SD_BUS_ARGS("s", name, "s", json, "t", timeout),
                                SD_BUS_RESULT("i", status, "s", json), on_call, ALLOWED),
        SD_BUS_VTABLE_END,
};

int bus_methods_export(Bus *bus)
{
        return sd_bus_add_object_vtable(bus->connection, NULL, BUS_PATH, BUS_METHODS, vtable, bus);
}
