/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Neighbours - who was beside a growing file before it was rotated
 *
 * Of a name alone it cannot be told whether "x-20261121.log" was x.log once: it may be a log of its own, or somebody's
 * copy. But what was there while x.log had its name did not come after it. A file is the same one for as long as its
 * name, its number and its birth are; a number alone is soon given to another.
 *
 * Blocks: for a worker's thread.
 *
 * Owns:   eight bytes for each.
 */

#include "sensor/rotated.h"

typedef struct Neighbours {
        uint64_t *keys;
        size_t n;
        uint64_t listed; /* the time of the folder; 0: never */
} Neighbours;

void neighbours_done(Neighbours *n);

/* Those beside the path. 0: nothing was made, moved or removed in the folder since the known ones were listed; 1: ret
 * has them; or a negative errno. */
int neighbours_list(const Neighbours *known, const char *path, Neighbours *ret);
/* Takes the newer ones. */
void neighbours_renew(Neighbours *n, Neighbours *newer);

bool neighbours_have(const Neighbours *n, const Rotated *file);
