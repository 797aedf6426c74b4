/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Scan - a look over a settings file before libconfig reads it
 *
 * For what libconfig 1.5 keeps to itself: it cuts an integer of more than 32 bits down without a word unless
 * an L stands behind it (5000000000 becomes 705032704), makes 1e400 infinite, and of a missing brace or quote it
 * knows only where the file ends. The copy made here has those L; brackets and quotes are matched with the lines
 * where they began.
 */

#include "base/buffer.h"
#include "daemon/problems.h"

/* Appends a copy of text for libconfig to b. Returns true when all is well as far as this can see. */
bool settings_scan(const char *text, size_t size, Place file, Buffer *b, Problems *problems);
