/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Stream - how the readings of one ordered log become messages
 *
 * Owns:   its texts.
 */

#include "base/clock.h"
#include "model/message.h"
#include "model/name.h"

#define STREAM_DEFAULT "telemetry"

typedef enum StreamFormat {
        STREAM_ARRAY,  /* many readings in one JSON array */
        STREAM_OBJECT, /* one reading, its body from a template */
        _STREAM_FORMAT_MAX,
} StreamFormat;

typedef struct StreamSettings {
        Name name;
        Name component; /* of Plug and Play, to which its sensors belong; "": the device itself */
        StreamFormat format;
        bool urgent;
        usec_t max_latency_usec;  /* from capture to the sealing of the message */
        usec_t expire_after_usec; /* USEC_INFINITY: never */
        char *body;               /* template; NULL: an object of the channels */
        char *message_id;         /* template; NULL: STREAM.EPOCH.FIRST-LAST */
        char *correlation_id;     /* template; NULL: none */
        Property *properties;     /* name literal, value a template */
        size_t n_properties;
} StreamSettings;

void stream_settings_done(StreamSettings *s);
