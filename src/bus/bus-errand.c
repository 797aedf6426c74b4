/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/bus-errand.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bus/bus-private.h"

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
                subscribers_dismiss(e->among, sd_bus_message_get_sender(e->message));
        user_question_drop(&e->user);
        sd_bus_slot_unref(e->slot);
        sd_bus_message_unref(e->message);
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
                                        "GetConnectionUnixUser", on_user, e, "s",
                                        sd_bus_message_get_sender(e->message));
}

int bus_errand_begin(const BusErrand *errand, sd_bus_message *m, sd_bus_error *error)
{
        Bus *bus = errand->bus;
        PendingCall *call;
        BusErrand *e;
        int r = bus_call_begin(bus, m, error, &call);

        if (r < 0)
                return r;
        e = malloc(sizeof(*e));
        if (!e || (errand->among && subscribers_watch(errand->among, sd_bus_message_get_sender(m)) < 0)) {
                free(e);
                pending_call_done(call, REQUEST_BUSY, "Out of memory.");
                return 1;
        }
        *e = *errand;
        e->message = sd_bus_message_ref(m);
        e->call = call;
        e->slot = NULL;
        e->user = (UserQuestion){};
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
        int r = subscribers_add(e->among, sd_bus_message_get_sender(e->message), e->user.uid);
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
                if (strcmp(sd_bus_message_get_sender(e->message), client) != 0)
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
        (void)snprintf(space, BUS_ERRAND_CALLER_MAX, "%s (%s)", user ?: "an unknown user",
                       sd_bus_message_get_sender(e->message));
        return space;
}
