/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Message - what goes up to the hub as one MQTT message
 *
 * Sealed by the uplink from records of one stream and epoch, or a local service's own body. It knows the range
 * of sequence numbers that it holds, and nothing of topics or sockets: the hub makes those from it.
 *
 * Owns:   its texts and its body.
 */

#include "base/buffer.h"
#include "base/clock.h"
#include "model/name.h"
#include "model/property.h"

#define MESSAGE_SIZE_MAX (256 * 1024) /* the hub's limit: body, system values, property names and values */

typedef struct Message {
        Name stream;
        uint64_t epoch, first, last; /* the records within */

        /* system properties; NULL: absent. Their IoT Hub names stand behind. */
        char *message_id;       /* $.mid, at most 128 characters */
        char *correlation_id;   /* $.cid */
        char *content_type;     /* $.ct */
        char *content_encoding; /* $.ce */
        usec_t created_usec;    /* $.ctime, wall clock; 0: absent */
        Name component;         /* $.sub, Plug and Play's; "": the device itself */

        Property *properties; /* application properties, in order */
        size_t n_properties;

        Buffer body;
} Message;

Message *message_free(Message *m);
DEFINE_CLEANUP(Message *, message_free);

int message_add_property(Message *m, const char *name, const char *value);

/* What the hub counts against its limit and bills. */
size_t message_size(const Message *m);

/* The record of a local service's own message: content type and encoding, correlation id, properties, body, and when it
 * was created, if that is not when its record was appended. Range and stream are the queue's business. Appends to b. */
void message_encode(const Message *m, Buffer *b);

/* Gives a new message; -EBADMSG for anything that message_encode() did not write, -ENOMEM. */
int message_decode(const void *data, size_t size, Message **ret);
