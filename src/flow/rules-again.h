/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Rule again - a line of a growing file that was refused, and is given once more
 *
 * Of its channels some may have gone, or are in a window: those are not taken twice.
 *
 * Pure.
 */

#include "model/reading.h"

/* All zero: none was refused. */
typedef struct RuleAgain {
        Name source;
        uint64_t serial;   /* of its position */
        uint32_t place;
        uint64_t channels; /* 1 << place: of those that were refused */
} RuleAgain;

/* After it was taken, with those that were refused of it. */
void rule_again_note(RuleAgain *a, const Reading *reading, uint64_t refused);
/* Which of its channels are to be taken. */
uint64_t rule_again_channels(const RuleAgain *a, const Reading *reading);
