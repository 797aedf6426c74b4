/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Interval set - whole numbers seen, as few ranges
 *
 * Neighbouring numbers melt into one range, so that millions in nearly their order take the room of a handful. Pure.
 */

#include "base/macro.h"

typedef struct Interval {
        uint64_t first, last;
} Interval;

typedef struct IntervalSet {
        Interval *items; /* in order; neither touching nor overlapping */
        size_t n_items, n_allocated;
} IntervalSet;

/* Gives how many of first..last (first <= last) were not there yet; -ENOMEM leaves all as it was. */
int interval_set_add(IntervalSet *set, uint64_t first, uint64_t last, uint64_t *ret_new);
/* How many of first..last are there? */
uint64_t interval_set_count(const IntervalSet *set, uint64_t first, uint64_t last);
void interval_set_done(IntervalSet *set);
