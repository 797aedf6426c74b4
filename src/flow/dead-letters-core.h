/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The inside of the dead letters, for the files that they are made of
 *
 * dead-letters.c  the store and its list
 * dead-moves.c    the moves into it
 * dead-office.c   what local services ask for: get, requeue, remove
 */

#include "base/throttle.h"
#include "flow/dead-index.h"
#include "flow/dead-letters.h"
#include "flow/dead-record.h"

#define DEAD_STREAM "dead" /* the store's one */

#define DEAD_TELL_INTERVAL (10 * USEC_PER_MIN) /* between two lines of the same kind in the log */
#define DEAD_TELLS_ASIDE   20u /* new ones told in an hour: a flood leaves the log to others too */
#define DEAD_MOVES_MAX     64 /* ranges that wait for the disk */
#define DEAD_LANDINGS_MAX  64 /* records on their way to it; so many are moved with a commit */

/* Records that are still to be read and written. */
typedef struct DeadMove {
        unsigned stream;
        uint64_t first, last;
        Outcome outcome;
        char detail[DEAD_DETAIL_MAX + 1];
} DeadMove;

typedef struct DeadErrand DeadErrand;

struct DeadLetters {
        Queue *queue; /* NULL: it is closed */
        Queue *store;
        bool stopped;
        usec_t stop_usec; /* how long closing may take */
        const Clock *clock;
        DeadLettersSink sink;

        DeadIndex index;
        bool loaded;        /* the list is whole */
        uint64_t load_next; /* the first id not looked at yet */

        DeadMove moves[DEAD_MOVES_MAX + DEAD_LANDINGS_MAX]; /* a landing that fails comes back here */
        size_t n_moves;
        size_t n_landings;
        bool reading; /* an original is being read from the disk */
        Buffer record; /* the one being encoded */

        DeadErrand *first_errand, **last_errand; /* who waits for a payload, in order */

        bool wanted;     /* a note was left: work at the next tick */
        usec_t retry_at; /* boot clock; USEC_INFINITY: nothing failed */

        Throttle told_aside, told_dropped;
};

/* The store's one stream; -1: nothing was ever put there. */
int dead_letters_stream(const DeadLetters *d);
/* Gives the dead letter up: out of the store, and out of the list. */
void dead_letters_settle(DeadLetters *d, uint64_t id, Outcome outcome);
bool dead_letters_disk_is_well(const DeadLetters *d);
void dead_letters_note(DeadLetters *d); /* there is work at the next tick */
void dead_letters_retry_later(DeadLetters *d, usec_t now);
void dead_letters_tell_changed(const DeadLetters *d);
/* For so many more: the oldest go. */
void dead_letters_make_room(DeadLetters *d, size_t n_more, size_t bytes_more);
/* It is on the disk, and belongs in the list. */
void dead_letters_list(DeadLetters *d, uint64_t id, const DeadRecord *r);

void dead_moves_step(DeadLetters *d, usec_t now);

void dead_errands_init(DeadLetters *d);
void dead_errands_step(DeadLetters *d);
void dead_errands_end(DeadLetters *d); /* all are answered: the daemon is stopping */
