/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Tail cut - was a file copied and cut, though it seems to hold what was read of it?
 *
 * Where lines are alike, a file that was cut and has grown again looks as it did before. Only a copy beside it, younger
 * than the last read, tells. A file that was not cut holds all that its copy holds; so one that does not was cut, for
 * certain. One that does, and whose lines are alike, may be either: then it was cut more likely than not, for that is
 * what such copies are made for, and to read lines twice is better than to lose them.
 *
 * Blocks: for a worker's thread.
 */

#include <stdbool.h>
#include <stdint.h>

typedef enum TailCut {
        TAIL_CUT_NOT,
        TAIL_CUT_PERHAPS,
        TAIL_CUT_SURELY,
} TailCut;

/* Both hold the same up to the offset, as far as was looked. */
TailCut tail_cut_judge(int fd, int copy, uint64_t offset);

/* Can what lies before the offset be known again? Where it is short, or comes more than once, another file may begin
 * just so. */
bool tail_cut_is_unmistakable(int fd, uint64_t offset);
