/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Event source - the events of all partitions of a hub, as they come
 *
 * The way there: the hub, which redirects to its Event Hubs endpoint; there the partitions, and a receiver for each.
 * After a loss event_source_open() goes the same way again and continues each partition behind its last event: an
 * end that was asked for is made an offset at the first opening, so that nothing that came meanwhile is passed over.
 */

#include "explorer/amqp-peer.h"
#include "explorer/event-message.h"
#include "explorer/event-position.h"

typedef struct EventSource EventSource;

typedef struct EventSourceSettings {
        const Login *login;
        const char *consumer_group;
        EventPosition from;
        usec_t token_life;
        AmqpFault *fault;
        /* What has come; a negative answer ends it all with that. */
        int (*event)(void *userdata, const EventMessage *message, const char *partition);
        void *userdata;
} EventSourceSettings;

int event_source_new(EventSource **ret, const EventSourceSettings *settings);
EventSource *event_source_free(EventSource *source);
DEFINE_CLEANUP(EventSource *, event_source_free);

/* Both: 0, or -ECONNABORTED and the fault is set. */
int event_source_open(EventSource *source, usec_t until);
int event_source_turn(EventSource *source, usec_t until);
void event_source_close(EventSource *source); /* keeps where it was */

size_t event_source_partitions(const EventSource *source); /* 0: not yet known */
