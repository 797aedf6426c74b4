/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Event check - is this telemetry that the hub takes
 *
 * Topic, properties and size, by the hub's rules (protocol reference 2.1, 2.5). Pure.
 */

#include "azure/topic.h"
#include "devhub/mqtt/mqtt-packet.h"

#define EVENT_SIZE_MAX ((size_t)256 * 1024)

/* NULL, the bag as it stands in the topic, and the size by which it is limited and billed; or what is wrong with it
 * (static text). device_id NULL: the client has no identity. */
const char *event_check(const TopicParts *topic, MqttText body, const char *device_id, const char *module_id,
                        MqttText *ret_bag, size_t *ret_size);
