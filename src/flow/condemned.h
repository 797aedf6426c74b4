/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Condemned - records that wait until the dead letters have room for them
 *
 * Only ranges: the records are in the uplink's hand and still on disk, and come again after a restart. A range may
 * span records that have an outcome already: those keep it. So what stands between good ones becomes one range as
 * those are acknowledged, and the list stays short however much it holds.
 *
 * Knows:  the queue, for what has an outcome.
 */

#include "queue/queue.h"

#define CONDEMNED_MAX 64

typedef struct Sentence {
        unsigned stream;
        uint64_t first, last;
        usec_t appended_usec; /* boot clock: its first record */
        Outcome why;
} Sentence;

typedef struct Condemned {
        Sentence list[CONDEMNED_MAX];
        size_t n;
} Condemned;

/* False: there is no room. */
bool condemned_add(Condemned *c, const Queue *queue, const Sentence *sentence);
void condemned_drop_first(Condemned *c);
/* Holds nothing that was appended up to then. */
bool condemned_is_past(const Condemned *c, usec_t appended_usec);
