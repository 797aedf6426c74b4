/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/bus-errand.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus/bus-private.h"
#include "model/order.h"

static_assert(BUS_ERRAND_TEXT_MAX > METHOD_PAYLOAD_MAX && BUS_ERRAND_TEXT_MAX > TWIN_REPORT_MAX, "what may be is kept");

#define DBUS_NAME "org.freedesktop.DBus"
#define DBUS_PATH "/org/freedesktop/DBus"

static void errand_end(BusErrand *e)
{
        for (BusErrand **link = &e->bus->errands; *link; link = &(*link)->next)
                if (*link == e) {
                        *link = e->next;
                        break;
                }
        if (e->among)
                subscribers_dismiss(e->among, e->sender);
        user_question_drop(&e->user);
        sd_bus_slot_unref(e->slot);
        free(e);
}

static void on_name(UserQuestion *q, const char *name)
{
        BusErrand *e = container_of(q, BusErrand, user);

        e->go_on(e, name);
        errand_end(e);
}

static int on_user(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        BusErrand *e = userdata;
        uint32_t uid;

        if (sd_bus_message_is_method_error(m, NULL) || sd_bus_message_read(m, "u", &uid) < 0) {
                pending_call_done(e->call, REQUEST_NOT_OWNER, "The bus does not say who you are.");
                errand_end(e);
                return 0;
        }
        e->user = (UserQuestion){.uid = uid, .answer = on_name};
        user_names_ask(e->bus->user_names, &e->user);
        return 0;
}

static int ask_user(BusErrand *e)
{
        return sd_bus_call_method_async(e->bus->connection, &e->slot, DBUS_NAME, DBUS_PATH, DBUS_NAME,
                                        "GetConnectionUnixUser", on_user, e, "s", e->sender);
}

static size_t length(const char *text)
{
        return text ? strnlen(text, BUS_ERRAND_TEXT_MAX) : 0;
}

static char *put(char **at, const char *text)
{
        char *copy = *at, *end = mempcpy(copy, text ?: "", length(text));

        *end = 0;
        *at = end + 1;
        return copy;
}

/* Not in the list yet. */
static BusErrand *errand_new(const BusErrand *errand, const char *sender)
{
        size_t size = length(errand->name) + length(errand->json);
        BusErrand *e = malloc(sizeof(*e) + size + strlen(sender) + 3);
        char *at;

        if (!e)
                return NULL;
        *e = *errand;
        at = e->texts;
        e->name = put(&at, errand->name);
        e->json = put(&at, errand->json);
        e->sender = put(&at, sender);
        e->size = size;
        e->slot = NULL;
        e->user = (UserQuestion){};
        return e;
}

/* NULL, or what there is too much of. */
static const char *too_much(const Bus *bus, const char *sender, size_t size)
{
        size_t all = size, own = size;

        for (const BusErrand *e = bus->errands; e; e = e->next) {
                all += e->size;
                own += strcmp(e->sender, sender) == 0 ? e->size : 0;
        }
        return own > BUS_ERRANDS_BYTES_CLIENT ? "1 MiB of your calls is being looked at: wait for one of them."
               : all > BUS_ERRANDS_BYTES      ? "8 MiB of calls are being looked at; try again a little later."
                                              : NULL;
}

int bus_errand_begin(const BusErrand *errand, sd_bus_message *m, sd_bus_error *error)
{
        const char *sender = sd_bus_message_get_sender(m);
        const char *much = too_much(errand->bus, sender, length(errand->name) + length(errand->json));
        Bus *bus = errand->bus;
        PendingCall *call;
        BusErrand *e;
        int r;

        if (much)
                return bus_error(error, REQUEST_BUSY, "%s", much);
        r = bus_call_begin(bus, m, error, &call);
        if (r < 0)
                return r;
        e = errand_new(errand, sender);
        if (!e || (errand->among && subscribers_watch(errand->among, sender) < 0)) {
                free(e);
                pending_call_done(call, REQUEST_BUSY, "Out of memory.");
                return 1;
        }
        e->call = call;
        e->next = bus->errands;
        bus->errands = e;
        if (ask_user(e) < 0) {
                pending_call_done(call, REQUEST_BUSY, "The bus cannot be asked who you are.");
                errand_end(e);
        }
        return 1;
}

bool bus_errand_place(const BusErrand *e, const char *what)
{
        int r = subscribers_add(e->among, e->sender, e->user.uid);
        char text[128];

        if (r == 0)
                return true;
        if (r < 0)
                (void)snprintf(text, sizeof(text), "%s", strerror(-r));
        else if (r == SUBSCRIBERS_E_USER)
                (void)snprintf(text, sizeof(text), "%d clients of this user %s already.", SUBSCRIBERS_USER_MAX, what);
        else
                (void)snprintf(text, sizeof(text), "All places of clients that %s are taken.", what);
        pending_call_done(e->call, REQUEST_BUSY, text);
        return false;
}

void bus_errands_left(Bus *bus, const char *client)
{
        for (BusErrand *e = bus->errands, *next; e; e = next) {
                next = e->next;
                if (strcmp(e->sender, client) != 0)
                        continue;
                pending_call_done(e->call, REQUEST_NOT_OWNER, "You have left the bus.");
                errand_end(e);
        }
}

void bus_errands_disconnect(Bus *bus)
{
        while (bus->errands) {
                pending_call_done(bus->errands->call, REQUEST_BUSY, "The connection to the message bus is lost.");
                errand_end(bus->errands);
        }
}

const char *bus_errand_caller(const BusErrand *e, const char *user, char space[static BUS_ERRAND_CALLER_MAX])
{
        (void)snprintf(space, BUS_ERRAND_CALLER_MAX, "%s (%s)", user ?: "an unknown user", e->sender);
        return space;
}
