/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Lane - a directory of slots: in at one end, out at the other
 *
 * lane.c             records in, what is due when, trouble
 * lane-open.c        what is found in the directory
 * lane-scan.c        what the pages say, and what of the last commit is torn
 * lane-commit.c      records to the disk: where, and what becomes of them
 * lane-checkpoint.c  what the lane writes about itself
 * lane-slots.c       slots made ahead of need, released, removed
 * lane-read.c        its two cursors, and where one ends and the other begins
 *
 * One commit is in flight at a time. Never is the newest durable copy of a record overwritten: a last page that
 * has room is written again, with more, beside itself.
 *
 * Owns:   its slots, buffers and jobs.
 * Knows:  its host's streams by identity; not its sibling.
 * Time:   boot clock, through deadline and tick.
 */

#include "queue/batch.h"
#include "queue/cursor.h"

#define LANE_BATCH_PAGES 64 /* of a commit, those of callers that wait counted apart; what is over may come to BUSY */
#define LANE_RING_PAGES  64 /* what a lane keeps in memory while the disk has failed */
#define LANE_BROWSER     _QUEUE_SOURCE_MAX       /* the cursor that only looks */
#define LANE_CURSOR_AGE  (_QUEUE_SOURCE_MAX + 1) /* one that looks for what is too old */
#define LANE_CURSORS     (_QUEUE_SOURCE_MAX + 2)
#define LANE_SLOTS_MIN   2 /* one being written, one to come: whatever the limit and the floor */
#define LANE_SLOT_PAGES_MIN 96
#define LANE_REASON_MAX  512
#define LANE_NOTES       8
#define LANE_NOTE_MAX    384
#define LANE_FREE_INODES 64 /* of the file system, left to others */
#define LANE_RESERVED_PAGES 2 /* of a slot, for checkpoints alone when no free slot is there */

/* What the lanes of one queue share, and whom they tell. */
typedef struct LaneHost {
        Disk *disk;
        const Clock *clock;
        const Random *random;
        Stream *streams[RECORD_STREAMS]; /* by identity */
        uint64_t epoch, previous_epoch;
        uint8_t boot[16];
        Boots *boots; /* not while opening */
        uint64_t sequence; /* of the last checkpoint in any lane */
        usec_t commit_interval_usec;
        uint64_t min_free_bytes; /* of the file system, left to others */
        size_t slot_pages; /* of new slots */
        unsigned tries;    /* to open, that failed before this one */
        unsigned n_lanes;
        bool nested; /* the directory is one of ours, too: what stands in its place goes aside */
        Meter *meter;
        Notices *notices;
        MeterUse use; /* of an opening */
        StreamSettledFn settled;

        void (*take_tokens)(void *userdata, unsigned n);    /* so many flushes for an early commit, or for a slot */
        usec_t (*token_at)(void *userdata);                 /* since when an early commit may be, or from when on */
        bool (*may_grow)(void *userdata, const Lane *lane); /* may it have one slot more? */
        uint64_t (*floor)(void *userdata, const Lane *lane); /* bytes that its new slot has to leave free */
        void (*grows)(void *userdata, const Lane *lane);    /* it begins to make one */
        void (*make_room)(void *userdata, Lane *lane);      /* it may not, and needs one soon */
        bool (*may_keep)(void *userdata, const Lane *lane); /* a slot that became free, for its next use? */
        bool (*makes_slots)(void *userdata, const Lane *lane); /* does what becomes free lead to one that it may use? */
        void (*gives_up)(void *userdata, const Lane *lane); /* it may not, and removes it */
        void (*removed)(void *userdata, Lane *lane);        /* or else: it is gone from the disk */
        void (*committed)(void *userdata, Lane *lane);
        void (*failed)(void *userdata, Lane *lane);
        void (*recovered)(void *userdata, Lane *lane);
        void (*readable)(void *userdata, Lane *lane);
        void *userdata;
} LaneHost;

/* The commit that is under way: what it writes, and where. */
typedef struct LaneFlight {
        DiskJob job;
        bool under_way;
        Batch batch;
        Slot *slot;
        uint64_t offset;
        struct iovec iov[2];
        int n_iov;
        size_t at, n; /* pages */
        bool fresh, carries, checkpoint;
        uint32_t announced;    /* identities that page 0 of the slot that it begins has names for */
        uint8_t *head, *carry; /* pages: of a new slot; what is carried along */
        MeterUse use;
        int error;
        const char *what; /* the call that failed */
} LaneFlight;

