/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Inbox desk - what local services may ask of the inbox
 *
 * A message is offered until somebody takes it, and belongs to its taker until he completes or rejects it, leaves
 * the bus, or lets his time run out; in the two last cases it is offered again, and times_taken tells of it, as it does
 * where one without a message id may be an earlier one once more. Every call gives exactly one answer, within the call
 * or later, when what it changes is on the disk.
 */

#include "model/c2d-message.h"
#include "model/sink.h"

#define INBOX_LOCK_USEC     USEC_PER_MIN         /* a taker's time until he completes, rejects or extends */
#define INBOX_LOCK_MAX_USEC (24 * USEC_PER_HOUR) /* what he may extend it to, from the moment that he asks */
#define INBOX_REASON_MAX    (4 * 1024)           /* bytes of the reason of a reject */

/* A message in the inbox. Texts and message are borrowed until the loop goes on. */
typedef struct InboxItem {
        uint64_t id; /* never given twice */
        const C2dMessage *message; /* in a list: its body is empty, and size tells its length */
        size_t size;               /* of the body */
        usec_t received_usec;      /* wall clock; 0: it was not known */
        unsigned times_taken;
        const char *taker;      /* unique name on the bus; NULL: it is free */
        usec_t lock_until_usec; /* wall clock; 0: it is free */
} InboxItem;

typedef struct InboxAnswer {
        RequestError error;
        const char *detail; /* in words, when error is set */
        InboxItem item;
} InboxAnswer;

typedef void (*InboxAnswerFn)(void *userdata, const InboxAnswer *answer);

/* NO_SUCH_MESSAGE for an id that is not there (any more), NOT_OWNER for one that another has taken, or that nobody
 * has, BUSY while the inbox is still being read, DISK_ERROR when a change cannot be stored: then it has not
 * happened. */
typedef struct InboxDesk {
        /* All that are there, the oldest first. */
        RequestError (*list)(void *userdata, const InboxItem **ret, size_t *ret_n);
        /* id 0: the oldest that is free. who: the taker in words, for the audit. */
        void (*take)(void *userdata, uint64_t id, const char *taker, const char *who, InboxAnswerFn answer,
                     void *answer_userdata);
        void (*complete)(void *userdata, uint64_t id, const char *taker, DoneFn done, void *done_userdata);
        void (*reject)(void *userdata, uint64_t id, const char *taker, const char *reason, DoneFn done,
                       void *done_userdata);
        /* So much time from now on. BAD_VALUE beyond INBOX_LOCK_MAX_USEC. */
        void (*extend)(void *userdata, uint64_t id, const char *taker, usec_t usec, DoneFn done, void *done_userdata);
        /* Has he any message, or is one on its way to him? */
        bool (*has)(void *userdata, const char *taker);
        /* A client has left the bus: what he had taken is offered again. */
        void (*left)(void *userdata, const char *taker);
        void *userdata;
} InboxDesk;

/* What the inbox tells unasked. */
typedef struct InboxSink {
        void (*arrived)(void *userdata, uint64_t id); /* it can be taken: new, or offered again */
        void (*expired)(void *userdata, uint64_t id); /* its expiry came before anybody completed it: it is gone */
        void (*changed)(void *userdata);              /* inbox_status() changed */
        void *userdata;
} InboxSink;
