/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * C2D message - a message to a device, as the hub takes it over AMQP (protocol reference 9.3). Pure.
 */

#include <proton/message.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "reader/event.h"

typedef struct C2dMessage {
        const char *device; /* DEVICE or DEVICE/MODULE */
        const char *message_id;
        const char *correlation_id, *user_id, *content_type, *content_encoding; /* each may be NULL */
        const char *ack;     /* "none", "positive", "negative", "full"; NULL: not said */
        usec_t expiry_usec;  /* wall; 0: the hub's default */
        const EventPair *properties;
        size_t n_properties;
        const void *body;
        size_t body_size;
} C2dMessage;

/* -ENOMEM. */
int c2d_message_write(const C2dMessage *c, pn_message_t *message);
/* Appends "/devices/d/messages/devicebound", the ids percent-encoded. -ENOMEM. */
int c2d_message_address(const char *device, Buffer *b);
