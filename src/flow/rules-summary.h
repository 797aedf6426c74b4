/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Summary - many values of a channel, told by a few
 *
 * Its windows end at whole multiples of their length in the time of its sensor (rules-time.h). So those of equal length
 * end together, of one sensor in one reading, and at times when sensors are read anyway. One in which nothing came says
 * nothing.
 *
 * What comes after its window was told counts in the next one.
 *
 * A mean is told with the decimals that its values justify (base/number.h).
 *
 * Pure.
 */

#include "flow/rules-settings.h"

/* All zero: nothing has come. */
typedef struct Summary {
        usec_t end_usec;
        usec_t told_usec; /* the end of the last one that was told */
        uint64_t n;
        double mean, min, max;
        unsigned decimals; /* the most that one of the values has */
} Summary;

/* What is due is to be taken first. The value is finite. */
void summary_add(Summary *s, const WindowSettings *settings, double value, usec_t now);
static inline usec_t summary_deadline(const Summary *s)
{
        return s->n > 0 ? s->end_usec : USEC_INFINITY;
}
/* It was told. */
static inline void summary_next(Summary *s)
{
        *s = (Summary){.told_usec = s->end_usec};
}
/* What there is to tell of it; the count too. */
double summary_get(const Summary *s, WindowValue value);
/* The same, as it is told. */
double summary_told(const Summary *s, WindowValue value);
