/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Fault command - tells the running server to misbehave, or to stop it
 */

#include "devhub/cli/arguments.h"

/* All return the program's exit status. */
int fault_set(const StateDir *dir, const Arguments *arguments);
int fault_list(const StateDir *dir, bool json);
int fault_clear(const StateDir *dir, const char *name); /* NULL: all */
