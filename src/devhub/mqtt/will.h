/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Will - the event that a client leaves with its CONNECT, for the case that it dies
 *
 * The hub keeps what it cannot do as a property: a will comes as telemetry marked iothub-MessageType = Will, a message
 * to be retained marked mqtt-retain = true. Pure.
 *
 * Owns:   its copies.
 */

#include "base/buffer.h"
#include "devhub/mqtt/mqtt-packet.h"

typedef struct Will {
        bool is_there;
        Buffer bag; /* marked */
        Buffer body;
} Will;

/* Copies. bag: as it stands in the will's topic. -ENOMEM. */
int will_set(Will *will, MqttText bag, MqttText body);
void will_done(Will *will);

/* Appends the bag with a property more. */
void will_mark(Buffer *b, MqttText bag, const char *property);
