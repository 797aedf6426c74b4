/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Inbox record - what the store of the inbox keeps, in three streams
 *
 *   message   a C2D message, when it came, and how often it was taken before this record was written
 *   taken     somebody was about to get it
 *   done      it is over: how, and the key that its redelivery is recognised by; of one message, or of many to
 *             remember them in one place
 *
 * Pure.
 */

#include "base/buffer.h"
#include "model/c2d-message.h"
#include "queue/queue.h"

#define INBOX_KEY_BYTES 16

/* Of a message and all it says; all zero: it is not known. Two without a message id may say the same and be two. */
typedef struct InboxKey {
        uint8_t bytes[INBOX_KEY_BYTES];
        bool nameless; /* without a message id */
} InboxKey;

/* Of one without a message id: whether the hub may not have heard that it is stored. Not on disk. */
typedef struct InboxDoubt {
        bool open;
        usec_t since_usec; /* boot clock: it was stored */
} InboxDoubt;

/* Values are on disk. */
typedef enum InboxOutcome {
        INBOX_COMPLETED = 1,
        INBOX_REJECTED = 2,
        INBOX_EXPIRED = 3,
} InboxOutcome;

typedef struct InboxMessageRecord {
        uint64_t id; /* 0: the record's own number */
        unsigned times_taken;
        usec_t received_usec; /* wall clock; 0: it was not known */
        const void *message;  /* as c2d_message_encode() wrote it; borrowed */
        size_t size;
} InboxMessageRecord;

typedef struct InboxDone {
        uint64_t id;
        InboxOutcome outcome;
        InboxKey key;
        InboxDoubt doubt;
} InboxDone;

bool inbox_key_is_known(const InboxKey *key);
/* They are of one message: never, if they are not known, or without an id. */
bool inbox_key_equals(const InboxKey *a, const InboxKey *b);
/* Both are without an id, and say the same. */
bool inbox_key_resembles(const InboxKey *a, const InboxKey *b);
/* -ENOMEM */
int inbox_key_of(const C2dMessage *m, const void *encoded, size_t size, InboxKey *ret);

void inbox_message_record_encode(const InboxMessageRecord *r, Buffer *b); /* appends, as the others */
int inbox_message_record_decode(const void *data, size_t size, InboxMessageRecord *ret);
/* Of an encoded one. */
void inbox_message_record_set_taken(void *data, unsigned times_taken);

void inbox_taken_record_encode(uint64_t id, Buffer *b);
int inbox_taken_record_decode(const void *data, size_t size, uint64_t *ret_id);

void inbox_done_record_encode(const InboxDone *done, size_t n, Buffer *b);
/* How many there are in it; -EBADMSG for anything that was not written here, as above. */
int inbox_done_record_count(const void *data, size_t size);
InboxDone inbox_done_record_get(const void *data, size_t i);
