/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Cursor - a place in a lane, from which records are served in order
 *
 * It walks the slots by generation and each slot page by page, and passes by the slots that hold nothing for it.
 * A record is served if its number is above what this cursor met of its stream, within its bounds, without an
 * outcome and in nobody's hand: so carried and rewritten copies need no flags, and no record comes from two
 * cursors. The last page of the slot that is being written changes place and content; it is read again whenever it
 * has.
 *
 * What a slot's table promises within the bounds and the pages do not show is lost: it is settled as damaged when
 * the cursor has seen all of the slot that is for it.
 *
 * Owns:   its place, and what its reader holds.
 * Knows:  its lane; nothing of other cursors.
 */

#include "queue/quarantine.h"
#include "queue/reader.h"

/* Of each stream the numbers [from, end), by identity. */
typedef struct CursorBounds {
        uint64_t from[RECORD_STREAMS];
        uint64_t end[RECORD_STREAMS];
} CursorBounds;

typedef struct CursorRecord {
        Record record;
        Stream *stream;
        Moment appended;
        uint64_t epoch;
} CursorRecord;

typedef struct Cursor {
        Lane *lane;
        Reader reader;
        CursorBounds bounds;
        bool browses; /* it only looks: also at what is in somebody's hand; it hands out nothing, and counts nothing */

        Slot *slot; /* NULL: before the oldest */
        size_t page;                   /* the next one of those that never change */
        uint64_t tail_commit;          /* of the copy of the last page that was read */
        uint64_t seen[RECORD_STREAMS]; /* the greatest number met, by identity */
        bool doubtful;                 /* a page or a number was missed: count what is gone */
        BadPages bad;                  /* and here they are, as far as it met them */

        const uint8_t *open; /* the page being read; NULL: none */
        size_t open_page;    /* which one; 0: the last page */
        size_t used, at;
        RecordContext context;
        uint64_t epoch;
        Record record; /* peeked, or the head of a big one */
        bool peeked;
        bool big_pending;
} Cursor;

void cursor_init(Cursor *c, Lane *lane);
void cursor_done(Cursor *c);

/* The next record: 0, QUEUE_E_EMPTY, QUEUE_E_WAIT. It is borrowed until the next call. */
int cursor_peek(Cursor *c, CursorRecord *ret);
/* Past it: it is in the caller's hands. */
void cursor_advance(Cursor *c);

/* Is there something for it, from its place on? */
bool cursor_has_work(const Cursor *c);
/* What it looked at was given to another: it is not its own any more. Keeps nothing in memory. */
void cursor_rest(Cursor *c);
/* Before the oldest, as if it had met nothing, and with no bounds: it is for nothing until they are set. */
void cursor_go_to_start(Cursor *c);
/* To the end of the log: what is durable now is behind it. */
void cursor_go_to_end(Cursor *c);
/* To where the other one is. */
void cursor_go_to(Cursor *c, const Cursor *other);
/* The slot is about to be used again. */
void cursor_leave(Cursor *c, const Slot *slot);
