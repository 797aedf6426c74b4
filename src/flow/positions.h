/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Positions - how far growing files were read, in accord with what is in the queue
 *
 * No line may be lost or read twice, whenever the process is killed. Two rules make it so:
 *
 *   - A reading carries the position behind its line, in one record: both are on the disk, or neither is.
 *   - A record with a position does not go up before a position as far as its own is stored in a file beside the
 *     queue. So whatever that file does not know yet lies in the queue without an outcome, and is found there
 *     at the next start.
 *
 * Of a line something may be held back for a while: what reads on in the meantime is known here, but neither stored nor
 * carried by a record. After a kill such lines are read again, so that nothing is lost.
 *
 * The file is stored once a commit that had such records. When it cannot be stored, records go up all the same: a
 * line may then come twice after a kill, but a full disk does not keep a gateway from sending.
 *
 * Owns:   what it knows of each source (flow/sources.h).
 * Knows:  nothing of files; a position is a few numbers.
 * Time:   boot clock, for what failed and is tried again.
 */

#include "base/ticker.h"
#include "flow/sources.h"
#include "queue/queue.h"

#define POSITIONS_STATE_MAX (128 * 1024) /* bytes of the file's text */

typedef struct Positions Positions;

typedef struct PositionsPort {
        /* Copied. 0: positions_stored() follows. */
        int (*store)(void *userdata, const char *text, size_t size);
        /* Records that were held may go up now. */
        void (*released)(void *userdata);
        /* Lowers a position to where the source is to be read on from, as long as something that was made of it is
         * held. NULL: nothing ever is. */
        void (*limit)(void *userdata, const char *source, SourcePosition *at);
        void *userdata;
} PositionsPort;

/* text: as stored last; size 0: never. expected: there are sources, so that the queue is to be looked through even if
 * nothing was ever stored. Until that is done nothing goes up. */
int positions_new(Positions **ret, const char *text, size_t size, bool expected, Queue *queue, const Clock *clock,
                  const PositionsPort *port);
Positions *positions_free(Positions *p);
DEFINE_CLEANUP(Positions *, positions_free);

PositionBook positions_book(Positions *p);
Ticker positions_ticker(Positions *p);

/* The settings have these sources, before any of them asks: others are free for those that read the same. -ENOMEM. */
int positions_expect(Positions *p, const SourceName *names, size_t n);

/* The collector appended a reading that has a source. */
void positions_appended(void *userdata, const Reading *reading, unsigned stream, uint64_t n);
/* Must this record stay where it is? */
bool positions_hold(void *userdata, unsigned stream, uint64_t n);
/* The queue committed, or can be read. */
void positions_queue_changed(Positions *p);
void positions_stored(Positions *p, int error);
/* Stores what is durable by now; for the end of the day. */
void positions_stop(Positions *p);
