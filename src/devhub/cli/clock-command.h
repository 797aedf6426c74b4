/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Clock command - what the running server takes for the time, and moving it
 */

#include "base/clock.h"
#include "devhub/hub/state-dir.h"

/* Prints the time. advance_usec 0: only that. The program's exit status. */
int clock_command(const StateDir *dir, usec_t advance_usec);
