/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Flushes - who waits until all that was accepted so far is settled
 *
 * Owns:   the list of those who wait, in the order of their calls.
 * Time:   boot clock.
 */

#include "base/clock.h"
#include "model/sink.h"

/* flushes_until(): nobody waits. */
#define FLUSHES_NONE ((usec_t)0)

typedef struct Flush {
        DoneFn done;
        void *userdata;
        usec_t at; /* what was appended up to then is meant */
} Flush;

typedef struct Flushes {
        Flush *list;
        size_t n;
} Flushes;

int flushes_add(Flushes *f, DoneFn done, void *userdata, usec_t now); /* 0, -ENOMEM */
usec_t flushes_until(const Flushes *f); /* what was appended up to then leaves at once */
/* Answers those for whom is_past() says that nothing up to their time is left. */
void flushes_step(Flushes *f, bool (*is_past)(void *userdata, usec_t appended_usec), void *userdata);
void flushes_end(Flushes *f, const char *why); /* answers all: not connected */
void flushes_done(Flushes *f);
