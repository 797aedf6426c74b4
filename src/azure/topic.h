/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Topic - the topic names of IoT Hub, built by either side and taken apart by the other
 *
 * Device and module ids stand in topics as they are; only the bag is encoded. A request id ($rid) is opaque:
 * it goes back as it came, byte by byte, and stands first in what it is written into, for one client looks
 * for it nowhere else. Pure.
 */

#include "base/buffer.h"

/* devices/{d}/messages/events/ or devices/{d}/modules/{m}/messages/events/; the caller appends the bag. */
void topic_events(Buffer *b, const char *device_id, const char *module_id);
/* devices/{d}/messages/devicebound/ or that of a module; the caller appends the bag. */
void topic_devicebound(Buffer *b, const char *device_id, const char *module_id);

/* ---- filters: what a device subscribes to; that of its cloud messages is topic_devicebound() with a `#` ---- */

#define TOPIC_FILTER_METHODS       "$iothub/methods/POST/#"
#define TOPIC_FILTER_TWIN_RESPONSE "$iothub/twin/res/#"
#define TOPIC_FILTER_TWIN_DESIRED  "$iothub/twin/PATCH/properties/desired/#"
#define TOPIC_FILTER_DPS_RESPONSE  "$dps/registrations/res/#"

/* ---- twins and direct methods: the same for devices and modules ---- */

/* from the device */
void topic_twin_get(Buffer *b, const char *rid);
void topic_twin_reported(Buffer *b, const char *rid);
void topic_method_response(Buffer *b, int status, const char *rid, size_t rid_size);
/* from the hub */
void topic_twin_response(Buffer *b, int status, const char *rid, size_t rid_size);
void topic_twin_updated(Buffer *b, const char *rid, size_t rid_size, uint64_t version); /* status 204 */
void topic_twin_desired(Buffer *b, uint64_t version);
void topic_method_call(Buffer *b, const char *name, const char *rid);

/* ---- provisioning ---- */

/* from the device */
void topic_dps_register(Buffer *b, const char *rid);
void topic_dps_poll(Buffer *b, const char *rid, const char *operation_id);
/* from the service; retry_after in seconds, 0: none. It stands last and in lower case, for some clients look for it
 * in no other way. */
void topic_dps_response(Buffer *b, int status, const char *rid, size_t rid_size, unsigned retry_after);

typedef enum TopicKind {
        TOPIC_EVENTS,      /* telemetry of a device or module */
        TOPIC_DEVICEBOUND, /* a cloud message for one */
        TOPIC_TWIN_GET,
        TOPIC_TWIN_REPORTED,   /* a patch of the reported section */
        TOPIC_TWIN_RESPONSE,   /* status */
        TOPIC_TWIN_DESIRED,    /* a patch of the desired section; no rid, but a version */
        TOPIC_METHOD_CALL,     /* name */
        TOPIC_METHOD_RESPONSE, /* status */
        TOPIC_DPS_REGISTER,
        TOPIC_DPS_POLL,     /* operation_id, unless the client left it out */
        TOPIC_DPS_RESPONSE, /* status, perhaps retry_after */
        TOPIC_UNKNOWN,
} TopicKind;

/* All text is borrowed from the topic, not NUL-terminated. */
typedef struct TopicParts {
        TopicKind kind;
        const char *device_id; /* events, devicebound */
        size_t device_id_size;
        const char *module_id; /* NULL for a device */
        size_t module_id_size;
        const char *bag; /* what follows, further slashes included; of events one slash at its end is cut */
        size_t bag_size;

        const char *name; /* of a method */
        size_t name_size;
        int status;
        const char *rid; /* not decoded, never empty */
        size_t rid_size;
        uint64_t version; /* of a section; 0: none is named */

        const char *operation_id; /* or NULL */
        size_t operation_id_size;
        uint64_t retry_after; /* seconds; 0: none is named */
} TopicParts;

/* Never fails: what is not known is TOPIC_UNKNOWN. */
TopicParts topic_parse(const char *topic, size_t size);
