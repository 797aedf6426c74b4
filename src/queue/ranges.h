/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Ranges - which numbers have happened, and how
 *
 * A sorted set of intervals of 64-bit numbers, each with a tag. Neighbours of one tag are one range, so that a
 * stream settled in order is always a single one. Nothing is ever overwritten: the first tag of a number stays.
 *
 * Pure. Owns its memory.
 */

#include "base/macro.h"

typedef struct Range {
        uint64_t first, last;
        uint8_t tag;
} Range;

typedef struct Ranges {
        Range *items; /* ascending, apart */
        size_t n, allocated;
} Ranges;

#define RANGES_NULL ((Ranges){})

void ranges_done(Ranges *r);
/* Room for more ranges, so that ranges_put() cannot fail. -ENOMEM */
int ranges_reserve(Ranges *r, size_t more);

/* The first piece of [first, last] that the set does not hold. */
bool ranges_gap(const Ranges *r, uint64_t first, uint64_t last, uint64_t *ret_first, uint64_t *ret_last);
/* The first piece of [first, last] that it does hold. */
bool ranges_overlap(const Ranges *r, uint64_t first, uint64_t last, uint64_t *ret_first, uint64_t *ret_last);
bool ranges_contains(const Ranges *r, uint64_t n);

/* Adds a gap: nothing of [first, last] may be in the set. */
void ranges_put(Ranges *r, uint64_t first, uint64_t last, uint8_t tag);
/* Forgets everything below. */
void ranges_cut(Ranges *r, uint64_t below);