/* The last page, as far as the next commit may carry it on. */
typedef struct LaneTail {
        uint8_t *page;
        size_t first;    /* its first position; 0: nothing to carry on */
        size_t used;     /* records only */
        bool checkpoint; /* the newest checkpoint is in it */
} LaneTail;

/* The slot that is being made, ahead of need. */
typedef struct LaneMaking {
        DiskJob job;
        bool under_way;
        bool full;      /* the last one found no room, and nobody has seen any since */
        uint64_t floor; /* bytes that it has to leave free; 0: it need not ask */
        bool blank; /* write it once, so that commits need no journal */
        unsigned index;
        int fd;
        size_t at, pages;
        MeterUse use;
        int error; /* the job's, with what: the worker may be writing them */
        const char *what;
        int failure; /* why the last one failed, and at what: the loop's */
        const char *failed_at;
        usec_t retry_usec; /* not before; USEC_INFINITY: the last one did not fail */
        unsigned n_made;
} LaneMaking;

struct Lane {
        LaneHost *host;
        Disk *disk;
        QueueLane which;
        char *path;
        uint64_t identity;
        int lock_fd, dir_fd;

        Slot **slots;
        size_t n_slots, slots_allocated;
        Slot *current; /* NULL: the next commit begins one */
        uint64_t segno, commit; /* the last ones given out */
        uint64_t end[RECORD_STREAMS]; /* one past the last durable number in here; 0: never any */
        uint32_t announced;           /* identities that the current slot has names for */
        bool open_announced;          /* this opening stands in the lane */
        bool wanted;                  /* some stream comes here: slots are kept ready */

        /* in */
        Batch filling;
        LaneFlight flight;
        LaneTail tail;
        LaneMaking making;
        bool urgent;  /* somebody waits for the batch */
        bool starved; /* the batch waits for a slot */
        uint64_t n_commits, n_commit_pages;

        /* checkpoints */
        Checkpoint *scratch;
        usec_t dirty_usec; /* since when there is news; USEC_INFINITY: none */
        usec_t checkpoint_usec, commit_usec;
        bool release; /* a checkpoint would free a slot that is needed */

        /* trouble */
        bool failed;
        int error;
        unsigned attempts; /* to write what is in the batch */
        Backoff backoff;
        usec_t retry_usec;
        usec_t memory_usec; /* nothing begins before: there was no memory for it */
        char reason[LANE_REASON_MAX];

        /* out */
        Cursor cursors[LANE_CURSORS]; /* by source, and the others */
        bool joined; /* the backlog goes on to the end, the news pause */
        Quarantine *quarantine; /* copies under way */

        bool finishing, tried_last;
        int n_orphans; /* jobs that a closed lane still waits for */
};

/* What an opening found, before it is merged with what the other lanes hold. */
typedef struct LaneFound {
        Checkpoint settled; /* the newest; sequence 0: none */
        Name names[RECORD_STREAMS];
        uint64_t named[RECORD_STREAMS]; /* the next number when it was called so: the greatest has the newest name */
        uint64_t next[RECORD_STREAMS];
        Ranges torn[RECORD_STREAMS];
        Boots boots; /* those that openings told of; the table proper is in settled */
        uint64_t epoch; /* the last one that wrote here */
        bool newer;     /* a later version did: the lane is locked, and no more */
        char notes[LANE_NOTES][LANE_NOTE_MAX]; /* each worth a line in the log */
        unsigned n_notes;                      /* with those that found no place */
} LaneFound;

/* ---- life ---- */

/* Reads what there is; makes the directory when there is none. Blocks: for opening, or on the worker. On failure
 * reason says what failed. Nothing of host is changed, host->streams not looked at. Notes are added to those that
 * found has. */
int lane_open(Lane **ret, LaneHost *host, const char *directory, QueueLane which, LaneFound *found,
              char reason[static LANE_REASON_MAX]);
void lane_found_done(LaneFound *found);
/* After host->streams is complete. */
void lane_start(Lane *l);
/* Jobs under way are abandoned, what they use stays until they end. */
Lane *lane_free(Lane *l);
void lane_orphan_ended(Lane *l);

/* ---- in ---- */

/* Would records of that stream, from n on, be taken now if they need so many pages? asked: with a receipt. 0,
 * QUEUE_E_BUSY, QUEUE_E_FULL (no room and none to come by itself) */
