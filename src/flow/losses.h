/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Losses - records that leave the queue without having reached the hub, by a named reason
 *
 * Each is settled, and told in the log: the first at once, the rest by their count.
 */

#include "base/throttle.h"
#include "model/message.h"
#include "queue/queue.h"

typedef struct Losses {
        Queue *queue;
        Throttle expired, damaged, refused;
} Losses;

void losses_expired(Losses *l, unsigned stream, uint64_t epoch, uint64_t first, uint64_t last, usec_t now);
void losses_damaged(Losses *l, unsigned stream, uint64_t epoch, uint64_t n, usec_t now);
/* The hub can never take it: a dead letter. outcome: too large, or bad property. */
void losses_set_aside(Losses *l, unsigned stream, const Message *message, Outcome outcome, usec_t now);
