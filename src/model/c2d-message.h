/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * C2D message - what a service sent from the cloud to this device
 *
 * Made by the hub from a publish on the devicebound topic, kept by the inbox until a local service is done with
 * it. Names of IoT Hub's system properties stand behind the fields; what is no system property, and system
 * properties without a field here, are in properties under their names of the wire.
 *
 * Owns:   its texts and its body.
 */

#include "base/buffer.h"
#include "base/clock.h"
#include "model/message.h"

typedef struct C2dMessage {
        char *message_id;       /* $.mid; NULL where absent, as with all texts here */
        char *correlation_id;   /* $.cid */
        char *user_id;          /* $.uid */
        char *content_type;     /* $.ct */
        char *content_encoding; /* $.ce */
        usec_t created_usec;    /* $.ctime, wall clock; 0: absent, or no time */
        usec_t expiry_usec;     /* $.exp, wall clock; 0: none, or no time */

        Property *properties; /* in order; a name that came without a value has "" */
        size_t n_properties;

        Buffer body; /* at most 64 KiB with the properties, says the hub; any bytes */
} C2dMessage;

C2dMessage *c2d_message_free(C2dMessage *m);
DEFINE_CLEANUP(C2dMessage *, c2d_message_free);

int c2d_message_add_property(C2dMessage *m, const char *name, const char *value);

/* What the inbox counts against its limit in bytes: all texts and the body. */
size_t c2d_message_size(const C2dMessage *m);

/* The record of the inbox. Appends to b. */
void c2d_message_encode(const C2dMessage *m, Buffer *b);

/* Gives a new message; -EBADMSG for anything that c2d_message_encode() did not write, -ENOMEM. */
int c2d_message_decode(const void *data, size_t size, C2dMessage **ret);
