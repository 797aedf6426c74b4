/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Topic - the topic names of IoT Hub, built for the device and taken apart for a hub
 *
 * Device and module ids stand in topics as they are; only the bag is encoded. Pure.
 */

#include "base/buffer.h"

/* devices/{d}/messages/events/ or devices/{d}/modules/{m}/messages/events/; the caller appends the bag. */
void topic_events(Buffer *b, const char *device_id, const char *module_id);

typedef enum TopicKind {
        TOPIC_EVENTS, /* telemetry of a device or module */
        TOPIC_UNKNOWN,
} TopicKind;

typedef struct TopicParts {
        TopicKind kind;
        const char *device_id; /* borrowed from the topic, not NUL-terminated */
        size_t device_id_size;
        const char *module_id; /* NULL for a device */
        size_t module_id_size;
        const char *bag; /* what follows, further slashes included; one slash at its end is cut */
        size_t bag_size;
} TopicParts;

/* Never fails: what is not known is TOPIC_UNKNOWN. */
TopicParts topic_parse(const char *topic, size_t size);
