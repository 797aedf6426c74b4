/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Boots - what the wall clock said, boot by boot
 *
 * A record has the boot clock of its append, and its page the epoch of the opening that wrote it; an EPOCH record
 * tells the boot of that epoch. Here stands, for each boot of which a record may wait, the wall time at which its
 * boot clock began: so a time that nobody knew when the record was appended can be made out later, in another boot.
 *
 * A boot whose clock was synchronised at any moment has its beginning from the first such moment, and keeps it: all
 * that was appended before it is right to what the clocks drift apart, whatever steps the wall clock makes. One
 * that never was lies between its neighbours: it began after the last moment known of the boot before it, and ended
 * before the next one began. Where the machine's own clock claims a time in there, that is the best estimate, else
 * the nearer bound.
 *
 * Each boot has an ordinal, one above that of the boot before it. Ordinals are on disk, in the checkpoint and in
 * each EPOCH record, and are what slots and marks refer to; 0 stands for a boot that nobody knows.
 *
 * Pure: the queue tells what the clock says.
 * Time:   boot clock, of the boot that is spoken of; wall time where the name says so.
 */

#include "base/clock.h"

#define BOOTS_MAX    32
#define BOOTS_EPOCHS 64 /* remembered; cursors tell each again as they come to it */

typedef struct Boot {
        uint8_t id[16];
        uint32_t ordinal;
        bool good;              /* start_usec is from a synchronised clock */
        usec_t start_usec;      /* wall time at its boot clock's 0; while not good: what the clock claims */
        usec_t not_before_usec; /* bounds of start_usec while not good; 0: none */
        usec_t not_after_usec;  /* USEC_INFINITY: none */
        usec_t last_usec;       /* the greatest boot time seen of it */
} Boot;

typedef struct Boots {
        Boot boots[BOOTS_MAX]; /* by ordinal; the last one is the present */
        size_t n;
        struct {
                uint64_t epoch;
                uint32_t ordinal;
        } epochs[BOOTS_EPOCHS]; /* a ring */
        size_t n_epochs;
        uint64_t epoch; /* of the present opening */
        usec_t asked_usec; /* when the clock was asked last whether it is synchronised */
} Boots;

/* How well the wall time of a moment is known. */
typedef enum QueueTime {
        QUEUE_TIME_GOOD,
        QUEUE_TIME_BOUNDED, /* within the bounds that the boots before and after give */
        QUEUE_TIME_UNKNOWN, /* not even that: a guess, or nothing */
} QueueTime;

/* A moment of any boot. */
typedef struct Moment {
        uint32_t boot; /* ordinal; 0: not known */
        usec_t usec;
} Moment;

/* ---- the table ---- */

/* A boot that was read of. Of two rows with one ordinal the one that knows more stays. */
void boots_add(Boots *b, const Boot *boot);
/* The present boot begins, or goes on after a restart of the program. */
void boots_begin(Boots *b, const uint8_t id[static 16], uint64_t epoch);
/* The time is now. Asks the clock, at most once a second, until it is synchronised. True when this boot's time was
 * made out by it: worth a checkpoint. */
bool boots_look(Boots *b, const Clock *clock);
/* Nothing of boots below this ordinal waits any more. */
void boots_forget_before(Boots *b, uint32_t ordinal);

uint32_t boots_present(const Boots *b);
const Boot *boots_get(const Boots *b, uint32_t ordinal); /* NULL: not known */

/* An EPOCH record, or page 0 of a slot, tells the boot of an opening. */
void boots_learn_epoch(Boots *b, uint64_t epoch, uint32_t ordinal);
uint32_t boots_of_epoch(const Boots *b, uint64_t epoch); /* 0: not known */
/* A record was seen that was appended then. */
void boots_saw(Boots *b, uint64_t epoch, usec_t boot_usec);

/* ---- questions ---- */

/* The wall time of a moment, and how well that is known. 0: not at all. */
QueueTime boots_wall(const Boots *b, Moment moment, usec_t *ret_wall_usec);
/* How long ago it was, as far as that is certain: never more than it really is. Steps of the wall clock do not
 * matter, and in this boot nothing is left uncertain. */
usec_t boots_age(const Boots *b, Moment moment, usec_t now);
