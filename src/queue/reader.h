/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Reader - pages of a lane's slots, without waiting for the disk
 *
 * What the system has at hand is read at once, the rest on the worker; the host's readable() follows then. A page
 * that would not be read is asked for again after 1, 2, 4, 8 and 16 s, alone, so that no neighbour is lost with it;
 * then it is given up and taken for a bad one.
 *
 * Owns:   a few pages, as long as somebody reads.
 * Time:   boot clock, for asking again.
 */

#include "queue/slot.h"

#define READER_PAGES 16 /* read at once */

typedef struct Lane Lane;

/* Pages in memory, and what of the disk they are. */
typedef struct ReaderPages {
        uint8_t *bytes;
        size_t first, n;
        uint64_t segno;
        uint64_t copy; /* the commit, for a page that is written again; 0: pages that never change */
        bool unreadable; /* it was given up: blank */
} ReaderPages;

typedef struct Reader {
        Lane *lane;
        ReaderPages near; /* where records are being read */
        ReaderPages body; /* of a big one; n without bytes: given up */

        DiskJob job; /* a read that had to wait */
        bool reading;
        bool is_body;
        ReaderPages coming;
        int fd;
        ssize_t result;

        unsigned tries;    /* to read what would not be read */
        usec_t retry_usec; /* and when it is the next one's time; USEC_INFINITY: nothing is wrong */
        bool weary;        /* the last page that would not be read was given up: the next has one try */
        size_t chunk;      /* pages read at once; 1 after an error */
} Reader;

void reader_init(Reader *r, Lane *lane);
void reader_done(Reader *r);
/* Keeps nothing in memory; what is on its way still comes. */
void reader_rest(Reader *r);
void reader_drop_body(Reader *r);
/* Out of memory, or the like: a little later everything may be well. Returns QUEUE_E_WAIT. */
int reader_wait(Reader *r);
bool reader_is_waiting(const Reader *r);
/* If it is time for what would not be read: readable() is told. */
void reader_tick(Reader *r, usec_t now);

/* One page, and those behind it up to `end` are read along. Given up: it is blank. 0 or QUEUE_E_WAIT */
int reader_page(Reader *r, const Slot *slot, size_t page, size_t end, uint64_t copy, const uint8_t **ret);
bool reader_gave_up(const Reader *r); /* the page that it gave last */
/* n pages of the body of a big record, the caller's to change, until they are dropped. 0, QUEUE_E_WAIT, or -EIO:
 * given up */
int reader_body(Reader *r, const Slot *slot, size_t first, size_t n, uint8_t **ret);
