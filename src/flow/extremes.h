/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Extremes - the highest and lowest of what a channel read, since any moment that one asks for
 *
 * Kept are those readings alone that nothing later has topped: the highest since any moment is the first of them that
 * is not older. Of values as they come that is a handful; where one after another only falls, it would be all of them.
 * So there are at most EXTREMES_MAX, and for another one two neighbours become one, those that differ least. After that
 * an answer may reach a little too far back; the one since the start never. The mean is of the last readings only.
 *
 * Owns:   nothing: it is plain data.
 * Knows:  nothing of sensors or settings. Pure.
 * Time:   boot clock, so that a wall clock which is set meanwhile changes nothing. It must not go back.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"

#define EXTREMES_MAX  64
#define EXTREMES_LAST 10 /* readings that the mean is of */

typedef struct Extreme {
        usec_t usec;
        double value;
} Extreme;

/* Values that only fall, each later than the one before. */
typedef struct Peaks {
        Extreme items[EXTREMES_MAX];
        size_t n;
} Peaks;

typedef struct Extremes {
        Peaks highest, lowest; /* of the lowest the negative */
        Extreme last[EXTREMES_LAST];
        size_t n; /* ever added */
} Extremes;

typedef struct ExtremesReport {
        double max, min;
        double mean; /* of the last readings, as far as they are not older */
} ExtremesReport;

/* An Extremes that is all zero is empty. The value is finite. */
void extremes_add(Extremes *e, usec_t now, double value);

/* false: there was no reading since then. 0: since the start. */
bool extremes_since(const Extremes *e, usec_t since, ExtremesReport *ret);

/* NAN without a reading. */
double extremes_last(const Extremes *e);
