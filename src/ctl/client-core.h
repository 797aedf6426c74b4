/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Client, from within: for client.c, which asks, client-events.c, which listens, and client-fault.c, which says what
 * went wrong.
 */

#include <systemd/sd-bus.h>

#include "ctl/client.h"

#define NAME          "org.hublink1"
#define ROOT          "/org/hublink1"
#define MANAGER       "org.hublink1.Manager"
#define DEAD_LETTERS  "org.hublink1.DeadLetters"
#define INBOX         "org.hublink1.Inbox"
#define TWIN          "org.hublink1.Twin"
#define PROPERTIES    "org.freedesktop.DBus.Properties"

struct Client {
        sd_bus *bus;
        const char *address;
        ClientEvents events;
        bool greeted; /* the daemon answers */
        bool left;    /* the daemon left the bus since client_listen() */
};

/* ---- what went wrong, said; the exit code ---- */

/* Why a call failed. error: may be NULL; r: negative errno */
int client_failed(const Client *c, const char *what, const sd_bus_error *error, int r);
bool client_is_timeout(const sd_bus_error *error, int r);
int client_not_running(const Client *c);
int client_hangs(void);
/* A text that is not UTF-8, or a message over the bus's own limit. */
int client_unsendable(const char *what, int r);
/* Without a bus nobody can reach the daemon, whether it runs or not. */
int client_no_bus(const Client *c, int r);
