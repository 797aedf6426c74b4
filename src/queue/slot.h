/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Slot - one file of a lane, written from front to back, then used again
 *
 * Page 0 tells its generation and where the numbers of each stream begin in it; with the same of the next slot
 * the queue knows which numbers lie here without reading them.
 *
 * Owns:   its descriptor.
 */

#include "base/disk.h"
#include "queue/meter.h"
#include "queue/stream.h"

typedef enum SlotState {
        SLOT_FREE,   /* waiting for its next use */
        SLOT_USED,   /* holds records; the newest one is being written to */
        SLOT_BROKEN, /* the same, but a write to it failed: it is removed, not used again */
        SLOT_GOING,  /* being removed */
        SLOT_ALIEN,  /* a file that others left under this name: not touched */
} SlotState;

#define SLOT_PAGES_MAX UINT16_MAX /* 256 MiB: so the bytes of a slot fit a size_t of 32 bits */

typedef struct Slot {
        DiskJob removal; /* first: the job is the slot */
        MeterUse use; /* of its removal */
        struct Lane *lane;
        unsigned index;
        int fd;
        size_t n_pages;

        SlotState state;
        uint64_t segno;
        uint64_t first[RECORD_STREAMS]; /* numbers in here, by identity: [first, end); 0: none */
        uint64_t end[RECORD_STREAMS];
        bool joined; /* the next slot's page 0 is bad: first and end are of both together */
        bool guessed; /* first and end come from the neighbours, and one of them is missing or bad */

        uint64_t epoch; /* at its beginning */
        uint64_t begun_commit; /* the commit that began it; 0: not known */
        Moment begun; /* none of its records was appended before */

        size_t n_used; /* one past the last page that was written */
        size_t n_walk; /* pages [1, n_walk) are durable and never change again */
        size_t tail;   /* the newest durable copy of the page behind them; 0: none */
        uint64_t tail_commit;

        bool releasing; /* the checkpoint under way settles all that it holds */
} Slot;

/* Has everything in it an outcome? */
bool slot_is_settled(const Slot *slot, Stream *const streams[static RECORD_STREAMS]);
/* Has somebody read from it what has no outcome yet? */
bool slot_is_in_hand(const Slot *slot, Stream *const streams[static RECORD_STREAMS]);
/* Holds nothing, and begins where the lane is now. */
void slot_begin(Slot *slot, uint64_t segno);

/* Was the page written in this use of the slot? A commit that began it and lost page 0 to a cut leaves pages behind
 * with a generation that is given again: they are older than the commit that holds page 0 now, or of another epoch. */
static inline bool slot_owns(const Slot *slot, const Page *page)
{
        return page->segno == slot->segno && page->commit >= slot->begun_commit &&
               (page->commit > slot->begun_commit || page->epoch == slot->epoch);
}

/* Its table is the judge of what lies here: a write whose sync failed leaves records behind that came to rest in the
 * next slot, or nowhere, and then their numbers were given again. */
static inline bool slot_tells_of(const Slot *slot, unsigned id, uint64_t n)
{
        return n >= slot->first[id] && n < slot->end[id];
}

static inline bool slot_holds(const Slot *slot)
{
        return slot->state == SLOT_USED || slot->state == SLOT_BROKEN;
}