int lane_admits(const Lane *l, unsigned id, uint64_t n, size_t pages, bool asked);
/* They would not be: what can be done about it, dropping the oldest records included, is done or begun. */
void lane_make_way(Lane *l, unsigned id, uint64_t n, size_t pages);
/* Somebody waits for what is in the batch. */
void lane_hurry(Lane *l);
/* What was admitted: records that follow upon the first one; the receipt is for the last. -ENOMEM: none is taken. */
int lane_append(Lane *l, const Record *first, const struct iovec *payloads, size_t n, const QueueReceipt *receipt);
usec_t lane_deadline(const Lane *l);
void lane_tick(Lane *l, usec_t now);
/* Writes what there is, with a checkpoint, as soon as it can; a lane that has failed tries once more. True when
 * there is nothing more to wait for. */
bool lane_finish(Lane *l);
void lane_answer(Lane *l, int error); /* every receipt that still waits */
/* Numbers of its streams were settled. */
void lane_dirty(Lane *l);

void lane_fail(Lane *l, int error, const char *what, const char *path);
void lane_reason(char reason[static LANE_REASON_MAX], int error, const char *what, const char *path);
/* ---- to the disk ---- */

/* Begins a commit of what there is; with a checkpoint even if there is nothing else. False when none began: one is
 * in flight, there is nothing to write, or no slot. */
bool lane_seal(Lane *l, bool checkpoint);
void lane_seal_checkpoint_only(Lane *l);
void lane_answer_batch(Lane *l, Batch *b, int error);

/* A checkpoint that goes along with a commit. */
typedef struct LaneCheckpoint {
        uint8_t bytes[CHECKPOINT_BYTES_MAX];
        size_t size; /* 0: none */
        size_t n_ranges;
        bool must; /* it may cost a page */
} LaneCheckpoint;

void lane_checkpoint_build(Lane *l, LaneCheckpoint *c);
bool lane_checkpoint_put(const LaneCheckpoint *c, uint8_t *page, usec_t now); /* false: no room */
void lane_checkpoint_took_off(Lane *l, const LaneCheckpoint *c);
/* Page 0 of a slot that the batch in flight begins. True when a checkpoint is in it. */
bool lane_head_build(Lane *l, Slot *slot, usec_t now);
/* Names for the identities, ahead of the first record of an opening or of a new stream. -ENOMEM */
int lane_announce(Lane *l, unsigned id, usec_t now);
void lane_renamed(Lane *l, unsigned id); /* the name in the pages is an old one now */

/* ---- slots ---- */

void lane_prepare(Lane *l);
void lane_prepare_now(Lane *l); /* the same, and what comes next does not fit the current slot any more */
void lane_make(Lane *l);
void lane_space_again(Lane *l); /* there is room for a new slot */
Slot *lane_take_slot(Lane *l, size_t pages);
void lane_fail_making(Lane *l); /* for want of the slot that could not be made */
Slot *lane_add_slot(Lane *l, unsigned index, int fd, size_t n_pages);
bool lane_could_release(const Lane *l, const Slot *slot);
bool lane_is_short(const Lane *l, const Slot *slot); /* of no more use once it is free */
void lane_release(Lane *l, Slot *slot);
void lane_remove(Lane *l, Slot *slot);
Slot *lane_next_slot(const Lane *l, const Slot *after);      /* by segno; NULL: the oldest */
Slot *lane_previous_slot(const Lane *l, const Slot *before); /* NULL: the newest */
bool lane_has_free(const Lane *l);
uint64_t lane_bytes(const Lane *l); /* of slots that hold something */
char *lane_slot_path(const Lane *l, unsigned index);

/* ---- out ---- */

void lane_cursors_init(Lane *l);
void lane_age_cursor_begin(Lane *l); /* at the front, for all there is */
void lane_cursors_done(Lane *l);
/* The stream's first record with a number in [first, last] that has no outcome: 0, QUEUE_E_EMPTY, QUEUE_E_WAIT */
int lane_browse(Lane *l, const Stream *s, uint64_t first, uint64_t last, CursorRecord *ret);
int lane_cursors_reading(const Lane *l); /* how many jobs of theirs are under way */
void lane_cursors_abandon(Lane *l);
void lane_cursors_leave(Lane *l, const Slot *slot); /* it is about to be used again */
void lane_cursors_tick(Lane *l, usec_t now);
usec_t lane_cursors_deadline(const Lane *l);

/* What is durable and unserved is backlog from now on. */
void lane_split(Lane *l);
/* Back to one order, until all that is durable was served. */
void lane_join(Lane *l);
/* 0, QUEUE_E_EMPTY, QUEUE_E_WAIT */
int lane_peek(Lane *l, QueueSource source, CursorRecord *ret);
void lane_advance(Lane *l, QueueSource source);
