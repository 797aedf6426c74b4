/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * CA command - the authorities whose devices are let in, whether a server runs or not
 */

#include "devhub/hub/state-dir.h"

/* All return the program's exit status. file: PEM. */
int ca_add(StateDir *dir, const char *name, const char *file);
int ca_list(StateDir *dir, bool json);
int ca_delete(StateDir *dir, const char *name);
