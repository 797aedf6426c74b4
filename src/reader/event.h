/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Event - what a device sent, as a reader at the cloud's side sees it
 *
 * The two readers have it from different places, the devhub's monitor from a row of the event log, the explorer
 * from an AMQP message; what is shown and counted of it is the same. system: what the sender's system properties
 * became, and what the hub added, under the names of the Event Hubs endpoint (protocol reference 2.3);
 * properties: the application's own.
 *
 * Owns nothing: whoever makes one keeps the texts as long as it is used.
 */

#include "base/clock.h"
#include "reader/verify.h"

typedef struct EventPair {
        const char *name;
        const char *value; /* NULL: null */
} EventPair;

typedef struct Event {
        const char *device; /* NULL: the hub did not say */
        uint64_t sequence;
        usec_t enqueued_usec;
        const EventPair *system, *properties;
        size_t n_system, n_properties;
        const char *body; /* NULL: there is none */
        size_t body_size;
} Event;

/* The first of that name; NULL: there is none, or its value is null. */
const char *event_system(const Event *event, const char *name);
const char *event_property(const Event *event, const char *name);

/* Counts the records that it brings, and takes in what a notice says. */
int event_verify(const Event *event, Verify *verify);
