/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Fill - from the files' tree to the structs, row by row
 */

#include "daemon/settings.h"

/* Fills settings from its tree, defaults included. What does not fit becomes a problem and leaves the
 * default. -ENOMEM. */
int settings_fill(Settings *s, const char *state_dir, Problems *problems);

/* Frees what settings_fill() made. */
void settings_empty(Settings *s);
