/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Unit fate - why hublinkd does not run, by what systemd says of its unit
 *
 * A service that ends before its program begins leaves no word of its own: systemd's exit status alone tells that a
 * credential, a folder or a user was missing.
 *
 * Pure.
 */

#include "base/buffer.h"

/* Properties of the unit, by their names. */
typedef struct UnitFate {
        char load[32], active[32], sub[32], result[32];
        int status; /* ExecMainStatus */
        unsigned restarts;
} UnitFate;

/* A part of a sentence each: what keeps it from running, and what to do. False: nothing but that somebody stopped it,
 * or never started it. */
bool unit_fate_put(Buffer *what, Buffer *remedy, const UnitFate *fate);
