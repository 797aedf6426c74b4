/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Event batch - several events in one body, as JSON
 *
 *     [{"body": "aGVsbG8=", "properties": {"iothub-messageid": "1", "iothub-app-level": "high"}},
 *      {"body": "hello", "base64Encoded": false}]
 *
 * Pure.
 */

#include <json-c/json.h>

#include "devhub/http/event-draft.h"

#define EVENT_BATCH_TYPE "application/vnd.microsoft.iothub.json"
#define EVENT_BATCH_MAX  500

typedef struct EventBatch {
        EventDraft *drafts;
        size_t n_drafts;
} EventBatch;

/* -EINVAL: it is not of that form; -EBADMSG: a property holds a NUL; -E2BIG: more than 500 events; -ENOMEM. The drafts
 * are still to be checked. */
int event_batch_read(json_object *list, EventBatch *ret);
void event_batch_done(EventBatch *batch);
