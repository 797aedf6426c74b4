/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Recording - readings that somebody wrote down, one or more a line, as JSON
 *
 *   {"stream":"telemetry","time":1763647200123456,"sensor":"cpu","channels":{"temperature":48.31}}   queue export
 *   {"event":"reading","time":1763647200123456,"sensor":{"name":"cpu","values":{"temperature":48.31}}}   --json watch
 *   {"device":"gw","body":[{"t":1763647200123,"s":"cpu","temperature":48.31}]}   a monitor of events
 *   {"t":1763647200123,"s":"cpu","temperature":48.31}   what a socket takes, or a message holds; also several in [ ]
 *
 * What holds no reading with a sensor and a time is counted, and passed over; so is one whose `t` nobody means, as the
 * daemon would refuse it: seconds, say, are taken for January 1970. They come out by time.
 *
 * Owns:   the readings, as records.
 */

#include "model/reading.h"

typedef struct RecordedReading {
        usec_t wall_usec;
        size_t at, size; /* its record */
        size_t place;    /* in the order of the lines */
} RecordedReading;

typedef struct Recording {
        Buffer records;
        RecordedReading *readings;
        size_t n_readings;
        uint64_t n_lines, n_empty; /* lines; those without a reading */
        uint64_t n_wrong_times;    /* readings */
        bool are_seconds;          /* it seems, those are */
} Recording;

void recording_done(Recording *r);

/* -ENOMEM. */
int recording_add_line(Recording *r, const char *line, size_t size);
void recording_sort(Recording *r); /* once all lines are there */
bool recording_get(const Recording *r, size_t i, ReadingSpace *space, Reading *ret);
