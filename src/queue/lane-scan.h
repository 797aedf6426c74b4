/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Scan - what the pages of a lane say to an opening
 *
 * Page 0 of each slot, and the newest slot as a whole: names, numbers, the newest checkpoint, and what the end of
 * a crash has torn.
 */

#include "queue/lane.h"

#define LANE_SCAN_PAGES 16 /* read at once */

typedef struct Search {
        Lane *lane;
        LaneFound *found;
        Disk *disk;
        uint8_t *pages; /* LANE_SCAN_PAGES */
        unsigned *indexes;
        size_t n_indexes, indexes_allocated;
        int error;
        int unread; /* the first read that failed; what it would have shown is unknown, not absent */
        bool newer; /* written by a later version */
        bool barred; /* by what is in the place of the lane */
        const char *directory; /* the queue's */
        char *reason;          /* LANE_REASON_MAX; "": nobody has told one yet */
} Search;

/* Page 0 of a slot, until all slots are in order. */
typedef struct Head {
        Slot *slot;
        bool good;
        uint64_t previous_end[RECORD_STREAMS]; /* 0: the stream is not told of */
} Head;

/* What will not be read may be readable at the next opening; with backoff, half a minute. Then it is lost. */
#define LANE_OPEN_TRIES 5

static inline bool lane_scan_is_patient(const Lane *l)
{
        return l->host->tries < LANE_OPEN_TRIES;
}

/* Opens the slots in the lane's directory, puts them in order and looks at them. Negative: the system refuses. */
int lane_files_open(Search *o);
/* As disk_read(), and remembers that it failed. */
ssize_t lane_scan_read(Search *o, int fd, uint8_t *bytes, size_t n_pages, size_t first);
void lane_scan_head(Search *o, Head *head, const uint8_t *bytes, const Page *page);
/* heads in the order of their generations. On return the lane goes on from the newest. */
void lane_scan_newest(Search *o, Head *heads, size_t n);
/* Numbers of these streams may lie in another lane too: where a slot's table was guessed its pages tell. What would
 * not be read is an error. */
int lane_scan_guessed(Lane *l, uint32_t streams);
