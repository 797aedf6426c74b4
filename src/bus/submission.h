/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Submission - the values of one Submit as readings
 *
 * A local service hands in channels with value and time, in any order; those of equal time are one reading,
 * and the readings stand in the order in which their times first came. Pure: the caller reads the wire,
 * words the error, and borrows names and texts to it until the end.
 *
 * Owns:   its readings and their channels.
 */

#include "base/clock.h"
#include "model/reading.h"

#define SUBMISSION_VALUES_MAX   4096
#define SUBMISSION_READINGS_MAX 1024

enum {
        _SUBMISSION_E_SUCCESS,
        SUBMISSION_E_NAME,      /* not a channel's name */
        SUBMISSION_E_NUMBER,    /* NaN or infinity */
        SUBMISSION_E_TEXT,      /* over READING_TEXT_MAX bytes */
        SUBMISSION_E_TIME,      /* nobody means that time */
        SUBMISSION_E_TWICE,     /* this reading has a value of that channel already */
        SUBMISSION_E_CHANNELS,  /* over READING_CHANNELS_MAX in this reading */
        SUBMISSION_E_TOO_LARGE, /* over SUBMISSION_VALUES_MAX or SUBMISSION_READINGS_MAX */
};

typedef struct Submission {
        const char *sensor; /* borrowed */
        Reading *readings;
        size_t n_readings;
        size_t n_values;
        size_t last; /* the reading that took the latest value: the next mostly goes there too */
} Submission;

void submission_done(Submission *s);
/* time_usec: wall clock; 0 means now. Gives 0, SUBMISSION_E_* or -ENOMEM. */
int submission_add(Submission *s, const Clock *clock, const char *channel, const Value *value,
                   usec_t time_usec);
