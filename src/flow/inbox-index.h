/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Inbox index - what is in the inbox, without the bodies
 *
 * In the order of the ids. Bounded by whoever adds. Pure.
 *
 * Owns:   the messages, the names of their takers.
 */

#include "flow/inbox-record.h"

#define INBOX_TAKINGS_MAX 16 /* records of takings that a message may have; then it is written anew */

typedef struct InboxEntry {
        uint64_t id;
        uint64_t n; /* of its record: another one after it was written anew */
        InboxKey key;
        InboxDoubt doubt;
        C2dMessage *message; /* without its body */
        size_t size;         /* of the body */
        size_t bytes;        /* what it counts */
        usec_t received_usec;

        unsigned times_taken; /* by those who have it no more */
        char *taker; /* NULL: it is free */
        char *who;   /* the same in words; as long as it is there */
        usec_t lock_until_usec; /* boot clock */
        bool unreadable;        /* it was, when somebody wanted it: not in the way of the others */
        bool left;              /* its taker is gone, and it is busy */
        usec_t tell_at;         /* boot clock: it is free again, and who was refused it is to hear so; 0: nobody was */
        bool busy;              /* a record about it is on its way to the disk: nothing else begins */
        uint64_t takings[INBOX_TAKINGS_MAX]; /* numbers of records of it */
        size_t n_takings;
} InboxEntry;

typedef struct InboxIndex {
        InboxEntry **entries; /* each stays where it is */
        size_t n, allocated;
        uint64_t bytes;
} InboxIndex;

void inbox_index_done(InboxIndex *x);
/* Takes the message, also when it fails: -ENOMEM. The id is a new one. */
int inbox_index_add(InboxIndex *x, const InboxEntry *entry, InboxEntry **ret);
void inbox_index_remove(InboxIndex *x, InboxEntry *e);
InboxEntry *inbox_index_find(const InboxIndex *x, uint64_t id);
InboxEntry *inbox_index_find_key(const InboxIndex *x, const InboxKey *key);
InboxEntry *inbox_index_first_record(const InboxIndex *x); /* the one whose record is the oldest; NULL */
/* Takes both names; NULL: it is free. */
void inbox_entry_set_taker(InboxEntry *e, char *taker, char *who);
/* Runs of numbers that are no record's any more, between those that are. */
size_t inbox_index_gaps(const InboxIndex *x);
