/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Feedback - what became of messages that were sent to devices
 *
 * The hub tells it in batches: a JSON array with a record for each message (protocol reference 3.1). Pure.
 */

#include "base/buffer.h"

typedef struct FeedbackRecord {
        char *message_id;
        char *device_id;
        char *generation_id; /* or NULL */
        char *time;          /* of the outcome, as the hub writes it; or NULL */
        char *status;        /* Success, Expired, DeliveryCountExceeded, Rejected, Purged */
        char *description;   /* or NULL */
} FeedbackRecord;

typedef struct Feedback {
        FeedbackRecord *records;
        size_t n_records;
} Feedback;

/* -EBADMSG: it is no batch; -ENOMEM. Members that are missing are NULL, save message_id, device_id and status, which
 * are then empty. */
int feedback_parse(const char *body, size_t size, Feedback *ret);
void feedback_done(Feedback *f);

bool feedback_is_success(const FeedbackRecord *r);
void feedback_line(const FeedbackRecord *r, Buffer *b); /* one line of JSON, under the hub's names */
void feedback_text(const FeedbackRecord *r, Buffer *b); /* one line for people */
