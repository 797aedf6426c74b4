/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Bus errand - a call that goes on when it is known who made it
 *
 * Which user is behind a client only the bus knows, and what he is called the password database. They are asked, and
 * meanwhile everything else goes on. Whoever has left
 * by then, or when the connection ends, is answered an error that nobody hears.
 *
 * Meanwhile it keeps what it goes on with, and not the message, which may be of any size. How much all of them keep is
 * bounded, and so is what those of one client do.
 *
 * Owns:   copies of name and json.
 */

#include <systemd/sd-bus.h>

#include "base/clock.h"
#include "bus/pending-call.h"
#include "bus/subscribers.h"
#include "bus/user-names.h"

#define BUS_ERRANDS_BYTES        (8 * 1024 * 1024) /* of name and json, of all */
#define BUS_ERRANDS_BYTES_CLIENT (1024 * 1024)
#define BUS_ERRAND_TEXT_MAX      (128 * 1024 + 1) /* bytes of one: more than may be, so who gets it sees that */

typedef struct Bus Bus;

typedef struct BusErrand BusErrand;
struct BusErrand {
        Bus *bus;
        const char *name, *json; /* cut behind BUS_ERRAND_TEXT_MAX; NULL: "" in go_on() */
        uint64_t id;
        usec_t timeout_usec;
        Subscribers *among; /* whose guest the caller is meanwhile, so that he is seen to leave; NULL: he need not be */
        /* user: by its name in the password database, "uid N" where it has none, or does not say. Answers through
         * call. */
        void (*go_on)(const BusErrand *e, const char *user);

        /* filled in by bus_errand_begin() */
        BusErrand *next;
        const char *sender; /* his unique name */
        size_t size;        /* of name and json */
        PendingCall *call;
        sd_bus_slot *slot;
        UserQuestion user;
        char texts[];
};

/* In go_on(): the caller gets a place among those. False: there is none, and he was answered. what: what they do,
 * in words. */
bool bus_errand_place(const BusErrand *e, const char *what);

/* Takes the message for a later answer, or words the refusal. What is given is copied. */
int bus_errand_begin(const BusErrand *errand, sd_bus_message *m, sd_bus_error *error);
/* What this client asked for is not done any more: he would never be seen to leave. */
void bus_errands_left(Bus *bus, const char *client);
void bus_errands_disconnect(Bus *bus);

/* Who it is, in words for the audit: "root (:1.93)". user: as given to go_on(). */
#define BUS_ERRAND_CALLER_MAX (USER_NAME_MAX + 64)
const char *bus_errand_caller(const BusErrand *e, const char *user, char space[static BUS_ERRAND_CALLER_MAX]);
