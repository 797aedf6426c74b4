/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Event message - an AMQP message of the Event Hubs endpoint, as the event that a reader sees
 *
 * system holds the message's AMQP properties under their names, its annotations, and those application properties that
 * are the hub's and not the sender's (protocol reference 2.3), so that the line is that of the devhub's monitor.
 * Sequence and time of arrival are annotations too, but stand on their own.
 *
 * Owns: all its texts. Pure.
 */

#include <proton/message.h>

#include "reader/event.h"

typedef struct EventMessage {
        Event event;
        const char *module; /* or NULL */
        const char *offset; /* of the partition; NULL: none was told */
        bool has_sequence;

        EventPair *system, *properties;
        size_t system_allocated, properties_allocated;
        char **texts;
        size_t n_texts, texts_allocated;
        Buffer body;
        bool failed; /* memory */
} EventMessage;

/* -ENOMEM. */
int event_message_read(EventMessage *m, pn_message_t *message);
void event_message_done(EventMessage *m);
