/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * seed, dump, reset - a hub's content as one document, and a hub without any
 *
 * They give the program's exit status.
 */

#include "devhub/hub/state-dir.h"

int seed_command(StateDir *dir, const char *path, bool replace);
/* path NULL or "-": standard output; another is made readable by its owner alone. */
int dump_command(StateDir *dir, const char *path, bool with_secrets);
/* Refused while a server runs. Unless it is sure, a terminal is asked. */
int reset_command(StateDir *dir, bool all, bool sure);
