/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Quarantine - what was left of records that are lost
 *
 * A cursor remembers the pages of a slot that it could make nothing of. When numbers turn out to be missing there,
 * their bytes are copied to LANE/quarantine/, where the slot's next use does not reach them: one file for each run
 * of pages, called after slot, generation and first page, such as seg-0003.g17.p42. It is done on the worker,
 * ahead of whatever could overwrite them, and told when it has ended: one line for each event, with what is
 * lost, where, and where the copies are.
 *
 * The copies are a courtesy. They are few, the oldest go, none is made on a disk that is short of space, and if one
 * cannot be made nobody is the worse for it.
 *
 * Owns:   its events, until they were told. Files of other names in that directory are left alone.
 */

#include "queue/slot.h"

#define QUARANTINE_FILES   16          /* a lane */
#define QUARANTINE_BYTES   (1 << 20)
#define QUARANTINE_PENDING 8           /* events at a time; of others no copies are made */
#define BAD_RUNS           16          /* remembered at a time */
#define BAD_RUN_PAGES      64

typedef struct Lane Lane;

typedef enum BadKind {
        BAD_BYTES,      /* neither ours nor blank */
        BAD_UNREADABLE, /* the disk does not give it */
        BAD_UNWRITTEN,  /* blank, or of an earlier use of the slot: lost, if the slot goes on behind it */
} BadKind;

typedef struct BadRun {
        uint64_t segno;
        size_t first, n; /* pages */
        BadKind kind;
        bool inside; /* good pages came behind it */
        bool copied;
} BadRun;

typedef struct BadPages {
        BadRun runs[BAD_RUNS];
        size_t n;
        size_t n_more; /* pages that found no place */
} BadPages;

/* pure */
void bad_pages_add(BadPages *b, uint64_t segno, size_t page, BadKind kind);
void bad_pages_passed(BadPages *b, uint64_t segno); /* a good page came */

/* n records of the slot are lost; `which` says which ones. Copies what is bad of it, and tells. */
typedef struct Quarantine Quarantine;
void quarantine_take(Lane *l, const Slot *slot, const BadPages *bad, uint64_t n, const char *which);
int quarantine_pending(const Lane *l);
/* What is under way is told, and left to end by itself. */
void quarantine_leave(Lane *l);
