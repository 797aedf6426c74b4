/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Dead index - what the store of dead letters holds, without the payloads
 *
 * In the order of the ids. Bounded by whoever adds. Pure.
 *
 * Owns:   its texts.
 */

#include "model/sink.h"

typedef struct DeadIndex {
        DeadLetter *letters;
        bool *leaving; /* beside them: being requeued */
        size_t n, allocated;
        uint64_t bytes; /* of their records */
} DeadIndex;

void dead_index_done(DeadIndex *x);
/* Copies the texts. One that is there already stays as it is. -ENOMEM */
int dead_index_add(DeadIndex *x, const DeadLetter *letter);
/* Those with ids in [first, last], wherever they are. */
void dead_index_remove(DeadIndex *x, uint64_t first, uint64_t last);
/* Its place, or x->n. */
size_t dead_index_find(const DeadIndex *x, uint64_t id);
/* The record of that name, whatever its id; or x->n. */
size_t dead_index_find_origin(const DeadIndex *x, const char *stream, uint64_t epoch, uint64_t n);
