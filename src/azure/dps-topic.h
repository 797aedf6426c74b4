/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * DPS topic - the topics of provisioning, built by either side and taken apart by the other
 *
 *   $dps/registrations/PUT/iotdps-register/?$rid={r}
 *   $dps/registrations/GET/iotdps-get-operationstatus/?$rid={r}&operationId={op}
 *   $dps/registrations/res/{status}/?$rid={r}[&retry-after={seconds}]
 *
 * In the answer `$rid` stands first, `retry-after` in lower case and last: each of these some client relies on. Pure.
 */

#include "base/buffer.h"

#define DPS_TOPIC_FILTER "$dps/registrations/res/#"

/* from the device */
void dps_topic_register(Buffer *b, const char *rid);
void dps_topic_poll(Buffer *b, const char *rid, const char *operation_id);
/* from DPS; the rid is sent back as it came. retry_after: 0: none. */
void dps_topic_response(Buffer *b, unsigned status, const char *rid, size_t rid_size, unsigned retry_after);

typedef enum DpsTopicKind {
        DPS_TOPIC_REGISTER,
        DPS_TOPIC_POLL,
        DPS_TOPIC_RESPONSE,
        DPS_TOPIC_UNKNOWN,
} DpsTopicKind;

/* All text is borrowed from the topic, not NUL-terminated and not decoded; NULL: absent. */
typedef struct DpsTopicParts {
        DpsTopicKind kind;
        const char *rid;
        size_t rid_size;
        const char *operation_id;
        size_t operation_id_size;
        unsigned status;      /* of a response */
        unsigned retry_after; /* likewise; 0: none */
} DpsTopicParts;

/* Never fails: what is not known, or lacks its rid, is DPS_TOPIC_UNKNOWN. */
DpsTopicParts dps_topic_parse(const char *topic, size_t size);
