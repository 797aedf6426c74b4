/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Watch - a dead man's switch for a channel
 *
 * It is stale when no value came for too long, from the beginning on; and frozen when one value came over and over for
 * too long, as from a sensor whose wire is off. The first is found without any reading, the second by readings alone:
 * one that is not read cannot be told to repeat itself.
 *
 * Silence is of the present, sameness of the time at which values were taken.
 *
 * Pure.   Time: boot clock; of what values say, that of their sensor (rules-time.h).
 */

#include "flow/rules-settings.h"

typedef struct Watch {
        usec_t came_usec;    /* the last value; or when the watch began */
        usec_t changed_usec; /* the first of those like it, in its sensor's time */
        bool has_value;
        double value;
        bool is_stale, is_frozen;
} Watch;

void watch_begin(Watch *w, usec_t taken, usec_t now);
/* A value of which nothing is known but that it came. */
void watch_came(Watch *w, usec_t now);
/* The value is finite. */
void watch_value(Watch *w, const WatchSettings *s, double value, usec_t taken, usec_t now);

usec_t watch_deadline(const Watch *w, const WatchSettings *s);
/* Has it become stale just now? */
bool watch_tick(Watch *w, const WatchSettings *s, usec_t now);
