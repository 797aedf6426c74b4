/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Fill - from the files' tree to the structs, row by row
 */

#include "daemon/settings-table.h"
#include "daemon/settings.h"

/* Fills settings from its tree, defaults included. What does not fit becomes a problem and leaves the
 * default. -ENOMEM. */
int settings_fill(Settings *s, const char *state_dir, Problems *problems);

/* Frees what settings_fill() made. */
void settings_empty(Settings *s);

/* The same for another table: base is the struct of its rows, noun what the tree as a whole is called. */
int settings_fill_rows(const SettingsRow *rows, Node *tree, void *base, const char *noun, Problems *problems);
void settings_empty_rows(const SettingsRow *rows, void *base);
