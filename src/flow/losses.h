/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Losses - records that leave the queue without having reached the hub, by a named reason
 *
 * Each is told in the log: the first at once, the rest by their count.
 */

#include "base/throttle.h"
#include "model/message.h"
#include "queue/queue.h"

typedef struct Losses {
        Queue *queue;
        Throttle expired, damaged, refused, taken_apart;
} Losses;

void losses_expired(Losses *l, unsigned stream, uint64_t epoch, uint64_t first, uint64_t last, usec_t now);
void losses_damaged(Losses *l, unsigned stream, uint64_t epoch, uint64_t n, usec_t now);
/* These are settled by others. The hub can never take it: a dead letter. */
void losses_set_aside(Losses *l, const Message *message, Outcome outcome, usec_t now);
const char *losses_why(Outcome outcome); /* of a dead letter, in words */
/* It breaks the link: its parts are tried. */
void losses_taken_apart(Losses *l, const Message *message, usec_t now);
