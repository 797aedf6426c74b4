/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Inbox answers - messages from the cloud, as this side of org.hublink1.Inbox has them
 *
 * Every call waits for its answer, tells what goes wrong, and gives the exit code of the program.
 *
 * Owns:   the messages that their texts are borrowed from.
 */

#include "ctl/client.h"

typedef struct InboxMessage {
        uint64_t id, size;
        const char *message_id, *correlation_id;
        Property *properties; /* texts borrowed */
        size_t n_properties;
        usec_t received, expiry; /* expiry 0: none */
        unsigned times_taken;
        const char *taker; /* in a list: "" for nobody, */
        usec_t until;      /* and until when */
        const void *body;  /* of one that was taken */

        struct sd_bus_message *message; /* of one that was taken */
} InboxMessage;

typedef struct InboxList {
        InboxMessage *items; /* the oldest first */
        size_t n_items;
        struct sd_bus_message *message;
} InboxList;

int inbox_ask_list(Client *c, InboxList *ret);
void inbox_list_done(InboxList *l);

/* id 0: the oldest that is free. It is ours until it is completed or rejected, and given back with the connection. */
int inbox_ask_take(Client *c, uint64_t id, InboxMessage *ret);
void inbox_message_done(InboxMessage *m);
int inbox_ask_complete(Client *c, uint64_t id);
int inbox_ask_reject(Client *c, uint64_t id, const char *reason);
