/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Cloud message - what a service sends to a device
 *
 * Plain data: the fields of AMQP's properties that the hub carries, the application's own properties, the body.
 * `iothub-ack` is an application property on the wire and a field here: whoever takes a message off the wire
 * leaves it out of the properties.
 */

#include "azure/bag.h"
#include "base/clock.h"
#include "devhub/hub/outcome.h"

#define CLOUD_MESSAGE_SIZE_MAX 65536 /* body and properties */

typedef struct CloudMessage {
        char *message_id; /* each of these may be NULL */
        char *correlation_id;
        char *user_id;
        char *to; /* as the sender wrote it */
        char *content_type;
        char *content_encoding;
        usec_t creation_usec; /* wall clock; 0: not said */
        usec_t expiry_usec;   /* wall clock; 0: not said, the hub's own time to live counts */
        AckMode ack;
        Bag properties; /* a value may be NULL */
        char *body;
        size_t body_size;
} CloudMessage;

void cloud_message_done(CloudMessage *message);

/* As the hub counts: the body, the values of its own fields, names and values of the application's properties. */
size_t cloud_message_size(const CloudMessage *message);

/* Appends the message's fields and properties as the bag of a topic, `%24.mid` and `%24.to` first. Never empty,
 * for the message has been in a mailbox, where it gets a `to` at the latest. */
void cloud_message_bag(const CloudMessage *message, Buffer *b);
