/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Dead letters - records that the hub can never take, kept for somebody to look at
 *
 * A store of its own beside the lanes: a second Queue in DIRECTORY/dead-letters. A record is moved by being written
 * there first; only when that is on disk is the original settled. So a crash between leaves it in both places, never
 * in none; it is then moved again and recognised. Requeuing goes the same way back: the new record is on disk before
 * the dead letter is settled. A list of what is there is kept in memory, without the payloads; each is read when
 * somebody asks for it.
 *
 * The store is bounded in number and bytes: for a new dead letter the oldest goes, with its name in the log, and is
 * counted.
 *
 * Owns:   the store, the moves that wait for it, the questions that wait for its disk.
 * Knows:  nothing of why a record is poison: the uplink says so, with proof.
 * Time:   boot clock for tries, wall clock in what it writes; it wants to be ticked.
 *
 * The disk may fail at any time: then moves wait, their originals stay in the queue, and it is tried again.
 */

#include "base/ticker.h"
#include "flow/set-aside.h"
#include "model/sink.h"
#include "queue/queue.h"

#define DEAD_LETTERS_MAX         1000
/* of a record that can be moved: no larger one is taken in */
#define DEAD_LETTERS_PAYLOAD_MAX (QUEUE_PAYLOAD_MAX - 512)

typedef struct DeadLetters DeadLetters;

typedef struct DeadLettersSink {
        void (*added)(void *userdata, uint64_t id);
        void (*changed)(void *userdata); /* dead_letters_status() changed */
        void *userdata;
} DeadLettersSink;

enum {
        _DEAD_LETTERS_E_SUCCESS,

        DEAD_LETTERS_E_BUSY, /* too many moves wait for the disk: keep the records, try again later */
};

/* life */

/* settings: those of the queue, of which the directory, the commit interval and the floor of free space count: no dead
 * letter is ever too old. As queue_open(): trouble with the disk is a state. */
int dead_letters_new(DeadLetters **ret, const QueueSettings *settings, Queue *queue, Disk *disk, const Clock *clock,
                     const Random *random, const DeadLettersSink *sink);
/* The same, save for the directory, when they have changed. */
void dead_letters_configure(DeadLetters *d, const QueueSettings *settings);
/* What is on its way into the store arrives; what is still to be moved stays in the queue. Before queue_close():
 * originals are settled here. */
void dead_letters_stop(DeadLetters *d, usec_t timeout_usec);
/* Closes the store, in the same time again. After queue_close(), which answers those who wait for a requeue: their
 * dead letters are settled there. */
DeadLetters *dead_letters_free(DeadLetters *d);
DEFINE_CLEANUP(DeadLetters *, dead_letters_free);
Ticker dead_letters_ticker(DeadLetters *d);

/* in: for the uplink. The records are in its hand, and not its business any more once 0 is returned. */

/* Those of [first, last] that have no outcome yet get this one, each as soon as its copy is safe. detail: in words for
 * whoever looks at it, NULL for none. */
int dead_letters_move(DeadLetters *d, unsigned stream, uint64_t first, uint64_t last, Outcome outcome,
                      const char *detail);
/* The same for one record that was just read: saves reading it again. */
int dead_letters_move_record(DeadLetters *d, const QueueRecord *record, Outcome outcome, const char *detail);
/* The queue can be browsed by one at a time: while this is true, leave queue_browse() to the moves. */
bool dead_letters_is_reading(const DeadLetters *d);
/* Records that were handed over and are not settled yet. */
uint64_t dead_letters_moving(const DeadLetters *d);
SetAside dead_letters_set_aside(DeadLetters *d); /* those three, as a row */
/* From the queue's sink: there may be more to read. */
void dead_letters_readable(DeadLetters *d);

/* out: for local services */
DeadLetterOffice dead_letters_office(DeadLetters *d);
void dead_letters_status(const DeadLetters *d, DeadLetterStatus *ret);
