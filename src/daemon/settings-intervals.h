/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Intervals - what the method setInterval set, sensor by sensor
 *
 * Kept as the text of one more settings file (overlay.h), which lies over the files and over what the cloud desires: so
 * it is read and printed as the others are, with its place. Whichever of the two came last counts: an interval that the
 * cloud changes is forgotten here.
 *
 * Owns:   its rows.
 */

#include "base/buffer.h"
#include "base/clock.h"
#include "model/name.h"

typedef struct SetInterval {
        Name sensor;
        usec_t usec;
} SetInterval;

typedef struct Intervals {
        SetInterval *rows;
        size_t n;
} Intervals;

void intervals_done(Intervals *i);

/* Of the text of that file; what it cannot have from us is left out. SETTINGS_E_BAD: it is no settings file.
 * -ENOMEM. */
int intervals_read(Intervals *ret, const char *text);
void intervals_write(const Intervals *i, Buffer *text);

usec_t intervals_find(const Intervals *i, const char *sensor); /* 0: it was not set */
int intervals_put(Intervals *i, const char *sensor, usec_t usec);
void intervals_drop(Intervals *i, const char *sensor);

/* Drops those of which the cloud desires another than before: two texts of what it desires. */
int intervals_yield(Intervals *i, const char *before, const char *after);
