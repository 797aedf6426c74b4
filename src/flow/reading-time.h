/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Reading time - what a time that was a guess becomes once more is known
 *
 * Pure.
 */

#include "model/reading.h"
#include "queue/queue.h"

/* A time that was a guess when the reading was taken is made good by that of its append, or is told as a guess.
 * appended_usec: wall clock; 0: not known. */
void reading_time_make_out(Reading *reading, usec_t appended_usec, QueueTime how_well);
