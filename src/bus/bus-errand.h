/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Bus errand - a call that goes on when the bus has said who made it
 *
 * Which user is behind a client only the bus knows. It is asked, and meanwhile everything else goes on. Whoever has left
 * by then, or when the connection ends, is answered an error that nobody hears.
 *
 * Owns:   a reference to the message; name and json are borrowed from it.
 */

#include <systemd/sd-bus.h>

#include "base/clock.h"
#include "bus/pending-call.h"

typedef struct Bus Bus;

typedef struct BusErrand BusErrand;
struct BusErrand {
        Bus *bus;
        const char *name, *json;
        usec_t timeout_usec;
        /* user: by its name in the password database, "uid N" where it has none. Answers through call. */
        void (*go_on)(const BusErrand *e, const char *user);

        /* filled in by bus_errand_begin() */
        BusErrand *next;
        sd_bus_message *message;
        PendingCall *call;
        sd_bus_slot *slot;
};

/* Takes the message for a later answer, or words the refusal. What is given is copied. */
int bus_errand_begin(const BusErrand *errand, sd_bus_message *m, sd_bus_error *error);
void bus_errands_disconnect(Bus *bus);
