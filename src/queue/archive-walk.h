/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The inside of a walk: where it is, and what it has met.
 *
 *     archive-walk.c      every page of every slot, in the order of their generations
 *     archive-records.c   the records of a page, and the numbers that should have come
 *     archive-verdict.c   a slot that has been seen: is what is bad in it damage, or the end of a crash?
 */

#include "queue/archive-core.h"

typedef enum PageState {
        PAGE_IS_GOOD,
        PAGE_IS_BLANK,
        PAGE_IS_OLD, /* of an earlier use of the slot */
        PAGE_IS_BAD,
        PAGE_IS_UNREAD,
        PAGE_IS_FOREIGN,
} PageState;

typedef struct Seen {
        uint64_t epoch, commit;
        uint16_t page_in_commit, pages_in_commit;
        uint8_t state;
} Seen;

typedef struct Walk {
        Archive *archive;
        const ArchiveVisitor *visitor;
        ArchiveTotals totals;
        uint64_t n_pages; /* of all slots */
        int result;       /* of the visitor; below 0: enough */

        /* the slot */
        const Slot *slot;
        const Slot *next; /* of the same lane; NULL: the newest */
        char *path;
        uint8_t *chunk;
        Seen *pages;
        size_t pages_allocated;

        /* the records */
        Name names[RECORD_STREAMS];
        uint64_t met[RECORD_STREAMS];  /* the greatest number served, in this lane */
        uint64_t next_n[RECORD_STREAMS]; /* that this slot is to show; 0: none yet */

        /* a big one whose body is being read */
        Record big;
        RecordBig big_is;
        uint64_t big_epoch;
        size_t big_at; /* the page of its head */
        uint8_t *body;
        size_t n_body;
        bool big_open;
} Walk;

void walk_tell(Walk *w, const ArchiveFinding *finding);
void walk_tell_page(Walk *w, ArchiveFault fault, size_t page, size_t at, bool harmless);

/* ---- archive-records.c ---- */

void walk_records(Walk *w, const uint8_t *bytes, const Page *page, size_t i);
/* A page of a big one's body; and the end of it, whole or not. */
void walk_body(Walk *w, const uint8_t *bytes, const Page *page);
void walk_body_end(Walk *w);
/* Tells of those of [first, end) that are in no page and have no outcome: were there any? */
bool walk_tell_missing(Walk *w, unsigned id, uint64_t first, uint64_t end, size_t page);

/* ---- archive-verdict.c ---- */

/* missing: the end of the slot's numbers was not found */
void walk_judge(Walk *w, bool missing);
