/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Feedback - what became of the messages to devices, for the services that asked
 *
 * A record stands for one message whose sender wants to know its end. Records are gathered; a batch closes with
 * the 64th, or 15 s after its first. A batch is taken under a lock by one receiver, who says what is to become of
 * it before the lock ends; or it goes to the next who asks.
 *
 * Everything lies in the store; nothing here commits, and what writes nothing opens no transaction. The sink is called
 * while what it tells may not be committed yet.
 *
 * Time: wall clock, of the clock given at birth.
 */

#include "base/clock.h"
#include "devhub/hub/outcome.h"
#include "devhub/hub/store.h"

enum {
        _FEEDBACK_E_SUCCESS,
        FEEDBACK_E_EMPTY,     /* no batch that nobody holds */
        FEEDBACK_E_LOCK_LOST, /* the lock has ended, or there was none */
};

#define FEEDBACK_TAG_SIZE     16
#define FEEDBACK_CONTENT_TYPE "application/vnd.microsoft.iothub.feedback.json"

typedef struct FeedbackBatch {
        uint8_t tag[FEEDBACK_TAG_SIZE]; /* names the lock: the delivery tag */
        usec_t locked_until_usec;
        usec_t enqueued_usec;
        unsigned delivery_count; /* how often it was abandoned */
        char *body;              /* a JSON array */
        size_t body_size;
} FeedbackBatch;

void feedback_batch_done(FeedbackBatch *batch);

typedef struct Feedback Feedback;

int feedback_prepare(Store *store); /* makes the tables of a new hub */

/* life; what an earlier life had under a lock is free again */
int feedback_new(Feedback **ret, Store *store, const Clock *clock);
Feedback *feedback_free(Feedback *feedback);
DEFINE_CLEANUP(Feedback *, feedback_free);

/* ready: there is a batch to take, new or free again. Act on it later, not within the call. */
void feedback_set_sink(Feedback *feedback, void (*ready)(void *userdata), void *userdata);

/* verbs */
/* A message has come to its end; writes nothing when its mode does not ask for that outcome. */
int feedback_record(Feedback *feedback, AckMode ack, Outcome outcome, const char *message_id, const char *device_id,
                    const char *generation_id);
int feedback_take(Feedback *feedback, FeedbackBatch *ret); /* the oldest, under a lock of 60 s */
int feedback_complete(Feedback *feedback, const uint8_t tag[static FEEDBACK_TAG_SIZE]);
int feedback_reject(Feedback *feedback, const uint8_t tag[static FEEDBACK_TAG_SIZE]);  /* it is gone */
int feedback_abandon(Feedback *feedback, const uint8_t tag[static FEEDBACK_TAG_SIZE]); /* the tenth time: gone */
int feedback_release(Feedback *feedback, const uint8_t tag[static FEEDBACK_TAG_SIZE]); /* it was never looked at */
int feedback_tick(Feedback *feedback); /* at the deadline, or any time: closes, unlocks, lets expire */

/* questions */
usec_t feedback_deadline(const Feedback *feedback); /* wall clock */
