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
        size_t size; /* as the hub counts */
} Will;

/* Copies that of the CONNECT, if it has one. NULL, or what is wrong with it (static text): it may be telemetry of the
 * client's own, and nothing else. */
const char *will_take(Will *will, const MqttConnect *connect, const char *device_id, const char *module_id);
void will_done(Will *will);

/* Appends the bag with a property more. */
void will_mark(Buffer *b, MqttText bag, const char *property);
