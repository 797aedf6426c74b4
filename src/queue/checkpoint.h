/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Checkpoint - what the queue knows of its streams, as bytes
 *
 * A row of sections, each with a tag and a length; a reader passes those that it does not know, so there is
 * room for what later versions will add. Three kinds of record are made of them:
 *
 *     EPOCH                 OPENING STREAMS BOOTS       an opening of the lane, or a new stream in it
 *     EPOCH in page 0       OPENING STREAMS SLOT BOOTS  the same, and where the numbers of this slot begin
 *     CHECKPOINT            STREAMS SETTLED NOTICES RANGES BOOTS
 *                                                       what became of the numbers; in page 0 the names are left out
 *
 * In an EPOCH record BOOTS has one row, the boot of this opening; in a CHECKPOINT all that are known, so that the
 * time of what waits can be made out. The newest comes first: it is the oldest that find no room.
 *
 * SETTLED holds the numbers below `low` by outcome, RANGES those above. So leaving ranges out, for want of room,
 * only means that they are served again. NOTICES are those outcomes that a consumer has not heard of yet.
 *
 * Pure: bytes in, bytes out. Numbers are varints (seven bits a byte, low ones first): 32 streams with the
 * longest names, six outcomes of billions each, leave room in a page.
 */

#include "model/name.h"
#include "queue/boots.h"
#include "queue/notices.h"
#include "queue/record.h"

#define CHECKPOINT_TAGS      16
#define CHECKPOINT_RANGES    64
#define CHECKPOINT_BYTES_MAX 3584
#define CHECKPOINT_TORN      15 /* a tag beside those of Outcome: the number was never accepted */

typedef enum CheckpointSection {
        CHECKPOINT_OPENING = 1 << 1,
        CHECKPOINT_STREAMS = 1 << 2,
        CHECKPOINT_SLOT = 1 << 3,
        CHECKPOINT_SETTLED = 1 << 4,
        CHECKPOINT_SETTLED_RANGES = 1 << 5,
        CHECKPOINT_NOTICES = 1 << 6,
        CHECKPOINT_BOOTS = 1 << 7,
} CheckpointSection;

typedef struct CheckpointStream {
        Name name;                        /* STREAMS; "": none of that identity */
        uint64_t next;                    /* one past the last durable number */
        uint64_t first, gap;              /* SLOT; the numbers before it in this lane end at first - gap; 0: none */
        uint64_t low;                     /* SETTLED; all below are; 0: not told */
        uint64_t counts[CHECKPOINT_TAGS]; /* of those below low */
} CheckpointStream;

typedef struct CheckpointRange {
        uint8_t id, tag;
        uint64_t first, last;
} CheckpointRange;

typedef struct Checkpoint {
        unsigned sections;

        uint64_t epoch, previous_epoch; /* OPENING */
        uint8_t boot[16];

        uint64_t sequence; /* SETTLED; the greater is the newer, over all lanes */

        CheckpointStream streams[RECORD_STREAMS]; /* by identity */
        CheckpointRange ranges[CHECKPOINT_RANGES]; /* by identity and number */
        size_t n_ranges;
        Notice notices[NOTICES_MAX];
        size_t n_notices;

        Boot boots[BOOTS_MAX]; /* the newest first */
        size_t n_boots;
} Checkpoint;

/* The sections asked for. Returns the size, 0 when they do not fit. Ranges are left out as need be, and then boots:
 * *ret_n_ranges tells how many ranges are in. */
size_t checkpoint_encode(const Checkpoint *c, unsigned sections, uint8_t *bytes, size_t room, size_t *ret_n_ranges);
/* 0 or RECORD_E_BAD, then nothing of it is to be believed. */
int checkpoint_decode(Checkpoint *ret, const uint8_t *bytes, size_t size);
