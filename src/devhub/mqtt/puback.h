/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * PUBACKs - what the hub owes to a client
 *
 * In the order of receipt: none leaves before the message is stored and its time has come, nor before those ahead of
 * it. Pure.
 *
 * Owns:   its memory.
 * Time:   boot clock, given with each call.
 */

#include "base/buffer.h"
#include "base/clock.h"

#define PUBACKS_MAX UINT16_MAX /* there are no more packet identifiers */

typedef struct Puback Puback;

typedef struct Pubacks {
        Puback *owed;
        size_t n, n_allocated;
        size_t n_unstored; /* they are the last */
} Pubacks;

/* delay_usec: how long after it is stored. -ENOMEM. */
int pubacks_owe(Pubacks *p, uint16_t id, usec_t delay_usec);
void pubacks_stored(Pubacks *p, usec_t now); /* all that are owed so far */
void pubacks_write(Pubacks *p, usec_t now, Buffer *b); /* what is due */
usec_t pubacks_deadline(const Pubacks *p); /* USEC_INFINITY: nothing is stored */
void pubacks_forget(Pubacks *p);
void pubacks_done(Pubacks *p);
