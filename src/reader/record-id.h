/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Record id - which records a message of hublink holds: STREAM.EPOCH.FIRST-LAST
 *
 * It stands in $.mid, or in the property `hl` where the stream names its messages otherwise. Pure.
 */

#include "base/macro.h"
#include "model/name.h"

/* No message has room for more; what claims more is not hublink's. */
#define RECORD_ID_COUNT_MAX (256 * 1024)

typedef struct RecordId {
        Name stream;
        uint64_t epoch;
        uint64_t first, last;
} RecordId;

bool record_id_parse(const char *text, RecordId *ret);
