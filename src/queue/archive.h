/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Archive - a queue's directory while nobody writes to it
 *
 * For the operator who stands before a gateway whose daemon is stopped, or before a copy: what lies there, what the
 * next opening would make of it, whether it is whole, and the records themselves. Nothing is changed.
 *
 *     archive.c        what an opening, rehearsed, finds
 *     archive-walk.c   every page and every record, in their order, and what is to be made of them
 *
 * What is settled and what waits is the verdict of that opening, so it is the daemon's own.
 *
 * Owns:   what the opening found, and the directory's lock as long as it lives: a daemon started meanwhile finds its
 *         queue in use, and tries again by itself.
 */

#include "queue/queue.h"

typedef struct Archive Archive;

#define ARCHIVE_REASON_MAX 512
#define ARCHIVE_RANGES_MAX 64

/* disk: the real one; it is only read from. On failure reason says what failed. -ENOENT: no queue is there;
 * -EWOULDBLOCK: it is in use; -EACCES: some of it may not be read, and nothing can be told of the whole. */
int archive_open(Archive **ret, const char *directory, Disk *disk, char reason[static ARCHIVE_REASON_MAX]);
Archive *archive_free(Archive *a);
DEFINE_CLEANUP(Archive *, archive_free);

/* ---- what lies there ---- */

typedef struct ArchiveLane {
        const char *path; /* borrowed, as all texts here */
        uint64_t identity, epoch, commit; /* 0: none is there */
        const char *const *notes; /* what else the next opening would say */
        unsigned n_notes, n_more_notes;
        size_t n_slots;
        uint64_t bytes;         /* of slots that hold something */
        uint64_t sequence;      /* of the newest checkpoint in it; 0: none */
        unsigned n_quarantined; /* files in quarantine/ */
        uint64_t quarantined_bytes;
} ArchiveLane;

bool archive_lane(const Archive *a, QueueLane lane, ArchiveLane *ret); /* false: no such lane */

typedef enum ArchiveSlotState {
        ARCHIVE_SLOT_FREE,    /* for its next use */
        ARCHIVE_SLOT_SETTLED, /* everything in it has an outcome */
        ARCHIVE_SLOT_WAITING,
        ARCHIVE_SLOT_ALIEN, /* not this queue's, or it cannot be opened */
        _ARCHIVE_SLOT_MAX,
} ArchiveSlotState;

typedef struct ArchiveSlot {
        QueueLane lane;
        char name[16]; /* of its file */
        ArchiveSlotState state;
        uint64_t segno, epoch;
        size_t n_pages, n_used;
        struct {
                uint64_t first, last; /* first 0: none */
        } numbers[QUEUE_STREAMS_MAX]; /* by stream */
} ArchiveSlot;

size_t archive_n_slots(const Archive *a);
/* In the order of lanes and generations; reads the last pages of its file. */
void archive_slot(const Archive *a, size_t i, ArchiveSlot *ret);

typedef struct ArchiveStream {
        const char *name;
        QueueLane lane;
        uint64_t next, low; /* all below low are settled */
        Ledger ledger;
        uint64_t n_torn; /* numbers that were given and never accepted, since ever */
        struct {
                uint64_t first, last;
                const char *outcome;
        } ranges[ARCHIVE_RANGES_MAX]; /* settled above low: the first of them */
        size_t n_ranges;
        unsigned n_notices; /* pending: ranges that the consumer is still to be told of */
        uint64_t newly_torn, newly_lost; /* by the next opening: no checkpoint says so yet */
} ArchiveStream;

unsigned archive_n_streams(const Archive *a);
bool archive_stream(const Archive *a, unsigned stream, ArchiveStream *ret); /* false: there is none of that number */

/* ---- its records ---- */

typedef struct ArchiveRecord {
        unsigned stream;
        const char *name; /* the stream's, as it was then */
        QueueKind kind;
        uint64_t epoch, n;
        usec_t boot_usec;
        bool waiting;
        const void *payload; /* borrowed until the visitor returns */
        size_t size;
} ArchiveRecord;

typedef enum ArchiveFault {
        ARCHIVE_UNREADABLE, /* the disk does not give it */
        ARCHIVE_BAD_PAGE,   /* its checksum is wrong */
        ARCHIVE_LOST_WRITE, /* blank, or of an earlier use of its slot, where a newer page should be */
        ARCHIVE_FOREIGN,    /* a whole page of another queue, or of a newer hublink */
        ARCHIVE_BAD_HEAD,   /* page 0 does not tell where the slot's numbers begin */
        ARCHIVE_BAD_RECORD, /* the page is whole, what it says is not */
        ARCHIVE_BAD_BODY,   /* of a big record */
        ARCHIVE_BAD_ORDER,  /* commits do not follow one another */
        ARCHIVE_MISSING,    /* records that wait are in no page */
        ARCHIVE_BAD_IDENTITY, /* the file that names the lane */
        ARCHIVE_NO_LANE,      /* its directory is not there, or the next opening would begin a new one beside it */
        _ARCHIVE_FAULT_MAX,
} ArchiveFault;

const char *archive_fault_to_string(ArchiveFault fault); /* in words, for a person */

typedef struct ArchiveFinding {
        ArchiveFault fault;
        bool harmless;    /* the end of a crash: nothing that was accepted is in it */
        const char *path; /* of the file; borrowed until the visitor returns */
        uint64_t offset;
        const char *stream;   /* MISSING, BAD_BODY */
        uint64_t first, last; /* the records */
} ArchiveFinding;

typedef struct ArchiveVisitor {
        int (*record)(void *userdata, const ArchiveRecord *record); /* below 0 ends the walk */
        void (*finding)(void *userdata, const ArchiveFinding *finding);
        void (*progress)(void *userdata, uint64_t pages, uint64_t of_pages);
        void *userdata;
} ArchiveVisitor; /* what is NULL is not told */

typedef struct ArchiveTotals {
        uint64_t pages, records, waiting;
        uint64_t damaged, harmless; /* findings */
        uint64_t missing;           /* records that wait and are not to be had, by the findings that name them */
} ArchiveTotals;

/* Reads every page of every slot. 0, -ENOMEM, or what the visitor gave. */
int archive_walk(Archive *a, const ArchiveVisitor *visitor, ArchiveTotals *ret);
