/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Packer - readings of one stream on their way into one array message
 *
 *   [{"t":1763647200123,"s":"cpu","temperature":48.31},...]
 *
 * The hub bills in units of 4 KiB, properties included. So a pack knows where its last whole unit ends: while
 * there is more to read it grows on, up to PACKER_UNITS_MAX units; then its whole units are sealed, and what is
 * left over begins the next pack. Writes JSON text straight into its buffer, which it keeps from pack to pack.
 *
 * Owns:   the text.
 * Knows:  nothing of queue, hub or settings. Pure.
 * Time:   boot clock for ages, wall clock for the readings.
 */

#include "azure/billing.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "model/message.h"
#include "model/reading.h"

/* 16 such messages are the uplink's whole window of 512 KiB. */
#define PACKER_UNITS_MAX 8
#define PACKER_SIZE_MAX  (PACKER_UNITS_MAX * BILLING_CHUNK)

/* One reading, as the queue gave it and with its time made out. */
typedef struct PackerRecord {
        uint64_t n;
        const Reading *reading;
        usec_t wall_usec;
        Quality quality;
        usec_t appended_usec; /* boot clock; 0 from an earlier boot */
        usec_t read_usec;     /* boot clock: when it came from the queue */
} PackerRecord;

/* The pack up to and with one record. */
typedef struct PackerEnd {
        size_t size; /* of the text, without the closing bracket */
        uint64_t n;
        usec_t wall_usec;
        usec_t appended_usec;
} PackerEnd;

typedef struct Packer {
        Buffer text;
        size_t overhead; /* what the message bears besides its body */
        uint64_t epoch, first;
        usec_t appended_usec, read_usec; /* of the first record */
        size_t n_records;
        PackerEnd end;

        PackerEnd whole; /* where the last whole unit ends; size 0: there is none yet */
        usec_t rest_appended_usec, rest_read_usec; /* of the first record behind it */
} Packer;

typedef struct Pack {
        uint64_t epoch, first, last;
        usec_t wall_usec;     /* of the last record */
        usec_t appended_usec; /* of the last record */
        Buffer body;
} Pack;

enum {
        _PACKER_E_SUCCESS,
        PACKER_E_FULL, /* seal first, then add again */
};

void packer_done(Packer *p);

/* Begins a pack; it must be empty. */
void packer_begin(Packer *p, uint64_t epoch, size_t overhead);
/* The first record is always taken, however large; numbers must follow one another. 0, PACKER_E_FULL, -ENOMEM. */
int packer_add(Packer *p, const PackerRecord *record);

static inline bool packer_is_empty(const Packer *p)
{
        return p->n_records == 0;
}

static inline bool packer_has_whole_units(const Packer *p)
{
        return p->whole.size > 0;
}

/* What the message would count, sealed now. */
size_t packer_size(const Packer *p, bool whole_units);

/* What packer_seal() will give, still without its body. */
Pack packer_range(const Packer *p, bool whole_units);
/* Seals all, or the whole units; what is left over stays as the beginning of the next pack. -ENOMEM changes
 * nothing. */
int packer_seal(Packer *p, bool whole_units, Pack *ret);
void packer_drop(Packer *p); /* empties it */
