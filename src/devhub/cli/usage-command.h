/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Usage command - what the running hub has billed today, and what its tier held back
 */

#include "devhub/hub/state-dir.h"

/* Gives the program's exit status. */
int usage_command(const StateDir *dir, bool json);
