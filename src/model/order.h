/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Order - what the hub asks of this device, and the sink that hears it
 *
 * Three kinds come down: cloud-to-device messages, direct methods and the twin. Everything is called on the
 * loop's thread and borrowed for the call. Nothing here has been checked but its form: text is UTF-8, and JSON only
 * where it says so.
 */

#include <stddef.h>
#include <stdint.h>

#include "model/c2d-message.h"
#include "model/name.h"

#define METHOD_PAYLOAD_MAX (128 * 1024) /* bytes, of a request and of an answer */
#define METHOD_RID_MAX     256          /* bytes of a request id that is echoed; with a longer one nobody is called */

/* A direct method call. */
typedef struct MethodCall {
        const char *rid;     /* the hub's id of the request, opaque: the answer names it */
        const char *name;    /* name_is_of_method(), with `component*` before a command of a component */
        const char *payload; /* what came as JSON, not looked at yet; "" when nothing did; NUL-terminated */
        size_t payload_size;
        uint64_t connection; /* by which it came: no other can carry the answer */
} MethodCall;

/* The hub's answer to a request on the twin, hub_twin_get() or hub_twin_report(). */
typedef struct TwinAnswer {
        uint64_t request;
        int status;       /* as HTTP's: 200 with the document, 204 for a report that was taken, 4xx, 5xx */
        uint64_t version; /* of the reported section, with 204; 0: not named */
        const char *body; /* {"desired":{...},"reported":{...}} with 200, an error's JSON with others; "" where it was
                           * no text; NUL-terminated */
        size_t body_size;
} TwinAnswer;

typedef struct OrderSink {
        /* The filters are granted: from here on what the hub sends arrives. Once for each connection. */
        void (*listening)(void *userdata);
        /* A C2D message. Nothing leaves this machine until hub_message_stored() or hub_message_failed() is told of
         * this ticket, so that the hub's confirmation waits for the disk. May be told within the call. */
        void (*message)(void *userdata, uint64_t ticket, const C2dMessage *message);
        /* To be answered with hub_answer(), once. */
        void (*call)(void *userdata, const MethodCall *call);
        /* A call that nobody could be asked was answered with that status already. name: "" where it was none. */
        void (*refused)(void *userdata, const char *name, int status);
        /* A change of the desired section, with its version; body as it came: an object with "$version". "" where it
         * was no text. */
        void (*desired)(void *userdata, uint64_t version, const char *body, size_t body_size);
        void (*twin)(void *userdata, const TwinAnswer *answer);
        void *userdata;
} OrderSink;
